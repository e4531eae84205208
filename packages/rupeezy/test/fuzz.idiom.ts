import type { Fuzz } from "@auth/broker-core/testing"

/** How the broker talks, for answers that it would never give. */
export const idiom: Fuzz.Idiom = {
  names: [
    "status",
    "message",
    "code",
    "data",
    "access_token",
    "login_time",
    "user_id",
    "others",
    "nse",
    "exchange_combined",
    "response"
  ],
  words: ["error", "IP_NOT_ALLOWED", "Invalid credentials", "2023-Mar-29 13:10:50"],
  dataField: "data",
  answers: [
    (_, { echo, padded }) => `{"status":"error","message":"${padded()}","code":"${echo()}","data":"${echo()}"}`,
    (_, { dice, echo }) =>
      `{"status":"error","message":"${dice.pick(["Invalid TOTP", "blocked", "Wrong password", ""])} ${echo()}"}`,
    (_, { dice, echo }) =>
      `{"status":"${dice.pick(["error", "success"])}","message":"${echo()}","response":"${echo()}"}`
  ]
}
