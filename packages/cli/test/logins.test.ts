import { assert, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import { logIn } from "./logIn.ts"
import { linesOf, run, terminal, timeout, world } from "./support.ts"
import { valuesOf, ways } from "./ways.ts"

/** The ways that each test run checks. The others are slow together. */
const quick = new Set(["angel totp", "zerodha browser"])

for (const way of ways) {
  const title = `${way.broker} ${way.method}`
  it.live(
    `adds, logs in and prints the token, and the second run sends no login: ${title}`,
    () =>
      Effect.gen(function* () {
        const { simulator, user } = yield* world({ brokers: [way.broker] })
        const account = simulator.brokers[way.broker]?.accounts[way.account ?? 0] ?? {}
        const input = linesOf(valuesOf(way, account))
        const added = yield* run(user, ["add", way.broker, "--method", way.method, "--name", "mine"], { input })
        assert.strictEqual(added.code, 0, added.stderr)
        assert.strictEqual(added.stdout, "")
        assert.deepStrictEqual(yield* simulator.journal(), [], "an account was added, and something was sent")

        const first = yield* logIn(simulator, user, way)
        assert.strictEqual(first.code, 0, first.screen)
        assert.match(first.screen, /mine is logged in/)
        const endpoints = (yield* simulator.journal()).map(({ endpoint }) => endpoint)
        const logins = endpoints.filter((endpoint) => endpoint === way.login)
        assert.deepStrictEqual(logins, [way.login], endpoints.join(", "))
        const sent = endpoints.length

        const second = yield* run(user, ["login", "mine"])
        assert.strictEqual(second.code, 0, second.stderr)
        assert.match(second.stderr, /No login was sent/)
        const printed = yield* run(user, ["token", "mine"])
        assert.strictEqual(printed.code, 0, printed.stderr)
        assert.match(printed.stdout, /^\S{8,}\n$/)
        assert.strictEqual((yield* simulator.journal()).length, sent, "the second run sent something")
      }),
    { timeout, ...(quick.has(title) ? {} : { tags: ["thorough"] }) }
  )
}

it.live(
  "draws a QR code, and logs in when it is scanned",
  () =>
    Effect.gen(function* () {
      const { simulator, user } = yield* world({ brokers: ["rmoney"] })
      const input = linesOf({ RMONEY_ENVIRONMENT: "uat", RMONEY_USER_ID: "TEST101" })
      assert.strictEqual((yield* run(user, ["add", "rmoney", "--method", "qr", "--name", "mine"], { input })).code, 0)
      const origin = simulator.origins["https://webuat.rmoneyindia.co.in"] ?? ""
      const password = simulator.brokers["rmoney"]?.accounts[0]?.["password"] ?? ""
      const scan = Effect.gen(function* () {
        while (true) {
          yield* Effect.sleep("100 millis")
          const polls = (yield* simulator.journal()).filter(({ endpoint }) => endpoint === "qrLogin")
          const name = /"qrName":"([^"]+)"/.exec(polls[0]?.body ?? "")?.[1]
          if (name === undefined) continue
          const url = Redacted.make(`${origin}/qr-scan?qrName=${encodeURIComponent(name)}`)
          const body = new URLSearchParams({ userid: "TEST101", password })
          return yield* Effect.promise(() => fetch(Redacted.value(url), { method: "POST", body }))
        }
      })
      const logged = yield* Effect.raceFirst(terminal(user, ["login", "--qr"], []), Effect.andThen(scan, Effect.never))
      assert.strictEqual(logged.code, 0, logged.screen)
      assert.match(logged.screen, /█[\s\S]*Scan the QR code[\s\S]*mine is logged in/)
      const wrong = yield* run(user, ["login", "--paste"])
      assert.strictEqual(wrong.code, 0, "the session is live")
      assert.match((yield* run(user, ["token"])).stdout, /^\S{8,}\n$/)
    }),
  { tags: ["thorough"], timeout }
)
