/**
 * The accounts of a running server. The first request for an account opens its connection, and all requests for the
 * account share this connection.
 */
import { Renewal } from "@auth/broker-core/broker/Renewal"
import * as AuthError from "@auth/broker-core/login/AuthError"
import { Authorize } from "@auth/broker-core/login/Authorize"
import { Profile } from "@auth/broker-core/login/Profile"
import * as Session from "@auth/broker-core/login/Session"
import { SessionManager } from "@auth/broker-core/session/SessionManager"
import type { VaultError } from "@auth/broker-core/session/VaultError"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Equal from "effect/Equal"
import * as Option from "effect/Option"
import * as PubSub from "effect/PubSub"
import * as RcMap from "effect/RcMap"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import type * as Scope from "effect/Scope"
import * as Semaphore from "effect/Semaphore"
import * as accounts from "../accounts.ts"
import * as connect from "../connect.ts"
import { type Failure, isLoggedOut, onlyPersonLogsIn, promised } from "../failure.ts"
import type { Home } from "../home.ts"
import * as sessions from "../sessions.ts"
import * as coalesced from "./coalesced.ts"

export type Change =
  | { readonly _tag: "renewed"; readonly entry: accounts.Entry; readonly session: Session.Session }
  | { readonly _tag: "failed"; readonly entry: accounts.Entry; readonly failure: Failure }
  | { readonly _tag: "logged-out"; readonly entry: accounts.Entry }

interface Open {
  readonly manager: SessionManager["Service"]
  readonly headers: Authorize["Service"]["headers"]
  /** `undefined` if a login needs no person. `reported` is the session that a program reported as refused. */
  readonly renewPersonal: ((reported: Session.Session) => Effect.Effect<Session.Session, Failure>) | undefined
}

export interface Live {
  readonly session: Session.Session
  readonly headers: ReturnType<Authorize["Service"]["headers"]>
}

export interface OpenAccounts {
  readonly list: Effect.Effect<ReadonlyArray<accounts.Entry>, VaultError>
  readonly session: (entry: accounts.Entry) => Effect.Effect<Live, Failure>
  /** `dead` is the refused token. Returns a session with another token. Concurrent calls share one renewal. */
  readonly renew: (entry: accounts.Entry, dead: Redacted.Redacted<string>) => Effect.Effect<Live, Failure>
  readonly changes: PubSub.PubSub<Change>
}

/**
 * If an account cannot be opened, all its requests fail with the same error for this time. Each try to open an account
 * may start a program that reads a secret, such as a password manager.
 */
const pauseAfterFailure = "2 seconds"

/** Interval at which a session in use is compared with the store, to find logins and logouts by other programs. */
const pollInterval = "2 seconds"

/** Maximum number of changes that are kept for a slow reader. */
const keptChanges = 256

const hasToken = ({ tokens }: Session.Session, token: Redacted.Redacted<string>): boolean =>
  Redacted.value(tokens.access) === Redacted.value(token)

/**
 * After a failed renewal, `manager.session` fails for some time without reading the store. `manager.peek` reads the
 * store, and finds the session if a person has logged in with another program.
 */
const sessionOf = (manager: SessionManager["Service"]): Effect.Effect<Session.Session, Failure> =>
  Effect.catch(manager.session, (failure) =>
    Effect.flatMap(
      manager.peek,
      Option.match({ onNone: () => Effect.fail(failure), onSome: (found) => Effect.succeed(found) })
    )
  )

/** A token that the broker has accepted in a profile call is not checked again for this number of milliseconds. */
const acceptedMillis = 5000

const notReplaced = (broker: string, advice: string) =>
  Effect.fail(AuthError.make(broker, "session", new AuthError.SessionExpired({ why: "invalid", advice })))

const accepted = (name: string, broker: string) =>
  notReplaced(
    broker,
    `The broker refused a call with this session, but its profile call accepts the session. So the session was not replaced. Find out why the broker refused that call, or run broker-auth logout ${name} and broker-auth login ${name}.`
  )

const unchecked = (name: string, broker: string) =>
  notReplaced(
    broker,
    `Only a person can log in, and no call can check whether the broker has ended this session. So the session was not replaced. If the broker has ended it, run broker-auth logout ${name} and broker-auth login ${name}.`
  )

/**
 * Makes `renewPersonal` for an account to which only a person can log in. A program may wrongly report that the broker
 * has refused a live token. So the session is replaced only if the broker also refuses it in a profile call. If the
 * login method has no profile call, the session is kept.
 *
 * If the renewal fails because a person has to log in, the account is logged out. Otherwise, the next
 * `broker-auth login` would find the refused session in the store, and send no login.
 */
const makePersonal = (
  manager: SessionManager["Service"],
  profile: Profile["Service"]["profile"] | undefined,
  stored: Effect.Effect<Session.Session | undefined, VaultError>,
  { broker, name }: accounts.Entry
) => {
  const turn = Semaphore.makeUnsafe(1)
  let acceptedAt = -Infinity
  let acceptedToken: Redacted.Redacted<string> | undefined
  const renew = Effect.fnUntraced(function* (reported: Session.Session): Effect.fn.Return<Session.Session, Failure> {
    // Another caller may have renewed the session in the meantime.
    const current = Option.getOrUndefined(yield* manager.peek) ?? (yield* manager.session)
    if (!hasToken(current, reported.tokens.access)) return current
    const kept = yield* stored
    // If another program has logged in or out, the renewal finds this in the store, and sends nothing.
    if (kept === undefined || !hasToken(kept, current.tokens.access)) return yield* manager.renew(current)
    if (profile === undefined) return yield* unchecked(name, broker)
    const now = yield* Clock.currentTimeMillis
    const isRecent = now >= acceptedAt && now - acceptedAt < acceptedMillis
    if (isRecent && acceptedToken !== undefined && hasToken(current, acceptedToken))
      return yield* accepted(name, broker)
    const asked = yield* Effect.result(profile(current))
    if (Result.isSuccess(asked)) {
      acceptedAt = now
      acceptedToken = current.tokens.access
      return yield* accepted(name, broker)
    }
    if (asked.failure.reason._tag !== "SessionExpired") return yield* Effect.fail(asked.failure)
    return yield* Effect.tapError(manager.renew(current), (failure) =>
      onlyPersonLogsIn(failure) ? Effect.ignore(manager.logout) : Effect.void
    )
  })
  return (reported: Session.Session) => turn.withPermits(1)(renew(reported))
}

const toLive = (headers: Open["headers"], session: Session.Session): Live => ({ session, headers: headers(session) })

/** If an account is removed or changed, its connection is closed after the running requests have ended. */
export const make = Effect.fnUntraced(function* (home: Home): Effect.fn.Return<OpenAccounts, never, Scope.Scope> {
  const scope = yield* Effect.scope
  const changes = yield* PubSub.sliding<Change>(keptChanges)

  const open = Effect.fnUntraced(function* (entry: accounts.Entry): Effect.fn.Return<Open, Failure, Scope.Scope> {
    const { connection, method } = yield* connect.open(home, entry, { pollInterval })
    const publish = (change: Change) => void PubSub.publishUnsafe(changes, change)
    connection.on("renewed", (session) => publish({ _tag: "renewed", entry, session }))
    connection.on("failed", (failure) => publish({ _tag: "failed", entry, failure }))
    connection.on("logged-out", () => publish({ _tag: "logged-out", entry }))
    const manager = yield* promised(() => connection.run(SessionManager))
    const { headers } = yield* promised(() => connection.run(Authorize))
    const { login } = yield* promised(() => connection.run(Renewal))
    const profile = Option.getOrUndefined(yield* promised(() => connection.run(Effect.serviceOption(Profile))))?.profile
    const isPersonal = login === undefined || connect.asksCode(method, entry)
    const renewPersonal = isPersonal
      ? makePersonal(manager, profile, sessions.stored(home.store, entry), entry)
      : undefined
    return { manager, headers, renewPersonal }
  })

  const opened: RcMap.RcMap<accounts.Entry, Open, Failure> = yield* RcMap.make({
    idleTimeToLive: "Infinity",
    lookup: (entry: accounts.Entry) =>
      Effect.tapError(open(entry), () =>
        Effect.forkIn(Effect.delay(RcMap.invalidate(opened, entry), pauseAfterFailure), scope)
      )
  })

  const read = yield* coalesced.make(accounts.reader(home.store))
  let known: ReadonlyArray<accounts.Entry> = []
  const list = Effect.tap(read, (entries) => {
    if (entries === known) return Effect.void
    known = entries
    return Effect.flatMap(RcMap.keys(opened), (keys) =>
      Effect.forEach(
        Array.from(keys).filter((key) => !entries.some((entry) => Equal.equals(entry, key))),
        (key) => RcMap.invalidate(opened, key)
      )
    )
  })

  const use = <A>(entry: accounts.Entry, run: (open: Open) => Effect.Effect<A, Failure>) =>
    Effect.scoped(Effect.flatMap(RcMap.get(opened, entry), run))

  const isStoredLive = (entry: accounts.Entry) =>
    Effect.flatMap(sessions.stored(home.store, entry), (session) =>
      Effect.map(Clock.currentTimeMillis, (now) => session !== undefined && !Session.isExpired(session, now))
    )

  /**
   * After a logout, a connection returns no session, even if another program has logged in again. In this case, `run`
   * is repeated with a new connection.
   */
  const reopened = <A>(entry: accounts.Entry, run: (open: Open) => Effect.Effect<A, Failure>) =>
    Effect.catch(use(entry, run), (failure) =>
      isLoggedOut(failure)
        ? Effect.flatMap(isStoredLive(entry), (isLive) =>
            isLive ? Effect.andThen(RcMap.invalidate(opened, entry), use(entry, run)) : Effect.fail(failure)
          )
        : Effect.fail(failure)
    )

  return {
    changes,
    list,
    session: (entry) =>
      reopened(entry, ({ headers, manager }) => Effect.map(sessionOf(manager), (session) => toLive(headers, session))),
    renew: (entry, dead) =>
      reopened(entry, ({ headers, manager, renewPersonal = manager.renew }) =>
        Effect.gen(function* () {
          // The caller knows only the token, but a renewal needs the session.
          const current = Option.getOrUndefined(yield* manager.peek) ?? (yield* sessionOf(manager))
          return toLive(headers, hasToken(current, dead) ? yield* renewPersonal(current) : current)
        })
      )
  }
})
