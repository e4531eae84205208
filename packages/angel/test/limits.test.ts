import { assert, describe, it } from "@effect/vitest"
import * as AngelApi from "@auth/angel/AngelApi"
import * as AngelAuth from "@auth/angel/AngelAuth"
import { FakeAngel } from "@auth/angel/msw"
import * as Login from "@auth/broker-core/login/Login"
import type { FakeBroker } from "@auth/broker-core/testing/FakeBroker"
import * as TestHttp from "@auth/broker-core/testing/TestHttp"
import * as Duration from "effect/Duration"
import type * as Session from "@auth/broker-core/login/Session"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as TestClock from "effect/testing/TestClock"
import { credentials, loginRequest, morning, reasonOf } from "./support.ts"

const layer = (fake: FakeBroker, options: AngelAuth.Options = {}) =>
  AngelAuth.layer({ ...options, credentials }).pipe(Layer.provide(TestHttp.layerFake(fake)))

const login = (clientcode: string) =>
  Effect.flatMap(AngelApi.AngelApi, (api) => Effect.result(api.loginByPassword({ ...loginRequest, clientcode })))

/** Step of the test clock in `TestHttp.settle`, in milliseconds. The fake can receive a call one step late. */
const tick = 1000

/** The times are in milliseconds after the first matching request. */
const timesOf = (fake: FakeBroker, endpoint: string, matching = "") =>
  Effect.map(fake.journal, (journal) => {
    const requests = journal.filter((entry) => entry.endpoint === endpoint && entry.body.includes(matching))
    return requests.map(({ at }) => at - (requests[0]?.at ?? 0))
  })

/** Each row: the endpoint, its documented calls per second for one client code, and a call. */
const limits: ReadonlyArray<
  readonly [string, number, (session: Session.Authorized) => Effect.Effect<unknown, unknown, AngelApi.AngelApi>]
> = [
  ["loginByPassword", 1, () => login("A123456")],
  [
    "generateTokens",
    1,
    (session) =>
      Effect.flatMap(AngelApi.AngelApi, (api) => api.generateTokens({ refreshToken: Redacted.make("old") }, session))
  ],
  ["getProfile", 3, (session) => Effect.flatMap(AngelApi.AngelApi, (api) => api.getProfile(session))],
  ["getRMS", 2, (session) => Effect.flatMap(AngelApi.AngelApi, (api) => api.getRMS(session))],
  ["logout", 1, (session) => Effect.flatMap(AngelApi.AngelApi, (api) => api.logout({ clientcode: "A123456" }, session))]
]

describe("the client's rate limiter", () => {
  it.effect("sends logins to one account more than one second apart", () =>
    Effect.gen(function* () {
      const fake = yield* FakeAngel.make()
      const both = Effect.all([login("A123456"), login("A123456")], { concurrency: "unbounded" })
      yield* TestHttp.settle(Effect.provide(both, layer(fake)))
      const [first, second = 0] = yield* timesOf(fake, "loginByPassword")
      assert.strictEqual(first, 0)
      assert.isTrue(second > 1000 && second <= 1000 + tick, `the second login was sent after ${second} ms`)
    })
  )

  it.effect("counts the logins of each account separately", () =>
    Effect.gen(function* () {
      const fake = yield* FakeAngel.make()
      const all = Effect.forEach(["A123456", "A123456", "A123456", "B654321"], login, { concurrency: "unbounded" })
      yield* TestHttp.settle(Effect.provide(all, layer(fake)))
      const journal = yield* fake.journal
      const other = journal.find(({ body }) => body.includes("B654321"))
      assert.strictEqual(other?.at, journal[0]?.at)
      assert.strictEqual((yield* timesOf(fake, "loginByPassword", "A123456")).length, 3)
    })
  )

  it.effect("does not send a login that would wait longer than queueTimeout", () =>
    Effect.gen(function* () {
      const fake = yield* FakeAngel.make()
      const program = Effect.gen(function* () {
        yield* login("A123456")
        const api = yield* AngelApi.AngelApi
        const error = yield* Effect.flip(api.loginByPassword(loginRequest))
        assert.strictEqual((yield* fake.journal).length, 1)
        yield* TestClock.adjust(error.retryAfter ?? Duration.zero)
        yield* login("A123456")
        return error
      })
      const error = yield* Effect.provide(program, layer(fake, { queueTimeout: "500 millis" }))
      const reason = reasonOf(error, "RateLimited")
      assert.strictEqual(reason.by, "client")
      assert.strictEqual(error.isRetryable, true)
      const wait = Duration.toMillis(error.retryAfter ?? Duration.zero)
      assert.isTrue(wait >= 1000 && wait <= 1100, `the error states a wait of ${wait} ms`)
      assert.strictEqual((yield* fake.journal).length, 2)
    })
  )

  for (const [endpoint, perSecond, call] of limits) {
    it.effect(`sends concurrent calls to ${endpoint} at ${perSecond} per second`, () =>
      Effect.gen(function* () {
        yield* TestClock.setTime(morning)
        const fake = yield* FakeAngel.make()
        const program = Effect.gen(function* () {
          const session = yield* Login.session
          yield* TestClock.adjust("10 seconds")
          const calls = Array.from({ length: 8 }, () => Effect.result(call(session)))
          yield* TestHttp.settle(Effect.all(calls, { concurrency: "unbounded" }))
        })
        yield* Effect.provide(program, layer(fake, { queueTimeout: "1 minute" }))
        const asked = (yield* fake.journal).filter((entry) => entry.endpoint === endpoint).slice(-8)
        assert.strictEqual(asked.length, 8)
        assert.notInclude(
          asked.map(({ status }) => status),
          403
        )
        for (const [index, { at }] of asked.entries()) {
          const waited = at - (asked[0]?.at ?? 0)
          const seconds = Math.floor(index / perSecond)
          const most = seconds * 1100 + (seconds === 0 ? 0 : tick)
          assert.isTrue(waited >= seconds * 1000 && waited <= most, `call ${index} was sent after ${waited} ms`)
        }
      })
    )
  }

  it.effect(
    "sends at most 1000 profile requests in an hour",
    () =>
      Effect.gen(function* () {
        yield* TestClock.setTime(morning)
        const fake = yield* FakeAngel.make()
        const program = Effect.gen(function* () {
          const session = yield* Login.session
          const api = yield* AngelApi.AngelApi
          for (let count = 0; count < 1000; count += 1) {
            yield* api.getProfile(session)
            yield* TestClock.adjust("400 millis")
          }
          return yield* Effect.flip(api.getProfile(session))
        })
        const error = yield* Effect.provide(program, layer(fake))
        assert.strictEqual(reasonOf(error, "RateLimited").by, "client")
        const wait = Duration.toMillis(error.retryAfter ?? Duration.zero)
        assert.isTrue(wait >= 3_200_000 && wait < 3_201_000, `the error states a wait of ${wait} ms`)
        assert.strictEqual((yield* timesOf(fake, "getProfile")).length, 1000)
      }),
    30_000
  )
})
