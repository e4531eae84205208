import * as AngelAuth from "@auth/angel/AngelAuth"
import { FakeAngel } from "@auth/angel/msw"
import * as AuthError from "@auth/broker-core/login/AuthError"
import * as Vault from "@auth/broker-core/session/Vault"
import * as VaultError from "@auth/broker-core/session/VaultError"
import { TestHttp } from "@auth/broker-core/testing"
import * as Connection from "@auth/node/Connection"
import * as NodeHttpClient from "@auth/node/NodeHttpClient"
import * as RedirectListener from "@auth/node/RedirectListener"
import { FakeSamco } from "@auth/samco/msw"
import * as SamcoOAuth from "@auth/samco/SamcoOAuth"
import { afterAll, assert, beforeAll, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import { spawn } from "node:child_process"
import * as Fs from "node:fs"
import * as Https from "node:https"
import * as Http from "node:http"
import * as Net from "node:net"
import * as Os from "node:os"
import * as Path from "node:path"
import { freePort, listen } from "../../../tools/vitest/freePort.ts"
import { serveFake } from "../../../tools/vitest/brokers.ts"
import { isFetchOfNode } from "../src/internal/fetchOfNode.ts"
import { serve } from "./httpServers.ts"
import { layerKey } from "./support.ts"

const demo = FakeAngel.demoAccount
const samco = FakeSamco.demoAccount

const credentials = {
  clientCode: demo.clientCode,
  pin: Redacted.make(demo.pin),
  apiKey: Redacted.make(demo.apiKey),
  totp: Redacted.make(demo.totpSecret)
}

const layer = AngelAuth.layer({ credentials })

const rejection = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => assert.fail("the promise did not reject"),
    (error: unknown) => error
  )

const folders: Array<string> = []
const freshFolder = (): string => {
  const folder = Fs.mkdtempSync(Path.join(Fs.realpathSync(Os.tmpdir()), "broker-auth-node-"))
  folders.push(folder)
  return Path.join(folder, "vault")
}

afterAll(() => {
  for (const folder of folders) Fs.rmSync(folder, { recursive: true, force: true })
})

const run = (program: string, args: ReadonlyArray<string>, env: Readonly<Record<string, string>>) => {
  const { PATH = "" } = process.env
  const child = spawn(
    process.execPath,
    [
      "--conditions=@auth/source",
      ...(env["NODE_FLAG"] === undefined ? [] : [env["NODE_FLAG"]]),
      Path.join(import.meta.dirname, "programs", program),
      ...args
    ],
    { env: { PATH, HOME: "/nowhere", ...env }, stdio: ["ignore", "pipe", "inherit"] }
  )
  let printed = ""
  child.stdout.on("data", (data: Buffer) => (printed += data.toString()))
  const ended = new Promise<string>((resolve) => child.once("close", () => resolve(printed.trim())))
  const isReady = new Promise<void>((resolve) => child.stdout.once("data", () => resolve()))
  return { ended, isReady: Promise.race([isReady, ended]) }
}

const key = "00112233".repeat(8)

describe("a connection on Node", () => {
  it("reuses the encrypted session of an earlier connection", async () => {
    const folder = freshFolder()
    const fake = await Effect.runPromise(FakeAngel.make())
    const options = { folder, key: layerKey(), client: TestHttp.layerFake(fake) }
    let token = ""
    for (let starts = 0; starts < 2; starts += 1) {
      await using connection = await Connection.open(layer, options)
      token = Connection.reveal((await connection.session()).tokens.access)
    }
    const journal = await Effect.runPromise(fake.journal)
    assert.lengthOf(
      journal.filter(({ endpoint }) => endpoint === "loginByPassword"),
      1
    )
    assert.isTrue(Fs.existsSync(Path.join(folder, "sessions.db")))
    const stored = Fs.readdirSync(folder, { withFileTypes: true })
      .filter((file) => file.isFile())
      .map(({ name }) => Fs.readFileSync(Path.join(folder, name), "latin1"))
    for (const secret of [token, demo.pin, demo.apiKey]) assert.notInclude(stored.join("\n"), secret)
  })

  it("stores the session in `folder` if `vault` is undefined", async () => {
    const folder = freshFolder()
    const fake = await Effect.runPromise(FakeAngel.make())
    const client = TestHttp.layerFake(fake)
    await using connection = await Connection.open(layer, { folder, key: layerKey(), client, vault: undefined })
    await connection.session()
    assert.isTrue(Fs.existsSync(Path.join(folder, "sessions.db")))
  })

  it("cannot be opened without a key, and writes no file", { timeout: 60_000 }, async () => {
    const folder = freshFolder()
    const message = await run("fetching.ts", [folder, "https://broker.test/"], {}).ended
    assert.include(message, "Set BROKER_AUTH_KEY to the output of: openssl rand -hex 32")
    assert.deepStrictEqual(Fs.existsSync(folder) ? Fs.readdirSync(folder) : [], [])
  })

  it("rejects an invalid BROKER_AUTH_KEY, and hides its value", { timeout: 60_000 }, async () => {
    const message = await run("fetching.ts", [freshFolder(), "https://broker.test/"], { BROKER_AUTH_KEY: "canary" })
      .ended
    assert.match(message, /^vault key: .*BROKER_AUTH_KEY/)
    assert.notInclude(message, "canary")
  })

  it("rejects a missing layer and wrong options with InvalidRequest", async () => {
    const { open } = Connection as unknown as { readonly open: (...args: ReadonlyArray<unknown>) => Promise<unknown> }
    const folder = freshFolder()
    for (const [args, says] of [
      [[undefined, { folder, key: layerKey() }], /layer is not the layer of a login method/],
      [[AngelAuth, { folder, key: layerKey() }], /layer is not the layer of a login method/],
      [[layer, null], /options must be an object/],
      [[layer, folder], /options must be an object/],
      [[layer, { vault: folder }], /vault must be a layer/],
      [[layer, { folder, key: "text" }], /key must be a layer/],
      [[layer, { folder, key: layerKey(), client: fetch }], /client must be a layer/]
    ] as const) {
      const error = await rejection(open(...args))
      assert.isTrue(AuthError.isAuthError(error), String(error))
      assert.strictEqual((error as AuthError.AuthError).reason._tag, "InvalidRequest")
      assert.match(String(error), says)
    }
  })

  it("does not keep the program running, but a pending call does", { timeout: 60_000 }, async () => {
    const printed = await run("listening.ts", [freshFolder()], { BROKER_AUTH_KEY: key }).ended
    assert.strictEqual(printed, "waiting\nlogged in\nends")
  })

  for (const [name, client] of [
    ["the default client", undefined],
    ["NodeHttpClient", NodeHttpClient.layer()]
  ] as const) {
    it(`fetches answers with any HTTP status from hosts other than the broker's (${name})`, async () => {
      const server = Http.createServer(({ url = "" }, response) => {
        response.writeHead(Number(url.slice(1)), { "x-answer": "1" }).end()
      })
      const port = await listen(server)
      try {
        await using connection = await Connection.open(layer, { vault: Vault.layerMemory, key: layerKey(), client })
        for (const status of [200, 201, 204, 205, 299, 304, 404, 503, 599, 600, 999]) {
          for (const init of [{}, { method: "HEAD" }, { signal: new AbortController().signal }]) {
            const answer = await connection.fetch(`http://127.0.0.1:${port}/${status}`, init)
            assert.strictEqual(answer.status, status)
            assert.strictEqual(answer.ok, status <= 299)
            assert.strictEqual(answer.headers.get("x-answer"), "1")
            assert.strictEqual(await answer.text(), "")
          }
        }
      } finally {
        server.closeAllConnections()
        server.close()
      }
    })
  }

  it("rejects a vault that was written with another key", async () => {
    const folder = freshFolder()
    const fake = await Effect.runPromise(FakeAngel.make())
    const options = { folder, client: TestHttp.layerFake(fake) }
    const first = await Connection.open(layer, { ...options, key: layerKey(1) })
    await first.session()
    await first.close()
    await using second = await Connection.open(layer, { ...options, key: layerKey(2) })
    const error = await rejection(second.session())
    assert.isTrue(VaultError.isVaultError(error))
    assert.strictEqual((error as VaultError.VaultError).reason._tag, "WrongKey")
    assert.isFalse(AuthError.isAuthError(error))
  })

  it("logs in through the browser, and stores the session", { timeout: 60_000 }, async () => {
    const port = await freePort()
    const redirectUrl = `http://127.0.0.1:${port}/callback`
    const fake = await Effect.runPromise(FakeSamco.make({ accounts: [{ ...samco, redirectUrl }] }))
    const samcoLayer = SamcoOAuth.layer({
      credentials: { userId: samco.userId, apiKey: Redacted.make(samco.apiKey), redirectUrl }
    })
    const opened: Array<string> = []
    /** Acts as a browser and its user. */
    const open = (url: string) =>
      Effect.promise(async () => {
        opened.push(url)
        const address = (await fetch(url, { redirect: "manual" })).headers.get("location") ?? ""
        const page = await (await fake.respond(new Request(address))).text()
        const hidden = Array.from(page.matchAll(/name="(\w+)" value="([^"]*)"/g), ([, name = "", value = ""]) => [
          name,
          value
        ])
        const form = new URLSearchParams([...hidden, ["userId", samco.userId], ["apiSecret", samco.apiSecret]])
        form.delete("deny")
        const logged = await fake.respond(new Request(address, { method: "POST", body: form, redirect: "manual" }))
        await fetch(logged.headers.get("location") ?? "")
        return true
      })
    const options = { folder: freshFolder(), key: layerKey(), client: TestHttp.layerFake(fake) }
    const silent = { isTerminal: Effect.succeed(false), show: () => Effect.void, lines: Effect.never }
    const withUser = Layer.mergeAll(
      samcoLayer,
      Layer.succeed(RedirectListener.Browser, { open }),
      Layer.succeed(RedirectListener.UserTerminal, silent)
    )
    await using connection = await Connection.open(withUser, options)
    await connection.login()
    await connection.login()
    assert.lengthOf(opened, 1)
    await using again = await Connection.open(samcoLayer, options)
    assert.strictEqual((await again.session()).account.id, samco.userId)
  })

  it("runs one browser login for 20 simultaneous processes", { tags: ["thorough"], timeout: 180_000 }, async () => {
    const folder = freshFolder()
    const parent = Path.dirname(folder)
    const [tabs, gate] = [Path.join(parent, "tabs"), Path.join(parent, "gate")]
    const programs = Array.from({ length: 20 }, () => run("tab.ts", [folder, tabs, gate], { BROKER_AUTH_KEY: key }))
    await Promise.all(programs.map(({ isReady }) => isReady))
    Fs.writeFileSync(gate, "")
    const printed = await Promise.all(programs.map(({ ended }) => ended))
    const [pid, ...others] = Fs.readFileSync(tabs, "utf8").trim().split("\n")
    assert.deepStrictEqual(others, [])
    assert.deepStrictEqual(new Set(printed), new Set([`ready\ntoken-${pid}`]))
  })
})

describe("a connection on Node behind a proxy", () => {
  const connected: Array<string> = []
  /** The HTTP client of each login: `fetch` or `NodeHttpClient`. */
  const clients: Array<string> = []
  let servers: ReadonlyArray<Http.Server | Https.Server> = []
  const env: Record<string, string> = { BROKER_AUTH_KEY: key }
  let port = 0

  beforeAll(async () => {
    // The certificate is valid for broker.test and localhost until 2126. Only tests and benches use it.
    const [keyFile, certificate] = ["key.pem", "certificate.pem"].map((file) =>
      Path.join(import.meta.dirname, "tls", file)
    ) as [string, string]
    const broker = Https.createServer(
      { key: Fs.readFileSync(keyFile), cert: Fs.readFileSync(certificate) },
      ({ headers, method }, response) => {
        // Node's `fetch` sends the header `sec-fetch-mode`, and `NodeHttpClient` does not.
        if (method === "POST") clients.push("sec-fetch-mode" in headers ? "fetch" : "NodeHttpClient")
        response.end("the broker")
      }
    )
    const proxy = Http.createServer((_, response) => response.writeHead(405).end())
    proxy.on("connect", ({ url = "" }: Http.IncomingMessage, socket: Net.Socket) => {
      connected.push(url)
      const target = Net.connect(port, "127.0.0.1", () => {
        socket.write("HTTP/1.1 200 Connection established\r\n\r\n")
        target.pipe(socket).pipe(target)
      })
      socket.on("error", () => target.destroy())
      target.on("error", () => socket.destroy())
    })
    servers = [broker, proxy]
    port = await listen(broker)
    env["HTTPS_PROXY"] = `http://127.0.0.1:${await listen(proxy)}`
    env["NODE_EXTRA_CA_CERTS"] = certificate
  })

  afterAll(() => {
    for (const server of servers) {
      server.closeAllConnections()
      server.close()
    }
  })

  const fetching = (url: string, more: Readonly<Record<string, string>> = {}) =>
    run("fetching.ts", [freshFolder(), url], { ...env, ...more }).ended

  const loggingIn = (origin: string, more: Readonly<Record<string, string>> = {}) =>
    run("loggingIn.ts", [freshFolder(), origin], { ...env, ...more }).ended

  it("sends requests through HTTPS_PROXY, and trusts NODE_EXTRA_CA_CERTS", { timeout: 60_000 }, async () => {
    connected.length = 0
    assert.strictEqual(await fetching("https://broker.test/"), "200 the broker")
    assert.deepStrictEqual(connected, ["broker.test:443"])
  })

  it("connects directly to the hosts in NO_PROXY", { timeout: 60_000 }, async () => {
    connected.length = 0
    assert.strictEqual(await fetching(`https://localhost:${port}/`, { NO_PROXY: "localhost" }), "200 the broker")
    assert.deepStrictEqual(connected, [])
  })

  for (const variable of ["HTTPS_PROXY", "https_proxy", "HTTP_PROXY"]) {
    it(`rejects an invalid ${variable}, and hides its value`, { timeout: 60_000 }, async () => {
      const message = await fetching("https://broker.test/", { [variable]: "http://user:canary@:1:2" })
      assert.include(message, ` ${variable} is not the address of a proxy`)
      assert.notInclude(message, "canary")
    })
  }

  it("requires NODE_USE_ENV_PROXY=1 if Node has no setGlobalProxyFromEnv", { timeout: 60_000 }, async () => {
    const old = Path.join(freshFolder(), "..", "old.cjs")
    Fs.writeFileSync(
      old,
      'delete require("node:http").setGlobalProxyFromEnv; require("node:module").syncBuiltinESMExports()'
    )
    const message = await fetching("https://broker.test/", { NODE_FLAG: `--require=${old}` })
    assert.include(message, "Start the program with NODE_USE_ENV_PROXY=1")
    connected.length = 0
    const started = { NODE_FLAG: `--require=${old}`, NODE_USE_ENV_PROXY: "1" }
    assert.strictEqual(await fetching("https://broker.test/", started), "200 the broker")
    assert.deepStrictEqual(connected, ["broker.test:443"])
  })

  for (const started of [{}, { NODE_USE_ENV_PROXY: "1" }]) {
    it(
      `sends a login through HTTPS_PROXY (additional variables: ${JSON.stringify(started)})`,
      { timeout: 60_000 },
      async () => {
        connected.length = 0
        clients.length = 0
        assert.include(await loggingIn("https://broker.test", started), "it is not a JSON object or array")
        assert.deepStrictEqual(connected, ["broker.test:443"])
        assert.deepStrictEqual(clients, ["NodeHttpClient"])
      }
    )
  }

  it("sends a login directly to a host in NO_PROXY", { timeout: 60_000 }, async () => {
    connected.length = 0
    clients.length = 0
    assert.include(
      await loggingIn(`https://localhost:${port}`, { NO_PROXY: "localhost" }),
      "it is not a JSON object or array"
    )
    assert.deepStrictEqual(connected, [])
    assert.deepStrictEqual(clients, ["NodeHttpClient"])
  })

  it("sends no login if the proxy refuses the tunnel", { timeout: 60_000 }, async () => {
    const refusing = Http.createServer()
    refusing.on("connect", (_, socket: Net.Socket) => socket.end("HTTP/1.1 407 Proxy Authentication Required\r\n\r\n"))
    const proxyPort = await listen(refusing)
    clients.length = 0
    // A direct connection to localhost would succeed, so the test notices a login that bypasses the proxy.
    const message = await loggingIn(`https://localhost:${port}`, {
      HTTPS_PROXY: `http://user:canary@127.0.0.1:${proxyPort}`
    })
    refusing.close()
    assert.match(message, /proxy/i)
    assert.include(message, "407")
    assert.notInclude(message, "canary")
    assert.deepStrictEqual(clients, [])
  })

  it("sends no login to a broker with an untrusted certificate", { timeout: 60_000 }, async () => {
    clients.length = 0
    const trusted = { NODE_EXTRA_CA_CERTS: "", NO_PROXY: "localhost" }
    assert.match(await loggingIn(`https://localhost:${port}`, trusted), /certificate/i)
    assert.deepStrictEqual(clients, [])
  })
})

describe("a connection on Node without the option `client`", () => {
  const options = () => ({ folder: freshFolder(), key: layerKey() })

  /** The answer to a request for `/events` never ends. */
  const serveFakeOverHttp = (fake: Effect.Success<ReturnType<typeof FakeAngel.make>>) =>
    serve((request, response) => {
      if (request.path === "/events") {
        response.writeHead(200, { "content-type": "text/event-stream" }).write("data: first\n\n")
        return
      }
      const { body, headers, method, path } = request
      const asked = new Request(`https://apiconnect.angelone.in${path}`, {
        method,
        headers: headers as Record<string, string>,
        ...(body !== "" && { body })
      })
      void fake
        .respond(asked)
        .then(async (answer) =>
          response.writeHead(answer.status, Object.fromEntries(answer.headers)).end(await answer.text())
        )
    })

  it.live("logs in with NodeHttpClient, but fetches with the global fetch", () =>
    Effect.gen(function* () {
      const fake = yield* FakeAngel.make()
      const server = yield* serveFakeOverHttp(fake)
      const api = AngelAuth.layer({ credentials, origins: { api: server.url } })
      yield* Effect.promise(async () => {
        await using connection = await Connection.open(api, options())
        await connection.session()
        const answer = await connection.fetch(`${server.url}/events`)
        const reader = answer.body?.getReader()
        const first = await reader?.read()
        assert.strictEqual(new TextDecoder().decode(first?.value), "data: first\n\n")
        await reader?.cancel()
      })
      const clients = server.received.map(({ headers, path }) => [path, "sec-fetch-mode" in headers])
      assert.deepStrictEqual(clients, [
        ["/rest/auth/angelbroking/user/v1/loginByPassword", false],
        ["/events", true]
      ])
    })
  )

  it.live("logs in with a replaced global fetch", () =>
    Effect.gen(function* () {
      const fake = yield* FakeAngel.make()
      yield* serveFake(fake)
      yield* Effect.promise(async () => {
        await using connection = await Connection.open(layer, options())
        await connection.session()
      })
      assert.deepStrictEqual(
        (yield* fake.journal).map(({ endpoint }) => endpoint),
        ["loginByPassword"]
      )
    })
  )

  it("recognizes the fetch of this version of Node", () => {
    assert.isTrue(isFetchOfNode())
  })
})
