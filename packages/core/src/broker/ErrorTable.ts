/**
 * A broker's error table says what the broker's refusals mean. A row recognizes refusals by a code, a message or an
 * HTTP status.
 *
 * @since 0.1.0
 */
import type * as Duration from "effect/Duration"
import * as Predicate from "effect/Predicate"
import * as Redacted from "effect/Redacted"
import * as AuthError from "../login/AuthError.ts"
import * as CodeSource from "../login/CodeSource.ts"
import type { TokenKind } from "./Endpoint.ts"
import { timeText } from "../login/internal/timeText.ts"

/**
 * A refusal by the broker, and the request that was refused.
 *
 * @category models
 * @since 0.1.0
 */
export interface Failure {
  /** Name of the endpoint. */
  readonly operation: string
  /** HTTP status. */
  readonly status: number
  readonly code: string | undefined
  /** The broker's message. The function `reason` of a row gets the message without secrets. */
  readonly message: string | undefined
  readonly supportId: string | undefined
  readonly retryAfter: Duration.Duration | undefined
  /** How far the broker's clock is ahead of this machine's clock, in milliseconds. */
  readonly clockDrift: number | undefined
  /** The request that was refused. Its secrets are `Redacted`. Do not copy any part of it into the reason. */
  readonly request: unknown
}

/**
 * A row of the error table. The fields `code`, `message`, `status` and `operations` are conditions. At least one of
 * `code`, `message` and `status` is set. A refusal matches a row if all conditions of the row are met. The first
 * matching row is used.
 *
 * @example
 * ```ts
 * import * as ErrorTable from "@auth/broker-core/broker/ErrorTable"
 *
 * const row: ErrorTable.ErrorRow = {
 *   code: "T1050",
 *   meaning: "Wrong one-time code",
 *   source: "https://api.example.com/docs#errors",
 *   asOf: "2026-11-21",
 *   reason: ErrorTable.invalidCode("totp", ErrorTable.totpHints)
 * }
 * ```
 *
 * @category models
 * @since 0.1.0
 */
export interface ErrorRow {
  readonly code?: string
  /**
   * Pattern for the broker's message. The message is first trimmed, and each run of white space becomes one space.
   */
  readonly message?: RegExp
  readonly status?: number
  /** Names of the endpoints to which the row applies. Default: all endpoints. */
  readonly operations?: ReadonlyArray<string>
  readonly meaning: string
  /** Where the meaning is documented or was observed. */
  readonly source: string
  /** When the source was read, `yyyy-mm-dd`. */
  readonly asOf: string
  readonly reason: (failure: Failure) => AuthError.Reason
}

const matchOf = (match: string | RegExp | number): Pick<ErrorRow, "code" | "message" | "status"> => {
  if (Predicate.isString(match)) return { code: match }
  return Predicate.isNumber(match) ? { status: match } : { message: match }
}

/**
 * Returns a function that makes rows with the same source and date. `match` is a code (a string), a pattern for the
 * message, or an HTTP status (a number). `more` contains further fields of the row.
 *
 * @example
 * ```ts
 * import * as ErrorTable from "@auth/broker-core/broker/ErrorTable"
 *
 * const row = ErrorTable.rows("https://api.example.com/docs#errors", "2026-11-21")
 * const table = [
 *   row("T1050", "Wrong one-time code", ErrorTable.invalidCode("totp", ErrorTable.totpHints)),
 *   row(/blocked/i, "Account blocked", ErrorTable.locked("account", "broker"), { operations: ["login"] }),
 *   row(429, "Too many requests", ErrorTable.rateLimited)
 * ]
 *
 * table[2]?.status // => 429
 * ```
 *
 * @category constructors
 * @since 0.1.0
 */
export const rows =
  (source: string, asOf: string) =>
  (
    match: string | RegExp | number,
    meaning: string,
    reason: ErrorRow["reason"],
    more: Partial<ErrorRow> = {}
  ): ErrorRow => ({ ...matchOf(match), meaning, reason, source, asOf, ...more })

/**
 * Whether a refusal matches a row.
 *
 * @category matching
 * @since 0.1.0
 */
export const matches = (row: ErrorRow, failure: Failure): boolean =>
  (row.code === undefined || row.code === failure.code) &&
  (row.message === undefined || (failure.message !== undefined && row.message.test(collapsed(failure.message)))) &&
  (row.status === undefined || row.status === failure.status) &&
  (row.operations === undefined || row.operations.includes(failure.operation))

const collapsed = (message: string): string => message.replace(/\s+/g, " ").trim()

const said = ({ code, message }: Failure): AuthError.BrokerSaid => ({ code, brokerMessage: message })

/**
 * Makes a function that returns `InvalidCredentials`. `field` names the field that has a wrong value.
 *
 * @category reasons
 * @since 0.1.0
 */
export const invalidCredentials =
  (field: string, advice?: string) =>
  (failure: Failure): AuthError.Reason =>
    new AuthError.InvalidCredentials({ ...said(failure), field, advice })

/**
 * Makes a function that returns `InvalidStepUpCode`. `hints` returns the possible causes of the refusal.
 *
 * @category reasons
 * @since 0.1.0
 */
export const invalidCode =
  (
    kind: AuthError.InvalidStepUpCode["kind"],
    hints: (failure: Failure) => ReadonlyArray<AuthError.Hint> = () => [],
    advice?: string
  ) =>
  (failure: Failure): AuthError.Reason =>
    new AuthError.InvalidStepUpCode({ ...said(failure), kind, hints: hints(failure), advice })

/** In milliseconds. With a larger clock difference, the TOTP code may belong to another period. */
const noticeableDrift = 15_000

const driftHint = (millis: number): AuthError.Hint => {
  const direction = millis > 0 ? "behind" : "ahead of"
  return { id: "ClockDrift", text: `Your clock is ${timeText(millis)} ${direction} the broker's: set it by NTP.` }
}

/**
 * Returns the general hints for a refused TOTP code. `own` adds the hints of one broker.
 *
 * @category reasons
 * @since 0.1.0
 */
export const totpHints = (
  { clockDrift, request }: Failure,
  own: ReadonlyArray<AuthError.Hint> = []
): ReadonlyArray<AuthError.Hint> => {
  const hints: Array<AuthError.Hint> = []
  if (clockDrift !== undefined && Math.abs(clockDrift) > noticeableDrift) hints.push(driftHint(clockDrift))
  const totp = Predicate.hasProperty(request, "totp") ? request.totp : undefined
  if (Redacted.isRedacted(totp) && CodeSource.looksLikeSecret(totp as Redacted.Redacted<string>)) {
    hints.push({ id: "SecretInsteadOfCode", text: "The TOTP secret was sent instead of a code of six digits." })
  }
  hints.push(
    ...own,
    { id: "ReEnrolled", text: "If TOTP was enabled again, the old secret is no longer valid." },
    { id: "CodeReused", text: "A code is valid once: wait for the next one." }
  )
  return hints
}

/**
 * Makes a function that returns `ChallengeExpired`.
 *
 * @category reasons
 * @since 0.1.0
 */
export const challengeExpired =
  (why: AuthError.ChallengeExpired["why"]) =>
  (failure: Failure): AuthError.Reason =>
    new AuthError.ChallengeExpired({ ...said(failure), why })

/**
 * Makes a function that returns `AccountLocked`.
 *
 * @category reasons
 * @since 0.1.0
 */
export const locked =
  (scope: AuthError.AccountLocked["scope"], unlock: AuthError.AccountLocked["unlock"]) =>
  (failure: Failure): AuthError.Reason =>
    new AuthError.AccountLocked({ ...said(failure), scope, unlock })

/**
 * Makes a function that returns `SessionExpired`.
 *
 * @category reasons
 * @since 0.1.0
 */
export const sessionExpired =
  (why: AuthError.SessionExpired["why"]) =>
  (failure: Failure): AuthError.Reason =>
    new AuthError.SessionExpired({ ...said(failure), why })

/**
 * Returns `SessionLimitReached`.
 *
 * @category reasons
 * @since 0.1.0
 */
export const sessionLimit = (failure: Failure): AuthError.Reason => new AuthError.SessionLimitReached(said(failure))

/**
 * Returns `RateLimited`, with the delay that the broker sent.
 *
 * @category reasons
 * @since 0.1.0
 */
export const rateLimited = (failure: Failure): AuthError.Reason =>
  new AuthError.RateLimited({ ...said(failure), retryAfter: failure.retryAfter, by: "broker" })

/**
 * Makes a function that returns `PermissionDenied`, with the support id that the broker sent.
 *
 * @category reasons
 * @since 0.1.0
 */
export const denied =
  (why: AuthError.PermissionDenied["why"], advice?: string) =>
  (failure: Failure): AuthError.Reason =>
    new AuthError.PermissionDenied({ ...said(failure), why, supportId: failure.supportId, advice })

/**
 * Makes a function that returns `ActionRequired`. `what` is the action that the user must take.
 *
 * @category reasons
 * @since 0.1.0
 */
export const actionRequired =
  (what: string) =>
  (failure: Failure): AuthError.Reason =>
    new AuthError.ActionRequired({ ...said(failure), what })

/**
 * Returns `BrokerUnavailable`, with the HTTP status and the delay that the broker sent.
 *
 * @category reasons
 * @since 0.1.0
 */
export const unavailable = (failure: Failure): AuthError.Reason =>
  new AuthError.BrokerUnavailable({
    ...said(failure),
    why: "broker",
    status: failure.status,
    retryAfter: failure.retryAfter
  })

/**
 * Makes a function that returns `InvalidRequest` for one field of the request.
 *
 * @category reasons
 * @since 0.1.0
 */
export const invalidRequest =
  (field: string, problem: string) =>
  (failure: Failure): AuthError.Reason =>
    new AuthError.InvalidRequest({ ...said(failure), problems: [{ field, problem }], by: "broker" })

/**
 * Returns `BrokerRejected`, with the broker's code. If the broker sent no code, the code is the HTTP status, such as
 * `HTTP 404`, or `none` for a status below 400.
 *
 * @category reasons
 * @since 0.1.0
 */
export const rejected = (failure: Failure): AuthError.Reason =>
  new AuthError.BrokerRejected({
    ...said(failure),
    code: failure.code ?? (failure.status >= 400 ? `HTTP ${failure.status}` : "none"),
    status: failure.status
  })

/** A message about an outage may mention a password or a code, although the broker refused neither. */
const outage =
  /maintenance|temporarily (?:unavailable|down|suspended)|technical (?:issue|error|problem|fault|difficult)|(?:service|system|server)s?\b.*\b(?:unavailable|down)\b/i

/**
 * Makes a function that calls `reason` for a refusal. If the broker's message reports an outage, such as maintenance,
 * the function returns `BrokerRejected` instead.
 *
 * @category reasons
 * @since 0.1.0
 */
export const unlessOutage =
  (reason: (failure: Failure) => AuthError.Reason) =>
  (failure: Failure): AuthError.Reason =>
    outage.test(failure.message ?? "") ? rejected(failure) : reason(failure)

const authentication = /unauthori[sz]ed|authenticat|credential|password|api[ _-]?key/i

/**
 * Makes a function that returns the reason why a login was refused with HTTP 401. The first matching case is used:
 * - The message reports an outage: `BrokerRejected`.
 * - There is no message: `InvalidCredentials` for `field`.
 * - The message mentions credentials or matches `words`: `InvalidCredentials` for `field`.
 * - Any other message: `BrokerRejected`.
 *
 * @category reasons
 * @since 0.1.0
 */
export const unauthorizedLogin = (field: string, words: RegExp = authentication) =>
  unlessOutage((failure) =>
    failure.message === undefined || authentication.test(failure.message) || words.test(failure.message)
      ? invalidCredentials(field)(failure)
      : rejected(failure)
  )

/**
 * Returns the function that makes the reason for an HTTP status, or `undefined` if the status is not an error. Use
 * `byStatus` if the body of the answer does not show the reason.
 *
 * @category reasons
 * @since 0.1.0
 */
export const byStatus = (status: number, token: TokenKind): ((failure: Failure) => AuthError.Reason) | undefined => {
  if (status >= 500 || status === 408) return unavailable
  if (status === 407) return proxyLogin
  if (status === 401) return byToken[token]
  return byExactStatus[status] ?? (status >= 400 ? rejected : undefined)
}

const byToken = {
  none: unauthorizedLogin("credentials"),
  step: challengeExpired("refused"),
  required: sessionExpired("invalid")
}

/** Only a proxy returns HTTP 407, so the call has not reached the broker. */
const proxyLogin = ({ status }: Failure) => new AuthError.BrokerUnavailable({ why: "proxy", status })

const badRequest = invalidRequest("request", "was refused as malformed")

const byExactStatus: Readonly<Record<number, (failure: Failure) => AuthError.Reason>> = {
  400: badRequest,
  403: denied("unknown"),
  405: badRequest,
  415: badRequest,
  422: badRequest,
  429: rateLimited
}
