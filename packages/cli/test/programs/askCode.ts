/** Asks for a one-time code in the same way as `broker-auth login`. */
import * as AuthError from "@auth/broker-core/login/AuthError"
import { codes } from "../../src/internal/login.ts"

let resends = 0

const code = await codes({
  account: { broker: "rmoney", environment: "production", id: "R1", app: "app" },
  kinds: ["otp"],
  destinations: ["xxxx1234"],
  digits: 6,
  attemptsLeft: 3,
  expiresAt: undefined,
  get resendAt() {
    return resends < 2 ? 0 : undefined
  },
  refused: undefined,
  resend: async () => {
    resends += 1
    if (resends === 2) throw AuthError.make("rmoney", "resend", new AuthError.BrokerUnavailable({ why: "network" }))
  },
  signal: new AbortController().signal
})
console.log(`the code is ${code}, after ${resends} resends`)
