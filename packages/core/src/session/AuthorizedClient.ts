/**
 * An `HttpClient` for your own calls to the broker. It adds the session to each request, and renews the session if the
 * broker refuses the token.
 *
 * @since 0.1.0
 */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as HttpClient from "effect/http/HttpClient"
import * as HttpClientError from "effect/http/HttpClientError"
import type * as HttpClientRequest from "effect/http/HttpClientRequest"
import * as HttpClientResponse from "effect/http/HttpClientResponse"
import * as Layer from "effect/Layer"
import * as AuthError from "../login/AuthError.ts"
import * as Authorize from "../login/Authorize.ts"
import * as AnswerBody from "./internal/answerBody.ts"
import * as RedirectGuard from "../broker/internal/redirectGuard.ts"
import * as Redirects from "../broker/internal/redirects.ts"
import { mayReplay as mayReplayOf, noteRequest, Replayable } from "../login/internal/requestsSent.ts"
import { systemCode } from "../broker/internal/systemCode.ts"
import { timeText } from "../login/internal/timeText.ts"
import type { Session } from "../login/Session.ts"
import * as WebResponse from "./internal/webResponse.ts"
import { type Failure, SessionManager } from "./SessionManager.ts"

/**
 * An `HttpClient` that adds the session to each request to the broker.
 *
 * If the broker refuses the token, the session is renewed once for all callers. Then:
 *
 * - A `GET`, `HEAD` or `OPTIONS` request is sent again with the new token.
 * - A request that is marked with `replayable` is also sent again with the new token.
 * - Any other request (called an order below) is not sent again. It fails with `SessionExpired`. The next request uses
 *   the new token.
 *
 * The broker can refuse the new token too. More logins could lock the account. So renewals are limited until the new
 * session is ten minutes old:
 *
 * - If the broker refuses both tokens of a request, no request renews the new session.
 * - If the broker refuses the old token of an order and the new token of the next order, no order renews the new
 *   session. A refused `GET` can still renew the new session.
 *
 * An answer that does not refuse the token is returned unchanged, even if it reports another error. Requests to origins
 * other than the broker's are sent without the session.
 *
 * To find a refusal, the client reads up to 1 MiB (1,048,576 bytes) of a body before it returns the answer. The client
 * does not check a larger body, or a body with a content type other than JSON, plain text or HTML.
 *
 * @category services
 * @since 0.1.0
 */
export class AuthorizedClient extends Context.Service<
  AuthorizedClient,
  HttpClient.HttpClient.With<HttpClientError.HttpClientError | Failure>
>()("@auth/broker-core/session/AuthorizedClient") {}

/**
 * Marks all requests of an effect as safe to send twice. An example is a search that is sent by `POST`. A request whose
 * body is a stream is never sent twice.
 *
 * @example
 * ```ts
 * import * as AuthorizedClient from "@auth/broker-core/session/AuthorizedClient"
 * import * as Effect from "effect/Effect"
 *
 * const quotes = Effect.flatMap(AuthorizedClient.AuthorizedClient, (client) =>
 *   client.post("https://apiconnect.angelone.in/rest/secure/angelbroking/market/v1/quote/")
 * ).pipe(AuthorizedClient.replayable)
 * ```
 *
 * @category combinators
 * @since 0.1.0
 */
export const replayable = <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
  Effect.provideService(effect, Replayable, true)

/**
 * Maximum time from sending a request until the status and headers of its answer have arrived. Default: 30 seconds.
 * After this time, the call fails with an `HttpClientError`. The time-out does not apply to the body, or to requests to
 * origins other than the broker's.
 *
 * @example
 * ```ts
 * import * as AuthorizedClient from "@auth/broker-core/session/AuthorizedClient"
 * import * as Duration from "effect/Duration"
 * import * as Effect from "effect/Effect"
 *
 * const positions = Effect.flatMap(AuthorizedClient.AuthorizedClient, (client) =>
 *   client.get("https://apiconnect.angelone.in/rest/secure/angelbroking/order/v1/getPosition")
 * ).pipe(Effect.provideService(AuthorizedClient.HeadTimeout, Duration.seconds(5)))
 * ```
 *
 * @category references
 * @since 0.1.0
 */
export const HeadTimeout: Context.Reference<Duration.Duration> = Context.Reference<Duration.Duration>(
  "@auth/broker-core/AuthorizedClient/HeadTimeout",
  { defaultValue: () => Duration.seconds(30) }
)

/** In bytes. A larger answer is returned unchecked. */
const maxCheckedSize = 1_048_576

const descriptionOf = (failure: unknown): string | undefined => {
  if (failure instanceof Redirects.RedirectStopped) {
    return `a redirect to ${failure.origin} was not followed, and nothing was sent there`
  }
  const reason = HttpClientError.isHttpClientError(failure) ? failure.reason : undefined
  return reason !== undefined && "description" in reason ? reason.description : undefined
}

/** `request` is the caller's request, without tokens. `failure` may contain tokens, so it is not kept as the cause. */
const failureOf = (request: HttpClientRequest.HttpClientRequest, failure: unknown) => {
  const words = [descriptionOf(failure), systemCode(failure)].filter((word) => word !== undefined)
  return new HttpClientError.HttpClientError({
    reason: new HttpClientError.TransportError({
      request,
      ...(words.length === 0 ? {} : { description: words.join(", ") })
    })
  })
}

/** In milliseconds. If a session and its replacement are refused, the replacement is not renewed before this age. */
const minReplacementAge = 600_000

interface Answer {
  readonly response: HttpClientResponse.HttpClientResponse
  /** `undefined` if the answer is not a refusal, or was not checked. */
  readonly refusal: AuthError.AuthError | undefined
}

/** Matches the content types that a refusal can have. */
const checkedTypes = /^\s*(?:$|(?:application\/(?:[^\s;/]+\+)?json|text\/(?:json|plain|html))\s*(?:;|$))/i

/** The returned body can still be read from the start. `request` is the caller's request, without tokens. */
const readAnswer = Effect.fnUntraced(function* (
  request: HttpClientRequest.HttpClientRequest,
  response: HttpClientResponse.HttpClientResponse,
  refusalOf: (answer: Authorize.Answer) => AuthError.AuthError | undefined
): Effect.fn.Return<Answer, HttpClientError.HttpClientError> {
  const { headers, status } = response
  const context = yield* Effect.context()
  const toError = (failure: unknown) => failureOf(request, failure)
  const toResponse = (body: BodyInit | null) =>
    HttpClientResponse.fromWeb(request, WebResponse.make(body, { status, headers }))
  if (WebResponse.bodiless.has(status) || request.method === "HEAD") {
    return { response: toResponse(null), refusal: refusalOf({ status, headers, text: "" }) }
  }
  const announced = Number(headers["content-length"] ?? 0)
  if (announced > maxCheckedSize || !checkedTypes.test(headers["content-type"] ?? "")) {
    return { response: toResponse(AnswerBody.passOn(response, context, toError)), refusal: undefined }
  }
  const beginning = yield* AnswerBody.readBeginning(response, maxCheckedSize)
  if (beginning._tag === "Part") {
    return { response: toResponse(AnswerBody.resume(beginning, context, toError)), refusal: undefined }
  }
  const refusal = refusalOf({ status, headers, text: new TextDecoder().decode(beginning.all) })
  return { response: toResponse(beginning.all), refusal }
})

const executeInTime = Effect.fnUntraced(function* (
  client: HttpClient.HttpClient,
  request: HttpClientRequest.HttpClientRequest
) {
  const duration = yield* HeadTimeout
  const description = `no answer came within ${timeText(duration)}`
  return yield* Effect.timeoutOrElse(RedirectGuard.execute(client, request), {
    duration,
    orElse: () =>
      Effect.fail(
        new HttpClientError.HttpClientError({ reason: new HttpClientError.TransportError({ request, description }) })
      )
  })
})

/** An answer that is not 2xx may come from a gateway or firewall, which does not check the token. */
const isAccepted = ({ refusal, response: { status } }: Answer): boolean =>
  status >= 200 && status < 300 && refusal === undefined

const isTokenRefused = (error: AuthError.AuthError | undefined): error is AuthError.AuthError =>
  error?.reason._tag === "SessionExpired"

const withAdvice = (error: AuthError.AuthError, advice: string) => {
  const { reason } = error
  return reason._tag !== "SessionExpired"
    ? error
    : AuthError.make(
        error.broker,
        error.operation,
        new AuthError.SessionExpired({
          why: reason.why,
          code: reason.code,
          brokerMessage: reason.brokerMessage,
          advice
        })
      )
}

const notSentAgain = (error: AuthError.AuthError, method: string) =>
  withAdvice(
    error,
    `There is a new session now. This ${method} was not sent again, because sending it twice could be unsafe. Send it again or, if it is always safe to send twice, mark it with AuthorizedClient.replayable.`
  )

const moved = (error: AuthError.AuthError) =>
  withAdvice(
    error,
    "There is a new session now, for which the broker named another address. Send the request to that address."
  )

const notRenewedAgain = (error: AuthError.AuthError) =>
  withAdvice(
    error,
    "The broker also refuses the new session, so the new session is not renewed until it is ten minutes old. Find out why the broker refuses it, or get another session with SessionManager.renew."
  )

/**
 * Makes the client for the account of the session manager.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make: Effect.Effect<
  AuthorizedClient["Service"],
  never,
  SessionManager | Authorize.Authorize | HttpClient.HttpClient
> = Effect.gen(function* () {
  const manager = yield* SessionManager
  const authorize = yield* Authorize.Authorize
  const client = yield* HttpClient.HttpClient
  // A session that replaced a refused session, and was refused too. More renewals could lock the account.
  let refusedAfterRenewal: Session | undefined
  // The session that replaced the session of a refused order. An order is any request that must not be sent twice.
  let untestedByOrder: Session | undefined
  // The session that the broker most recently accepted for an order. A broker can accept a session for `GET`, and
  // refuse the same session for orders.
  let acceptedForOrder: Session | undefined

  const isUntested = (session: Session, mayReplay: boolean) =>
    session === refusedAfterRenewal || (!mayReplay && session === untestedByOrder && session !== acceptedForOrder)

  const isNotRenewedAgain = (session: Session, mayReplay: boolean) =>
    Effect.map(
      Clock.currentTimeMillis,
      (now) => isUntested(session, mayReplay) && now - session.issuedAt < minReplacementAge
    )

  const send = (request: HttpClientRequest.HttpClientRequest, session: Session) =>
    Authorize.request(request, session).pipe(
      Effect.provideService(Authorize.Authorize, authorize),
      Effect.flatMap((authorized) => executeInTime(client, authorized)),
      Effect.flatMap((response) => readAnswer(request, response, (answer) => authorize.refusal(answer, session))),
      Effect.mapError((error) => {
        if (error._tag === "AuthError") return error
        return error._tag === "RedirectFollowed"
          ? AuthError.make(session.account.broker, "request", Redirects.toReason(error))
          : failureOf(request, error)
      })
    )

  const execute = Effect.fnUntraced(function* (request: HttpClientRequest.HttpClientRequest) {
    const mayReplay = yield* mayReplayOf(request)
    const told = authorize.toldOrigin === undefined ? undefined : yield* manager.session
    const origins = told === undefined ? authorize.origins : Authorize.originsFor(authorize, told)
    if (!Authorize.isOwn(request, origins)) {
      yield* noteRequest({ safe: mayReplay })
      return yield* client.execute(request)
    }
    const session = told ?? (yield* manager.session)
    const first = yield* send(request, session)
    if (!isTokenRefused(first.refusal)) {
      if (!mayReplay && isAccepted(first)) {
        acceptedForOrder = session
        manager.accepted(session)
      }
      return first.response
    }
    if (yield* isNotRenewedAgain(session, mayReplay)) return yield* Effect.fail(notRenewedAgain(first.refusal))
    const renewed = yield* manager.renew(session)
    if (!mayReplay) {
      untestedByOrder = renewed
      return yield* Effect.fail(notSentAgain(first.refusal, request.method))
    }
    if (!Authorize.isOwn(request, Authorize.originsFor(authorize, renewed))) {
      return yield* Effect.fail(moved(first.refusal))
    }
    const second = yield* send(request, renewed)
    if (!isTokenRefused(second.refusal)) return second.response
    refusedAfterRenewal = renewed
    return yield* Effect.fail(notRenewedAgain(second.refusal))
  })

  return HttpClient.makeWith(Effect.flatMap(execute), Effect.succeed<HttpClientRequest.HttpClientRequest>)
})

/**
 * The client for the account of the session manager.
 *
 * @example
 * ```ts
 * import * as AngelAuth from "@auth/angel/AngelAuth"
 * import * as AuthorizedClient from "@auth/broker-core/session/AuthorizedClient"
 * import * as SessionManager from "@auth/broker-core/session/SessionManager"
 * import * as Vault from "@auth/broker-core/session/Vault"
 * import * as Effect from "effect/Effect"
 * import * as FetchHttpClient from "effect/http/FetchHttpClient"
 * import * as Layer from "effect/Layer"
 *
 * const Client = AuthorizedClient.layer.pipe(
 *   Layer.provideMerge(SessionManager.layer()),
 *   Layer.provide(AngelAuth.layerConfig()),
 *   Layer.provide([Vault.layerMemory, FetchHttpClient.layer])
 * )
 *
 * const program = Effect.gen(function* () {
 *   const client = yield* AuthorizedClient.AuthorizedClient
 *   const answer = yield* client.get("https://apiconnect.angelone.in/rest/secure/angelbroking/user/v1/getProfile")
 *   answer.status // => 200
 * }).pipe(Effect.provide(Client))
 * ```
 *
 * @category layers
 * @since 0.1.0
 */
export const layer: Layer.Layer<AuthorizedClient, never, SessionManager | Authorize.Authorize | HttpClient.HttpClient> =
  Layer.effect(AuthorizedClient, make)
