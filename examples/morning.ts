/** Run this program before the market opens. It logs in to several accounts, and prints the progress. */
import * as MotilalAuth from "@auth/motilal/MotilalAuth"
import * as Connections from "@auth/node/Connections"
import * as RmoneyAuth from "@auth/rmoney/RmoneyAuth"
import * as SamcoAuth from "@auth/samco/SamcoAuth"
import { createInterface } from "node:readline/promises"

const terminal = createInterface({ input: process.stdin, output: process.stdout })
let lastAnswer: Promise<unknown> = Promise.resolve()

const connections = await Connections.open({
  accounts: { mine: MotilalAuth.layerConfig(), family: SamcoAuth.layerConfig(), business: RmoneyAuth.layerConfig() },
  // Asks the user for a code that the broker sent by SMS. Several logins run at once, but `terminal` can ask only one
  // question at a time.
  codes: ({ account, signal }) => {
    const ask = () => terminal.question(`Code from ${account.broker} for ${account.id}: `, { signal })
    const answer = lastAnswer.then(ask)
    lastAnswer = answer.catch(() => undefined)
    return answer
  }
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
