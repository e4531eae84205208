/**
 * Login to RMoney with the access token of the previous session, from a device on which biometric login is enabled.
 *
 * @since 0.1.0
 */
import type * as AuthError from "@auth/broker-core/login/AuthError"
import type * as Credentials from "@auth/broker-core/broker/Credentials"
import * as Login from "@auth/broker-core/login/Login"
import * as Method from "@auth/broker-core/broker/Method"
import * as Session from "@auth/broker-core/login/Session"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import * as Ref from "effect/Ref"
import * as Semaphore from "effect/Semaphore"
import type { RmoneyApi } from "./RmoneyApi.ts"
import { biometricCredentials } from "./RmoneyBroker.ts"
import * as services from "./internal/services.ts"

/**
 * Credentials for a login. The broker accepts only the newest access token of the account. Biometric login must be
 * enabled on the device with the id `deviceId`. By default, `deviceId` is derived from the user id.
 *
 * @category models
 * @since 0.1.0
 */
export interface BiometricCredentials extends Credentials.Input<typeof biometricCredentials> {}

/**
 * Options of the layer.
 *
 * @category models
 * @since 0.1.0
 */
export interface Options extends services.Options {}

type Given = Method.Given<RmoneyApi["Service"], typeof biometricCredentials, Options>

interface Refused {
  readonly token: Redacted.Redacted<string>
  readonly error: AuthError.AuthError
}

const build = Effect.fnUntraced(function* ({ account, api, credentials: { accessToken, userId }, expiry }: Given) {
  const newest = yield* Ref.make(Session.bareToken(accessToken))
  // The last token that the broker refused. The token is not sent again.
  const refused = yield* Ref.make<Refused | undefined>(undefined)
  // Each login replaces the token that the next login needs, so logins are sent one at a time.
  const oneAtATime = yield* Semaphore.make(1)

  const exchange = Effect.fnUntraced(function* (token: Redacted.Redacted<string>) {
    const before = yield* Ref.get(refused)
    if (before !== undefined && Redacted.value(before.token) === Redacted.value(token)) {
      return yield* Effect.fail(before.error)
    }
    const answer = yield* Effect.tapError(api.bioPwdValidate({ userId, token }), (error) =>
      error.reason._tag === "SessionExpired" ? Ref.set(refused, { token, error }) : Effect.void
    )
    const access = answer.accessToken
    yield* Ref.set(newest, access)
    // A session manager refreshes only sessions with a refresh token. So the access token is also the refresh token.
    return { ...services.toIssue(account, userId, answer), tokens: { access, refresh: access } }
  })
  const signIn = (token: Effect.Effect<Redacted.Redacted<string>>) =>
    Session.issue({ account, method: "biometric", expiry }, Effect.flatMap(token, exchange)).pipe(
      Semaphore.withPermit(oneAtATime)
    )

  const login = signIn(Ref.get(newest))
  return {
    services: Context.make(Login.Login, { login: Effect.map(login, Login.authenticated) }),
    ways: {
      login,
      refresh: ({ tokens }: Session.Session) => signIn(Effect.succeed(tokens.access)),
      // `LoginGuard` gets no credentials to compare between logins, because each successful login replaces the token.
      credentials: undefined
    }
  }
})

const method = Method.make(
  services.family,
  {
    id: "biometric",
    credentials: biometricCredentials,
    api: (holder, options: Options) => services.makeApi(holder, { ...options, osName: options.osName ?? "MOBIOS" }),
    account: services.accountOf
  },
  build
)

/**
 * Provides all services of this login method for one account. Enable biometric login once, with the call `bioEnable` of
 * `RmoneyApi` in a session of `RmoneyAuth`.
 *
 * The layer keeps the newest token in memory for the next login. After a restart, a `SessionManager` with a persistent
 * vault renews the session with the stored token. Without a persistent vault, pass the newest token in the credentials.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = method.layer

/**
 * Like `layer`, but reads the credentials from the configuration: `RMONEY_USER_ID`, `RMONEY_ACCESS_TOKEN`, and
 * `RMONEY_ENVIRONMENT` if no option sets the environment. `RMONEY_DEVICE_ID` is optional.
 *
 * @example
 * ```ts
 * import * as FetchClient from "@auth/broker-core/broker/FetchClient"
 * import * as Login from "@auth/broker-core/login/Login"
 * import * as RmoneyBiometric from "@auth/rmoney/RmoneyBiometric"
 * import * as Effect from "effect/Effect"
 * import * as Layer from "effect/Layer"
 *
 * const Rmoney = RmoneyBiometric.layerConfig({ environment: "uat" }).pipe(Layer.provide(FetchClient.layer))
 * const program = Login.session.pipe(Effect.provide(Rmoney))
 * ```
 *
 * @category layers
 * @since 0.1.0
 */
export const layerConfig = method.layerConfig
