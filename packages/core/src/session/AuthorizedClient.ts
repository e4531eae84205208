/**
 * An `HttpClient` for your own calls to the broker: it carries the session, and when the broker says that the token is
 * dead, it renews once for all callers and sends again what may be sent again.
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
import { mayReplay as mayReplayOf, noteRequest, Replayable } from "../login/internal/requestsSent.ts"
import { systemCode } from "../broker/internal/systemCode.ts"
import { timeText } from "../login/internal/timeText.ts"
import type { Session } from "../login/Session.ts"
import { type Failure, SessionManager } from "./SessionManager.ts"

/**
 * The client. Its errors are those of any client, and those of getting a session.
 *
 * A call that the broker refused since the token was dead is sent again with a new token if it is a `GET`, `HEAD` or
 * `OPTIONS`, or marked with `replayable`. Otherwise it fails with `SessionExpired`, and the next call has a new token.
 * When that is refused, too, it is not renewed again for ten minutes: something else is wrong, and more logins would lock
 * the account.
 * Any other answer is handed out as it came, refusals too. Requests to other hosts go out without the session.
 *
 * A refusal is looked for in JSON, plain text, HTML and answers without a type, if they are not longer than 1 MiB. Any
 * other answer is handed out as soon as its head is there. No body is held in memory beyond that.
 *
 * @category services
 * @since 0.1.0
 */
export class AuthorizedClient extends Context.Service<
  AuthorizedClient,
  HttpClient.HttpClient.With<HttpClientError.HttpClientError | Failure>
>()("@auth/broker-core/session/AuthorizedClient") {}

/**
 * Marks the calls of an effect as such that may be sent twice, whatever their method: a search that goes by `POST`.
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
 * Time-out for the head of an answer, from the moment that a request is sent. Default: 30 seconds. It fails with an
 * `HttpClientError`. The body has no time-out. If a call is sent again with a new token, the time-out starts anew.
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

/** A larger answer is data: it is streamed through, and not taken for a refusal. In bytes. */
const largestLookedInto = 1_048_576

const descriptionOf = (failure: unknown): string | undefined => {
  if (failure instanceof RedirectGuard.RedirectStopped) {
    return `a redirect to ${failure.origin} was not followed, and nothing was sent there`
  }
  const reason = HttpClientError.isHttpClientError(failure) ? failure.reason : undefined
  return reason !== undefined && "description" in reason ? reason.description : undefined
}

/**
 * An error that shows the request as the caller made it: the one that was sent has the tokens in its headers. The cause
 * is left out but for the system's code, since it may show the request as well.
 */
const failureOf = (request: HttpClientRequest.HttpClientRequest, failure: unknown) => {
  const words = [descriptionOf(failure), systemCode(failure)].filter((word) => word !== undefined)
  return new HttpClientError.HttpClientError({
    reason: new HttpClientError.TransportError({
      request,
      ...(words.length === 0 ? {} : { description: words.join(", ") })
    })
  })
}

/** A body that says nothing has none: a `Response` of these statuses refuses one. */
const bodiless: ReadonlySet<number> = new Set([204, 205, 304])

/** For how long a new token that is refused is not replaced, in milliseconds: a broker's bad minutes are not for ever. */
const suspicion = 600_000

interface Answer {
  readonly response: HttpClientResponse.HttpClientResponse
  /** What the broker says against the call, where the answer was looked into. */
  readonly refusal: AuthError.AuthError | undefined
}

/** Content types of refusals. An answer of any other type is data, or events that have no end. */
const lookedInto = /^\s*(?:$|(?:application\/(?:[^\s;/]+\+)?json|text\/(?:json|plain|html))\s*(?:;|$))/i

/** The answer with the caller's own request beside it, and its body still to be read in any way. */
const readAnswer = Effect.fnUntraced(function* (
  request: HttpClientRequest.HttpClientRequest,
  response: HttpClientResponse.HttpClientResponse,
  refusalOf: (answer: Authorize.Answer) => AuthError.AuthError | undefined
): Effect.fn.Return<Answer, HttpClientError.HttpClientError> {
  const { headers, status } = response
  const context = yield* Effect.context()
  const toError = (failure: unknown) => failureOf(request, failure)
  const toResponse = (body: BodyInit | null) =>
    HttpClientResponse.fromWeb(request, new Response(body, { status, headers }))
  if (bodiless.has(status) || request.method === "HEAD") {
    return { response: toResponse(null), refusal: refusalOf({ status, headers, text: "" }) }
  }
  const announced = Number(headers["content-length"] ?? 0)
  if (announced > largestLookedInto || !lookedInto.test(headers["content-type"] ?? "")) {
    return { response: toResponse(AnswerBody.passOn(response, context, toError)), refusal: undefined }
  }
  const beginning = yield* AnswerBody.readBeginning(response, largestLookedInto)
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

const isDead = (error: AuthError.AuthError | undefined): error is AuthError.AuthError =>
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
    `There is a new session now, but this ${method} was not sent again. Send it again, or mark it with AuthorizedClient.replayable if it may be sent twice.`
  )

const notRenewedAgain = (error: AuthError.AuthError) =>
  withAdvice(
    error,
    "The broker refuses the new session, too, so no other is asked for within ten minutes. Find out what else it minds, or get another with SessionManager.renew."
  )

/**
 * Makes the client.
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
  // A token that was new and refused all the same: to renew it again and again would get the account locked.
  let distrusted: Session | undefined
  // A call that is not sent again does not try the new token, so that the next one does. What others say of the token
  // in between does not count: where a broker takes everything but orders, each order would cost a login.
  let untried: Session | undefined
  let tried: Session | undefined

  const isSuspect = (session: Session, mayReplay: boolean) =>
    session === distrusted || (!mayReplay && session === untried && session !== tried)

  const isNotRenewedAgain = (session: Session, mayReplay: boolean) =>
    Effect.map(Clock.currentTimeMillis, (now) => isSuspect(session, mayReplay) && now - session.issuedAt < suspicion)

  const send = (request: HttpClientRequest.HttpClientRequest, session: Session) =>
    Authorize.request(request, session).pipe(
      Effect.provideService(Authorize.Authorize, authorize),
      Effect.flatMap((authorized) => executeInTime(client, authorized)),
      Effect.flatMap((response) => readAnswer(request, response, (answer) => authorize.refusal(answer, session))),
      Effect.mapError((error) => {
        if (error._tag === "AuthError") return error
        return error._tag === "RedirectFollowed"
          ? AuthError.make(session.account.broker, "request", RedirectGuard.toReason(error))
          : failureOf(request, error)
      })
    )

  const execute = Effect.fnUntraced(function* (request: HttpClientRequest.HttpClientRequest) {
    const mayReplay = yield* mayReplayOf(request)
    const origins =
      authorize.toldOrigin === undefined ? authorize.origins : Authorize.originsFor(authorize, yield* manager.session)
    if (!Authorize.isOwn(request, origins)) {
      yield* noteRequest({ safe: mayReplay })
      return yield* client.execute(request)
    }
    const session = yield* manager.session
    const first = yield* send(request, session)
    if (!isDead(first.refusal)) {
      if (!mayReplay) {
        tried = session
        manager.accepted(session)
      }
      return first.response
    }
    if (yield* isNotRenewedAgain(session, mayReplay)) return yield* Effect.fail(notRenewedAgain(first.refusal))
    const renewed = yield* manager.renew(session)
    if (!mayReplay) {
      untried = renewed
      return yield* Effect.fail(notSentAgain(first.refusal, request.method))
    }
    const second = yield* send(request, renewed)
    if (!isDead(second.refusal)) return second.response
    distrusted = renewed
    return yield* Effect.fail(notRenewedAgain(second.refusal))
  })

  return HttpClient.makeWith(Effect.flatMap(execute), Effect.succeed<HttpClientRequest.HttpClientRequest>)
})

/**
 * The client of the account that the session manager is for.
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
