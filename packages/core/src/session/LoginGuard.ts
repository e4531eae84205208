/**
 * Limits logins, so that the broker does not lock the account. If a login sends a TOTP code, at most one login is sent
 * in each TOTP period. If the number of failed logins reaches a limit, no further login is sent. The limits apply to
 * all programs that share the store. If the store keeps its entries when a program restarts, logins from before the
 * restart also count.
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
   * The time of the latest of these events: the program sent a login or a one-time code, the broker accepted a login,
   * or a login failed because the broker refused its password or its code.
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
   * The time until which logins are paused. It may be in the past. During a pause, a login is sent only with
   * `byPerson`. A pause starts in these cases:
   *
   * - A login fails, and the same login would fail again.
   * - A login fails after the broker has sent a code by SMS or email.
   * - Two or more logins within an hour ended before their one-time code was entered.
   *
   * In the first two cases, no pause starts if the broker refuses a password or a code, if the broker has locked the
   * account, or if the account is logged out while the login waits for its code.
   */
  readonly pausedUntil: number | undefined
  /**
   * Set if a login failed because the broker has locked the account. `at` is the time of this failure, and `message` is
   * the message of its error. Then no login is sent until `reset` is called, not even with `byPerson`.
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
   * The credentials of the login as one text. The guard stores only their fingerprint, which is made with the key of
   * the store. If the store has no key, the guard cannot tell whether the broker has refused or accepted the
   * credentials before.
   */
  readonly credentials?: Redacted.Redacted<string> | undefined
  /**
   * Whether the user requested this login. If `true`, the login is sent even during a pause, and even if ten or more
   * logins in the last hour got no answer. Even with `true`, the login is not sent if the limit on failed logins is
   * reached, if the broker has locked the account, or if the broker has refused these credentials before.
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
     * The `step` of the policy is the length of a TOTP period. If it is set, at most one login is sent in each TOTP
     * period. If a login was already sent in the current period, or if this period ends within 3 seconds, `protect`
     * first waits for the next period.
     *
     * Sends nothing and fails in these cases:
     *
     * - The policy is invalid: `InvalidRequest`.
     * - The limit on failed logins is reached, the account is locked, or the broker has refused these credentials
     *   before: `ActionRequired`.
     * - An earlier login failed, and the pause after it has not ended. If that login failed with `PermissionDenied`,
     *   `SessionLimitReached`, `BrokerRejected` or `ActionRequired`, then `protect` fails with the same reason. After
     *   any other reason, `protect` fails with `ActionRequired`, and `what` is the message of the earlier reason.
     * - Two or more logins within an hour ended before their one-time code was entered, and the pause after the last of
     *   them has not ended: `ActionRequired`. The pause after the second of these logins lasts 1 minute, after the
     *   third 2 minutes, after the fourth 5 minutes, and after each later one 10 minutes.
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
     * after a person has corrected the credentials. Credentials that the broker has refused stay blocked. To allow them
     * again, pass them as `credentials`. The field `credentials` of a `Renewal` has the text that `reset` needs.
     */
    readonly reset: (
      account: Account.Account,
      options?: Pick<ProtectOptions, "credentials">
    ) => Effect.Effect<void, VaultError.VaultError>
  }
>()("@auth/broker-core/session/LoginGuard") {}

/**
 * No login starts in the last part of a TOTP period, because the code could arrive in the next period. This part lasts
 * `margin` milliseconds, or half a period if that is shorter.
 */
const margin = 3000

const periodOf = (at: number, step: Duration.Duration): number => Math.floor(at / Duration.toMillis(step))

/** Returns how many milliseconds the guard must wait before it may send a login. */
const timeToNextLogin = ({ attemptedAt }: Ledger.Ledger, { step }: GuardPolicy, now: number): number => {
  if (step === undefined) return 0
  const span = Duration.toMillis(step)
  const period = periodOf(now, step)
  const left = (period + 1) * span - now
  // A recorded period that is ten or more periods in the future shows that the clock was set back. It is ignored,
  // because it could block logins for years.
  const last = attemptedAt === undefined ? -1 : periodOf(attemptedAt, step)
  if (last >= period && last - period < 10) return left + (last - period) * span
  return left > Math.min(margin, span / 2) ? 0 : left
}

/** The arguments of `protect`. `credentials` is the fingerprint. */
interface Protected {
  readonly account: Account.Account
  readonly policy: GuardPolicy
  readonly byPerson: boolean
  readonly credentials: string | undefined
}

/** A login that `enter` has recorded. `attempt` is the last entry of this login in the ledger. */
interface Sent {
  attempt: Ledger.Attempt
  failuresLeft: number
  readonly departure: Departure
  /** Whether the broker has sent a code by SMS or email. */
  isCodeOrdered: boolean
  /** `true` if the login has started, and if it may send requests that `departure` does not record. */
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
   * If the write of an attempt fails or is interrupted, nothing is sent, but the store may contain the attempt. So the
   * attempt is removed. If the attempt replaced an earlier attempt with the same id, the earlier attempt is put back.
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
   * Records a login or a one-time code before it is sent. Only the parts in `restore` may be interrupted. If an
   * interruption were possible between the write and the login, the ledger could contain a login that was not sent.
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
   * `change` records an event that happened at the time `then`. If a login was accepted or the ledger was reset after
   * `then`, the event is out of date, and `otherwise` is applied in place of `change`.
   */
  const unlessSettled =
    (then: number, change: (ledger: Ledger.Ledger) => Ledger.Ledger, otherwise = (ledger: Ledger.Ledger) => ledger) =>
    (ledger: Ledger.Ledger): Ledger.Ledger =>
      Ledger.isSettledSince(ledger, then) ? otherwise(ledger) : change(ledger)

  const attemptOf = (given: Protected, sent: Sent): LoginAttempt => {
    const { account } = given
    const sendCode = Effect.uninterruptibleMask((restore) => {
      const { id, outcome } = sent.attempt
      // A pause applies only to new logins, not to a code of this login. So `byPerson` is `true`, and `enter` ignores
      // the pause.
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
        // If the broker has refused a code of this login, the attempt stays `refused`, so that it counts as a failure.
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
      // If the broker has sent a code by SMS or email, the next login would make the broker send another code. So the
      // next login is sent only after a pause.
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
   * Records the failure of a login. If this write fails, and another program resets the ledger before the next write,
   * then the next write records only refused credentials.
   */
  const noteFailure = (
    { account, credentials }: Protected,
    sent: Sent,
    error: AuthError.AuthError | VaultError.VaultError,
    now: number
  ) => {
    // A source of one-time codes may fail with its own error, or with the error of another broker. Such an error is no
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
      const { attemptedAt, attempts, locked, pause } = ledger
      const ends = [
        ...(pause === undefined ? [] : [pause.since + pause.length]),
        Ledger.nextCodeAt(ledger, yield* Clock.currentTimeMillis) ?? []
      ].flat()
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
 * Returns the account under which a store keeps the state of the guard, in the slot `guard`. All apps and all spellings
 * of the id share this state, because a broker locks the account for all of them. So the returned account has the app
 * `*`, and its id is in lower case.
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
