/**
 * Logs in with a QR code that the user scans with the broker's app.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as AuthError from "./AuthError.ts"
import type { Session } from "./Session.ts"

/**
 * A QR code that the user scans. It is secret until it expires, because it identifies a pending login at the broker.
 *
 * @category models
 * @since 0.1.0
 */
export interface QrCode {
  /** Identifies the QR code at the broker. */
  readonly name: Redacted.Redacted<string>
  /** The QR code as a PNG image, in base64. */
  readonly image: Redacted.Redacted<string>
  /** When the QR code expires, in milliseconds since the epoch. */
  readonly expiresAt: number
}

/**
 * `begin` returns a QR code. `poll` returns `None` until the user has scanned the QR code, and then the session. After
 * the QR code has expired, `poll` fails with `ChallengeExpired`.
 *
 * @example
 * ```ts
 * import * as QrLogin from "@auth/broker-core/login/QrLogin"
 * import * as Effect from "effect/Effect"
 * import * as Option from "effect/Option"
 * import * as Schedule from "effect/Schedule"
 *
 * // Polls every two seconds until the QR code has been scanned or has expired.
 * const session = Effect.gen(function* () {
 *   const { begin, poll } = yield* QrLogin.QrLogin
 *   const code = yield* begin
 *   return yield* Effect.repeat(poll(code), { schedule: Schedule.spaced("2 seconds"), until: Option.isSome })
 * })
 * ```
 *
 * @category services
 * @since 0.1.0
 */
export class QrLogin extends Context.Service<
  QrLogin,
  {
    readonly begin: Effect.Effect<QrCode, AuthError.AuthError>
    readonly poll: (code: QrCode) => Effect.Effect<Option.Option<Session>, AuthError.AuthError>
  }
>()("@auth/broker-core/login/QrLogin") {}

/**
 * Makes a broker's `QrLogin` service. If the argument of `poll` has no redacted `name`, `poll` sends nothing and fails
 * with `InvalidRequest`.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = (broker: string, { begin, poll }: QrLogin["Service"]): QrLogin["Service"] => ({
  begin,
  poll: (code) =>
    Redacted.isRedacted({ ...code }.name)
      ? poll(code)
      : Effect.fail(AuthError.invalidRequest(broker, "poll", "code", "must be the QR code that `begin` returned"))
})
