/** Tests your own code against a fake Angel One, without a network. Run this test with `node --test unitTest.ts`. */
import * as AngelAuth from "@auth/angel/AngelAuth"
import { FakeAngel, handlers } from "@auth/angel/msw"
import * as Connection from "@auth/broker-core/session/Connection"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import { setupServer } from "msw/node"
import assert from "node:assert/strict"
import { after, before, test } from "node:test"

const { apiKey, clientCode, pin, totpSecret } = FakeAngel.demoAccount
const fake = Effect.runSync(FakeAngel.make())
const server = setupServer(...handlers(fake))
before(() => server.listen())
after(() => server.close())

const Angel = AngelAuth.layer({
  credentials: {
    clientCode,
    pin: Redacted.make(pin),
    apiKey: Redacted.make(apiKey),
    totp: Redacted.make(totpSecret)
  }
})

/** Your own code. */
const netFunds = async (angel: { fetch: (url: string) => Promise<Response> }): Promise<number> => {
  const answer = await angel.fetch("https://apiconnect.angelone.in/rest/secure/angelbroking/user/v1/getRMS")
  const { data } = (await answer.json()) as { data: { net: string } }
  return Number(data.net)
}

await test("reads the funds with one login", async () => {
  const angel = await Connection.open(Angel)
  assert.equal(await netFunds(angel), 9_999_999_999_999)
  await angel.close()
  const requests = Effect.runSync(fake.journal).map(({ endpoint }) => endpoint)
  assert.deepEqual(requests, ["loginByPassword", "getRMS"])
})
