import type { Broker } from "@auth/broker-core/broker/Broker"
import type * as AuthError from "@auth/broker-core/login/AuthError"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as ExitCode from "../../ExitCode.ts"
import { type Failure, translated } from "../failure.ts"
import { printable, say } from "../output.ts"

export type Check =
  | "credentials"
  | "proxy"
  | "certificates"
  | "network"
  | "clock"
  | "login guard"
  | "session"
  | "login"
  | "vault"

/** The causes of a problem. Programs read them in the output of `--json`. */
export type Cause =
  | "access-denied"
  | "account-locked"
  | "action-required"
  | "broker-down"
  | "budget-spent"
  | "certificate"
  | "code-as-secret"
  | "dead-session"
  | "firewall"
  | "form"
  | "ip-address"
  | "not-sent"
  | "package"
  | "paused"
  | "proxy"
  | "rate-limit"
  | "reference"
  | "secret-as-code"
  | "unchecked-certificates"
  | "unknown-answer"
  | "unknown-ca"
  | "vault"
  | "wrong-client-code"
  | "wrong-clock"
  | "wrong-code"
  | "wrong-credentials"
  | "wrong-password"

export interface Finding {
  readonly check: Check
  readonly found: string
  readonly remedy?: string | undefined
  readonly problem?: { readonly cause: Cause; readonly code: ExitCode.Name }
}

export const fine = (check: Check, found: string, remedy?: string): Finding => ({
  check,
  found: printable(found),
  remedy
})

export const problem = (
  check: Check,
  [cause, code]: readonly [cause: Cause, code: ExitCode.Name],
  found: string,
  remedy: string
): Finding => ({ check, found: printable(found), remedy: printable(remedy), problem: { cause, code } })

/** Names of the fields that identify the account. */
export const clientFields: ReadonlySet<string> = new Set(["clientCode", "userId"])

/** Node's error codes for a certificate from an unknown issuer. */
const unknownIssuers = /^(?:SELF_SIGNED_CERT_IN_CHAIN|DEPTH_ZERO_SELF_SIGNED_CERT|UNABLE_TO_)/

const credentialCause = (field: string): Cause => {
  if (clientFields.has(field)) return "wrong-client-code"
  return /pin|password/i.test(field) ? "wrong-password" : "wrong-credentials"
}

const unavailableCause = ({ systemCode = "", why }: AuthError.BrokerUnavailable): Cause => {
  if (why === "proxy") return "proxy"
  if (why !== "certificate") return "broker-down"
  return unknownIssuers.test(systemCode) ? "unknown-ca" : "certificate"
}

const deniedCauses: Partial<Record<AuthError.PermissionDenied["why"], Cause>> = { ip: "ip-address", waf: "firewall" }

const causeOf = (reason: AuthError.Reason): Cause => {
  switch (reason._tag) {
    case "InvalidCredentials":
      return credentialCause(reason.field)
    case "InvalidStepUpCode":
    case "ChallengeExpired":
      return "wrong-code"
    case "AccountLocked":
      return "account-locked"
    case "SessionExpired":
      return "dead-session"
    case "PermissionDenied":
      return deniedCauses[reason.why] ?? "access-denied"
    case "BrokerUnavailable":
      return unavailableCause(reason)
    case "RateLimited":
    case "SessionLimitReached":
      return "rate-limit"
    case "ActionRequired":
      return "action-required"
    case "InvalidRequest":
      return "form"
    default:
      return "unknown-answer"
  }
}

const ownCertificates =
  "Node does not know the CA that issued the certificate, so your company's proxy or an attacker may be reading the traffic. If it is the proxy, set NODE_EXTRA_CA_CERTS to a file with its CA certificate, or set NODE_USE_SYSTEM_CA=1 if the operating system trusts the CA. Do not disable the check: an attacker could then read the credentials."

const remedyOf = (reason: AuthError.Reason, cause: Cause, broker: Broker | undefined): string => {
  if (cause === "unknown-ca") return ownCertificates
  const [page] = broker?.documentation ?? []
  return cause === "ip-address" && broker !== undefined && page !== undefined
    ? `${reason.remedy} The documentation of ${broker.title} says where to register the address: ${page}`
    : reason.remedy
}

const foundIn = (reason: AuthError.Reason): string =>
  reason._tag === "InvalidRequest" && reason.code === undefined
    ? reason.problems.map(({ field, problem }) => `${field} ${problem}`).join("; ")
    : reason.message

export const ofReason = (check: Check, reason: AuthError.Reason, broker?: Broker): Finding => {
  const cause = causeOf(reason)
  return problem(
    check,
    [cause, ExitCode.ofReason[reason._tag]],
    translated(foundIn(reason)),
    translated(remedyOf(reason, cause, broker))
  )
}

const partsOf = (message: string): readonly [found: string, remedy: string] => {
  const [, found = message, remedy = ""] = /^(.*?[^.])\. (?:Nothing was sent\. )?(.*)$/s.exec(message) ?? []
  return [found, remedy]
}

export const ofFailure = (check: Check, failure: Failure, broker?: Broker): Finding => {
  if (failure._tag === "AuthError") return ofReason(check, failure.reason, broker)
  const [found, remedy] = partsOf(translated(failure.message))
  if (failure._tag === "VaultError") return problem("vault", ["vault", "vault"], found, remedy)
  const cause = failure.code === "package" ? "package" : failure.code === "person" ? "action-required" : "form"
  return problem(check, [cause, failure.code], found, remedy)
}

export const at = (host: string, finding: Finding): Finding => ({ ...finding, found: `${host}: ${finding.found}` })

export const withProgress =
  (text: string) =>
  <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
    Effect.acquireUseRelease(
      Effect.forkChild(Effect.delay(say(text), "1 second")),
      () => effect,
      (saying) => Fiber.interrupt(saying)
    )
