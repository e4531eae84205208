/** Checks of the options for renewal and for the budget of refused logins. */
import * as Duration from "effect/Duration"
import type { AuthError } from "../../login/AuthError.ts"
import * as Problems from "./problems.ts"

/** The numbers may come from plain JavaScript or from a file, so their types are not trusted. */
export interface GuardNumbers {
  readonly early?: Duration.Input | undefined
  readonly maxFailures?: number | undefined
  readonly window?: Duration.Input | undefined
}

/** No broker allows more refused logins. A larger number would let every login through. */
const mostFailures = 100

/** Rejects NaN and non-positive numbers: with those, every refused login would be sent again. */
export const refusalOf = (
  broker: string,
  { early = 0, window = "1 hour", maxFailures = 1 }: GuardNumbers
): AuthError | undefined =>
  Problems.refusal(broker, "configuration", [
    ["renewal.early", Problems.ofDuration(early, Duration.zero)],
    ["renewal.maxFailures", Problems.ofCount(maxFailures, mostFailures)],
    ["renewal.window", Problems.ofDuration(window, Duration.millis(1))]
  ])
