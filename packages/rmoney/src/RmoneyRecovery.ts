/**
 * Unblocks an RMoney account, or sets a new password.
 *
 * @since 0.1.0
 */
import * as AccountRecovery from "@auth/broker-core/login/AccountRecovery"
import * as AuthError from "@auth/broker-core/login/AuthError"
import type { RequestOf, ResponseOf } from "@auth/broker-core/broker/BrokerApi"
import * as Challenge from "@auth/broker-core/login/Challenge"
import * as Credentials from "@auth/broker-core/broker/Credentials"
import * as Method from "@auth/broker-core/broker/Method"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import * as Ref from "effect/Ref"
import type * as RmoneyApi from "./RmoneyApi.ts"
import { broker, credentials, recoveryCredentials } from "./RmoneyBroker.ts"
import * as services from "./internal/services.ts"

/**
 * The account to recover. `userId` is the user id, the email address, the mobile number or the PAN. The default for
 * `deviceId` is derived from `userId`.
 *
 * @category models
 * @since 0.1.0
 */
export interface RecoveryCredentials extends Credentials.Input<typeof recoveryCredentials> {}

/**
 * Options of the layer.
 *
 * @category models
 * @since 0.1.0
 */
export interface Options extends RmoneyApi.Options, services.CodeOptions {}

type Api = RmoneyApi.RmoneyApi["Service"]
type Sent = ResponseOf<typeof RmoneyApi.RmoneyApi, "clientUnblock">
type Request = RequestOf<typeof RmoneyApi.RmoneyApi, "clientUnblockVerify">
type Given = Pick<Method.Given<Api, typeof recoveryCredentials, Options>, "account" | "api" | "credentials" | "options">

/** Each challenge has one purpose. A call with another purpose fails. */
type Purpose = "unblock" | "forgotPassword" | "resetPassword"

const invalid = (operation: string, field: string, problem: string) =>
  Effect.fail(AuthError.invalidRequest(broker.id, operation, field, problem))

const checkPan = (operation: string, given: Redacted.Redacted<string>) => {
  const pan = Redacted.value(services.tidy(given)).toUpperCase()
  return /^[A-Z]{5}\d{4}[A-Z]$/.test(pan)
    ? Effect.succeed(Redacted.make(pan))
    : invalid(operation, "identity", "must be a PAN: five letters, four digits and a letter")
}

/** Trims and checks the new password as a login does. */
const checkPassword = (given: Redacted.Redacted<string>) =>
  Credentials.check(broker.id, { password: credentials.password }, { password: given }).pipe(
    Effect.catch(({ reason }) => services.fail("resetPassword", reason))
  )

const build = Effect.fnUntraced(function* ({ account, api, credentials: { userId }, options }: Given) {
  const ledger = yield* Challenge.makeLedger(account)
  const challengeOf = yield* services.challenges(options)
  const known = yield* Ref.make(userId)
  const purposes = new Map<string, Purpose>()

  const open = Effect.fnUntraced(function* (purpose: Purpose, sent: Partial<Sent> & Pick<Sent, "token">) {
    // The broker has no call that resends the code of a recovery.
    const { resendOtpAfter: _, resendOtpCountsLeft: __, token: stepToken, ...once } = sent
    const challenge = yield* ledger.open(yield* challengeOf(once, { kinds: ["otp"], stepToken }))
    purposes.set(challenge.id, purpose)
    return challenge
  })

  const begin = (purpose: Purpose, send: Api["clientUnblock"]) =>
    Effect.fnUntraced(function* (identity: Redacted.Redacted<string>) {
      const step = yield* send({ userId, pan: yield* checkPan(purpose, identity) })
      yield* Ref.set(known, services.laterId(options, step.userId, userId))
      return yield* open(purpose, step)
    })

  /** Returns the user id that the next step sends. Fails if the challenge has another purpose. */
  const meantFor = (purpose: Purpose, { id }: Challenge.Challenge) => {
    const actual = purposes.get(id)
    return actual === undefined || actual === purpose
      ? Ref.get(known)
      : invalid(purpose, "challenge", `was issued for the purpose ${actual}`)
  }

  type Verify<A> = (request: Request, token: Redacted.Redacted<string>) => Effect.Effect<A, AuthError.AuthError>

  const confirm = <A>(purpose: Purpose, send: Verify<A>) =>
    Effect.fnUntraced(function* (challenge: Challenge.Challenge, given: Redacted.Redacted<string>) {
      const otp = services.tidy(given)
      const id = yield* meantFor(purpose, challenge)
      return yield* ledger.answer(challenge, otp, { digits: 6, send: send({ userId: id, otp }, challenge.stepToken) })
    })

  const confirmForgotPassword = confirm("forgotPassword", api.pwdForgotVerify)

  return Context.make(AccountRecovery.AccountRecovery, {
    unblock: begin("unblock", api.clientUnblock),
    confirmUnblock: confirm("unblock", api.clientUnblockVerify),
    forgotPassword: begin("forgotPassword", api.pwdForgot),
    confirmForgotPassword: (challenge, code) =>
      Effect.flatMap(confirmForgotPassword(challenge, code), (step) => open("resetPassword", step)),
    resetPassword: Effect.fnUntraced(function* (challenge, given) {
      const { password } = yield* checkPassword(given)
      const id = yield* meantFor("resetPassword", challenge)
      yield* ledger.claim(challenge)
      yield* api.pwdReset({ userId: id, password }, challenge.stepToken)
    })
  })
})

const { accountOf: account, family, makeApi: api } = services
const method = Method.withoutSession(family, { credentials: recoveryCredentials, api, account }, build)

/**
 * Provides `AccountRecovery` and `RmoneyApi` for one account. The argument `identity` of `unblock` and of
 * `forgotPassword` is the PAN.
 *
 * @example
 * ```ts
 * import * as FetchClient from "@auth/broker-core/broker/FetchClient"
 * import * as AccountRecovery from "@auth/broker-core/login/AccountRecovery"
 * import * as RmoneyRecovery from "@auth/rmoney/RmoneyRecovery"
 * import * as Effect from "effect/Effect"
 * import * as Layer from "effect/Layer"
 * import * as Redacted from "effect/Redacted"
 *
 * const Recovery = RmoneyRecovery.layer({ environment: "uat", credentials: { userId: "TEST101" } }).pipe(
 *   Layer.provide(FetchClient.layer)
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
export const layer = method.layer

/**
 * Like `layer`, but reads the configuration: `RMONEY_USER_ID`, and the optional `RMONEY_DEVICE_ID`. If no option sets
 * the environment, `layerConfig` also reads `RMONEY_ENVIRONMENT`.
 *
 * @category layers
 * @since 0.1.0
 */
export const layerConfig = method.layerConfig
