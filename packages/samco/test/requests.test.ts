import { assert, describe, it } from "@effect/vitest"
import * as Login from "@auth/broker-core/login/Login"
import * as Profile from "@auth/broker-core/login/Profile"
import * as RedirectLogin from "@auth/broker-core/login/RedirectLogin"
import type { FakeBroker } from "@auth/broker-core/testing/FakeBroker"
import * as TestHttp from "@auth/broker-core/testing/TestHttp"
import type { RequestOf } from "@auth/broker-core/broker/BrokerApi"
import * as SamcoApi from "@auth/samco/SamcoApi"
import type * as SamcoOAuth from "@auth/samco/SamcoOAuth"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as Tracer from "effect/Tracer"
import * as endpoints from "../src/internal/endpoints.ts"
import { calls, demo, layer, layerOAuth, legacyCredentials, readFixtures, serve } from "./support.ts"

interface Fixture {
  readonly name: string
  readonly endpoint: string
  /** Another old login than the usual one; `null` leaves a field out. */
  readonly given?: Readonly<Record<string, string | null>>
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

const layerApi = SamcoApi.layer().pipe(Layer.provide(TestHttp.layerLateFetch))

const oldLogin = (given: NonNullable<Fixture["given"]>) => {
  const entries = Object.entries(given).map(
    ([name, value]) => [name, value === null ? undefined : Redacted.make(value)] as const
  )
  const request = Object.entries({ ...legacyCredentials, ...Object.fromEntries(entries) })
  const known = Object.fromEntries(request.filter(([, value]) => value !== undefined))
  return Effect.flatMap(SamcoApi.SamcoApi, (api) =>
    api.login(known as unknown as RequestOf<SamcoApi.SamcoApi, "login">)
  )
}

describe("requests", () => {
  for (const { body, endpoint, given, headers, method, name, url } of fixtures) {
    it.effect(`${endpoint}: ${name}, to the letter`, () =>
      Effect.gen(function* () {
        const fake = yield* serve()
        const call = given === undefined ? calls[endpoint] : oldLogin(given)
        assert.isDefined(call)
        yield* Effect.exit(call).pipe(
          Effect.withSpan("of the user's program"),
          Effect.provide(Layer.mergeAll(layerApi, layerTracer))
        )
        assert.deepStrictEqual(yield* sent(fake), [{ method, url, headers: { ...headers }, body }])
        assert.strictEqual((yield* fake.journal)[0]?.endpoint, endpoint)
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
        yield* Login.session
      }).pipe(Effect.provide(layer()))
      const logins = (yield* fake.journal).filter(({ endpoint }) => endpoint === "sessionToken")
      assert.strictEqual(logins.length, 2)
      for (const { headers } of logins) assert.notProperty(headers, "x-session-token")
    })
  )

  const pages: ReadonlyArray<readonly [string, SamcoOAuth.Options, (state: string) => string]> = [
    [
      "the broker's own parameter names",
      {},
      (state) =>
        `app/oauth/authorize?api_key=${demo.apiKey}&redirect_url=https%3A%2F%2Fapp.example.com%2Fcallback&state=${state}&scopes=all`
    ],
    [
      "a list of scopes",
      { scopes: ["orders", "holdings"] },
      (state) =>
        `app/oauth/authorize?api_key=${demo.apiKey}&redirect_url=https%3A%2F%2Fapp.example.com%2Fcallback&state=${state}&scopes=orders%2Choldings`
    ],
    [
      "the names of the standard, where they are wanted",
      { authorizePage: "standard" },
      (state) =>
        `oauth/authorize?response_type=code&client_id=${demo.apiKey}&redirect_uri=https%3A%2F%2Fapp.example.com%2Fcallback&state=${state}&scope=all`
    ]
  ]
  for (const [what, options, page] of pages) {
    it.effect(`the browser is sent to the authorize page with ${what}, and without any secret`, () =>
      Effect.gen(function* () {
        const request = yield* Effect.flatMap(RedirectLogin.RedirectLogin, ({ begin }) => begin).pipe(
          Effect.provide(layerOAuth(options))
        )
        const state = Redacted.value(request.state)
        assert.match(state, /^[0-9a-f]{32}$/)
        assert.strictEqual(Redacted.value(request.url), `https://tradeapi.samco.in/${page(state)}`)
        assert.strictEqual(request.redirectUrl, demo.redirectUrl)
      })
    )
  }
})
