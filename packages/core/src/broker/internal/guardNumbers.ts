/** Checks the options for the renewal of sessions and for the limit on failed logins. */
import * as Duration from "effect/Duration"
import type { AuthError } from "../../login/AuthError.ts"
import * as Problems from "./problems.ts"

export interface GuardNumbers {
  readonly early?: Duration.Input | undefined
  readonly maxFailures?: number | undefined
  readonly window?: Duration.Input | undefined
}

/** Brokers lock an account after fewer than 100 refused logins, so a larger value would not protect the account. */
const mostFailures = 100

/** If `maxFailures` were NaN or `window` were zero, the limit on failed logins would never be reached. */
export const refusalOf = (
  broker: string,
  { early = 0, window = "1 hour", maxFailures = 1 }: GuardNumbers
): AuthError | undefined =>
  Problems.refusal(broker, "configuration", [
    ["renewal.early", Problems.ofDuration(early, Duration.zero)],
    ["renewal.maxFailures", Problems.ofCount(maxFailures, mostFailures)],
    ["renewal.window", Problems.ofDuration(window, Duration.millis(1))]
  ])
