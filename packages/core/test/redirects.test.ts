import * as AuthError from "@auth/broker-core/login/AuthError"
import * as AuthorizedClient from "@auth/broker-core/session/AuthorizedClient"
import { Authorize } from "@auth/broker-core/login/Authorize"
import * as BrokerClient from "@auth/broker-core/broker/BrokerClient"
import * as FetchClient from "@auth/broker-core/broker/FetchClient"
import { SessionManager } from "@auth/broker-core/session/SessionManager"
import { assert, describe, it } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as FetchHttpClient from "effect/http/FetchHttpClient"
import * as HttpClient from "effect/http/HttpClient"
import type * as HttpClientError from "effect/http/HttpClientError"
import * as HttpClientRequest from "effect/http/HttpClientRequest"
import * as HttpClientResponse from "effect/http/HttpClientResponse"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as Tracer from "effect/Tracer"
import * as TestClock from "effect/testing/TestClock"
import { makeTiny, morning, start } from "./sessions.ts"
import { shown } from "./support.ts"
import { login, loginOptions, profile, protocol, secrets, tokens, yes } from "./tiny.ts"

const origin = "https://api.tiny.example"
const otherOrigin = "https://other.example"

interface Call {
  readonly url: string
  readonly init: RequestInit & { readonly dispatcher?: unknown }
}

const record = (respond: (url: URL) => Response) => {
  const calls: Array<Call> = []
  const fetch = ((input: RequestInfo | URL, init: RequestInit = {}) => {
    const url = new URL(input instanceof Request ? input.url : input)
    calls.push({ url: url.href, init })
    return Promise.resolve(respond(url))
  }) as typeof globalThis.fetch
  return { calls, fetch }
}

const authorize: Authorize["Service"] = {
  headers: (session) => ({ "x-private": Redacted.make(`private-${Redacted.value(session.tokens.access)}`) }),
  origins: [origin],
  refusal: () => undefined
}

const callsOver = Effect.fnUntraced(function* (http: Layer.Layer<HttpClient.HttpClient>) {
  yield* TestClock.setTime(morning)
  const manager = yield* start(makeTiny())
  const authorized = yield* AuthorizedClient.make.pipe(
    Effect.provideContext(Context.make(SessionManager, manager).pipe(Context.add(Authorize, authorize))),
    Effect.provide(http)
  )
  const broker = yield* BrokerClient.make(protocol, { api: origin }).pipe(Effect.provide(http))
  const order = HttpClientRequest.post(`${origin}/orders`).pipe(HttpClientRequest.bodyText("order"))
  return {
    authorized: Effect.asVoid(authorized.execute(order)),
    login: Effect.asVoid(broker.call(login, loginOptions)),
    read: Effect.asVoid(broker.call(profile, { account: "T1", tokens }))
  }
})

const overFetch = (fetch: typeof globalThis.fetch, init?: RequestInit) =>
  FetchHttpClient.layer.pipe(
    Layer.provide(Layer.succeed(FetchHttpClient.Fetch, fetch)),
    Layer.provide(init === undefined ? Layer.empty : Layer.succeed(FetchHttpClient.RequestInit, init))
  )

const mapClient = (
  http: Layer.Layer<HttpClient.HttpClient>,
  f: (client: HttpClient.HttpClient) => HttpClient.HttpClient
) => Layer.effect(HttpClient.HttpClient, Effect.map(HttpClient.HttpClient, f)).pipe(Layer.provide(http))

const following = (http: Layer.Layer<HttpClient.HttpClient>) => mapClient(http, HttpClient.followRedirects(5))

describe("a program's RequestInit", () => {
  const dispatcher = { proxy: "egress" }
  const init = { dispatcher, keepalive: true, redirect: "follow" } as RequestInit
  const expected = (calls: ReadonlyArray<Call>) =>
    calls.map((call) => [call.init.dispatcher === dispatcher, call.init.keepalive, call.init.redirect])

  it.effect("applies, except for `redirect`, if provided to a call", () =>
    Effect.gen(function* () {
      const { calls, fetch } = record(() => yes())
      const { authorized, login: loggedIn, read } = yield* callsOver(overFetch(fetch))
      for (const call of [authorized, loggedIn, read]) {
        yield* Effect.provideService(call, FetchHttpClient.RequestInit, init)
      }
      assert.deepStrictEqual(
        expected(calls),
        Array.from({ length: 3 }, () => [true, true, "manual"])
      )
    })
  )

  it.effect("applies, except for `redirect`, if provided to the client's layer", () =>
    Effect.gen(function* () {
      const { calls, fetch } = record(() => yes())
      const { authorized, login: loggedIn, read } = yield* callsOver(overFetch(fetch, init))
      for (const call of [authorized, loggedIn, read]) yield* call
      assert.deepStrictEqual(
        expected(calls),
        Array.from({ length: 3 }, () => [true, true, "manual"])
      )
    })
  )

  for (const [name, layer] of [
    ["FetchClient", FetchClient.layer],
    ["FetchHttpClient", FetchHttpClient.layer]
  ] as const) {
    it.effect(`does not change the method, body or signal of a call over ${name}`, () =>
      Effect.gen(function* () {
        const { calls, fetch } = record(() => yes())
        const own = { body: "x", method: "PUT", redirect: "follow", signal: AbortSignal.abort() } as const
        const { login: loggedIn, read } = yield* callsOver(layer)
        for (const call of [loggedIn, read]) {
          yield* call.pipe(
            Effect.provideService(FetchHttpClient.RequestInit, own),
            Effect.provideService(FetchHttpClient.Fetch, fetch)
          )
        }
        const textOf = (body: unknown) => (body instanceof Uint8Array ? new TextDecoder().decode(body) : body)
        const seen = calls.map(({ init }) => [init.method, textOf(init.body) || null, init.redirect])
        assert.deepStrictEqual(seen, [
          ["POST", JSON.stringify({ id: "T1", pin: secrets.pin }), "manual"],
          ["GET", null, "manual"]
        ])
        assert.isFalse(calls.some(({ init }) => init.signal === own.signal))
      })
    )
  }

  it.effect("keeps its redirect mode in calls to other services", () =>
    Effect.gen(function* () {
      const { calls, fetch } = record(() => yes())
      const { authorized, login: loggedIn } = yield* callsOver(overFetch(fetch))
      yield* Effect.gen(function* () {
        yield* authorized
        yield* loggedIn
        assert.strictEqual(yield* FetchHttpClient.RequestInit, init)
        yield* Effect.flatMap(HttpClient.HttpClient, (client) => client.get(otherOrigin)).pipe(
          Effect.provide(overFetch(fetch))
        )
      }).pipe(Effect.provideService(FetchHttpClient.RequestInit, init))
      assert.strictEqual(calls.at(-1)?.init.redirect, "follow")
    })
  )
})

describe("an HTTP client that follows redirects", () => {
  for (const code of [301, 302, 303, 307, 308]) {
    it.effect(`sends nothing to another origin after a redirect with status ${code}`, () =>
      Effect.gen(function* () {
        for (const target of [otherOrigin, "http://api.tiny.example", `${origin}:8443`]) {
          const { calls, fetch } = record((url) =>
            url.origin === origin ? new Response(null, { status: code, headers: { location: `${target}/x` } }) : yes()
          )
          const { authorized, login: loggedIn, read } = yield* callsOver(following(overFetch(fetch)))
          for (const call of [loggedIn, read]) {
            const failed = yield* Effect.flip(call)
            assert.strictEqual(failed.reason._tag, "MalformedResponse")
            assert.include(failed.message, "a request with credentials follows no redirect")
          }
          const failed = yield* Effect.flip(authorized)
          assert.strictEqual(failed._tag, "HttpClientError")
          assert.include(failed.message, `a redirect to ${new URL(target).origin} was not followed`)
          assert.notInclude(shown(failed), "private-")
          assert.deepStrictEqual(
            calls.filter(({ url }) => !url.startsWith(`${origin}/`)),
            []
          )
        }
      })
    )
  }

  it.effect("sends nothing to another origin even if trace propagation is disabled", () =>
    Effect.gen(function* () {
      const { calls, fetch } = record((url) =>
        url.origin === origin ? new Response(null, { status: 307, headers: { location: otherOrigin } }) : yes()
      )
      const all = yield* callsOver(following(overFetch(fetch)))
      for (const call of [all.login, all.read, all.authorized]) {
        yield* Effect.flip(Effect.provideService(call, Tracer.DisablePropagation, true))
      }
      assert.deepStrictEqual([...new Set(calls.map(({ url }) => new URL(url).origin))], [origin])
    })
  )

  it.effect("sends nothing to another origin if a second redirect leads there", () =>
    Effect.gen(function* () {
      const { calls, fetch } = record((url) => {
        if (url.origin !== origin) return yes()
        const location = url.pathname === "/second" ? otherOrigin : "/second"
        return new Response(null, { status: 307, headers: { location } })
      })
      const { authorized } = yield* callsOver(following(overFetch(fetch)))
      yield* Effect.flip(authorized)
      assert.deepStrictEqual(
        calls.map(({ init, url }) => [url, init.redirect]),
        [
          [`${origin}/orders`, "manual"],
          [`${origin}/second`, "manual"]
        ]
      )
    })
  )

  it.effect("follows a redirect within the broker's origin", () =>
    Effect.gen(function* () {
      const { calls, fetch } = record((url) =>
        url.pathname === "/orders" ? new Response(null, { status: 307, headers: { location: "/new" } }) : yes()
      )
      const { authorized } = yield* callsOver(following(overFetch(fetch)))
      yield* authorized
      assert.deepStrictEqual(
        calls.map(({ url }) => url),
        [`${origin}/orders`, `${origin}/new`]
      )
    })
  )

  it.effect("makes each call fail if the client followed a redirect to another origin", () =>
    Effect.gen(function* () {
      // Some implementations of `fetch` ignore the redirect mode.
      const byUrl = record(() => Object.defineProperty(yes(), "url", { value: `${otherOrigin}/x` }))
      const byRequest = Layer.succeed(
        HttpClient.HttpClient,
        HttpClient.makeWith<HttpClientError.HttpClientError, never, HttpClientError.HttpClientError, never>(
          Effect.map(() => HttpClientResponse.fromWeb(HttpClientRequest.get(`${otherOrigin}/x`), yes())),
          Effect.succeed
        )
      )
      for (const http of [overFetch(byUrl.fetch), byRequest]) {
        const all = yield* callsOver(http)
        for (const call of [all.login, all.read, all.authorized]) {
          const failed = yield* Effect.flip(call)
          assert.strictEqual(failed.reason._tag, "MalformedResponse")
          assert.include(failed.message, `followed a redirect to ${otherOrigin}`)
          assert.isTrue(AuthError.isAuthError(failed))
          assert.include((failed as AuthError.AuthError).reason.remedy, "change the credentials of the call (password")
          for (const secret of [...Object.values(secrets), "private-"]) assert.notInclude(shown(failed), secret)
        }
      }
    })
  )
})

it.effect("an HTTP client may send every call to a gateway", () =>
  Effect.gen(function* () {
    const { calls, fetch } = record(() => yes())
    const gateway = HttpClient.mapRequest(
      HttpClientRequest.updateUrl((url) => url.replace(origin, "http://127.0.0.1:8080"))
    )
    const all = yield* callsOver(mapClient(overFetch(fetch), gateway))
    for (const call of [all.authorized, all.login, all.read]) yield* call
    assert.isTrue(calls.every(({ url }) => url.startsWith("http://127.0.0.1:8080/")))
  })
)
