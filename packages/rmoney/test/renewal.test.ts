import * as AuthError from "@auth/broker-core/login/AuthError"
import type { Logout } from "@auth/broker-core/login/Logout"
import type { Renewal } from "@auth/broker-core/broker/Renewal"
import * as SessionManager from "@auth/broker-core/session/SessionManager"
import type { FakeBroker } from "@auth/broker-core/testing"
import { TestHttp } from "@auth/broker-core/testing"
import * as Vault from "@auth/broker-core/session/Vault"
import { FakeRmoney } from "@auth/rmoney/msw"
import * as RmoneyAuth from "@auth/rmoney/RmoneyAuth"
import * as RmoneyBiometric from "@auth/rmoney/RmoneyBiometric"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import type * as HttpClient from "effect/http/HttpClient"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as TestClock from "effect/testing/TestClock"
import { credentials, demo } from "./support.ts"

const withTotp = FakeRmoney.demoTotpAccount
/** 09:30:01 IST. */
const morning = Date.UTC(2026, 10, 20, 4, 0, 1)

type Methods = Layer.Layer<Renewal | Logout, AuthError.AuthError, HttpClient.HttpClient>

type Vaulted = Layer.Layer<Layer.Success<typeof Vault.layerMemory>>

const start = Effect.fnUntraced(function* (
  fake: FakeBroker.FakeBroker,
  layer: Methods,
  vault: Vaulted = Vault.layerMemory
) {
  const sessions = SessionManager.layer().pipe(
    Layer.provide(layer),
    Layer.provide(TestHttp.layerFake(fake)),
    Layer.provide(vault)
  )
  return yield* Effect.provide(SessionManager.SessionManager, yield* Layer.build(sessions))
})

const begin = Effect.gen(function* () {
  yield* TestClock.setTime(morning)
  return yield* FakeRmoney.make()
})

const byPassword = (overrides: Partial<RmoneyAuth.RmoneyCredentials> = {}, options: RmoneyAuth.Options = {}): Methods =>
  RmoneyAuth.layer({ environment: "uat", ...options, credentials: { ...credentials, ...overrides } })

const ofTotpAccount = {
  userId: withTotp.userId,
  password: Redacted.make(withTotp.password),
  totp: Redacted.make(withTotp.totpSecret)
}

const asked = (fake: FakeBroker.FakeBroker) =>
  Effect.map(fake.journal, (entries) => entries.map(({ endpoint }) => endpoint))

describe("a session manager that logs in with a password", () => {
  it.effect("logs in again with TOTP exactly at the token's expiry", () =>
    Effect.gen(function* () {
      const fake = yield* begin
      const { session } = yield* start(fake, byPassword(ofTotpAccount))
      const first = yield* session
      const end = first.expiresAt ?? 0
      yield* TestClock.setTime(end - 1)
      assert.strictEqual(yield* session, first)
      yield* TestClock.setTime(end)
      assert.isAbove((yield* session).expiresAt ?? 0, end)
      const login = ["pwdValidate", "toptVerify"]
      assert.deepStrictEqual(yield* asked(fake), [...login, ...login])
    })
  )

  it.effect("causes only one SMS if the account has no TOTP", () =>
    Effect.gen(function* () {
      const fake = yield* begin
      const { renew } = yield* start(fake, byPassword({ totp: ofTotpAccount.totp }))
      for (let attempt = 0; attempt < 3; attempt += 1) {
        yield* TestClock.adjust("1 minute")
        const error = yield* Effect.flip(renew())
        assert(AuthError.isAuthError(error) && error.reason._tag === "ActionRequired")
        assert.include(error.remedy, "Renewal.layerLoginWithStepUp")
      }
      assert.deepStrictEqual(yield* asked(fake), ["pwdValidate"])
      assert.lengthOf(yield* fake.codes(demo.userId), 1)
    })
  )

  it.effect("does not send a wrong password again within an hour", () =>
    Effect.gen(function* () {
      const fake = yield* begin
      const { renew } = yield* start(fake, byPassword({ ...ofTotpAccount, password: Redacted.make("Wrong@1") }))
      for (let minute = 0; minute < 60; minute += 1) {
        yield* TestClock.adjust("1 minute")
        const error = yield* Effect.flip(renew())
        assert.notStrictEqual(error.reason._tag, "AccountLocked")
      }
      assert.lengthOf(yield* fake.journal, 1)
    })
  )
})

describe("a managed session from a biometric login", () => {
  const biometric: Methods = RmoneyBiometric.layer({
    environment: "uat",
    credentials: { userId: demo.userId, accessToken: Redacted.make(demo.accessToken), deviceId: demo.deviceId }
  })

  it.effect("is renewed with its own token in its last five minutes", () =>
    Effect.gen(function* () {
      const fake = yield* begin
      const { session } = yield* start(fake, biometric)
      const first = yield* session
      const end = first.expiresAt ?? 0
      yield* TestClock.setTime(end - 301_000)
      assert.strictEqual(yield* session, first)
      yield* TestClock.setTime(end - 60_000)
      const second = yield* session
      assert.notStrictEqual(Redacted.value(second.tokens.access), Redacted.value(first.tokens.access))
      const bodies = (yield* fake.journal).map(({ body }) => body)
      assert.lengthOf(bodies, 2)
      assert.include(bodies[1], Redacted.value(first.tokens.access))
    })
  )

  it.effect("is not renewed again with a token that the broker refused", () =>
    Effect.gen(function* () {
      const fake = yield* begin
      const { renew, session } = yield* start(fake, biometric)
      const first = yield* session
      const elsewhere = RmoneyBiometric.layer({
        environment: "uat",
        credentials: { userId: demo.userId, accessToken: first.tokens.access, deviceId: demo.deviceId }
      })
      yield* (yield* start(fake, elsewhere)).session
      for (let minute = 0; minute < 30; minute += 1) {
        const error = yield* Effect.flip(renew(first))
        assert(AuthError.isAuthError(error))
        if (minute === 0) assert.strictEqual(error.reason._tag, "SessionExpired")
        assert.include(error.remedy, "RmoneyAuth")
        yield* TestClock.adjust("1 minute")
      }
      assert.strictEqual((yield* Effect.flip(renew())).reason._tag, "SessionExpired")
      const sent = (yield* fake.journal).filter(({ body }) => body.includes(Redacted.value(first.tokens.access)))
      assert.deepStrictEqual(
        sent.map(({ status }) => status),
        [200, 401]
      )
    })
  )

  it.effect("is renewed with the token from the vault after a restart", () =>
    Effect.gen(function* () {
      const fake = yield* begin
      const vault = Layer.succeedContext(yield* Layer.build(Vault.layerMemory))
      const first = yield* (yield* start(fake, biometric, vault)).session
      yield* TestClock.adjust("1 minute")
      const later = yield* start(fake, biometric, vault)
      const { access } = (yield* later.session).tokens
      assert.strictEqual(Redacted.value(access), Redacted.value(first.tokens.access))
      yield* TestClock.setTime((first.expiresAt ?? 0) - 60_000)
      const second = yield* later.session
      assert.notStrictEqual(Redacted.value(second.tokens.access), Redacted.value(first.tokens.access))
      assert.deepStrictEqual(yield* asked(fake), ["bioPwdValidate", "bioPwdValidate"])
    })
  )
})
