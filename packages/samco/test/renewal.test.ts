import * as AuthError from "@auth/broker-core/login/AuthError"
import * as RedirectLogin from "@auth/broker-core/login/RedirectLogin"
import type { Renewal } from "@auth/broker-core/broker/Renewal"
import type { Logout } from "@auth/broker-core/login/Logout"
import * as SessionManager from "@auth/broker-core/session/SessionManager"
import type { FakeBroker } from "@auth/broker-core/testing"
import { TestHttp } from "@auth/broker-core/testing"
import * as Vault from "@auth/broker-core/session/Vault"
import { FakeSamco } from "@auth/samco/msw"
import * as SamcoAuth from "@auth/samco/SamcoAuth"
import * as SamcoLegacy from "@auth/samco/SamcoLegacy"
import * as SamcoOAuth from "@auth/samco/SamcoOAuth"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import type * as HttpClient from "effect/http/HttpClient"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as TestClock from "effect/testing/TestClock"
import { credentials, demo, legacyCredentials, oauthCredentials } from "./support.ts"

/** `morning` is 09:30 IST. `cutOff` is the first 08:00 IST after `morning`. */
const morning = Date.UTC(2026, 10, 21, 4)
const cutOff = Date.UTC(2026, 10, 22, 2, 30)

const begin = Effect.fnUntraced(function* <R>(
  layer: Layer.Layer<R | Renewal | Logout, AuthError.AuthError, HttpClient.HttpClient>,
  switches: Parameters<typeof FakeSamco.make>[0] = {}
) {
  yield* TestClock.setTime(morning)
  const fake = yield* FakeSamco.make(switches)
  const sessions = SessionManager.layer().pipe(
    Layer.provideMerge(layer),
    Layer.provide([TestHttp.layerFake(fake), Vault.layerMemory])
  )
  const context = yield* Layer.build(sessions)
  return { fake, context, ...(yield* Effect.provide(SessionManager.SessionManager, context)) }
})

const asked = (fake: FakeBroker.FakeBroker, endpoint: string) =>
  Effect.map(fake.journal, (entries) => entries.filter((entry) => entry.endpoint === endpoint).length)

const consented = Effect.fnUntraced(function* (
  options: SamcoOAuth.Options = {},
  switches: Parameters<typeof FakeSamco.make>[0] = {}
) {
  const begun = yield* begin(SamcoOAuth.layer({ ...options, credentials: oauthCredentials }), switches)
  const redirect = yield* Effect.provide(RedirectLogin.RedirectLogin, begun.context)
  const request = yield* redirect.begin
  const callback = yield* Effect.promise(async () => {
    const body = new URLSearchParams({ apiSecret: demo.apiSecret })
    const response = await begun.fake.respond(new Request(Redacted.value(request.url), { method: "POST", body }))
    return Redacted.make(response.headers.get("location") ?? "")
  })
  const first = yield* redirect.complete(request, callback)
  yield* begun.adopt(first)
  return { ...begun, first }
})

const isActionRequired = (error: unknown) => AuthError.isAuthError(error) && error.reason._tag === "ActionRequired"

describe("a managed session of a browser login", () => {
  it.effect("is refreshed after 08:00 IST on three days in a row", () =>
    Effect.gen(function* () {
      const { fake, first, session } = yield* consented()
      yield* TestClock.setTime(cutOff - 1)
      assert.strictEqual(yield* session, first)
      for (let day = 0; day < 3; day += 1) {
        yield* TestClock.setTime(cutOff + day * 86_400_000)
        assert.strictEqual((yield* session).expiresAt, cutOff + (day + 1) * 86_400_000)
      }
      assert.strictEqual(yield* asked(fake, "oauthRefresh"), 3)
    })
  )

  it.effect("is refreshed 2.5 to 5 minutes early if it expires before the next 08:00 IST", () =>
    Effect.gen(function* () {
      const layer = SamcoOAuth.layer({ credentials: oauthCredentials })
      const { adopt, fake, session } = yield* begin(layer)
      const first = SamcoOAuth.fromTokens({
        userId: demo.userId,
        accessToken: Redacted.make("of-another-program"),
        refreshToken: Redacted.make("of-another-program"),
        issuedAt: morning
      })
      yield* adopt({ ...first, expiresAt: morning + 3_600_000, expirySource: "expires-in" })
      yield* TestClock.setTime(morning + 3_600_000 - 300_001)
      yield* session
      assert.strictEqual(yield* asked(fake, "oauthRefresh"), 0)
      yield* TestClock.setTime(morning + 3_600_000 - 150_000)
      yield* session
      assert.strictEqual(yield* asked(fake, "oauthRefresh"), 1)
    })
  )

  it.effect('is not refreshed after 08:00 IST if refreshAfterEnd is "refuse"', () =>
    Effect.gen(function* () {
      const { fake, session } = yield* consented({ refreshAfterEnd: "refuse" }, { refreshAfterEnd: "refused" })
      const before = (yield* fake.journal).length
      yield* TestClock.setTime(cutOff)
      assert.isTrue(isActionRequired(yield* Effect.flip(session)))
      assert.strictEqual((yield* fake.journal).length, before)
    })
  )
})

describe("a managed session of SamcoAuth", () => {
  it.effect("is replaced by a new login after 08:00 IST", () =>
    Effect.gen(function* () {
      const { fake, session } = yield* begin(SamcoAuth.layer({ credentials }), { tokenEnd: "absent" })
      const first = yield* session
      yield* TestClock.setTime(cutOff - 1)
      assert.strictEqual(yield* session, first)
      yield* TestClock.setTime(cutOff)
      assert.strictEqual((yield* session).expiresAt, cutOff + 86_400_000)
      assert.strictEqual(yield* asked(fake, "sessionToken"), 2)
    })
  )
})

describe("a managed session of SamcoLegacy", () => {
  it.effect("is not renewed after the configured access token has expired at 08:00 IST", () =>
    Effect.gen(function* () {
      const { fake, renew, session } = yield* begin(SamcoLegacy.layer({ credentials: legacyCredentials }))
      const first = yield* session
      const second = yield* renew(first)
      assert.notStrictEqual(Redacted.value(second.tokens.access), Redacted.value(first.tokens.access))
      yield* TestClock.setTime(cutOff)
      const error = yield* Effect.flip(session)
      assert.isTrue(isActionRequired(error))
      assert.include(error.remedy, "SamcoApi.accessToken")
      assert.strictEqual(yield* asked(fake, "login"), 2)
    })
  )
})

describe("a refresh whose answer has expires_in as text", () => {
  it.effect("stores the new refresh token", () =>
    Effect.gen(function* () {
      yield* TestClock.setTime(morning)
      const fake = yield* FakeSamco.make()
      const respond = async (request: Request) => {
        const response = await fake.respond(request)
        const text = await response.text()
        return new Response(text.replace(/"expires_in":(\d+)/, '"expires_in":"$1"'), response)
      }
      const context = yield* Layer.build(
        SessionManager.layer().pipe(
          Layer.provideMerge(SamcoOAuth.layer({ credentials: oauthCredentials })),
          Layer.provide([TestHttp.layerRespond(respond), Vault.layerMemory])
        )
      )
      const { adopt, renew } = yield* Effect.provide(SessionManager.SessionManager, context)
      const redirect = yield* Effect.provide(RedirectLogin.RedirectLogin, context)
      const request = yield* redirect.begin
      const page = new Request(Redacted.value(request.url), {
        method: "POST",
        body: new URLSearchParams({ apiSecret: demo.apiSecret })
      })
      const answer = yield* Effect.promise(() => fake.respond(page))
      const first = yield* redirect.complete(request, Redacted.make(answer.headers.get("location") ?? ""))
      yield* adopt(first)
      const second = yield* renew()
      const third = yield* renew()
      const tokens = [first, second, third].map(({ tokens }) => tokens.refresh && Redacted.value(tokens.refresh))
      assert.strictEqual(new Set(tokens).size, 3)
      assert.notInclude(tokens, undefined)
      assert.strictEqual(yield* asked(fake, "oauthRefresh"), 2)
    })
  )
})
