/**
 * The promises that every broker keeps, as cases for any test runner. A capability that a method lacks is a case too:
 * it must be declared as missing.
 *
 * @since 0.1.0
 */
import type { Capability } from "../Broker.ts"
import { descriptor } from "./contract/descriptor.ts"
import { login } from "./contract/login.ts"
import { redirect } from "./contract/redirect.ts"
import { secrets } from "./contract/secrets.ts"
import { authorize, logout, profile, refresh, session } from "./contract/session.ts"
import { stepUp } from "./contract/stepUp.ts"
import type { Case, Subject } from "./contract/subject.ts"

export { type Case, type Changes, ContractViolation, type Subject, type World } from "./contract/subject.ts"

const byCapability: ReadonlyArray<readonly [Capability, (subject: Subject) => ReadonlyArray<Case>]> = [
  ["Login", login],
  ["StepUp", stepUp],
  ["RedirectLogin", redirect],
  ["Profile", profile],
  ["Refresh", refresh],
  ["Logout", logout],
  ["Authorize", authorize]
]

/**
 * All cases for a method of a broker. Each runs under Effect's `TestClock`, in a scope of its own.
 *
 * @category cases
 * @since 0.1.0
 */
export const cases = (subject: Subject): ReadonlyArray<Case> => [
  ...descriptor(subject),
  ...session(subject),
  ...byCapability
    .filter(([capability]) => subject.method.capabilities.includes(capability))
    .flatMap(([, casesOf]) => casesOf(subject)),
  ...secrets(subject)
]
