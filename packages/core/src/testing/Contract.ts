/**
 * The contract of every broker, as cases for any test runner. A capability that a method lacks is a case as well: the
 * descriptor must declare it as missing.
 *
 * @since 0.1.0
 */
import type { Capability } from "../broker/Broker.ts"
import { descriptor } from "./contract/descriptor.ts"
import { login } from "./contract/login.ts"
import { qr } from "./contract/qr.ts"
import { recovery } from "./contract/recovery.ts"
import { renewal } from "./contract/renewal.ts"
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
  ["QrLogin", qr],
  ["AccountRecovery", recovery],
  ["Profile", profile],
  ["Refresh", refresh],
  ["Logout", logout],
  ["Authorize", authorize]
]

/**
 * Capabilities that create a session. The cases of sessions do not apply to a method without them, such as a recovery.
 */
const sessionCapabilities: ReadonlyArray<Capability> = ["Login", "RedirectLogin", "QrLogin"]

/**
 * All cases for a method of a broker. Run each under Effect's `TestClock`, in its own scope.
 *
 * @category cases
 * @since 0.1.0
 */
export const cases = (subject: Subject): ReadonlyArray<Case> => {
  const { capabilities } = subject.method
  const createsSession = sessionCapabilities.some((capability) => capabilities.includes(capability))
  return [
    ...descriptor(subject),
    ...(createsSession ? session(subject) : []),
    ...byCapability
      .filter(([capability]) => capabilities.includes(capability))
      .flatMap(([, casesOf]) => casesOf(subject)),
    ...(createsSession ? [...renewal(subject), ...secrets(subject)] : [])
  ]
}
