/**
 * Connects fake brokers to msw (Mock Service Worker). Each broker package exports its fake and the function `handlers`
 * as `./msw`. This module requires the package `msw`.
 *
 * @since 0.1.0
 */
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
