/**
 * The contract that every broker must fulfil, as test cases for any test runner. If a login method lacks a capability,
 * such as `Logout`, a case checks that the layer of the method does not provide the service of that capability.
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
 * The capabilities that create a session. The cases about sessions apply only to methods with at least one of these
 * capabilities. For example, they do not apply to an account recovery.
 */
const sessionCapabilities: ReadonlyArray<Capability> = ["Login", "RedirectLogin", "QrLogin"]

/**
 * Returns all cases for a method of a broker. Run each case with Effect's `TestClock` and in its own scope.
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
