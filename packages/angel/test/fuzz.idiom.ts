import type { Fuzz } from "@auth/broker-core/testing"

/** How the broker talks, for answers that it would never give. */
export const idiom: Fuzz.Idiom = {
  names: ["status", "success", "message", "errorcode", "errorCode", "data", "jwtToken"],
  words: ["AB1050", "AG8001", "Access denied because of exceeding access rate"],
  dataField: "data",
  answers: [
    (_, { echo, padded }) => `{"status":false,"message":"${padded()}","errorcode":"${echo()}","data":"${echo()}"}`,
    (_, { dice, echo }) =>
      `{"success":${dice.pick(["false", "true"])},"message":"${echo()}","errorCode":"AG8001","data":"${echo()}"}`
  ]
}
