/** The numbers by which a method is renewed and its logins are guarded, as a user may give them. */
import * as Duration from "effect/Duration"
import type { AuthError } from "../../login/AuthError.ts"
import * as Problems from "./problems.ts"

/** Each may come from plain JavaScript, or from a file. */
export interface GuardNumbers {
  readonly early?: Duration.Input | undefined
  readonly maxFailures?: number | undefined
  readonly window?: Duration.Input | undefined
}

/** Beyond any broker's queueTimeout: what is more was meant to mean that all logins are sent. */
const mostFailures = 100

/** What cannot be, if anything: by a number that is none, every refused login would be sent again. */
export const refusalOf = (
  broker: string,
  { early = 0, window = "1 hour", maxFailures = 1 }: GuardNumbers
): AuthError | undefined =>
  Problems.refusal(broker, "configuration", [
    ["renewal.early", Problems.ofDuration(early, Duration.zero)],
    ["renewal.maxFailures", Problems.ofCount(maxFailures, mostFailures)],
    ["renewal.window", Problems.ofDuration(window, Duration.millis(1))]
  ])
