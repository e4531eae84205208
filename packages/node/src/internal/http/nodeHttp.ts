/** Sends requests with `node:http` and `node:https`, for runtimes without undici's global dispatcher. */
import * as Result from "effect/Result"
import { Buffer } from "node:buffer"
import type * as Http from "node:http"
import process from "node:process"
import { Collector, type Exchange, type Limits, type Listener, type Transport, type WireRequest } from "./exchange.ts"

/** Only `make` loads these modules, because loading takes about 10 milliseconds, and few programs need them. */
const load = () => ({ http: process.getBuiltinModule("node:http"), https: process.getBuiltinModule("node:https") })

interface Scheme {
  readonly request: typeof Http.request
  readonly agent: Http.Agent
}

interface Schemes {
  readonly http: Scheme
  readonly https: Scheme
}

/** An option of agents since Node 22.21 and 24.5. */
interface ProxyOptions {
  readonly proxyEnv?: NodeJS.ProcessEnv | undefined
}

const proxyOf = (agent: object): ProxyOptions => {
  const { proxyEnv } = (Reflect.get(agent, "options") ?? {}) as ProxyOptions
  return proxyEnv === undefined ? {} : { proxyEnv }
}

/** Makes agents that use the same proxy as Node's global agents. */
const makeSchemes = (connections: number): Schemes => {
  const { http, https } = load()
  const options = { keepAlive: true, maxSockets: connections, scheduling: "lifo" } as const
  return {
    http: { request: http.request, agent: new http.Agent({ ...options, ...proxyOf(http.globalAgent) }) },
    https: { request: https.request, agent: new https.Agent({ ...options, ...proxyOf(https.globalAgent) }) }
  }
}

const lost = (message: string) => Object.assign(new Error(message), { code: "ECONNRESET" })

const timedOut = (code: string) => Object.assign(new Error("The answer did not arrive in time."), { code })

const withLength = (headers: WireRequest["headers"], body: Exclude<WireRequest["body"], null>) => ({
  ...headers,
  "content-length": String(typeof body === "string" ? Buffer.byteLength(body) : body.byteLength)
})

const receive = (sent: Http.ClientRequest, answer: Http.IncomingMessage, collector: Collector, limits: Limits) => {
  sent.removeAllListeners("timeout")
  sent.setTimeout(limits.bodyTimeout, () => sent.destroy(timedOut("UND_ERR_BODY_TIMEOUT")))
  answer.on("error", (error) => collector.fail(error))
  answer.on("close", () => {
    if (!answer.complete) collector.fail(lost("The connection was closed before the end of the body."))
  })
  if (!collector.begin(answer.statusCode ?? 0, answer.headers)) {
    sent.destroy()
    return
  }
  answer.on("data", (chunk: Uint8Array) => {
    if (!collector.add(chunk)) sent.destroy()
  })
  answer.on("end", () => {
    if (answer.complete) collector.end()
  })
}

const start = (schemes: Schemes, request: WireRequest, limits: Limits, collector: Collector): Http.ClientRequest => {
  const { body, headers, method, origin, path } = request
  const scheme = origin.startsWith("https:") ? schemes.https : schemes.http
  const sent = scheme.request(new URL(origin), {
    agent: scheme.agent,
    method,
    path,
    headers: body === null ? headers : withLength(headers, body),
    timeout: limits.headersTimeout
  })
  sent.on("timeout", () => sent.destroy(timedOut("UND_ERR_HEADERS_TIMEOUT")))
  sent.on("error", (error) => collector.fail(error))
  // Node detaches the socket from the request before it emits `upgrade`. So the request emits no `error`.
  sent.on("upgrade", (_answer, socket) => {
    socket.destroy()
    collector.fail(lost("The server upgraded the connection to another protocol."))
  })
  sent.on("response", (answer) => receive(sent, answer, collector, limits))
  sent.end(body ?? undefined)
  return sent
}

/** Makes a transport with at most `connections` connections to each origin. */
export const make = (connections: number): Transport => {
  const schemes = makeSchemes(connections)
  const send = (request: WireRequest, limits: Limits, listener: Listener): Exchange => {
    const collector = new Collector(request, limits, listener)
    const sent = Result.try(() => start(schemes, request, limits, collector))
    if (Result.isFailure(sent)) collector.fail(sent.failure)
    return { cancel: () => void (Result.isSuccess(sent) && sent.success.destroy()) }
  }
  const close = () => {
    schemes.http.agent.destroy()
    schemes.https.agent.destroy()
    return Promise.resolve()
  }
  return { send, close }
}
