import { assert, it } from "@effect/vitest"
import { FakeSamco } from "@auth/samco/msw"
import { Simulator } from "@auth/simulator"
import * as Effect from "effect/Effect"
import { errorOf, post, send } from "./support.ts"

const samco = "https://tradeapi.samco.in"
const { apiKey, apiSecret } = FakeSamco.demoAccount

const login = (simulator: Simulator.Info) =>
  Effect.map(
    send(`${simulator.origins[samco]}/session/token`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ apiKey, apiSecret })
    }),
    ({ text }) => (JSON.parse(text) as { readonly sessionToken: string }).sessionToken
  )

const funds = (simulator: Simulator.Info, token: string) =>
  Effect.map(
    send(`${simulator.origins[samco]}/limit/getLimits`, { headers: { "x-session-token": token } }),
    ({ status }) => status
  )

it.live("a snapshot restores sessions and clock in a simulator with the same seed", () =>
  Effect.gen(function* () {
    const first = yield* Simulator.make()
    yield* first.advance("2 days")
    const token = yield* login(first)
    const { text } = yield* send(`${first.control}/snapshot`)
    const second = yield* Simulator.make()
    assert.strictEqual(yield* funds(second, token), 401)
    const restored = yield* post(`${second.control}/restore`, text)
    assert.strictEqual(restored.status, 200)
    assert.include(restored.text, '"aheadMillis":172800000')
    assert.strictEqual(yield* funds(second, token), 200)
    assert.strictEqual((yield* send(`${second.control}/snapshot`)).text, text)
    yield* first.reset
    assert.strictEqual(yield* funds(first, token), 401)
    assert.strictEqual((yield* post(`${first.control}/restore`, text)).status, 200)
    assert.strictEqual(yield* funds(first, token), 200)
  })
)

it.live("an invalid snapshot is refused and changes nothing", () =>
  Effect.gen(function* () {
    const simulator = yield* Simulator.make()
    const token = yield* login(simulator)
    const { text } = yield* send(`${simulator.control}/snapshot`)
    const whole = JSON.parse(text) as Readonly<Record<string, unknown>>
    const broken: ReadonlyArray<unknown> = [
      "{",
      "null",
      "[]",
      {},
      { ...whole, aheadMillis: 5 },
      { ...whole, version: 2 },
      { ...whole, extra: 1 },
      { ...whole, brokers: {} },
      text.replace(token, "another-token")
    ]
    for (const snapshot of broken) {
      const answer = yield* post(`${simulator.control}/restore`, snapshot)
      assert.strictEqual(answer.status, 400)
      assert.notInclude(errorOf(answer), token)
      assert.strictEqual(yield* funds(simulator, token), 200)
    }
    assert.strictEqual((yield* send(`${simulator.control}/snapshot`)).text, text)
  })
)

it.live("a snapshot is refused if its accounts differ from the simulator's", () =>
  Effect.gen(function* () {
    const simulator = yield* Simulator.make({ seed: { brokers: { samco: { accounts: [{ userId: "S1" }] } } } })
    const other = yield* Simulator.make()
    const refused = yield* Effect.flip(other.restore(yield* simulator.snapshot))
    assert.include(refused.message, "the same seed")
  })
)
