/**
 * Login to RMoney with user id, password and a one-time code. The code comes by SMS and email, or is a TOTP code.
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
 * Credentials for a login. The session belongs to the user id that the broker returns. If `totp` is absent, the first
 * kind of each challenge is `otp`, the code by SMS and email. `vendor` is sent only with a code of the kind `otp`.
 * Default for `deviceId`: an id derived from the user id.
 *
 * @category models
 * @since 0.1.0
 */
export interface RmoneyCredentials extends Credentials.Input<typeof credentials> {}

/**
 * Options of the layer.
 *
 * @category models
 * @since 0.1.0
 */
export interface Options extends services.Options, services.CodeOptions {
  /**
   * When the broker sends the one-time code.
   * - `with-password` (default): at the password step, as in RMoney's documentation.
   * - `after-password`: after a separate call, `otpSend`. The call is not sent if the challenge expects a TOTP code.
   */
  readonly sendCode?: "with-password" | "after-password" | undefined
}

type Given = Method.Given<RmoneyApi["Service"], typeof credentials, Options>

const steps = Effect.fnUntraced(function* ({ account, api, credentials, expiry, options }: Given) {
  const { password, totp, userId, vendor } = credentials
  const ledger = yield* Challenge.makeLedger(account)
  const challengeOf = yield* services.challenges(options)
  // The user id that later steps send.
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
    const issued = Session.issue({ account, method: "password", expiry }, send)
    return ledger.answer(challenge, code, { digits: 6, send: issued })
  }

  const resend: Method.Steps["resend"] = (challenge) =>
    ledger.resend(
      challenge,
      Effect.gen(function* () {
        const { resendsLeft: before, stepToken } = challenge
        const sent = yield* api.otpSend({ userId: yield* Ref.get(known) }, stepToken)
        // A resent code is sent by SMS and email, so the kind `otp` comes first.
        const kinds: Challenge.Challenge["kinds"] = challenge.kinds.includes("totp") ? ["otp", "totp"] : ["otp"]
        const fields = yield* challengeOf(sent, { kinds, stepToken })
        return { ...fields, resendsLeft: fields.resendsLeft ?? (before === undefined ? undefined : before - 1) }
      })
    )

  return { login, verify, resend }
})

const { accountOf: account, familyWithProfile: family, makeApi: api } = services
const method = Method.stepUp(family, { id: "password", credentials, api, account }, steps)

/**
 * Provides all services of this login method for one account. A login always returns a challenge: answer it with
 * `Login.withStepUp`. RMoney checks the answer as a code of the first kind in the challenge's `kinds`. To answer with a
 * code of another kind, copy the challenge, put that kind first in `kinds`, and pass the copy to `StepUp.verify`.
 *
 * @example
 * ```ts
 * import * as FetchClient from "@auth/broker-core/broker/FetchClient"
 * import * as Login from "@auth/broker-core/login/Login"
 * import * as CodeSource from "@auth/broker-core/login/CodeSource"
 * import * as RmoneyAuth from "@auth/rmoney/RmoneyAuth"
 * import * as Effect from "effect/Effect"
 * import * as Layer from "effect/Layer"
 * import * as Redacted from "effect/Redacted"
 *
 * const codes = CodeSource.totp(Redacted.make("JBSW Y3DP EHPK 3PXP JBSW Y3DP EHPK 3PXP"))
 *
 * const Rmoney = RmoneyAuth.layer({
 *   environment: "uat",
 *   credentials: { userId: "TEST102", password: Redacted.make("Demo@102"), totp: codes }
 * }).pipe(Layer.provide(FetchClient.layer))
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
 * Like `layer`, but reads the credentials from the configuration: `RMONEY_USER_ID` and `RMONEY_PASSWORD`. If no option
 * sets the environment, `layerConfig` also reads `RMONEY_ENVIRONMENT`. `RMONEY_TOTP_SECRET`, `RMONEY_DEVICE_ID` and
 * `RMONEY_VENDOR` are optional.
 *
 * @category layers
 * @since 0.1.0
 */
export const layerConfig = method.layerConfig
