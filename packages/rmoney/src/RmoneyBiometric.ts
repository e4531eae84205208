/**
 * Logging in to RMoney from a device with biometric login, with the access token of the session before.
 *
 * @since 0.1.0
 */
import type * as AuthError from "@auth/broker-core/login/AuthError"
import type { Authorize } from "@auth/broker-core/login/Authorize"
import * as Login from "@auth/broker-core/login/Login"
import type { Logout } from "@auth/broker-core/login/Logout"
import * as Renewal from "@auth/broker-core/broker/Renewal"
import * as Session from "@auth/broker-core/login/Session"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type * as HttpClient from "effect/http/HttpClient"
import * as Layer from "effect/Layer"
import type * as Redacted from "effect/Redacted"
import * as Ref from "effect/Ref"
import * as Semaphore from "effect/Semaphore"
import type * as RmoneyApi from "./RmoneyApi.ts"
import { biometricCredentials as fields, renewals } from "./RmoneyBroker.ts"
import * as services from "./internal/services.ts"

/**
 * What a login needs.
 *
 * @category models
 * @since 0.1.0
 */
export interface BiometricCredentials {
  readonly userId: string
  /** The newest access token of the account: the broker compares it with the one that it remembers. */
  readonly accessToken: Redacted.Redacted<string>
  /** The device that biometric login was enabled for. Made of the user id unless given, as in `RmoneyAuth`. */
  readonly deviceId?: string | undefined
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
  /** When a session manager renews, and how many refused logins it allows, in the place of the descriptor's numbers. */
  readonly renewal?: Renewal.Options | undefined
}

/**
 * The services of this method.
 *
 * @category models
 * @since 0.1.0
 */
export type Services = Login.Login | Logout | Authorize | Renewal.Renewal | RmoneyApi.RmoneyApi

const method = "biometric"

const make = Effect.fnUntraced(function* (
  input: BiometricCredentials,
  options: Options
): Effect.fn.Return<Context.Context<Services>, AuthError.AuthError, HttpClient.HttpClient> {
  const values = yield* services.check(fields, { ...input }, options)
  const { userId } = values
  const api = yield* services.makeApi(options, values, "api")
  const account = services.accountOf(options, values)
  const newest = yield* Ref.make(Session.bareToken(values.accessToken))
  // Each login replaces the token that the next one needs, so they go one after the other.
  const turns = yield* Semaphore.make(1)
  const { expiry = services.documentedExpiry } = options

  const exchange = (token: Redacted.Redacted<string>) =>
    api.bioPwdValidate({ userId, token }).pipe(
      Effect.tap(({ accessToken }) => Ref.set(newest, accessToken)),
      Effect.map((response) => {
        const issued = services.toIssue(account, userId, response)
        // It is the access token that renews this session, also in a program that starts later.
        return { ...issued, tokens: { ...issued.tokens, refresh: issued.tokens.access } }
      })
    )
  const signIn = (token: Effect.Effect<Redacted.Redacted<string>>) =>
    Session.issue({ account, method, expiry }, Effect.flatMap(token, exchange)).pipe(Semaphore.withPermit(turns))

  const login = signIn(Ref.get(newest))
  const renewal = yield* Renewal.fromDescription(
    renewals.biometric,
    { account, login, refresh: ({ tokens }) => signIn(Effect.succeed(tokens.access)) },
    options.renewal
  )

  return services
    .common(api)
    .pipe(
      Context.add(Login.Login, { login: Effect.map(login, Login.authenticated) }),
      Context.add(Renewal.Renewal, renewal)
    )
})

/**
 * Everything that this method can do, for one account. Enable it once with the call `bioEnable` of `RmoneyApi` in a
 * session of `RmoneyAuth`. The layer keeps the token of its newest login for the next one; a program that starts anew
 * must give it.
 *
 * @example
 * ```ts
 * import * as Login from "@auth/broker-core/login/Login"
 * import * as RmoneyBiometric from "@auth/rmoney/RmoneyBiometric"
 * import * as Effect from "effect/Effect"
 * import * as FetchHttpClient from "effect/http/FetchHttpClient"
 * import * as Layer from "effect/Layer"
 * import * as Redacted from "effect/Redacted"
 *
 * const Biometric = RmoneyBiometric.layer({
 *   environment: "uat",
 *   credentials: {
 *     userId: "TEST101",
 *     accessToken: Redacted.make("demo-access-token-of-the-session-before"),
 *     deviceId: "38400000-8cf0-11bd-b23e-10b96e40000d"
 *   }
 * }).pipe(Layer.provide(FetchHttpClient.layer))
 *
 * const program = Login.session.pipe(Effect.provide(Biometric))
 * ```
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = (
  options: Options & { readonly credentials: BiometricCredentials }
): Layer.Layer<Services, AuthError.AuthError, HttpClient.HttpClient> =>
  Layer.effectContext(Effect.suspend(() => make(options.credentials, options)))

/**
 * The same with credentials from the configuration: `RMONEY_USER_ID`, `RMONEY_ACCESS_TOKEN`, `RMONEY_ENVIRONMENT` unless
 * the option is given, and if you want `RMONEY_DEVICE_ID`.
 *
 * @example
 * ```ts
 * import * as RmoneyBiometric from "@auth/rmoney/RmoneyBiometric"
 *
 * const Biometric = RmoneyBiometric.layerConfig({ environment: "uat" })
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
