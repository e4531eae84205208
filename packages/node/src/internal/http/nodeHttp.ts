/** Sends exchanges with `node:http` and `node:https`, for runtimes without a dispatcher. */
import * as Result from "effect/Result"
import { Buffer } from "node:buffer"
import * as Http from "node:http"
import * as Https from "node:https"
import { Collector, type Exchange, type Limits, type Listener, type Transport, type WireRequest } from "./exchange.ts"

interface Agents {
  readonly http: Http.Agent
  readonly https: Https.Agent
}

/** Node 24.5 and newer have this option. It contains the environment variables that name the proxy. */
interface ProxyOptions {
  readonly proxyEnv?: NodeJS.ProcessEnv | undefined
}

const proxyOf = (agent: object): ProxyOptions => {
  const { proxyEnv } = (Reflect.get(agent, "options") ?? {}) as ProxyOptions
  return proxyEnv === undefined ? {} : { proxyEnv }
}

/** Makes agents that use the same proxy as the agents of the program. */
const makeAgents = (connections: number): Agents => {
  const options = { keepAlive: true, maxSockets: connections, scheduling: "lifo" } as const
  return {
    http: new Http.Agent({ ...options, ...proxyOf(Http.globalAgent) }),
    https: new Https.Agent({ ...options, ...proxyOf(Https.globalAgent) })
  }
}

const lost = () =>
  Object.assign(new Error("The connection was closed before the end of the body."), { code: "ECONNRESET" })

const timedOut = (code: string) => Object.assign(new Error("The time-out of the connection was reached."), { code })

const withLength = (headers: WireRequest["headers"], body: Exclude<WireRequest["body"], null>) => ({
  ...headers,
  "content-length": String(typeof body === "string" ? Buffer.byteLength(body) : body.byteLength)
})

const receive = (sent: Http.ClientRequest, answer: Http.IncomingMessage, collector: Collector, limits: Limits) => {
  sent.removeAllListeners("timeout")
  sent.setTimeout(limits.bodyTimeout, () => sent.destroy(timedOut("UND_ERR_BODY_TIMEOUT")))
  answer.on("error", (error) => collector.fail(error))
  answer.on("close", () => {
    if (!answer.complete) collector.fail(lost())
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

const start = (agents: Agents, request: WireRequest, limits: Limits, collector: Collector): Http.ClientRequest => {
  const { body, headers, method, origin, path } = request
  const isSecure = origin.startsWith("https:")
  const sent = (isSecure ? Https : Http).request(new URL(origin), {
    agent: isSecure ? agents.https : agents.http,
    method,
    path,
    headers: body === null ? headers : withLength(headers, body),
    timeout: limits.headersTimeout
  })
  sent.on("timeout", () => sent.destroy(timedOut("UND_ERR_HEADERS_TIMEOUT")))
  sent.on("error", (error) => collector.fail(error))
  // Node has detached the socket from the request, so destroying the request would not report an error.
  sent.on("upgrade", (_answer, socket) => {
    socket.destroy()
    collector.fail(lost())
  })
  sent.on("response", (answer) => receive(sent, answer, collector, limits))
  sent.end(body ?? undefined)
  return sent
}

/** Makes a transport with at most `connections` connections to each origin, which stay open for further requests. */
export const make = (connections: number): Transport => {
  const agents = makeAgents(connections)
  const send = (request: WireRequest, limits: Limits, listener: Listener): Exchange => {
    const collector = new Collector(request, limits, listener)
    const sent = Result.try(() => start(agents, request, limits, collector))
    if (Result.isFailure(sent)) collector.fail(sent.failure)
    return { cancel: () => void (Result.isSuccess(sent) && sent.success.destroy()) }
  }
  const close = () => {
    agents.http.destroy()
    agents.https.destroy()
    return Promise.resolve()
  }
  return { send, close }
}
