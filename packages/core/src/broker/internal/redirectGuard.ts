import * as Context from "effect/Context"
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as FetchHttpClient from "effect/http/FetchHttpClient"
import * as HttpClient from "effect/http/HttpClient"
import type * as HttpClientError from "effect/http/HttpClientError"
import type * as HttpClientRequest from "effect/http/HttpClientRequest"
import type * as HttpClientResponse from "effect/http/HttpClientResponse"
import * as Result from "effect/Result"
import * as Tracer from "effect/Tracer"
import * as AuthError from "../../login/AuthError.ts"

/** A redirect to another origin that was held back: nothing was sent there. */
export class RedirectStopped extends Data.TaggedError("RedirectStopped")<{ readonly origin: string }> {}

/** An answer from another origin. What the request carried may have been sent there. */
export class RedirectFollowed extends Data.TaggedError("RedirectFollowed")<{
  readonly origin: string
  /** HTTP status. */
  readonly status: number
}> {}

const originOf = (url: string): string | undefined => Result.getOrUndefined(Result.try(() => new URL(url).origin))

/** For `fetch`, which follows redirects by itself. The rest of what the program has set is kept: a proxy, keep-alive. */
const setManualRedirect = (fiber: Fiber.Fiber<unknown, unknown>) => {
  const init = Context.getOrUndefined(fiber.context, FetchHttpClient.RequestInit)
  fiber.setContext(Context.add(fiber.context, FetchHttpClient.RequestInit, { ...init, redirect: "manual" }))
}

/**
 * Sends a request with credentials, without a client span and without tracing headers, and to one origin only.
 *
 * `HttpClient.followRedirects` removes `authorization` on its way to another origin, but neither a body nor the headers
 * that brokers have for keys and tokens. No option turns it off. `HttpClient.make` asks `TracerDisabledWhen` directly
 * before each request, in the fiber and context of that request, so this is the place to stop one. There also is the
 * `RequestInit` of the client's layer, which one of ours in the context would hide. The origin is the first one that a
 * request goes to, since a program may send all its calls to a gateway.
 */
export const execute = (
  client: HttpClient.HttpClient,
  request: HttpClientRequest.HttpClientRequest
): Effect.Effect<
  HttpClientResponse.HttpClientResponse,
  HttpClientError.HttpClientError | RedirectStopped | RedirectFollowed
> =>
  Effect.suspend(() => {
    let first: string | undefined
    const beforeRequest = ({ url }: HttpClientRequest.HttpClientRequest): boolean => {
      const origin = originOf(url) ?? ""
      first ??= origin
      if (origin !== first) throw new RedirectStopped({ origin })
      const fiber = Fiber.getCurrent()
      if (fiber !== undefined) setManualRedirect(fiber)
      return true
    }
    const discretion = Context.make(HttpClient.TracerDisabledWhen, beforeRequest).pipe(
      Context.add(HttpClient.TracerPropagationEnabled, false),
      // With this one set, the predicate above would not be asked.
      Context.add(Tracer.DisablePropagation, false)
    )
    return client.execute(request).pipe(
      Effect.catchDefect((defect) => (defect instanceof RedirectStopped ? Effect.fail(defect) : Effect.die(defect))),
      Effect.tap((response) => {
        const sentTo = first ?? originOf(request.url)
        const origin = [response.request.url, response.url].map(originOf).find((from) => (from ?? sentTo) !== sentTo)
        return origin === undefined
          ? Effect.void
          : Effect.fail(new RedirectFollowed({ origin, status: response.status }))
      }),
      Effect.updateContext((context: Context.Context<never>) => Context.merge(context, discretion))
    )
  })

/** What the caller of a broker is told of an answer from another origin. */
export const toReason = ({ origin, status }: RedirectFollowed): AuthError.Reason =>
  new AuthError.MalformedResponse({
    status,
    problem: `the HTTP client followed a redirect to ${origin}, and what the call carried may have been sent there`,
    excerpt: "",
    advice:
      "Use an HTTP client that does not follow redirects. Unless that host is the broker's, its owner may know what the call carried (password, PIN, code, keys, tokens): change it."
  })
