import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Option from "effect/Option"
import type * as Redacted from "effect/Redacted"
import type * as AuthError from "../../login/AuthError.ts"
import type { Endpoint } from "../Endpoint.ts"
import type * as Envelope from "../Envelope.ts"
import * as ErrorTable from "../ErrorTable.ts"
import * as Redaction from "../Redaction.ts"
import { beginning } from "./printable.ts"

/**
 * Reads a date from an HTTP header (RFC 9110, section 5.6.7). The pattern is needed because `DateTime.make` also reads
 * a number, such as `-5`, as a date.
 */
const dateOf = (text: string | undefined): number | undefined =>
  text !== undefined && /^[A-Z][a-z]+, .+ GMT$/.test(text)
    ? Option.getOrUndefined(Option.map(DateTime.make(text), DateTime.toEpochMillis))
    : undefined

/** The limit for `Retry-After`, in milliseconds. */
const longestWait = 900_000

/**
 * A date in `Retry-After` is compared with the answer's `Date` header, because this machine's clock may be wrong by
 * hours.
 */
const retryAfterOf = (headers: Envelope.Answer["headers"], now: number | undefined): Duration.Duration | undefined => {
  const text = headers["retry-after"]?.trim()
  const wait = (millis: number) => Duration.millis(Math.min(Math.max(0, millis), longestWait))
  // RFC 9110 allows only whole seconds, but gateways also send fractions of a second.
  if (text !== undefined && /^\d+(?:\.\d+)?$/.test(text)) return wait(Math.round(Number(text) * 1000))
  const [at, from] = [dateOf(text), dateOf(headers["date"]) ?? now]
  return at === undefined || from === undefined ? undefined : wait(at - from)
}

const clockDriftOf = (headers: Envelope.Answer["headers"], now: number | undefined): number | undefined => {
  const at = dateOf(headers["date"])
  return at === undefined || now === undefined ? undefined : at - now
}

export interface FailureContext {
  readonly operation: string
  readonly token: Endpoint["token"]
  /** Time by this machine's clock, in milliseconds since the epoch. */
  readonly now: number | undefined
  readonly request: unknown
  readonly secrets: ReadonlyArray<Redacted.Redacted<string>>
}

/** Returns the reason for a refusal, or `undefined` if the answer is not a refusal. */
export const reasonFor = (
  codes: ReadonlyArray<ErrorTable.ErrorRow>,
  answer: Envelope.Answer,
  verdict: Envelope.Verdict | undefined,
  { now, operation, request, secrets, token }: FailureContext
): AuthError.Reason | undefined => {
  const scrub = (text: string | undefined) =>
    text === undefined ? undefined : beginning(Redaction.scrub(text, secrets), 300)
  const no = verdict?._tag === "No" ? verdict : undefined
  const original: ErrorTable.Failure = {
    operation,
    status: answer.status,
    code: no?.code?.slice(0, 500),
    message: no?.message?.slice(0, 500),
    supportId: scrub(no?.supportId),
    retryAfter: retryAfterOf(answer.headers, now),
    clockDrift: clockDriftOf(answer.headers, now),
    request
  }
  const row = codes.find((candidate) => ErrorTable.matches(candidate, original))
  // A code in the error table is public, so it is not redacted, even if a PIN has the same digits.
  const failure: ErrorTable.Failure = { ...original, code: row?.code ?? scrub(no?.code), message: scrub(no?.message) }
  if (row !== undefined) return row.reason(failure)
  if (failure.code !== undefined && answer.status < 500) return ErrorTable.rejected(failure)
  // A page, such as HTML, comes from a gateway or a proxy. Neither checks the credentials, so a page with HTTP 401 does
  // not mean that the credentials are wrong.
  const isPage = no === undefined && answer.json === undefined && answer.text.trim() !== ""
  if (isPage && answer.status === 401 && token !== "required") return ErrorTable.rejected(failure)
  if (isPage && answer.status === 403 && /<!doctype html|<html/i.test(answer.text)) {
    return ErrorTable.denied("waf")(failure)
  }
  const byStatus = ErrorTable.byStatus(answer.status, token)
  if (byStatus !== undefined) return byStatus(failure)
  return no === undefined ? undefined : ErrorTable.rejected(failure)
}
