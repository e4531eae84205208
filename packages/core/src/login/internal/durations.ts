import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as AuthError from "../AuthError.ts"

/** No wait can be less than nothing, and JavaScript's NaN is a mistake that a type does not show. */
export const parse = (input: Duration.Input): Option.Option<Duration.Duration> =>
  Number.isNaN(input)
    ? Option.none()
    : Option.filter(Duration.fromInput(input), (found) => Duration.toMillis(found) >= 0)

/** A duration among the options of a layer, refused with the option's name. */
export const read = (
  broker: string,
  option: string,
  input: Duration.Input
): Effect.Effect<Duration.Duration, AuthError.AuthError> =>
  Option.match(parse(input), {
    onNone: () => Effect.fail(AuthError.invalidRequest(broker, "configuration", option, "must be a duration, or zero")),
    onSome: Effect.succeed
  })
