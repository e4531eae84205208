import type * as Session from "@auth/broker-core/login/Session"
import type * as Deferred from "effect/Deferred"
import { makeMemory, type SessionStore } from "@auth/broker-core/session/SessionStore"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import { setImmediate as immediate } from "node:timers/promises"
import type { Bench, Run } from "../harness.ts"
import { smallestHeap } from "../heap.ts"
import {
  accountOf,
  idOf,
  lifetime,
  makeAccounts,
  makeLive,
  makeManagers,
  makeOutsideStore,
  renewalOf,
  sessionOf
} from "../session.ts"

const weigh =
  (make: (ids: ReadonlyArray<string>, issuedAt: number) => Promise<unknown>): Run =>
  async ({ count }) => {
    const ids = Array.from({ length: count }, (_, index) => idOf(index))
    await immediate()
    const before = smallestHeap()
    const made = await make(ids, Date.now())
    await immediate()
    const bytes = (smallestHeap() - before) / count
    if (made === undefined) throw new Error("Nothing was made.")
    return { notes: { "bytes each": bytes } }
  }

const openAll = (ids: ReadonlyArray<string>, store: SessionStore["Service"]) =>
  Effect.runPromise(
    Effect.tap(makeAccounts(store), ({ session }) => Effect.forEach(ids, (id) => session(id), { discard: true }))
  )

interface Entry {
  readonly ready: Exit.Exit<Session.Session>
  readonly expiresAt: number
  readonly renewal: Deferred.Deferred<Session.Session> | undefined
}

const turns = [{ title: "10000 accounts", concurrency: 1, count: 10_000 }]

export const bench: Bench = {
  summary: "heap bytes of an account with a session",
  job: "account",
  baselines: ["session"],
  versions: ["effect"],
  plans: {
    full: { rounds: 7, seconds: 25, warmUp: 2000, turns },
    quick: { rounds: 3, seconds: 15, warmUp: 2000, turns }
  },
  candidates: {
    session: {
      title: "only the account's session and its tokens",
      ours: true,
      prepare: async () => weigh(async (ids, now) => ids.map((id) => sessionOf(accountOf(id), now)))
    },
    map: {
      title: "a Map of sessions, expiries and renewals",
      prepare: async () =>
        weigh(async (ids, now) => {
          const entryOf = (id: string): Entry => ({
            ready: Exit.succeed(sessionOf(accountOf(id), now)),
            expiresAt: now + lifetime,
            renewal: undefined
          })
          return new Map(ids.map((id) => [id, entryOf(id)]))
        })
    },
    renewal: {
      title: "the account's session, and the Effect that renews it",
      ours: true,
      prepare: async () =>
        weigh(async (ids, now) => ids.map((id) => [sessionOf(accountOf(id), now), renewalOf(id)] as const))
    },
    manager: {
      title: "ours: a manager without a session",
      ours: true,
      prepare: async () => weigh((ids) => Effect.runPromise(makeManagers(ids.map((id) => renewalOf(id)))))
    },
    ours: {
      title: "ours: a manager with a session, and the account's entries in a store in memory",
      ours: true,
      prepare: async () => weigh((ids) => Effect.runPromise(makeLive(ids.length)))
    },
    accounts: {
      title: "ours: an account with a session in SessionManagers, and its entries in a store outside of the heap",
      ours: true,
      prepare: async () => weigh((ids) => openAll(ids, makeOutsideStore()))
    },
    "accounts-memory": {
      title: "ours: an account with a session in SessionManagers, and its entries in a store in memory",
      ours: true,
      prepare: async () => weigh((ids) => openAll(ids, makeMemory()))
    }
  }
}
