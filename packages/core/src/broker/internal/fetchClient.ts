/** `FetchClient` loads this module at the first request that uses `HttpClient.execute` instead of `PlainHttp.Send`. */
import type * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as FetchHttpClient from "effect/http/FetchHttpClient"
import * as HttpClient from "effect/http/HttpClient"

/** `ofLayer` has the services, such as `Fetch`, with which the layer of `FetchClient` was built. */
export const make = (ofLayer: Context.Context<never>): Promise<HttpClient.HttpClient> =>
  Effect.runPromise(Effect.provideContext(Effect.provide(HttpClient.HttpClient, FetchHttpClient.layer), ofLayer))
