import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Random from "effect/Random"
import * as AuthError from "../../login/AuthError.ts"
import type { QrCode, QrLogin } from "../../login/QrLogin.ts"
import type { Session } from "../../login/Session.ts"
import * as Cached from "./cachedSession.ts"

/** Maximum duration of a login by QR code, in milliseconds. */
const maxDuration = 300_000
const pollInterval = 1000

const pauseAfter = Effect.fnUntraced(function* (failures: number, { retryAfter }: AuthError.AuthError) {
  const backoff = Cached.backoff(failures, false, yield* Random.next)
  return Math.max(backoff, retryAfter === undefined ? 0 : Duration.toMillis(retryAfter))
})

/** Returns `None` if the QR code has expired, or if `end` has passed. */
const pollCode = Effect.fnUntraced(function* (
  poll: QrLogin["Service"]["poll"],
  code: QrCode,
  end: number
): Effect.fn.Return<Option.Option<Session>, AuthError.AuthError> {
  let failures = 0
  let pause = pollInterval
  while ((yield* Clock.currentTimeMillis) < Math.min(code.expiresAt, end)) {
    yield* Effect.sleep(pause)
    const polled = yield* Effect.result(poll(code))
    if (polled._tag === "Success") {
      if (Option.isSome(polled.success)) return polled.success
      failures = 0
      pause = pollInterval
      continue
    }
    const error = polled.failure
    if (error.reason._tag === "ChallengeExpired") return Option.none()
    failures += 1
    pause = yield* pauseAfter(failures, error)
    if (!error.isRetryable || (yield* Clock.currentTimeMillis) + pause >= end) return yield* Effect.fail(error)
  }
  return Option.none()
})

/**
 * Shows a QR code, polls it until the user has scanned it, and returns the session. Shows a new QR code if the first has
 * expired. A `show` that takes long does not delay the polls.
 */
export const poll = Effect.fnUntraced(function* (
  qr: QrLogin["Service"],
  broker: string,
  show: (code: QrCode) => void | Promise<void>
): Effect.fn.Return<Session, AuthError.AuthError> {
  const end = (yield* Clock.currentTimeMillis) + maxDuration
  while ((yield* Clock.currentTimeMillis) < end) {
    const code = yield* qr.begin
    const shown = Effect.tryPromise({
      try: () => Promise.resolve(show(code)),
      // The failure is not kept, because its text may contain the QR code.
      catch: () => AuthError.invalidRequest(broker, "loginByQr", "show", "failed")
    })
    const session = yield* Effect.raceFirst(Effect.andThen(shown, Effect.never), pollCode(qr.poll, code, end))
    if (Option.isSome(session)) return session.value
  }
  return yield* Effect.fail(AuthError.make(broker, "poll", new AuthError.ChallengeExpired({ why: "timed-out" })))
})
