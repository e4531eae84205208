/**
 * The contract that every broker must fulfill, as test cases for any test runner. If a login method lacks a capability,
 * such as `Logout`, the layer of the method must not provide the service of that capability.
 *
 * @since 0.1.0
 */
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import type * as HttpClient from "effect/http/HttpClient"
import type { AuthError } from "../login/AuthError.ts"
import type { Broker, Capability, Method } from "../broker/Broker.ts"
import { descriptor } from "./contract/descriptor.ts"
import { login } from "./contract/login.ts"
import { qr } from "./contract/qr.ts"
import { recovery } from "./contract/recovery.ts"
import { renewal } from "./contract/renewal.ts"
import { redirect } from "./contract/redirect.ts"
import { secrets } from "./contract/secrets.ts"
import { authorize, logout, profile, refresh, session } from "./contract/session.ts"
import { stepUp } from "./contract/stepUp.ts"
import type { Case, Subject, World } from "./contract/subject.ts"

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

/**
 * Returns the broker's login method with this id. Throws if the broker has no such method.
 *
 * @category subjects
 * @since 0.1.0
 */
export const methodOf = (broker: Broker, id: string): Method => {
  const method = broker.methods.find((candidate) => candidate.id === id)
  if (method === undefined) throw new Error(`${broker.id} has no method ${id}`)
  return method
}

/** Only text is made secret, because some cases pass a value of a wrong type. */
const toSecret = (value: unknown): unknown => (typeof value === "string" ? Redacted.make(value) : value)

/**
 * Returns a function for `World.build`. The returned function builds the layer of the login method. A credential that a
 * case does not change comes from the field of `account` with the same name. `client` sends the requests to the fake
 * broker.
 *
 * @category subjects
 * @since 0.1.0
 */
export const build =
  (subject: {
    readonly method: Method
    readonly account: object
    readonly layer: (options: never) => Layer.Layer<never, AuthError, HttpClient.HttpClient>
    readonly client: Layer.Layer<HttpClient.HttpClient>
  }): World["build"] =>
  ({ credentials, options } = {}) => {
    const values: Readonly<Record<string, unknown>> = { ...subject.account, ...credentials }
    const given = Object.entries(subject.method.credentials).map(([name, field]) => [
      name,
      field.secret ? toSecret(values[name]) : values[name]
    ])
    const layer = subject.layer({ ...options, credentials: Object.fromEntries(given) } as never)
    return Layer.build(Layer.provide(layer, subject.client))
  }
