/**
 * The login benches compare candidates: HTTP clients, SDKs and our packages. Most candidates log in at a server that
 * answers like Angel One. `kiteconnect` and `openid-client` cannot log in at Angel One. They send other POST requests
 * to this server, and get answers of about the same size.
 */
import * as AngelAuth from "@auth/angel/AngelAuth"
import * as FetchClient from "@auth/broker-core/broker/FetchClient"
import type { AuthError } from "@auth/broker-core/login/AuthError"
import * as CodeSource from "@auth/broker-core/login/CodeSource"
import * as Login from "@auth/broker-core/login/Login"
import * as Logout from "@auth/broker-core/login/Logout"
import type * as Session from "@auth/broker-core/login/Session"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type * as HttpClient from "effect/http/HttpClient"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as Scope from "effect/Scope"
import { createRequire } from "node:module"
import * as path from "node:path"
import type { Dispatcher } from "undici"
import { addressAt, type Answer, apiKey, check, code, loginPath, pin, requestOf } from "./angelLogin.ts"
import { type Candidate, loops, type Run, type Turn } from "./harness.ts"

/** There are many accounts, because the rate limit allows one login per second for each account. */
export const accounts = 10_000

export const clientCodeOf = (index: number): string => `B${String(100_000 + (index % accounts))}`

/** Maximum number of connections, for each candidate with an option for this maximum. */
const connections = 64

export const makeAccounts = async (
  client: Layer.Layer<HttpClient.HttpClient, AuthError>,
  url: string
): Promise<ReadonlyArray<Login.Login["Service"] & Logout.Logout["Service"]>> => {
  const constantCode = Redacted.make(code)
  const credentials = {
    pin: Redacted.make(pin),
    apiKey: Redacted.make(apiKey),
    totp: CodeSource.fromEffect(() => Effect.succeed(constantCode))
  }
  const shared = await Effect.runPromise(Layer.buildWithScope(client, Scope.makeUnsafe()))
  // With a queue time-out of zero, a login fails if it must wait for the rate limiter.
  const layerOf = (clientCode: string) =>
    AngelAuth.layer({ credentials: { ...credentials, clientCode }, origins: { api: url }, queueTimeout: 0 })
  return Effect.runPromise(
    Effect.forEach(
      Array.from({ length: accounts }, (_, index) => clientCodeOf(index)),
      (clientCode) =>
        layerOf(clientCode).pipe(
          Layer.build,
          Effect.provideContext(shared),
          Effect.map((context) => ({
            login: Context.get(context, Login.Login).login,
            logout: Context.get(context, Logout.Logout).logout
          }))
        )
    ).pipe(Effect.scoped)
  )
}

export const sessionOf = (outcome: Login.LoginOutcome): Session.Session => {
  if (outcome._tag !== "Authenticated") throw new Error("The login did not succeed.")
  return outcome.session
}

export const inFibers = (fiber: Effect.Effect<void, AuthError>, { concurrency, count }: Turn): Promise<void> =>
  Effect.runPromise(
    Effect.forEach(Array.from({ length: Math.min(concurrency, count) }), () => fiber, {
      concurrency: "unbounded",
      discard: true
    })
  )

const ours =
  (client: () => Promise<Layer.Layer<HttpClient.HttpClient, AuthError>>) =>
  async (url: string): Promise<Run> => {
    const logins = (await makeAccounts(await client(), url)).map(({ login }) => login)
    let last = 0
    return async (turn) => {
      const first = last
      const end = last + turn.count
      const latencies = turn.variant === "timed" ? new Float64Array(turn.count) : undefined
      const fiber = Effect.gen(function* () {
        while (last < end) {
          const index = last++
          const began = latencies === undefined ? 0 : performance.now()
          sessionOf(yield* logins[index % accounts]!)
          if (latencies !== undefined) latencies[index - first] = performance.now() - began
        }
      })
      await inFibers(fiber, turn)
      return latencies && { latencies }
    }
  }

interface SmartApi {
  readonly generateSession: (clientCode: string, password: string, totp: string) => Promise<Answer>
  readonly setAccessToken: (token: null) => void
}

interface Kite {
  readonly generateSession: (requestToken: string, secret: string) => Promise<{ readonly access_token?: unknown }>
  readonly setAccessToken: (token: string) => void
}

/** Loads CommonJS, as the examples of the SDKs do. */
const load = createRequire(import.meta.url)

const stub = path.join(import.meta.dirname, "../interop/public-ip-stub.cjs")

const expectToken = (token: unknown): void => {
  if (typeof token !== "string" || token === "") throw new Error("The login did not succeed.")
}

/** No client that uses undici can be faster than this function. */
const dispatched = (dispatcher: Dispatcher, options: Dispatcher.DispatchOptions): Promise<string> =>
  new Promise((resolve, reject) => {
    const chunks: Array<Buffer> = []
    dispatcher.dispatch(options, {
      onRequestStart: () => undefined,
      onResponseStart: () => undefined,
      onResponseData: (_, chunk) => void chunks.push(chunk),
      onResponseEnd: () => resolve((chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks)).toString()),
      onResponseError: (_, error) => reject(error)
    })
  })

/** The import makes the global `fetch` use this undici. So only candidates that measure undici call this function. */
export const undiciAgent = async () => {
  const undici = await import("undici")
  return { ...undici, dispatcher: new undici.Agent({ connections }) }
}

export const candidates = {
  undici: {
    title: "undici.request, JSON.parse",
    prepare: async (url) => {
      const { dispatcher, request } = await undiciAgent()
      return loops(async (index) => {
        const answer = await request(addressAt(url), { ...requestOf(clientCodeOf(index)), dispatcher })
        check(JSON.parse(await answer.body.text()))
      })
    }
  },
  dispatch: {
    title: "undici's dispatch, JSON.parse",
    prepare: async (url) => {
      const { dispatcher } = await undiciAgent()
      return loops(async (index) => {
        const options = { ...requestOf(clientCodeOf(index)), origin: url, path: loginPath }
        check(JSON.parse(await dispatched(dispatcher, options)))
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
      const { SmartAPI } = load("smartapi-javascript") as {
        readonly SmartAPI: new (options: { readonly api_key: string; readonly root: string }) => SmartApi
      }
      const api = new SmartAPI({ api_key: apiKey, root: url })
      return loops(async (index) => {
        // Without this call, the SDK would send the token of the previous login.
        api.setAccessToken(null)
        check(await api.generateSession(clientCodeOf(index), pin, code))
      })
    }
  },
  kiteconnect: {
    title: "kiteconnect, at Zerodha",
    prepare: async (url) => {
      const { KiteConnect } = load("kiteconnect") as {
        readonly KiteConnect: new (options: { readonly api_key: string; readonly root: string }) => Kite
      }
      const kite = new KiteConnect({ api_key: apiKey, root: url })
      return loops(async (index) => {
        kite.setAccessToken("")
        const { access_token: token } = await kite.generateSession(`request${clientCodeOf(index)}`, pin)
        expectToken(token)
      })
    }
  },
  "openid-client": {
    title: "openid-client, a token request",
    prepare: async (url) => {
      const client = await import("openid-client")
      const metadata = { issuer: url, token_endpoint: `${url}/oauth/token` }
      const configuration = new client.Configuration(metadata, apiKey, {}, client.ClientSecretPost(pin))
      client.allowInsecureRequests(configuration)
      return loops(async (index) => {
        const parameters = { username: clientCodeOf(index), password: pin }
        const { access_token: token } = await client.genericGrantRequest(configuration, "password", parameters)
        expectToken(token)
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
    prepare: ours(async () => (await import("./undiciClient.ts")).layerUndici(connections))
  }
} as const satisfies Readonly<Record<string, Candidate>>

/** Packages whose versions the login benches print. */
export const versions = ["effect", "undici", "smartapi-javascript", "axios", "kiteconnect", "openid-client"]
