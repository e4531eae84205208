import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as AuthError from "../AuthError.ts"

/** Returns `None` for an invalid or negative duration, and for NaN, which `Duration.fromInput` reads as zero. */
export const parse = (input: Duration.Input): Option.Option<Duration.Duration> =>
  Number.isNaN(input)
    ? Option.none()
    : Option.filter(Duration.fromInput(input), (found) => Duration.toMillis(found) >= 0)

export const read = (
  broker: string,
  option: string,
  input: Duration.Input
): Effect.Effect<Duration.Duration, AuthError.AuthError> =>
  Option.match(parse(input), {
    onNone: () =>
      Effect.fail(AuthError.invalidRequest(broker, "configuration", option, "must be a duration of zero or more")),
    onSome: Effect.succeed
  })
