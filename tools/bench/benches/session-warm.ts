/** Measures how fast many accounts log in at a slow broker. */
import * as AngelAuth from "@auth/angel/AngelAuth"
import type { AuthError } from "@auth/broker-core/login/AuthError"
import * as CodeSource from "@auth/broker-core/login/CodeSource"
import * as SessionManagers from "@auth/broker-core/session/SessionManagers"
import * as Vault from "@auth/broker-core/session/Vault"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as FetchHttpClient from "effect/http/FetchHttpClient"
import type * as HttpClient from "effect/http/HttpClient"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import * as angelLogin from "../angelLogin.ts"
import { type Bench, loops, type Run, type Turn } from "../harness.ts"
import { idOf } from "../session.ts"

/** Response time of the broker, in milliseconds. */
const delay = 50

/** Number of concurrent logins. With a low number, the result would mostly show the broker's delay. */
const connections = 1024

/**
 * In each turn, each account gets its own layer, rate limiter, login guard and manager. All accounts share one vault.
 */
const ours =
  (client: () => Promise<Layer.Layer<HttpClient.HttpClient, AuthError>>) =>
  async (url: string): Promise<Run> => {
    const code = Redacted.make(angelLogin.code)
    const credentials = {
      pin: Redacted.make(angelLogin.pin),
      apiKey: Redacted.make(angelLogin.apiKey),
      // With a period of 30 seconds, our logins at the end of a period would wait for the next code.
      totp: { ...CodeSource.fromEffect(() => Effect.succeed(code)), period: Duration.hours(1) }
    }
    const shared = await Effect.runPromise(Layer.buildWithScope(await client(), Scope.makeUnsafe()))
    return ({ concurrency, count }) =>
      Effect.gen(function* () {
        const managers = yield* SessionManagers.make((clientCode) =>
          AngelAuth.layer({ credentials: { ...credentials, clientCode }, origins: { api: url }, queueTimeout: 0 })
        )
        const names = Array.from({ length: count }, (_, index) => idOf(index))
        const last = yield* Stream.runLast(managers.warm(names, { concurrency, jitter: 0 }))
        const { done, failed } = last._tag === "Some" ? last.value : { done: 0, failed: count }
        if (done !== count || failed > 0)
          return yield* Effect.die(`Of ${count} accounts, ${done} are done and ${failed} failed.`)
      }).pipe(Effect.scoped, Effect.provide(Vault.layerMemory), Effect.provideContext(shared), Effect.runPromise)
  }

const turns = (count: number): ReadonlyArray<Turn> => [
  { title: `${connections} concurrent logins`, concurrency: connections, count }
]

export const bench: Bench = {
  summary: `many accounts log in at a local server that answers after ${delay} ms; our library uses a manager for each account`,
  job: "account",
  answer: { delay },
  baselines: ["undici"],
  versions: ["effect", "undici"],
  plans: {
    full: { rounds: 7, seconds: 60, warmUp: 10_000, turns: turns(10_000) },
    quick: { rounds: 3, seconds: 25, warmUp: 1024, turns: turns(2048) }
  },
  candidates: {
    undici: {
      title: "undici.request, JSON.parse: only the POST requests",
      prepare: async (url) => {
        // Not imported at the top, because after the import, the global `fetch` also uses this undici.
        const { Agent, request } = await import("undici")
        const dispatcher = new Agent({ connections })
        return loops(async (index) => {
          const answer = await request(angelLogin.addressAt(url), { ...angelLogin.requestOf(idOf(index)), dispatcher })
          angelLogin.check(JSON.parse(await answer.body.text()))
        })
      }
    },
    fetch: {
      title: "fetch, response.json(): only the POST requests",
      prepare: async (url) =>
        loops(async (index) => {
          const answer = await fetch(angelLogin.addressAt(url), angelLogin.requestOf(idOf(index)))
          angelLogin.check(await answer.json())
        })
    },
    "ours-node": {
      title: "ours on NodeHttpClient",
      ours: true,
      prepare: ours(async () => (await import("@auth/node/NodeHttpClient")).layer({ connections }))
    },
    "ours-undici": {
      title: "ours on undici.request",
      ours: true,
      prepare: ours(async () => (await import("../undiciClient.ts")).layerUndici(connections))
    },
    "ours-fetch": { title: "ours on FetchHttpClient", ours: true, prepare: ours(async () => FetchHttpClient.layer) }
  }
}
