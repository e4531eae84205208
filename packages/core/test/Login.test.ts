import * as AuthError from "@auth/broker-core/login/AuthError"
import type { Challenge } from "@auth/broker-core/login/Challenge"
import * as Login from "@auth/broker-core/login/Login"
import * as Logout from "@auth/broker-core/login/Logout"
import * as Profile from "@auth/broker-core/login/Profile"
import * as Refresh from "@auth/broker-core/login/Refresh"
import { StepUp } from "@auth/broker-core/login/StepUp"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import { account, session } from "./support.ts"

const live = session()

const challenge: Challenge = {
  id: "1",
  account,
  kinds: ["otp"],
  destinations: [],
  resendAt: undefined,
  resendsLeft: undefined,
  expiresAt: undefined,
  stepToken: Redacted.make("step-canary")
}

const failure = AuthError.make("tiny", "login", new AuthError.SessionLimitReached({}))

const broker = (login: Login.Login["Service"]["login"]) => {
  const asked: Array<string> = []
  const note = (what: string) => Effect.sync(() => void asked.push(what))
  const services = Layer.mergeAll(
    Layer.succeed(Login.Login, { login: Effect.andThen(note("login"), login) }),
    Layer.succeed(StepUp, {
      verify: ({ id }, code) => Effect.as(note(`verify ${id} ${Redacted.value(code)}`), live),
      resend: () => Effect.die("not used")
    })
  )
  return { asked, services }
}

const atOnce = Effect.succeed(Login.authenticated(live))
const inTwoSteps = Effect.succeed(Login.stepUpRequired(challenge))
const code = Effect.succeed(Redacted.make("123456"))

describe("Login.session", () => {
  it.effect("returns the session of the login", () =>
    Effect.gen(function* () {
      const { asked, services } = broker(atOnce)
      assert.strictEqual(yield* Effect.provide(Login.session, services), live)
      assert.deepStrictEqual(asked, ["login"])
    })
  )

  it.effect("fails with ActionRequired if the broker requests a one-time code", () =>
    Effect.gen(function* () {
      const error = yield* Effect.flip(Effect.provide(Login.session, broker(inTwoSteps).services))
      assert.strictEqual(error.reason._tag, "ActionRequired")
      assert.include(error.remedy, "Login.withStepUp")
    })
  )
})

describe("Login.withStepUp", () => {
  it.effect("requests no code if there is no challenge", () =>
    Effect.gen(function* () {
      const { asked, services } = broker(atOnce)
      const given = yield* Effect.provide(
        Login.withStepUp(() => Effect.die("asked")),
        services
      )
      assert.strictEqual(given, live)
      assert.deepStrictEqual(asked, ["login"])
    })
  )

  it.effect("answers the challenge once", () =>
    Effect.gen(function* () {
      const { asked, services } = broker(inTwoSteps)
      const given = yield* Effect.provide(
        Login.withStepUp((wanted) => (wanted === challenge ? code : Effect.die("another challenge"))),
        services
      )
      assert.strictEqual(given, live)
      assert.deepStrictEqual(asked, ["login", "verify 1 123456"])
    })
  )

  it.effect("does not answer the challenge if the program provides no code", () =>
    Effect.gen(function* () {
      const { asked, services } = broker(inTwoSteps)
      const error = yield* Effect.flip(
        Effect.provide(
          Login.withStepUp(() => Effect.fail("no code" as const)),
          services
        )
      )
      assert.strictEqual(error, "no code")
      assert.deepStrictEqual(asked, ["login"])
    })
  )

  it.effect("does not repeat a failed login", () =>
    Effect.gen(function* () {
      const { asked, services } = broker(Effect.fail(failure))
      const error = yield* Effect.flip(
        Effect.provide(
          Login.withStepUp(() => Effect.die("asked")),
          services
        )
      )
      assert.strictEqual(error, failure)
      assert.deepStrictEqual(asked, ["login"])
    })
  )
})

describe("Refresh.refresh, Profile.profile and Logout.logout", () => {
  it.effect("call the services that the context provides", () =>
    Effect.gen(function* () {
      const renewed = session({ access: "new" })
      const services = Layer.mergeAll(
        Layer.succeed(Refresh.Refresh, {
          refresh: (old) => (old === live ? Effect.succeed(renewed) : Effect.die("other"))
        }),
        Layer.succeed(Profile.Profile, { profile: ({ account: { id } }) => Effect.succeed({ id }) }),
        Layer.succeed(Logout.Logout, { logout: (old) => Effect.succeed({ _tag: "Revoked", account: old.account }) })
      )
      yield* Effect.gen(function* () {
        assert.strictEqual(yield* Refresh.refresh(live), renewed)
        assert.deepStrictEqual(yield* Profile.profile(live), { id: "T1" })
        assert.deepStrictEqual(yield* Logout.logout(live), { _tag: "Revoked", account })
      }).pipe(Effect.provide(services))
    })
  )
})

describe("Logout.revoke", () => {
  it.effect("returns Revoked if the call to the broker succeeds", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* Logout.revoke(live, Effect.succeed("bye")), { _tag: "Revoked", account })
    })
  )

  it.effect("returns LocalOnly if the session had already ended", () =>
    Effect.gen(function* () {
      const over = AuthError.make("tiny", "logout", new AuthError.SessionExpired({ why: "expired" }))
      assert.deepStrictEqual(yield* Logout.revoke(live, Effect.fail(over)), {
        _tag: "LocalOnly",
        account,
        why: "already-over"
      })
    })
  )

  it.effect("fails if the broker's error is not SessionExpired", () =>
    Effect.gen(function* () {
      assert.strictEqual(yield* Effect.flip(Logout.revoke(live, Effect.fail(failure))), failure)
    })
  )
})
