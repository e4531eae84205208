/** What a user gives to a store, a lock or a key, read before any of them is touched. It may come from plain JavaScript. */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as VaultError from "../VaultError.ts"
import * as durations from "../../login/internal/durations.ts"

export const readSpan = (
  option: string,
  input: Duration.Input,
  { isMeant, rule }: { readonly isMeant: (span: Duration.Duration) => boolean; readonly rule: string }
): Effect.Effect<Duration.Duration, VaultError.VaultError> =>
  Option.match(Option.filter(durations.parse(input), isMeant), {
    onNone: () => Effect.fail(VaultError.make("open", new VaultError.InvalidOption({ option, problem: rule }))),
    onSome: Effect.succeed
  })

export const readTimeout = (option: string, input: Duration.Input) =>
  readSpan(option, input, {
    isMeant: Duration.isGreaterThan(Duration.zero),
    rule: 'must be longer than nothing, such as "5 seconds"'
  })
