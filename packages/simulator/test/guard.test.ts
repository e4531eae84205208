import { assert, it } from "@effect/vitest"
import { Simulator } from "@auth/simulator"
import * as Effect from "effect/Effect"
import { request } from "node:http"
import { api, raw, send, site } from "./support.ts"

type Headers = Readonly<Record<string, string | ReadonlyArray<string>>>

/** Sends a request with headers that `fetch` does not allow. */
const ask = (address: string, path: string, headers: Headers, method = "GET", body = "") =>
  Effect.callback<{ readonly status: number; readonly text: string }>((resume) => {
    const options = { method, headers: { connection: "close", ...headers } as Record<string, string> }
    const sent = request(`${address}${path}`, options, (response) => {
      let text = ""
      response.on("data", (chunk) => (text += String(chunk)))
      response.on("end", () => resume(Effect.succeed({ status: response.statusCode ?? 0, text })))
    })
    sent.end(body)
  })

const addressesOf = ({ control, origins }: Simulator.Info) => [control, origins[api] ?? "", origins[site] ?? ""]

const portOf = (address: string) => new URL(address).port

const foreignHosts: ReadonlyArray<(port: string) => string> = [
  (port) => `evil.example:${port}`,
  () => "evil.example",
  () => "127.0.0.1",
  () => "127.0.0.1:1",
  (port) => `127.0.0.1.evil.example:${port}`,
  (port) => `user@127.0.0.1:${port}`,
  (port) => `127.0.0.1:${port}@evil.example`,
  (port) => `localhost.:${port}`,
  (port) => `127.0.0.2:${port}`,
  (port) => `2130706433:${port}`,
  (port) => `127.0.0.1:0${port}`,
  (port) => `127.0.0.1:${port}, evil.example`
]

it.live("every port refuses a Host header with another host or port", () =>
  Effect.gen(function* () {
    const simulator = yield* Simulator.make({ brokers: ["angel"] })
    for (const address of addressesOf(simulator)) {
      for (const host of foreignHosts) {
        const answer = yield* ask(address, "/info", { host: host(portOf(address)) })
        assert.strictEqual(answer.status, 403, host(portOf(address)))
        assert.include(answer.text, "--allow-host")
      }
    }
    assert.deepStrictEqual(yield* simulator.journal(), [])
  })
)

it.live("the simulator refuses a missing or repeated Host header, and a full URL in the request line", () =>
  Effect.gen(function* () {
    const { control } = yield* Simulator.make({ brokers: ["angel"] })
    const host = `Host: ${new URL(control).host}`
    assert.match(yield* raw(control, ["GET /info HTTP/1.0"]), /^HTTP\/1\.1 403 /)
    assert.match(yield* raw(control, ["GET /info HTTP/1.1", host, host, "Connection: close"]), /^HTTP\/1\.1 40[03] /)
    const target = ["GET http://evil.example/info HTTP/1.1", host, "Connection: close"]
    assert.match(yield* raw(control, target), /^HTTP\/1\.1 400 /)
  })
)

it.live("the simulator accepts every loopback name in the Host header", () =>
  Effect.gen(function* () {
    const { control } = yield* Simulator.make({ brokers: ["angel"] })
    for (const name of ["127.0.0.1", "localhost", "LOCALHOST", "[::1]"]) {
      assert.strictEqual((yield* ask(control, "/clock", { host: `${name}:${portOf(control)}` })).status, 200, name)
    }
  })
)

it.live("every port refuses requests from pages of other origins", () =>
  Effect.gen(function* () {
    const simulator = yield* Simulator.make({ brokers: ["angel"] })
    for (const address of addressesOf(simulator)) {
      const other = address === simulator.control ? simulator.origins[api] : simulator.control
      const origins = ["null", "https://evil.example", "http://127.0.0.1:1", `https://127.0.0.1:${portOf(address)}`]
      for (const origin of [...origins, other ?? "", ""]) {
        const form = { origin, "content-type": "text/plain" }
        const answer = yield* ask(address, "/clock", form, "POST", '{"advance": "8 hours"}')
        assert.strictEqual(answer.status, 403, origin)
        assert.include(answer.text, "--allow-origin")
      }
      for (const headers of [{ "sec-fetch-site": "cross-site" }, { "sec-fetch-site": "same-site" }]) {
        assert.strictEqual((yield* ask(address, "/info", headers)).status, 403)
      }
      assert.strictEqual((yield* ask(address, "/clock", { origin: "https://evil.example" }, "OPTIONS")).status, 403)
    }
    assert.deepStrictEqual(yield* simulator.journal(), [])
    assert.include((yield* send(`${simulator.control}/clock`)).text, '"aheadMillis":0')
  })
)

it.live("the simulator accepts the form of a login page, and cross-site links only to such a page", () =>
  Effect.gen(function* () {
    const simulator = yield* Simulator.make({ brokers: ["angel"] })
    const address = simulator.origins[site] ?? ""
    const path = "/publisher-login?api_key=demoPub1"
    const visit = { "sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate", "sec-fetch-dest": "document" }
    assert.strictEqual((yield* ask(address, path, visit)).status, 200)
    assert.strictEqual((yield* ask(address, path, { ...visit, "sec-fetch-dest": "iframe" })).status, 403)
    assert.strictEqual((yield* ask(simulator.control, "/info", visit)).status, 403)
    assert.strictEqual((yield* ask(address, "/other", visit)).status, 403)
    assert.strictEqual((yield* ask(simulator.origins[api] ?? "", "/publisher-login", visit)).status, 403)
    const form = { origin: address, "sec-fetch-site": "same-origin" }
    assert.notStrictEqual((yield* ask(address, path, form, "POST", "clientcode=x")).status, 403)
  })
)

it.live('the simulator refuses a prefetch even if it has "Sec-Fetch-Site: none"', () =>
  Effect.gen(function* () {
    const simulator = yield* Simulator.make({ brokers: ["angel"] })
    const typed = { "sec-fetch-site": "none", "sec-fetch-mode": "navigate", "sec-fetch-dest": "document" }
    for (const purpose of ["prefetch", "prefetch;prerender"]) {
      const prefetch = { ...typed, "sec-purpose": purpose }
      for (const served of addressesOf(simulator)) {
        assert.strictEqual((yield* ask(served, "/publisher-login", prefetch)).status, 403)
      }
    }
    assert.deepStrictEqual(yield* simulator.journal(), [])
    assert.strictEqual((yield* ask(simulator.control, "/info", typed)).status, 200)
  })
)

it.live("the simulator accepts allowed hosts and origins, and rejects malformed options", () =>
  Effect.gen(function* () {
    const allowed = { allowHosts: ["simulator.test"], allowOrigins: ["http://app.test:3000"] }
    const { control } = yield* Simulator.make({ brokers: ["angel"], ...allowed })
    const host = `simulator.test:${portOf(control)}`
    assert.strictEqual((yield* ask(control, "/clock", { host })).status, 200)
    assert.strictEqual((yield* ask(control, "/clock", { host, origin: `http://${host}` })).status, 200)
    assert.strictEqual((yield* ask(control, "/clock", { origin: `http://${host}` })).status, 403)
    assert.strictEqual((yield* ask(control, "/clock", { origin: "http://app.test:3000" })).status, 200)
    assert.strictEqual((yield* ask(control, "/clock", { origin: "http://app.test:3001" })).status, 403)
    for (const options of [{ allowHosts: ["http://a"] }, { allowOrigins: ["http://a/"] }, { allowOrigins: ["null"] }]) {
      assert.match((yield* Effect.flip(Simulator.make(options))).message, / use an? (?:name|origin) such as /)
    }
  })
)

it.live("injected answers and answers of the control port have headers that forbid scripts and framing", () =>
  Effect.gen(function* () {
    const simulator = yield* Simulator.make({ brokers: ["angel"] })
    const headers = { "content-type": "text/html", "content-security-policy": "script-src *" }
    const body = "<script>fetch('/')</script>"
    yield* simulator.inject("angel", "*", { kind: "answer", status: 200, body, headers }, 2)
    for (const url of [`${simulator.origins[api]}/`, `${simulator.control}/`, `${simulator.origins[site]}/`]) {
      const answer = yield* send(url)
      assert.strictEqual(answer.text === body, !url.startsWith(simulator.control), url)
      const policy = answer.headers.get("content-security-policy") ?? ""
      for (const part of ["default-src 'none'", "frame-ancestors 'none'", "form-action "]) assert.include(policy, part)
      assert.notInclude(policy, "script-src")
      assert.strictEqual(answer.headers.get("x-content-type-options"), "nosniff")
      assert.strictEqual(answer.headers.get("referrer-policy"), "same-origin")
      assert.isNull(answer.headers.get("access-control-allow-origin"))
    }
  })
)
