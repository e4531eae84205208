import type { Fuzz } from "@auth/broker-core/testing"

/** How the broker talks, for answers that it would never give. */
export const idiom: Fuzz.Idiom = {
  names: [
    "status",
    "statusMessage",
    "message",
    "validationErrors",
    "errorCode",
    "data",
    "sessionToken",
    "access_token",
    "expires_in"
  ],
  words: ["EOAUTH012", "EOAUTH030", "Invalid API key"],
  dataField: "data",
  answers: [
    (_, { dice, echo, padded }) =>
      `{"status":"Failure","${dice.pick(["statusMessage", "message"])}":"${padded()}","errorCode":"${echo()}","data":"${echo()}"}`,
    (_, { echo }) => `{"status":"Failure","validationErrors":["OTP ${echo()}","${echo()}"]}`,
    (_, { dice, echo }) =>
      `{"status":"${dice.pick(["Failure", "Success", "Error"])}","message":"Authorization code already used ${echo()}","errorCode":"EOAUTH012","data":{"redirectTo":"${echo()}"}}`
  ]
}
