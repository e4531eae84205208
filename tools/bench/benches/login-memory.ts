import * as Effect from "effect/Effect"
import { addressAt, check, logoutPath, requestOf } from "../angelLogin.ts"
import { type Bench, loops, type Run, type Turn } from "../harness.ts"
import { heap } from "../heap.ts"
import { accounts, clientCodeOf, inFibers, makeAccounts, sessionOf, undiciAgent, versions } from "../logins.ts"

const wait = (millis: number) => new Promise((resolve) => setTimeout(resolve, millis))

/** Milliseconds between two logins of an account. The rate limit allows one login per second. */
const pause = 1050

const inParts =
  (part: Run): Run =>
  async (turn) => {
    for (let left = turn.count; left > 0; left -= accounts) {
      await part({ ...turn, count: Math.min(accounts, left) })
      await wait(left > accounts ? pause : 0)
    }
  }

const handles = (): number => process.getActiveResourcesInfo().length

/** Does not measure the first login of each account, which opens connections and fills caches. */
const weigh =
  (run: Run): Run =>
  async (turn) => {
    if (turn.count < accounts) return run(turn)
    await wait(pause)
    await run({ ...turn, count: accounts })
    await wait(pause)
    const before = { bytes: heap(), handles: handles() }
    await run({ ...turn, count: turn.count - accounts })
    await wait(100)
    return {
      notes: {
        "MB grown": Math.max(0, heap() - before.bytes) / 1e6,
        "handles left": Math.max(0, handles() - before.handles)
      }
    }
  }

const logout = "logout"

/** `count` includes the first login of each account, which `weigh` does not measure. */
const turnsOf = (logins: number): ReadonlyArray<Turn> => [
  { title: `${logins} logins`, concurrency: 64, count: accounts + logins },
  {
    title: "10000 logins, each followed by a logout",
    concurrency: 64,
    count: accounts + 10_000,
    variant: logout,
    requestsPerJob: 2
  }
]

export const bench: Bench = {
  summary: "the growth of the heap over many logins and logouts, and the open handles that they leave",
  job: "login",
  shows: "notes",
  answer: { delay: 0 },
  baselines: [],
  versions,
  plans: {
    full: { rounds: 2, seconds: 80, warmUp: 2000, turns: turnsOf(100_000) },
    quick: { rounds: 1, seconds: 25, warmUp: 1000, turns: turnsOf(10_000) }
  },
  candidates: {
    undici: {
      title: "undici.request, JSON.parse",
      prepare: async (url) => {
        const { dispatcher, request } = await undiciAgent()
        const send = async (address: string, index: number) => {
          const answer = await request(address, { ...requestOf(clientCodeOf(index)), dispatcher })
          return JSON.parse(await answer.body.text()) as unknown
        }
        return weigh(
          inParts((turn) =>
            loops(async (index) => {
              check(await send(addressAt(url), index))
              if (turn.variant === logout) await send(`${url}${logoutPath}`, index)
            })(turn)
          )
        )
      }
    },
    "ours-node": {
      title: "ours on NodeHttpClient",
      ours: true,
      prepare: async (url) => {
        const { layer } = await import("@auth/node/NodeHttpClient")
        const services = await makeAccounts(layer({ connections: 64 }), url)
        let next = 0
        return weigh(
          inParts(async (turn) => {
            const end = next + turn.count
            const fiber = Effect.gen(function* () {
              while (next < end) {
                const service = services[next++ % accounts]!
                const session = sessionOf(yield* service.login)
                if (turn.variant === logout) yield* service.logout(session)
              }
            })
            await inFibers(fiber, turn)
          })
        )
      }
    }
  }
}
