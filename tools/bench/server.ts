/**
 * The HTTP server of the benches. It answers every request with the same bytes, immediately or after a delay. It uses
 * `node:net` directly, because `node:http` is slower than the fastest candidates.
 */
import * as net from "node:net"
import { performance } from "node:perf_hooks"
import { servePeer } from "../interop/peer.ts"

const encode = (text: string) => Buffer.from(text).toString("base64url")

/** Makes a token in the form of Angel One's tokens: header, claims, and a signature of 64 bytes. */
const token = (claims: Readonly<Record<string, unknown>>): string =>
  `${encode(`{"alg":"HS512"}`)}.${encode(JSON.stringify(claims))}.${"Zm9vYmFy".repeat(11).slice(0, 86)}`

const issued = { iat: 1_790_000_000, exp: 4_000_000_000 }

/** Bodies of the broker's answers, by name. */
const bodies: Readonly<Record<string, string>> = {
  login: JSON.stringify({
    status: true,
    message: "SUCCESS",
    errorcode: "",
    data: {
      jwtToken: token({
        username: "A123456",
        roles: 0,
        usertype: "USER",
        token: "c2FtcGxl".repeat(36),
        ...issued
      }),
      refreshToken: token({ token: "REFRESH-TOKEN", session: "cmVmcmVz".repeat(9), ...issued }),
      feedToken: token({ username: "A123456", session: "ZmVlZGVk".repeat(4), ...issued })
    }
  })
}

const toAnswer = (body: string) =>
  Buffer.from(
    `HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ndate: ${new Date().toUTCString()}\r\n` +
      `content-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`
  )

const maxRequestBytes = 65_536

/** Sends an answer. Candidates send one request at a time over each connection, so answers stay in order. */
const reply = (socket: net.Socket, answer: Buffer, isLast: boolean) => {
  if (!socket.writable) return
  socket.write(answer)
  if (isLast) socket.end()
}

const serve = (answer: Buffer, delay: number, count: () => void) => (socket: net.Socket) => {
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
      const isLast = /\r\nconnection: *close/i.test(head)
      if (delay === 0) reply(socket, answer, isLast)
      else setTimeout(reply, delay, socket, answer, isLast)
    }
    rest = data.length > 0 ? data : undefined
    if (data.length > maxRequestBytes) socket.destroy()
  })
}

const [name = "", delay = "0"] = process.argv.slice(2)
const body = bodies[name]
if (body === undefined) throw new Error(`There is no answer "${name}". Use one of: ${Object.keys(bodies).join(", ")}.`)

let requests = 0
const server = net.createServer(serve(toAnswer(body), Number(delay), () => (requests += 1)))
server.listen({ host: "127.0.0.1", port: 0, backlog: 4096 }, () => {
  const { port } = server.address() as net.AddressInfo
  let before = performance.eventLoopUtilization()
  servePeer((request: "address" | "load") => {
    if (request === "address") return { url: `http://127.0.0.1:${port}`, bytes: body.length }
    const now = performance.eventLoopUtilization()
    const load = { requests, busy: performance.eventLoopUtilization(now, before).utilization }
    before = now
    requests = 0
    return load
  })
})
