/**
 * An HTTP client on `fetch`, for every runtime. It is `FetchHttpClient` of Effect with the faster way of `PlainHttp`, so
 * the calls of brokers need about half the CPU time.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type * as HttpClient from "effect/http/HttpClient"
import * as Layer from "effect/Layer"
import { lazyModule } from "../login/internal/lazyModule.ts"
import { fetchSend } from "./internal/fetchSend.ts"
import * as EffectKeys from "../login/internal/effectKeys.ts"
import { lazyClient } from "./internal/lazyClient.ts"
import * as PlainHttp from "./PlainHttp.ts"

const loadFetchClient = Effect.orDie(lazyModule(() => import("./internal/fetchClient.ts")))

/**
 * Provides the client to a broker's layer. As with `FetchHttpClient.layer`, the program can replace `fetch` with
 * `FetchHttpClient.Fetch`, and can set options such as a dispatcher with `FetchHttpClient.RequestInit`.
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
export const layer: Layer.Layer<HttpClient.HttpClient> = Layer.effect(
  EffectKeys.HttpClient,
  Effect.map(Effect.context<never>(), (ofLayer) => {
    const whole = Effect.provideContext(
      Effect.flatMap(loadFetchClient, ({ client }) => client),
      ofLayer
    )
    return PlainHttp.addSend(lazyClient(whole), ({ context }) => {
      const find = <I, A>(key: Context.Key<I, A>) =>
        Context.getOrUndefined(context, key) ?? Context.getOrUndefined(ofLayer, key)
      return fetchSend(find(EffectKeys.Fetch) ?? globalThis.fetch, find(EffectKeys.RequestInit) ?? {})
    })
  })
)
