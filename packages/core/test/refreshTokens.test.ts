import * as Account from "@auth/broker-core/login/Account"
import * as AuthError from "@auth/broker-core/login/AuthError"
import * as LoginProgress from "@auth/broker-core/broker/LoginProgress"
import * as Expiry from "@auth/broker-core/login/Expiry"
import * as Session from "@auth/broker-core/login/Session"
import * as LoginGuard from "@auth/broker-core/session/LoginGuard"
import * as SessionStore from "@auth/broker-core/session/SessionStore"
import { assert, describe, it } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Random from "effect/Random"
import * as Redacted from "effect/Redacted"
import * as TestClock from "effect/testing/TestClock"
import { account, breakable, makeShared, makeTiny, morning, pass, type Shared, start, type Tiny } from "./sessions.ts"
import { thorough } from "../../../tools/vitest/thorough.ts"

const refused = new AuthError.SessionExpired({ why: "refresh-invalid", code: "R1" })
const network = new AuthError.BrokerUnavailable({ why: "network" })

/**
 * A broker that rotates its refresh tokens. `calls` contains the logins, and the refreshes with their refresh tokens.
 * `failures` contains the failures of the next calls.
 */
const makeRotating = () => {
  const tiny = makeTiny()
  const [calls, failures]: [Array<string>, Array<AuthError.Reason | undefined>] = [[], []]
  let issued = 0
  const issue = (call: string) =>
    Session.issue(
      { account, method: "test", expiry: Expiry.after("10 minutes") },
      Effect.suspend(() => {
        calls.push(call)
        const reason = failures.shift()
        if (reason !== undefined) return Effect.fail(AuthError.make("tiny", call, reason))
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
  return { calls, failures, tiny: { ...tiny, renewal } }
}

describe("a refresh token", () => {
  it.effect("that another program has used before its logout is not sent by `renew`", () =>
    Effect.gen(function* () {
      yield* TestClock.setTime(morning)
      const { calls, tiny } = makeRotating()
      const shared = makeShared()
      const [one, two] = [yield* start(tiny, shared), yield* start(tiny, shared)]
      yield* one.session
      yield* two.session
      yield* pass("1 second")
      yield* one.renew()
      yield* pass("1 second")
      yield* one.logout
      yield* two.renew()
      assert.deepStrictEqual(calls, ["login", "refresh-1", "login"])
    })
  )

  it.effect("that was valid at the logout of another program is not sent by `renew`", () =>
    Effect.gen(function* () {
      yield* TestClock.setTime(morning)
      const { calls, tiny } = makeRotating()
      const shared = makeShared()
      const [one, two] = [yield* start(tiny, shared), yield* start(tiny, shared)]
      yield* one.session
      yield* two.session
      yield* one.logout
      yield* two.renew()
      assert.deepStrictEqual(calls, ["login", "login"])
    })
  )

  it.effect.each(["put", "get"] as const)(
    "that the broker has refused is not sent again if the store fails (%s)",
    (broken) =>
      Effect.gen(function* () {
        yield* TestClock.setTime(morning)
        const { calls, failures, tiny } = makeRotating()
        const { store, ...rest } = makeShared()
        const { service, state } = breakable(store)
        const manager = yield* start(
          {
            ...tiny,
            renewal: {
              ...tiny.renewal,
              refresh: (session) =>
                Effect.onError(tiny.renewal.refresh?.(session) ?? Effect.die("no refresh"), () =>
                  Effect.sync(() => {
                    if (broken === "put") state.broken = "session"
                    else state.unreadable = true
                  })
                )
            }
          },
          { ...rest, store: service }
        )
        yield* manager.session
        yield* pass("11 minutes")
        failures.push(refused, network)
        yield* Effect.exit(manager.session)
        state.broken = false
        state.unreadable = false
        for (let minute = 0; minute < 10; minute += 1) {
          yield* pass("1 minute")
          yield* Effect.exit(manager.session)
        }
        assert.deepStrictEqual(calls.filter((call) => call === "refresh-1").length, 1)
        assert.include(calls.slice(2), "login")
      })
  )

  it.effect("that the broker has refused is not sent again by another program", () =>
    Effect.gen(function* () {
      yield* TestClock.setTime(morning)
      const { calls, failures, tiny } = makeRotating()
      const shared = makeShared()
      const [one, two] = [yield* start(tiny, shared), yield* start(tiny, shared)]
      yield* one.session
      yield* two.session
      yield* pass("11 minutes")
      failures.push(refused, network)
      yield* Effect.exit(one.session)
      yield* two.session
      assert.deepStrictEqual(calls, ["login", "refresh-1", "login", "login"])
    })
  )

  it.effect("of an older session in a restored store is not sent, because the newer session has replaced it", () =>
    Effect.gen(function* () {
      yield* TestClock.setTime(morning)
      const { calls, tiny } = makeRotating()
      const shared = makeShared()
      let current = shared.store
      const store: Shared["store"] = {
        ...current,
        get: (...args) => current.get(...args),
        put: (...args) => current.put(...args)
      }
      const manager = yield* start(tiny, { ...shared, store })
      yield* manager.session
      const backup = yield* store.get(account, "session")
      yield* pass("1 minute")
      yield* manager.renew()
      current = SessionStore.makeMemory()
      yield* current.put(account, "session", backup?.value ?? assert.fail("nothing is stored"), 0)
      yield* pass("20 minutes")
      yield* manager.session
      assert.deepStrictEqual(calls, ["login", "refresh-1", "refresh-2"])
    })
  )
})

describe("a login that is continued", () => {
  /** Requests a session every minute for an hour. Returns the calls and their times in minutes. */
  const poll = Effect.fnUntraced(function* (reason: AuthError.Reason) {
    yield* TestClock.setTime(morning)
    const tiny = makeTiny()
    const calls: Array<string> = []
    const failure = Effect.fail(AuthError.make("tiny", "login", reason))
    const at = (call: string) =>
      Effect.map(Clock.currentTimeMillis, (now) => void calls.push(`${call} ${Math.floor((now - morning) / 60_000)}`))
    const login = Effect.andThen(
      at("login"),
      Effect.andThen(LoginProgress.keep({ token: Redacted.make("step"), issuedAt: morning }), failure)
    )
    const resume = () => Effect.andThen(at("continued"), failure)
    const manager = yield* start({ ...tiny, renewal: { ...tiny.renewal, login, resume } })
    for (let minute = 0; minute < 60; minute += 1) {
      yield* Effect.exit(manager.session)
      yield* pass("1 minute")
    }
    return { calls, manager }
  })

  it.effect.each([
    [new AuthError.PermissionDenied({ why: "waf" }), ["login 0", "continued 5", "continued 20"]],
    [
      new AuthError.PermissionDenied({ why: "ip" }),
      ["login 0", ...[1, 3, 8, 18, 28, 38, 48, 58].map((minute) => `continued ${minute}`)]
    ],
    [new AuthError.SessionLimitReached({}), ["login 0", "continued 5", "continued 20"]],
    // The broker no longer accepts the progress, so a new login follows.
    [
      new AuthError.BrokerRejected({ code: "X1" }),
      ["login 0", ...[1, 3, 8, 18, 28, 38, 48, 58].flatMap((minute) => [`continued ${minute}`, `login ${minute}`])]
    ]
  ] as const)("waits as a new login does if the broker refuses it for good (%#)", ([reason, expected]) =>
    Effect.gen(function* () {
      const { calls, manager } = yield* poll(reason)
      assert.deepStrictEqual(calls, [...expected])
      // A person can continue it at once.
      yield* Effect.exit(manager.renew())
      assert.isAbove(calls.length, expected.length)
    })
  )

  it.effect("is not continued again after a refusal, even if the store cannot be written", () =>
    Effect.gen(function* () {
      yield* TestClock.setTime(morning)
      const tiny = makeTiny()
      const { service, state } = breakable(makeShared().store)
      let continued = 0
      const fail = (reason: AuthError.Reason) => Effect.fail(AuthError.make("tiny", "login", reason))
      const login = Effect.andThen(
        LoginProgress.keep({ token: Redacted.make("step"), issuedAt: morning }),
        fail(network)
      )
      const resume = () =>
        Effect.suspend(() => {
          continued += 1
          state.broken = true
          return fail(new AuthError.SessionExpired({ why: "invalid" }))
        })
      const renewal = { ...tiny.renewal, login, resume }
      const manager = yield* start({ ...tiny, renewal }, { ...makeShared(), store: service })
      for (let minute = 0; minute < 10; minute += 1) {
        yield* Effect.exit(manager.session)
        yield* pass("1 minute")
      }
      assert.strictEqual(continued, 1)
    })
  )

  it.effect("does not wait after a bad network", () =>
    Effect.gen(function* () {
      const { calls } = yield* poll(network)
      assert.strictEqual(calls.length, 60)
    })
  )
})

describe("the progress of a login", () => {
  /** Starts a program whose logins fail after the first step, and are continued by `resume`. */
  const startWith = Effect.fnUntraced(function* (
    shared: Shared,
    calls: Array<string>,
    { app = "default", pin = "4711" }: { readonly app?: string; readonly pin?: string }
  ) {
    const name = `${app} ${pin}`
    const tiny = makeTiny({ credentials: { pin } })
    const failure = Effect.fail(AuthError.make("tiny", "login", network))
    const login = Effect.flatMap(Clock.currentTimeMillis, (issuedAt) => {
      calls.push(`login of ${name}`)
      return Effect.andThen(LoginProgress.keep({ token: Redacted.make(name), issuedAt }), failure)
    })
    const resume = ({ token }: LoginProgress.LoginProgress) => {
      calls.push(`${name} continues ${Redacted.value(token)}`)
      return failure
    }
    const own = Account.make({ ...account, app })
    return yield* start({ ...tiny, renewal: { ...tiny.renewal, account: own, login, resume } }, shared)
  })

  const withKey = (): Shared => ({
    ...makeShared(),
    store: { ...SessionStore.makeMemory(), fingerprint: (text) => Effect.succeed(`print of ${Redacted.value(text)}`) }
  })

  it.effect("is continued only with the app and the credentials that began it", () =>
    Effect.gen(function* () {
      yield* TestClock.setTime(morning)
      const [shared, calls]: [Shared, Array<string>] = [withKey(), []]
      for (const given of [{}, {}, { app: "two" }, { app: "two" }, { app: "two", pin: "0815" }, { app: "two" }]) {
        const manager = yield* startWith(shared, calls, given)
        yield* Effect.exit(manager.session)
        yield* pass("1 minute")
      }
      assert.deepStrictEqual(calls, [
        "login of default 4711",
        "default 4711 continues default 4711",
        "login of two 4711",
        "two 4711 continues two 4711",
        "login of two 0815",
        "login of two 4711"
      ])
    })
  )

  it.effect("is not removed by the logout of another app", () =>
    Effect.gen(function* () {
      yield* TestClock.setTime(morning)
      const [shared, calls]: [Shared, Array<string>] = [withKey(), []]
      yield* Effect.exit((yield* startWith(shared, calls, {})).session)
      yield* Effect.exit((yield* startWith(shared, calls, { app: "two" })).logout)
      yield* pass("1 minute")
      yield* Effect.exit((yield* startWith(shared, calls, {})).session)
      assert.deepStrictEqual(calls, ["login of default 4711", "default 4711 continues default 4711"])
    })
  )
})

const walks = thorough ? 3000 : 200
const stepsOfAWalk = 50
const seed = 20261129

const between = (from: number, to: number) => Random.nextIntBetween(from, to, { halfOpen: true })

/** Two programs share an account. Returns the refresh tokens that were sent although they were refused or used. */
const walk = Effect.gen(function* () {
  yield* TestClock.setTime(morning)
  const [sent, wrong]: [Set<string>, Array<string>] = [new Set(), []]
  const live = new Set<string>()
  let issued = 0
  let failing = 0
  const next = () => {
    issued += 1
    live.add(`refresh-${issued}`)
    return { access: Redacted.make(`access-${issued}`), refresh: Redacted.make(`refresh-${issued}`) }
  }
  const expiry = Expiry.after("10 minutes")
  const issue = (refresh?: string) =>
    Session.issue(
      { account, method: "test", expiry },
      Effect.gen(function* () {
        if (refresh !== undefined && sent.has(refresh)) wrong.push(refresh)
        yield* Effect.sleep(yield* between(0, 2000))
        if (failing > 0) {
          failing -= 1
          return yield* AuthError.make("tiny", "login", network)
        }
        if (refresh === undefined) return { tokens: next() }
        sent.add(refresh)
        return live.delete(refresh) ? { tokens: next() } : yield* AuthError.make("tiny", "refresh", refused)
      })
    )
  const tiny = makeTiny({ credentials: { pin: "4711" } })
  const renewal: Tiny["renewal"] = {
    ...tiny.renewal,
    login: issue(),
    refresh: ({ tokens: { refresh } }) => issue(refresh === undefined ? "none" : Redacted.value(refresh))
  }
  const shared = makeShared()
  const begin = start({ ...tiny, renewal }, shared)
  const programs = [yield* begin, yield* begin]
  for (let step = 0; step < stepsOfAWalk; step++) {
    const index = yield* between(0, 2)
    const manager = programs[index] ?? assert.fail("no program")
    const steps: ReadonlyArray<Effect.Effect<unknown, unknown, Effect.Services<typeof begin>>> = [
      manager.session,
      manager.session,
      manager.renew(),
      Effect.flatMap(manager.session, (held) => manager.renew(held)),
      manager.logout,
      Effect.suspend(() =>
        manager.adopt(Session.make({ account, method: "test", expiry, issuedAt: morning, tokens: next() }))
      ),
      Effect.sync(() => live.clear()),
      Effect.sync(() => void (failing += 1)),
      LoginGuard.make(shared.store).reset(account, { credentials: renewal.credentials }),
      Effect.map(begin, (begun) => void (programs[index] = begun))
    ]
    const chosen = steps[yield* between(0, steps.length)] ?? assert.fail("no step")
    yield* Effect.forkScoped(Effect.exit(chosen))
    const wait = yield* between(0, 4)
    if (wait === 0) yield* TestClock.adjust(yield* between(0, 5000))
    else if (wait === 1) yield* TestClock.adjust(yield* between(0, 900_000))
    else if (wait === 2)
      yield* TestClock.setTime((yield* Clock.currentTimeMillis) + (yield* between(-3_600_000, 3_600_000)))
  }
  return wrong
}).pipe(Effect.scoped)

describe("refresh tokens", () => {
  it.effect(
    `are never sent after they were refused or used, in ${walks} random walks of two programs with clock changes`,
    () =>
      Effect.gen(function* () {
        for (let number = 0; number < walks; number++) {
          const wrong = yield* walk.pipe(Effect.provide(TestClock.layer()), Random.withSeed(`${seed + number}`))
          assert.deepStrictEqual(wrong, [], `walk ${number}`)
        }
      }),
    300_000
  )
})
