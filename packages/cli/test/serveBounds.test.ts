import { assert, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Schedule from "effect/Schedule"
import * as fs from "node:fs"
import * as http from "node:http"
import * as net from "node:net"
import { maxConnections } from "../src/internal/http/server.ts"
import { placeOf, type Served, serve, withSamco } from "./serveSupport.ts"
import { run, timeout } from "./support.ts"

const ask = (server: Served, ...args: Parameters<Served["ask"]>) => Effect.promise(() => server.ask(...args))

const session = "/v1/accounts/mine/session"

const connect = ({ where }: Served, text: string) =>
  Effect.acquireRelease(
    Effect.callback<net.Socket, Error>((resume) => {
      const place = placeOf(where)
      const socket = net.connect(
        where.startsWith("http") ? { host: "127.0.0.1", port: Number(place.port) } : { path: where }
      )
      socket.on("error", (error) => resume(Effect.fail(error)))
      socket.once("connect", () => {
        socket.write(text)
        resume(Effect.succeed(socket))
      })
    }).pipe(
      // The connection fails if the server's queue of new connections is full.
      Effect.retry({ schedule: Schedule.spaced("50 millis"), times: 200 })
    ),
    (socket) => Effect.sync(() => socket.destroy())
  )

const untilClosed = (socket: net.Socket) =>
  Effect.callback<string>((resume) => {
    let text = ""
    socket.on("data", (chunk) => (text += String(chunk)))
    if (socket.destroyed) return resume(Effect.succeed(text))
    socket.once("close", () => resume(Effect.succeed(text)))
  })

it.live(
  "broker-auth serve closes connections with slow or malformed requests",
  () =>
    Effect.gen(function* () {
      const { user } = yield* withSamco()
      const server = yield* serve(user)
      const started = "GET /v1/accounts HTTP/1.1\r\nhost: localhost\r\n"
      const idle = yield* Effect.forEach(
        Array.from({ length: maxConnections + 50 }),
        () => connect(server, "GET /v1/acc"),
        { concurrency: 32 }
      )
      assert.strictEqual((yield* ask(server, session)).status, 200)
      const closed = Effect.sync(() => idle.filter((socket) => socket.closed || socket.destroyed).length)
      yield* Effect.repeat(closed, { until: (count) => count >= 50, schedule: Schedule.spaced("20 millis") }).pipe(
        Effect.timeout("30 seconds")
      )

      for (const [text, says] of [
        ["nonsense\r\n\r\n", /^HTTP\/1\.1 400/],
        ["GET /v1/accounts HTTP/1.1\r\n\r\n", /^HTTP\/1\.1 400/],
        ["GET /v1/accounts HTTP/1.0\r\n\r\n", /^HTTP\/1\.1 421[\s\S]*HostRefused/],
        [`${started}host: localhost\r\nconnection: close\r\n\r\n`, /^HTTP\/1\.1 (400|421)/],
        [`${started}x: ${"x".repeat(20_000)}\r\n\r\n`, /^HTTP\/1\.1 431/],
        ["GET http://evil.example/v1/accounts HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n", /PathUnknown/]
      ] as const) {
        assert.match(yield* untilClosed(yield* connect(server, text)), says)
      }

      const began = performance.now()
      const loris = yield* connect(server, started)
      const drip = setInterval(() => loris.write("x: y\r\n"), 200)
      yield* untilClosed(loris)
      clearInterval(drip)
      assert.isBelow(performance.now() - began, 15_000)
      const body = yield* connect(
        server,
        "POST /v1/accounts/mine/renew HTTP/1.1\r\nhost: localhost\r\ncontent-length: 100\r\n\r\n{"
      )
      yield* untilClosed(body)
      assert.isBelow(performance.now() - began, 35_000)
      assert.strictEqual((yield* ask(server, session)).status, 200)
    }),
  { tags: ["thorough"], timeout }
)

it.live(
  "broker-auth serve limits the number of event streams",
  () =>
    Effect.gen(function* () {
      const { user } = yield* withSamco()
      const server = yield* serve(user)
      const request = "GET /v1/events HTTP/1.1\r\nhost: localhost\r\n\r\n"
      const readers = yield* Effect.forEach(Array.from({ length: 32 }), () => connect(server, request))
      const [first] = readers
      const heard = new Promise<string>((resolve) => {
        let text = ""
        first?.on("data", (chunk) => {
          text += String(chunk)
          if (text.includes("event: renewed")) resolve(text)
        })
      })
      yield* Effect.sleep("500 millis")
      const refused = yield* ask(server, "/v1/events")
      assert.deepStrictEqual([refused.status, refused.body.error.reason], [503, "StreamsExhausted"])
      const got = yield* ask(server, session)
      const text = yield* Effect.promise(() => heard)
      const data = JSON.parse(/data: (.*)/.exec(text)?.[1] ?? "")
      const { expiresAt, issuedAt } = got.body
      assert.deepStrictEqual(data, { account: "mine", broker: "samco", issuedAt, expiresAt })
      assert.notInclude(text, got.body.token)
      readers[1]?.destroy()
      yield* Effect.sleep("300 millis")
      const socket = yield* connect(server, request)
      const answer = yield* Effect.promise(
        () => new Promise<string>((resolve) => socket.once("data", (chunk) => resolve(String(chunk))))
      )
      assert.match(answer, /^HTTP\/1\.1 200/)
    }),
  { tags: ["thorough"], timeout }
)

const memoryOf = ({ child }: Served): number =>
  Number(/VmRSS:\s+(\d+) kB/.exec(fs.readFileSync(`/proc/${child.pid}/status`, "utf8"))?.[1]) / 1024

const slowClients = (server: Served, count: number) => {
  const open = new Set<net.Socket>()
  let isOver = false
  const start = () => {
    if (isOver) return
    const socket = net.connect({ path: server.where })
    open.add(socket)
    socket.on("error", () => undefined)
    socket.once("connect", () => socket.write("GET /v1/accounts/mine/session HTTP/1.1\r\nhost: localhost\r\nx: "))
    socket.once("close", () => {
      open.delete(socket)
      setTimeout(start, 50 + Math.random() * 200)
    })
  }
  for (let index = 0; index < count; index++) start()
  const drip = setInterval(() => {
    for (const socket of open) if (socket.writable && Math.random() < 0.1) socket.write("x")
  }, 100)
  return () => {
    isOver = true
    clearInterval(drip)
    for (const socket of open) socket.destroy()
  }
}

const seconds = 10
const perSecond = 1000

it.live(
  "broker-auth serve answers 10,000 requests despite 1,000 slow clients",
  () =>
    Effect.gen(function* () {
      const { logins, user } = yield* withSamco()
      const server = yield* serve(user)
      const agent = new http.Agent({ keepAlive: true, maxSockets: 32 })
      yield* ask(server, session, { agent })
      const before = memoryOf(server)
      const stop = slowClients(server, 1000)
      const failures: Array<string> = []
      const waits: Array<number> = []
      let peak = before
      const began = performance.now()
      const one = () => {
        const sent = performance.now()
        return server.ask(session, { agent }).then(
          ({ status }) => {
            waits.push(performance.now() - sent)
            if (status !== 200) failures.push(String(status))
          },
          (error: unknown) => void failures.push(String(error))
        )
      }
      const sent: Array<Promise<void>> = []
      yield* Effect.promise(async () => {
        // Each request starts on schedule, even if earlier requests have no answer yet. The measured time includes the
        // wait for a socket of `agent`.
        while (sent.length < seconds * perSecond) {
          const due = Math.min(seconds * perSecond, Math.floor(((performance.now() - began) / 1000) * perSecond))
          while (sent.length < due) sent.push(one())
          peak = Math.max(peak, memoryOf(server))
          await new Promise((resolve) => setTimeout(resolve, 10))
        }
        await Promise.all(sent)
      })
      const took = (performance.now() - began) / 1000
      stop()
      agent.destroy()
      const sorted = waits.toSorted((a, b) => a - b)
      const at = (share: number) => Math.round(sorted[Math.floor(sorted.length * share)] ?? 0)
      console.log(
        `${sent.length} requests in ${took.toFixed(1)} s: ${Math.round(sent.length / took)} a second; median ${at(0.5)} ms, 99%: ${at(0.99)} ms; memory ${Math.round(before)} MB, at most ${Math.round(peak)} MB`
      )
      assert.deepStrictEqual(failures.slice(0, 3), [], `${failures.length} of ${sent.length} failed`)
      assert.isBelow(peak - before, 250)
      assert.strictEqual(yield* logins, 1)
    }),
  { tags: ["thorough"], timeout: 180_000 }
)

it.live(
  "broker-auth serve shows no secret in output, help, events or errors",
  () =>
    Effect.gen(function* () {
      const { simulator, user } = yield* withSamco()
      const bearer = (yield* run(user, ["serve", "--for", "my-bot"])).stdout.trimEnd()
      const server = yield* serve(user, ["--port", "0"])
      const headers = { authorization: `Bearer ${bearer}` }
      let events = ""
      const reader = http.get({ ...placeOf(server.where), path: "/v1/events", headers }, (response) =>
        response.on("data", (chunk) => (events += String(chunk)))
      )
      reader.on("error", () => undefined)
      const first = yield* ask(server, session, { headers })
      yield* simulator.reset
      yield* simulator.inject("samco", "sessionToken", { kind: "waf" })
      const renew = { method: "POST", body: JSON.stringify({ token: first.body.token }), headers }
      const failed = yield* ask(server, "/v1/accounts/mine/renew", renew)
      assert.notStrictEqual(failed.status, 200)
      const dead = yield* ask(server, "/v1/accounts/mine/renew", { ...renew, body: `{"token":"${bearer}` })
      const refused = yield* ask(server, `/v1/accounts/${first.body.token}/session?token=${first.body.token}`, {
        headers
      })
      const wrong = yield* ask(server, session, { headers: { authorization: `Bearer ${first.body.token}` } })
      yield* Effect.sleep("300 millis")
      reader.destroy()
      const help = yield* run(user, ["serve", "--help"])
      const account = simulator.brokers["samco"]?.accounts[0] ?? {}
      const secrets = [bearer, first.body.token, account["apiKey"] ?? "", account["apiSecret"] ?? ""]
      assert.deepStrictEqual([secrets.includes(""), dead.status, refused.status, wrong.status], [false, 400, 404, 401])
      assert.match(events, /event: renewed[\s\S]*event: failed/)
      const shown = [server.printed(), events, help.stdout, failed.text, dead.text, refused.text, wrong.text].join("\n")
      assert.match(server.printed(), /mine: live until/)
      for (const secret of secrets) assert.notInclude(shown, secret)
    }),
  timeout
)
