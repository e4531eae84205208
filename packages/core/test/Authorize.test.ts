import * as Authorize from "@auth/broker-core/login/Authorize"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as HttpClientRequest from "effect/http/HttpClientRequest"
import * as Redacted from "effect/Redacted"
import { session, shown } from "./support.ts"

const broker = {
  headers: () => ({
    authorization: Redacted.make("Bearer access-canary"),
    "x-privatekey": Redacted.make("key"),
    accept: "json"
  }),
  origins: ["https://apiconnect.angelone.in", "http://127.0.0.1:4010"],
  refusal: () => undefined
}

const authorized = (url: string) =>
  Authorize.request(HttpClientRequest.get(url), session()).pipe(Effect.provideService(Authorize.Authorize, broker))

describe("Authorize.request", () => {
  it.effect.each([
    "https://apiconnect.angelone.in",
    "https://apiconnect.angelone.in/",
    "https://apiconnect.angelone.in/rest/secure?x=https://evil.example/#y@z",
    "https://apiconnect.angelone.in:443/rest",
    "HTTPS://ApiConnect.AngelOne.IN/rest",
    "https://apiconnect.angelone.in?x=1",
    "http://127.0.0.1:4010/rest"
  ])("adds the session's headers to a request to %s", (url) =>
    Effect.gen(function* () {
      const { headers } = yield* authorized(url)
      assert.deepInclude(headers, { authorization: "Bearer access-canary", "x-privatekey": "key", accept: "json" })
    })
  )

  it.effect("replaces headers of the same name and keeps all others", () =>
    Effect.gen(function* () {
      const request = HttpClientRequest.post("https://apiconnect.angelone.in/rest", {
        headers: { "x-own": "1", accept: "text/plain" },
        urlParams: { q: "1" }
      })
      const sent = yield* Authorize.request(request, session()).pipe(Effect.provideService(Authorize.Authorize, broker))
      assert.deepInclude(sent.headers, { "x-own": "1", accept: "json" })
      assert.strictEqual(sent.method, "POST")
      assert.strictEqual(sent.urlParams, request.urlParams)
    })
  )
  it.effect.each([
    "https://evil.example/",
    "https://apiconnect.angelone.in.evil.example/",
    "https://evil-apiconnect.angelone.in/",
    "https://apiconnect.angelone.in@evil.example/",
    "https://apiconnect.angelone.in:443@evil.example/",
    "https://apiconnect.angelone.in%2f@evil.example/",
    "https://evil.example/https://apiconnect.angelone.in/",
    "https://evil.example#https://apiconnect.angelone.in/",
    "https://evil.example?https://apiconnect.angelone.in/",
    "https://evil.example\\@apiconnect.angelone.in/",
    "https://evil.example\\.apiconnect.angelone.in/",
    "https:\\\\evil.example/",
    "http://apiconnect.angelone.in/",
    "https://apiconnect.angelone.in:8443/",
    "https://127.0.0.1:4010/",
    "http://127.0.0.1/",
    "http://127.0.0.1:40100/",
    "http://127.0.0.1:4010@evil.example/",
    "wss://apiconnect.angelone.in/",
    "https://apiconnect.angelone.in./",
    "https://apiconnect.angelone.in\t.evil.example/",
    "https://apiconnect\n.angelone.in.evil.example/",
    "https://аpiconnect.angelone.in/",
    "//apiconnect.angelone.in/",
    "/rest/secure",
    "apiconnect.angelone.in/rest",
    "javascript:https://apiconnect.angelone.in/",
    "https://",
    ""
  ])("does not change a request to the foreign URL %j", (url) =>
    Effect.gen(function* () {
      const request = HttpClientRequest.get(url)
      const sent = yield* Authorize.request(request, session()).pipe(Effect.provideService(Authorize.Authorize, broker))
      assert.strictEqual(sent, request)
    })
  )
})

it.effect.each([
  [session({ access: "canary\nhalf" }), broker, "tokens.access"],
  [session(), { ...broker, headers: () => ({ "x-privatekey": Redacted.make("canary\u0000") }) }, "headers.x-privatekey"]
] as const)("errors of Authorize.request contain no token or header value", ([given, service, field]) =>
  Effect.gen(function* () {
    const ask = (url: string) =>
      Authorize.request(HttpClientRequest.get(url), given).pipe(Effect.provideService(Authorize.Authorize, service))
    const error = yield* Effect.flip(ask("http://127.0.0.1:4010/rest"))
    assert.deepInclude(error.reason, { _tag: "InvalidRequest", field })
    assert.notInclude(shown(error), "canary")
    yield* ask("https://example.com/")
  })
)
