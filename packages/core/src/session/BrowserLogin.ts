/**
 * Keeps programs from opening several browser logins for one account. The first program opens the browser. The others
 * wait for its session.
 *
 * @since 0.1.0
 */
import * as Clock from "effect/Clock"
import * as SecureRandom from "effect/crypto/SecureRandom"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Hex from "effect/encoding/Hex"
import * as Option from "effect/Option"
import type { Account } from "../login/Account.ts"
import * as AuthError from "../login/AuthError.ts"
import * as Expiry from "../login/Expiry.ts"
import type { Session } from "../login/Session.ts"
import { bounded } from "./internal/bounded.ts"
import * as PromptRecord from "./internal/promptRecord.ts"
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
   * The user has started this login. It replaces a pending login of another program, is not limited to three in an
   * hour, and logs in even if the stored session is live. Default: `false`.
   */
  readonly byPerson?: boolean | undefined
}

/** Maximum duration of a browser login, in milliseconds. */
const lifetime = 300_000

/** Maximum number of browser logins that programs may begin in `hour`. */
const maxPerHour = 3
const hour = 3_600_000

/** How often a pending login is renewed in the store, and how often the waiting programs read it. */
const pollInterval = Duration.seconds(1)
/** The program of a pending login writes to the store at every fifth poll. */
const pollsPerBeat = 5
/** After so many polls without such a write, its program has ended. */
const maxSilentPolls = 15

type Pending = NonNullable<PromptRecord.PromptRecord["pending"]>

/** A time in the future means that the clock was set back. It does not count. */
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
      advice: `The login was not completed within ${lifetime / 60_000} minutes. Begin it again.`
    })
  )

/** The browser login of another program is pending. */
interface Busy {
  readonly _tag: "Busy"
  readonly pending: Pending
}

const busy = (pending: Pending): Effect.Effect<never, Busy> => Effect.fail({ _tag: "Busy", pending })

/**
 * Runs a browser login, and stores its session with `SessionManager.adopt`. At most one is pending per account, over
 * all programs that share the store:
 *
 * - If the stored session is live, it is returned, and `login` does not run.
 * - If the login of another program is pending, it waits for that program's session. If that login is not completed, it
 *   fails with `ActionRequired`. If that program was killed, this one begins its own login.
 * - Programs begin at most three browser logins in an hour. After that it fails with `ActionRequired`.
 *
 * A login ends after five minutes with `RedirectRejected` (`request-expired`).
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
    const { account, adopt, peek } = yield* SessionManager
    const store = bounded(yield* SessionStore)
    const id = Hex.encode(SecureRandom.randomBytesUnsafe(16))

    /** Writes the pending login. Fails with `Busy` if another one is pending, unless `over` is its id. */
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

    /** Removes the pending login, unless another program has replaced it. */
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

    /** Ends when another program has replaced this login. If the store fails, this login continues. */
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

    const claimed = login.pipe(
      Effect.timeoutOrElse({ duration: lifetime, orElse: () => Effect.fail(timedOut(account)) }),
      Effect.tap(adopt),
      Effect.map(Option.some)
    )

    const ended = Option.none<Session>()

    /** Waits for the session of another program's login. `None`: its program has ended, so this one may log in. */
    const awaitOther = Effect.fnUntraced(function* (
      first: Pending
    ): Effect.fn.Return<{ readonly session: Option.Option<Session>; readonly over: string }, Failure> {
      let pending = first
      for (let silent = 0; silent < maxSilentPolls; silent += 1) {
        yield* Effect.sleep(pollInterval)
        const current = (yield* PromptRecord.read(store, account)).record.pending
        // Read after the record: a program stores its session before it removes its pending login.
        const session = yield* peek
        if (Option.isSome(session)) return { session, over: pending.id }
        if (!isOpen(current, yield* Clock.currentTimeMillis)) return yield* Effect.fail(notCompleted(account))
        if (current.id !== pending.id || current.beats !== pending.beats) silent = -1
        pending = current
      }
      return { session: ended, over: pending.id }
    })

    const logIn = (over: string | undefined): Effect.Effect<Session, E | Failure, R> =>
      Effect.gen(function* () {
        const live = byPerson ? ended : yield* peek
        if (Option.isSome(live)) return live.value
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
        const { over: endedId, session } = yield* awaitOther(other)
        return Option.isSome(session) ? session.value : yield* logIn(endedId)
      })
    return yield* logIn(undefined)
  })
