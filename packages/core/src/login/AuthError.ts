/**
 * The error of a failed authentication call, and the possible reasons.
 *
 * An `AuthError` never contains the request or the error of another library, because both can contain a password.
 * Secrets are removed from the broker's texts.
 *
 * @since 0.1.0
 */
import * as Data from "effect/Data"
import * as Duration from "effect/Duration"
import { timeText } from "./internal/timeText.ts"

/**
 * The broker's code and message, if the broker sent them, and advice for the user.
 *
 * @category models
 * @since 0.1.0
 */
export interface BrokerSaid {
  /** The broker's own code, such as `AB1050`. */
  readonly code?: string | undefined
  /** The broker's own message, with secrets removed. */
  readonly brokerMessage?: string | undefined
  /** Text for the user: what to do now. Default: the general remedy of the reason. */
  readonly advice?: string | undefined
}

/**
 * The fields of every reason.
 *
 * @category models
 * @since 0.1.0
 */
export interface ReasonLike extends BrokerSaid {
  readonly _tag: string
  /** Text for the user: what happened. */
  readonly message: string
  /** Text for the user: what to do now. */
  readonly remedy: string
  /** Whether the same call may succeed later without a change by the user. */
  readonly isRetryable: boolean
  /** Minimum time to wait before the next try, if known. */
  readonly retryAfter: Duration.Duration | undefined
}

const said = (reason: BrokerSaid): string => {
  const parts = [reason.code, reason.brokerMessage].filter((part) => part !== undefined && part !== "")
  return parts.length === 0 ? "" : ` (${parts.join(": ")})`
}

/** Rounds the wait up, because the broker refuses a call that comes too early. */
const waitText = (wait: Duration.Duration): string => {
  const seconds = Duration.toSeconds(wait)
  const unit = seconds > 86_400 ? 3600 : seconds > 3600 ? 60 : 1
  return timeText(Duration.seconds(Math.ceil(seconds / unit) * unit))
}

/**
 * A credential is wrong. Never send it again unchanged, because several brokers lock the account after a few wrong
 * tries.
 *
 * @category reasons
 * @since 0.1.0
 */
export class InvalidCredentials extends Data.TaggedError("InvalidCredentials")<
  BrokerSaid & {
    /**
     * The name of the wrong credential in the options of the layer, such as `apiKey`. If the broker does not say which
     * credential is wrong, `field` is a text such as `userId or password`, or only `credentials`.
     */
    readonly field: string
  }
> {
  readonly isRetryable = false
  readonly retryAfter = undefined
  override get message(): string {
    return `The broker refused the ${this.field}${said(this)}`
  }
  get remedy(): string {
    return this.advice ?? `Check the ${this.field}, correct it, and log in once more. Do not send it again unchanged.`
  }
}

/**
 * A possible cause of a refused one-time code.
 *
 * @category models
 * @since 0.1.0
 */
export interface Hint {
  readonly id:
    | "ClockDrift"
    | "SecretInsteadOfCode"
    | "ClientCodeShape"
    | "WrongClientCode"
    | "ReEnrolled"
    | "CodeReused"
  readonly text: string
}

/**
 * A one-time code, or the code in the callback of a browser login, was refused.
 *
 * @category reasons
 * @since 0.1.0
 */
export class InvalidStepUpCode extends Data.TaggedError("InvalidStepUpCode")<
  BrokerSaid & {
    /** The kind of the code. `authorization-code`: the code in the callback of a browser login. */
    readonly kind: "totp" | "otp" | "authorization-code"
    /** Possible causes. The most likely cause is first. */
    readonly hints: ReadonlyArray<Hint>
    /** `client`: this library refused the code, and nothing was sent. Default: `broker`. */
    readonly by?: "broker" | "client" | undefined
  }
> {
  readonly isRetryable = false
  readonly retryAfter = undefined
  override get message(): string {
    if (this.by === "client") return "A callback of this browser login was used before, so nothing was sent"
    const what = this.kind === "authorization-code" ? "code of the browser login" : "one-time code"
    return `The broker refused the ${what}${said(this)}`
  }
  get remedy(): string {
    if (this.advice !== undefined) return this.advice
    if (this.kind === "authorization-code")
      return "Begin the browser login again. The code of a callback works only once."
    if (this.hints.length === 0) return "Use a fresh code. A code works only once."
    return `Use a fresh code. ${this.hints.map((hint) => hint.text).join(" ")}`
  }
}

/**
 * A challenge or a QR code can no longer be used, or belongs to another account. A challenge is the broker's request
 * for a one-time code.
 *
 * @category reasons
 * @since 0.1.0
 */
export class ChallengeExpired extends Data.TaggedError("ChallengeExpired")<
  BrokerSaid & { readonly why: "used" | "timed-out" | "other-account" | "attempts" | "refused" }
> {
  readonly isRetryable = false
  readonly retryAfter = undefined
  override get message(): string {
    return `This step can no longer be completed: ${challengeWhy[this.why]}${said(this)}`
  }
  get remedy(): string {
    return this.advice ?? "Start again from the first step."
  }
}

const challengeWhy: Record<ChallengeExpired["why"], string> = {
  used: "it was already answered or replaced",
  "timed-out": "it has timed out",
  "other-account": "it belongs to another account",
  attempts: "too many wrong codes were entered",
  refused: "the broker does not recognize it"
}

/**
 * The broker has locked the account.
 *
 * @category reasons
 * @since 0.1.0
 */
export class AccountLocked extends Data.TaggedError("AccountLocked")<
  BrokerSaid & {
    /** The locked part. `account`: the whole account. `otp`: only one-time codes. `trading`: only trading. */
    readonly scope: "account" | "otp" | "trading"
    /** How the account can be unlocked. */
    readonly unlock: "broker" | "self-service" | "wait" | "unknown"
  }
> {
  readonly isRetryable = false
  readonly retryAfter = undefined
  override get message(): string {
    return `The broker has locked ${locked[this.scope]}${said(this)}`
  }
  get remedy(): string {
    return this.advice ?? unlockAdvice[this.unlock]
  }
}

const locked: Record<AccountLocked["scope"], string> = {
  account: "this account",
  otp: "the use of one-time codes for this account",
  trading: "this account for trading"
}

const unlockAdvice: Record<AccountLocked["unlock"], string> = {
  broker: "Ask the broker's support to unlock the account. Until then, stop every program that logs in.",
  "self-service": "Unlock the account with the broker's account recovery. Until then, stop every program that logs in.",
  wait: "Wait until the broker unlocks the account. Until then, stop every program that logs in.",
  unknown:
    "Check the broker's app, or ask the broker's support. Until the account is unlocked, stop every program that logs in."
}

/**
 * The session has ended, or there is no session. Log in again, or refresh the session if the broker supports a refresh.
 *
 * @category reasons
 * @since 0.1.0
 */
export class SessionExpired extends Data.TaggedError("SessionExpired")<
  BrokerSaid & {
    /** `missing`: there is no session. */
    readonly why: "expired" | "invalid" | "missing" | "refresh-invalid" | "refresh-expired" | "logged-out" | "unknown"
  }
> {
  readonly isRetryable = false
  readonly retryAfter = undefined
  override get message(): string {
    const what = this.why === "missing" ? "There is no session" : "The session has ended"
    return `${what}: ${sessionWhy[this.why]}${said(this)}`
  }
  get remedy(): string {
    return this.advice ?? "Log in again."
  }
}

const sessionWhy: Record<SessionExpired["why"], string> = {
  expired: "its token has expired",
  invalid: "the broker does not accept its token",
  missing: "no token was sent",
  "refresh-invalid": "the broker does not accept its refresh token",
  "refresh-expired": "its refresh token has expired",
  "logged-out": "it was logged out",
  unknown: "the broker does not say why"
}

/**
 * The broker allows no more sessions for this account.
 *
 * @category reasons
 * @since 0.1.0
 */
export class SessionLimitReached extends Data.TaggedError("SessionLimitReached")<BrokerSaid> {
  readonly isRetryable = false
  readonly retryAfter = undefined
  override get message(): string {
    return `The broker allows no more sessions for this account${said(this)}`
  }
  get remedy(): string {
    return this.advice ?? "Log out of sessions that you no longer use, then log in once."
  }
}

/**
 * There were too many calls. Either the broker refused the call, or this library stopped the call before it was sent.
 *
 * @category reasons
 * @since 0.1.0
 */
export class RateLimited extends Data.TaggedError("RateLimited")<
  BrokerSaid & {
    /** Time to wait before the next call, if known. */
    readonly retryAfter: Duration.Duration | undefined
    /** `client`: this library stopped the call, and nothing was sent. */
    readonly by: "broker" | "client"
  }
> {
  readonly isRetryable = true
  override get message(): string {
    return this.by === "client"
      ? "The broker's rate limit does not allow this call yet, so nothing was sent"
      : `The broker refused the call because of too many calls${said(this)}`
  }
  get remedy(): string {
    if (this.advice !== undefined) return this.advice
    const wait =
      this.retryAfter === undefined || Duration.isZero(this.retryAfter) ? "a while" : waitText(this.retryAfter)
    return `Wait ${wait} before the next call, and let one program at a time log in.`
  }
}

/**
 * The broker does not let this program or this IP address use the API, even if the credentials are correct.
 *
 * @category reasons
 * @since 0.1.0
 */
export class PermissionDenied extends Data.TaggedError("PermissionDenied")<
  BrokerSaid & {
    readonly why: "ip" | "waf" | "subscription" | "activation" | "consent" | "app" | "unknown"
    /** The id of this refusal. The broker's support may ask for it. */
    readonly supportId?: string | undefined
  }
> {
  readonly isRetryable = false
  readonly retryAfter = undefined
  override get message(): string {
    const id = this.supportId === undefined ? "" : `, support id ${this.supportId}`
    return `The broker denies access: ${deniedWhy[this.why].what}${id}${said(this)}`
  }
  get remedy(): string {
    return this.advice ?? deniedWhy[this.why].remedy
  }
}

const deniedWhy: Record<PermissionDenied["why"], { readonly what: string; readonly remedy: string }> = {
  ip: {
    what: "this IP address is not registered for the app",
    remedy: "Register the public IP address of this machine in the broker's developer portal."
  },
  waf: {
    what: "its firewall blocked the request",
    remedy:
      "Stop for a while: repeated logins can get your IP address blocked. If the block continues, quote the support id to the broker's support."
  },
  subscription: { what: "there is no subscription to the API", remedy: "Subscribe to the API at the broker." },
  activation: { what: "the app is not activated", remedy: "Activate the app in the broker's developer portal." },
  consent: { what: "consent is missing", remedy: "In the broker's portal, give the required consent." },
  app: {
    what: "this type of app is not allowed to make this call",
    remedy: "Use the type of app that this login requires."
  },
  unknown: { what: "it does not say why", remedy: "Ask the broker's support, and quote the broker's message." }
}

/**
 * The user must do something first, such as setting a new password at the broker or entering a code.
 *
 * @category reasons
 * @since 0.1.0
 */
export class ActionRequired extends Data.TaggedError("ActionRequired")<
  BrokerSaid & {
    /** The action that the user must take. */
    readonly what: string
  }
> {
  readonly isRetryable = false
  readonly retryAfter = undefined
  override get message(): string {
    // Without advice, the remedy contains `what`, so the message omits `what`.
    const what = this.advice === undefined ? "" : `: ${this.what.replace(/\.$/, "")}`
    return `An action is required first${what}${said(this)}`
  }
  get remedy(): string {
    return this.advice ?? `${this.what.replace(/\.$/, "")}, then try again.`
  }
}

/**
 * There was no usable answer: the network failed, the call timed out, or the broker has a fault. The broker may have
 * processed the request. Nothing reached the broker if there was no connection, for example with the system code
 * `ECONNREFUSED` or HTTP 407 from a proxy.
 *
 * @category reasons
 * @since 0.1.0
 */
export class BrokerUnavailable extends Data.TaggedError("BrokerUnavailable")<
  BrokerSaid & {
    /** What failed. `broker`: the broker reports an internal fault. */
    readonly why: "time-out" | "network" | "broker" | "certificate" | "proxy"
    /** HTTP status, if there was an answer. */
    readonly status?: number | undefined
    /** Error code from the operating system, the runtime or the HTTP client, such as `ECONNREFUSED`. */
    readonly systemCode?: string | undefined
    /** Time to wait before the next call, if the broker sent a time. At most 15 minutes. */
    readonly retryAfter?: Duration.Duration | undefined
  }
> {
  declare readonly retryAfter: Duration.Duration | undefined
  /** A retry does not help if the certificate is not accepted, or if the proxy requires a login (HTTP 407). */
  get isRetryable(): boolean {
    return this.why !== "certificate" && this.status !== 407
  }
  override get message(): string {
    const status = this.status === undefined ? "" : `, HTTP ${this.status}`
    const system = this.systemCode === undefined ? "" : `, ${this.systemCode}`
    return `${unavailable(this).what}${status}${system}${said(this)}`
  }
  get remedy(): string {
    const { remedy } = unavailable(this)
    return (
      this.advice ??
      (this.retryAfter === undefined || Duration.isZero(this.retryAfter)
        ? remedy
        : remedy.replace("in a moment", `after ${waitText(this.retryAfter)}`))
    )
  }
}

interface Description {
  readonly what: string
  readonly remedy: string
}

const brokerDown = (what: string): Description => ({
  what: `The broker is not available: ${what}`,
  remedy: "Check the network and the broker's status page, then try again in a moment."
})

const unavailableWhy: Record<BrokerUnavailable["why"], Description> = {
  "time-out": brokerDown("no answer came in time"),
  network: brokerDown("the connection failed"),
  broker: brokerDown("it reports an internal fault"),
  certificate: {
    what: "No secure connection to the broker: its certificate was not accepted on this machine",
    remedy:
      "Check this machine's clock and its CA certificates (NODE_EXTRA_CA_CERTS), and whether a proxy inspects the traffic. Do not disable the certificate check: an attacker could then read the credentials."
  },
  proxy: {
    what: "No connection to the broker: the proxy between this machine and the broker failed",
    remedy:
      "Check that the proxy's address is correct, that the proxy is running, and that it allows connections to the broker."
  }
}

const proxyLogin: Description = {
  what: "No connection to the broker: the proxy between this machine and the broker requires a login",
  remedy: "Configure the user name and password of the proxy, or use another proxy. Nothing reached the broker."
}

const noName: Description = {
  what: "No connection to the broker: this machine could not resolve the broker's host name",
  remedy:
    "Check this machine's network and DNS, and the spelling of the host if you have configured a host. Then try again."
}

const noRoute: Description = {
  what: "No connection to the broker: this machine could not connect",
  remedy:
    "Check this machine's network and VPN, and whether a firewall blocks connections to the broker, then try again. If other machines cannot connect either, the broker is down."
}

const unavailableBySystem: Readonly<Record<string, Description>> = {
  ENOTFOUND: noName,
  EAI_AGAIN: noName,
  EAI_FAIL: noName,
  EAI_NODATA: noName,
  EAI_NONAME: noName,
  ECONNREFUSED: noRoute,
  EHOSTUNREACH: noRoute,
  EHOSTDOWN: noRoute,
  ENETUNREACH: noRoute,
  ENETDOWN: noRoute,
  EADDRNOTAVAIL: noRoute,
  EACCES: noRoute,
  EPERM: noRoute
}

const unavailable = ({ status, systemCode = "", why }: BrokerUnavailable): Description => {
  if (status === 407) return proxyLogin
  return (why === "network" ? unavailableBySystem[systemCode] : undefined) ?? unavailableWhy[why]
}

/**
 * The broker's answer could not be decoded.
 *
 * @category reasons
 * @since 0.1.0
 */
export class MalformedResponse extends Data.TaggedError("MalformedResponse")<
  BrokerSaid & {
    /** HTTP status. */
    readonly status: number
    readonly problem: string
    /**
     * The first part of the body, without secrets. If the body is JSON, the excerpt shows only the names and types of
     * the fields, and the lengths of texts and arrays. If the body was too large or came from another origin, the
     * excerpt is empty.
     */
    readonly excerpt: string
  }
> {
  readonly isRetryable = false
  readonly retryAfter = undefined
  override get message(): string {
    const start = this.excerpt === "" ? "" : `. It starts with: ${this.excerpt}`
    return `The broker's answer (HTTP ${this.status}) could not be decoded: ${this.problem}${start}`
  }
  get remedy(): string {
    return this.advice ?? "Check whether the broker is under maintenance, or whether a proxy sent this answer."
  }
}

/**
 * The broker rejected the call, and no other reason describes the rejection. `code` is the broker's own code. If the
 * broker sent no code, `code` is the HTTP status, such as `HTTP 404`. If that status is below 400, `code` is `none`.
 *
 * @category reasons
 * @since 0.1.0
 */
export class BrokerRejected extends Data.TaggedError("BrokerRejected")<
  BrokerSaid & {
    readonly code: string
    /** HTTP status. */
    readonly status?: number | undefined
  }
> {
  readonly isRetryable = false
  readonly retryAfter = undefined
  override get message(): string {
    return `The broker rejected the call${said(this)}`
  }
  get remedy(): string {
    return (
      this.advice ??
      "Look up the code in the broker's documentation. If the code concerns logging in, please report it to the authors of this package."
    )
  }
}

/**
 * A problem with one field of the caller's input.
 *
 * @category models
 * @since 0.1.0
 */
export interface Problem {
  /**
   * The name of the field, such as `pin`. If the field is read from an environment variable, the name of the variable
   * is added: `pin (ANGEL_PIN)`.
   */
  readonly field: string
  /** Describes the problem, without the value. */
  readonly problem: string
}

/**
 * The caller's input is invalid. Nothing was sent, except if `by` is `broker`.
 *
 * @category reasons
 * @since 0.1.0
 */
export class InvalidRequest extends Data.TaggedError("InvalidRequest")<
  BrokerSaid & {
    readonly problems: readonly [Problem, ...ReadonlyArray<Problem>]
    /** `broker`: the request was sent, and the broker refused it. */
    readonly by?: "broker" | undefined
  }
> {
  readonly isRetryable = false
  readonly retryAfter = undefined
  /** The first invalid field. */
  get field(): string {
    return this.problems[0].field
  }
  override get message(): string {
    const problems = this.problems.map(({ field, problem }) => `${field} ${problem}`).join("; ")
    return `The request is invalid: ${problems}${said(this)}`
  }
  get remedy(): string {
    if (this.advice !== undefined) return this.advice
    const fields = Array.from(new Set(this.problems.map(({ field }) => field)))
    if (fields.join() === "request") return "Correct the request. If this package made the request, update the package."
    return `Correct the ${fields.length === 1 ? "value" : "values"} of ${fields.join(", ")}.`
  }
}

/**
 * A login in a browser or by QR code was rejected, usually because of the callback. The callback is the URL to which
 * the broker redirects the browser after the login.
 *
 * @category reasons
 * @since 0.1.0
 */
export class RedirectRejected extends Data.TaggedError("RedirectRejected")<
  BrokerSaid & {
    /**
     * `request-changed` comes only from `SealedRequest.open`. `request-expired` comes from `SealedRequest.open`, and
     * from `BrowserLogin.run` after five minutes.
     */
    readonly why:
      | "state"
      | "origin"
      | "missing-token"
      | "repeated"
      | "denied"
      | "not-a-url"
      | "other-account"
      | "request-changed"
      | "request-expired"
  }
> {
  readonly isRetryable = false
  readonly retryAfter = undefined
  override get message(): string {
    return `The login was not accepted: ${redirectWhy[this.why].what}${said(this)}`
  }
  get remedy(): string {
    return this.advice ?? redirectWhy[this.why].remedy
  }
}

const redirectWhy: Record<RedirectRejected["why"], { readonly what: string; readonly remedy: string }> = {
  state: {
    what: "the state does not match this login",
    remedy:
      "Begin the login again, and complete it in the program that began it. If you did not begin a login, the callback may come from an attacker."
  },
  origin: {
    what: "the callback's address is not the registered redirect URL",
    remedy:
      "Complete the login only with a callback to the redirect URL. If another redirect URL is registered at the broker, configure exactly that URL."
  },
  "missing-token": {
    what: "the callback's address contains no token",
    remedy:
      "Begin the login again. If this happens again, check the app's type and redirect URL in the broker's developer portal."
  },
  repeated: {
    what: "a parameter occurs more than once, with different values",
    remedy: "Begin the login again, and pass the address unchanged: the broker sends each parameter once."
  },
  "request-changed": {
    what: "the sealed request of this login is damaged, or was sealed with another key or for another account",
    remedy: "Begin the login again. If it happens again, give every process the same key and the same account."
  },
  "request-expired": {
    what: "it was begun too long ago",
    remedy: "Begin the login again, and finish it sooner. If it happens again, compare the clocks of your machines."
  },
  denied: { what: "the login was denied", remedy: "Begin the login again, and allow the app." },
  "other-account": {
    what: "the login was for an account other than the configured one",
    remedy: "Begin the login again, and log in with the account that this program is configured for."
  },
  "not-a-url": {
    what: "the given text is not an address",
    remedy: "Pass the whole address that the browser was redirected to."
  }
}

/**
 * The possible reasons of an `AuthError`.
 *
 * @category reasons
 * @since 0.1.0
 */
export type Reason =
  | InvalidCredentials
  | InvalidStepUpCode
  | ChallengeExpired
  | AccountLocked
  | SessionExpired
  | SessionLimitReached
  | RateLimited
  | PermissionDenied
  | ActionRequired
  | BrokerUnavailable
  | MalformedResponse
  | BrokerRejected
  | InvalidRequest
  | RedirectRejected

/**
 * An authentication call failed. `reason` says why.
 *
 * @example
 * ```ts
 * import * as AuthError from "@auth/broker-core/login/AuthError"
 * import * as Effect from "effect/Effect"
 *
 * const locked = AuthError.make("angel", "login", new AuthError.AccountLocked({ scope: "account", unlock: "broker" }))
 *
 * const program = Effect.fail(locked).pipe(
 *   Effect.catchReason("AuthError", "AccountLocked", (reason) => Effect.succeed(reason.remedy))
 * )
 * ```
 *
 * @category errors
 * @since 0.1.0
 */
export class AuthError extends Data.TaggedError("AuthError")<{
  /** Broker id. */
  readonly broker: string
  /** The operation that failed, such as `login` or `getProfile`. */
  readonly operation: string
  readonly reason: Reason
}> {
  override get message(): string {
    // A text from the broker or the caller may already end with a punctuation mark.
    const { message } = this.reason
    return `${this.broker} ${this.operation}: ${message}${/[.!?…]$/.test(message) ? "" : "."} ${this.remedy}`
  }
  /** Text for the user: what to do now. */
  get remedy(): string {
    return this.reason.remedy
  }
  /** Whether the same call may succeed later without a change by the user. */
  get isRetryable(): boolean {
    return this.reason.isRetryable
  }
  /** Minimum time to wait before the next try, if known. */
  get retryAfter(): Duration.Duration | undefined {
    return this.reason.retryAfter
  }
  override toJSON(): unknown {
    const { _tag, brokerMessage, code } = this.reason
    return {
      _tag: this._tag,
      broker: this.broker,
      operation: this.operation,
      reason: _tag,
      ...(code === undefined ? {} : { code }),
      ...(brokerMessage === undefined ? {} : { brokerMessage }),
      message: this.reason.message,
      remedy: this.remedy,
      isRetryable: this.isRetryable,
      ...(this.retryAfter === undefined ? {} : { retryAfterMillis: Duration.toMillis(this.retryAfter) })
    }
  }
}

/**
 * Makes an `AuthError`. `operation` is the operation that failed, such as `login`.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = (broker: string, operation: string, reason: Reason): AuthError =>
  new AuthError({ broker, operation, reason })

/**
 * Makes an `AuthError` for one invalid field.
 *
 * @category constructors
 * @since 0.1.0
 */
export const invalidRequest = (broker: string, operation: string, field: string, problem: string): AuthError =>
  make(broker, operation, new InvalidRequest({ problems: [{ field, problem }] }))

/**
 * Whether a value is an `AuthError`.
 *
 * @category guards
 * @since 0.1.0
 */
export const isAuthError = (value: unknown): value is AuthError => value instanceof AuthError
