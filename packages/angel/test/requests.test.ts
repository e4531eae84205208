import { assert, describe, it } from "@effect/vitest"
import * as AngelApi from "@auth/angel/AngelApi"
import * as AngelPublisher from "@auth/angel/AngelPublisher"
import { FakeAngel } from "@auth/angel/msw"
import { Login, Profile, RedirectLogin } from "@auth/broker-core"
import type { FakeBroker } from "@auth/broker-core/testing/FakeBroker"
import * as TestHttp from "@auth/broker-core/testing/TestHttp"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as TestClock from "effect/testing/TestClock"
import * as Tracer from "effect/Tracer"
import * as endpoints from "../src/internal/endpoints.ts"
import { calls, credentials, layer, loginRequest, readFixtures, serve } from "./support.ts"

interface Fixture {
  readonly name: string
  readonly endpoint: string
  readonly given: { readonly state?: string; readonly identity?: AngelPublisher.Options }
  readonly method: string
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  /** To the letter. */
  readonly body: string
}

const fixtures = readFixtures("requests.json") as ReadonlyArray<Fixture>

/** What Node's fetch adds to every request by itself. */
const ofFetch = "accept-encoding accept-language connection content-length host sec-fetch-mode user-agent".split(" ")

const sent = (fake: FakeBroker) =>
  Effect.map(fake.journal, (journal) =>
    journal.map(({ body, headers, method, url }) => ({
      method,
      url,
      headers: Object.fromEntries(Object.entries(headers).filter(([name]) => !ofFetch.includes(name))),
      body
    }))
  )

/** A tracer of the user's own: with it, Effect's clients send `b3` and `traceparent` unless they are told not to. */
const layerTracer = Layer.succeed(Tracer.Tracer, Tracer.make({ span: (options) => new Tracer.NativeSpan(options) }))

describe("requests", () => {
  for (const { body, endpoint, given, headers, method, name, url } of fixtures) {
    it.effect(`${endpoint}: ${name}, to the letter`, () =>
      Effect.gen(function* () {
        const fake = yield* serve()
        const withState = Effect.flatMap(AngelApi.AngelApi, (api) =>
          api.loginByPassword({ ...loginRequest, state: given.state ?? "" })
        )
        const call = given.state === undefined ? calls[endpoint] : withState
        assert.isDefined(call)
        yield* Effect.exit(call).pipe(
          Effect.withSpan("of the user's program"),
          Effect.provide(Layer.mergeAll(layer({}, given.identity), layerTracer))
        )
        assert.deepStrictEqual(yield* sent(fake), [{ method, url, headers: { ...headers }, body }])
      })
    )
  }

  it("each documented call has one", () => {
    const have = new Set(fixtures.map(({ endpoint }) => endpoint))
    assert.deepStrictEqual(
      [...have].toSorted(),
      Object.values(endpoints.table)
        .map(({ name }) => name)
        .toSorted()
    )
  })

  it.effect("no login carries the token of the session before it", () =>
    Effect.gen(function* () {
      const fake = yield* serve()
      yield* Effect.gen(function* () {
        yield* Profile.profile(yield* Login.session)
        yield* TestClock.adjust("30 seconds")
        yield* Login.session
      }).pipe(Effect.provide(layer()))
      const logins = (yield* fake.journal).filter(({ endpoint }) => endpoint === "loginByPassword")
      assert.deepStrictEqual(
        logins.map(({ status }) => status),
        [200, 200]
      )
      for (const { headers } of logins) assert.notProperty(headers, "authorization")
    })
  )

  for (const [sendRedirectUrl, more] of [
    [undefined, ""],
    ["always", "&redirect_url=https%3A%2F%2Fapp.example.com%2Fcallback"]
  ] as const) {
    it.effect(`the browser is sent to the publisher page with key and state${more && ", and the redirect URL"}`, () =>
      Effect.gen(function* () {
        const { publisherKey, redirectUrl } = FakeAngel.demoAccount
        const { clientCode } = credentials
        const options = {
          credentials: { clientCode, apiKey: Redacted.make(publisherKey), redirectUrl },
          sendRedirectUrl
        }
        const request = yield* Effect.flatMap(RedirectLogin.RedirectLogin, ({ begin }) => begin).pipe(
          Effect.provide(AngelPublisher.layer(options).pipe(Layer.provide(TestHttp.layerLateFetch)))
        )
        const state = Redacted.value(request.state)
        assert.match(state, /^[0-9a-f]{32}$/)
        const page = "https://smartapi.angelone.in/publisher-login"
        assert.strictEqual(Redacted.value(request.url), `${page}?api_key=${publisherKey}&state=${state}${more}`)
      })
    )
  }
})
