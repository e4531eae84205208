/**
 * Login to Motilal Oswal with a password, a second factor (date of birth or PAN) and a one-time code.
 *
 * @since 0.1.0
 */
import * as BrokerClient from "@auth/broker-core/broker/BrokerClient"
import * as Challenge from "@auth/broker-core/login/Challenge"
import type * as Credentials from "@auth/broker-core/broker/Credentials"
import * as Expiry from "@auth/broker-core/login/Expiry"
import * as Login from "@auth/broker-core/login/Login"
import * as LoginProgress from "@auth/broker-core/broker/LoginProgress"
import * as Method from "@auth/broker-core/broker/Method"
import * as Session from "@auth/broker-core/login/Session"
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Redacted from "effect/Redacted"
import * as MotilalApi from "./MotilalApi.ts"
import { broker, credentials as strictFields, lenientCredentials } from "./MotilalBroker.ts"
import * as services from "./internal/services.ts"

/**
 * Credentials of a login. The API generations `v4` and `v3` need no API secret. A dealer needs no second factor.
 * Without `totp`, the broker sends a code by SMS and email.
 *
 * @category models
 * @since 0.1.0
 */
export interface MotilalCredentials extends Credentials.Input<typeof lenientCredentials> {}

/**
 * Options of the layer.
 *
 * @category models
 * @since 0.1.0
 */
export interface Options extends services.Options {
  /** Minimum wait before a new code can be requested. Default: 30 seconds. */
  readonly resendAfter?: Duration.Input | undefined
}

const fieldsFor = (options: Options): typeof lenientCredentials => {
  const secret = (options.generation ?? "v7") === "v7" ? { apiSecret: strictFields.apiSecret } : {}
  const factor = options.dealer === undefined ? { secondFactor: strictFields.secondFactor } : {}
  return { ...lenientCredentials, ...secret, ...factor } as typeof lenientCredentials
}

const notAfter =
  (end: number | undefined): Expiry.Expiry =>
  () =>
    end === undefined ? undefined : { at: end, source: "lifetime" }

type Given = Method.Given<MotilalApi.MotilalApi["Service"], typeof lenientCredentials, Options>

const steps = Effect.fnUntraced(function* ({ account, api, code, credentials, expiry, options }: Given) {
  const { apiKey, password, secondFactor, userId } = credentials
  const ledger = yield* Challenge.makeLedger(account)
  const resendAfter = Duration.toMillis(
    yield* BrokerClient.readDuration(broker.id, "resendAfter", options.resendAfter ?? "30 seconds")
  )
  const hash = yield* MotilalApi.passwordHash(password, apiKey)

  const challengeOf = (authToken: Redacted.Redacted<string>, sentAt: number, expiresAt: number | undefined) => ({
    kinds: ["otp"] as const,
    // The broker's answer contains no mobile number and no email address.
    destinations: [],
    resendAt: sentAt + resendAfter,
    resendsLeft: undefined,
    expiresAt,
    stepToken: authToken
  })

  const login = Effect.gen(function* () {
    const totp = code === undefined ? undefined : yield* code
    const [{ AuthToken, isAuthTokenVerified }, issuedAt] = yield* Session.withDeparture(
      api.authdirectapi({
        userid: userId,
        password: hash,
        ...(secondFactor === undefined ? {} : { "2FA": secondFactor }),
        ...(totp === undefined ? {} : { totp })
      })
    )
    // Without `isAuthTokenVerified` in the answer, a login that sent no TOTP code needs a code by SMS. Source: the
    // documented samples.
    if (isAuthTokenVerified === "FALSE" || (isAuthTokenVerified === undefined && totp === undefined)) {
      const end = expiry({ issuedAt, accessToken: AuthToken })?.at
      return Login.stepUpRequired(yield* ledger.open(challengeOf(AuthToken, yield* Clock.currentTimeMillis, end)))
    }
    yield* keep(AuthToken, issuedAt, expiry)
    const tokens = yield* services.exchange(api, account, AuthToken)
    return Login.authenticated(Session.make({ account, method: "password", expiry, issuedAt, tokens }))
  })

  /**
   * Stores the accepted login, so that a failed `getaccesstoken` can be repeated without another login. Another login
   * would open another session at the broker.
   */
  const keep = (authToken: Redacted.Redacted<string>, issuedAt: number, ends: Expiry.Expiry) =>
    api.generation === "v7"
      ? LoginProgress.keep({ token: authToken, issuedAt, endsAt: ends({ issuedAt, accessToken: authToken })?.at })
      : Effect.void

  const resume = ({ endsAt, issuedAt, token }: LoginProgress.LoginProgress) =>
    Effect.map(services.exchange(api, account, token), (tokens) =>
      Session.make({ account, method: "password", expiry: Expiry.earliest(expiry, notAfter(endsAt)), issuedAt, tokens })
    )

  const waiting = (challenge: Challenge.Challenge) => ({ account, tokens: { access: challenge.stepToken } })

  const verify = (challenge: Challenge.Challenge, otp: Redacted.Redacted<string>) => {
    const ends = Expiry.earliest(expiry, notAfter(challenge.expiresAt))
    const exchange = Effect.gen(function* () {
      // `getaccesstoken` is not part of `send`, because its failure could reopen a challenge whose code was accepted.
      yield* ledger.answer(challenge, otp, { digits: 6, send: api.verifyotp({ otp }, waiting(challenge)) })
      yield* keep(challenge.stepToken, yield* Clock.currentTimeMillis, ends)
      return { tokens: yield* services.exchange(api, account, challenge.stepToken) }
    })
    return Session.issue({ account, method: "password", expiry: ends }, exchange)
  }

  const resend = (challenge: Challenge.Challenge) => {
    const resent = Effect.gen(function* () {
      yield* api.resendotp(waiting(challenge))
      return challengeOf(challenge.stepToken, yield* Clock.currentTimeMillis, challenge.expiresAt)
    })
    return ledger.resend(challenge, resent)
  }

  return { login, verify, resend, resume }
})

const { accountOf: account, makeApi: api } = services
const method = Method.stepUp(services.family, { id: "password", credentials: fieldsFor, api, account }, steps)

/**
 * Provides all services of this login method for one account.
 *
 * In generation v7, `getaccesstoken` exchanges the login token for an access token. If this call fails, the
 * `operation` of the error is `getaccesstoken`. The layer does not retry the call. A later renewal by `SessionManager`
 * retries only `getaccesstoken`. If the broker then refuses the login token, the manager logs in again.
 *
 * @example
 * ```ts
 * import * as FetchClient from "@auth/broker-core/broker/FetchClient"
 * import * as MotilalAuth from "@auth/motilal/MotilalAuth"
 * import * as Login from "@auth/broker-core/login/Login"
 * import * as Effect from "effect/Effect"
 * import * as Layer from "effect/Layer"
 * import * as Redacted from "effect/Redacted"
 *
 * const Motilal = MotilalAuth.layer({
 *   credentials: {
 *     userId: "AA017",
 *     password: Redacted.make("demo-password"),
 *     apiKey: Redacted.make("demoMotilalKey1"),
 *     apiSecret: Redacted.make("demo-motilal-secret"),
 *     secondFactor: Redacted.make("18/10/1988"),
 *     totp: Redacted.make("JBSW Y3DP EHPK 3PXP JBSW Y3DP EHPK 3PXP")
 *   }
 * }).pipe(Layer.provide(FetchClient.layer))
 *
 * const program = Login.session.pipe(Effect.provide(Motilal))
 * ```
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = method.layer

/**
 * Like `layer`, but reads the credentials from the configuration: `MOTILAL_USER_ID`, `MOTILAL_PASSWORD`,
 * `MOTILAL_API_KEY`, `MOTILAL_API_SECRET`, `MOTILAL_SECOND_FACTOR` and the optional `MOTILAL_TOTP_SECRET`.
 *
 * @category layers
 * @since 0.1.0
 */
export const layerConfig = method.layerConfig

/**
 * Makes a session from tokens that another program obtained. `loginToken` is the `AuthToken` of the login.
 * Generations `v4` and `v3` have a single token. Pass this token as `accessToken`, and omit `loginToken`.
 *
 * @category constructors
 * @since 0.1.0
 */
export const fromTokens = method.fromTokens
