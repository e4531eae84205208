import * as AngelApi from "@auth/angel/AngelApi"
import * as AngelFeed from "@auth/angel/AngelFeed"
import { FakeAngel } from "@auth/angel/msw"
import * as Login from "@auth/broker-core/login/Login"
import { TestHttp } from "@auth/broker-core/testing"
import { assert, describe, expectTypeOf, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import * as TestClock from "effect/testing/TestClock"
import { layer, morning, printed, serve, session } from "./support.ts"

const reveal = (headers: AngelFeed.FeedSocket["headers"]) =>
  Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [name, Redacted.isRedacted(value) ? Redacted.value(value) : value])
  )

describe("AngelFeed.socket", () => {
  it.effect("returns headers that the market feed accepts", () =>
    Effect.gen(function* () {
      yield* TestClock.setTime(morning)
      const fake = yield* serve()
      const program = Effect.gen(function* () {
        const loggedIn = yield* Login.session
        assert(AngelFeed.isFeedSession(loggedIn))
        expectTypeOf(loggedIn.tokens.feed).toEqualTypeOf<Redacted.Redacted<string>>()
        return yield* AngelFeed.socket(loggedIn)
      })
      const { headers, url } = yield* Effect.provide(program, layer())
      assert.strictEqual(url, "wss://smartapisocket.angelone.in/smart-stream")
      const ask = (sent: Record<string, string>) =>
        Effect.promise(() => fake.respond(new Request(url.replace(/^wss/, "https"), { headers: sent })))
      // HTTP 426: the headers are right, but the fake has no market data.
      assert.strictEqual((yield* ask(reveal(headers))).status, 426)
      for (const name of ["x-api-key", "x-client-code", "x-feed-token"]) {
        const answer = yield* ask({ ...reveal(headers), [name]: "wrong" })
        assert.strictEqual(answer.status, 401, name)
        assert.match(answer.headers.get("x-error-message") ?? "", /^Invalid /)
      }
      for (const secret of [FakeAngel.demoAccount.apiKey, Redacted.value(headers["x-feed-token"])]) {
        assert.notInclude(printed(headers), secret)
      }
    })
  )

  it.effect("needs a feed token", () =>
    Effect.gen(function* () {
      const { feed: _, ...tokens } = session.tokens
      const without = { account: session.account, tokens }
      assert.isFalse(AngelFeed.isFeedSession(without))
      const api = AngelApi.make({ apiKey: Redacted.make("demoTrd1") })
      const error = yield* AngelFeed.socket(without).pipe(
        Effect.provideServiceEffect(AngelApi.AngelApi, api),
        Effect.provide(TestHttp.layerLateFetch),
        Effect.flip
      )
      assert.match(error.message, /tokens\.feed is missing: log in again with AngelAuth/)
    })
  )
})
