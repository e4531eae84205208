/**
 * Starts a simulator and a server. The server does what the user does during a login, and serves a web page that runs a
 * given script.
 */
import { LoginPage, Simulator } from "@auth/simulator"
import * as Effect from "effect/Effect"
import * as FetchHttpClient from "effect/http/FetchHttpClient"
import * as Redacted from "effect/Redacted"
import type * as Scope from "effect/Scope"
import * as http from "node:http"
import type { AddressInfo } from "node:net"
import { text } from "node:stream/consumers"
import { pageOf, valuesOf, type Way } from "../../packages/cli/test/ways.ts"
import { listen } from "../vitest/freePort.ts"
import { codeFor } from "../../packages/simulator/test/chromium/pages.ts"

type Service = Simulator.Simulator["Service"]

export const accountOf = ({ brokers }: Service, { account = 0, broker }: Way) =>
  brokers[broker]?.accounts[account] ?? {}

/**
 * Returns the address of the login page. If `url` is not an address of a broker or of the simulator, the server at
 * `url` redirects to the login page.
 */
const loginPage = async (simulator: Service, url: string): Promise<string> => {
  const { origin } = new URL(url)
  if (Object.entries(simulator.origins).flat().includes(origin)) return url
  const answer = await fetch(url, { redirect: "manual" })
  return answer.headers.get("location") ?? url
}

const callback = (simulator: Service, way: Way, url: string) =>
  Effect.gen(function* () {
    const page = pageOf(way)
    if (page === undefined) return yield* Effect.die(`${way.broker} ${way.method} has no login page.`)
    const fields = page.fields(accountOf(simulator, way), yield* codeFor(simulator, page))
    const given = Object.fromEntries(Object.entries(fields).map(([name, value = ""]) => [name, value]))
    const found = yield* Effect.promise(() => loginPage(simulator, url))
    return Redacted.value(yield* LoginPage.submit(Redacted.make(served(simulator, found)), given))
  }).pipe(Effect.provide(FetchHttpClient.layer))

const served = ({ origins }: Service, url: string): string => {
  const { origin } = new URL(url)
  return `${origins[origin] ?? origin}${url.slice(origin.length)}`
}

const code = (simulator: Service, way: Way) =>
  Effect.map(simulator.codes(way.broker, accountOf(simulator, way)["userId"] ?? ""), (codes) => codes.at(-1) ?? "")

/** `forward` omits these headers. Some of them would make the simulator refuse the request. */
const ofPage = /^(?:host|origin|referer|connection|sec-.*)$/

const forward = (target: string, message: http.IncomingMessage, response: http.ServerResponse): void => {
  const headers = Object.fromEntries(Object.entries(message.headers).filter(([name]) => !ofPage.test(name)))
  const sent = http.request(target, { method: message.method, headers }, (answer) => {
    response.writeHead(answer.statusCode ?? 502, answer.headers)
    answer.pipe(response)
  })
  sent.once("error", (error) => response.writeHead(502).end(error.message))
  message.pipe(sent)
}

const html = `<!doctype html><meta charset="utf-8"><title>Runtimes</title><script type="module" src="/program.js"></script>`

export interface World {
  readonly address: string
  /** For each origin of a broker, the address through which a page reaches the simulator. */
  readonly forPages: Readonly<Record<string, string>>
}

export const serve = (simulator: Service, way: Way, script = ""): Effect.Effect<World, never, Scope.Scope> => {
  const origins = Object.entries(simulator.origins)
  const answer = async (message: http.IncomingMessage, response: http.ServerResponse): Promise<void> => {
    const { pathname } = new URL(message.url ?? "/", "http://127.0.0.1")
    const [, , index] = pathname.split("/")
    if (pathname.startsWith("/broker/")) {
      const [, address = ""] = origins[Number(index)] ?? []
      return forward(address + (message.url ?? "").slice(`/broker/${index}`.length), message, response)
    }
    if (pathname === "/") return void response.setHeader("content-type", "text/html").end(html)
    if (pathname === "/program.js") return void response.setHeader("content-type", "text/javascript").end(script)
    if (pathname === "/callback") {
      return void response.end(await Effect.runPromise(callback(simulator, way, await text(message))))
    }
    if (pathname === "/code") return void response.end(await Effect.runPromise(code(simulator, way)))
    response.writeHead(404).end()
  }
  return Effect.acquireRelease(
    Effect.promise(async () => {
      const server = http.createServer((message, response) => {
        answer(message, response).catch((error: unknown) => response.writeHead(500).end(String(error)))
      })
      await listen(server)
      return server
    }),
    (server) =>
      Effect.sync(() => {
        server.close()
        server.closeAllConnections()
      })
  ).pipe(
    Effect.map((server) => {
      const address = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
      return {
        address,
        forPages: Object.fromEntries(origins.map(([origin], index) => [origin, `${address}/broker/${index}`]))
      }
    })
  )
}

export const expectOneLogin = (simulator: Service, { broker, login }: Way) =>
  Effect.gen(function* () {
    const sent = (yield* simulator.journal(broker)).map(({ endpoint }) => endpoint)
    const logins = sent.filter((endpoint) => endpoint === login).length
    if (logins !== 1) {
      return yield* Effect.die(new Error(`The broker received ${logins} logins instead of 1: ${sent.join(", ")}`))
    }
  })

/** The input of a program that logs in: see `programs/logIn.ts`. */
export interface Job {
  readonly env: Readonly<Record<string, string>>
  readonly servers: Readonly<Record<string, string>>
  readonly user: string
}

export const playLogin = (
  way: Way,
  run: (job: Job, world: World) => Promise<void>,
  { script, served = "directly" }: { readonly script?: string | undefined; readonly served?: "directly" | "page" } = {}
): Promise<void> =>
  Effect.gen(function* () {
    const simulator = yield* Simulator.make({ brokers: [way.broker] })
    const world = yield* serve(simulator, way, script)
    const servers = served === "page" ? world.forPages : simulator.origins
    const job = { env: valuesOf(way, accountOf(simulator, way)), servers, user: world.address }
    yield* Effect.promise(() => run(job, world))
    yield* expectOneLogin(simulator, way)
  }).pipe(Effect.scoped, Effect.runPromise)
