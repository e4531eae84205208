/** What is wrong with a number that a user gives, in the words of `InvalidRequest`. It may come from plain JavaScript. */
import * as Duration from "effect/Duration"
import * as Option from "effect/Option"
import * as AuthError from "../../login/AuthError.ts"
import * as durations from "../../login/internal/durations.ts"

/** What lies further ahead than this has no date that could be told to a person, and no timer counts that far. */
const longest = Duration.days(36_525)

export const ofDuration = (input: Duration.Input, shortest: Duration.Duration): string | undefined =>
  Option.exists(durations.parse(input), Duration.between({ minimum: shortest, maximum: longest }))
    ? undefined
    : 'is no span such as "15 minutes"'

export const ofCount = (count: number, most: number = Number.MAX_SAFE_INTEGER): string | undefined => {
  if (Number.isInteger(count) && count > 0 && count <= most) return undefined
  return most === Number.MAX_SAFE_INTEGER
    ? "is not a whole number above zero"
    : `is not a whole number from 1 to ${most}`
}

/** What the user must correct, if anything, all of it at once: each field with what is wrong with it. */
export const refusal = (
  broker: string,
  operation: string,
  found: ReadonlyArray<readonly [field: string, problem: string | undefined]>
): AuthError.AuthError | undefined => {
  const [first, ...others] = found.flatMap(([field, problem]) => (problem === undefined ? [] : [{ field, problem }]))
  if (first === undefined) return undefined
  return AuthError.make(broker, operation, new AuthError.InvalidRequest({ problems: [first, ...others] }))
}
