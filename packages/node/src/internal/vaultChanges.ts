/**
 * Finds the sessions that other programs have changed in a vault. Reads SQLite's change counter `data_version` at most
 * once a second, and only when a session is requested. One read serves all accounts.
 */
import * as Account from "@auth/broker-core/login/Account"
import * as SessionStore from "@auth/broker-core/session/SessionStore"
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import type { DatabaseSync } from "node:sqlite"
import type { Change } from "./changeList.ts"
import * as vaultFile from "./vaultFile.ts"

/** In milliseconds. */
const lookInterval = 1000

/**
 * Time between a write by this program and the report to the watchers. During this time, `put` returns, and the
 * session manager that called `put` learns the new version. That session manager then ignores the report.
 */
const settle = Duration.millis(50)

interface State {
  readonly database: DatabaseSync
  /** The value of the change counter when it was last read. */
  readonly data: unknown
  /** Number of all writes to the vault before `data` was read. */
  readonly writes: number
}

export interface VaultChanges extends SessionStore.Changes {
  /**
   * Reports a session that this program has written. SQLite's change counter counts only the writes of other database
   * connections.
   */
  readonly wrote: (account: Account.Account, version: number) => Effect.Effect<void>
}

/** `current` returns the open database, or `undefined` if the database is not open or its file was replaced. */
export const make = (current: () => DatabaseSync | undefined): VaultChanges => {
  const watchers = SessionStore.makeWatchers()
  let state: State | undefined
  let lookedAt = -Infinity
  /** Counts how often changes may have been missed. */
  let misses = 0

  const look = (database: DatabaseSync): ReadonlyArray<Change> => {
    if (state?.database === database && vaultFile.dataVersion(database) === state.data) return []
    const known = state?.database === database ? state.writes : undefined
    const { changes, data, writes } = vaultFile.changesSince(database, known ?? 0)
    state = { database, data, writes }
    if (known !== undefined && changes !== undefined) return changes
    misses += 1
    return []
  }

  const lookNow = (now: number): ReadonlyArray<Change> => {
    lookedAt = now
    const looked = Result.try(() => {
      const database = current()
      return database === undefined ? undefined : look(database)
    })
    // If the database cannot be used, the next read of an account fails with the reason.
    if (Result.isSuccess(looked) && looked.success !== undefined) return looked.success
    state = undefined
    return []
  }

  const mark = Effect.flatMap(Clock.currentTimeMillis, (now) => {
    const changes = now >= lookedAt && now - lookedAt < lookInterval ? [] : lookNow(now)
    const known = state === undefined ? undefined : misses
    return changes.length === 0
      ? Effect.succeed(known)
      : Effect.as(
          Effect.forEach(changes, ({ account, version }) => watchers.tell(account, version), { discard: true }),
          known
        )
  })

  return {
    mark,
    watch: (account, changed) =>
      Effect.sync(() => {
        const remove = watchers.add(account, changed)
        return Effect.sync(remove)
      }),
    wrote: (account, version) => {
      const key = Account.toKey(account)
      return watchers.has(key)
        ? Effect.asVoid(Effect.forkDetach(Effect.andThen(Effect.sleep(settle), watchers.tell(key, version))))
        : Effect.void
    }
  }
}
