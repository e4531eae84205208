import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as FetchHttpClient from "effect/http/FetchHttpClient"
import * as HttpClient from "effect/http/HttpClient"
import type * as HttpClientError from "effect/http/HttpClientError"
import type * as HttpClientRequest from "effect/http/HttpClientRequest"
import type * as HttpClientResponse from "effect/http/HttpClientResponse"
import * as Tracer from "effect/Tracer"
import { AnswerLimit } from "../AnswerLimit.ts"
import { followedTo, isSameOrigin, originOf, type RedirectFollowed, RedirectStopped } from "./redirects.ts"

/** By default, `fetch` follows redirects. */
const setManualRedirect = (fiber: Fiber.Fiber<unknown, unknown>) => {
  const init = Context.getOrUndefined(fiber.context, FetchHttpClient.RequestInit)
  fiber.setContext(Context.add(fiber.context, FetchHttpClient.RequestInit, { ...init, redirect: "manual" }))
}

/**
 * Sends a request with credentials, and allows only one origin. The HTTP client adds no span and no tracing headers.
 *
 * A client with `HttpClient.followRedirects` would send the body, keys and tokens to other origins. Each client from
 * `HttpClient.make` calls the predicate in `TracerDisabledWhen` directly before it sends a request. So the predicate
 * checks the origin of each request.
 *
 * The client's layer can contain a `RequestInit` (options for `fetch`). The fiber's context contains these options only
 * while the client sends a request. So the predicate also sets `redirect`, and keeps the other options.
 *
 * The first request that the client sends determines the allowed origin, which may be the origin of a gateway.
 */
export const execute = (
  client: HttpClient.HttpClient,
  request: HttpClientRequest.HttpClientRequest,
  answerLimit?: number
): Effect.Effect<
  HttpClientResponse.HttpClientResponse,
  HttpClientError.HttpClientError | RedirectStopped | RedirectFollowed
> =>
  Effect.suspend(() => {
    let first: string | undefined
    const beforeRequest = ({ url }: HttpClientRequest.HttpClientRequest): boolean => {
      first ??= url
      if (!isSameOrigin(url, first)) throw new RedirectStopped({ origin: originOf(url) ?? "" })
      const fiber = Fiber.getCurrent()
      if (fiber !== undefined) setManualRedirect(fiber)
      return true
    }
    const discretion = Context.make(HttpClient.TracerDisabledWhen, beforeRequest).pipe(
      Context.add(HttpClient.TracerPropagationEnabled, false),
      Context.add(AnswerLimit, answerLimit),
      // If `DisablePropagation` were true, `TracerDisabledWhen` would not be called.
      Context.add(Tracer.DisablePropagation, false)
    )
    return client.execute(request).pipe(
      Effect.catchDefect((defect) => (defect instanceof RedirectStopped ? Effect.fail(defect) : Effect.die(defect))),
      Effect.tap(({ request: { url: requestUrl }, status, url }) => {
        const sentTo = first ?? request.url
        const followed = followedTo(requestUrl, sentTo, status) ?? followedTo(url, sentTo, status)
        return followed === undefined ? Effect.void : Effect.fail(followed)
      }),
      Effect.updateContext((context: Context.Context<never>) => Context.merge(context, discretion))
    )
  })
