/**
 * Logging in to RMoney by scanning a picture with its mobile app.
 *
 * @since 0.1.0
 */
import * as BrokerClient from "@auth/broker-core/broker/BrokerClient"
import * as AuthError from "@auth/broker-core/login/AuthError"
import type { Authorize } from "@auth/broker-core/login/Authorize"
import type { Logout } from "@auth/broker-core/login/Logout"
import * as QrLogin from "@auth/broker-core/login/QrLogin"
import * as Renewal from "@auth/broker-core/broker/Renewal"
import * as Session from "@auth/broker-core/login/Session"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as HttpClient from "effect/http/HttpClient"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import type * as RmoneyApi from "./RmoneyApi.ts"
import { broker, qrCredentials as fields, renewals } from "./RmoneyBroker.ts"
import * as services from "./internal/services.ts"

/**
 * What is needed.
 *
 * @category models
 * @since 0.1.0
 */
export interface QrCredentials {
  /** Client id. Whose login is expected: another account's is rejected. */
  readonly userId: string
}

/**
 * What may be set beside the credentials.
 *
 * @category models
 * @since 0.1.0
 */
export interface Options extends RmoneyApi.Options {
  /** Your name for the app, if you have several for one account. */
  readonly app?: string | undefined
  /** When a session ends. The token's own end unless said otherwise; without one the end is unknown. */
  readonly expiry?: services.Options["expiry"]
  /** How long a picture is good. 35 seconds unless said otherwise. */
  readonly codeLifetime?: Duration.Input | undefined
  /** When a session manager renews, and how many refused logins it allows, in the place of the descriptor's numbers. */
  readonly renewal?: Renewal.Options | undefined
}

/**
 * The services of this method.
 *
 * @category models
 * @since 0.1.0
 */
export type Services = QrLogin.QrLogin | Logout | Authorize | Renewal.Renewal | RmoneyApi.RmoneyApi

const method = "qr"

const make = Effect.fnUntraced(function* (
  input: QrCredentials,
  options: Options
): Effect.fn.Return<Context.Context<Services>, AuthError.AuthError, HttpClient.HttpClient> {
  const values = yield* services.check(fields, { ...input }, options)
  const { userId } = values
  const api = yield* services.makeApi(options, values, "api")
  const account = services.accountOf(options, values)
  const lifetime = Duration.toMillis(
    yield* BrokerClient.readDuration(broker.id, "codeLifetime", options.codeLifetime ?? "35 seconds")
  )
  // The name of a picture is a secret and no key of a map: the picture itself is.
  const taken = new WeakSet<QrLogin.QrCode>()

  const begin = Effect.gen(function* () {
    const now = yield* Clock.currentTimeMillis
    const { byteCode, qrName } = yield* api.qrGenerate({ userId })
    return { name: qrName, image: byteCode, expiresAt: now + lifetime }
  })

  const take = (code: QrLogin.QrCode) =>
    Effect.flatMap(api.qrLogin({ userId, qrName: code.name }), (answer) => {
      if (answer === undefined) return Effect.succeedNone
      taken.add(code)
      return services.sameClient(answer.clientId, userId)
        ? Effect.succeedSome(answer)
        : services.fail("poll", new AuthError.RedirectRejected({ why: "other-account" }))
    })

  const poll = Effect.fnUntraced(function* (code: QrLogin.QrCode) {
    const now = yield* Clock.currentTimeMillis
    const why = taken.has(code) ? "used" : now >= code.expiresAt ? "timed-out" : undefined
    if (why !== undefined) return yield* services.fail("poll", new AuthError.ChallengeExpired({ why }))
    const answer = yield* take(code)
    if (Option.isNone(answer)) return Option.none()
    const { accessToken, clientId } = answer.value
    return Option.some(
      Session.make({
        account,
        method,
        tokens: { access: accessToken },
        issuedAt: now,
        expiry: options.expiry ?? services.documentedExpiry,
        profile: { id: services.canonical(clientId, userId) }
      })
    )
  })

  const renewal = yield* Renewal.fromDescription(renewals.qr, { account }, options.renewal)

  return services
    .common(api)
    .pipe(Context.add(QrLogin.QrLogin, QrLogin.make(broker.id, { begin, poll })), Context.add(Renewal.Renewal, renewal))
})

/**
 * Everything that this method can do, for one account. Show the picture, and poll about once a second until it is
 * scanned: a poll gives `None` until then, and fails with `ChallengeExpired` when its time is over.
 *
 * @example
 * ```ts
 * import * as QrLogin from "@auth/broker-core/login/QrLogin"
 * import * as RmoneyQr from "@auth/rmoney/RmoneyQr"
 * import * as Effect from "effect/Effect"
 * import * as FetchHttpClient from "effect/http/FetchHttpClient"
 * import * as Layer from "effect/Layer"
 *
 * const Qr = RmoneyQr.layer({ environment: "uat", credentials: { userId: "TEST101" } }).pipe(
 *   Layer.provide(FetchHttpClient.layer)
 * )
 *
 * const program = Effect.gen(function* () {
 *   const qr = yield* QrLogin.QrLogin
 *   const code = yield* qr.begin
 *   return yield* qr.poll(code)
 * }).pipe(Effect.provide(Qr))
 * ```
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = (
  options: Options & { readonly credentials: QrCredentials }
): Layer.Layer<Services, AuthError.AuthError, HttpClient.HttpClient> =>
  Layer.effectContext(Effect.suspend(() => make(options.credentials, options)))

/**
 * The same with credentials from the configuration: `RMONEY_USER_ID`, and `RMONEY_ENVIRONMENT` unless the option is given.
 *
 * @example
 * ```ts
 * import * as RmoneyQr from "@auth/rmoney/RmoneyQr"
 *
 * const Qr = RmoneyQr.layerConfig({ environment: "uat" })
 * ```
 *
 * @category layers
 * @since 0.1.0
 */
export const layerConfig = (options: Options = {}): Layer.Layer<Services, AuthError.AuthError, HttpClient.HttpClient> =>
  Layer.effectContext(
    Effect.flatMap(services.fromConfig(fields, options), ({ environment, ...values }) =>
      make(values, services.withEnvironment(options, environment))
    )
  )
