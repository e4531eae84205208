/**
 * Getting back into an RMoney account: unblocking it, and setting a new password.
 *
 * @since 0.1.0
 */
import * as BrokerClient from "@auth/broker-core/broker/BrokerClient"
import * as AccountRecovery from "@auth/broker-core/login/AccountRecovery"
import * as AuthError from "@auth/broker-core/login/AuthError"
import * as Challenge from "@auth/broker-core/login/Challenge"
import * as Credentials from "@auth/broker-core/broker/Credentials"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as HttpClient from "effect/http/HttpClient"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as Ref from "effect/Ref"
import * as RmoneyApi from "./RmoneyApi.ts"
import { broker, credentials, recoveryCredentials as fields } from "./RmoneyBroker.ts"
import * as services from "./internal/services.ts"

/**
 * Whose account it is.
 *
 * @category models
 * @since 0.1.0
 */
export interface RecoveryCredentials {
  /** User id, e-mail address, mobile number or PAN. */
  readonly userId: string
  /** Made of the user id unless given. */
  readonly deviceId?: string | undefined
}

/**
 * What may be set beside the credentials.
 *
 * @category models
 * @since 0.1.0
 */
export interface Options extends RmoneyApi.Options {
  /** How long a one-time code is good. 5 minutes unless said otherwise. */
  readonly codeLifetime?: Duration.Input | undefined
  /** How many wrong codes a challenge takes. 3 unless said otherwise, since the broker holds the account after more. */
  readonly codeMisses?: number | undefined
  /** Which user id goes with later steps: the one that the broker `answered` with, or the one that was `given`. */
  readonly laterUserId?: "answered" | "given" | undefined
}

/**
 * The services of this method. What `AccountRecovery` calls the identity is the PAN.
 *
 * @category models
 * @since 0.1.0
 */
export type Services = AccountRecovery.AccountRecovery | RmoneyApi.RmoneyApi

/** What a challenge may be used for: the steps look alike, and a code for one must not go to another. */
type Purpose = "unblock" | "forgotPassword" | "resetPassword"

const invalid = (operation: string, field: string, problem: string) =>
  services.fail(operation, new AuthError.InvalidRequest({ problems: [{ field, problem }] }))

const checkPan = (operation: string, given: Redacted.Redacted<string>) => {
  const pan = Redacted.value(services.tidy(given)).toUpperCase()
  const problem = services.panProblem(pan)
  return problem === undefined ? Effect.succeed(Redacted.make(pan)) : invalid(operation, "identity", problem)
}

/** By the rule of a login: a password that is set in another way than it is given later would lock the account. */
const checkPassword = (operation: string, given: Redacted.Redacted<string>) =>
  Credentials.check(broker.id, { password: credentials.password }, { password: given }).pipe(
    Effect.map(({ password }) => password),
    Effect.catch(({ reason }) => services.fail(operation, reason))
  )

const make = Effect.fnUntraced(function* (
  input: RecoveryCredentials,
  options: Options
): Effect.fn.Return<Context.Context<Services>, AuthError.AuthError, HttpClient.HttpClient> {
  const values = yield* services.check(fields, { ...input }, options)
  const { userId } = values
  const api = yield* services.makeApi(options, values)
  const ledger = yield* Challenge.makeLedger(services.accountOf(options, values))
  const known = yield* Ref.make(userId)
  const purposes = new Map<string, Purpose>()
  const lifetime = Duration.toMillis(
    yield* BrokerClient.readDuration(broker.id, "codeLifetime", options.codeLifetime ?? "5 minutes")
  )
  const { codeMisses: misses = 3 } = options

  const open = (purpose: Purpose, sent: RmoneyApi.CodeSent, stepToken: Redacted.Redacted<string>) =>
    Effect.gen(function* () {
      const now = yield* Clock.currentTimeMillis
      const challenge = yield* ledger.open({
        ...services.toChallenge(sent, { now, kinds: ["otp"], lifetime, stepToken }),
        attemptsLeft: misses
      })
      purposes.set(challenge.id, purpose)
      return challenge
    })

  const begin = (purpose: Purpose, send: (typeof api)["clientUnblock"]) => (identity: Redacted.Redacted<string>) =>
    Effect.gen(function* () {
      const pan = yield* checkPan(purpose, identity)
      const step = yield* send({ userId, pan })
      yield* Ref.set(known, services.laterId(options, step.userId, userId))
      // Neither recovery has a call of its own to send a code again.
      return yield* open(purpose, { ...step, resendOtpAfter: undefined, resendOtpCountsLeft: undefined }, step.token)
    })

  const meantFor = <A>(
    purpose: Purpose,
    challenge: Challenge.Challenge,
    answer: (userId: string) => Effect.Effect<A, AuthError.AuthError>
  ) => {
    const actual = purposes.get(challenge.id)
    return actual === undefined || actual === purpose
      ? Effect.flatMap(Ref.get(known), answer)
      : invalid(purpose, "challenge", `is one of ${actual}`)
  }

  const confirm =
    <A>(
      purpose: Purpose,
      send: (
        request: { readonly userId: string; readonly otp: Redacted.Redacted<string> },
        token: Redacted.Redacted<string>
      ) => Effect.Effect<A, AuthError.AuthError>
    ) =>
    (challenge: Challenge.Challenge, given: Redacted.Redacted<string>) => {
      const otp = services.tidy(given)
      return meantFor(purpose, challenge, (id) =>
        ledger.answer(challenge, otp, { digits: 6, misses, send: send({ userId: id, otp }, challenge.stepToken) })
      )
    }

  const confirmForgotPassword = confirm("forgotPassword", api.pwdForgotVerify)

  return Context.make(AccountRecovery.AccountRecovery, {
    unblock: begin("unblock", api.clientUnblock),
    confirmUnblock: confirm("unblock", api.clientUnblockVerify),
    forgotPassword: begin("forgotPassword", api.pwdForgot),
    confirmForgotPassword: (challenge, code) =>
      Effect.flatMap(confirmForgotPassword(challenge, code), ({ token }) => open("resetPassword", nothingSent, token)),
    resetPassword: (challenge, given) =>
      Effect.flatMap(checkPassword("resetPassword", given), (password) =>
        meantFor("resetPassword", challenge, (id) =>
          Effect.andThen(ledger.claim(challenge), api.pwdReset({ userId: id, password }, challenge.stepToken))
        )
      )
  }).pipe(Context.add(RmoneyApi.RmoneyApi, api))
})

const nothingSent: RmoneyApi.CodeSent = {
  userId: undefined,
  emailId: undefined,
  mobileNumber: undefined,
  resendOtpAfter: undefined,
  resendOtpCountsLeft: undefined,
  isTOtpAvailable: false,
  message: undefined
}

/**
 * Everything that this method can do, for one account. The identity is the account's PAN.
 *
 * @example
 * ```ts
 * import * as AccountRecovery from "@auth/broker-core/login/AccountRecovery"
 * import * as RmoneyRecovery from "@auth/rmoney/RmoneyRecovery"
 * import * as Effect from "effect/Effect"
 * import * as FetchHttpClient from "effect/http/FetchHttpClient"
 * import * as Layer from "effect/Layer"
 * import * as Redacted from "effect/Redacted"
 *
 * const Recovery = RmoneyRecovery.layer({ environment: "uat", credentials: { userId: "TEST101" } }).pipe(
 *   Layer.provide(FetchHttpClient.layer)
 * )
 *
 * const program = Effect.gen(function* () {
 *   const recovery = yield* AccountRecovery.AccountRecovery
 *   const challenge = yield* recovery.unblock(Redacted.make("ABCDE1234F"))
 *   return challenge.destinations
 * }).pipe(Effect.provide(Recovery))
 * ```
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = (
  options: Options & { readonly credentials: RecoveryCredentials }
): Layer.Layer<Services, AuthError.AuthError, HttpClient.HttpClient> =>
  Layer.effectContext(Effect.suspend(() => make(options.credentials, options)))

/**
 * The same with credentials from the configuration: `RMONEY_USER_ID`, `RMONEY_ENVIRONMENT` unless the option is given,
 * and if you want `RMONEY_DEVICE_ID`.
 *
 * @example
 * ```ts
 * import * as RmoneyRecovery from "@auth/rmoney/RmoneyRecovery"
 *
 * const Recovery = RmoneyRecovery.layerConfig({ environment: "uat" })
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
