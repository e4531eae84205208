import * as AuthError from "@auth/broker-core/login/AuthError"
import * as Expiry from "@auth/broker-core/login/Expiry"
import * as Session from "@auth/broker-core/login/Session"
import * as LoginProgress from "@auth/broker-core/broker/LoginProgress"
import * as SessionStore from "@auth/broker-core/session/SessionStore"
import { assert, describe, it } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import * as TestClock from "effect/testing/TestClock"
import { account, makeShared, makeTiny, morning, numberOf, pass, type Shared, start, type Tiny } from "./sessions.ts"

const unavailable = new AuthError.BrokerUnavailable({ why: "broker", status: 503 })
const refused = new AuthError.SessionExpired({ why: "invalid" })

/**
 * A fake broker whose login has two steps. The first step stores its token as the progress of the login. The second
 * step exchanges this token for a session.
 */
const makeSteps = () => {
  const steps: Array<string> = []
  const failures: Array<AuthError.Reason> = []
  let count = 0
  const program = (app: string, pin: string, shared: Shared, endsIn = 3_600_000) => {
    const name = `${app} ${pin}`
    const own = { ...account, app }
    const exchange = ({ issuedAt, token }: LoginProgress.LoginProgress) =>
      Effect.suspend(() => {
        steps.push(`${name} exchanges ${Redacted.value(token)}`)
        const reason = failures.shift()
        if (reason !== undefined) return Effect.fail(AuthError.make("tiny", "exchange", reason))
        const tokens = { access: Redacted.make(`access-${Redacted.value(token)}`) }
        return Effect.succeed(
          Session.make({ account: own, method: "totp", tokens, issuedAt, expiry: Expiry.after("1 hour") })
        )
      })
    const login = Effect.gen(function* () {
      const issuedAt = yield* Clock.currentTimeMillis
      const progress = { token: Redacted.make(String(++count)), issuedAt, endsAt: issuedAt + endsIn }
      steps.push(`${name} logs in ${count}`)
      yield* LoginProgress.keep(progress)
      return yield* exchange(progress)
    })
    const made = makeTiny({ credentials: { pin } })
    const tiny: Tiny = { ...made, renewal: { ...made.renewal, account: own, login, resume: exchange } }
    return start(tiny, shared)
  }
  return { failures, program, steps }
}

/** Only a store with a key computes the fingerprints by which the login guard recognizes credentials. */
const stores = [
  ["with a key", () => SessionStore.makeMemory()],
  [
    "without a key",
    (): SessionStore.SessionStore["Service"] => ({ ...SessionStore.makeMemory(), fingerprint: undefined })
  ]
] as const

const begin = (store: SessionStore.SessionStore["Service"] = SessionStore.makeMemory()) =>
  Effect.as(TestClock.setTime(morning), { ...makeSteps(), shared: { ...makeShared(), store } })

describe("sessions: the progress of a login", () => {
  for (const [kind, makeStore] of stores) {
    it.effect(`is continued by another program of the same app, in a store ${kind}`, () =>
      Effect.gen(function* () {
        const { failures, program, shared, steps } = yield* begin(makeStore())
        failures.push(unavailable)
        yield* Effect.flip((yield* program("a", "4711", shared)).session)
        yield* pass("1 minute")
        assert.strictEqual(numberOf(yield* (yield* program("a", "4711", shared)).session), "1")
        assert.deepStrictEqual(steps, ["a 4711 logs in 1", "a 4711 exchanges 1", "a 4711 exchanges 1"])
      })
    )

    it.effect(`is not deleted by a logout of another app, in a store ${kind}`, () =>
      Effect.gen(function* () {
        const { failures, program, shared, steps } = yield* begin(makeStore())
        failures.push(unavailable)
        yield* Effect.flip((yield* program("a", "4711", shared)).session)
        const other = yield* program("b", "4711", shared)
        yield* other.logout
        yield* pass("1 minute")
        assert.strictEqual(numberOf(yield* (yield* program("a", "4711", shared)).session), "1")
        yield* pass("1 minute")
        assert.strictEqual(numberOf(yield* other.renew()), "2")
        assert.deepStrictEqual(steps.slice(2), ["a 4711 exchanges 1", "b 4711 logs in 2", "b 4711 exchanges 2"])
      })
    )

    it.effect(`is replaced by a login of another app, in a store ${kind}`, () =>
      Effect.gen(function* () {
        const { failures, program, shared, steps } = yield* begin(makeStore())
        const [a, b] = [yield* program("a", "4711", shared), yield* program("b", "4711", shared)]
        failures.push(unavailable, unavailable)
        yield* Effect.flip(a.session)
        yield* pass("1 minute")
        yield* Effect.flip(b.session)
        yield* pass("1 minute")
        assert.strictEqual(numberOf(yield* b.session), "2")
        yield* pass("1 minute")
        assert.strictEqual(numberOf(yield* a.session), "3")
        assert.deepStrictEqual(steps, [
          "a 4711 logs in 1",
          "a 4711 exchanges 1",
          "b 4711 logs in 2",
          "b 4711 exchanges 2",
          "b 4711 exchanges 2",
          "a 4711 logs in 3",
          "a 4711 exchanges 3"
        ])
      })
    )
  }

  it.effect("is discarded if its token has expired or was refused", () =>
    Effect.gen(function* () {
      const { failures, program, shared, steps } = yield* begin()
      const manager = yield* program("a", "4711", shared, 90_000)
      failures.push(unavailable)
      yield* Effect.flip(manager.session)
      yield* pass("2 minutes")
      failures.push(unavailable)
      yield* Effect.flip(manager.session)
      yield* pass("1 minute")
      failures.push(refused)
      assert.strictEqual(numberOf(yield* manager.session), "3")
      assert.deepStrictEqual(steps.slice(2), [
        "a 4711 logs in 2",
        "a 4711 exchanges 2",
        "a 4711 exchanges 2",
        "a 4711 logs in 3",
        "a 4711 exchanges 3"
      ])
    })
  )

  it.effect("is not continued with corrected credentials", () =>
    Effect.gen(function* () {
      const { failures, program, shared, steps } = yield* begin()
      failures.push(unavailable)
      yield* Effect.flip((yield* program("a", "4711", shared)).session)
      yield* pass("1 minute")
      assert.strictEqual(numberOf(yield* (yield* program("a", "1234", shared)).session), "2")
      assert.deepStrictEqual(steps.slice(2), ["a 1234 logs in 2", "a 1234 exchanges 2"])
    })
  )

  it.effect("is deleted by a logout of its app", () =>
    Effect.gen(function* () {
      const { failures, program, shared, steps } = yield* begin()
      const manager = yield* program("a", "4711", shared)
      failures.push(unavailable)
      yield* Effect.flip(manager.session)
      yield* manager.logout
      yield* pass("1 minute")
      assert.strictEqual(numberOf(yield* manager.renew()), "2")
      assert.deepStrictEqual(steps.slice(2), ["a 4711 logs in 2", "a 4711 exchanges 2"])
    })
  )

  it.effect("is ignored if stored without the name of its app", () =>
    Effect.gen(function* () {
      const { program, shared, steps } = yield* begin()
      const ledger = {
        format: 2,
        attempts: [{ id: "x", at: morning - 1000, outcome: "refused" }],
        accepted: [],
        refused: [],
        progress: { token: "old", issuedAt: morning - 1000 }
      }
      const bytes = Redacted.make(new TextEncoder().encode(JSON.stringify(ledger)))
      yield* shared.store.put({ ...account, app: "*", id: account.id.toLowerCase() }, "guard", bytes, 0)
      const manager = yield* program("a", "4711", shared)
      assert.strictEqual(numberOf(yield* manager.session), "1")
      assert.deepStrictEqual(steps, ["a 4711 logs in 1", "a 4711 exchanges 1"])
    })
  )
})
