/**
 * For each account, runs a browser login in only one of the programs that share a store. The other programs wait for
 * the session of that login.
 *
 * @since 0.1.0
 */
import * as Clock from "effect/Clock"
import * as SecureRandom from "effect/crypto/SecureRandom"
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Hex from "effect/encoding/Hex"
import * as Option from "effect/Option"
import type { Account } from "../login/Account.ts"
import * as AuthError from "../login/AuthError.ts"
import * as Expiry from "../login/Expiry.ts"
import { Profile } from "../login/Profile.ts"
import type { Session } from "../login/Session.ts"
import { bounded } from "./internal/bounded.ts"
import * as Cached from "./internal/cachedSession.ts"
import * as PromptRecord from "./internal/promptRecord.ts"
import * as Record from "./internal/record.ts"
import { type Failure, SessionManager } from "./SessionManager.ts"
import { SessionStore } from "./SessionStore.ts"

/**
 * Options of `run`.
 *
 * @category models
 * @since 0.1.0
 */
export interface Options {
  /**
   * Whether the user has started this login. Default: `false`. If `true`:
   *
   * - The login runs even if a stored session is live.
   * - The login replaces a pending login of another program.
   * - The login does not count towards the limit of three logins in an hour.
   */
  readonly byPerson?: boolean | undefined
}

/** Maximum duration of a browser login, in milliseconds. */
const lifetime = 300_000

/** Maximum number of logins without `byPerson` in an hour, for all programs together. */
const maxPerHour = 3
const hour = 3_600_000

/** Time between two polls of the pending login in the store. */
const pollInterval = Duration.seconds(1)
/** At every fifth poll, the program of the pending login increments the counter `beats` in the store. */
const pollsPerBeat = 5
/** If `beats` stays the same for this many polls, the program of the pending login counts as killed. */
const maxSilentPolls = 15

type Pending = NonNullable<PromptRecord.PromptRecord["pending"]>

/** A time in the future does not count towards the limit, because the clock was set back. */
const isRecent = (now: number) => (at: number) => at <= now && now - at < hour

const isOpen = (pending: Pending | undefined, now: number): pending is Pending =>
  pending !== undefined && now < pending.until && pending.until - now <= lifetime

const tooMany = (account: Account, next: number) =>
  AuthError.make(
    account.broker,
    "login",
    new AuthError.ActionRequired({
      what: `Log in to ${account.broker} as ${account.id} in the browser`,
      advice: `Programs have opened the browser ${maxPerHour} times in the last hour, so it was not opened again. Start the login yourself, or wait until ${Expiry.toIst(next)}.`
    })
  )

const notCompleted = (account: Account) =>
  AuthError.make(
    account.broker,
    "login",
    new AuthError.ActionRequired({
      what: `Log in to ${account.broker} as ${account.id} in the browser`,
      advice: "Another program opened the browser, but its login was not completed. Begin the login again."
    })
  )

const timedOut = ({ broker }: Account) =>
  AuthError.make(
    broker,
    "login",
    new AuthError.RedirectRejected({
      why: "request-expired",
      advice: `The login was not completed within ${lifetime / 60_000} minutes. Begin the login again.`
    })
  )

interface Busy {
  readonly _tag: "Busy"
  readonly pending: Pending
}

const busy = (pending: Pending): Effect.Effect<never, Busy> => Effect.fail({ _tag: "Busy", pending })

/**
 * Runs a browser login, and stores its session with `SessionManager.adoptFrom`. For each account, only one of the
 * programs that share the store runs a browser login at a time. Without `byPerson`, these rules apply:
 *
 * - If a stored session is live, `run` returns this session. If the service `Profile` is provided, `run` first sends
 *   the broker's profile call. If the broker refuses the token, `run` begins a login.
 * - If the browser login of another program is pending, `run` waits for the session of that login. If that login fails
 *   or times out, `run` fails with `ActionRequired`. If that program was killed, `run` begins a login.
 * - All programs together begin at most three browser logins in an hour. After that, `run` fails with `ActionRequired`.
 *
 * If a login takes longer than five minutes, `run` fails with `RedirectRejected` (`request-expired`). If this program
 * logs out before the login ends, `run` ends the new session at the broker. `run` then fails with `SessionExpired`
 * (`logged-out`).
 *
 * @example
 * ```ts
 * import * as BrowserLogin from "@auth/broker-core/session/BrowserLogin"
 * import * as RedirectLogin from "@auth/broker-core/login/RedirectLogin"
 * import * as Effect from "effect/Effect"
 * import type * as Redacted from "effect/Redacted"
 *
 * // `browse` opens the URL in the user's browser, and returns the callback URL.
 * const login = (browse: (url: Redacted.Redacted<string>) => Effect.Effect<Redacted.Redacted<string>>) =>
 *   BrowserLogin.run(
 *     Effect.gen(function* () {
 *       const { begin, complete } = yield* RedirectLogin.RedirectLogin
 *       const request = yield* begin
 *       return yield* complete(request, yield* browse(request.url))
 *     })
 *   )
 * ```
 *
 * @category accessors
 * @since 0.1.0
 */
export const run = <E, R>(
  login: Effect.Effect<Session, E, R>,
  { byPerson = false }: Options = {}
): Effect.Effect<Session, E | Failure, R | SessionManager | SessionStore> =>
  Effect.gen(function* () {
    const { account, adoptFrom, peek, renew } = yield* SessionManager
    const store = bounded(yield* SessionStore)
    const profile = Option.getOrUndefined(yield* Effect.serviceOption(Profile))
    const id = Hex.encode(SecureRandom.randomBytesUnsafe(16))

    /** A live session that this login must replace. */
    let replacing: Session | undefined

    /** The stored session, if it is live and is not `replacing`. `renew` makes the manager cache this session. */
    const findStored = Effect.gen(function* () {
      const record = yield* Record.read(store, account)
      const now = yield* Clock.currentTimeMillis
      return record._tag === "Live" &&
        Cached.isLive(record.session, now) &&
        !Cached.sameToken(record.session, replacing)
        ? Option.some(yield* renew(replacing))
        : Option.none<Session>()
    })

    /** The live session from memory or from the store, but never `replacing`. */
    const found = Effect.flatMap(peek, (session) =>
      replacing !== undefined && (Option.isNone(session) || Cached.sameToken(session.value, replacing))
        ? findStored
        : Effect.succeed(session)
    )

    /**
     * After a logout, `peek` does not read the store, so this function reads it. If the entry was written more than
     * once since `before` was read, one of the writes may have been a logout. Then no session is returned.
     */
    const storedSince = (before: Record.Record) =>
      Effect.gen(function* () {
        const record = yield* Record.read(store, account)
        const now = yield* Clock.currentTimeMillis
        return record._tag === "Live" &&
          record.version === before.version + 1 &&
          Cached.isLive(record.session, now) &&
          !(before._tag === "Live" && Cached.sameToken(record.session, before.session))
          ? Option.some(yield* adoptFrom(Effect.succeed(record.session)))
          : Option.none<Session>()
      })

    const isRefused = (session: Session): Effect.Effect<boolean> =>
      profile === undefined
        ? Effect.succeed(false)
        : Effect.match(profile.profile(session), {
            onFailure: ({ reason }) => reason._tag === "SessionExpired",
            onSuccess: () => false
          })

    /** `over` is the id of a pending login that may be replaced, because its program was killed. */
    const claim = Effect.fnUntraced(function* (over: string | undefined) {
      while (true) {
        const { record, version } = yield* PromptRecord.read(store, account)
        const now = yield* Clock.currentTimeMillis
        const { pending } = record
        if (!byPerson && isOpen(pending, now) && pending.id !== over) return yield* busy(pending)
        const begun = record.begun.filter(isRecent(now))
        if (!byPerson && begun.length >= maxPerHour) {
          return yield* Effect.fail(tooMany(account, (begun[begun.length - maxPerHour] ?? now) + hour))
        }
        const next = {
          pending: { id, until: now + lifetime, beats: 0 },
          begun: byPerson ? begun : [...begun, now].slice(-maxPerHour)
        }
        if (yield* PromptRecord.write(store, account, next, version)) return
      }
    })

    const release: Effect.Effect<void, Failure> = Effect.gen(function* () {
      const { record, version } = yield* PromptRecord.read(store, account)
      if (record.pending?.id !== id) return
      const isWritten = yield* PromptRecord.write(store, account, { begun: record.begun }, version)
      if (!isWritten) yield* release
    })

    const beat = Effect.gen(function* () {
      const { record, version } = yield* PromptRecord.read(store, account)
      const { pending } = record
      if (pending?.id !== id) return
      yield* PromptRecord.write(
        store,
        account,
        { ...record, pending: { ...pending, beats: pending.beats + 1 } },
        version
      )
    })

    /** Waits until another program has replaced the pending login of this program. Increments `beats` while waiting. */
    const replaced = Effect.gen(function* () {
      for (let polls = 1; ; polls += 1) {
        yield* Effect.sleep(pollInterval)
        if (polls % pollsPerBeat === 0) yield* Effect.ignore(beat)
        const pending = yield* Effect.match(PromptRecord.read(store, account), {
          onFailure: () => undefined,
          onSuccess: ({ record }) => record.pending
        })
        if (pending !== undefined && pending.id !== id) return Option.none<Session>()
      }
    })

    const timed = Effect.timeoutOrElse(login, {
      duration: lifetime,
      orElse: () => Effect.fail(timedOut(account))
    })
    /** `adoptFrom` is called before the login begins, so that every logout from now on ends the new session. */
    const got = yield* Deferred.make<Session>()
    const adopting = yield* Effect.forkChild(adoptFrom(Deferred.await(got)), { startImmediately: true })
    const claimed = Effect.flatMap(timed, (session) =>
      Effect.flatMap(Deferred.succeed(got, session), (isFirst) =>
        Effect.map(isFirst ? Fiber.join(adopting) : adoptFrom(Effect.succeed(session)), Option.some)
      )
    )

    const ended = Option.none<Session>()

    /** If the other program was killed, `session` is `None`, and `over` is the id of its login. */
    const awaitOther = Effect.fnUntraced(function* (
      first: Pending,
      before: Record.Record
    ): Effect.fn.Return<{ readonly session: Option.Option<Session>; readonly over: string }, Failure> {
      let pending = first
      for (let silent = 0; silent < maxSilentPolls; silent += 1) {
        yield* Effect.sleep(pollInterval)
        const current = (yield* PromptRecord.read(store, account)).record.pending
        // A program stores its session before it removes its pending login. So the pending login is read before the
        // session.
        const known = yield* found
        const session = Option.isSome(known) ? known : yield* storedSince(before)
        if (Option.isSome(session)) return { session, over: pending.id }
        if (!isOpen(current, yield* Clock.currentTimeMillis)) return yield* Effect.fail(notCompleted(account))
        if (current.id !== pending.id || current.beats !== pending.beats) silent = -1
        pending = current
      }
      return { session: ended, over: pending.id }
    })

    const logIn = (over: string | undefined): Effect.Effect<Session, E | Failure, R> =>
      Effect.gen(function* () {
        const live = Option.getOrUndefined(yield* found)
        if (live !== undefined) {
          if (!byPerson && !(yield* isRefused(live))) return live
          replacing = live
        }
        const before = yield* Record.read(store, account)
        const outcome = yield* Effect.uninterruptibleMask((restore) =>
          Effect.matchEffect(claim(over), {
            onFailure: (error) => (error._tag === "Busy" ? Effect.succeed(error) : Effect.fail(error)),
            onSuccess: () => Effect.onExit(restore(Effect.raceFirst(claimed, replaced)), () => Effect.ignore(release))
          })
        )
        if (outcome._tag === "Some") return outcome.value
        const other =
          outcome._tag === "Busy" ? outcome.pending : (yield* PromptRecord.read(store, account)).record.pending
        if (other === undefined) return yield* logIn(undefined)
        const { over: endedId, session } = yield* awaitOther(other, before)
        return Option.isSome(session) ? session.value : yield* logIn(endedId)
      })
    return yield* logIn(undefined)
  })
