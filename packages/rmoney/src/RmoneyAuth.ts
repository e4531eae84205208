/**
 * Logging in to RMoney with user id and password, then a one-time code by SMS and mail, or TOTP.
 *
 * @since 0.1.0
 */
import type * as AuthError from "@auth/broker-core/login/AuthError"
import type { Authorize } from "@auth/broker-core/login/Authorize"
import * as BrokerClient from "@auth/broker-core/broker/BrokerClient"
import * as Challenge from "@auth/broker-core/login/Challenge"
import type * as CodeSource from "@auth/broker-core/login/CodeSource"
import * as Login from "@auth/broker-core/login/Login"
import type { Logout } from "@auth/broker-core/login/Logout"
import type { Profile } from "@auth/broker-core/login/Profile"
import * as Renewal from "@auth/broker-core/broker/Renewal"
import * as Session from "@auth/broker-core/login/Session"
import * as StepUp from "@auth/broker-core/login/StepUp"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as HttpClient from "effect/http/HttpClient"
import * as Layer from "effect/Layer"
import type * as Redacted from "effect/Redacted"
import * as Ref from "effect/Ref"
import type * as RmoneyApi from "./RmoneyApi.ts"
import { broker, credentials as fields, renewals } from "./RmoneyBroker.ts"
import * as services from "./internal/services.ts"

/**
 * What a login needs.
 *
 * @category models
 * @since 0.1.0
 */
export interface RmoneyCredentials {
  /** User id, e-mail address, mobile number or PAN. The session is that of the user id which the broker answers with. */
  readonly userId: string
  readonly password: Redacted.Redacted<string>
  /** The secret behind the QR code, or another source of codes, if you answer challenges with TOTP. */
  readonly totp?: Redacted.Redacted<string> | CodeSource.CodeSource | undefined
  /** Made of the user id unless given. */
  readonly deviceId?: string | undefined
  /** Vendor id of your app, if you have one: it goes along with the one-time code. */
  readonly vendor?: Redacted.Redacted<string> | undefined
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
  /** How long a one-time code is good. 5 minutes unless said otherwise. */
  readonly codeLifetime?: Duration.Input | undefined
  /** How many wrong codes a challenge takes. 3 unless said otherwise, since the broker holds the account after more. */
  readonly codeMisses?: number | undefined
  /** Which user id goes with later steps: the one that the broker `answered` with, or the one that was `given`. */
  readonly laterUserId?: "answered" | "given" | undefined
  /**
   * When the one-time code is sent: the documents say `with-password`. Relatives of the broker wait for a call of its own,
   * and `after-password` makes it.
   */
  readonly sendCode?: "with-password" | "after-password" | undefined
  /** When a session manager renews, and how many refused logins it allows, in the place of the descriptor's numbers. */
  readonly renewal?: Renewal.Options | undefined
}

/**
 * The services of this method.
 *
 * @category models
 * @since 0.1.0
 */
export type Services =
  | Login.Login
  | StepUp.StepUp
  | Logout
  | Profile
  | Authorize
  | Renewal.Renewal
  | RmoneyApi.RmoneyApi

const method = "password"

const make = Effect.fnUntraced(function* (
  input: RmoneyCredentials,
  options: Options
): Effect.fn.Return<Context.Context<Services>, AuthError.AuthError, HttpClient.HttpClient> {
  const { totp, ...given } = { ...input }
  const values = yield* services.check(fields, { ...given, totpSecret: totp }, options)
  const { password, totpSecret, userId, vendor } = values
  const api = yield* services.makeApi(options, values)
  const account = services.accountOf(options, values)
  const ledger = yield* Challenge.makeLedger(account)
  // The broker answers with the user id that it goes by, and compares later steps with it.
  const known = yield* Ref.make(userId)
  const lifetime = Duration.toMillis(
    yield* BrokerClient.readDuration(broker.id, "codeLifetime", options.codeLifetime ?? "5 minutes")
  )

  const { codeMisses = 3 } = options

  const kindsOf = (sent: RmoneyApi.CodeSent): Challenge.Challenge["kinds"] => {
    if (!sent.isTOtpAvailable) return ["otp"]
    return totpSecret === undefined ? ["otp", "totp"] : ["totp", "otp"]
  }

  const login = Effect.gen(function* () {
    const step = yield* api.pwdValidate({ userId, password })
    const id = services.laterId(options, step.userId, userId)
    yield* Ref.set(known, id)
    const kinds = kindsOf(step)
    const sends = options.sendCode === "after-password" && kinds[0] === "otp"
    const sent = sends ? yield* api.otpSend({ userId: id }, step.token) : step
    const now = yield* Clock.currentTimeMillis
    const fieldsOf = services.toChallenge(sent, { now, kinds, lifetime, stepToken: step.token })
    return Login.stepUpRequired(yield* ledger.open({ ...fieldsOf, attemptsLeft: codeMisses }))
  })

  const verify = (challenge: Challenge.Challenge, given: Redacted.Redacted<string>) => {
    const code = services.tidy(given)
    const send = Effect.flatMap(Ref.get(known), (id) =>
      Effect.map(
        challenge.kinds[0] === "totp"
          ? api.toptVerify({ userId: id, totp: code }, challenge.stepToken)
          : api.otpValidate({ userId: id, receivedOtp: code, vendor }, challenge.stepToken),
        (response) => services.toIssue(account, id, response)
      )
    )
    const { expiry = services.documentedExpiry } = options
    return ledger.answer(challenge, code, {
      digits: 6,
      misses: codeMisses,
      send: Session.issue({ account, method, expiry }, send)
    })
  }

  const resend = (challenge: Challenge.Challenge) =>
    ledger.resend(
      challenge,
      Effect.gen(function* () {
        const sent = yield* api.otpSend({ userId: yield* Ref.get(known) }, challenge.stepToken)
        const now = yield* Clock.currentTimeMillis
        // Who has a code sent wants to answer with that one.
        return services.toChallenge(sent, {
          now,
          kinds: challenge.kinds.includes("totp") ? ["otp", "totp"] : ["otp"],
          lifetime,
          stepToken: challenge.stepToken,
          resendsLeft: challenge.resendsLeft === undefined ? undefined : challenge.resendsLeft - 1
        })
      })
    )

  const renewal = yield* Renewal.fromDescription(
    renewals.password,
    {
      account,
      login: yield* Renewal.answering({ account, login, verify, codes: totpSecret }),
      codes: totpSecret,
      credentials: values
    },
    options.renewal
  )

  return services
    .commonWithProfile(api)
    .pipe(
      Context.add(Login.Login, { login }),
      Context.add(StepUp.StepUp, StepUp.make(broker.id, { verify, resend })),
      Context.add(Renewal.Renewal, renewal)
    )
})

/**
 * Everything that this method can do, for one account. Credentials are checked when the layer is built, before
 * anything is sent. A login always comes to a challenge: answer it with `Login.withStepUp`. The challenge's first kind
 * is the one that is sent; to answer with another, put it first.
 *
 * @example
 * ```ts
 * import * as Login from "@auth/broker-core/login/Login"
 * import * as CodeSource from "@auth/broker-core/login/CodeSource"
 * import * as RmoneyAuth from "@auth/rmoney/RmoneyAuth"
 * import * as Effect from "effect/Effect"
 * import * as FetchHttpClient from "effect/http/FetchHttpClient"
 * import * as Layer from "effect/Layer"
 * import * as Redacted from "effect/Redacted"
 *
 * const codes = CodeSource.totp(Redacted.make("JBSW Y3DP EHPK 3PXP JBSW Y3DP EHPK 3PXP"))
 *
 * const Rmoney = RmoneyAuth.layer({
 *   environment: "uat",
 *   credentials: { userId: "TEST102", password: Redacted.make("Demo@102"), totp: codes }
 * }).pipe(Layer.provide(FetchHttpClient.layer))
 *
 * const program = Login.withStepUp(({ account, kinds: [kind] }) => codes.code({ account, kind })).pipe(
 *   Effect.provide(Rmoney)
 * )
 * ```
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = (
  options: Options & { readonly credentials: RmoneyCredentials }
): Layer.Layer<Services, AuthError.AuthError, HttpClient.HttpClient> =>
  Layer.effectContext(Effect.suspend(() => make(options.credentials, options)))

/**
 * The same with credentials from the configuration: `RMONEY_USER_ID`, `RMONEY_PASSWORD`, `RMONEY_ENVIRONMENT` unless the
 * option is given, and if you want `RMONEY_TOTP_SECRET`, `RMONEY_DEVICE_ID` and `RMONEY_VENDOR`. All that is missing or
 * wrong is named at once.
 *
 * @example
 * ```ts
 * import * as RmoneyAuth from "@auth/rmoney/RmoneyAuth"
 *
 * const Rmoney = RmoneyAuth.layerConfig({ environment: "uat" })
 * ```
 *
 * @category layers
 * @since 0.1.0
 */
export const layerConfig = (options: Options = {}): Layer.Layer<Services, AuthError.AuthError, HttpClient.HttpClient> =>
  Layer.effectContext(
    Effect.flatMap(services.fromConfig(fields, options), ({ environment, totpSecret, ...values }) =>
      make({ ...values, totp: totpSecret }, services.withEnvironment(options, environment))
    )
  )
