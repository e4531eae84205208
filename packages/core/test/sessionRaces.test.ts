import * as AuthError from "@auth/broker-core/login/AuthError"
import * as Expiry from "@auth/broker-core/login/Expiry"
import * as Session from "@auth/broker-core/login/Session"
import * as SessionLock from "@auth/broker-core/session/SessionLock"
import type * as SessionManager from "@auth/broker-core/session/SessionManager"
import * as SessionStore from "@auth/broker-core/session/SessionStore"
import * as VaultError from "@auth/broker-core/session/VaultError"
import { assert, describe, it } from "@effect/vitest"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/testing/TestClock"
import { shown } from "./support.ts"
import { account, breakable, makeShared, makeTiny, morning, numberOf, pass, start, startWith } from "./sessions.ts"

const unavailable = new AuthError.BrokerUnavailable({ why: "network" })

const hour = 3_600_000

const fromBrowser = (issuedAt: number) =>
  Session.make({
    account,
    method: "totp",
    tokens: { access: Redacted.make("access-browser") },
    issuedAt,
    expiry: Expiry.dailyAt("00:00")
  })

const begin = Effect.as(TestClock.setTime(morning), undefined)

const isLoggedOut = ({ reason }: SessionManager.Failure): boolean =>
  reason._tag === "SessionExpired" && reason.why === "logged-out"

/**
 * `call` names the method that can be slow. If `state.slow` is true, the next call of this method takes one second, and
 * sets `state.slow` to false.
 */
const slowOnce = (store: SessionStore.SessionStore["Service"], call: "get" | "put") => {
  const state = { slow: false }
  const delay = Effect.suspend(() => {
    const pause = state.slow ? Effect.sleep("1 second") : Effect.void
    state.slow = false
    return pause
  })
  const service: SessionStore.SessionStore["Service"] = {
    ...store,
    get: (...args) => (call === "get" ? Effect.tap(store.get(...args), delay) : store.get(...args)),
    put: (...args) => (call === "put" ? Effect.andThen(delay, store.put(...args)) : store.put(...args))
  }
  return { state, service }
}

const emptied = () => {
  let inner = SessionStore.makeMemory()
  const service: SessionStore.SessionStore["Service"] = {
    describe: "memory that can be emptied",
    get: (...args) => inner.get(...args),
    put: (...args) => inner.put(...args)
  }
  return { service, empty: () => void (inner = SessionStore.makeMemory()) }
}

describe("sessions: a session that could not be stored", () => {
  const beginUnsaved = Effect.gen(function* () {
    yield* begin
    const [tiny, shared] = [makeTiny(), makeShared()]
    const { service, state } = breakable(shared.store)
    const manager = yield* start(tiny, { ...shared, store: service })
    yield* manager.session
    yield* pass("1 day")
    state.broken = "session"
    yield* Effect.flip(manager.session)
    state.broken = false
    assert.deepStrictEqual(tiny.calls, ["login 1", "login 2"])
    return { manager, shared, tiny }
  })

  it.effect("is revoked by a logout despite an older stored session", () =>
    Effect.gen(function* () {
      const { manager, tiny } = yield* beginUnsaved
      assert.strictEqual((yield* manager.logout)._tag, "Revoked")
      assert.deepStrictEqual(tiny.calls.slice(2), ["logout 2"])
    })
  )

  it.effect("is revoked if another program has logged out", () =>
    Effect.gen(function* () {
      const { manager, shared, tiny } = yield* beginUnsaved
      const other = yield* start(tiny, shared)
      yield* other.logout
      yield* pass("1 minute")
      assert.isTrue(isLoggedOut(yield* Effect.flip(manager.session)))
      yield* pass(1)
      assert.deepStrictEqual(tiny.calls.slice(2), ["logout 2"])
      assert.strictEqual(numberOf(yield* manager.renew()), "3")
    })
  )

  it.effect.each([
    ["LoggedIn", (manager: SessionManager.SessionManager["Service"]) => manager.session],
    ["Refreshed", (manager: SessionManager.SessionManager["Service"]) => manager.session],
    ["Adopted", (manager: SessionManager.SessionManager["Service"]) => manager.adopt(fromBrowser(morning))]
  ] as const)("later appears in SessionManager.changes as %s", ([tag, get]) =>
    Effect.gen(function* () {
      yield* begin
      const tiny = makeTiny(
        tag === "Refreshed"
          ? { by: ["login", "refresh"], expiry: Expiry.after("1 hour"), early: Duration.minutes(5) }
          : {}
      )
      const { service, state } = breakable(SessionStore.makeMemory())
      const manager = yield* start(tiny, { ...makeShared(), store: service })
      const tags: Array<string> = []
      yield* Effect.forkScoped(Stream.runForEach(manager.changes, ({ _tag }) => Effect.sync(() => tags.push(_tag))))
      yield* manager.session
      yield* pass(tag === "LoggedIn" ? "1 day" : "58 minutes")
      state.broken = "session"
      yield* Effect.exit(get(manager))
      yield* pass(1)
      state.broken = false
      yield* pass("1 minute")
      yield* manager.session
      yield* pass(1)
      assert.deepStrictEqual(
        tags.filter((name) => name !== "RenewalFailed"),
        ["LoggedIn", tag]
      )
    })
  )

  it.effect("is used for the next refresh even after its expiry", () =>
    Effect.gen(function* () {
      yield* begin
      const tiny = makeTiny({ expiry: Expiry.after("1 hour"), by: ["login", "refresh"] })
      const used: Array<string> = []
      const refresh = (session: Session.Session) => {
        used.push(numberOf(session))
        return tiny.renewal.refresh?.(session) ?? Effect.die("the fake broker has no refresh")
      }
      const shared = makeShared()
      const { service, state } = breakable(shared.store)
      const renewing = { ...tiny, renewal: { ...tiny.renewal, refresh } }
      const manager = yield* start(renewing, { ...shared, store: service })
      yield* manager.session
      yield* pass("1 hour")
      state.broken = true
      yield* Effect.flip(manager.session)
      state.broken = false
      yield* pass("61 minutes")
      yield* manager.session
      assert.deepStrictEqual(used, ["1", "2"])
    })
  )
})

describe("sessions: a logout", () => {
  it.effect("revokes the cached session and another program's stored session", () =>
    Effect.gen(function* () {
      yield* begin
      const [tiny, shared] = [makeTiny(), makeShared()]
      const one = yield* start(tiny, shared)
      yield* one.session
      yield* pass("1 minute")
      const other = yield* start(tiny, shared)
      yield* other.adopt(fromBrowser(morning + 60_000))
      yield* one.logout
      assert.deepStrictEqual(tiny.calls, ["login 1", "logout browser", "logout 1"])
    })
  )

  it.effect("revokes the cached session even if revoking the stored session fails", () =>
    Effect.gen(function* () {
      yield* begin
      const [tiny, shared] = [makeTiny(), makeShared()]
      const logout: typeof tiny.logout.logout = (session) =>
        numberOf(session) === "browser"
          ? Effect.fail(AuthError.make("tiny", "logout", unavailable))
          : tiny.logout.logout(session)
      const one = yield* start({ ...tiny, logout: { logout } }, shared)
      yield* one.session
      yield* pass("1 minute")
      yield* (yield* start(tiny, shared)).adopt(fromBrowser(morning + 60_000))
      assert.strictEqual((yield* Effect.flip(one.logout)).reason._tag, "BrokerUnavailable")
      assert.deepStrictEqual(tiny.calls, ["login 1", "logout 1"])
    })
  )

  it.effect("that could not be stored still ends the session", () =>
    Effect.gen(function* () {
      yield* begin
      const [tiny, shared] = [makeTiny(), makeShared()]
      const { service, state } = breakable(shared.store)
      const manager = yield* start(tiny, { ...shared, store: service })
      yield* manager.session
      state.broken = true
      yield* Effect.flip(manager.logout)
      state.broken = false
      assert.strictEqual(numberOf(yield* manager.renew()), "2")
      assert.deepStrictEqual(tiny.calls, ["login 1", "logout 1", "login 2"])
    })
  )

  it.effect("during a slow store write does not end a later session", () =>
    Effect.gen(function* () {
      yield* begin
      const [tiny, shared] = [makeTiny(), makeShared()]
      const { service, state } = slowOnce(shared.store, "put")
      const manager = yield* start(tiny, { ...shared, store: service })
      state.slow = true
      const asked = yield* Effect.forkChild(Effect.flip(manager.session))
      yield* pass("100 millis")
      yield* manager.logout
      const renewing = yield* Effect.forkChild(manager.renew())
      yield* pass("5 seconds")
      assert.isTrue(isLoggedOut(yield* Fiber.join(asked)))
      const renewed = yield* Fiber.join(renewing)
      yield* pass("31 seconds")
      assert.strictEqual(numberOf(yield* manager.session), numberOf(renewed))
    })
  )

  it.effect("ends only older sessions, even after the store was emptied", () =>
    Effect.gen(function* () {
      yield* begin
      const [tiny, { empty, service }] = [makeTiny(), emptied()]
      const shared = { ...makeShared(), store: service }
      const one = yield* start(tiny, shared)
      yield* one.renew(yield* one.session)
      yield* one.renew()
      const pollTwice = Effect.andThen(pass("31 seconds"), Effect.andThen(one.session, pass("31 seconds")))
      empty()
      const other = yield* start(tiny, shared)
      yield* service.put(account, "session", Redacted.make(new TextEncoder().encode('{"loggedOutAt":5}')), 0)
      yield* pollTwice
      assert.strictEqual(numberOf(yield* one.session), "3")
      empty()
      yield* other.renew()
      yield* other.logout
      yield* pollTwice
      assert.isTrue(isLoggedOut(yield* Effect.flip(one.session)))
    })
  )

  it.effect("is found by other programs even if the clock was set back", () =>
    Effect.gen(function* () {
      yield* begin
      const [tiny, shared] = [makeTiny(), makeShared()]
      const one = yield* start(tiny, shared)
      const other = yield* start(tiny, shared)
      yield* one.session
      yield* pass("2 hours")
      yield* one.session
      yield* pass(1)
      yield* TestClock.setTime(morning + hour)
      yield* other.logout
      yield* one.session
      yield* pass(1)
      assert.isTrue(isLoggedOut(yield* Effect.flip(one.session)))
    })
  )
})

describe("sessions: SessionManager.adopt", () => {
  it.effect("rejects an expired session, and keeps the current session", () =>
    Effect.gen(function* () {
      yield* begin
      const tiny = makeTiny()
      const manager = yield* start(tiny)
      yield* manager.session
      const { message, reason } = yield* Effect.flip(manager.adopt(fromBrowser(morning - 36 * hour)))
      assert.strictEqual(reason._tag, "InvalidRequest")
      assert.include(message, "has expired: log in again")
      assert.strictEqual(numberOf(yield* manager.session), "1")
      assert.deepStrictEqual(tiny.calls, ["login 1"])
    })
  )

  it.effect("rejects a session issued in the future", () =>
    Effect.gen(function* () {
      yield* begin
      const manager = yield* start(makeTiny())
      const { message } = yield* Effect.flip(manager.adopt(fromBrowser(morning + hour)))
      assert.include(message, "set the clock by NTP")
    })
  )

  it.effect("does not undo a logout if the session is rejected", () =>
    Effect.gen(function* () {
      yield* begin
      const manager = yield* start(makeTiny())
      yield* manager.session
      yield* manager.logout
      yield* Effect.flip(manager.adopt(fromBrowser(morning - 36 * hour)))
      assert.isTrue(isLoggedOut(yield* Effect.flip(manager.session)))
    })
  )

  it.effect("stores no session that a logout has ended", () =>
    Effect.gen(function* () {
      yield* begin
      const manager = yield* start(makeTiny())
      const session = yield* manager.session
      yield* manager.logout
      assert.isTrue(isLoggedOut(yield* Effect.flip(manager.adopt(session))))
      assert.isTrue(Option.isNone(yield* manager.peek))
    })
  )

  it.effect("stores no session if a logout happens during the call", () =>
    Effect.gen(function* () {
      yield* begin
      const [tiny, shared] = [makeTiny(), makeShared()]
      tiny.latency = "1 second"
      const manager = yield* start(tiny, shared)
      const asked = yield* Effect.forkChild(Effect.flip(manager.session))
      yield* pass("100 millis")
      const adopting = yield* Effect.forkChild(Effect.flip(manager.adopt(fromBrowser(morning))))
      yield* pass("100 millis")
      yield* manager.logout
      yield* pass("2 seconds")
      assert.isTrue(isLoggedOut(yield* Fiber.join(asked)))
      assert.isTrue(isLoggedOut(yield* Fiber.join(adopting)))
      assert.isTrue(Option.isNone(yield* (yield* start(makeTiny(), shared)).peek))
    })
  )

  it.effect("is not undone by an earlier slow store read", () =>
    Effect.gen(function* () {
      yield* begin
      const [tiny, shared] = [makeTiny(), makeShared()]
      const { service, state } = slowOnce(shared.store, "get")
      const manager = yield* start(tiny, { ...shared, store: service })
      const other = yield* start(tiny, shared)
      yield* other.renew(yield* manager.session)
      yield* pass("31 seconds")
      state.slow = true
      yield* manager.session
      yield* pass("100 millis")
      yield* manager.adopt(fromBrowser(morning))
      yield* pass("1 second")
      assert.strictEqual(numberOf(yield* manager.session), "browser")
    })
  )
})

describe("sessions: SessionManager.adoptFrom", () => {
  const issue = Effect.delay(
    Effect.sync(() => fromBrowser(morning)),
    "1 second"
  )

  it.effect("stores and returns the session of the login", () =>
    Effect.gen(function* () {
      yield* begin
      const manager = yield* start(makeTiny({ by: [] }))
      const adopting = yield* Effect.forkChild(manager.adoptFrom(issue))
      yield* pass("1 second")
      assert.strictEqual(yield* Fiber.join(adopting), yield* manager.session)
    })
  )

  const moments = [
    { when: "during the login", at: "500 millis", slow: false },
    { when: "during the store write", at: "1500 millis", slow: true }
  ] as const
  for (const { at, slow, when } of moments) {
    it.effect(`ends the session at the broker if a logout happens ${when}`, () =>
      Effect.gen(function* () {
        yield* begin
        const [tiny, shared] = [makeTiny({ by: [] }), makeShared()]
        const { service, state } = slowOnce(shared.store, "put")
        state.slow = slow
        const manager = yield* start(tiny, { ...shared, store: service })
        const adopting = yield* Effect.forkChild(Effect.flip(manager.adoptFrom(issue)))
        yield* pass(at)
        yield* manager.logout
        yield* pass("2 seconds")
        assert.isTrue(isLoggedOut(yield* Fiber.join(adopting)))
        assert.deepStrictEqual(tiny.calls, ["logout browser"])
        assert.isTrue(Option.isNone(yield* (yield* start(makeTiny(), shared)).peek))
      })
    )
  }

  it.effect.each([
    "the store cannot be read",
    "the store cannot be written",
    "the lock cannot be acquired",
    "the manager is closed"
  ] as const)("ends the session at the broker after a logout during the call, even if %s", (fault) =>
    Effect.gen(function* () {
      yield* begin
      const [tiny, shared, scope] = [makeTiny({ by: [] }), makeShared(), yield* Scope.make()]
      const { service, state } = breakable(shared.store)
      const why = new VaultError.LockUnavailable({ why: "busy", waited: Duration.seconds(1) })
      const busy = Effect.delay(Effect.fail(VaultError.make("lock", why)), "1 second")
      const lock: typeof shared.lock = {
        ...shared.lock,
        withLock: (...args) =>
          fault === "the lock cannot be acquired" ? busy : Effect.delay(shared.lock.withLock(...args), "1 second")
      }
      const manager = yield* Effect.provideService(start(tiny, { lock, store: service }), Scope.Scope, scope)
      const adopting = yield* Effect.forkChild(Effect.flip(manager.adoptFrom(issue)))
      yield* pass("1500 millis")
      yield* manager.logout
      state.unreadable = fault === "the store cannot be read"
      state.broken = fault === "the store cannot be written"
      if (fault === "the manager is closed") yield* Scope.close(scope, Exit.void)
      yield* pass("2 seconds")
      assert.isTrue(isLoggedOut(yield* Fiber.join(adopting)))
      assert.deepStrictEqual(tiny.calls, ["logout browser"])
    })
  )

  it.effect("does not begin the login if the manager is closed", () =>
    Effect.gen(function* () {
      yield* begin
      const scope = yield* Scope.make()
      const manager = yield* Effect.provideService(start(makeTiny({ by: [] })), Scope.Scope, scope)
      yield* Scope.close(scope, Exit.void)
      const { reason } = yield* Effect.flip(manager.adoptFrom(Effect.die("the login has begun")))
      assert.strictEqual(reason._tag, "InvalidRequest")
    })
  )

  it.effect("stores the session even after an earlier logout", () =>
    Effect.gen(function* () {
      yield* begin
      const manager = yield* start(makeTiny())
      yield* manager.session
      yield* manager.logout
      const adopting = yield* Effect.forkChild(manager.adoptFrom(issue))
      yield* pass("1 second")
      yield* Fiber.join(adopting)
      assert.strictEqual(numberOf(yield* manager.session), "browser")
    })
  )
})

describe("sessions: a rejected token", () => {
  it.effect("stays rejected if an older token is rejected later", () =>
    Effect.gen(function* () {
      yield* begin
      const tiny = makeTiny()
      const manager = yield* start(tiny)
      const first = yield* manager.session
      const second = yield* manager.renew(first)
      // For one minute after the first renewal, `renew(second)` would send no login.
      yield* pass("2 minutes")
      tiny.failures.push(unavailable)
      yield* Effect.flip(manager.renew(second))
      // The broker now rejects a slow call that was sent with the first token.
      yield* Effect.flip(manager.renew(first))
      yield* Effect.flip(manager.session)
      yield* pass("1 minute")
      assert.strictEqual(numberOf(yield* manager.session), "3")
    })
  )

  it.effect("is replaced even if the login that returned it still holds the lock", () =>
    Effect.gen(function* () {
      yield* begin
      const lock = yield* SessionLock.make({
        describe: "slow to release",
        acquire: () =>
          Effect.acquireRelease(Effect.succeed({ fence: 1, check: Effect.void }), () => Effect.sleep("800 millis"))
      })
      const manager = yield* start(makeTiny(), { ...makeShared(), lock })
      yield* Effect.forkChild(manager.session)
      yield* pass("100 millis")
      const early = yield* manager.session
      const renewing = yield* Effect.forkChild(manager.renew(early))
      yield* pass("3 seconds")
      assert.deepStrictEqual([numberOf(early), numberOf(yield* Fiber.join(renewing))], ["1", "2"])
    })
  )
})

describe("sessions: a logout directly after another call", () => {
  const requested = (manager: SessionManager.SessionManager["Service"]) => ({
    session: manager.session,
    renew: manager.renew()
  })

  it.effect.each(["session", "renew"] as const)("prevents the login of SessionManager.%s", (name) =>
    Effect.gen(function* () {
      yield* begin
      const tiny = makeTiny({ by: ["login", "refresh"] })
      const manager = yield* start(tiny)
      const asked = yield* Effect.forkChild(Effect.flip(requested(manager)[name]))
      const out = yield* Effect.forkChild(manager.logout)
      yield* pass("5 seconds")
      assert.isTrue(isLoggedOut(yield* Fiber.join(asked)))
      yield* Fiber.join(out)
      assert.deepStrictEqual(tiny.calls, [])
      assert.isTrue(isLoggedOut(yield* Effect.flip(manager.session)))
    })
  )

  it.effect("makes a slow SessionManager.peek return no session", () =>
    Effect.gen(function* () {
      yield* begin
      const shared = makeShared()
      yield* (yield* start(makeTiny(), shared)).session
      const get: typeof shared.store.get = (...args) => Effect.delay(shared.store.get(...args), "1 second")
      const manager = yield* start(makeTiny(), { ...shared, store: { ...shared.store, get } })
      const peeking = yield* Effect.forkChild(manager.peek)
      yield* pass("500 millis")
      const loggingOut = yield* Effect.forkChild(manager.logout)
      yield* pass("500 millis")
      assert.isTrue(Option.isNone(yield* Fiber.join(peeking)))
      yield* pass("5 seconds")
      yield* Fiber.join(loggingOut)
    })
  )

  it.effect("prevents the refresh of a waiting renewal", () =>
    Effect.gen(function* () {
      yield* begin
      const tiny = makeTiny({ by: ["login", "refresh"] })
      const shared = makeShared()
      const manager = yield* start(tiny, shared)
      const first = yield* manager.session
      const holder = yield* Effect.forkChild(shared.lock.withLock(account, () => Effect.sleep("10 seconds")))
      yield* pass("1 second")
      const asked = yield* Effect.forkChild(Effect.flip(manager.renew(first)))
      yield* pass("1 second")
      yield* manager.logout
      yield* pass("1 minute")
      yield* Fiber.join(holder)
      assert.isTrue(isLoggedOut(yield* Fiber.join(asked)))
      assert.deepStrictEqual(tiny.calls, ["login 1", "logout 1"])
    })
  )

  it.effect("is not undone by a background read of SessionManager.session", () =>
    Effect.gen(function* () {
      yield* begin
      const [tiny, shared] = [makeTiny(), makeShared()]
      const slow: SessionStore.SessionStore["Service"] = {
        ...shared.store,
        put: (...args) => Effect.andThen(Effect.sleep("1 second"), shared.store.put(...args))
      }
      const manager = yield* start(tiny, { ...shared, store: slow })
      const first = yield* Effect.forkChild(manager.session)
      yield* pass("1 minute")
      yield* Fiber.join(first)
      const asked = yield* Effect.forkChild(manager.session)
      const out = yield* Effect.forkChild(manager.logout)
      yield* pass("5 seconds")
      yield* Fiber.join(asked)
      yield* Fiber.join(out)
      assert.deepStrictEqual(tiny.calls, ["login 1", "logout 1"])
      assert.isTrue(isLoggedOut(yield* Effect.flip(manager.session)))
      assert.isTrue(Option.isNone(yield* manager.peek))
    })
  )
})

/** Each read takes the next number from `delays`, and waits for this number of seconds. */
const delayed = (store: SessionStore.SessionStore["Service"], delays: Array<number>) => ({
  ...store,
  get: (...args: Parameters<typeof store.get>) =>
    Effect.andThen(
      Effect.suspend(() => Effect.sleep(Duration.seconds(delays.shift() ?? 0))),
      store.get(...args)
    )
})

describe("sessions: a logout by another program", () => {
  const moments = [
    { when: "in a later renewal", lock: false },
    { when: "in a renewal that waits for the lock", lock: true }
  ] as const
  for (const { lock, when } of moments) {
    it.effect.each(["login", "refresh"] as const)(
      `prevents the %s ${when}, even if SessionManager.session finds the logout first`,
      (by) =>
        Effect.gen(function* () {
          yield* begin
          const [tiny, shared, delays] = [makeTiny({ by: ["login", by] }), makeShared(), Array.of<number>()]
          const manager = yield* start(tiny, { ...shared, store: delayed(shared.store, delays) })
          const other = yield* start(tiny, shared)
          const session = yield* manager.session
          yield* pass("31 seconds")
          if (!lock) yield* other.logout
          delays.push(1, lock ? 0 : 2)
          assert.strictEqual(yield* manager.session, session)
          const holder = yield* Effect.forkChild(shared.lock.withLock(account, () => Effect.sleep("5 seconds")))
          yield* pass("100 millis")
          const renewing = yield* Effect.forkChild(Effect.flip(manager.renew(session)))
          yield* pass("100 millis")
          if (lock) yield* other.logout
          yield* pass("10 seconds")
          yield* Fiber.join(holder)
          assert.isTrue(isLoggedOut(yield* Fiber.join(renewing)))
          assert.isTrue(isLoggedOut(yield* Effect.flip(manager.session)))
          assert.deepStrictEqual(tiny.calls, ["login 1", "logout 1"])
        })
    )
  }
})

describe("sessions: SessionManager.peek", () => {
  it.effect("ends the pause after a failed renewal if another program has logged in", () =>
    Effect.gen(function* () {
      yield* begin
      const shared = makeShared()
      const manager = yield* start(makeTiny({ by: [] }), shared)
      const other = yield* start(makeTiny({ by: [] }), shared)
      assert.strictEqual((yield* Effect.flip(manager.session)).reason._tag, "ActionRequired")
      yield* other.adopt(fromBrowser(morning))
      assert.strictEqual((yield* Effect.flip(manager.session)).reason._tag, "ActionRequired")
      const found = Option.getOrThrow(yield* manager.peek)
      assert.strictEqual(yield* manager.session, found)
      yield* other.logout
      assert.isTrue(isLoggedOut(yield* Effect.flip(manager.renew(found))))
    })
  )

  it.effect("returns the stored session instead of an unstored session, and a logout revokes both", () =>
    Effect.gen(function* () {
      yield* begin
      const [tiny, shared] = [makeTiny({ expiry: Expiry.after("2 hours") }), makeShared()]
      const { service, state } = breakable(shared.store)
      const manager = yield* start(tiny, { ...shared, store: service })
      const first = yield* manager.session
      state.broken = "session"
      yield* Effect.flip(manager.renew(first))
      yield* (yield* start(tiny, shared)).renew()
      assert.strictEqual(numberOf(Option.getOrThrow(yield* manager.peek)), "3")
      state.broken = false
      yield* manager.logout
      assert.includeMembers(tiny.calls, ["logout 2", "logout 3"])
    })
  )
})

describe("sessions: SessionManager.session", () => {
  const boom = Effect.die(new TypeError("secret-canary"))
  const places = ["the store's `get`", "the store's `put`", "the lock", "the login"] as const

  const startWithDefect = Effect.fnUntraced(function* (place: (typeof places)[number], expiry: Expiry.Expiry) {
    yield* begin
    const state = { broken: false, logins: 0 }
    const { lock, store } = makeShared()
    const tiny = makeTiny({ credentials: { pin: "4711" }, early: "30 minutes", expiry })
    const dies = (at: string) => state.broken && at === place
    const own = {
      store: {
        ...store,
        get: (...args) => (dies("the store's `get`") ? boom : store.get(...args)),
        put: (...args) => (dies("the store's `put`") ? boom : store.put(...args))
      } satisfies typeof store,
      lock: {
        ...lock,
        withLock: (...args) => (dies("the lock") ? boom : lock.withLock(...args))
      } satisfies typeof lock
    }
    const login = Effect.suspend(() => {
      state.logins += 1
      return dies("the login") ? boom : (tiny.renewal.login ?? Effect.never)
    })
    const manager = yield* start({ ...tiny, renewal: { ...tiny.renewal, login } }, own)
    return { manager, state }
  })

  it.effect.each(places)("fails with a typed error after a defect in %s", (place) =>
    Effect.gen(function* () {
      const { manager, state } = yield* startWithDefect(place, Expiry.dailyAt("00:00"))
      yield* manager.session
      yield* pass("1 day")
      state.broken = true
      for (let call = 0; call < 50; call += 1) {
        const error = yield* Effect.flip(manager.session)
        assert.strictEqual(error.reason._tag, "ActionRequired")
        assert.notInclude(shown(error), "secret-canary")
      }
      assert.isAtMost(state.logins, 2)
      state.broken = false
      yield* pass("20 seconds")
      assert.strictEqual((yield* manager.session).account, account)
    })
  )

  it.effect.each(places)("returns the valid session despite a defect in %s", (place) =>
    Effect.gen(function* () {
      const { manager, state } = yield* startWithDefect(place, Expiry.after("2 hours"))
      const session = yield* manager.session
      yield* pass("110 minutes")
      state.broken = true
      assert.strictEqual(yield* manager.session, session)
    })
  )
})

it.effect("sessions: SessionManager finds a newer session after the store was emptied", () =>
  Effect.gen(function* () {
    yield* begin
    const [tiny, { empty, service }] = [makeTiny(), emptied()]
    const shared = { ...makeShared(), store: service }
    const one = yield* start(tiny, shared)
    yield* one.session
    empty()
    yield* (yield* start(tiny, shared)).session
    yield* pass("31 seconds")
    yield* one.session
    yield* pass(1)
    assert.strictEqual(numberOf(yield* one.session), "2")
  })
)

it.effect("sessions: SessionManager.changes ends when the manager's scope closes", () =>
  Effect.gen(function* () {
    yield* begin
    const scope = yield* Scope.make()
    const manager = yield* Scope.provide(start(makeTiny()), scope)
    const listening = yield* Effect.forkChild(Stream.runCollect(manager.changes))
    yield* pass(1)
    yield* manager.session
    yield* Scope.close(scope, Exit.void)
    yield* pass(1)
    assert.lengthOf(yield* Fiber.join(listening), 1)
  })
)

describe("sessions: SessionManager.layer", () => {
  for (const options of [
    { early: "-10 minutes" },
    { early: NaN },
    { renewalTimeout: "-1 second" },
    { renewalTimeout: NaN },
    { pollInterval: -5 },
    { pollInterval: "soon" as "1 second" }
  ] satisfies ReadonlyArray<SessionManager.Options>) {
    const [[field, value] = ["", undefined]] = Object.entries(options)
    it.effect(`rejects the value ${String(value)} of the option ${field}`, () =>
      Effect.gen(function* () {
        const { reason } = yield* Effect.flip(startWith(makeTiny(), makeShared(), options))
        assert.deepInclude(reason, {
          _tag: "InvalidRequest",
          problems: [{ field, problem: "must be a duration of zero or more" }]
        })
      })
    )
  }
})
