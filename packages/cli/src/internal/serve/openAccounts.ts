/**
 * The accounts of a running server. The connection of an account is opened by its first request, and all requests share
 * it.
 */
import { Authorize } from "@auth/broker-core/login/Authorize"
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
import type * as Scope from "effect/Scope"
import * as accounts from "../accounts.ts"
import * as connect from "../connect.ts"
import { type Failure, promised } from "../failure.ts"
import type { Home } from "../home.ts"
import * as sessions from "../sessions.ts"
import * as coalesced from "./coalesced.ts"

/** A change of the session of an account. */
export type Change =
  | { readonly _tag: "renewed"; readonly entry: accounts.Entry; readonly session: Session.Session }
  | { readonly _tag: "failed"; readonly entry: accounts.Entry; readonly failure: Failure }
  | { readonly _tag: "logged-out"; readonly entry: accounts.Entry }

interface Open {
  readonly manager: SessionManager["Service"]
  readonly headers: Authorize["Service"]["headers"]
}

/** A session with the headers of a call to the broker. */
export interface Live {
  readonly session: Session.Session
  readonly headers: ReturnType<Authorize["Service"]["headers"]>
}

export interface OpenAccounts {
  /** The accounts as they are listed now. */
  readonly list: Effect.Effect<ReadonlyArray<accounts.Entry>, VaultError>
  /** A live session of an account. */
  readonly session: (entry: accounts.Entry) => Effect.Effect<Live, Failure>
  /** A session with another token than `dead`, which the broker has refused. One renewal serves all callers. */
  readonly renew: (entry: accounts.Entry, dead: Redacted.Redacted<string>) => Effect.Effect<Live, Failure>
  readonly changes: PubSub.PubSub<Change>
}

/** If an account cannot be opened, the next try is after this time. A reference to a secret may start a program. */
const pauseAfterFailure = "2 seconds"

/** Changes that a slow reader may miss. */
const keptChanges = 256

const hasToken = ({ tokens }: Session.Session, token: Redacted.Redacted<string>): boolean =>
  Redacted.value(tokens.access) === Redacted.value(token)

const isLoggedOut = (failure: Failure): boolean =>
  failure._tag === "AuthError" && failure.reason._tag === "SessionExpired" && failure.reason.why === "logged-out"

/**
 * A live session. After a failure, the manager pauses and does not read the store. In the meantime, a person may have
 * logged in with another program.
 */
const sessionOf = (manager: SessionManager["Service"]): Effect.Effect<Session.Session, Failure> =>
  Effect.catch(manager.session, (failure) =>
    Effect.flatMap(
      manager.peek,
      Option.match({ onNone: () => Effect.fail(failure), onSome: (found) => Effect.succeed(found) })
    )
  )

const toLive = (headers: Open["headers"], session: Session.Session): Live => ({ session, headers: headers(session) })

/** Accounts of the user, until the scope closes. A removed or changed account is closed after its running requests. */
export const make = Effect.fnUntraced(function* (home: Home): Effect.fn.Return<OpenAccounts, never, Scope.Scope> {
  const scope = yield* Effect.scope
  const changes = yield* PubSub.sliding<Change>(keptChanges)

  const open = Effect.fnUntraced(function* (entry: accounts.Entry): Effect.fn.Return<Open, Failure, Scope.Scope> {
    const { connection } = yield* connect.open(home, entry)
    const publish = (change: Change) => void PubSub.publishUnsafe(changes, change)
    connection.on("renewed", (session) => publish({ _tag: "renewed", entry, session }))
    connection.on("failed", (failure) => publish({ _tag: "failed", entry, failure }))
    connection.on("logged-out", () => publish({ _tag: "logged-out", entry }))
    const manager = yield* promised(() => connection.run(SessionManager))
    const { headers } = yield* promised(() => connection.run(Authorize))
    return { manager, headers }
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

  /** A connection that has seen a logout returns no session any more, even after a login by another program. */
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
      reopened(entry, ({ headers, manager }) =>
        Effect.gen(function* () {
          // The program has only its token. The manager needs the session, so it is looked up without a renewal first.
          const current = Option.getOrUndefined(yield* manager.peek) ?? (yield* sessionOf(manager))
          return toLive(headers, hasToken(current, dead) ? yield* manager.renew(current) : current)
        })
      )
  }
})
