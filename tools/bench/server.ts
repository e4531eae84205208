/**
 * The HTTP server of the benches. It answers each path with the same bytes, immediately or after a delay. It uses
 * `node:net` directly, because `node:http` is slower than the fastest candidates.
 */
import * as fs from "node:fs"
import * as net from "node:net"
import { performance } from "node:perf_hooks"
import * as tls from "node:tls"
import { servePeer } from "../interop/peer.ts"
import { loginPath, logoutPath } from "./angelLogin.ts"
import { certificate } from "./certificate.ts"

const encode = (text: string) => Buffer.from(text).toString("base64url")

/** Makes a token in the form of Angel One's tokens: header, claims, and a signature of 64 bytes. */
const token = (claims: Readonly<Record<string, unknown>>): string =>
  `${encode(`{"alg":"HS512"}`)}.${encode(JSON.stringify(claims))}.${"Zm9vYmFy".repeat(11).slice(0, 86)}`

const issued = { iat: 1_790_000_000, exp: 4_000_000_000 }

const access = token({ username: "A123456", roles: 0, usertype: "USER", token: "c2FtcGxl".repeat(36), ...issued })
const refresh = token({ token: "REFRESH-TOKEN", session: "cmVmcmVz".repeat(9), ...issued })

/** Bodies of the answers, by the path of the request. */
const bodies: Readonly<Record<string, unknown>> = {
  [loginPath]: {
    status: true,
    message: "SUCCESS",
    errorcode: "",
    data: {
      jwtToken: access,
      refreshToken: refresh,
      feedToken: token({ username: "A123456", session: "ZmVlZGVk".repeat(4), ...issued })
    }
  },
  [logoutPath]: { status: true, message: "SUCCESS", errorcode: "", data: "" },
  // The fields of the documentation of Kite Connect 3, "User", as of 2026-11-27. The tokens are short, so the other
  // fields are longer, and the answer has about the same size.
  "/session/token": {
    status: "success",
    data: {
      user_type: "individual/res_no_nn",
      email: "bench@broker.test",
      user_name: "Bench",
      user_shortname: "Bench",
      broker: "ZERODHA",
      exchanges: ["NSE", "NFO", "BFO", "CDS", "BSE", "MCX", "BCD", "MF"],
      products: ["CNC", "NRML", "MIS", "BO", "CO"],
      order_types: ["MARKET", "LIMIT", "SL", "SL-M"],
      avatar_url: `https://broker.test/${"c2FtcGxl".repeat(70)}`,
      user_id: "B100000",
      api_key: "benchKey",
      access_token: "c2FtcGxl".repeat(4),
      public_token: "cHVibGlj".repeat(4),
      enctoken: "ZW5jdG9r".repeat(11),
      refresh_token: "",
      silo: "",
      login_time: "2026-11-27 09:14:00",
      meta: { demat_consent: "physical" }
    }
  },
  "/oauth/token": { access_token: access, refresh_token: refresh, token_type: "bearer", expires_in: 86_400 }
}

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

/** Sends an answer. Candidates send one request at a time over each connection, so answers stay in order. */
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

let requests = 0
const onConnection = serve(Number(delay), () => (requests += 1))
const server = isTls
  ? tls.createServer(
      { key: fs.readFileSync(certificate.keyFile), cert: fs.readFileSync(certificate.file) },
      onConnection
    )
  : net.createServer(onConnection)
server.listen({ host: "127.0.0.1", port: 0, backlog: 4096 }, () => {
  const { port } = server.address() as net.AddressInfo
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
