/** The numbers by which a method is renewed and its logins are guarded, as a user may give them. */
import * as Duration from "effect/Duration"
import type { AuthError } from "../../login/AuthError.ts"
import * as Problems from "./problems.ts"

/** Each may come from plain JavaScript, or from a file. */
export interface GuardNumbers {
  readonly early?: Duration.Input | undefined
  readonly wrongAnswers?: number | undefined
  readonly within?: Duration.Input | undefined
}

/** Beyond any broker's patience: what is more was meant to mean that all logins are sent. */
const mostWrongAnswers = 100

/** What cannot be, if anything: by a number that is none, every refused login would be sent again. */
export const refusalOf = (
  broker: string,
  { early = 0, within = "1 hour", wrongAnswers = 1 }: GuardNumbers
): AuthError | undefined =>
  Problems.refusal(broker, "configuration", [
    ["renewal.early", Problems.ofDuration(early, Duration.zero)],
    ["renewal.wrongAnswers", Problems.ofCount(wrongAnswers, mostWrongAnswers)],
    ["renewal.within", Problems.ofDuration(within, Duration.millis(1))]
  ])
