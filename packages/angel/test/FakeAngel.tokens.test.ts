import { assert, describe, it } from "@effect/vitest"
import type { FakeBroker } from "@auth/broker-core/testing/FakeBroker"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as TestClock from "effect/testing/TestClock"
import { ask, type Asked, bearer, begin, type Changed, demo, loggedIn, login, paths } from "./asking.ts"

const claims = (token: string): Readonly<Record<string, unknown>> =>
  JSON.parse(Buffer.from(token.split(".")[1] ?? "", "base64url").toString()) as Readonly<Record<string, unknown>>

describe("FakeAngel: tokens", () => {
  for (const name of ["getProfile", "getRMS", "logout", "placeOrder"] as const) {
    const rows = (jwt: string): ReadonlyArray<readonly [string, Changed, Duration.Input, string]> => [
      ["a request without a token", {}, 0, "AG8003"],
      ["an unknown token", bearer("of.a.nobody"), 0, "AG8001"],
      ["a token with two Bearer prefixes", bearer(`Bearer ${jwt}`), 0, "AG8001"],
      ["a token without a Bearer prefix", { authorization: jwt }, 0, "AG8001"],
      ["the API key of another app", { ...bearer(jwt), "x-privatekey": demo.publisherKey }, 0, "AG8004"],
      ["a token after midnight IST", bearer(jwt), "14.5 hours", "AG8002"]
    ]
    for (const [index, [what]] of rows("").entries()) {
      it.effect(`${name} refuses ${what}`, () =>
        Effect.gen(function* () {
          const { fake, tokens } = yield* loggedIn()
          const [, headers, later, code] = rows(tokens.jwtToken)[index] ?? ["", {}, 0, ""]
          yield* fake.advance(later)
          const answer = yield* ask(fake, { path: paths[name], headers: headers ?? {} })
          assert.deepStrictEqual([answer.says, answer.code], [false, code])
        })
      )
    }
  }

  for (const [what, changes, later, code] of [
    ["a request without an access token", { headers: { authorization: undefined } }, 0, "AG8003"],
    ["an unknown access token", { headers: bearer("of.a.nobody") }, 0, "AG8001"],
    ["the API key of another app", { headers: { "x-privatekey": demo.publisherKey } }, 0, "AB1053"],
    ["an unknown refresh token", { body: { refreshToken: "of.a.nobody" } }, 0, "AB8050"],
    ["a request without a refresh token", { body: {} }, 0, "AB8050"],
    ["a body that is not JSON", { body: "refreshToken" }, 0, "AB1004"],
    ["a refresh token after midnight IST", {}, "14.5 hours", "AB8051"],
    ["a content type other than JSON", { headers: { "content-type": "text/plain" } }, 0, undefined]
  ] as const) {
    it.effect(`generateTokens refuses ${what}`, () =>
      Effect.gen(function* () {
        const { fake, tokens } = yield* loggedIn()
        yield* fake.advance(later)
        const { jwtToken, refreshToken } = tokens
        const given: Partial<Asked> = changes
        const headers = { ...bearer(jwtToken), ...given.headers }
        const answer = yield* ask(fake, { path: paths.generateTokens, body: { refreshToken }, ...given, headers })
        assert.strictEqual(answer.code, code)
        if (code === undefined) assert.strictEqual(answer.status, 415)
      })
    )
  }

  for (const [refreshedTokens, codes] of [
    ["die", ["AG8001", "AB8050"]],
    ["live", ["", ""]]
  ] as const) {
    it.effect(
      `with refreshedTokens: "${refreshedTokens}", the old tokens are ${refreshedTokens === "live" ? "valid" : "invalid"} after a refresh`,
      () =>
        Effect.gen(function* () {
          const { fake, tokens } = yield* loggedIn({ refreshedTokens })
          const renew = ask(fake, {
            path: paths.generateTokens,
            headers: bearer(tokens.jwtToken),
            body: { refreshToken: tokens.refreshToken }
          })
          const renewed = (yield* renew).data
          assert.strictEqual(new Set([...Object.values(tokens), ...Object.values(renewed)]).size, 6)
          yield* TestClock.adjust("2 seconds")
          const old = [yield* ask(fake, { path: paths.getProfile, headers: bearer(tokens.jwtToken) }), yield* renew]
          assert.deepStrictEqual(
            old.map(({ code }) => code),
            [...codes]
          )
          const live = yield* ask(fake, { path: paths.getRMS, headers: bearer(renewed["jwtToken"]) })
          assert.strictEqual(live.says, true)
        })
    )
  }

  for (const [tokenEnd, exp] of [
    ["in-token", Date.UTC(2026, 10, 23, 18, 30) / 1000],
    ["absent", undefined]
  ] as const) {
    it.effect(`with tokenEnd: "${tokenEnd}", an access token has ${exp === undefined ? "no" : "the"} claim exp`, () =>
      Effect.gen(function* () {
        const { data, tokens } = yield* loggedIn({ tokenEnd })
        assert.strictEqual(claims(tokens.jwtToken)["exp"], exp)
        assert.deepStrictEqual(Object.keys(data), ["jwtToken", "refreshToken", "feedToken"])
        for (const token of Object.values(tokens)) assert.match(token, /^eyJhbGciOiJIUzUxMiJ9\./)
      })
    )
  }

  it.effect("a logout invalidates the access token", () =>
    Effect.gen(function* () {
      const { fake, tokens } = yield* loggedIn()
      const headers = bearer(tokens.jwtToken)
      const ended = yield* ask(fake, { path: paths.logout, headers, body: { clientcode: demo.clientCode } })
      assert.deepStrictEqual(ended.json, { status: true, message: "SUCCESS", errorcode: "", data: "" })
      assert.strictEqual((yield* ask(fake, { path: paths.getProfile, headers })).code, "AG8001")
    })
  )

  it.effect("only placeOrder refuses an unregistered IP address", () =>
    Effect.gen(function* () {
      const { fake, tokens } = yield* loggedIn()
      const headers = bearer(tokens.jwtToken)
      const codeOf = (path: string, from: FakeBroker, given = headers) =>
        Effect.map(ask(from, { path, headers: given }), ({ code }) => code)
      assert.strictEqual(yield* codeOf(paths.placeOrder, fake), "AG7002")
      assert.strictEqual(yield* codeOf(paths.getProfile, fake), "")
      assert.strictEqual(yield* codeOf(paths.getRMS, fake), "")
      const { refreshToken } = tokens
      const renewed = yield* ask(fake, { path: paths.generateTokens, headers, body: { refreshToken } })
      assert.strictEqual(yield* codeOf(paths.logout, fake, bearer(renewed.data["jwtToken"])), "")
      const registered = yield* begin({ accounts: [{ ...demo, ip: "registered" }] })
      const { jwtToken } = (yield* login(registered)).data
      assert.strictEqual(yield* codeOf(paths.placeOrder, registered, bearer(jwtToken)), "AB2000")
    })
  )
})
