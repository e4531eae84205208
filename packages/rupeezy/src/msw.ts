/**
 * Rupeezy for msw: a fake broker, and the handlers that serve it.
 *
 * @since 0.1.0
 */
import type { FakeBroker } from "@auth/broker-core/testing/FakeBroker"
import { http, type HttpHandler } from "msw"

export * as FakeRupeezy from "./FakeRupeezy.ts"

/**
 * The handlers of a fake, for `setupServer` and similar functions.
 *
 * @example
 * ```ts
 * import { FakeRupeezy, handlers } from "@auth/rupeezy/msw"
 * import * as Effect from "effect/Effect"
 * import { setupServer } from "msw/node"
 *
 * const server = setupServer(...handlers(Effect.runSync(FakeRupeezy.make())))
 * ```
 *
 * @category handlers
 * @since 0.1.0
 */
export const handlers = (fake: FakeBroker): ReadonlyArray<HttpHandler> =>
  fake.origins.map((origin) => http.all(`${origin}/*`, ({ request }) => fake.respond(request)))
