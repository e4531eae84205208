/**
 * An HTTP client that uses `fetch`, for every runtime. It works like Effect's `FetchHttpClient`, but needs about half
 * the CPU time for calls to brokers.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type * as HttpClient from "effect/http/HttpClient"
import type * as Layer from "effect/Layer"
import { fetchSend } from "./internal/fetchSend.ts"
import * as EffectKeys from "../login/internal/effectKeys.ts"
import * as PlainHttp from "./PlainHttp.ts"

/**
 * Provides the client to a broker's layer. To use another `fetch`, provide `FetchHttpClient.Fetch`. To set options of
 * `fetch`, such as a dispatcher, provide `FetchHttpClient.RequestInit`.
 *
 * @example
 * ```ts
 * import * as AngelAuth from "@auth/angel/AngelAuth"
 * import * as FetchClient from "@auth/broker-core/broker/FetchClient"
 * import * as Layer from "effect/Layer"
 *
 * const Angel = AngelAuth.layerConfig().pipe(Layer.provide(FetchClient.layer))
 * ```
 *
 * @category layers
 * @since 0.1.0
 */
export const layer: Layer.Layer<HttpClient.HttpClient> = PlainHttp.layer(
  Effect.map(Effect.context<never>(), (ofLayer) =>
    PlainHttp.makeClient({
      find: ({ context }) => {
        const find = <I, A>(key: Context.Key<I, A>) =>
          Context.getOrUndefined(context, key) ?? Context.getOrUndefined(ofLayer, key)
        return fetchSend(find(EffectKeys.Fetch) ?? globalThis.fetch, find(EffectKeys.RequestInit) ?? {})
      },
      load: () => import("./internal/fetchClient.ts").then(({ make }) => make(ofLayer))
    })
  )
)
