import { assert, it } from "@effect/vitest"
import type { Fault } from "@auth/broker-core/testing/FakeBroker"
import * as Effect from "effect/Effect"
import { linesOf, run, timeout, world } from "./support.ts"
import { valuesOf, ways } from "./ways.ts"

const angel = ways[0]!

interface Finding {
  readonly check: string
  readonly ok: boolean
  readonly text: string
}

const problems = (printed: string): ReadonlyArray<readonly [string, string]> =>
  (JSON.parse(printed) as ReadonlyArray<Finding>).flatMap(({ check, ok, text }) => (ok ? [] : [[check, text] as const]))

const faults: ReadonlyArray<readonly [title: string, fault: Fault, check: string, says: RegExp, code: number]> = [
  ["a firewall", { kind: "waf" }, "network", /its firewall blocked/, 8],
  ["a broker that is down", { kind: "status", status: 503 }, "network", /HTTP 503/, 9],
  ["a broken connection", { kind: "reset" }, "network", /not available/, 9],
  [
    "a wrong clock",
    { kind: "answer", status: 200, body: "{}", headers: { date: "Fri, 20 Nov 2026 04:00:00 GMT" } },
    "clock",
    /ahead of the broker's/,
    7
  ]
]

it.live(
  "tells apart what can prevent a login",
  () =>
    Effect.gen(function* () {
      const { simulator, user } = yield* world({ brokers: ["angel"] })
      const account = simulator.brokers["angel"]?.accounts[0] ?? {}
      const add = ["add", "angel", "--method", "totp"]
      const values = { ...valuesOf(angel, account), ANGEL_PIN: "env:MY_PIN" }
      const env = { MY_PIN: account["pin"] ?? "" }
      assert.strictEqual((yield* run(user, add, { input: linesOf(values), env })).code, 0)
      const doctor = (more: Readonly<Record<string, string>> = {}) =>
        run(user, ["doctor", "--json"], { env: { ...env, ...more } })

      const well = yield* doctor()
      assert.deepStrictEqual([well.code, problems(well.stdout)], [0, []], well.stderr)
      assert.notInclude(
        (yield* simulator.journal()).map(({ endpoint }) => endpoint),
        "loginByPassword"
      )

      for (const [title, fault, check, says, code] of faults) {
        yield* simulator.inject("angel", "*", fault)
        const found = yield* doctor()
        const [[name, text] = ["", ""]] = problems(found.stdout)
        assert.deepStrictEqual([name, found.code], [check, code], `${title}: ${found.stdout}`)
        assert.match(text, says, title)
        yield* simulator.reset
      }

      const wrongShape = yield* doctor({ MY_PIN: "1234567" })
      assert.deepStrictEqual([wrongShape.code, problems(wrongShape.stdout)[0]?.[0]], [5, "credentials"])
      assert.notInclude(wrongShape.stdout, "1234567")

      assert.strictEqual((yield* run(user, ["login"], { env })).code, 0)
      yield* simulator.reset
      const dead = yield* doctor()
      assert.deepStrictEqual([dead.code, problems(dead.stdout)[0]?.[0]], [7, "session"], dead.stdout)
      const text = yield* run(user, ["doctor"], { env })
      assert.match(text.stdout, /^ok {2}credentials: .*\n[\s\S]*^PROBLEM {2}session: /m)
    }),
  { tags: ["thorough"], timeout: 2 * timeout }
)
