/**
 * What a broker's refusals mean: one row for each code or message, with its source.
 *
 * @since 0.1.0
 */
import type * as Duration from "effect/Duration"
import * as Predicate from "effect/Predicate"
import * as Redacted from "effect/Redacted"
import * as AuthError from "../login/AuthError.ts"
import * as CodeSource from "../login/CodeSource.ts"
import { timeText } from "../login/internal/timeText.ts"

/**
 * A refusal, as it came.
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
  /** The broker's words, with secrets removed. */
  readonly message: string | undefined
  readonly supportId: string | undefined
  readonly retryAfter: Duration.Duration | undefined
  /** The broker's clock minus ours, in milliseconds, by its `Date` header. */
  readonly clockDrift: number | undefined
  /** The body that was sent. Secrets in it are `Redacted`; nothing of it may get into a reason. */
  readonly request: unknown
}

/**
 * One row. A refusal matches if everything that the row names does; the first row that matches counts. A row names a
 * code, a message or a status at least.
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
  /** Matched against the broker's message. */
  readonly message?: RegExp
  readonly status?: number
  /** Names of the endpoints that the row is limited to. */
  readonly operations?: ReadonlyArray<string>
  readonly meaning: string
  /** Where the row comes from. */
  readonly source: string
  /** Date of the facts, `yyyy-mm-dd`. */
  readonly asOf: string
  readonly reason: (failure: Failure) => AuthError.Reason
}

const matchOf = (match: string | RegExp | number): Pick<ErrorRow, "code" | "message" | "status"> => {
  if (Predicate.isString(match)) return { code: match }
  return Predicate.isNumber(match) ? { status: match } : { message: match }
}

/**
 * A constructor for rows of one source. A string matches the broker's code, a pattern its message, a number the HTTP
 * status; `more` narrows that.
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
 * @category matching
 * @since 0.1.0
 */
export const matches = (row: ErrorRow, failure: Failure): boolean =>
  (row.code === undefined || row.code === failure.code) &&
  (row.message === undefined || (failure.message !== undefined && row.message.test(failure.message))) &&
  (row.status === undefined || row.status === failure.status) &&
  (row.operations === undefined || row.operations.includes(failure.operation))

const said = ({ code, message }: Failure): AuthError.BrokerSaid => ({ code, brokerMessage: message })

/**
 * @category reasons
 * @since 0.1.0
 */
export const invalidCredentials =
  (field: string, advice?: string) =>
  (failure: Failure): AuthError.Reason =>
    new AuthError.InvalidCredentials({ ...said(failure), field, advice })

/**
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

/** Beyond this, in milliseconds, a code may have been made for another period. */
const noticeableDrift = 15_000

const driftHint = (millis: number): AuthError.Hint => {
  const direction = millis > 0 ? "behind" : "ahead of"
  return { id: "ClockDrift", text: `Your clock is ${timeText(millis)} ${direction} the broker's: set it by NTP.` }
}

/**
 * What may be wrong with a refused TOTP at any broker, by the broker's `Date` header and the request's field `totp`;
 * `own` is what may be wrong at this one.
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
    hints.push({ id: "SecretInsteadOfCode", text: "The TOTP secret was sent where a code of six digits is wanted." })
  }
  hints.push(
    ...own,
    { id: "ReEnrolled", text: "Was TOTP enabled anew? Then the old secret is void." },
    { id: "CodeReused", text: "A code is good once: wait for the next one." }
  )
  return hints
}

/**
 * @category reasons
 * @since 0.1.0
 */
export const challengeExpired =
  (why: AuthError.ChallengeExpired["why"]) =>
  (failure: Failure): AuthError.Reason =>
    new AuthError.ChallengeExpired({ ...said(failure), why })

/**
 * @category reasons
 * @since 0.1.0
 */
export const locked =
  (scope: AuthError.AccountLocked["scope"], unlock: AuthError.AccountLocked["unlock"]) =>
  (failure: Failure): AuthError.Reason =>
    new AuthError.AccountLocked({ ...said(failure), scope, unlock })

/**
 * @category reasons
 * @since 0.1.0
 */
export const sessionExpired =
  (why: AuthError.SessionExpired["why"]) =>
  (failure: Failure): AuthError.Reason =>
    new AuthError.SessionExpired({ ...said(failure), why })

/**
 * @category reasons
 * @since 0.1.0
 */
export const sessionLimit = (failure: Failure): AuthError.Reason => new AuthError.SessionLimitReached(said(failure))

/**
 * @category reasons
 * @since 0.1.0
 */
export const rateLimited = (failure: Failure): AuthError.Reason =>
  new AuthError.RateLimited({ ...said(failure), retryAfter: failure.retryAfter, by: "broker" })

/**
 * @category reasons
 * @since 0.1.0
 */
export const denied =
  (why: AuthError.PermissionDenied["why"], advice?: string) =>
  (failure: Failure): AuthError.Reason =>
    new AuthError.PermissionDenied({ ...said(failure), why, supportId: failure.supportId, advice })

/**
 * @category reasons
 * @since 0.1.0
 */
export const actionRequired =
  (what: string) =>
  (failure: Failure): AuthError.Reason =>
    new AuthError.ActionRequired({ ...said(failure), what })

/**
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
 * @category reasons
 * @since 0.1.0
 */
export const invalidRequest =
  (field: string, problem: string) =>
  (failure: Failure): AuthError.Reason =>
    new AuthError.InvalidRequest({ ...said(failure), problems: [{ field, problem }] })

/**
 * @category reasons
 * @since 0.1.0
 */
export const rejected = (failure: Failure): AuthError.Reason =>
  new AuthError.BrokerRejected({
    ...said(failure),
    code: failure.code ?? (failure.status >= 400 ? `HTTP ${failure.status}` : "none"),
    status: failure.status
  })

/** Messages about trouble at the broker. Such a message may name a password or a code, and is no refusal of them. */
const outage =
  /maintenance|temporarily (?:unavailable|down|suspended)|technical (?:issue|error|problem|fault|difficult)|(?:service|system|server)s?\b.*\b(?:unavailable|down)\b/i

/**
 * A reason that holds unless the message tells of trouble at the broker, such as maintenance: that is `BrokerRejected`.
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
 * A login that was refused with HTTP 401: `InvalidCredentials` if the broker says nothing else. A message that does not
 * speak of credentials, nor matches `words`, is `BrokerRejected`.
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
 * What an HTTP status means where the body does not say more. `undefined`: the status alone means nothing.
 *
 * @category reasons
 * @since 0.1.0
 */
export const byStatus = (
  status: number,
  token: "none" | "required"
): ((failure: Failure) => AuthError.Reason) | undefined => {
  if (status >= 500 || status === 408) return unavailable
  if (status === 407) return proxyLogin
  if (status === 401) return token === "required" ? sessionExpired("invalid") : unauthorizedLogin("credentials")
  return byExactStatus[status] ?? (status >= 400 ? rejected : undefined)
}

/** Only a proxy answers with this status, and the broker has not seen the call. */
const proxyLogin = ({ status }: Failure) => new AuthError.BrokerUnavailable({ why: "proxy", status })

const badRequest = invalidRequest("request", "was refused as badly formed")

const byExactStatus: Readonly<Record<number, (failure: Failure) => AuthError.Reason>> = {
  400: badRequest,
  403: denied("unknown"),
  405: badRequest,
  415: badRequest,
  422: badRequest,
  429: rateLimited
}
