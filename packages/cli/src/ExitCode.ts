/**
 * The exit codes of the command `broker-auth`.
 *
 * @since 0.1.0
 */

/**
 * An exit code, and when the command ends with it.
 *
 * @category models
 * @since 0.1.0
 */
export interface Row {
  readonly code: number
  readonly when: string
}

/**
 * The exit codes of `broker-auth` itself, by name. If `broker-auth exec` or `broker-auth simulate` runs a program, the
 * exit code is the program's.
 *
 * @example
 * ```ts
 * import * as ExitCode from "@auth/cli/ExitCode"
 *
 * ExitCode.table.usage.code // => 2
 * ```
 *
 * @category tables
 * @since 0.1.0
 */
export const table = {
  ok: { code: 0, when: "The command succeeded" },
  defect: { code: 1, when: "The command has a fault. Please report it" },
  usage: {
    code: 2,
    when: "The command line is wrong, or asks for something that is not possible, such as a port in use"
  },
  account: { code: 3, when: "There is no such account, several accounts match, or the name is in use" },
  package: { code: 4, when: "The package of the broker, or the simulator, is not installed or cannot be used" },
  input: {
    code: 5,
    when: "A credential or a setting is missing or has the wrong form, or a reference such as env:NAME could not be resolved"
  },
  refused: { code: 6, when: "The broker refused the credentials or the one-time code, or the login took too long" },
  person: { code: 7, when: "A person has to act: log in, answer a prompt, unlock the account, or act at the broker" },
  denied: {
    code: 8,
    when: "The broker denies access, for example because of the IP address, a firewall, the subscription, or too many sessions"
  },
  unavailable: {
    code: 9,
    when: "The broker is unavailable or limits the rate, or the connection to it failed. The message says what to do"
  },
  vault: { code: 10, when: "The vault or its key cannot be used" },
  answer: {
    code: 11,
    when: "The broker's answer could not be used, or the broker rejected the call for an unknown reason"
  },
  output: { code: 12, when: "Standard output cannot be written, for example on a full disk" },
  notification: { code: 13, when: "All logins succeeded, but the notification of --notify was not delivered" },
  hungUp: { code: 129, when: "The terminal was closed, or the command received SIGHUP" },
  interrupted: { code: 130, when: "Ctrl-C was pressed, or the command received SIGINT" },
  terminated: { code: 143, when: "The command received SIGTERM" }
} as const satisfies Readonly<Record<string, Row>>

/**
 * The name of an exit code.
 *
 * @category models
 * @since 0.1.0
 */
export type Name = keyof typeof table

/**
 * The name of the exit code for each reason of an `AuthError`.
 *
 * @category tables
 * @since 0.1.0
 */
export const ofReason = {
  InvalidCredentials: "refused",
  InvalidStepUpCode: "refused",
  ChallengeExpired: "refused",
  AccountLocked: "person",
  SessionExpired: "person",
  ActionRequired: "person",
  RedirectRejected: "person",
  SessionLimitReached: "denied",
  PermissionDenied: "denied",
  RateLimited: "unavailable",
  BrokerUnavailable: "unavailable",
  MalformedResponse: "answer",
  BrokerRejected: "answer",
  InvalidRequest: "input"
} as const satisfies Readonly<Record<string, Name>>

/**
 * The names of the exit codes for problems, in the order in which a user has to solve the problems. If
 * `broker-auth doctor` finds several problems, it ends with the exit code that comes first in this list.
 *
 * @example
 * ```ts
 * import * as ExitCode from "@auth/cli/ExitCode"
 *
 * ExitCode.severity[0] // => "vault"
 * ```
 *
 * @category tables
 * @since 0.1.0
 */
export const severity = [
  "vault",
  "package",
  "usage",
  "account",
  "input",
  "unavailable",
  "denied",
  "refused",
  "person",
  "answer"
] as const satisfies ReadonlyArray<Name>
