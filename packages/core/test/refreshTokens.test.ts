import * as AuthError from "@auth/broker-core/login/AuthError"
import * as Expiry from "@auth/broker-core/login/Expiry"
import * as Session from "@auth/broker-core/login/Session"
import type * as SessionLock from "@auth/broker-core/session/SessionLock"
import type * as SessionStore from "@auth/broker-core/session/SessionStore"
import type * as SessionManager from "@auth/broker-core/session/SessionManager"
import * as VaultError from "@auth/broker-core/session/VaultError"
import { assert, describe, it } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import * as Random from "effect/Random"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import * as Scope from "effect/Scope"
import * as TestClock from "effect/testing/TestClock"
import {
  account,
  breakable,
  makeShared,
  makeTiny,
  morning,
  numberOf,
  pass,
  type Shared,
  start,
  type Tiny,
  type TinyOptions
} from "./sessions.ts"
import { thorough } from "../../../tools/vitest/thorough.ts"

const invalid = new AuthError.SessionExpired({ why: "refresh-invalid" })
const unavailable = new AuthError.BrokerUnavailable({ why: "network", systemCode: "ECONNREFUSED" })

const lastsAnHour: TinyOptions = { by: ["login", "refresh"], expiry: Expiry.after("1 hour") }

const tokenOf = ({ tokens: { refresh } }: Session.Session): string =>
  refresh === undefined ? "none" : Redacted.value(refresh).replace("refresh-", "")

const makeBroker = (options: TinyOptions = lastsAnHour) => {
  const made = makeTiny(options)
  const sent: Array<string> = []
  const refresh = (session: Session.Session) =>
    Effect.suspend(() => {
      sent.push(tokenOf(session))
      return made.renewal.refresh?.(session) ?? Effect.die("the fake broker has no refresh")
    })
  const { failures, calls } = made
  const tiny: Tiny = {
    calls,
    failures,
    logout: made.logout,
    renewal: { ...made.renewal, refresh },
    get latency() {
      return made.latency
    },
    set latency(latency) {
      made.latency = latency
    }
  }
  return { tiny, sent }
}

const begin = Effect.gen(function* () {
  yield* TestClock.setTime(morning)
  const shared = makeShared()
  const { service, state } = breakable(shared.store)
  return { ...makeBroker(), shared, breaking: { ...shared, store: service }, state }
})

const why = ({ reason }: SessionManager.Failure): string => ("why" in reason ? reason.why : reason._tag)

const startClosable = Effect.fnUntraced(function* (tiny: Tiny, shared: Shared) {
  const scope = yield* Scope.make()
  const manager = yield* Scope.provide(start(tiny, shared), scope)
  return { manager, close: Scope.close(scope, Exit.void) }
})

describe("sessions: a refresh token whose session was logged out", () => {
  it.effect("is not sent by another program", () =>
    Effect.gen(function* () {
      const { sent, shared, tiny } = yield* begin
      const [one, other] = [yield* start(tiny, shared), yield* start(tiny, shared)]
      yield* one.session
      yield* other.session
      yield* other.logout
      assert.strictEqual(numberOf(yield* one.renew()), "2")
      assert.deepStrictEqual(sent, [])
      assert.deepStrictEqual(tiny.calls, ["login 1", "logout 1", "login 2"])
    })
  )

  it.effect("is not sent, and the token that it replaced is not sent again", () =>
    Effect.gen(function* () {
      const { sent, shared, tiny } = yield* begin
      const [one, other] = [yield* start(tiny, shared), yield* start(tiny, shared)]
      yield* one.session
      yield* other.renew()
      yield* other.logout
      assert.strictEqual(numberOf(yield* one.renew()), "3")
      assert.deepStrictEqual(sent, ["1"])
    })
  )

  it.effect("is not sent if the logout could not be stored", () =>
    Effect.gen(function* () {
      const { breaking, sent, state, tiny } = yield* begin
      const manager = yield* start(tiny, breaking)
      yield* manager.session
      state.broken = true
      yield* Effect.flip(manager.logout)
      state.broken = false
      assert.strictEqual(numberOf(yield* manager.renew()), "2")
      assert.deepStrictEqual(sent, [])
    })
  )

  it.effect("is not sent if the logout happens while the manager prepares the refresh", () =>
    Effect.gen(function* () {
      const { sent, shared, tiny } = yield* begin
      let isSlow = false
      const get: SessionStore.SessionStore["Service"]["get"] = (...args) =>
        isSlow && args[1] === "guard" ? Effect.delay(shared.store.get(...args), "1 second") : shared.store.get(...args)
      const manager = yield* start(tiny, { ...shared, store: { ...shared.store, get } })
      yield* manager.session
      isSlow = true
      const asked = yield* Effect.forkChild(Effect.flip(manager.renew()))
      yield* pass("500 millis")
      yield* manager.logout
      yield* pass("10 seconds")
      assert.strictEqual(why(yield* Fiber.join(asked)), "logged-out")
      assert.deepStrictEqual(sent, [])
    })
  )

  it.effect("leaves `peek` empty after a failed renewal", () =>
    Effect.gen(function* () {
      const { shared, tiny } = yield* begin
      const [one, other] = [yield* start(tiny, shared), yield* start(tiny, shared)]
      yield* one.session
      yield* other.logout
      tiny.failures.push(unavailable)
      yield* Effect.flip(one.renew())
      assert.isTrue(Option.isNone(yield* one.peek))
      yield* pass("2 minutes")
      assert.strictEqual(numberOf(yield* one.session), "2")
    })
  )

  it.effect("is not sent if the session could not be stored before the logout", () =>
    Effect.gen(function* () {
      const { breaking, sent, shared, state, tiny } = yield* begin
      const [one, other] = [yield* start(tiny, breaking), yield* start(tiny, shared)]
      yield* one.session
      state.broken = "session"
      yield* Effect.flip(one.renew())
      state.broken = false
      yield* other.logout
      assert.strictEqual(numberOf(yield* one.renew()), "3")
      yield* pass(1)
      assert.deepStrictEqual(sent, ["1"])
      assert.deepStrictEqual(tiny.calls, ["login 1", "refresh 2", "logout 1", "logout 2", "login 3"])
    })
  )

  it.effect("is not sent even if the next session could not be stored at first", () =>
    Effect.gen(function* () {
      const { breaking, shared, state, tiny } = yield* begin
      const [one, other] = [yield* start(tiny, breaking), yield* start(tiny, shared)]
      yield* one.session
      yield* other.logout
      state.broken = "session"
      yield* Effect.flip(one.renew())
      state.broken = false
      assert.strictEqual(numberOf(yield* one.renew()), "2")
      assert.strictEqual(numberOf(yield* (yield* start(tiny, shared)).session), "2")
      assert.deepStrictEqual(tiny.calls, ["login 1", "logout 1", "login 2"])
    })
  )
})

describe("sessions: a refresh token that the broker has refused", () => {
  it.effect("is not sent again if the store cannot be read during the refresh", () =>
    Effect.gen(function* () {
      const { breaking, sent, state, tiny } = yield* begin
      const manager = yield* start(tiny, breaking)
      yield* manager.session
      yield* pass("1 hour")
      tiny.latency = "1 second"
      tiny.failures.push(invalid)
      const asked = yield* Effect.forkChild(Effect.flip(manager.session))
      yield* pass("500 millis")
      state.unreadable = true
      yield* pass("5 seconds")
      yield* Fiber.join(asked)
      state.unreadable = false
      const again = yield* Effect.forkChild(manager.renew())
      yield* pass("5 seconds")
      yield* Fiber.join(again)
      assert.deepStrictEqual(sent, ["1"])
    })
  )

  it.effect("is not sent again by any program if the store cannot be written during the refresh", () =>
    Effect.gen(function* () {
      const { breaking, sent, shared, state, tiny } = yield* begin
      const manager = yield* start(tiny, breaking)
      yield* manager.session
      yield* pass("1 hour")
      tiny.failures.push(invalid, unavailable, unavailable)
      state.broken = "session"
      yield* Effect.flip(manager.session)
      state.broken = false
      yield* pass("1 minute")
      yield* Effect.flip(manager.session)
      assert.deepStrictEqual(tiny.calls, ["login 1", "refresh refused", "login refused", "login refused"])
      yield* (yield* start(tiny, shared)).session
      assert.deepStrictEqual(sent, ["1"])
    })
  )

  it.effect("is not sent again if the lock is lost during the refresh", () =>
    Effect.gen(function* () {
      const { sent, shared, tiny } = yield* begin
      let isLost = false
      const lost = VaultError.make("lock", new VaultError.LockUnavailable({ why: "lost" }))
      const lock: SessionLock.SessionLock["Service"] = {
        ...shared.lock,
        withLock: (of, use) =>
          shared.lock.withLock(of, (lease) =>
            use({ ...lease, check: Effect.suspend(() => (isLost ? Effect.fail(lost) : lease.check)) })
          )
      }
      const manager = yield* start(tiny, { ...shared, lock })
      yield* manager.session
      yield* pass("1 hour")
      tiny.latency = "1 second"
      tiny.failures.push(invalid)
      const asked = yield* Effect.forkChild(Effect.flip(manager.session))
      yield* pass("500 millis")
      isLost = true
      yield* pass("5 seconds")
      yield* Fiber.join(asked)
      isLost = false
      const other = yield* Effect.forkChild(Effect.flatMap(start(tiny, shared), ({ session }) => session))
      yield* pass("5 seconds")
      yield* Fiber.join(other)
      assert.deepStrictEqual(sent, ["1"])
    })
  )

  it.effect("is not sent again if the manager is closed before the token is removed from the store", () =>
    Effect.gen(function* () {
      const { sent, shared, tiny } = yield* begin
      let isSlow = false
      const put: SessionStore.SessionStore["Service"]["put"] = (...args) =>
        isSlow ? Effect.delay(shared.store.put(...args), "1 second") : shared.store.put(...args)
      const { close, manager } = yield* startClosable(tiny, { ...shared, store: { ...shared.store, put } })
      yield* manager.session
      yield* pass("1 hour")
      tiny.failures.push(invalid)
      isSlow = true
      yield* Effect.forkChild(Effect.flip(manager.session))
      yield* pass("500 millis")
      yield* Effect.forkChild(close)
      yield* pass("5 seconds")
      yield* (yield* start(tiny, shared)).session
      assert.deepStrictEqual(sent, ["1"])
    })
  )

  it.effect("is not sent again if SessionManager.adopt receives the token's session", () =>
    Effect.gen(function* () {
      const { sent, shared, tiny } = yield* begin
      const manager = yield* start(tiny, shared)
      const first = yield* manager.session
      tiny.failures.push(invalid)
      assert.strictEqual(numberOf(yield* manager.renew()), "2")
      yield* manager.adopt(first)
      yield* manager.renew()
      yield* (yield* start(tiny, shared)).renew()
      assert.notInclude(sent.slice(1), "1")
    })
  )
})

describe("sessions: a refresh token that is used up", () => {
  it.effect("is not sent again if the new session could not be stored and the clock was set back", () =>
    Effect.gen(function* () {
      const { breaking, sent, state, tiny } = yield* begin
      const manager = yield* start(tiny, breaking)
      yield* manager.session
      yield* TestClock.setTime(morning - 5 * 3_600_000)
      state.broken = true
      yield* Effect.flip(manager.session)
      state.broken = false
      yield* pass("61 minutes")
      yield* manager.session
      assert.deepStrictEqual(sent, ["1", "2"])
    })
  )

  it.effect("is not sent again if an older entry of the store is restored", () =>
    Effect.gen(function* () {
      const { sent, shared, tiny } = yield* begin
      const manager = yield* start(tiny, shared)
      yield* manager.session
      const backup = yield* shared.store.get(account, "session")
      yield* manager.renew()
      const entry = yield* shared.store.get(account, "session")
      assert.isTrue(yield* shared.store.put(account, "session", backup!.value, entry!.version))
      yield* pass("1 hour")
      yield* manager.session
      assert.deepStrictEqual(sent, ["1"])
    })
  )

  const halfHour = 1_800_000
  const endsAtHalfHour: TinyOptions = {
    by: ["login", "refresh"],
    expiry: ({ issuedAt }) => ({ at: Math.ceil((issuedAt + 1) / halfHour) * halfHour, source: "jwt" })
  }

  /**
   * Every session of this fake broker expires at the cut-off: the next full or half hour. The refresh starts 10 seconds
   * before the cut-off. The manager does not use the refreshed session, because the session lasts less than 30 seconds.
   * The manager waits for the cut-off, and then logs in.
   */
  const refreshAtCutOff = Effect.gen(function* () {
    yield* TestClock.setTime(morning)
    const [{ sent, tiny }, shared] = [makeBroker(endsAtHalfHour), makeShared()]
    const { close, manager } = yield* startClosable(tiny, shared)
    yield* manager.session
    yield* pass(halfHour - 10_000)
    const asked = yield* Effect.forkChild(Effect.result(manager.renew()))
    yield* pass("5 seconds")
    assert.deepStrictEqual(sent, ["1"])
    return { asked, close, manager, sent, shared, tiny }
  })

  it.effect("is not sent again if the login at the cut-off fails", () =>
    Effect.gen(function* () {
      const { asked, manager, sent, shared, tiny } = yield* refreshAtCutOff
      tiny.failures.push(unavailable)
      yield* pass("10 seconds")
      assert.isTrue(Result.isFailure(yield* Fiber.join(asked)))
      yield* manager.renew()
      yield* (yield* start(tiny, shared)).session
      assert.deepStrictEqual(sent, ["1"])
    })
  )

  it.effect("is not sent again if the manager is closed before the cut-off", () =>
    Effect.gen(function* () {
      const { close, sent, shared, tiny } = yield* refreshAtCutOff
      yield* close
      yield* pass("10 seconds")
      yield* (yield* start(tiny, shared)).session
      assert.deepStrictEqual(sent, ["1"])
    })
  )

  it.effect("is sent again if the broker has issued it again", () =>
    Effect.gen(function* () {
      yield* TestClock.setTime(morning)
      const { sent, tiny } = makeBroker()
      const same = <E>(issued: Effect.Effect<Session.Session, E>) =>
        Effect.map(issued, (session) =>
          Session.make({
            account,
            method: "totp",
            tokens: { ...session.tokens, refresh: Redacted.make("refresh-1") },
            issuedAt: session.issuedAt,
            expiry: Expiry.after("1 hour")
          })
        )
      const { login, refresh } = tiny.renewal
      const renewal = {
        ...tiny.renewal,
        login: login && same(login),
        refresh: refresh && ((session: Session.Session) => same(refresh(session)))
      }
      const manager = yield* start({ ...tiny, renewal })
      yield* manager.session
      yield* manager.renew()
      yield* manager.renew()
      assert.deepStrictEqual(sent, ["1", "1"])
      yield* manager.logout
      assert.strictEqual(numberOf(yield* manager.renew()), "4")
      yield* manager.renew()
      assert.deepStrictEqual(sent, ["1", "1", "1"])
      assert.deepStrictEqual(tiny.calls, ["login 1", "refresh 2", "refresh 3", "logout 3", "login 4", "refresh 5"])
    })
  )
})

// Simulates random days on which two programs share a store that can fail. The broker issues a new refresh token at
// each login and refresh. It refuses used refresh tokens, and refresh tokens of sessions that were logged out.

const days = thorough ? 400 : 60
const stepsOfADay = 60
const seed = 20261129

const between = (from: number, to: number) => Random.nextIntBetween(from, to, { halfOpen: true })

const oneOf = <A>(all: ReadonlyArray<A>): Effect.Effect<A> =>
  Effect.map(between(0, all.length), (index) => all[index] as A)

interface Program {
  readonly manager: SessionManager.SessionManager["Service"]
  readonly close: Effect.Effect<void>
  /** Refresh tokens that this program must not send. */
  readonly dead: Set<string>
  last: Session.Session | undefined
}

interface Day {
  readonly tiny: Tiny
  readonly state: ReturnType<typeof breakable>["state"]
  readonly programs: Array<Program>
  readonly another: Effect.Effect<Program, never, Effect.Services<ReturnType<typeof start>>>
  /** Refresh tokens that the broker accepts. */
  readonly valid: Set<string>
  /** True until the store first fails. Until then, each program learns from the store which tokens were sent. */
  isHealthy: boolean
  adopted: number
}

const ask = (program: Program, call: Effect.Effect<Session.Session, SessionManager.Failure>) =>
  Effect.forkDetach(
    Effect.match(call, { onFailure: () => undefined, onSuccess: (session) => void (program.last = session) }),
    { startImmediately: true }
  )

type Step = (day: Day, program: Program) => Effect.Effect<unknown, never, Effect.Services<ReturnType<typeof start>>>

const ordinary: Step = (_, program) => ask(program, program.manager.session)
const shortWait: Step = () => Effect.flatMap(between(1, 5000), TestClock.adjust)

const steps: ReadonlyArray<Step> = [
  ordinary,
  ordinary,
  shortWait,
  shortWait,
  () => Effect.flatMap(between(1, 90), (minutes) => TestClock.adjust(minutes * 60_000)),
  Effect.fnUntraced(function* () {
    const jump = yield* between(-7_200_000, 7_200_000)
    yield* TestClock.setTime((yield* Clock.currentTimeMillis) + jump)
  }),
  (_, program) => ask(program, program.manager.renew()),
  (_, program) => ask(program, program.manager.renew()),
  (_, program) => ask(program, program.manager.renew()),
  (_, program) => (program.last === undefined ? Effect.void : ask(program, program.manager.renew(program.last))),
  (_, program) => Effect.forkDetach(Effect.exit(program.manager.logout), { startImmediately: true }),
  ({ tiny }) => Effect.map(oneOf([invalid, unavailable]), (reason) => tiny.failures.push(reason)),
  (day) =>
    Effect.map(oneOf([true, "session", false] as const), (broken) => {
      day.state.broken = broken
      day.isHealthy = day.isHealthy && broken === false
    }),
  (day) =>
    Effect.map(oneOf([true, false, false]), (unreadable) => {
      day.state.unreadable = unreadable
      day.isHealthy = day.isHealthy && !unreadable
    }),
  ({ tiny }) => Effect.map(oneOf([0, 0, 100, 3000]), (latency) => void (tiny.latency = latency)),
  // The broker ends all sessions.
  ({ valid }) => Effect.sync(() => valid.clear()),
  Effect.fnUntraced(function* (day, program) {
    const name = `adopted-${++day.adopted}`
    day.valid.add(name)
    const tokens = { access: Redacted.make(name), refresh: Redacted.make(`refresh-${name}`) }
    const issuedAt = yield* Clock.currentTimeMillis
    const session = Session.make({ account, method: "totp", tokens, issuedAt, expiry: Expiry.after("1 hour") })
    yield* Effect.forkDetach(Effect.exit(program.manager.adopt(session)), { startImmediately: true })
  }),
  // The new program knows only what is in the store.
  Effect.fnUntraced(function* ({ another, programs }, program) {
    yield* Effect.forkDetach(program.close, { startImmediately: true })
    yield* TestClock.adjust(1)
    programs[programs.indexOf(program)] = yield* another
  })
]

const liveThroughDay = Effect.gen(function* () {
  yield* TestClock.setTime(morning)
  const { sent, tiny } = makeBroker({ ...lastsAnHour, credentials: { pin: "4711" } })
  const shared = makeShared()
  const { service, state } = breakable(shared.store)
  const problems: Array<string> = []
  const everDead = new Set<string>()
  const valid = new Set<string>()
  const { login, refresh } = tiny.renewal
  const issued = <E>(call: Effect.Effect<Session.Session, E> | undefined) =>
    call && Effect.tap(call, (session) => Effect.sync(() => valid.add(tokenOf(session))))
  const another = Effect.gen(function* () {
    const dead = new Set<string>()
    const kill = (token: string) => {
      valid.delete(token)
      dead.add(token)
    }
    const watched = (session: Session.Session) =>
      Effect.gen(function* () {
        const token = tokenOf(session)
        if (dead.has(token)) problems.push(`a program sent ${token} again`)
        if (day.isHealthy && everDead.has(token)) problems.push(`another program sent ${token} again`)
        const call = valid.has(token)
          ? (issued(refresh?.(session)) ?? Effect.die("the fake broker has no refresh"))
          : Effect.fail(AuthError.make("tiny", "refresh", invalid))
        const result = yield* Effect.result(call)
        if (Result.isSuccess(result) || result.failure.reason._tag === "SessionExpired") {
          kill(token)
          everDead.add(token)
        }
        return yield* Effect.fromResult(result)
      })
    const logout: Tiny["logout"]["logout"] = (session) =>
      Effect.andThen(
        Effect.sync(() => {
          kill(tokenOf(session))
          everDead.add(tokenOf(session))
        }),
        tiny.logout.logout(session)
      )
    const renewal = { ...tiny.renewal, login: issued(login), refresh: watched }
    const started = yield* startClosable({ ...tiny, renewal, logout: { logout } }, { ...shared, store: service })
    return { ...started, dead, last: undefined }
  })
  const day: Day = { tiny, state, programs: [], another, valid, isHealthy: true, adopted: 0 }
  day.programs.push(yield* another, yield* another)
  for (let step = 0; step < stepsOfADay; step++) {
    const [program, next] = [yield* oneOf(day.programs), yield* oneOf(steps)]
    yield* next(day, program)
    yield* TestClock.adjust(0)
  }
  yield* TestClock.adjust("1 minute")
  for (const { close } of day.programs) yield* close
  assert.deepStrictEqual(problems, [])
  return sent.length
})

it.effect(`sessions: no program knowingly sends an invalid refresh token in ${days} simulated days`, ({ task }) =>
  Effect.gen(function* () {
    let sent = 0
    for (let day = 0; day < days; day++) sent += yield* Effect.scoped(liveThroughDay)
    Object.assign(task.meta, { days })
    assert.isAbove(sent, days)
  }).pipe(Random.withSeed(seed))
)
