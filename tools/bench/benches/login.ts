/** Compares logins through our public API with logins by plain HTTP clients and by the broker's SDK. */
import * as AngelAuth from "@auth/angel/AngelAuth"
import * as FetchClient from "@auth/broker-core/broker/FetchClient"
import type { AuthError } from "@auth/broker-core/login/AuthError"
import * as CodeSource from "@auth/broker-core/login/CodeSource"
import * as Login from "@auth/broker-core/login/Login"
import * as Effect from "effect/Effect"
import type * as HttpClient from "effect/http/HttpClient"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as Scope from "effect/Scope"
import { createRequire } from "node:module"
import * as path from "node:path"
import { fileURLToPath } from "node:url"
import { addressAt, type Answer, apiKey, check, code, pin, requestOf } from "../angelLogin.ts"
import { type Bench, loops, type Run, type Turn } from "../harness.ts"

/**
 * Number of accounts. It is larger than the number of logins of any turn. Therefore no account logs in twice within one
 * second, which is the window of the broker's rate limit.
 */
const accounts = 10_000

const clientCodeOf = (index: number): string => `B${String(100_000 + (index % accounts))}`

/** Maximum number of connections to the server, for all candidates that have such an option. */
const connections = 64

/** Logs in through our public API. As in a program with many accounts, one layer is built once for each account. */
const ours =
  (client: () => Promise<Layer.Layer<HttpClient.HttpClient, AuthError>>) =>
  async (url: string): Promise<Run> => {
    const constantCode = Redacted.make(code)
    const credentials = {
      pin: Redacted.make(pin),
      apiKey: Redacted.make(apiKey),
      totp: CodeSource.fromEffect(() => Effect.succeed(constantCode))
    }
    const shared = await Effect.runPromise(Layer.buildWithScope(await client(), Scope.makeUnsafe()))
    const logins = await Effect.runPromise(
      Effect.scoped(
        Effect.forEach(
          Array.from({ length: accounts }, (_, index) => clientCodeOf(index)),
          (clientCode) =>
            // The queue time-out is zero. Therefore a login that must wait for the rate limiter fails, and the whole
            // bench fails.
            AngelAuth.layer({
              credentials: { ...credentials, clientCode },
              origins: { api: url },
              queueTimeout: 0
            }).pipe(
              Layer.build,
              Effect.provideContext(shared),
              Effect.map((context) => Effect.provideContext(Login.session, context))
            )
        )
      )
    )
    let last = 0
    return ({ concurrency, count }) => {
      const end = last + count
      const loop = Effect.gen(function* () {
        while (last < end) yield* logins[last++ % accounts]!
      })
      return Effect.runPromise(
        Effect.forEach(Array.from({ length: Math.min(concurrency, count) }), () => loop, {
          concurrency: "unbounded",
          discard: true
        })
      )
    }
  }

interface SmartApi {
  readonly generateSession: (clientCode: string, password: string, totp: string) => Promise<Answer>
  readonly setAccessToken: (token: null) => void
}

const stub = path.join(path.dirname(fileURLToPath(import.meta.url)), "../../interop/public-ip-stub.cjs")

const turns = (counts: readonly [number, number, number]): ReadonlyArray<Turn> => [
  { concurrency: 1, count: counts[0] },
  { concurrency: 64, count: counts[1] },
  { concurrency: 1024, count: counts[2] }
]

export const bench: Bench = {
  summary: "logins at Angel One, from credentials to a session",
  job: "login",
  answer: { body: "login", delay: 0 },
  baselines: ["undici", "smartapi-javascript"],
  versions: ["effect", "undici", "smartapi-javascript", "axios"],
  plans: {
    full: { rounds: 7, seconds: 150, warmUp: 8000, turns: turns([1000, 4000, 4000]) },
    quick: { rounds: 3, seconds: 22, warmUp: 1000, turns: turns([200, 800, 1024]) }
  },
  candidates: {
    undici: {
      title: "undici.request, JSON.parse",
      prepare: async (url) => {
        // The other candidates must not import undici, because that import replaces the global fetch of their process.
        const { Agent, request } = await import("undici")
        const dispatcher = new Agent({ connections })
        return loops(async (index) => {
          const answer = await request(addressAt(url), { ...requestOf(clientCodeOf(index)), dispatcher })
          check(JSON.parse(await answer.body.text()))
        })
      }
    },
    fetch: {
      title: "fetch, response.json()",
      prepare: async (url) =>
        loops(async (index) => {
          const answer = await fetch(addressAt(url), requestOf(clientCodeOf(index)))
          check(await answer.json())
        })
    },
    "smartapi-javascript": {
      title: "smartapi-javascript",
      nodeArgs: ["--require", stub],
      prepare: async (url) => {
        const { SmartAPI } = createRequire(import.meta.url)("smartapi-javascript") as {
          readonly SmartAPI: new (options: { readonly api_key: string; readonly root: string }) => SmartApi
        }
        const api = new SmartAPI({ api_key: apiKey, root: url })
        return loops(async (index) => {
          // The token of the previous login is removed, because the SDK would send it with the next login.
          api.setAccessToken(null)
          check(await api.generateSession(clientCodeOf(index), pin, code))
        })
      }
    },
    "ours-node": {
      title: "ours on NodeHttpClient",
      ours: true,
      prepare: ours(async () => (await import("@auth/node/NodeHttpClient")).layer({ connections }))
    },
    "ours-fetch": { title: "ours on FetchClient", ours: true, prepare: ours(async () => FetchClient.layer) },
    "ours-undici": {
      title: "ours on undici.request",
      ours: true,
      prepare: ours(async () => (await import("../undiciClient.ts")).layerUndici(connections))
    }
  }
}
