/**
 * Connects fake brokers to msw (Mock Service Worker). Each broker package has a module `msw`, which exports the
 * broker's fake and the function `handlers`. `Msw` and these modules require the npm package `msw`.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import { http, type HttpHandler } from "msw"
import type { FakeBroker } from "./FakeBroker.ts"

/**
 * Makes the request handlers of a fake, for `setupServer` or `setupWorker` of msw.
 *
 * @example
 * ```ts
 * import { FakeAngel, handlers } from "@auth/angel/msw"
 * import * as Effect from "effect/Effect"
 * import { setupServer } from "msw/node"
 *
 * const server = setupServer(...handlers(Effect.runSync(FakeAngel.make())))
 * ```
 *
 * @category handlers
 * @since 0.1.0
 */
export const handlers = (fake: FakeBroker): ReadonlyArray<HttpHandler> =>
  fake.origins.map((origin) => http.all(`${origin}/*`, ({ request }) => fake.respond(request)))

/**
 * The part of the type of `setupServer` (`msw/node`) that `serve` uses.
 *
 * @category models
 * @since 0.1.0
 */
export type SetupServer = (...handlers: Array<HttpHandler>) => {
  readonly listen: (options: { readonly onUnhandledFrame: "error" }) => unknown
  readonly close: () => unknown
}

/**
 * Serves a fake through msw until the scope closes, and returns the fake. Use `TestHttp.layerLateFetch` as the HTTP
 * client.
 *
 * If the fake does not serve the host of a request, the request fails. Exception: if the URL looks like a static file
 * (for example, the path ends in `.json`), msw sends the request to the real host.
 *
 * @example
 * ```ts
 * import { FakeAngel } from "@auth/angel/msw"
 * import * as Msw from "@auth/broker-core/testing/Msw"
 * import * as Effect from "effect/Effect"
 * import { setupServer } from "msw/node"
 *
 * const journal = Effect.gen(function* () {
 *   const fake = yield* Msw.serve(yield* FakeAngel.make(), setupServer)
 *   return yield* fake.journal
 * }).pipe(Effect.scoped)
 * ```
 *
 * @category serving
 * @since 0.1.0
 */
export const serve = (fake: FakeBroker, setupServer: SetupServer): Effect.Effect<FakeBroker, never, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.sync(() => {
      const server = setupServer(...handlers(fake))
      server.listen({ onUnhandledFrame: "error" })
      return server
    }),
    (server) => Effect.sync(() => void server.close())
  ).pipe(Effect.as(fake))
