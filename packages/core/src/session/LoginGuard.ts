/**
 * Limits logins, so that the broker does not lock the account. If a login sends a TOTP code, at most one login is sent
 * in each TOTP period. If the number of failed logins reaches a limit, no further login is sent. The limits apply to
 * all programs that share the store. If the store survives a restart, earlier logins still count.
 *
 * @since 0.1.0
 */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as SecureRandom from "effect/crypto/SecureRandom"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Hex from "effect/encoding/Hex"
import * as Layer from "effect/Layer"
import * as Predicate from "effect/Predicate"
import type * as Redacted from "effect/Redacted"
import type * as Account from "../login/Account.ts"
import * as AuthError from "../login/AuthError.ts"
import { isMadeBySource } from "../login/internal/codeSources.ts"
import { Departure } from "../login/internal/departure.ts"
import { LoginAttempt } from "../login/internal/loginAttempt.ts"
import { bounded } from "./internal/bounded.ts"
import { refusalOf } from "../broker/internal/guardNumbers.ts"
import * as GuardErrors from "./internal/guardErrors.ts"
import * as Ledger from "./internal/ledger.ts"
import { classify, isLoggedOut } from "./internal/loginAnswer.ts"
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
  /**
   * The time of the latest of these events:
   *
   * - A login or a one-time code was sent.
   * - The broker accepted a login.
   * - A login failed because the broker refused its password or code.
   */
  readonly attemptedAt: number | undefined
  /** The times at which the broker refused a password or a code, oldest first. */
  readonly refusedAt: ReadonlyArray<number>
  /**
   * The times at which the logins without an answer were sent, oldest first. A login that waits for its one-time code
   * is not included.
   */
  readonly unansweredAt: ReadonlyArray<number>
  /**
   * The end of the latest pause, which may be in the past. During a pause, a login is sent only with `byPerson`. A
   * pause starts in these cases:
   *
   * - A login fails, and the same login would fail again.
   * - A login fails after the broker has sent a code by SMS or email.
   * - Two or more logins within an hour ended before their one-time code was entered.
   *
   * In the first two cases, these failures start no pause:
   *
   * - The broker refuses a password or a code.
   * - The broker has locked the account.
   * - The account is logged out while the login waits for a code, and no code of this login was refused.
   * - The login fails with a `VaultError`.
   */
  readonly pausedUntil: number | undefined
  /**
   * Set if a login failed because the broker has locked the account. `at` is the time of the failure, and `message` is
   * the message of the error. Until `reset` is called, no login is sent, not even with `byPerson`.
   */
  readonly locked: { readonly at: number; readonly message: string } | undefined
}

/**
 * Options of `protect`.
 *
 * @category models
 * @since 0.1.0
 */
export interface ProtectOptions {
  /**
   * The credentials of the login as one text. The guard stores only a fingerprint, made with the key of the store.
   * Without a key, the guard does not recognize credentials that the broker has refused or accepted before.
   */
  readonly credentials?: Redacted.Redacted<string> | undefined
  /**
   * Whether the user requested this login. If `true`, the login is sent even during a pause, and even if ten or more
   * logins in the last hour got no answer. A locked account, refused credentials, and the limit on failed logins still
   * prevent the login. Default: `false`.
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
     * Runs a login. The caller must hold the account's `SessionLock`.
     *
     * The `step` of the policy is the length of a TOTP period. If `step` is set, at most one login is sent in each
     * period. If a login was already sent in the current period, `protect` waits for the next period. `protect` also
     * waits if the current period ends within 3 seconds.
     *
     * Sends nothing and fails in these cases:
     *
     * - The policy is invalid: `InvalidRequest`.
     * - The limit on failed logins is reached, the account is locked, or the broker has refused these credentials
     *   before: `ActionRequired`.
     * - The pause after a failed login has not ended. If the login failed with `PermissionDenied`,
     *   `SessionLimitReached`, `BrokerRejected` or `ActionRequired`, `protect` fails with the same reason. Otherwise,
     *   `protect` fails with `ActionRequired`, and `what` is the message of the earlier reason.
     * - Two or more logins within an hour ended before their one-time code was entered, and the pause after the last of
     *   these logins has not ended: `ActionRequired`. The pause lasts 1 minute after two of these logins, 2 minutes
     *   after three, 5 minutes after four, and 10 minutes after more.
     * - Ten or more logins in the last hour got no answer, and the last of them was sent less than two minutes ago:
     *   `BrokerUnavailable`, whose `why` is `time-out`.
     *
     * The last three cases do not apply if `byPerson` is `true`.
     */
    readonly protect: <A, E extends AuthError.AuthError | VaultError.VaultError, R>(
      account: Account.Account,
      policy: GuardPolicy,
      login: Effect.Effect<A, E, R>,
      options?: ProtectOptions
    ) => Effect.Effect<A, E | AuthError.AuthError | VaultError.VaultError, R>
    /**
     * Fails with the same error as `protect` if no login may be sent now. Sends nothing, records nothing, and does not
     * wait for the next TOTP period.
     */
    readonly check: (
      account: Account.Account,
      policy: GuardPolicy,
      options?: ProtectOptions
    ) => Effect.Effect<void, AuthError.AuthError | VaultError.VaultError>
    /** The stored state of the account. */
    readonly memory: (account: Account.Account) => Effect.Effect<Memory, VaultError.VaultError>
    /**
     * The times of the failed logins that count towards `maxFailures` now, oldest first. A login without an answer also
     * counts, unless the broker has accepted the same credentials before.
     */
    readonly countedAt: (
      account: Account.Account,
      policy: Pick<GuardPolicy, "window">
    ) => Effect.Effect<ReadonlyArray<number>, VaultError.VaultError>
    /**
     * Removes the stored failed logins, the pauses, and the record that the broker has locked the account. Call `reset`
     * after a person has corrected the credentials. Refused credentials stay blocked. To allow them again, pass the
     * option `credentials` with the text that `protect` received. A `SessionManager` passes `Renewal.credentials` to
     * `protect`.
     */
    readonly reset: (
      account: Account.Account,
      options?: Pick<ProtectOptions, "credentials">
    ) => Effect.Effect<void, VaultError.VaultError>
  }
>()("@auth/broker-core/session/LoginGuard") {}

/** In milliseconds. Close to the end of a TOTP period, no login starts, because the code could be late. */
const margin = 3000

const periodOf = (at: number, step: Duration.Duration): number => Math.floor(at / Duration.toMillis(step))

/** In milliseconds. */
const timeToNextLogin = ({ attemptedAt }: Ledger.Ledger, { step }: GuardPolicy, now: number): number => {
  if (step === undefined) return 0
  const span = Duration.toMillis(step)
  const period = periodOf(now, step)
  const left = (period + 1) * span - now
  // If `last` is ten or more periods ahead, the clock was set back. Then `last` is ignored, because the wait could
  // last years.
  const last = attemptedAt === undefined ? -1 : periodOf(attemptedAt, step)
  if (last >= period && last - period < 10) return left + (last - period) * span
  return left > Math.min(margin, span / 2) ? 0 : left
}

interface Protected {
  readonly account: Account.Account
  readonly policy: GuardPolicy
  readonly byPerson: boolean
  /** The fingerprint. */
  readonly credentials: string | undefined
}

interface Sent {
  /** The last entry of this login in the ledger. */
  attempt: Ledger.Attempt
  failuresLeft: number
  /** Contains the time at which `BrokerClient` sent the first request of the login. */
  readonly departure: Departure
  /** Whether the broker has sent a code by SMS or email. */
  isCodeOrdered: boolean
  /** Whether the login has started and may send requests without `BrokerClient`. */
  mayBeUnknown: boolean
}

type Restore = <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R>

const newId = (): string => Hex.encode(SecureRandom.randomBytesUnsafe(8))

/**
 * Makes a guard that keeps its state in `store`.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = (store: SessionStore["Service"]): LoginGuard["Service"] => {
  const { fingerprint, note, read, remember, write } = LoginLedger.make(store)

  const refusalToSend = (
    { account, byPerson, credentials, policy }: Protected,
    ledger: Ledger.Ledger,
    now: number
  ): AuthError.AuthError | undefined => {
    const { locked, pause, refused } = ledger
    if (locked !== undefined) return GuardErrors.stillLocked(account, locked)
    if (credentials !== undefined && refused.includes(credentials)) return GuardErrors.refusedBefore(account)
    const within = Duration.toMillis(policy.window)
    const attempts = Ledger.counted(ledger, within, now)
    const { maxFailures } = policy
    if (attempts.length >= maxFailures) return GuardErrors.budgetUsedUp(account, { maxFailures, within }, attempts)
    if (byPerson) return undefined
    if (pause !== undefined && Ledger.isWithin(pause.since, pause.length, now)) {
      return GuardErrors.paused(account, pause)
    }
    const nextCode = Ledger.nextCodeAt(ledger, now)
    if (nextCode !== undefined) return GuardErrors.codesAbandoned(account, nextCode)
    const until = Ledger.throttledUntil(ledger, now)
    return until === undefined ? undefined : GuardErrors.tooManyUnanswered(account, until)
  }

  /**
   * After a failed or interrupted write, the store may contain an attempt that is never sent. So the attempt is
   * removed, or replaced by the earlier attempt with the same id.
   */
  const takingBack = <E>(
    account: Account.Account,
    { id }: Ledger.Attempt,
    before: Ledger.Ledger,
    written: Effect.Effect<boolean, E>
  ) => {
    const earlier = before.attempts.find((attempt) => attempt.id === id)
    const takeBack = note(account, (ledger) =>
      earlier === undefined ? Ledger.removeAttempt(ledger, id) : Ledger.putAttempt(ledger, earlier)
    )
    return Effect.onExit(written, (exit) => (Exit.isSuccess(exit) ? Effect.void : takeBack))
  }

  /**
   * Records a login or a one-time code before it is sent. Only the parts in `restore` can be interrupted.
   * Otherwise, an interruption after the write could leave an unsent login in the ledger.
   */
  const enter = Effect.fnUntraced(function* (
    given: Protected,
    id: string,
    timeToNext: typeof timeToNextLogin,
    restore: Restore
  ) {
    const { account, credentials, policy } = given
    let writes = 0
    while (writes < LoginLedger.maxWrites) {
      const found = yield* restore(read(account))
      const now = yield* Clock.currentTimeMillis
      const refusal = refusalToSend(given, found.ledger, now)
      if (refusal !== undefined) return yield* Effect.fail(refusal)
      const wait = timeToNext(found.ledger, policy, now)
      if (wait > 0) {
        yield* restore(Effect.sleep(Duration.millis(wait)))
        continue
      }
      const attempt: Ledger.Attempt = { id, at: now, credentials, outcome: "open" }
      const within = Duration.toMillis(policy.window)
      const failuresLeft = policy.maxFailures - Ledger.counted(found.ledger, within, now).length
      const written = restore(write(account, Ledger.enter(found.ledger, attempt, within), found))
      if (yield* takingBack(account, attempt, found.ledger, written)) return { attempt, failuresLeft }
      writes += 1
    }
    return yield* LoginLedger.keepsChanging
  })

  const sendLogin = Effect.fnUntraced(function* (given: Protected, restore: Restore) {
    const invalid = refusalOf(given.account.broker, given.policy)
    if (invalid !== undefined) return yield* Effect.fail(invalid)
    return yield* enter(given, newId(), timeToNextLogin, restore)
  })

  /**
   * `then` is the time of the event that `change` records. If a login was accepted or the ledger was reset after
   * `then`, `otherwise` is applied.
   */
  const unlessSettled =
    (then: number, change: (ledger: Ledger.Ledger) => Ledger.Ledger, otherwise = (ledger: Ledger.Ledger) => ledger) =>
    (ledger: Ledger.Ledger): Ledger.Ledger =>
      Ledger.isSettledSince(ledger, then) ? otherwise(ledger) : change(ledger)

  const attemptOf = (given: Protected, sent: Sent): LoginAttempt => {
    const { account } = given
    const sendCode = Effect.uninterruptibleMask((restore) => {
      const { id, outcome } = sent.attempt
      // A pause applies only to new logins. With `byPerson`, `enter` ignores the pause.
      const entered = enter({ ...given, byPerson: true }, outcome === "refused" ? newId() : id, () => 0, restore)
      return Effect.map(entered, (now) => void Object.assign(sent, now))
    })
    const set = (outcome: "awaits-code" | "refused") =>
      Effect.flatMap(Clock.currentTimeMillis, (at) => {
        const attempt: Ledger.Attempt = { ...sent.attempt, at, outcome }
        sent.attempt = attempt
        const put = (ledger: Ledger.Ledger) => Ledger.putAttempt(ledger, attempt)
        return note(account, put, unlessSettled(at, put))
      }).pipe(Effect.uninterruptible)
    return {
      codeAwaited: Effect.suspend(() => {
        sent.isCodeOrdered = true
        // The outcome `refused` is kept, so that the attempt counts as a failure.
        return sent.attempt.outcome === "refused" ? Effect.void : set("awaits-code")
      }),
      asking: (ask) =>
        Effect.suspend(() => {
          if (sent.attempt.outcome !== "open") return ask
          // The broker has answered the request that contained the password, so the open attempt is removed.
          // `beforeCode` records the attempt again if the program sends a code.
          const { id } = sent.attempt
          sent.attempt = { ...sent.attempt, outcome: "awaits-code" }
          const answered = note(account, (ledger) => Ledger.removeAttempt(ledger, id))
          return Effect.andThen(Effect.uninterruptible(answered), ask)
        }),
      beforeCode: Effect.suspend(() =>
        sent.attempt.outcome === "open"
          ? Effect.void
          : Effect.catchTag(sendCode, "VaultError", (error) => Effect.fail(GuardErrors.notEntered(account, error)))
      ),
      codeRefused: Effect.suspend(() => {
        if (sent.attempt.outcome === "refused") return Effect.void
        sent.failuresLeft -= 1
        return set("refused")
      }),
      byClient: Effect.sync(() => void (sent.mayBeUnknown = false)),
      failuresLeft: () => sent.failuresLeft
    }
  }

  const failed = (sent: Sent, error: AuthError.AuthError, isOwn: boolean, now: number) => {
    const { attempt } = sent
    const answer = isOwn ? classify(error, sent.departure.at !== undefined) : "nothing-sent"
    return (ledger: Ledger.Ledger): Ledger.Ledger => {
      if (sent.isCodeOrdered && attempt.outcome === "awaits-code" && isLoggedOut(error)) return ledger
      const paused = (before: Ledger.Ledger) =>
        Ledger.startPause(before, { ...GuardErrors.saidOf(error), needsPerson: sent.isCodeOrdered || undefined }, now)
      // If the broker has sent a code, the next login would make the broker send another code. So a pause follows.
      if (answer === "none" && attempt.outcome === "open") {
        const kept = Ledger.putAttempt(ledger, attempt)
        return sent.isCodeOrdered ? paused(kept) : kept
      }
      if (answer === "refused") {
        const refused = Ledger.refuse(ledger, attempt, now)
        return error.reason._tag === "InvalidCredentials"
          ? Ledger.refuseCredentials(refused, attempt.credentials)
          : refused
      }
      const without = Ledger.removeAttempt(ledger, attempt.id)
      if (answer === "locked") return { ...without, locked: { since: now, said: GuardErrors.saidOf(error) } }
      return answer === "final" || sent.isCodeOrdered ? paused(without) : without
    }
  }

  const changeAfter = (sent: Sent, error: AuthError.AuthError | VaultError.VaultError, isOwn: boolean, now: number) =>
    AuthError.isAuthError(error)
      ? failed(sent, error, isOwn, now)
      : // The store or the lock failed before the login or the code was sent.
        (ledger: Ledger.Ledger) =>
          sent.isCodeOrdered && sent.attempt.outcome === "awaits-code"
            ? ledger
            : Ledger.removeAttempt(ledger, sent.attempt.id)

  /**
   * If the write fails, the next write records the failed login. If a login was accepted or the ledger was reset in the
   * meantime, the next write records only refused credentials.
   */
  const noteFailure = (
    { account, credentials }: Protected,
    sent: Sent,
    error: AuthError.AuthError | VaultError.VaultError,
    now: number
  ) => {
    // A source of one-time codes can fail with its own error, or with the error of another broker. Neither error is an
    // answer to this login.
    const isOwn = AuthError.isAuthError(error) && error.broker === account.broker && !isMadeBySource(error)
    const change = changeAfter(sent, error, isOwn, now)
    const refused = (ledger: Ledger.Ledger) =>
      isOwn && error.reason._tag === "InvalidCredentials" ? Ledger.refuseCredentials(ledger, credentials) : ledger
    return note(account, change, unlessSettled(now, change, refused))
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
      const given = { account, policy, byPerson: options.byPerson === true, credentials }
      const refusal = refusalToSend(given, ledger, now)
      return yield* refusal === undefined ? Effect.void : Effect.fail(refusal)
    }),
    protect: Effect.fnUntraced(function* (account, policy, login, options = {}) {
      const credentials = yield* fingerprint(options.credentials)
      const given = { account, policy, byPerson: options.byPerson === true, credentials }
      return yield* Effect.uninterruptibleMask((restore) =>
        Effect.flatMap(sendLogin(given, restore), (entered) =>
          Effect.flatMap(Departure, (outer) => {
            const sent: Sent = {
              ...entered,
              departure: { at: undefined, outer },
              isCodeOrdered: false,
              mayBeUnknown: false
            }
            const started = Effect.suspend(() => {
              sent.mayBeUnknown = true
              return login
            })
            const reporting = started.pipe(
              Effect.provideService(Departure, sent.departure),
              Effect.provideService(LoginAttempt, attemptOf(given, sent))
            )
            // If the login is interrupted before anything was sent, its attempt is removed.
            const sending = Effect.onInterrupt(restore(reporting), () =>
              sent.mayBeUnknown || sent.departure.at !== undefined
                ? Effect.void
                : note(account, (ledger) => Ledger.removeAttempt(ledger, sent.attempt.id))
            )
            // If the broker's answer cannot be stored, the caller still gets the answer.
            return Effect.matchEffect(sending, {
              onFailure: (error) =>
                Effect.flatMap(Clock.currentTimeMillis, (now) =>
                  Effect.andThen(noteFailure(given, sent, error, now), Effect.fail(error))
                ),
              onSuccess: (value) =>
                Effect.flatMap(Clock.currentTimeMillis, (now) =>
                  Effect.as(
                    note(
                      account,
                      (ledger) => Ledger.accept(ledger, credentials, now),
                      (ledger) => Ledger.acceptLate(ledger, credentials, now)
                    ),
                    value
                  )
                )
            })
          })
        )
      )
    }),
    memory: Effect.fnUntraced(function* (account) {
      const { ledger } = yield* read(account)
      const { attemptedAt, attempts, locked } = ledger
      const now = yield* Clock.currentTimeMillis
      const ends = [Ledger.pauseEnd(ledger, now), Ledger.nextCodeAt(ledger, now)].filter(Predicate.isNotUndefined)
      const timesOf = (wanted: Ledger.Attempt["outcome"]) =>
        attempts
          .filter(({ outcome }) => outcome === wanted)
          .map(({ at }) => at)
          .toSorted((one, other) => one - other)
      return {
        attemptedAt,
        refusedAt: timesOf("refused"),
        unansweredAt: timesOf("open"),
        pausedUntil: ends.length === 0 ? undefined : Math.max(...ends),
        locked: locked && { at: locked.since, message: locked.said.message }
      }
    }),
    reset: (account, options = {}) =>
      Effect.flatMap(Effect.all([fingerprint(options.credentials), Clock.currentTimeMillis]), ([credentials, now]) =>
        remember(account, (ledger) => Ledger.reset(ledger, credentials, now))
      )
  }
}

/**
 * Returns the account under which a store keeps the state of the guard, in the slot `guard`. A broker locks an account
 * for all apps and for all spellings of the id. So the returned account has the app `*` and an id in lower case.
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
