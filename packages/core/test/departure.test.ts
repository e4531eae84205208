import * as Decode from "@auth/broker-core/broker/Decode"
import * as Endpoint from "@auth/broker-core/broker/Endpoint"
import * as Expiry from "@auth/broker-core/login/Expiry"
import * as Session from "@auth/broker-core/login/Session"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import * as TestClock from "effect/testing/TestClock"
import { account } from "./support.ts"
import { connect, login as unlimited, loginOptions, yes } from "./tiny.ts"

const login = Endpoint.make({
  name: "login",
  method: "POST",
  path: "/login",
  token: "none",
  limits: [{ requests: 1, per: "1 second" }],
  request: Schema.Struct({ id: Decode.Text, pin: Decode.Secret }),
  response: Schema.Struct({ token: Schema.NonEmptyString })
})

/** 2026-11-22 00:00 IST. */
const midnight = Date.UTC(2026, 10, 21, 18, 30)

const fields = { account, method: "pin", expiry: Expiry.dailyAt("00:00") }
const toIssue = ({ token }: { readonly token: string }) => ({ tokens: { access: Redacted.make(token) } })

describe("a session's validity starts when the login is sent:", () => {
  it.effect("a login that the rate limit delays past midnight belongs to the new day", () =>
    Effect.gen(function* () {
      yield* TestClock.setTime(midnight - 500)
      const { client, seen } = yield* connect([() => yes()])
      yield* client.call(login, loginOptions)
      const second = yield* Effect.forkChild(
        Session.issue(fields, Effect.map(client.call(login, loginOptions), toIssue))
      )
      yield* TestClock.adjust("1100 millis")
      const session = yield* Fiber.join(second)
      assert.strictEqual(seen.length, 2)
      assert.strictEqual(session.issuedAt, midnight - 500 + 1050)
      assert.strictEqual(session.expiresAt, midnight + 86_400_000)
    })
  )

  it.effect("a login sent before midnight and answered after midnight belongs to the old day", () =>
    Effect.gen(function* () {
      yield* TestClock.setTime(midnight - 500)
      let answer = (): void => undefined
      const answered = new Promise<void>((resolve) => (answer = resolve))
      const { client, seen } = yield* connect([async () => (await answered, yes())])
      const issued = Session.issue(fields, Effect.map(client.call(unlimited, loginOptions), toIssue))
      const fiber = yield* Effect.forkChild(issued)
      while (seen.length === 0) yield* TestClock.withLive(Effect.sleep("1 millis"))
      yield* TestClock.adjust("1 second")
      answer()
      const session = yield* Fiber.join(fiber)
      assert.deepStrictEqual([session.issuedAt, session.expiresAt], [midnight - 500, midnight])
    })
  )

  it.effect("Session.withDeparture returns the time of a call's first request", () =>
    Effect.gen(function* () {
      yield* TestClock.setTime(midnight)
      const { client } = yield* connect([() => yes()])
      const once = client.call(unlimited, loginOptions)
      const twice = Effect.andThen(once, Effect.andThen(TestClock.adjust("5 seconds"), once))
      const [, first] = yield* Session.withDeparture(twice)
      const [, second] = yield* Session.withDeparture(twice)
      assert.deepStrictEqual([first, second], [midnight, midnight + 5000])
    })
  )

  it.effect("Session.withDeparture returns the start time of a call without requests", () =>
    Effect.gen(function* () {
      yield* TestClock.setTime(midnight)
      const [value, at] = yield* Session.withDeparture(Effect.as(TestClock.adjust("5 seconds"), "nothing"))
      assert.deepStrictEqual([value, at], ["nothing", midnight])
    })
  )
})
