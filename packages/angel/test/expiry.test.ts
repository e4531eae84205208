import { assert, describe, it } from "@effect/vitest"
import * as AngelAuth from "@auth/angel/AngelAuth"
import { FakeAngel } from "@auth/angel/msw"
import * as CodeSource from "@auth/broker-core/login/CodeSource"
import * as Expiry from "@auth/broker-core/login/Expiry"
import * as Login from "@auth/broker-core/login/Login"
import * as Refresh from "@auth/broker-core/login/Refresh"
import * as TestHttp from "@auth/broker-core/testing/TestHttp"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import type * as HttpClient from "effect/http/HttpClient"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as TestClock from "effect/testing/TestClock"
import { codeNow, credentials, morning, session } from "./support.ts"

/** The first midnight IST after `morning`. */
const midnight = Date.UTC(2026, 10, 23, 18, 30)
const oneDay = 86_400_000

const layer = (
  http: Layer.Layer<HttpClient.HttpClient>,
  options: AngelAuth.Options & { totp?: CodeSource.CodeSource }
) =>
  AngelAuth.layer({
    ...options,
    credentials: { ...credentials, ...(options.totp === undefined ? {} : { totp: options.totp }) }
  }).pipe(Layer.provide(http))

const giving = (jwtToken: string) => {
  const body = {
    status: true,
    message: "SUCCESS",
    errorcode: "",
    data: { jwtToken, refreshToken: "r", feedToken: "f" }
  }
  return TestHttp.layerRespond(async () => Response.json(body))
}

const tokenWith = (claims: unknown) =>
  ["{}", JSON.stringify(claims), "signature"].map((part) => Buffer.from(part).toString("base64url")).join(".")

describe("the expiry of a session", () => {
  it.effect("is the first midnight IST after the request, even if the answer arrives after midnight", () =>
    Effect.gen(function* () {
      yield* TestClock.setTime(midnight - 500)
      const fake = yield* FakeAngel.make()
      yield* fake.inject("loginByPassword", { kind: "latency", duration: "1 second" })
      const totp = CodeSource.fixed(Redacted.make(yield* codeNow(FakeAngel.demoAccount)))
      const login = yield* Effect.forkChild(Effect.provide(Login.session, layer(TestHttp.layerFake(fake), { totp })))
      // The test clock does not advance until the fake has received the login.
      while ((yield* fake.journal).length === 0) yield* TestClock.withLive(Effect.sleep("2 millis"))
      yield* TestClock.adjust("1 second")
      const session = yield* Fiber.join(login)
      assert.strictEqual(session.issuedAt, midnight - 500)
      assert.strictEqual(session.expiresAt, midnight)
      assert.strictEqual(Expiry.toIst(midnight), "2026-11-24 00:00:00 IST")
      assert.strictEqual(session.expirySource, "daily-cut-off")
    })
  )

  it.effect("is computed from the time of the request, not from the start of the login", () =>
    Effect.gen(function* () {
      yield* TestClock.setTime(midnight - 500)
      const fake = yield* FakeAngel.make()
      const session = yield* TestHttp.settle(Effect.provide(Login.session, layer(TestHttp.layerFake(fake), {})))
      assert.isAtLeast(session.issuedAt, midnight)
      assert.strictEqual(session.expiresAt, midnight + oneDay)
    })
  )

  for (const [what, claims, at, source] of [
    ["the token's exp if it is before midnight IST", { exp: morning / 1000 + 600 }, morning + 600_000, "jwt"],
    ["midnight IST if the token's exp is later", { exp: (midnight + oneDay) / 1000 }, midnight, "daily-cut-off"],
    ["midnight IST if the token has no exp", { username: "A123456" }, midnight, "daily-cut-off"],
    ["midnight IST if the token's exp is text", { exp: "soon" }, midnight, "daily-cut-off"],
    ["midnight IST if the token's exp is 0", { exp: 0 }, midnight, "daily-cut-off"],
    ["midnight IST if the token's exp is beyond the range of Date", { exp: 1e300 }, midnight, "daily-cut-off"],
    ["midnight IST if the token's claims are null", null, midnight, "daily-cut-off"]
  ] as const) {
    it.effect(`is ${what}`, () =>
      Effect.gen(function* () {
        yield* TestClock.setTime(morning)
        const session = yield* Effect.provide(Login.session, layer(giving(tokenWith(claims)), {}))
        assert.strictEqual(session.expiresAt, at)
        assert.strictEqual(session.expirySource, source)
      })
    )
  }

  it.effect("is midnight IST if the token is not a JWT", () =>
    Effect.gen(function* () {
      yield* TestClock.setTime(morning)
      const session = yield* Effect.provide(Login.session, layer(giving("opaque"), {}))
      assert.strictEqual(session.expiresAt, midnight)
    })
  )

  it.effect("is set by the option `expiry` after a login or refresh", () =>
    Effect.gen(function* () {
      yield* TestClock.setTime(morning)
      const fake = yield* FakeAngel.make()
      const program = Effect.gen(function* () {
        const session = yield* Login.session
        yield* TestClock.adjust("1 hour")
        return [session, yield* Refresh.refresh(session)]
      })
      const options = { expiry: Expiry.dailyAt("05:00") }
      const sessions = yield* Effect.provide(program, layer(TestHttp.layerFake(fake), options))
      const five = Date.UTC(2026, 10, 23, 23, 30)
      assert.deepStrictEqual(
        sessions.map(({ expiresAt }) => expiresAt),
        [five, five]
      )
    })
  )

  it("is computed from issuedAt by fromTokens, which normalizes the user id and the tokens", () => {
    const imported = AngelAuth.fromTokens({
      userId: " a123456\n",
      accessToken: Redacted.make("Bearer bearer  eyJhbGciOiJIUzUxMiJ9.e30.c2ln"),
      refreshToken: Redacted.make("BEARER refresh"),
      feedToken: Redacted.make(" Bearer feed\n"),
      issuedAt: morning
    })
    assert.strictEqual(imported.expiresAt, midnight)
    assert.deepStrictEqual(
      Object.values(imported.tokens).map((token: Redacted.Redacted<string>) => Redacted.value(token)),
      ["eyJhbGciOiJIUzUxMiJ9.e30.c2ln", "refresh", "feed"]
    )
    assert.deepStrictEqual(imported.account, session.account)
  })
})
