/**
 * The HTTP server of the benches. A bench compares candidates, such as HTTP clients. A `node:http` server would be
 * slower than the fastest candidates.
 */
import * as fs from "node:fs"
import * as net from "node:net"
import { performance } from "node:perf_hooks"
import * as tls from "node:tls"
import { servePeer } from "../interop/peer.ts"
import { freePort } from "../vitest/freePort.ts"
import { loginPath } from "./angelLogin.ts"
import { bodies } from "./answers.ts"
import { certificate } from "./certificate.ts"

const toAnswer = (body: string) =>
  Buffer.from(
    `HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ndate: ${new Date().toUTCString()}\r\n` +
      `content-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`
  )

const answers = new Map(Object.entries(bodies).map(([path, body]) => [path, toAnswer(JSON.stringify(body))]))
const unknown = Buffer.from("HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n")

const answerTo = (head: string): Buffer => {
  const begin = head.indexOf(" ") + 1
  return answers.get(head.slice(begin, head.indexOf(" ", begin))) ?? unknown
}

const maxRequestBytes = 65_536

/** A candidate sends one request at a time over each connection, so answers stay in order. */
const reply = (socket: net.Socket, answer: Buffer, isLast: boolean) => {
  if (!socket.writable) return
  socket.write(answer)
  if (isLast) socket.end()
}

const serve = (delay: number, count: () => void) => (socket: net.Socket) => {
  let rest: Buffer | undefined
  socket.setNoDelay(true)
  socket.on("error", () => socket.destroy())
  socket.on("data", (chunk: Buffer) => {
    let data = rest === undefined ? chunk : Buffer.concat([rest, chunk])
    while (data.length > 0) {
      const end = data.indexOf("\r\n\r\n")
      if (end === -1) break
      const head = data.toString("latin1", 0, end)
      const size = end + 4 + Number(/\r\ncontent-length: *(\d+)/i.exec(head)?.[1] ?? 0)
      if (data.length < size) break
      data = data.subarray(size)
      count()
      const answer = answerTo(head)
      const isLast = /\r\nconnection: *close/i.test(head)
      if (delay === 0) reply(socket, answer, isLast)
      else setTimeout(reply, delay, socket, answer, isLast)
    }
    rest = data.length > 0 ? data : undefined
    if (data.length > maxRequestBytes) socket.destroy()
  })
}

const [delay = "0", scheme] = process.argv.slice(2)
const isTls = scheme === "tls"
if (!Number.isFinite(Number(delay))) throw new Error(`The delay must be a number of milliseconds, not "${delay}".`)

let requests = 0
const onConnection = serve(Number(delay), () => (requests += 1))
const server = isTls
  ? tls.createServer(
      { key: fs.readFileSync(certificate.keyFile), cert: fs.readFileSync(certificate.file) },
      onConnection
    )
  : net.createServer(onConnection)
const port = await freePort()
server.listen({ host: "127.0.0.1", port, backlog: 4096 }, () => {
  const url = isTls ? `https://${certificate.host}:${port}` : `http://127.0.0.1:${port}`
  let before = performance.eventLoopUtilization()
  servePeer((request: "address" | "load") => {
    if (request === "address") return { url, bytes: JSON.stringify(bodies[loginPath]).length }
    const now = performance.eventLoopUtilization()
    const load = { requests, busy: performance.eventLoopUtilization(now, before).utilization }
    before = now
    requests = 0
    return load
  })
})
