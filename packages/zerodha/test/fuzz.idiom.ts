import type { Fuzz } from "@auth/broker-core/testing"

/** How the broker talks, for answers that it would never give. */
export const idiom: Fuzz.Idiom = {
  names: ["status", "message", "error_type", "data", "access_token", "refresh_token", "user_id", "login_time"],
  words: ["TokenException", "NetworkException", "Invalid `checksum`."],
  dataField: "data",
  answers: [
    (_, { dice, echo, padded }) =>
      `{"status":"error","message":"${padded()}","error_type":"${dice.pick(["TokenException", echo()])}","data":"${echo()}"}`,
    (_, { echo }) =>
      `{"status":"error","message":"Missing or invalid field \`${echo()}\`","error_type":"InputException"}`,
    (_, { dice, echo }) =>
      `{"status":"${dice.pick(["error", "success"])}","message":"IP (${echo()}) is not allowed","error_type":"PermissionException","data":{"access_token":"${echo()}"}}`
  ]
}
