/** Checks options. At run time, an option can have any type, because the caller may be plain JavaScript. */
import * as Duration from "effect/Duration"
import * as Option from "effect/Option"
import * as AuthError from "../../login/AuthError.ts"
import * as durations from "../../login/internal/durations.ts"

/** 100 years. A much longer duration would lead to dates that `Date` cannot represent. */
const longest = Duration.days(36_525)

export const ofDuration = (input: Duration.Input, shortest: Duration.Duration): string | undefined =>
  Option.exists(durations.parse(input), Duration.between({ minimum: shortest, maximum: longest }))
    ? undefined
    : 'must be a duration such as "15 minutes"'

export const ofCount = (count: number, most: number = Number.MAX_SAFE_INTEGER): string | undefined => {
  if (Number.isInteger(count) && count > 0 && count <= most) return undefined
  return most === Number.MAX_SAFE_INTEGER
    ? "must be a whole number above zero"
    : `must be a whole number from 1 to ${most}`
}

export const refusal = (
  broker: string,
  operation: string,
  found: ReadonlyArray<readonly [field: string, problem: string | undefined]>
): AuthError.AuthError | undefined => {
  const [first, ...others] = found.flatMap(([field, problem]) => (problem === undefined ? [] : [{ field, problem }]))
  if (first === undefined) return undefined
  return AuthError.make(broker, operation, new AuthError.InvalidRequest({ problems: [first, ...others] }))
}
