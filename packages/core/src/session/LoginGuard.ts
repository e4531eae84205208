/**
 * Limits logins, so that the broker does not lock the account. If a login sends a TOTP code, at most one login is sent
 * in each TOTP period. If the number of failed logins reaches a limit, no further login is sent. The counts are in the
 * store, so they remain after a restart and apply to all programs that share the store.
 *
 * @since 0.1.0
 */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as SecureRandom from "effect/crypto/SecureRandom"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Hex from "effect/encoding/Hex"
import * as Layer from "effect/Layer"
import * as Predicate from "effect/Predicate"
import type * as Redacted from "effect/Redacted"
import type * as Account from "../login/Account.ts"
import * as AuthError from "../login/AuthError.ts"
import * as Expiry from "../login/Expiry.ts"
import { bounded } from "./internal/bounded.ts"
import { refusalOf } from "../broker/internal/guardNumbers.ts"
import * as Ledger from "./internal/ledger.ts"
import * as LoginLedger from "./internal/loginLedger.ts"
import type { GuardPolicy } from "../broker/Renewal.ts"
import { SessionStore } from "./SessionStore.ts"
import type * as VaultError from "./VaultError.ts"

/**
 * The state of the guard for one account. All times are in milliseconds since the epoch.
 *
 * @category models
 * @since 0.1.0
 */
export interface Memory {
  /** When a login was last sent, accepted or refused. The latest of these times counts. */
  readonly attemptedAt: number | undefined
  /** The times at which the broker refused a password or a code, oldest first. */
  readonly refusedAt: ReadonlyArray<number>
  /**
   * The times at which the logins without an answer were sent, oldest first. A login that still waits for its answer is
   * included.
   */
  readonly unansweredAt: ReadonlyArray<number>
  /**
   * When the pause ends. This time may be in the past. A pause starts if a login fails and a retry would not help.
   * During a pause, a login is sent only with `byPerson`.
   */
  readonly pausedUntil: number | undefined
}

/**
 * Options of `protect`.
 *
 * @category models
 * @since 0.1.0
 */
export interface ProtectOptions {
  /**
   * The credentials of the login as one text. The guard stores only a fingerprint of them, so that it can recognize the
   * same credentials later. The fingerprint is made with the key of the store. If the store has no key, the guard does
   * not recognize credentials.
   */
  readonly credentials?: Redacted.Redacted<string> | undefined
  /**
   * Whether the user requested this login. If `true`, the login is sent even during a pause, and even if ten logins in
   * the last hour got no answer. The limit on failed logins still applies.
   */
  readonly byPerson?: boolean | undefined
}

/**
 * Decides whether a login may be sent.
 *
 * @category services
 * @since 0.1.0
 */
export class LoginGuard extends Context.Service<
  LoginGuard,
  {
    /**
     * Runs a login. If the policy has a `step`, at most one login is sent in each TOTP period. If a login was already
     * sent in this period, or if the period ends within 3 seconds, first waits for the next period. The login is
     * recorded in the store before it is sent. The caller must hold the account's `SessionLock`.
     *
     * Fails with `ActionRequired` if the limit on failed logins is reached, if the account is locked, or if the broker
     * has refused these credentials before. During a pause, fails with the reason that started the pause, if that
     * reason is `PermissionDenied`, `SessionLimitReached`, `BrokerRejected` or `ActionRequired`. For any other reason,
     * fails with `ActionRequired`, whose `what` is the message of that reason. If ten logins in the last hour got no
     * answer, fails with `BrokerUnavailable` (`time-out`) for two minutes after the last of them. Fails with
     * `InvalidRequest` if the policy is invalid. In all these cases, nothing is sent.
     */
    readonly protect: <A, E extends AuthError.AuthError | VaultError.VaultError, R>(
      account: Account.Account,
      policy: GuardPolicy,
      login: Effect.Effect<A, E, R>,
      options?: ProtectOptions
    ) => Effect.Effect<A, E | AuthError.AuthError | VaultError.VaultError, R>
    /**
     * Fails as `protect` does if no login may be sent now. Sends nothing, records nothing, and does not wait for the
     * next TOTP period.
     */
    readonly check: (
      account: Account.Account,
      policy: GuardPolicy,
      options?: ProtectOptions
    ) => Effect.Effect<void, AuthError.AuthError | VaultError.VaultError>
    /** The stored state of the account. */
    readonly memory: (account: Account.Account) => Effect.Effect<Memory, VaultError.VaultError>
    /**
     * The times of the failed logins that count towards `maxFailures` now, oldest first. A login without an answer does
     * not count if the broker has accepted the same credentials before. Logins outside the window do not count.
     */
    readonly countedAt: (
      account: Account.Account,
      policy: Pick<GuardPolicy, "window">
    ) => Effect.Effect<ReadonlyArray<number>, VaultError.VaultError>
    /**
     * Removes the stored failed logins, the pauses, and the record that the broker has locked the account. Call `reset`
     * after a person has corrected the credentials. Credentials that the broker has refused stay blocked. To allow them
     * again, pass them as `credentials`. For example, pass `credentials` of a `Renewal`.
     */
    readonly reset: (
      account: Account.Account,
      options?: Pick<ProtectOptions, "credentials">
    ) => Effect.Effect<void, VaultError.VaultError>
  }
>()("@auth/broker-core/session/LoginGuard") {}

/**
 * In milliseconds. No login starts in this last part of a TOTP period, because the code could arrive in the next
 * period. If a period is shorter than 6 seconds, half a period applies instead.
 */
const margin = 3000

const periodOf = (at: number, step: Duration.Duration): number => Math.floor(at / Duration.toMillis(step))

/** How long to wait until a login may be sent, in milliseconds. */
const timeToNextLogin = ({ attemptedAt }: Ledger.Ledger, { step }: GuardPolicy, now: number): number => {
  if (step === undefined) return 0
  const span = Duration.toMillis(step)
  const period = periodOf(now, step)
  const left = (period + 1) * span - now
  // If the recorded period is ten or more periods in the future, the clock was set back. The record is then ignored,
  // because it could block logins for years.
  const last = attemptedAt === undefined ? -1 : periodOf(attemptedAt, step)
  if (last >= period && last - period < 10) return left + (last - period) * span
  return left > Math.min(margin, span / 2) ? 0 : left
}

const actionRequired = ({ broker }: Account.Account, what: string, advice: string) =>
  AuthError.make(broker, "login", new AuthError.ActionRequired({ what, advice }))

const plural = (count: number, verb: string) => `${verb} ${count === 1 ? "a login" : `${count} logins`}`

const budgetUsedUp = (account: Account.Account, within: number, attempts: ReadonlyArray<Ledger.Attempt>) => {
  const refused = attempts.filter(({ outcome }) => outcome === "refused").length
  const open = attempts.length - refused
  const found = [
    ...(refused === 0 ? [] : [plural(refused, "refused")]),
    ...(open === 0 ? [] : [plural(open, "did not answer")])
  ].join(" and ")
  const until = Expiry.toIst(Math.min(...attempts.map(({ at }) => at)) + within)
  return actionRequired(
    account,
    `Check the credentials of ${account.id}: the broker ${found}, and one more failure may lock the account`,
    `Nothing was sent. Correct the credentials, then call LoginGuard.reset, or wait until ${until}.`
  )
}

const refusedBefore = (account: Account.Account) =>
  actionRequired(
    account,
    `Check the credentials of ${account.id}: the broker has refused them before`,
    "Nothing was sent. Correct the credentials. If they are right, pass them to LoginGuard.reset to allow them again."
  )

const stillLocked = (account: Account.Account, { said }: Ledger.Lock) =>
  actionRequired(
    account,
    `Unlock ${account.id}: ${said.message}`,
    `Nothing was sent. ${said.remedy} Then call LoginGuard.reset.`
  )

const textOf = (value: unknown): string | undefined => (Predicate.isString(value) ? value : undefined)

const saidOf = ({ reason }: AuthError.AuthError): Ledger.Said => ({
  tag: reason._tag,
  why: "why" in reason ? textOf(reason.why) : undefined,
  what: "what" in reason ? textOf(reason.what) : undefined,
  code: reason.code,
  brokerMessage: reason.brokerMessage,
  message: reason.message,
  remedy: reason.remedy
})

const deniedWhys: ReadonlyArray<AuthError.PermissionDenied["why"]> = [
  "ip",
  "waf",
  "subscription",
  "activation",
  "consent",
  "app",
  "unknown"
]

/** Makes an error that repeats the broker's last error, and adds the time of the next try. */
const paused = ({ broker }: Account.Account, { length, said, since }: Ledger.Pause) => {
  const { brokerMessage, code, what } = said
  // If an `ActionRequired` has no advice, its remedy is `what`. The message already contains `what`, so it is not
  // repeated.
  const isSaid = said.tag === "ActionRequired" && what !== undefined && said.remedy.startsWith(what.replace(/\.$/, ""))
  const remedy = isSaid ? "" : ` ${said.remedy}`
  const advice = `Nothing was sent.${remedy} The next try is at ${Expiry.toIst(since + length)}.`
  const common = { advice, code, brokerMessage }
  const why = deniedWhys.find((known) => known === said.why)
  if (said.tag === "PermissionDenied" && why !== undefined) {
    return AuthError.make(broker, "login", new AuthError.PermissionDenied({ ...common, why }))
  }
  if (said.tag === "SessionLimitReached") {
    return AuthError.make(broker, "login", new AuthError.SessionLimitReached(common))
  }
  if (said.tag === "BrokerRejected") {
    return AuthError.make(broker, "login", new AuthError.BrokerRejected({ ...common, code: code ?? "none" }))
  }
  return AuthError.make(
    broker,
    "login",
    said.tag === "ActionRequired"
      ? new AuthError.ActionRequired({ ...common, what: what ?? said.message })
      : new AuthError.ActionRequired({ advice, what: said.message })
  )
}

const tooManyUnanswered = ({ broker }: Account.Account, until: number) =>
  AuthError.make(
    broker,
    "login",
    new AuthError.BrokerUnavailable({
      why: "time-out",
      advice: `Ten logins in the last hour got no answer. The next login can be sent at ${Expiry.toIst(until)}. Check the network.`
    })
  )

/** Matches system codes of connections that were never made. The broker received nothing. */
const neverConnected =
  /^(ECONNREFUSED|ENOTFOUND|EAI_\w+|EHOSTUNREACH|ENETUNREACH|EACCES|EPERM|UND_ERR_CONNECT_TIMEOUT)$/

type Answer = "nothing-sent" | "none" | "refused" | "locked" | "passing" | "final"

const isOfTheBroker = ({ brokerMessage, code }: AuthError.BrokerSaid): boolean =>
  code !== undefined || brokerMessage !== undefined

/** Classifies the failure of a login. The class depends on whether the broker received the login, and on its answer. */
const classify = ({ reason }: AuthError.AuthError): Answer => {
  switch (reason._tag) {
    case "InvalidCredentials":
    case "InvalidStepUpCode":
      return "refused"
    case "AccountLocked":
      return "locked"
    case "RateLimited":
      return "passing"
    case "BrokerUnavailable":
      if (reason.why === "certificate" || reason.why === "proxy" || reason.status === 407) return "nothing-sent"
      if (reason.systemCode !== undefined && neverConnected.test(reason.systemCode)) return "nothing-sent"
      return reason.why === "broker" && reason.status !== 502 && reason.status !== 504 ? "passing" : "none"
    // If the reason has neither a code nor a message from the broker, this program failed before it sent anything.
    case "InvalidRequest":
    case "ActionRequired":
      return isOfTheBroker(reason) ? "final" : "nothing-sent"
    case "SessionExpired":
      // After a logout in this program, the login is not sent.
      return reason.why === "logged-out" && !isOfTheBroker(reason) ? "nothing-sent" : "final"
    default:
      return "final"
  }
}

/**
 * Makes a guard that keeps its state in `store`.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = (store: SessionStore["Service"]): LoginGuard["Service"] => {
  const { fingerprint, read, remember, write } = LoginLedger.make(store)

  /** Returns the error if no login may be sent, or `undefined` if a login may be sent. */
  const refusalToSend = (
    account: Account.Account,
    ledger: Ledger.Ledger,
    policy: GuardPolicy,
    now: number,
    { byPerson, credentials }: { readonly byPerson: boolean; readonly credentials: string | undefined }
  ): AuthError.AuthError | undefined => {
    const { locked, pause, refused } = ledger
    if (locked !== undefined) return stillLocked(account, locked)
    if (credentials !== undefined && refused.includes(credentials)) return refusedBefore(account)
    const within = Duration.toMillis(policy.window)
    const attempts = Ledger.counted(ledger, within, now)
    if (attempts.length >= policy.maxFailures) return budgetUsedUp(account, within, attempts)
    if (byPerson) return undefined
    if (pause !== undefined && Ledger.isWithin(pause.since, pause.length, now)) return paused(account, pause)
    const until = Ledger.throttledUntil(ledger, now)
    return until === undefined ? undefined : tooManyUnanswered(account, until)
  }

  const enter = Effect.fnUntraced(function* (
    account: Account.Account,
    policy: GuardPolicy,
    options: { readonly byPerson: boolean; readonly credentials: string | undefined }
  ) {
    const invalid = refusalOf(account.broker, policy)
    if (invalid !== undefined) return yield* Effect.fail(invalid)
    const id = Hex.encode(SecureRandom.randomBytesUnsafe(8))
    while (true) {
      const { ledger, version } = yield* read(account)
      const now = yield* Clock.currentTimeMillis
      const refusal = refusalToSend(account, ledger, policy, now, options)
      if (refusal !== undefined) return yield* Effect.fail(refusal)
      const wait = timeToNextLogin(ledger, policy, now)
      if (wait > 0) {
        yield* Effect.sleep(Duration.millis(wait))
        continue
      }
      const attempt: Ledger.Attempt = { id, at: now, credentials: options.credentials, outcome: "open" }
      const within = Duration.toMillis(policy.window)
      if (yield* write(account, Ledger.enter(ledger, attempt, within), version)) return attempt
    }
  })

  const failed = ({ credentials, id }: Ledger.Attempt, error: AuthError.AuthError, now: number) => {
    const answer = classify(error)
    return (ledger: Ledger.Ledger): Ledger.Ledger => {
      if (answer === "none") return ledger
      if (answer === "refused") {
        const refused = Ledger.refuse(ledger, id, now)
        return error.reason._tag === "InvalidCredentials" ? Ledger.refuseCredentials(refused, credentials) : refused
      }
      const without = Ledger.removeAttempt(ledger, id)
      if (answer === "locked") return { ...without, locked: { since: now, said: saidOf(error) } }
      return answer === "final" ? Ledger.startPause(without, saidOf(error), now) : without
    }
  }

  return {
    countedAt: Effect.fnUntraced(function* (account, { window }) {
      const { ledger } = yield* read(account)
      const counted = Ledger.counted(ledger, Duration.toMillis(window), yield* Clock.currentTimeMillis)
      return counted.map(({ at }) => at).toSorted((left, right) => left - right)
    }),
    check: Effect.fnUntraced(function* (account, policy, options = {}) {
      const credentials = yield* fingerprint(options.credentials)
      const invalid = refusalOf(account.broker, policy)
      if (invalid !== undefined) return yield* Effect.fail(invalid)
      const { ledger } = yield* read(account)
      const now = yield* Clock.currentTimeMillis
      const given = { byPerson: options.byPerson === true, credentials }
      const refusal = refusalToSend(account, ledger, policy, now, given)
      return yield* refusal === undefined ? Effect.void : Effect.fail(refusal)
    }),
    protect: Effect.fnUntraced(function* (account, policy, login, options = {}) {
      const credentials = yield* fingerprint(options.credentials)
      return yield* Effect.uninterruptibleMask((restore) =>
        Effect.flatMap(
          restore(enter(account, policy, { byPerson: options.byPerson === true, credentials })),
          (attempt) =>
            Effect.matchEffect(restore(login), {
              // If the result cannot be stored, the caller still gets the broker's error.
              onFailure: (error) =>
                Effect.flatMap(Clock.currentTimeMillis, (now) =>
                  Effect.andThen(
                    Effect.ignore(
                      remember(
                        account,
                        AuthError.isAuthError(error)
                          ? failed(attempt, error, now)
                          : // A `VaultError` comes from a check before the login, so nothing was sent.
                            (ledger) => Ledger.removeAttempt(ledger, attempt.id)
                      )
                    ),
                    Effect.fail(error)
                  )
                ),
              onSuccess: (value) =>
                Effect.flatMap(Clock.currentTimeMillis, (now) =>
                  Effect.as(
                    Effect.ignore(remember(account, (ledger) => Ledger.accept(ledger, credentials, now))),
                    value
                  )
                )
            })
        )
      )
    }),
    memory: (account) =>
      Effect.map(read(account), ({ ledger: { attemptedAt, attempts, pause } }) => ({
        attemptedAt,
        refusedAt: attempts.filter(({ outcome }) => outcome === "refused").map(({ at }) => at),
        unansweredAt: attempts.filter(({ outcome }) => outcome === "open").map(({ at }) => at),
        pausedUntil: pause === undefined ? undefined : pause.since + pause.length
      })),
    reset: (account, options = {}) =>
      Effect.flatMap(fingerprint(options.credentials), (credentials) =>
        remember(account, (ledger) => Ledger.reset(ledger, credentials))
      )
  }
}

/**
 * Returns the account under which a store keeps the state of the guard, in the slot `guard`. Its app is `*`, and its id
 * is in lower case, because a broker locks an account for all apps and all spellings of its id.
 *
 * @example
 * ```ts
 * import * as Account from "@auth/broker-core/login/Account"
 * import * as LoginGuard from "@auth/broker-core/session/LoginGuard"
 *
 * LoginGuard.placeOf(Account.make({ broker: "angel", app: "my-app", id: "A123456" })).id // => "a123456"
 * ```
 *
 * @category accessors
 * @since 0.1.0
 */
export const placeOf = (account: Account.Account): Account.Account => Ledger.placeOf(account)

/**
 * A guard that keeps its state in the session store.
 *
 * @example
 * ```ts
 * import * as Account from "@auth/broker-core/login/Account"
 * import * as LoginGuard from "@auth/broker-core/session/LoginGuard"
 * import * as Vault from "@auth/broker-core/session/Vault"
 * import * as Effect from "effect/Effect"
 * import * as Layer from "effect/Layer"
 *
 * // The credentials were corrected: logins may be sent again.
 * const program = Effect.gen(function* () {
 *   const guard = yield* LoginGuard.LoginGuard
 *   yield* guard.reset(Account.make({ broker: "angel", id: "A123456" }))
 * }).pipe(Effect.provide(LoginGuard.layer.pipe(Layer.provide(Vault.layerMemory))))
 * ```
 *
 * @category layers
 * @since 0.1.0
 */
export const layer: Layer.Layer<LoginGuard, never, SessionStore> = Layer.effect(
  LoginGuard,
  Effect.map(SessionStore, (store) => make(bounded(store)))
)
