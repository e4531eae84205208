import * as Account from "@auth/broker-core/login/Account"
import * as AuthError from "@auth/broker-core/login/AuthError"
import * as LoginProgress from "@auth/broker-core/broker/LoginProgress"
import * as Expiry from "@auth/broker-core/login/Expiry"
import * as Session from "@auth/broker-core/login/Session"
import * as SessionStore from "@auth/broker-core/session/SessionStore"
import { assert, describe, it } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import * as TestClock from "effect/testing/TestClock"
import { account, breakable, makeShared, makeTiny, morning, pass, type Shared, start, type Tiny } from "./sessions.ts"

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
      const manager = yield* start(tiny, shared)
      yield* manager.session
      const backup = yield* shared.store.get(account, "session")
      yield* pass("1 minute")
      yield* manager.renew()
      const { version = 0 } = { ...(yield* shared.store.get(account, "session")) }
      yield* shared.store.put(account, "session", backup?.value ?? assert.fail("nothing is stored"), version)
      yield* pass("20 minutes")
      yield* manager.session
      assert.deepStrictEqual(calls, ["login", "refresh-1", "refresh-2"])
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
