/**
 * Logs in to Motilal Oswal without a TOTP secret. The user receives a one-time code by SMS and email, and enters it at
 * the terminal.
 */
import * as MotilalAuth from "@auth/motilal/MotilalAuth"
import * as Connection from "@auth/node/Connection"
import { createInterface } from "node:readline/promises"

const terminal = createInterface({ input: process.stdin, output: process.stdout })

const motilal = await Connection.open(MotilalAuth.layerConfig(), {
  codes: ({ destinations, refused, signal }) => {
    // After a wrong code, this function is called again.
    if (refused !== undefined) console.log(refused.message)
    return terminal.question(`Code sent to ${destinations.join(" and ") || "your mobile"}: `, { signal })
  }
})

const { name } = await motilal.profile()
console.log(`Logged in: ${name}`)
await motilal.close()
terminal.close()
