import * as AuthError from "@auth/broker-core/login/AuthError"
import * as Login from "@auth/broker-core/login/Login"
import * as SessionManager from "@auth/broker-core/session/SessionManager"
import type { FakeBroker } from "@auth/broker-core/testing"
import { TestHttp } from "@auth/broker-core/testing"
import * as Vault from "@auth/broker-core/session/Vault"
import { FakeMotilal } from "@auth/motilal/msw"
import * as MotilalAuth from "@auth/motilal/MotilalAuth"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as TestClock from "effect/testing/TestClock"
import { credentials } from "./support.ts"

/** 2026-11-24 06:00 IST. */
const cutOff = Date.UTC(2026, 10, 24, 0, 30)

const begin = Effect.fnUntraced(function* (
  overrides: Partial<MotilalAuth.MotilalCredentials> = {},
  options: { readonly fake?: FakeBroker.FakeBroker; readonly vault?: typeof Vault.layerMemory } = {}
) {
  yield* TestClock.setTime(cutOff - 3_600_000)
  const fake = options.fake ?? (yield* FakeMotilal.make())
  const layer = MotilalAuth.layer({ credentials: { ...credentials, ...overrides } }).pipe(
    Layer.provide(TestHttp.layerFake(fake))
  )
  const sessions = SessionManager.layer().pipe(
    Layer.provideMerge(layer),
    Layer.provide(options.vault ?? Vault.layerMemory)
  )
  const context = yield* Layer.build(sessions)
  const manager = yield* Effect.provide(SessionManager.SessionManager, context)
  return { fake, context, ...manager }
})

const asked = (fake: FakeBroker.FakeBroker) =>
  Effect.map(fake.journal, (entries) => entries.map(({ endpoint }) => endpoint))

describe("a managed session", () => {
  it.effect("is renewed by a TOTP login at 06:00 IST", () =>
    Effect.gen(function* () {
      const { fake, session } = yield* begin()
      const first = yield* session
      yield* TestClock.setTime(cutOff - 1)
      assert.strictEqual(yield* session, first)
      yield* TestClock.setTime(cutOff)
      assert.strictEqual((yield* session).expiresAt, cutOff + 86_400_000)
      const login = ["authdirectapi", "getaccesstoken"]
      assert.deepStrictEqual(yield* asked(fake), [...login, ...login])
    })
  )

  it.effect("is not renewed if the program cannot supply the SMS code", () =>
    Effect.gen(function* () {
      const { fake, renew } = yield* begin({ totp: undefined })
      for (let attempt = 0; attempt < 3; attempt += 1) {
        const error = yield* Effect.flip(renew())
        assert(AuthError.isAuthError(error) && error.reason._tag === "ActionRequired")
        assert.include(error.remedy, "Renewal.layerLoginWithStepUp")
      }
      assert.deepStrictEqual(yield* asked(fake), [])
      assert.deepStrictEqual(yield* fake.codes(credentials.userId), [])
    })
  )
})

describe("a login that the rate limit delays past 06:00 IST", () => {
  it.effect("returns a challenge that expires the next day", () =>
    Effect.gen(function* () {
      const { context } = yield* begin({ totp: undefined })
      yield* TestClock.setTime(cutOff - 500)
      const logins = yield* Effect.forEach([1, 2, 3], () => Effect.forkChild(Effect.provide(Login.login, context)))
      yield* TestClock.adjust("1100 millis")
      const outcomes = yield* Effect.forEach(logins, (login) => Fiber.join(login))
      const ends = outcomes.map((outcome) => (outcome._tag === "StepUpRequired" ? outcome.challenge.expiresAt : 0))
      assert.deepStrictEqual(ends, [cutOff, cutOff, cutOff + 86_400_000])
    })
  )
})

describe("a failed getaccesstoken request after a successful login", () => {
  const minutes = Effect.fnUntraced(function* (
    { session }: Pick<SessionManager.SessionManager["Service"], "session">,
    count: number
  ) {
    for (let second = 0; second < count * 60; second += 10) {
      yield* TestHttp.settle(Effect.result(session))
      yield* TestClock.adjust("10 seconds")
    }
  })

  const count = (fake: FakeBroker.FakeBroker, endpoint: string) =>
    Effect.map(asked(fake), (all) => all.filter((name) => name === endpoint).length)

  it.effect("is repeated without another login while the broker answers HTTP 503", () =>
    Effect.gen(function* () {
      const program = yield* begin()
      yield* program.fake.inject("getaccesstoken", { kind: "status", status: 503 }, 1000)
      yield* minutes(program, 7)
      assert.strictEqual(yield* count(program.fake, "authdirectapi"), 1)
      assert.isAbove(yield* count(program.fake, "getaccesstoken"), 15)
    })
  )

  it.effect("is repeated until the broker recovers, without another login", () =>
    Effect.gen(function* () {
      const program = yield* begin()
      yield* program.fake.inject("getaccesstoken", { kind: "status", status: 503 }, 3)
      yield* minutes(program, 2)
      const session = yield* program.session
      assert.strictEqual(session.expiresAt, cutOff)
      assert.isDefined(session.tokens.login)
      assert.strictEqual(yield* count(program.fake, "authdirectapi"), 1)
      assert.strictEqual(yield* count(program.fake, "getaccesstoken"), 4)
    })
  )

  it.effect("is repeated with the stored login token by a later program", () =>
    Effect.gen(function* () {
      const kept = yield* Layer.build(Vault.layerMemory)
      const vault = Layer.succeedContext(kept)
      const first = yield* begin({}, { vault })
      yield* first.fake.inject("getaccesstoken", { kind: "reset" })
      yield* Effect.flip(first.session)
      const later = yield* begin({}, { vault, fake: first.fake })
      yield* later.session
      assert.deepStrictEqual(yield* asked(first.fake), ["authdirectapi", "getaccesstoken", "getaccesstoken"])
    })
  )

  it.effect("is followed by a new login if the broker refuses the login token", () =>
    Effect.gen(function* () {
      const program = yield* begin()
      yield* program.fake.inject("getaccesstoken", { kind: "status", status: 503 })
      yield* TestHttp.settle(Effect.flip(program.session))
      const refusal = { status: "ERROR", message: "Invalid Token", errorcode: "MO8001", data: null }
      yield* program.fake.inject("getaccesstoken", { kind: "answer", status: 200, body: JSON.stringify(refusal) })
      yield* minutes(program, 2)
      assert.strictEqual((yield* program.session).expiresAt, cutOff)
      assert.strictEqual(yield* count(program.fake, "authdirectapi"), 2)
    })
  )

  it.effect("is followed by a new login if renew is called after a logout", () =>
    Effect.gen(function* () {
      const program = yield* begin()
      yield* program.fake.inject("getaccesstoken", { kind: "status", status: 503 })
      yield* TestHttp.settle(Effect.flip(program.session))
      yield* program.logout
      yield* TestClock.adjust("1 minute")
      yield* TestHttp.settle(program.renew())
      assert.strictEqual(yield* count(program.fake, "authdirectapi"), 2)
    })
  )
})
