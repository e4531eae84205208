/**
 * Ten thousand concurrent calls request a session that has expired or is due for renewal. The candidate must renew the
 * session exactly once, and return a session to every call.
 */
import * as SessionManager from "@auth/broker-core/session/SessionManager"
import type * as Session from "@auth/broker-core/login/Session"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import { OAuth2Client, type OAuth2ClientOptions } from "google-auth-library"
import { setTimeout } from "node:timers/promises"
import { clockOf } from "../clock.ts"
import type { Bench, Run, Turn } from "../harness.ts"
import {
  accountOf,
  early,
  expectSession,
  idOf,
  lifetime,
  type Manager,
  makeManagers,
  renewalOf,
  sessionOf
} from "../session.ts"

const id = idOf(0)

/** Duration of a simulated renewal, in milliseconds. */
const latency = 5

const waiters = 10_000

const expired = "the session has expired"
const due = "the session is still valid, but due for renewal"

/** How much the session ages before each stampede, in milliseconds. */
const ageOf = ({ variant }: Turn): number => (variant === due ? lifetime - early / 10 : lifetime)

interface Candidate {
  readonly renewals: () => number
  readonly age: (millis: number) => void
  readonly ask: (askers: number) => Promise<void>
}

const stampedes =
  ({ age, ask, renewals }: Candidate): Run =>
  async (turn) => {
    const before = renewals()
    let times = 0
    for (let rest = turn.count; rest > 0; rest -= waiters) {
      age(ageOf(turn))
      await ask(Math.min(waiters, rest))
      times += 1
    }
    const renewed = renewals() - before
    if (renewed !== times) throw new Error(`${renewed} renewals for ${times} stampedes`)
    return { notes: { renewals: renewed / times } }
  }

const atOnce = (once: () => Promise<unknown>) => async (askers: number) => {
  await Promise.all(Array.from({ length: askers }, once))
}

const makeClock = () => {
  let ahead = 0
  const clock = clockOf((millis) => millis + ahead)
  return { context: Context.make(Clock.Clock, clock), age: (millis: number) => void (ahead += millis) }
}

const ours =
  (asking: (manager: Manager) => Effect.Effect<(askers: number) => Promise<void>>) => async (): Promise<Run> => {
    const { age, context } = makeClock()
    let renewals = 0
    const renewal = renewalOf(id, latency, () => (renewals += 1))
    const ask = await Effect.runPromiseWith(context)(
      Effect.gen(function* () {
        const [manager] = yield* makeManagers([renewal])
        if (manager === undefined) return yield* Effect.die("There is no manager.")
        expectSession(yield* manager.session, id)
        return yield* asking(manager)
      })
    )
    return stampedes({ age, ask, renewals: () => renewals })
  }

const fibers = (ask: Effect.Effect<unknown, unknown>): Effect.Effect<(askers: number) => Promise<void>> =>
  Effect.map(Effect.context<never>(), (context) => {
    const run = Effect.runPromiseWith(context)
    return (askers) =>
      run(Effect.forEach(Array.from({ length: askers }), () => ask, { concurrency: "unbounded", discard: true }))
  })

interface Held {
  readonly session: Session.Session
  readonly expiresAt: number
}

const byHand = () => {
  const held = new Map<string, Held>()
  const logins = new Map<string, Promise<Session.Session>>()
  let renewals = 0
  const login = async () => {
    await setTimeout(latency)
    renewals += 1
    const session = sessionOf(accountOf(id), Date.now())
    held.set(id, { session, expiresAt: Date.now() + lifetime })
    logins.delete(id)
    return session
  }
  const get = async () => {
    const entry = held.get(id)
    if (entry !== undefined && Date.now() < entry.expiresAt - early / 2) return entry.session
    const running = logins.get(id) ?? login()
    logins.set(id, running)
    return running
  }
  const age = (millis: number) => {
    const entry = held.get(id)
    if (entry !== undefined) held.set(id, { ...entry, expiresAt: entry.expiresAt - millis })
  }
  return stampedes({ age, ask: atOnce(get), renewals: () => renewals })
}

const google = () => {
  let renewals = 0
  const transporter = {
    defaults: {},
    request: async () => {
      await setTimeout(latency)
      renewals += 1
      return { data: { access_token: `token ${renewals}`, expires_in: lifetime / 1000 } }
    }
  }
  const client = new OAuth2Client({
    transporter: transporter as unknown as NonNullable<OAuth2ClientOptions["transporter"]>,
    eagerRefreshThresholdMillis: early / 2,
    useAuthRequestParameters: false
  })
  client.setCredentials({ access_token: "token 0", refresh_token: "refresh", expiry_date: Date.now() + lifetime })
  const age = (millis: number) => {
    const { expiry_date, ...rest } = client.credentials
    client.setCredentials({ ...rest, expiry_date: (expiry_date ?? 0) - millis })
  }
  return stampedes({ age, ask: atOnce(() => client.getAccessToken()), renewals: () => renewals })
}

/** Measures only the cost of Effect: many fibers wait for one Deferred. */
const deferred = () => {
  let renewals = 0
  return stampedes({
    age: () => undefined,
    renewals: () => renewals,
    ask: (askers) =>
      Effect.runPromise(
        Effect.gen(function* () {
          const session = yield* Deferred.make<Session.Session>()
          const login = Effect.sync(() => {
            renewals += 1
            return sessionOf(accountOf(id), Date.now())
          })
          yield* Effect.forkChild(Deferred.complete(session, Effect.andThen(Effect.sleep(latency), login)))
          const all = Array.from({ length: askers })
          yield* Effect.forEach(all, () => Deferred.await(session), { concurrency: "unbounded", discard: true })
        })
      )
  })
}

const turns = (count: number): ReadonlyArray<Turn> =>
  [expired, due].map((variant) => ({
    title: `${waiters} concurrent calls: ${variant}`,
    variant,
    concurrency: waiters,
    count
  }))

export const bench: Bench = {
  summary: `${waiters} concurrent calls for a session that has expired or is due for renewal; a login takes ${latency} ms`,
  job: "waiter",
  baselines: ["google", "map"],
  versions: ["effect", "google-auth-library"],
  plans: {
    full: { rounds: 15, seconds: 45, warmUp: 400_000, turns: turns(100_000) },
    quick: { rounds: 7, seconds: 25, warmUp: 200_000, turns: turns(50_000) }
  },
  candidates: {
    google: { title: "google-auth-library, a promise for each call", prepare: async () => google() },
    map: { title: "hand-written, a promise for each call", prepare: async () => byHand() },
    deferred: { title: "a Deferred of Effect, a fiber for each call", prepare: async () => deferred() },
    ours: { title: "ours, a fiber for each call", ours: true, prepare: ours((manager) => fibers(manager.session)) },
    "ours-promise": {
      title: "ours, through sessionPromise",
      ours: true,
      prepare: ours((manager) =>
        Effect.map(Effect.provideService(SessionManager.sessionPromise, SessionManager.SessionManager, manager), atOnce)
      )
    }
  }
}
