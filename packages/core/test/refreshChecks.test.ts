import * as AuthError from "@auth/broker-core/login/AuthError"
import * as LoginProgress from "@auth/broker-core/broker/LoginProgress"
import * as Expiry from "@auth/broker-core/login/Expiry"
import * as Session from "@auth/broker-core/login/Session"
import * as SessionStore from "@auth/broker-core/session/SessionStore"
import * as VaultError from "@auth/broker-core/session/VaultError"
import { assert, describe, it } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import * as TestClock from "effect/testing/TestClock"
import { account, breakable, makeShared, makeTiny, morning, pass, type Shared, start, type Tiny } from "./sessions.ts"

const network = new AuthError.BrokerUnavailable({ why: "network" })

/** `calls` lists `login` for a login, and the sent refresh token for a refresh. */
const makeRotating = () => {
  const tiny = makeTiny()
  const calls: Array<string> = []
  let issued = 0
  const issue = (call: string) =>
    Session.issue(
      { account, method: "test", expiry: Expiry.after("10 minutes") },
      Effect.suspend(() => {
        calls.push(call)
        issued += 1
        const [access, refresh] = [Redacted.make(`access-${issued}`), Redacted.make(`refresh-${issued}`)]
        return Effect.succeed({ tokens: { access, refresh } })
      })
    )
  const refreshTokenOf = ({ tokens: { refresh } }: Session.Session) =>
    refresh === undefined ? "none" : Redacted.value(refresh)
  const renewal: Tiny["renewal"] = {
    ...tiny.renewal,
    login: issue("login"),
    refresh: (session) => issue(refreshTokenOf(session))
  }
  return { calls, tiny: { ...tiny, renewal } }
}

describe("a refresh token", () => {
  it.effect.each(["put", "get"] as const)("is not sent after a logout in which `store.%s` failed", (broken) =>
    Effect.gen(function* () {
      yield* TestClock.setTime(morning)
      const { calls, tiny } = makeRotating()
      const { store, ...rest } = makeShared()
      const { service, state } = breakable(store)
      const manager = yield* start(tiny, { ...rest, store: service })
      yield* manager.session
      if (broken === "put") state.broken = true
      else state.unreadable = true
      yield* Effect.flip(manager.logout)
      state.broken = false
      state.unreadable = false
      yield* manager.renew()
      assert.deepStrictEqual(calls, ["login", "login"])
    })
  )
})

/** `withLock` does not take the lock, so another program can renew at the same time. */
const slowToRead = ({ lock, store }: Shared) => {
  const state = { isLost: false, isSlow: false }
  const lost = VaultError.make("lock", new VaultError.LockUnavailable({ why: "lost" }))
  const shared: Shared = {
    store: {
      ...store,
      get: (of, slot) =>
        Effect.andThen(state.isSlow && slot === "guard" ? Effect.sleep("5 seconds") : Effect.void, store.get(of, slot))
    },
    lock: {
      ...lock,
      withLock: (of, use) =>
        Effect.suspend(() => {
          let isLost = false
          const check = Effect.suspend(() => {
            isLost ||= state.isLost
            return isLost ? Effect.fail(lost) : Effect.void
          })
          return use({ fence: 1, check })
        })
    }
  }
  return { shared, state }
}

describe("a refresh", () => {
  const begin = Effect.gen(function* () {
    yield* TestClock.setTime(morning)
    const { calls, tiny } = makeRotating()
    const shared = makeShared()
    const slow = slowToRead(shared)
    const [one, two] = [yield* start(tiny, slow.shared), yield* start(tiny, shared)]
    yield* one.session
    yield* two.session
    yield* pass("11 minutes")
    slow.state.isSlow = true
    const asked = yield* Effect.forkChild(Effect.result(one.session))
    yield* pass("1 second")
    return { asked, calls, one, state: slow.state, two }
  })

  it.effect("is not sent if the lock is lost during a slow read of the store", () =>
    Effect.gen(function* () {
      const { asked, calls, state, two } = yield* begin
      state.isLost = true
      yield* two.session
      yield* pass("30 seconds")
      const got = yield* Fiber.join(asked)
      assert.strictEqual(
        Result.isSuccess(got) ? Redacted.value(got.success.tokens.access) : got.failure.message,
        "access-2"
      )
      assert.deepStrictEqual(calls, ["login", "refresh-1"])
    })
  )

  it.effect("is not sent if a logout happens during a slow read of the store", () =>
    Effect.gen(function* () {
      const { asked, calls, one } = yield* begin
      yield* one.logout
      yield* pass("30 seconds")
      const got = yield* Fiber.join(asked)
      assert.strictEqual(Result.isFailure(got) ? got.failure.reason._tag : "a session", "SessionExpired")
      assert.deepStrictEqual(calls, ["login"])
    })
  )
})

describe("the progress of a login", () => {
  /** Starts a program whose login stores its progress and then fails. */
  const startWith = Effect.fnUntraced(function* (shared: Shared, calls: Array<string>) {
    const tiny = makeTiny()
    const failure = Effect.fail(AuthError.make("tiny", "login", network))
    const login = Effect.flatMap(Clock.currentTimeMillis, (issuedAt) => {
      calls.push("login")
      return Effect.andThen(LoginProgress.keep({ token: Redacted.make("token"), issuedAt }), failure)
    })
    const resume = ({ token }: LoginProgress.LoginProgress) => {
      calls.push(`continues with ${Redacted.value(token)}`)
      return failure
    }
    return yield* start({ ...tiny, renewal: { ...tiny.renewal, login, resume } }, shared)
  })

  const withKey = (): Shared => ({
    ...makeShared(),
    store: { ...SessionStore.makeMemory(), fingerprint: (text) => Effect.succeed(`print of ${Redacted.value(text)}`) }
  })

  it.effect.each(["the lock was lost", "there was a logout"] as const)(
    "is not used if %s during a slow read of the store",
    (what) =>
      Effect.gen(function* () {
        yield* TestClock.setTime(morning)
        const calls: Array<string> = []
        const { shared, state } = slowToRead(withKey())
        const manager = yield* startWith(shared, calls)
        yield* Effect.exit(manager.session)
        yield* pass("1 minute")
        state.isSlow = true
        const asked = yield* Effect.forkChild(Effect.exit(manager.session))
        yield* pass("2 seconds")
        if (what === "the lock was lost") state.isLost = true
        else yield* Effect.forkChild(Effect.exit(manager.logout))
        yield* pass("1 minute")
        yield* Fiber.join(asked)
        assert.deepStrictEqual(calls, ["login"])
      })
  )
})
