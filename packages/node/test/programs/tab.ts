/**
 * When the file `gate` exists, runs `BrowserLogin.run` with a fake login. The fake login appends its process id to the
 * file `tabs`.
 */
import * as AngelAuth from "@auth/angel/AngelAuth"
import * as AngelPublisher from "@auth/angel/AngelPublisher"
import * as BrowserLogin from "@auth/broker-core/session/BrowserLogin"
import * as Connection from "@auth/node/Connection"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import { appendFileSync, existsSync } from "node:fs"

const [folder = "", tabs = "", gate = ""] = process.argv.slice(2)

const credentials = {
  clientCode: "A123456",
  apiKey: Redacted.make("demoTrd1"),
  redirectUrl: "https://app.example.com/callback"
}

const login = Effect.gen(function* () {
  appendFileSync(tabs, `${process.pid}\n`)
  yield* Effect.sleep("3 seconds")
  return AngelAuth.fromTokens({
    userId: credentials.clientCode,
    accessToken: Redacted.make(`token-${process.pid}`),
    issuedAt: Date.now()
  })
})

await using connection = await Connection.open(AngelPublisher.layer({ credentials }), { folder })
console.log("ready")
while (!existsSync(gate)) await new Promise((resolve) => setTimeout(resolve, 5))
const session = await connection.run(BrowserLogin.run(login))
console.log(Connection.reveal(session.tokens.access))
