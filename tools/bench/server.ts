/**
 * The server: answers every request with the same bytes, at once or after a delay. It uses bare sockets, because
 * `node:http` serves fewer requests than the fastest clients send.
 */
import * as net from "node:net"
import { performance } from "node:perf_hooks"
import { servePeer } from "../interop/peer.ts"

const encode = (text: string) => Buffer.from(text).toString("base64url")

/** A token with the form of Angel One's: header, claims, 64 bytes of signature. */
const token = (claims: Readonly<Record<string, unknown>>): string =>
  `${encode(`{"alg":"HS512"}`)}.${encode(JSON.stringify(claims))}.${"Zm9vYmFy".repeat(11).slice(0, 86)}`

const issued = { iat: 1_790_000_000, exp: 4_000_000_000 }

/** Answers of the broker, by name. */
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

/** Clients here send one request at a time over a connection, so answers cannot overtake one another. */
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
if (body === undefined) throw new Error(`There is no answer "${name}"; there is ${Object.keys(bodies).join(", ")}.`)

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
