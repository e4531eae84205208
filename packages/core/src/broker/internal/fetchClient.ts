/** Effect's client on `fetch`. `FetchClient` loads it at the first request that does not use `PlainHttp`. */
import * as Effect from "effect/Effect"
import * as FetchHttpClient from "effect/http/FetchHttpClient"
import * as HttpClient from "effect/http/HttpClient"

export const client: Effect.Effect<HttpClient.HttpClient> = Effect.provide(HttpClient.HttpClient, FetchHttpClient.layer)
