/**
 * Logging in to RMoney from a device with biometric login, with the access token of the session before.
 *
 * @since 0.1.0
 */
import type * as Credentials from "@auth/broker-core/broker/Credentials"
import * as Login from "@auth/broker-core/login/Login"
import * as Method from "@auth/broker-core/broker/Method"
import * as Session from "@auth/broker-core/login/Session"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type * as Redacted from "effect/Redacted"
import * as Ref from "effect/Ref"
import * as Semaphore from "effect/Semaphore"
import type { RmoneyApi } from "./RmoneyApi.ts"
import { biometricCredentials } from "./RmoneyBroker.ts"
import * as services from "./internal/services.ts"

/**
 * What a login needs: the newest access token of the account, since the broker compares it with the one that it
 * remembers, and the device that biometric login was enabled for, made of the user id unless given, as in `RmoneyAuth`.
 *
 * @category models
 * @since 0.1.0
 */
export interface BiometricCredentials extends Credentials.Input<typeof biometricCredentials> {}

/**
 * What may be set beside the credentials.
 *
 * @category models
 * @since 0.1.0
 */
export interface Options extends services.Options {}

type Given = Method.Given<RmoneyApi["Service"], typeof biometricCredentials, Options>

const build = Effect.fnUntraced(function* ({ account, api, credentials: { accessToken, userId }, expiry }: Given) {
  const newest = yield* Ref.make(Session.bareToken(accessToken))
  // Each login replaces the token that the next one needs, so they go one after the other.
  const turns = yield* Semaphore.make(1)

  const exchange = Effect.fnUntraced(function* (token: Redacted.Redacted<string>) {
    const answer = yield* api.bioPwdValidate({ userId, token })
    const access = answer.accessToken
    yield* Ref.set(newest, access)
    // It is the access token that renews this session, also in a program that starts later.
    return { ...services.toIssue(account, userId, answer), tokens: { access, refresh: access } }
  })
  const signIn = (token: Effect.Effect<Redacted.Redacted<string>>) =>
    Session.issue({ account, method: "biometric", expiry }, Effect.flatMap(token, exchange)).pipe(
      Semaphore.withPermit(turns)
    )

  const login = signIn(Ref.get(newest))
  return {
    services: Context.make(Login.Login, { login: Effect.map(login, Login.authenticated) }),
    ways: {
      login,
      refresh: ({ tokens }: Session.Session) => signIn(Effect.succeed(tokens.access)),
      // The token that a login sends is another one each time.
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
 * Everything that this method can do, for one account. Enable it once with the call `bioEnable` of `RmoneyApi` in a
 * session of `RmoneyAuth`. The layer keeps the token of its newest login for the next one; a program that starts anew
 * must give it.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = method.layer

/**
 * The same with credentials from the configuration: `RMONEY_USER_ID`, `RMONEY_ACCESS_TOKEN`, `RMONEY_ENVIRONMENT` unless
 * the option is given, and if you want `RMONEY_DEVICE_ID`.
 *
 * @example
 * ```ts
 * import * as Login from "@auth/broker-core/login/Login"
 * import * as RmoneyBiometric from "@auth/rmoney/RmoneyBiometric"
 * import * as Effect from "effect/Effect"
 * import * as FetchHttpClient from "effect/http/FetchHttpClient"
 * import * as Layer from "effect/Layer"
 *
 * const Rmoney = RmoneyBiometric.layerConfig({ environment: "uat" }).pipe(Layer.provide(FetchHttpClient.layer))
 * const program = Login.session.pipe(Effect.provide(Rmoney))
 * ```
 *
 * @category layers
 * @since 0.1.0
 */
export const layerConfig = method.layerConfig
