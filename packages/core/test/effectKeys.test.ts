import * as FetchClient from "@auth/broker-core/broker/FetchClient"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as FetchHttpClient from "effect/http/FetchHttpClient"
import * as HttpClient from "effect/http/HttpClient"
import * as HttpClientRequest from "effect/http/HttpClientRequest"
import * as RateLimiter from "effect/persistence/RateLimiter"
import * as Terminal from "effect/Terminal"
import * as EffectKeys from "../src/login/internal/effectKeys.ts"
import { withHeaders } from "../src/login/internal/requestHeaders.ts"

describe("core's replacements for parts of Effect:", () => {
  it.each([
    ["HttpClient", EffectKeys.HttpClient, HttpClient.HttpClient],
    ["Fetch", EffectKeys.Fetch, FetchHttpClient.Fetch],
    ["RequestInit", EffectKeys.RequestInit, FetchHttpClient.RequestInit],
    ["RateLimiter", EffectKeys.RateLimiter, RateLimiter.RateLimiter],
    ["Terminal", EffectKeys.Terminal, Terminal.Terminal]
  ])("%s has the same key as Effect's service", (_, own, { key }) => assert.strictEqual(own.key, key))

  it("withHeaders sets headers as HttpClientRequest.setHeaders does", () => {
    const request = HttpClientRequest.post("https://api.example.com/orders?id=1", {
      headers: { "X-Key": "old", accept: "application/json" }
    })
    const headers = { "X-Key": "new", Authorization: "Bearer t" }
    const [own, expected] = [withHeaders(request, headers), HttpClientRequest.setHeaders(request, headers)]
    assert.deepStrictEqual(own, expected)
    assert.isTrue(HttpClientRequest.isHttpClientRequest(own))
    assert.strictEqual(Object.getPrototypeOf(own), Object.getPrototypeOf(expected))
    assert.strictEqual(request.headers["x-key"], "old")
    assert.deepStrictEqual(own.pipe(HttpClientRequest.toWebResult), HttpClientRequest.toWebResult(expected))
  })

  it.effect("FetchClient.layer provides Effect's HttpClient", () => {
    const sent: Array<string> = []
    const fetch = ((url: URL, { headers, method }: RequestInit) => {
      sent.push(`${method} ${url.href} ${new Headers(headers).get("x-key")}`)
      return Promise.resolve(Response.json({ ok: true }))
    }) as unknown as typeof globalThis.fetch
    return Effect.gen(function* () {
      const client = yield* HttpClient.HttpClient
      assert.isTrue(HttpClient.isHttpClient(client))
      const keyed = HttpClient.mapRequest(client, HttpClientRequest.setHeader("x-key", "k"))
      assert.deepStrictEqual(yield* (yield* client.get("https://api.example.com/a")).json, { ok: true })
      yield* client.execute(HttpClientRequest.put("https://api.example.com/b"))
      yield* keyed.post("https://api.example.com/c")
      yield* HttpClient.get("https://api.example.com/d")
      assert.deepStrictEqual(sent, [
        "GET https://api.example.com/a null",
        "PUT https://api.example.com/b null",
        "POST https://api.example.com/c k",
        "GET https://api.example.com/d null"
      ])
    }).pipe(Effect.provide(FetchClient.layer), Effect.provideService(FetchHttpClient.Fetch, fetch))
  })
})
