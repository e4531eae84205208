/** Measures whether some cached sessions are slower to read than others. */
import type * as Session from "@auth/broker-core/login/Session"
import * as Effect from "effect/Effect"
import { type Bench, type Run, slowestOf, type Turn } from "../harness.ts"
import {
  accountOf,
  choose,
  expectSession,
  lifetime,
  makeLive,
  perPopulation,
  sampled,
  sessionOf,
  idOf
} from "../session.ts"

/** Reads `count` sessions in the order of `keys`, repeating the keys. Returns the session that was read last. */
type Ask<Population> = (
  population: Population,
  keys: ReadonlyArray<string>,
  count: number
) => Effect.Effect<Session.Session | undefined, unknown>

const run =
  <Population>(populate: (accounts: number) => Promise<Population>, ask: Ask<Population>): Run =>
  async (turn) => {
    const population = await populate(turn.accounts ?? 1)
    const once = async (keys: ReadonlyArray<string>, count: number) => {
      const last = await Effect.runPromise(ask(population, keys, count))
      expectSession(last, keys[(count - 1) % keys.length] ?? "")
    }
    if (turn.variant !== "each") return once(choose(turn), turn.count)
    const keys = sampled(turn.accounts ?? 1)
    const each = Math.max(1, Math.floor(turn.count / keys.length / 3))
    return { notes: { "slowest ÷ median": await slowestOf(keys, (key) => once([key], each)) } }
  }

const turns = (count: number): ReadonlyArray<Turn> =>
  [10, 1000, 100_000].flatMap((accounts) => [
    { title: `${accounts} accounts, always the same account`, concurrency: 1, count, accounts, variant: "one" },
    { title: `${accounts} accounts, in random order`, concurrency: 1, count, accounts, variant: "any" },
    {
      title: `${sampled(accounts).length} of ${accounts} accounts, one after the other, each many times`,
      concurrency: 1,
      count,
      accounts,
      variant: "each"
    }
  ])

export const bench: Bench = {
  summary: "reads cached sessions of many accounts, to show whether some are slower to read than others",
  job: "get",
  baselines: ["map"],
  versions: ["effect"],
  plans: {
    full: { rounds: 9, seconds: 45, warmUp: 9_000_000, turns: turns(1_000_000) },
    quick: { rounds: 3, seconds: 30, warmUp: 2_000_000, turns: turns(300_000) }
  },
  candidates: {
    map: {
      title: "Map and Date.now, without Effect",
      prepare: async () => {
        const populate = perPopulation(async (accounts) => {
          const now = Date.now()
          const ids = Array.from({ length: accounts }, (_, index) => idOf(index))
          return new Map(ids.map((id) => [id, { session: sessionOf(accountOf(id), now), expiresAt: now + lifetime }]))
        })
        return run(populate, (entries, keys, count) =>
          Effect.gen(function* () {
            let last: Session.Session | undefined
            for (let index = 0; index < count; index++) {
              const entry = entries.get(keys[index % keys.length] ?? "")
              if (entry === undefined || Date.now() >= entry.expiresAt)
                return yield* Effect.die("The session has expired.")
              last = entry.session
            }
            return last
          })
        )
      }
    },
    ours: {
      title: "ours: a Map of managers, manager.session",
      ours: true,
      prepare: async () =>
        run(
          perPopulation((accounts) => Effect.runPromise(makeLive(accounts))),
          (managers, keys, count) =>
            Effect.gen(function* () {
              let last: Session.Session | undefined
              for (let index = 0; index < count; index++) {
                const manager = managers.get(keys[index % keys.length] ?? "")
                if (manager === undefined) return yield* Effect.die("There is no manager.")
                last = yield* manager.session
              }
              return last
            })
        )
    }
  }
}
