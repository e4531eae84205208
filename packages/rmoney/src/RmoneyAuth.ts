/**
 * Logging in to RMoney with user id and password, then a one-time code by SMS and mail, or TOTP.
 *
 * @since 0.1.0
 */
import type { ResponseOf } from "@auth/broker-core/broker/BrokerApi"
import * as Challenge from "@auth/broker-core/login/Challenge"
import type * as Credentials from "@auth/broker-core/broker/Credentials"
import * as Login from "@auth/broker-core/login/Login"
import * as Method from "@auth/broker-core/broker/Method"
import * as Session from "@auth/broker-core/login/Session"
import * as Effect from "effect/Effect"
import * as Ref from "effect/Ref"
import type { RmoneyApi } from "./RmoneyApi.ts"
import { credentials } from "./RmoneyBroker.ts"
import * as services from "./internal/services.ts"

/**
 * What a login needs. The session is that of the user id which the broker answers with. Without `totp`, the secret behind
 * the QR code or another source of codes, a challenge is answered with the code that came by SMS. `vendor`, the id of
 * your app, goes along with that code. The device id is made of the user id unless given.
 *
 * @category models
 * @since 0.1.0
 */
export interface RmoneyCredentials extends Credentials.Input<typeof credentials> {}

/**
 * What may be set beside the credentials.
 *
 * @category models
 * @since 0.1.0
 */
export interface Options extends services.Options, services.CodeOptions {
  /**
   * When the one-time code is sent. Default: `with-password`, as the documents say. Relatives of the broker wait for a
   * call of its own, and `after-password` makes it.
   */
  readonly sendCode?: "with-password" | "after-password" | undefined
}

type Given = Method.Given<RmoneyApi["Service"], typeof credentials, Options>

const steps = Effect.fnUntraced(function* ({ account, api, credentials, expiry, options }: Given) {
  const { password, totp, userId, vendor } = credentials
  const ledger = yield* Challenge.makeLedger(account)
  const challengeOf = yield* services.challenges(options)
  // The broker answers with the user id that it goes by, and compares later steps with it.
  const known = yield* Ref.make(userId)

  const kindsOf = (sent: ResponseOf<RmoneyApi, "otpSend">): Challenge.Challenge["kinds"] => {
    if (!sent.isTOtpAvailable) return ["otp"]
    return totp === undefined ? ["otp", "totp"] : ["totp", "otp"]
  }

  const login = Effect.gen(function* () {
    const step = yield* api.pwdValidate({ userId, password })
    const id = services.laterId(options, step.userId, userId)
    yield* Ref.set(known, id)
    const kinds = kindsOf(step)
    const sends = options.sendCode === "after-password" && kinds[0] === "otp"
    const sent = sends ? yield* api.otpSend({ userId: id }, step.token) : step
    return Login.stepUpRequired(yield* ledger.open(yield* challengeOf(sent, { kinds, stepToken: step.token })))
  })

  const verify: Method.Steps["verify"] = (challenge, given) => {
    const code = services.tidy(given)
    const send = Effect.gen(function* () {
      const id = yield* Ref.get(known)
      const answer =
        challenge.kinds[0] === "totp"
          ? yield* api.toptVerify({ userId: id, totp: code }, challenge.stepToken)
          : yield* api.otpValidate({ userId: id, receivedOtp: code, vendor }, challenge.stepToken)
      return services.toIssue(account, id, answer)
    })
    return ledger.answer(challenge, code, {
      digits: 6,
      send: Session.issue({ account, method: "password", expiry }, send)
    })
  }

  const resend: Method.Steps["resend"] = (challenge) =>
    ledger.resend(
      challenge,
      Effect.gen(function* () {
        const { resendsLeft: before, stepToken } = challenge
        const sent = yield* api.otpSend({ userId: yield* Ref.get(known) }, stepToken)
        // A code that is sent again is the one to answer with.
        const kinds: Challenge.Challenge["kinds"] = challenge.kinds.includes("totp") ? ["otp", "totp"] : ["otp"]
        const fields = yield* challengeOf(sent, { kinds, stepToken })
        return { ...fields, resendsLeft: fields.resendsLeft ?? (before === undefined ? undefined : before - 1) }
      })
    )

  return { login, verify, resend }
})

const method = Method.stepUp(
  services.familyWithProfile,
  { id: "password", credentials, api: services.makeApi, account: services.accountOf },
  steps
)

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
export const layer = method.layer

/**
 * The same with credentials from the configuration: `RMONEY_USER_ID`, `RMONEY_PASSWORD`, `RMONEY_ENVIRONMENT` unless the
 * option is given, and if you want `RMONEY_TOTP_SECRET`, `RMONEY_DEVICE_ID` and `RMONEY_VENDOR`. All that is missing or
 * wrong is named at once.
 *
 * @category layers
 * @since 0.1.0
 */
export const layerConfig = method.layerConfig
