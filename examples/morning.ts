/** Run this program before the market opens. It logs in to several accounts, and prints the progress. */
import * as MotilalAuth from "@auth/motilal/MotilalAuth"
import * as Connections from "@auth/node/Connections"
import * as RmoneyAuth from "@auth/rmoney/RmoneyAuth"
import * as SamcoAuth from "@auth/samco/SamcoAuth"
import { createInterface } from "node:readline/promises"

const terminal = createInterface({ input: process.stdin, output: process.stdout })

const connections = await Connections.open({
  accounts: { mine: MotilalAuth.layerConfig(), family: SamcoAuth.layerConfig(), business: RmoneyAuth.layerConfig() },
  // Asks the user for a code that the broker sent by SMS.
  codes: ({ account, signal }) => terminal.question(`Code from ${account.broker} for ${account.id}: `, { signal })
})

for await (const { done, error, name, session, total } of connections.warm()) {
  console.log(`${done} of ${total}: ${name}: ${session?.account.id ?? error?.message}`)
}

// If one account fails, the other accounts can still be used.
const family = await connections.account("family")
const answer = await family.fetch("https://tradeapi.samco.in/limit/getLimits")
console.log(await answer.json())
await connections.close()
terminal.close()
