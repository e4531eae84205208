/** Checks the durations in the options of stores and locks. In plain JavaScript, an option may have any type. */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as VaultError from "../VaultError.ts"
import * as durations from "../../login/internal/durations.ts"

export const readSpan = (
  option: string,
  input: Duration.Input,
  { isValid, rule }: { readonly isValid: (span: Duration.Duration) => boolean; readonly rule: string }
): Effect.Effect<Duration.Duration, VaultError.VaultError> =>
  Option.match(Option.filter(durations.parse(input), isValid), {
    onNone: () => Effect.fail(VaultError.make("open", new VaultError.InvalidOption({ option, problem: rule }))),
    onSome: Effect.succeed
  })

export const readTimeout = (option: string, input: Duration.Input) =>
  readSpan(option, input, {
    isValid: Duration.isGreaterThan(Duration.zero),
    rule: 'must be a duration above zero, such as "5 seconds"'
  })
