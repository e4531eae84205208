import type * as AuthError from "@auth/broker-core/login/AuthError"
import * as Duration from "effect/Duration"
import { type Failure, isLoggedOut, onlyPersonLogsIn, translated } from "../failure.ts"
import { type Answer, json } from "../http/messages.ts"

export interface Problem {
  readonly reason: string
  readonly message: string
  readonly remedy: string
  /** Seconds until the next try, if known. */
  readonly retryAfter: number | null
  readonly isRetryable: boolean
}

/** 409: a person has to act before the same request can succeed. */
export const statusOfReason = {
  InvalidCredentials: 409,
  InvalidStepUpCode: 409,
  ChallengeExpired: 409,
  AccountLocked: 409,
  SessionExpired: 409,
  SessionLimitReached: 409,
  ActionRequired: 409,
  RedirectRejected: 409,
  InvalidRequest: 409,
  PermissionDenied: 403,
  RateLimited: 429,
  BrokerUnavailable: 503,
  MalformedResponse: 502,
  BrokerRejected: 502
} as const satisfies Readonly<Record<AuthError.Reason["_tag"], number>>

const refusals = {
  HostRefused: [
    421,
    "The header Host names another server",
    "Use the address that broker-auth serve has printed. On a socket, use localhost."
  ],
  OriginRefused: [
    403,
    "The request comes from a web page",
    "Web pages must not read sessions. Use a program outside of the browser."
  ],
  BearerRefused: [
    401,
    "The request has no valid bearer token",
    "Make a bearer token with broker-auth serve --for PROGRAM, and send the header Authorization: Bearer …"
  ],
  PathUnknown: [404, "There is no such path", "GET /v1/openapi.json describes the paths."],
  MethodRefused: [
    405,
    "This path does not accept the method of the request",
    "The header Allow names the accepted methods."
  ],
  AccountUnknown: [404, "There is no account with this name", "GET /v1/accounts lists the accounts."],
  BodyInvalid: [
    400,
    "The body is not the expected JSON",
    'Send {"token": "…"} with the token that the broker has refused.'
  ],
  BodyTooLarge: [413, "The body has more than 16 KiB", "Send only the token."],
  StreamsExhausted: [503, "Too many programs read the events", "End a program that reads the events, then try again."],
  Fault: [500, "The server has a fault", "Please report it."]
} as const satisfies Readonly<Record<string, readonly [status: number, message: string, remedy: string]>>

export type Refusal = keyof typeof refusals

/** The HTTP status of each refusal and of each reason of an `AuthError`. The reasons of a `VaultError` are not here. */
export const statuses: Readonly<Record<string, number>> = {
  ...Object.fromEntries(Object.entries(refusals).map(([name, [status]]) => [name, status])),
  ...statusOfReason
}

const answer = (status: number, error: Problem, headers: Readonly<Record<string, string>> = {}): Answer =>
  json(status, { error }, { ...headers, ...(error.retryAfter !== null && { "retry-after": String(error.retryAfter) }) })

export const refuse = (reason: Refusal, headers: Readonly<Record<string, string>> = {}): Answer => {
  const [status, message, remedy] = refusals[reason]
  return answer(status, { reason, message, remedy, retryAfter: null, isRetryable: false }, headers)
}

const statusOf = (failure: Failure): number => {
  switch (failure._tag) {
    case "AuthError":
      return statusOfReason[failure.reason._tag]
    case "VaultError":
      return failure.reason.isRetryable ? 503 : 500
    case "CommandFailed":
      return 409
  }
}

/** `name` is the name of the account. The result contains no secret. */
export const problemOf = (failure: Failure, name: string): Problem => {
  if (onlyPersonLogsIn(failure)) {
    const message = `${name} needs a person to log in`
    const remedy = `Run broker-auth login ${name}.`
    return { reason: "ActionRequired", message, remedy, retryAfter: null, isRetryable: false }
  }
  if (isLoggedOut(failure)) {
    const message = `${name} is logged out`
    const remedy = `Run broker-auth login ${name}.`
    return { reason: "SessionExpired", message, remedy, retryAfter: null, isRetryable: false }
  }
  if (failure._tag === "CommandFailed") {
    const remedy = `Run broker-auth doctor ${name}.`
    return { reason: "ActionRequired", message: failure.message, remedy, retryAfter: null, isRetryable: false }
  }
  const { reason } = failure
  const retryAfter = failure._tag === "AuthError" ? failure.retryAfter : undefined
  return {
    reason: reason._tag,
    message: translated(reason.message, name),
    remedy: translated(reason.remedy, name),
    retryAfter: retryAfter === undefined ? null : Math.ceil(Duration.toSeconds(retryAfter)),
    isRetryable: reason.isRetryable
  }
}

export const fail = (failure: Failure, name: string): Answer => answer(statusOf(failure), problemOf(failure, name))
