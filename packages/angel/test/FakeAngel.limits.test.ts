import { assert, describe, it } from "@effect/vitest"
import type { FakeAngel } from "@auth/angel/msw"
import * as Effect from "effect/Effect"
import * as TestClock from "effect/testing/TestClock"
import { type Answer, ask, bearer, begin, demo, loggedIn, login, paths } from "./asking.ts"

const other: FakeAngel.Account = { ...demo, clientCode: "B654321", apiKey: "otherTrd", publisherKey: "otherPub" }

describe("FakeAngel: rate limits for each client code", () => {
  const limit = { status: 403, text: "Access denied because of exceeding access rate" }
  const summary = ({ status, text }: Answer) => (status === 403 ? { status, text } : status)

  for (const [name, perSecond] of [
    ["generateTokens", 1],
    ["getProfile", 3],
    ["getRMS", 2]
  ] as const) {
    it.effect(`${name}: accepts ${perSecond === 1 ? "1 call" : `${perSecond} calls`} in a second`, () =>
      Effect.gen(function* () {
        const { fake, tokens } = yield* loggedIn({ refreshedTokens: "live" })
        const call = ask(fake, {
          path: paths[name],
          headers: bearer(tokens.jwtToken),
          body: { refreshToken: tokens.refreshToken }
        })
        const answers = yield* Effect.all(Array.from({ length: perSecond + 1 }, () => call))
        assert.deepStrictEqual(answers.map(summary), [...Array.from({ length: perSecond }, () => 200), limit])
        yield* TestClock.adjust("1 second")
        assert.strictEqual((yield* call).status, 200)
      })
    )
  }

  it.effect("loginByPassword: accepts 1 call in a second, and counts calls with a wrong TOTP", () =>
    Effect.gen(function* () {
      const fake = yield* begin({ accounts: [demo, other] })
      const wrong = { body: { totp: "000000" } }
      const inLowerCase = { body: { clientcode: demo.clientCode.toLowerCase() } }
      const again = [yield* login(fake, wrong), yield* login(fake), yield* login(fake, inLowerCase)]
      assert.deepStrictEqual(again.map(summary), [200, limit, limit])
      assert.deepStrictEqual(summary(yield* login(fake, { account: other })), 200)
      yield* TestClock.adjust("1 second")
      assert.strictEqual((yield* login(fake)).says, true)
    })
  )

  it.effect("logout: accepts 1 call in a second across all sessions", () =>
    Effect.gen(function* () {
      const { fake, tokens } = yield* loggedIn()
      const second = (yield* login(fake)).data
      yield* TestClock.adjust("2 seconds")
      const out = (token: string | undefined) => ask(fake, { path: paths.logout, headers: bearer(token) })
      const answers = [yield* out(tokens.jwtToken), yield* out(second["jwtToken"])]
      assert.deepStrictEqual(answers.map(summary), [200, limit])
    })
  )

  for (const name of ["generateTokens", "getProfile"] as const) {
    it.effect(
      `${name}: accepts 1000 calls in an hour`,
      () =>
        Effect.gen(function* () {
          const { fake, tokens } = yield* loggedIn({ refreshedTokens: "live" })
          const call = ask(fake, {
            path: paths[name],
            headers: bearer(tokens.jwtToken),
            body: { refreshToken: tokens.refreshToken }
          })
          for (let count = 0; count < 1000; count += 1) {
            assert.strictEqual((yield* call).status, 200)
            yield* fake.advance("1 second")
          }
          assert.deepStrictEqual(summary(yield* call), limit)
          yield* fake.advance("2600 seconds")
          assert.strictEqual((yield* call).status, 200)
        }),
      30_000
    )
  }
})
