import * as PlainHttp from "@auth/broker-core/broker/PlainHttp"
import * as Effect from "effect/Effect"
import { check, loginPath, requestOf } from "../angelLogin.ts"
import { bodies } from "../answers.ts"
import { type Bench, loops, type Run } from "../harness.ts"
import { accounts, clientCodeOf, inFibers, makeAccounts, sessionOf } from "../logins.ts"

const text = JSON.stringify(bodies[loginPath])

const answer: PlainHttp.Answer = {
  status: 200,
  headers: { "content-type": "application/json", date: new Date().toUTCString() },
  text,
  isTooLarge: false
}

const send: PlainHttp.Send = (_, { onAnswer }) => {
  queueMicrotask(() => onAnswer(answer))
  return () => undefined
}

const client = PlainHttp.makeClient({
  find: () => send,
  load: () => Promise.reject(new Error("This client cannot load another client."))
})

/** In milliseconds. The rate limit allows one login per second for each account. */
const pause = 1050

const afterPause =
  (run: Run): Run =>
  async (turn) => {
    await new Promise((resolve) => setTimeout(resolve, pause))
    const before = process.cpuUsage()
    const began = performance.now()
    await run(turn)
    const seconds = (performance.now() - began) / 1000
    const { system, user } = process.cpuUsage(before)
    return { jobs: { seconds, cpuMicros: system + user } }
  }

const turns = [{ concurrency: 1, count: accounts }]

export const bench: Bench = {
  summary:
    "the CPU time of a login without HTTP: a stub answers each request at once; 10,000 accounts log in, one after the other",
  job: "login",
  baselines: ["json"],
  versions: ["effect"],
  plans: {
    full: { rounds: 15, seconds: 60, warmUp: accounts, turns },
    check: { rounds: 9, seconds: 40, warmUp: accounts, turns },
    quick: { rounds: 7, seconds: 30, warmUp: accounts, turns }
  },
  candidates: {
    json: {
      title: "JSON.stringify, JSON.parse",
      prepare: async () =>
        afterPause(
          loops(async (index) => {
            const request = requestOf(clientCodeOf(index))
            const received = await Promise.resolve(request.body === "" ? "" : text)
            check(JSON.parse(received))
          })
        )
    },
    ours: {
      title: "ours",
      ours: true,
      prepare: async (): Promise<Run> => {
        const logins = await makeAccounts(PlainHttp.layer(Effect.succeed(client)), "http://127.0.0.1:1")
        let next = 0
        return afterPause((turn) => {
          const end = next + turn.count
          const fiber = Effect.gen(function* () {
            while (next < end) sessionOf(yield* logins[next++ % accounts]!.login)
          })
          return inFibers(fiber, turn)
        })
      }
    }
  }
}
