/** Shared by the session benches: a simulated login that costs almost no time, and managers with a cached session. */
import * as Account from "@auth/broker-core/login/Account"
import * as Expiry from "@auth/broker-core/login/Expiry"
import { Logout } from "@auth/broker-core/login/Logout"
import * as Renewal from "@auth/broker-core/broker/Renewal"
import * as Session from "@auth/broker-core/login/Session"
import { SessionLock, makeMemory as makeLock } from "@auth/broker-core/session/SessionLock"
import * as SessionManager from "@auth/broker-core/session/SessionManager"
import * as SessionManagers from "@auth/broker-core/session/SessionManagers"
import { SessionStore, makeMemory as makeStore, makeWatchers, toKey } from "@auth/broker-core/session/SessionStore"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as Scope from "effect/Scope"
import { DatabaseSync } from "node:sqlite"
import type { Turn } from "./harness.ts"

export type Manager = SessionManager.SessionManager["Service"]

export const idOf = (index: number): string => `B${100_000 + index}`

export const accountOf = (id: string): Account.Account => Account.make({ broker: "bench", id })

/** In milliseconds. */
export const lifetime = 3_600_000

/** In milliseconds. A renewal becomes due at a random time between `early` and half of `early` before the expiry. */
export const early = 600_000

/** All accounts share the objects `earlyDuration` and `expiry`, as the accounts of one broker do. */
const earlyDuration = Duration.millis(early)
const expiry = Expiry.after(Duration.millis(lifetime))

/** The token is about as long as the token of a real broker. */
export const sessionOf = (account: Account.Account, issuedAt: number): Session.Session =>
  Session.make({
    account,
    method: "totp",
    tokens: { access: Redacted.make(`${account.id}.${issuedAt}.${"Zm9vYmFy".repeat(60)}`) },
    issuedAt,
    expiry
  })

/** The login takes `latency` milliseconds, and then calls `exchanged`. */
export const renewalOf = (
  id: string,
  latency = 0,
  exchanged: () => void = () => undefined
): Renewal.Renewal["Service"] => {
  const account = accountOf(id)
  const tell = Effect.sync(() => {
    exchanged()
    return { tokens: sessionOf(account, 0).tokens }
  })
  return Effect.runSync(
    Renewal.make({
      account,
      early: earlyDuration,
      login: Session.issue(
        { account, method: "totp", expiry },
        latency === 0 ? tell : Effect.andThen(Effect.sleep(latency), tell)
      )
    })
  )
}

const noLogout: Logout["Service"] = {
  logout: ({ account }) => Effect.succeed({ _tag: "LocalOnly", account, why: "no-such-call" })
}

/**
 * SQLite keeps the entries outside of the heap, as a real database does. The store registers watchers only to include
 * them in the measured heap. It never calls them.
 */
export const makeOutsideStore = (): SessionStore["Service"] => {
  const database = new DatabaseSync(":memory:")
  database.exec("CREATE TABLE entries (key TEXT PRIMARY KEY, version INTEGER, value BLOB) WITHOUT ROWID")
  const read = database.prepare("SELECT version, value FROM entries WHERE key = ?")
  const write = database.prepare("INSERT OR REPLACE INTO entries VALUES (?, ?, ?)")
  const watchers = makeWatchers()
  const entryOf = (key: string) => read.get(key) as { version: number; value: Uint8Array } | undefined
  return {
    describe: "SQLite in memory",
    changes: {
      mark: Effect.succeed(0),
      watch: (account, changed) =>
        Effect.sync(() => {
          const remove = watchers.add(account, changed)
          return Effect.sync(remove)
        })
    },
    get: (account, slot) =>
      Effect.sync(() => {
        const entry = entryOf(toKey(account, slot))
        return entry && { version: entry.version, value: Redacted.make(entry.value) }
      }),
    put: (account, slot, value, expected) =>
      Effect.sync(() => {
        const key = toKey(account, slot)
        if ((entryOf(key)?.version ?? 0) !== expected) return false
        write.run(key, expected + 1, Redacted.value(value))
        return true
      })
  }
}

const makeShared = (store: SessionStore["Service"]) =>
  Context.make(SessionStore, store).pipe(
    Context.add(SessionLock, makeLock()),
    Context.add(Scope.Scope, Scope.makeUnsafe())
  )

export const makeManagers = (renewals: Iterable<Renewal.Renewal["Service"]>): Effect.Effect<ReadonlyArray<Manager>> => {
  const shared = Context.add(makeShared(makeStore()), Logout, noLogout)
  return Effect.forEach(renewals, (renewal) =>
    Effect.orDie(Effect.provideContext(SessionManager.make(), Context.add(shared, Renewal.Renewal, renewal)))
  )
}

export const makeAccounts = (store: SessionStore["Service"] = makeStore()) =>
  Effect.provideContext(
    SessionManagers.make((id) =>
      Layer.succeedContext(Context.make(Logout, noLogout).pipe(Context.add(Renewal.Renewal, renewalOf(id))))
    ),
    makeShared(store)
  )

export const makeLive = Effect.fnUntraced(function* (accounts: number) {
  const managers = yield* makeManagers(Array.from({ length: accounts }, (_, index) => renewalOf(idOf(index))))
  const now = yield* Clock.currentTimeMillis
  yield* Effect.forEach(managers, (manager) => manager.adopt(sessionOf(manager.account, now)), { discard: true })
  return new Map(managers.map((manager) => [manager.account.id, manager]))
})

/** Chooses accounts at random, so that the processor cannot predict the next account. */
const shuffled = (accounts: number): Uint32Array => {
  const order = new Uint32Array(65_536)
  let state = 0x2545f491
  for (let index = 0; index < order.length; index++) {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    order[index] = (state >>> 0) % accounts
  }
  return order
}

export const choose = ({ accounts = 1, variant }: Turn): ReadonlyArray<string> =>
  variant === "any" ? Array.from(shuffled(accounts), idOf) : [idOf(accounts >> 1)]

export const sampled = (accounts: number): ReadonlyArray<string> => {
  const size = Math.min(accounts, 100)
  return Array.from({ length: size }, (_, index) => idOf(Math.floor((index * accounts) / size)))
}

export const perPopulation = <A>(make: (accounts: number) => Promise<A>): ((accounts: number) => Promise<A>) => {
  const made = new Map<number, Promise<A>>()
  return (accounts) => {
    const known = made.get(accounts) ?? make(accounts)
    made.set(accounts, known)
    return known
  }
}

export const expectSession = (session: Session.Session | undefined, id: string): void => {
  if (session?.account.id === id) return
  const found = session === undefined ? "no session" : `a session for ${session.account.id}`
  throw new Error(`Expected a session for ${id}, but got ${found}.`)
}
