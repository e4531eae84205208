/**
 * Serves fake brokers over HTTP. So the test suites that usually run with msw can also run over real connections.
 */
import type { FakeBroker } from "@auth/broker-core/testing"
import { TestHttp } from "@auth/broker-core/testing"
import * as NodeHttpClient from "@auth/node/NodeHttpClient"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as HttpClient from "effect/http/HttpClient"
import * as HttpClientRequest from "effect/http/HttpClientRequest"
import * as Layer from "effect/Layer"
import * as Http from "node:http"
import { listen } from "./freePort.ts"

export const OverHttp = Context.Reference<boolean>("tools/vitest/OverHttp", { defaultValue: () => false })

/** Server addresses, keyed by the origin of the broker. */
const servers = new Map<string, string>()

const bodyOf = (message: Http.IncomingMessage) =>
  new Promise<Buffer>((resolve) => {
    const chunks: Array<Uint8Array> = []
    message.on("data", (chunk: Uint8Array) => chunks.push(chunk))
    message.once("end", () => resolve(Buffer.concat(chunks)))
  })

const toRequest = async (origin: string, message: Http.IncomingMessage): Promise<Request> => {
  const { headers, method = "GET", url = "/" } = message
  const body = await bodyOf(message)
  return new Request(`${origin}${url}`, {
    method,
    headers: Object.entries(headers).map(([name, value]): [string, string] => [name, String(value)]),
    ...(body.byteLength > 0 && method !== "GET" && { body: new Uint8Array(body) })
  })
}

const write = async (response: Response, target: Http.ServerResponse): Promise<void> => {
  if (response.type === "error") return void target.socket?.resetAndDestroy()
  target.statusCode = response.status
  for (const [name, value] of response.headers) target.appendHeader(name, value)
  const announced = Number(response.headers.get("content-length") ?? "unknown")
  const body = new Uint8Array(await response.arrayBuffer())
  if (!(announced > body.byteLength)) return void target.end(body)
  const { socket } = target
  target.write(body, () => socket?.destroySoon())
}

const serveOrigin = (fake: FakeBroker.FakeBroker, origin: string) =>
  Effect.acquireRelease(
    Effect.promise(async () => {
      const server = Http.createServer((message, target) => {
        void toRequest(origin, message)
          .then(fake.respond)
          .then((response) => write(response, target))
      })
      const port = await listen(server)
      servers.set(origin, `http://127.0.0.1:${port}`)
      return server
    }),
    (server) =>
      Effect.promise(() => {
        servers.delete(origin)
        server.closeAllConnections()
        return new Promise<void>((resolve) => server.close(() => resolve()))
      })
  )

export const serve = (fake: FakeBroker.FakeBroker) =>
  Effect.forEach(fake.origins, (origin) => serveOrigin(fake, origin), { discard: true })

const toServer = (request: HttpClientRequest.HttpClientRequest): HttpClientRequest.HttpClientRequest => {
  const { origin } = new URL(request.url)
  const server = servers.get(origin)
  if (server === undefined) throw new Error(`no server serves ${origin}`)
  return HttpClientRequest.setUrl(request, `${server}${request.url.slice(origin.length)}`)
}

/** If `OverHttp` is true, uses `NodeHttpClient`. Otherwise uses `fetch`, which msw intercepts. */
export const layerClient: Layer.Layer<HttpClient.HttpClient> = Layer.unwrap(
  Effect.map(OverHttp, (overHttp) =>
    overHttp
      ? Layer.effect(
          HttpClient.HttpClient,
          Effect.map(Effect.orDie(NodeHttpClient.make()), HttpClient.mapRequest(toServer))
        )
      : TestHttp.layerLateFetch
  )
)
