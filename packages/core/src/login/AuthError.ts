/**
 * The one error of every authentication call, and the reasons that it carries.
 *
 * No reason holds a request, a response or a foreign error: those print their bodies, passwords included. What a
 * broker said is kept as `code` and `brokerMessage`, with secrets removed.
 *
 * @since 0.1.0
 */
import * as Data from "effect/Data"
import * as Duration from "effect/Duration"
import { timeText } from "./internal/timeText.ts"

/**
 * What the broker said, as far as it said anything.
 *
 * @category models
 * @since 0.1.0
 */
export interface BrokerSaid {
  /** The broker's own code, such as `AB1050`. */
  readonly code?: string | undefined
  /** The broker's own words, with secrets removed. */
  readonly brokerMessage?: string | undefined
  /** What to do now, where there is better advice than the reason's own. */
  readonly advice?: string | undefined
}

/**
 * What every reason can tell.
 *
 * @category models
 * @since 0.1.0
 */
export interface ReasonLike extends BrokerSaid {
  readonly _tag: string
  /** What happened, for a person. */
  readonly message: string
  /** What to do now, for a person. */
  readonly remedy: string
  /** Whether the same call may succeed later without anything being changed. */
  readonly isRetryable: boolean
  /** How long to wait at least, if that is known. */
  readonly retryAfter: Duration.Duration | undefined
}

const said = (reason: BrokerSaid): string => {
  const parts = [reason.code, reason.brokerMessage].filter((part) => part !== undefined && part !== "")
  return parts.length === 0 ? "" : ` (${parts.join(": ")})`
}

/** Rounded up to seconds: a call that comes early is refused again. */
const waitText = (wait: Duration.Duration): string => timeText(Duration.seconds(Math.ceil(Duration.toSeconds(wait))))

/**
 * A credential is wrong. Never send it again unchanged: several brokers lock the account after a few tries.
 *
 * @category reasons
 * @since 0.1.0
 */
export class InvalidCredentials extends Data.TaggedError("InvalidCredentials")<
  BrokerSaid & {
    /** The credential at fault, in the words of the broker's descriptor; `credentials` if the broker does not say. */
    readonly field: string
  }
> {
  readonly isRetryable = false
  readonly retryAfter = undefined
  override get message(): string {
    return `The broker refused the ${this.field}${said(this)}`
  }
  get remedy(): string {
    return this.advice ?? `Check the ${this.field}, correct it, and log in once more. Do not repeat it unchanged.`
  }
}

/**
 * Something that may have caused a refused one-time code.
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
 * A one-time code was refused.
 *
 * @category reasons
 * @since 0.1.0
 */
export class InvalidStepUpCode extends Data.TaggedError("InvalidStepUpCode")<
  BrokerSaid & {
    /** The kind of code that was asked for. */
    readonly kind: "totp" | "otp" | "authorization-code"
    /** What may have gone wrong, the likeliest first. */
    readonly hints: ReadonlyArray<Hint>
    /** A code that `client` refused was never sent. Default: `broker`. */
    readonly by?: "broker" | "client" | undefined
  }
> {
  readonly isRetryable = false
  readonly retryAfter = undefined
  override get message(): string {
    if (this.by === "client") return "This browser login was completed before, so nothing was sent"
    const what = this.kind === "authorization-code" ? "code of the browser login" : "one-time code"
    return `The broker refused the ${what}${said(this)}`
  }
  get remedy(): string {
    if (this.advice !== undefined) return this.advice
    if (this.kind === "authorization-code") return "Begin the browser login again. The code of a callback is good once."
    if (this.hints.length === 0) return "Use a fresh code. A code is good for one try."
    return `Use a fresh code, and check: ${this.hints.map((hint) => hint.text).join(" ")}`
  }
}

/**
 * A step-up challenge is over: used, timed out, or not of this account.
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
    return `The step-up challenge cannot be answered any more: ${challengeWhy[this.why]}${said(this)}`
  }
  get remedy(): string {
    return this.advice ?? "Log in again to get a new challenge."
  }
}

const challengeWhy: Record<ChallengeExpired["why"], string> = {
  used: "it was answered before",
  "timed-out": "its time is over",
  "other-account": "it belongs to another account",
  attempts: "it was answered wrongly too often",
  refused: "the broker does not know it"
}

/**
 * The broker has locked the account.
 *
 * @category reasons
 * @since 0.1.0
 */
export class AccountLocked extends Data.TaggedError("AccountLocked")<
  BrokerSaid & {
    /** What is locked. */
    readonly scope: "account" | "otp" | "trading"
    /** Who can unlock it. */
    readonly unlock: "broker" | "self-service" | "wait" | "unknown"
  }
> {
  readonly isRetryable = false
  readonly retryAfter = undefined
  override get message(): string {
    return `The broker has locked this ${this.scope === "account" ? "account" : `account for ${this.scope}`}${said(this)}`
  }
  get remedy(): string {
    return this.advice ?? unlockAdvice[this.unlock]
  }
}

const unlockAdvice: Record<AccountLocked["unlock"], string> = {
  broker: "Ask the broker's support to unlock it, and stop every program that logs in until then.",
  "self-service": "Unlock it with the broker's own recovery, and stop every program that logs in until then.",
  wait: "Wait until the broker lifts the lock, and stop every program that logs in until then.",
  unknown: "Look into the broker's app or ask its support, and stop every program that logs in until then."
}

/**
 * The session is over. A new login, or a refresh where the broker has one, is needed.
 *
 * @category reasons
 * @since 0.1.0
 */
export class SessionExpired extends Data.TaggedError("SessionExpired")<
  BrokerSaid & {
    readonly why: "expired" | "invalid" | "missing" | "refresh-invalid" | "refresh-expired" | "logged-out" | "unknown"
  }
> {
  readonly isRetryable = false
  readonly retryAfter = undefined
  override get message(): string {
    return `The session is over: ${sessionWhy[this.why]}${said(this)}`
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
 * The broker allows no further session for this account.
 *
 * @category reasons
 * @since 0.1.0
 */
export class SessionLimitReached extends Data.TaggedError("SessionLimitReached")<BrokerSaid> {
  readonly isRetryable = false
  readonly retryAfter = undefined
  override get message(): string {
    return `The broker allows no further session for this account${said(this)}`
  }
  get remedy(): string {
    return this.advice ?? "Log out of sessions that are not used any more, then log in once."
  }
}

/**
 * Too many calls, by the broker's count or, before anything was sent, by our own.
 *
 * @category reasons
 * @since 0.1.0
 */
export class RateLimited extends Data.TaggedError("RateLimited")<
  BrokerSaid & {
    /** How long to wait, if it is known. */
    readonly retryAfter: Duration.Duration | undefined
    /** Who counted: a call stopped by `client` was never sent. */
    readonly by: "broker" | "client"
  }
> {
  readonly isRetryable = true
  override get message(): string {
    return this.by === "client"
      ? "The broker's rate limit is used up, so nothing was sent"
      : `The broker refused the call because there were too many${said(this)}`
  }
  get remedy(): string {
    if (this.advice !== undefined) return this.advice
    const wait =
      this.retryAfter === undefined || Duration.isZero(this.retryAfter) ? "a while" : waitText(this.retryAfter)
    return `Wait ${wait} before the next call, and let one program at a time log in.`
  }
}

/**
 * The broker will not serve this caller, whatever the credentials.
 *
 * @category reasons
 * @since 0.1.0
 */
export class PermissionDenied extends Data.TaggedError("PermissionDenied")<
  BrokerSaid & {
    readonly why: "ip" | "waf" | "subscription" | "activation" | "consent" | "app" | "unknown"
    /** The number to tell the broker's support. */
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
    remedy: "Register the public IP address that you call from in the broker's developer portal."
  },
  waf: {
    what: "its firewall stopped the request",
    remedy: "Stop for a while: repeated logins get an address blocked. If it lasts, tell support the support id."
  },
  subscription: { what: "the API is not subscribed", remedy: "Subscribe to the API at the broker." },
  activation: { what: "the app is not activated", remedy: "Activate the app in the broker's developer portal." },
  consent: { what: "consent is missing", remedy: "Give the consent that the broker asks for in its portal." },
  app: { what: "the app is of a kind that may not do this", remedy: "Use an app of the kind that this login needs." },
  unknown: { what: "it does not say why", remedy: "Ask the broker's support, and quote its message." }
}

/**
 * A person has to do something at the broker first.
 *
 * @category reasons
 * @since 0.1.0
 */
export class ActionRequired extends Data.TaggedError("ActionRequired")<
  BrokerSaid & {
    /** What has to be done. */
    readonly what: string
  }
> {
  readonly isRetryable = false
  readonly retryAfter = undefined
  override get message(): string {
    // Without other advice the remedy says what has to be done, and an `AuthError` shows both.
    const what = this.advice === undefined ? "" : `: ${this.what.replace(/\.$/, "")}`
    return `Something has to be done first${what}${said(this)}`
  }
  get remedy(): string {
    return this.advice ?? `${this.what.replace(/\.$/, "")}, then try again.`
  }
}

/**
 * No usable answer came: the network failed, time ran out, or the broker is in trouble.
 * The broker may or may not have acted on the request.
 *
 * @category reasons
 * @since 0.1.0
 */
export class BrokerUnavailable extends Data.TaggedError("BrokerUnavailable")<
  BrokerSaid & {
    /** `certificate` and `proxy` are faults between this program and the broker, as most of `network` are. */
    readonly why: "time-out" | "network" | "broker" | "certificate" | "proxy"
    /** HTTP status, if there was one. */
    readonly status?: number | undefined
    /** The operating system's word for it, such as `ECONNREFUSED`. */
    readonly systemCode?: string | undefined
    /** How long the broker asks to wait, at most 15 minutes. */
    readonly retryAfter?: Duration.Duration | undefined
  }
> {
  declare readonly retryAfter: Duration.Duration | undefined
  /** A certificate or a proxy's settings do not mend themselves. */
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

interface Told {
  readonly what: string
  readonly remedy: string
}

const toldByBroker = (what: string): Told => ({
  what: `The broker is not available: ${what}`,
  remedy: "Check the network and the broker's status page, then try again in a moment."
})

const unavailableWhy: Record<BrokerUnavailable["why"], Told> = {
  "time-out": toldByBroker("no answer came in time"),
  network: toldByBroker("the connection failed"),
  broker: toldByBroker("it reports a fault of its own"),
  certificate: {
    what: "No secure connection to the broker: its certificate was not accepted on this machine",
    remedy:
      "Check this machine's clock and its CA certificates (NODE_EXTRA_CA_CERTS), and whether a proxy inspects the traffic. Do not turn the check off: the credentials could go to a stranger."
  },
  proxy: {
    what: "No connection to the broker: the proxy between this machine and the broker failed",
    remedy: "Check the proxy's address and whether it runs and lets this machine through to the broker."
  }
}

const proxyLogin: Told = {
  what: "No connection to the broker: the proxy between this machine and the broker wants a login",
  remedy: "Give the proxy its user name and password, or use another proxy. The broker has not seen the call."
}

const noName: Told = {
  what: "No connection to the broker: this machine could not find the broker's address by its name",
  remedy: "Check this machine's network and DNS, and the spelling of the host if you have set one, then try again."
}

const noRoute: Told = {
  what: "No connection to the broker: this machine could not open one",
  remedy:
    "Check this machine's network and VPN, and whether a firewall blocks connections to the broker, then try again. If other machines cannot connect either, the broker is down."
}

const unavailableBySystem: Readonly<Record<string, Told>> = {
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

const unavailable = ({ status, systemCode = "", why }: BrokerUnavailable): Told => {
  if (status === 407) return proxyLogin
  return (why === "network" ? unavailableBySystem[systemCode] : undefined) ?? unavailableWhy[why]
}

/**
 * An answer came that cannot be understood.
 *
 * @category reasons
 * @since 0.1.0
 */
export class MalformedResponse extends Data.TaggedError("MalformedResponse")<
  BrokerSaid & {
    /** HTTP status. */
    readonly status: number
    /** What was wrong with it. */
    readonly problem: string
    /** The beginning of the body, without values and secrets. */
    readonly excerpt: string
  }
> {
  readonly isRetryable = false
  readonly retryAfter = undefined
  override get message(): string {
    const begins = this.excerpt === "" ? "" : `. It begins: ${this.excerpt}`
    return `The broker's answer (HTTP ${this.status}) cannot be understood: ${this.problem}${begins}`
  }
  get remedy(): string {
    return this.advice ?? "Look whether the broker is under maintenance or a proxy answers in its place."
  }
}

/**
 * The broker said no in a way that its documents do not explain. `code` is what it said; nothing was guessed.
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
    return `The broker said no${said(this)}`
  }
  get remedy(): string {
    return (
      this.advice ?? "Look the code up in the broker's documents. If it concerns logging in, please report it to us."
    )
  }
}

/**
 * One thing that is wrong with what the caller gave.
 *
 * @category models
 * @since 0.1.0
 */
export interface Problem {
  /** Name of the field, and of the environment variable where it came from one. */
  readonly field: string
  /** What is wrong, without the value. */
  readonly problem: string
}

/**
 * What the caller gave cannot be right. Found before anything was sent, unless the broker found it.
 *
 * @category reasons
 * @since 0.1.0
 */
export class InvalidRequest extends Data.TaggedError("InvalidRequest")<
  BrokerSaid & {
    /** Every problem at once. */
    readonly problems: readonly [Problem, ...ReadonlyArray<Problem>]
  }
> {
  readonly isRetryable = false
  readonly retryAfter = undefined
  /** The first field at fault. */
  get field(): string {
    return this.problems[0].field
  }
  override get message(): string {
    const problems = this.problems.map(({ field, problem }) => `${field} ${problem}`).join("; ")
    return `The request cannot be right: ${problems}${said(this)}`
  }
  get remedy(): string {
    const fields = Array.from(new Set(this.problems.map(({ field }) => field)))
    return this.advice ?? `Correct ${fields.join(", ")}.`
  }
}

/**
 * A browser login came back in a way that must not be trusted.
 *
 * @category reasons
 * @since 0.1.0
 */
export class RedirectRejected extends Data.TaggedError("RedirectRejected")<
  BrokerSaid & {
    /** `request-changed` and `request-expired` are of a request that was sealed and kept. */
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
    return `The browser login was not accepted: ${redirectWhy[this.why].what}${said(this)}`
  }
  get remedy(): string {
    return this.advice ?? redirectWhy[this.why].remedy
  }
}

const redirectWhy: Record<RedirectRejected["why"], { readonly what: string; readonly remedy: string }> = {
  state: {
    what: "its state is not the one that this login began with",
    remedy: "Begin again, and complete the login in the same program that began it. Somebody else may have sent this."
  },
  origin: {
    what: "the address is not the registered redirect URL",
    remedy:
      "Complete only what arrives at the redirect URL. If the app has another one at the broker, configure that one to the letter."
  },
  "missing-token": {
    what: "the address brings no token",
    remedy: "Begin again. If it stays so, check the app's kind and redirect URL in the broker's developer portal."
  },
  repeated: {
    what: "a parameter comes more than once, with different values",
    remedy: "Begin again, and give the address unchanged: the broker sends each parameter once."
  },
  "request-changed": {
    what: "the kept request is damaged, or was sealed with another key or for another account",
    remedy: "Begin the login again. If it stays so, give every process the same key and the same account."
  },
  "request-expired": {
    what: "it was begun too long ago",
    remedy: "Begin the login again, and finish it sooner. If it stays so, compare the clocks of your machines."
  },
  denied: { what: "the login was denied", remedy: "Begin again and allow the app." },
  "other-account": {
    what: "another account than the configured one has logged in",
    remedy: "Begin again, and log in with the account that this program is configured for."
  },
  "not-a-url": { what: "this is not an address", remedy: "Give the whole address that the browser was sent to." }
}

/**
 * Everything that can be the reason of an `AuthError`.
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
 * An authentication call failed, and `reason` says how.
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
  /** What was being done, such as `login` or `getProfile`. */
  readonly operation: string
  readonly reason: Reason
}> {
  override get message(): string {
    // Some reasons end with words of the broker or of the caller, full stop included.
    const { message } = this.reason
    return `${this.broker} ${this.operation}: ${message}${/[.!?…]$/.test(message) ? "" : "."} ${this.remedy}`
  }
  /** What to do now, for a person. */
  get remedy(): string {
    return this.reason.remedy
  }
  /** Whether the same call may succeed later without anything being changed. */
  get isRetryable(): boolean {
    return this.reason.isRetryable
  }
  /** How long to wait at least, if that is known. */
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
 * @category constructors
 * @since 0.1.0
 */
export const make = (broker: string, operation: string, reason: Reason): AuthError =>
  new AuthError({ broker, operation, reason })

/**
 * An `AuthError` for a single field that the caller got wrong.
 *
 * @category constructors
 * @since 0.1.0
 */
export const invalidRequest = (broker: string, operation: string, field: string, problem: string): AuthError =>
  make(broker, operation, new InvalidRequest({ problems: [{ field, problem }] }))

/**
 * @category guards
 * @since 0.1.0
 */
export const isAuthError = (value: unknown): value is AuthError => value instanceof AuthError
