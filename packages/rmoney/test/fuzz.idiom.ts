import type { Fuzz } from "@auth/broker-core/testing"

/** How the broker talks, for answers that it would never give. */
export const idiom: Fuzz.Idiom = {
  names: ["status", "stat", "message", "emsg", "result", "token", "accessToken", "userId"],
  words: ["Ok", "Not ok", "EC087", "Unauthorized", "Try again after 5 mins"],
  dataField: "result",
  answers: [
    (_, { echo, padded }) => `{"status":"Not ok","message":"${padded()}","result":["${echo()}"]}`,
    (_, { dice, echo }) =>
      `{"stat":"${dice.pick(["Ok", "Not_ok"])}","emsg":"${echo()}","clientId":"${echo()}","userSession":"${dice.pick(["", echo()])}"}`,
    (_, { echo }) => `{"status":"Ok","message":"${echo()}","result":{"status":"Failed","message":"${echo()}"}}`
  ]
}
