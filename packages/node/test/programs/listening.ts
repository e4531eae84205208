/** Listens to the events of a connection, and never closes the connection. */
import { FakeAngel } from "@auth/angel/msw"
import * as AngelAuth from "@auth/angel/AngelAuth"
import { TestHttp } from "@auth/broker-core/testing"
import * as Connection from "@auth/node/Connection"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"

const [folder = ""] = process.argv.slice(2)
const { apiKey, clientCode, pin, totpSecret } = FakeAngel.demoAccount

process.on("exit", () => console.log("ends"))

const fake = await Effect.runPromise(FakeAngel.make())
const layer = AngelAuth.layer({
  credentials: { clientCode, pin: Redacted.make(pin), apiKey: Redacted.make(apiKey), totp: Redacted.make(totpSecret) }
})
const connection = await Connection.open(layer, {
  folder,
  client: TestHttp.layerRespond(async (request) => {
    await new Promise((resolve) => setTimeout(resolve, 100))
    return fake.respond(request)
  })
})
const read = async () => {
  for await (const _ of connection.changes);
}
connection.on("needs-person", () => undefined)
void read()
console.log("waiting")
await connection.session()
console.log("logged in")
