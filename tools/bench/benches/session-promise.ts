import * as SessionManager from "@auth/broker-core/session/SessionManager"
import * as Effect from "effect/Effect"
import { OAuth2Client } from "google-auth-library"
import type { Bench, Run } from "../harness.ts"
import { accountOf, expectSession, idOf, lifetime, makeLive, sessionOf } from "../session.ts"

const id = idOf(0)

const turn = { title: "one account", concurrency: 1 }

export const bench: Bench = {
  summary: "an async function reads a cached session repeatedly",
  job: "get",
  baselines: ["google", "map"],
  versions: ["effect", "google-auth-library"],
  plans: {
    full: { rounds: 15, seconds: 30, warmUp: 1_000_000, turns: [{ ...turn, count: 1_000_000 }] },
    check: { rounds: 9, seconds: 15, warmUp: 300_000, turns: [{ ...turn, count: 150_000 }] },
    quick: { rounds: 7, seconds: 15, warmUp: 300_000, turns: [{ ...turn, count: 300_000 }] }
  },
  candidates: {
    google: {
      title: "google-auth-library: getAccessToken",
      prepare: async (): Promise<Run> => {
        const client = new OAuth2Client()
        client.setCredentials({ access_token: id, refresh_token: "refresh", expiry_date: Date.now() + lifetime })
        return async ({ count }) => {
          let last: string | null | undefined
          for (let index = 0; index < count; index++) last = (await client.getAccessToken()).token
          if (last !== id) throw new Error("The token is wrong or missing.")
        }
      }
    },
    map: {
      title: "hand-written: async function, Map and Date.now",
      prepare: async (): Promise<Run> => {
        const entries = new Map([
          [id, { session: sessionOf(accountOf(id), Date.now()), expiresAt: Date.now() + lifetime }]
        ])
        const get = async () => {
          const entry = entries.get(id)
          if (entry === undefined || Date.now() >= entry.expiresAt) throw new Error("The session has expired.")
          return entry.session
        }
        return async ({ count }) => {
          let last = await get()
          for (let index = 1; index < count; index++) last = await get()
          expectSession(last, id)
        }
      }
    },
    ours: {
      title: "ours: SessionManager.sessionPromise",
      ours: true,
      prepare: async (): Promise<Run> => {
        const manager = (await Effect.runPromise(makeLive(1))).get(id)
        if (manager === undefined) throw new Error(`There is no manager for ${id}.`)
        const get = await Effect.runPromise(
          Effect.provideService(SessionManager.sessionPromise, SessionManager.SessionManager, manager)
        )
        return async ({ count }) => {
          let last = await get()
          for (let index = 1; index < count; index++) last = await get()
          expectSession(last, id)
        }
      }
    },
    "run-promise": {
      title: "ours: Effect.runPromise(manager.session)",
      ours: true,
      prepare: async (): Promise<Run> => {
        const manager = (await Effect.runPromise(makeLive(1))).get(id)
        if (manager === undefined) throw new Error(`There is no manager for ${id}.`)
        return async ({ count }) => {
          let last = await Effect.runPromise(manager.session)
          for (let index = 1; index < count; index++) last = await Effect.runPromise(manager.session)
          expectSession(last, id)
        }
      }
    }
  }
}
