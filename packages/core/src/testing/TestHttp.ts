/**
 * HTTP clients for tests, and `settle` for effects with real I/O in a test with `TestClock`.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as FetchHttpClient from "effect/http/FetchHttpClient"
import * as HttpClient from "effect/http/HttpClient"
import * as HttpClientError from "effect/http/HttpClientError"
import * as HttpClientRequest from "effect/http/HttpClientRequest"
import * as HttpClientResponse from "effect/http/HttpClientResponse"
import * as Layer from "effect/Layer"
import * as TestClock from "effect/testing/TestClock"
import type { FakeBroker } from "./FakeBroker.ts"

/**
 * Like Effect's `FetchHttpClient.layer`, but reads `globalThis.fetch` for each request. A test tool, such as msw, can
 * replace `fetch` at any time.
 *
 * @category layers
 * @since 0.1.0
 */
export const layerLateFetch: Layer.Layer<HttpClient.HttpClient> = FetchHttpClient.layer.pipe(
  Layer.provide(
    Layer.succeed(FetchHttpClient.Fetch, ((input: RequestInfo | URL, init?: RequestInit) =>
      globalThis.fetch(input, init)) as typeof globalThis.fetch)
  )
)

const refused = (request: HttpClientRequest.HttpClientRequest, description: string) =>
  Effect.fail(
    new HttpClientError.HttpClientError({ reason: new HttpClientError.TransportError({ request, description }) })
  )

/**
 * An HTTP client that passes each request to `respond`. It uses no network.
 *
 * @category layers
 * @since 0.1.0
 */
export const layerRespond = (respond: (request: Request) => Promise<Response>): Layer.Layer<HttpClient.HttpClient> =>
  Layer.succeed(
    HttpClient.HttpClient,
    HttpClient.make((request, url) =>
      Effect.flatMap(
        Effect.promise(() => {
          const web = HttpClientRequest.toWebResult(request)
          return respond(web._tag === "Success" ? web.success : new Request(url))
        }),
        (response) =>
          response.type === "error"
            ? refused(request, "the connection was cut")
            : Effect.succeed(HttpClientResponse.fromWeb(request, response))
      )
    )
  )

/**
 * An HTTP client that calls a fake directly. It uses no network.
 *
 * @category layers
 * @since 0.1.0
 */
export const layerFake = (fake: FakeBroker): Layer.Layer<HttpClient.HttpClient> => layerRespond(fake.respond)

/**
 * Runs an effect with real I/O in a test with `TestClock`. Advances the virtual time second by second until the effect
 * ends.
 *
 * @category running
 * @since 0.1.0
 */
export const settle = Effect.fnUntraced(function* <A, E, R>(effect: Effect.Effect<A, E, R>) {
  const fiber = yield* Effect.forkChild(effect)
  const isRunning = () => fiber.pollUnsafe() === undefined
  while (isRunning()) {
    // On a busy machine, an answer needs many milliseconds. If the clock advanced faster, requests would time out.
    for (let waits = 0; isRunning() && waits < 10; waits += 1) yield* TestClock.withLive(Effect.sleep("2 millis"))
    if (isRunning()) yield* TestClock.adjust("1 second")
  }
  return yield* Fiber.join(fiber)
})
