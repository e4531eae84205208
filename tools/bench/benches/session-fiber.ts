import * as SessionManager from "@auth/broker-core/session/SessionManager"
import type * as Session from "@auth/broker-core/login/Session"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type { Bench, Run } from "../harness.ts"
import { accountOf, expectSession, idOf, lifetime, makeAccounts, makeLive, sessionOf } from "../session.ts"

const id = idOf(0)

interface Entry {
  readonly session: Session.Session
  readonly exit: Exit.Exit<Session.Session>
  readonly expiresAt: number
}

const makeEntries = (): Map<string, Entry> => {
  const session = sessionOf(accountOf(id), Date.now())
  return new Map([[id, { session, exit: Exit.succeed(session), expiresAt: Date.now() + lifetime }]])
}

const expired = Effect.die("The session has expired.")

const inFiber =
  (loop: (count: number) => Effect.Effect<Session.Session | undefined, SessionManager.Failure>): Run =>
  async ({ count }) =>
    expectSession(await Effect.runPromise(loop(count)), id)

const ours = async (): Promise<SessionManager.SessionManager["Service"]> => {
  const manager = (await Effect.runPromise(makeLive(1))).get(id)
  if (manager === undefined) throw new Error(`There is no manager for ${id}.`)
  return manager
}

export const bench: Bench = {
  summary: "a fiber reads a cached session repeatedly",
  job: "get",
  baselines: ["map"],
  versions: ["effect"],
  plans: {
    full: {
      rounds: 15,
      seconds: 30,
      warmUp: 3_000_000,
      turns: [{ title: "one account", concurrency: 1, count: 3_000_000 }]
    },
    check: {
      rounds: 9,
      seconds: 20,
      warmUp: 1_000_000,
      turns: [{ title: "one account", concurrency: 1, count: 300_000 }]
    },
    quick: {
      rounds: 9,
      seconds: 20,
      warmUp: 1_000_000,
      turns: [{ title: "one account", concurrency: 1, count: 1_000_000 }]
    }
  },
  candidates: {
    map: {
      title: "Map and Date.now, without Effect",
      prepare: async () => {
        const entries = makeEntries()
        return inFiber((count) =>
          Effect.gen(function* () {
            let last: Session.Session | undefined
            for (let index = 0; index < count; index++) {
              const entry = entries.get(id)
              if (entry === undefined || Date.now() >= entry.expiresAt) return yield* expired
              last = entry.session
            }
            return last
          })
        )
      }
    },
    effect: {
      title: "Map and Date.now, in Effect.suspend",
      prepare: async () => {
        const entries = makeEntries()
        const cached = Effect.suspend(() => {
          const entry = entries.get(id)
          return entry === undefined || Date.now() >= entry.expiresAt ? expired : entry.exit
        })
        return inFiber((count) =>
          Effect.gen(function* () {
            let last: Session.Session | undefined
            for (let index = 0; index < count; index++) last = yield* cached
            return last
          })
        )
      }
    },
    ours: {
      title: "ours: manager.session",
      ours: true,
      prepare: async () => {
        const { session } = await ours()
        return inFiber((count) =>
          Effect.gen(function* () {
            let last: Session.Session | undefined
            for (let index = 0; index < count; index++) last = yield* session
            return last
          })
        )
      }
    },
    accessor: {
      title: "ours: SessionManager.session",
      ours: true,
      prepare: async () => {
        const manager = await ours()
        return inFiber((count) =>
          Effect.gen(function* () {
            let last: Session.Session | undefined
            for (let index = 0; index < count; index++) last = yield* SessionManager.session
            return last
          }).pipe(Effect.provideService(SessionManager.SessionManager, manager))
        )
      }
    },
    accounts: {
      title: "ours: SessionManagers, accounts.session(id)",
      ours: true,
      prepare: async () => {
        const accounts = await Effect.runPromise(makeAccounts())
        return inFiber((count) =>
          Effect.gen(function* () {
            let last: Session.Session | undefined
            for (let index = 0; index < count; index++) last = yield* accounts.session(id)
            return last
          })
        )
      }
    }
  }
}
