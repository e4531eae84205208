import { FakeAngel } from "@auth/angel/msw"
import * as AngelApi from "@auth/angel/AngelApi"
import * as AngelAuth from "@auth/angel/AngelAuth"
import * as Account from "@auth/broker-core/login/Account"
import * as AuthError from "@auth/broker-core/login/AuthError"
import * as CodeSource from "@auth/broker-core/login/CodeSource"
import * as LoginGuard from "@auth/broker-core/session/LoginGuard"
import * as SessionManager from "@auth/broker-core/session/SessionManager"
import { SessionStore } from "@auth/broker-core/session/SessionStore"
import type { FakeBroker } from "@auth/broker-core/testing"
import { TestHttp } from "@auth/broker-core/testing"
import * as Vault from "@auth/broker-core/session/Vault"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import * as TestClock from "effect/testing/TestClock"
import { credentials, morning } from "./support.ts"

/** 2026-11-24 00:00 IST. */
const midnight = Date.UTC(2026, 10, 23, 18, 30)

const begin = Effect.fnUntraced(function* (
  overrides: Partial<AngelAuth.AngelCredentials> = {},
  options: AngelAuth.Options = {}
) {
  yield* TestClock.setTime(morning)
  const fake = yield* FakeAngel.make({ tokenEnd: "absent" })
  const layer = AngelAuth.layer({ ...options, credentials: { ...credentials, ...overrides } })
  const sessions = SessionManager.layer().pipe(
    Layer.provideMerge(layer),
    Layer.provide([TestHttp.layerFake(fake), Vault.layerMemory])
  )
  const services = yield* Layer.build(sessions)
  const manager = yield* Effect.provide(SessionManager.SessionManager, services)
  return { api: yield* Effect.provide(AngelApi.AngelApi, services), fake, ...manager }
})

const asked = (fake: FakeBroker.FakeBroker) =>
  Effect.map(fake.journal, (entries) => entries.map(({ endpoint }) => endpoint))

describe("a managed session", () => {
  it.effect("is refreshed by `renew` on the day of the login", () =>
    Effect.gen(function* () {
      const { fake, renew, session } = yield* begin()
      const first = yield* session
      yield* TestClock.adjust("2 hours")
      const second = yield* renew(first)
      assert.notStrictEqual(Redacted.value(second.tokens.access), Redacted.value(first.tokens.access))
      assert.deepStrictEqual([first.expiresAt, second.expiresAt], [midnight, midnight])
      assert.deepStrictEqual(yield* asked(fake), ["loginByPassword", "generateTokens"])
    })
  )

  it.effect("is replaced by a new login at midnight IST", () =>
    Effect.gen(function* () {
      const { fake, session } = yield* begin()
      const first = yield* session
      yield* TestClock.setTime(midnight - 1)
      assert.strictEqual(yield* session, first)
      yield* TestClock.setTime(midnight)
      assert.strictEqual((yield* session).expiresAt, midnight + 86_400_000)
      assert.deepStrictEqual(yield* asked(fake), ["loginByPassword", "loginByPassword"])
    })
  )
})

describe("a typed call with a rejected token", () => {
  const refusedToken = '{"success":false,"message":"Invalid Token","errorCode":"AG8001","data":""}'

  const done = '{"status":true,"message":"SUCCESS","errorcode":"","data":""}'

  /** Advances the clock by 3 seconds during the call, because the call can wait for a rate limit. */
  const later = <A, E>(call: Effect.Effect<A, E>) =>
    Effect.gen(function* () {
      const running = yield* Effect.forkChild(call)
      yield* TestClock.adjust("3 seconds")
      return yield* Fiber.join(running)
    })

  it.effect("succeeds after one refresh", () =>
    Effect.gen(function* () {
      const { api, fake, session, withSession } = yield* begin()
      yield* session
      yield* later(withSession(api.getRMS))
      yield* fake.inject("getRMS", { kind: "answer", status: 200, body: refusedToken }, 1)
      assert.isString((yield* later(withSession(api.getRMS))).net)
      assert.deepStrictEqual(yield* asked(fake), ["loginByPassword", "getRMS", "getRMS", "generateTokens", "getRMS"])
    })
  )

  it.effect("fails if an earlier call in the same `withSession` is not safe to repeat", () =>
    Effect.gen(function* () {
      const { api, fake, session, withSession } = yield* begin()
      yield* session
      yield* fake.inject("logout", { kind: "answer", status: 200, body: done }, 1)
      yield* fake.inject("getProfile", { kind: "answer", status: 200, body: refusedToken }, 1)
      const request = { clientcode: credentials.clientCode }
      const both = withSession((session) => Effect.andThen(api.logout(request, session), api.getProfile(session)))
      const error = yield* Effect.flip(later(both))
      assert.strictEqual(error.reason._tag, "SessionExpired")
      assert.include(error.remedy, "There is a new session now")
      const before = ["loginByPassword", "logout", "getProfile", "generateTokens"]
      assert.deepStrictEqual(yield* asked(fake), before)
      yield* later(withSession(api.getProfile))
      assert.deepStrictEqual(yield* asked(fake), [...before, "getProfile"])
    })
  )
})

describe("a wrong PIN", () => {
  const tries = Effect.fnUntraced(function* (options: AngelAuth.Options = {}) {
    const { fake, renew } = yield* begin({ pin: Redacted.make("0000") }, options)
    for (let attempt = 0; attempt < 5; attempt += 1) {
      yield* TestClock.adjust("10 minutes")
      yield* Effect.flip(renew())
    }
    return yield* asked(fake)
  })

  it.effect("is sent only once, even with maxFailures: 4", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* tries(), ["loginByPassword"])
      assert.deepStrictEqual(yield* tries({ renewal: { maxFailures: 4 } }), ["loginByPassword"])
    })
  )
})

describe("a login whose program ends early", () => {
  const start = Effect.fnUntraced(function* (fake: FakeBroker.FakeBroker, code: string | undefined) {
    const answer = code === undefined ? Effect.never : Effect.succeed(Redacted.make(code))
    const layer = AngelAuth.layer({ credentials: { ...credentials, totp: CodeSource.fromEffect(() => answer) } })
    const sessions = SessionManager.layer().pipe(Layer.provide(layer), Layer.provide(TestHttp.layerFake(fake)))
    return yield* Effect.provide(SessionManager.SessionManager, yield* Layer.build(sessions))
  })

  it.effect("does not count as failed if no request was sent", () =>
    Effect.gen(function* () {
      yield* TestClock.setTime(morning)
      const fake = yield* FakeAngel.make({ tokenEnd: "absent" })
      const guard = LoginGuard.make(yield* SessionStore)
      const account = Account.make({ broker: "angel", id: credentials.clientCode })
      for (const _ of [1, 2, 3]) {
        yield* Effect.scoped(
          Effect.gen(function* () {
            const manager = yield* start(fake, undefined)
            yield* Effect.forkChild(Effect.exit(manager.session))
            yield* TestClock.adjust("1 minute")
          })
        )
      }
      assert.deepStrictEqual(yield* asked(fake), [])
      assert.deepStrictEqual((yield* guard.memory(account)).unansweredAt, [])
    }).pipe(Effect.provide(Vault.layerMemory))
  )

  it.effect("counts as failed if the request was sent", () =>
    Effect.gen(function* () {
      yield* TestClock.setTime(morning)
      const fake = yield* FakeAngel.make({ tokenEnd: "absent" })
      yield* fake.inject("loginByPassword", { kind: "latency", duration: "1 minute" }, 3)
      for (const _ of [1, 2, 3]) {
        yield* Effect.scoped(
          Effect.gen(function* () {
            const manager = yield* start(fake, "123456")
            yield* Effect.forkChild(Effect.exit(manager.session))
            yield* TestClock.adjust("1 second")
          })
        )
        yield* TestClock.adjust("1 minute")
      }
      assert.deepStrictEqual(yield* asked(fake), ["loginByPassword", "loginByPassword"])
    }).pipe(Effect.provide(Vault.layerMemory))
  )
})

describe("a source of TOTP codes", () => {
  const { clientCode } = credentials
  const account = Account.make({ broker: "angel", id: clientCode })
  const failures = [
    new AuthError.InvalidCredentials({ field: "mailbox" }),
    new AuthError.BrokerUnavailable({ why: "time-out" }),
    new AuthError.BrokerUnavailable({ why: "network" }),
    new AuthError.AccountLocked({ scope: "account", unlock: "broker" }),
    new AuthError.MalformedResponse({ status: 200, problem: "is made up", excerpt: "" }),
    new AuthError.InvalidStepUpCode({ kind: "totp", hints: [] })
  ].map((reason) => [reason._tag, () => Effect.fail(AuthError.make("angel", "login", reason)), reason._tag] as const)

  const start = Effect.fnUntraced(function* (
    fake: FakeBroker.FakeBroker,
    sources: Array<() => ReturnType<CodeSource.CodeSource["code"]>>
  ) {
    const totp = CodeSource.fromEffect(() => (sources.shift() ?? (() => Effect.never))())
    const layer = AngelAuth.layer({ credentials: { ...credentials, totp } })
    const sessions = SessionManager.layer().pipe(Layer.provide(layer), Layer.provide(TestHttp.layerFake(fake)))
    return yield* Effect.provide(SessionManager.SessionManager, yield* Layer.build(sessions))
  })
  /** `codeTime`: milliseconds that the source takes for a code. */
  const ask = Effect.fnUntraced(function* (manager: SessionManager.SessionManager["Service"], codeTime = 0) {
    const fiber = yield* Effect.forkChild(Effect.result(manager.session))
    yield* TestClock.adjust(codeTime)
    const result = yield* TestHttp.settle(Fiber.join(fiber))
    yield* TestClock.adjust("10 minutes")
    return Result.isSuccess(result) ? "success" : result.failure.reason._tag
  })

  it.effect.each([
    ...failures,
    ["a defect", () => Effect.die(new Error("123456")), "ActionRequired"] as const,
    ["a thrown error", () => assert.fail("123456"), "ActionRequired"] as const,
    ["a promise in place of an effect", () => Promise.resolve("123456") as never, "ActionRequired"] as const,
    ["a code that never comes", () => Effect.never, "ActionRequired", 300_000] as const
  ])("that fails does not count as a failed login: %s", ([, source, expected, codeTime]) =>
    Effect.gen(function* () {
      yield* TestClock.setTime(morning)
      const fake = yield* FakeAngel.make({ tokenEnd: "absent" })
      const right = CodeSource.totp(Redacted.make(FakeAngel.demoAccount.totpSecret)).code({ account, kind: "totp" })
      const manager = yield* start(fake, [source, source, source, () => right])
      for (const _ of [1, 2, 3]) assert.strictEqual(yield* ask(manager, codeTime), expected)
      assert.deepStrictEqual(yield* asked(fake), [])
      const guard = LoginGuard.make(yield* SessionStore)
      assert.deepStrictEqual(yield* guard.memory(account), {
        attemptedAt: (yield* guard.memory(account)).attemptedAt,
        refusedAt: [],
        unansweredAt: [],
        pausedUntil: undefined,
        locked: undefined
      })
      assert.strictEqual(yield* ask(manager), "success")
    }).pipe(Effect.provide(Vault.layerMemory))
  )

  it.effect("is asked for a new code at each login", () =>
    Effect.gen(function* () {
      yield* TestClock.setTime(morning)
      const fake = yield* FakeAngel.make({ tokenEnd: "absent" })
      const codes = ["111111", "222222"]
      const next = () => Effect.succeed(Redacted.make(codes.shift() ?? "000000"))
      const manager = yield* start(fake, [next, next])
      for (const _ of [1, 2]) assert.strictEqual(yield* ask(manager), "InvalidStepUpCode")
      const sent = (yield* fake.journal).map(({ body }) => /"totp":"(\d+)"/.exec(body)?.[1])
      assert.deepStrictEqual(sent, ["111111", "222222"])
    }).pipe(Effect.provide(Vault.layerMemory))
  )
})
