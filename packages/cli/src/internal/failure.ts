import * as AuthError from "@auth/broker-core/login/AuthError"
import * as VaultError from "@auth/broker-core/session/VaultError"
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import * as ExitCode from "../ExitCode.ts"

/** A failure of the command itself. The message is for the user: what happened, and what to do. */
export class CommandFailed extends Data.TaggedError("CommandFailed")<{
  readonly code: ExitCode.Name
  readonly message: string
}> {}

export type Failure = CommandFailed | AuthError.AuthError | VaultError.VaultError

export const fail = (code: ExitCode.Name, message: string): Effect.Effect<never, CommandFailed> =>
  Effect.fail(new CommandFailed({ code, message }))

export const isFailure = (error: unknown): error is Failure =>
  error instanceof CommandFailed || AuthError.isAuthError(error) || VaultError.isVaultError(error)

/** `name` is empty, or a space and the name of the account. */
const translations: ReadonlyArray<readonly [advice: RegExp, command: (name: string) => string]> = [
  [
    /pass them to LoginGuard\.reset to allow them again/g,
    (name) => `run broker-auth guard reset${name} to allow them again`
  ],
  [/call LoginGuard\.reset/g, (name) => `run broker-auth guard reset${name}`],
  [/call SessionManager\.renew or restart the program/g, (name) => `run broker-auth login${name}`],
  [/call SessionManager\.renew or connection\.renew/g, (name) => `run broker-auth login${name}`],
  [
    /SessionManager\.renew without an argument gets another session/g,
    (name) => `broker-auth renew${name} gets another session`
  ],
  [/get another session with SessionManager\.renew/g, (name) => `get another session with broker-auth renew${name}`],
  [
    /pass the secret to CodeSource\.totp, which makes the codes/g,
    () => "store the secret with broker-auth add --replace, and codes are made from it"
  ]
]

/** Replaces advice for programs with advice for users of the command. */
export const translated = (text: string, name?: string): string =>
  translations.reduce(
    (before, [advice, command]) => before.replaceAll(advice, () => command(name === undefined ? "" : ` ${name}`)),
    text
  )

export const messageOf = ({ message }: Failure, name?: string): string => translated(message, name)

/** For a `CommandFailed`, `reason` also says what to do. */
export const partsOf = (
  failure: Failure,
  name: string
): { readonly reason: string; readonly remedy: string | undefined } =>
  failure._tag === "CommandFailed"
    ? { reason: failure.message, remedy: undefined }
    : { reason: translated(failure.reason.message, name), remedy: translated(failure.remedy, name) }

/** Matches the advice for a program that cannot log in without a person. */
const needsLogin = /SessionManager\.adopt|Renewal\.layerLoginWithStepUp|SessionManager\.renew or connection\.renew/

export const onlyPersonLogsIn = (failure: Failure): boolean =>
  failure._tag === "AuthError" && needsLogin.test(failure.message)

export const isLoggedOut = (failure: Failure): boolean =>
  failure._tag === "AuthError" && failure.reason._tag === "SessionExpired" && failure.reason.why === "logged-out"

export const forPerson = (failure: Failure, name: string): Failure =>
  onlyPersonLogsIn(failure)
    ? new CommandFailed({ code: "person", message: `${name} needs a person to log in. Run broker-auth login ${name}.` })
    : failure

export const codeOf = (failure: Failure): number => {
  if (failure._tag === "CommandFailed") return ExitCode.table[failure.code].code
  if (failure._tag === "VaultError") return ExitCode.table.vault.code
  return ExitCode.table[ExitCode.ofReason[failure.reason._tag]].code
}

export class Rejected extends Data.TaggedError("Rejected")<{ readonly error: unknown }> {}

/** If the promise rejects with a `Failure`, the effect fails with this `Failure`. Any other rejection is a defect. */
export const promised = <A>(call: () => Promise<A>): Effect.Effect<A, Failure> =>
  Effect.catch(
    Effect.tryPromise({ try: call, catch: (error) => new Rejected({ error }) }),
    ({ error }): Effect.Effect<never, Failure> => (isFailure(error) ? Effect.fail(error) : Effect.die(error))
  )
