import { assert, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import { spawn } from "node:child_process"
import * as fs from "node:fs"
import * as net from "node:net"
import * as path from "node:path"
import { runsPython } from "../../../tools/vitest/python.ts"
import { logIn } from "./logIn.ts"
import { add, end, type Reply, type Served, serve, wayOf, withSamco } from "./serveSupport.ts"
import { filesOf, run, terminal, timeout, world } from "./support.ts"

const ask = (server: Served, ...args: Parameters<Served["ask"]>) => Effect.promise(() => server.ask(...args))

const sessionOf = (server: Served, name = "mine") => ask(server, `/v1/accounts/${name}/session`)

const renewOf = (server: Served, token: string, name = "mine") =>
  ask(server, `/v1/accounts/${name}/renew`, { method: "POST", body: JSON.stringify({ token }) })

it.live(
  "`broker-auth serve` returns a session through a private socket",
  () =>
    Effect.gen(function* () {
      const { logins, user } = yield* withSamco()
      const first = yield* serve(user)
      assert.strictEqual(fs.statSync(first.where).mode & 0o777, 0o600)
      assert.strictEqual(fs.statSync(path.dirname(first.where)).mode & 0o777, 0o700)
      const before = yield* ask(first, "/v1/accounts")
      assert.deepInclude(before.body.accounts[0], {
        name: "mine",
        broker: "samco",
        account: "DV99999",
        session: "none"
      })
      assert.strictEqual(yield* logins, 0, "a request for the list of accounts must send no login")

      const session = yield* sessionOf(first)
      assert.strictEqual(session.status, 200, session.text)
      assert.strictEqual(session.headers["cache-control"], "no-store")
      const { token } = session.body
      assert.strictEqual(session.body.headers["x-session-token"], token)
      assert.deepInclude(session.body, { broker: "samco", account: "DV99999", feedToken: null })
      assert.isAbove(Date.parse(session.body.expiresAt), Date.parse(session.body.issuedAt))

      const second = yield* run(user, ["serve"])
      assert.deepStrictEqual([second.code, /Another server uses the socket/.test(second.stderr)], [2, true])
      assert.strictEqual(yield* end(first), 143)
      assert.isFalse(fs.existsSync(first.where))
      const third = yield* serve(user)
      assert.strictEqual((yield* sessionOf(third)).body.token, token)
      assert.strictEqual(yield* logins, 1)
      assert.strictEqual(yield* end(third, "SIGINT"), 130)
      const fourth = yield* serve(user)
      assert.strictEqual(yield* end(fourth, "SIGHUP"), 129)
      assert.isFalse(fs.existsSync(fourth.where))
    }),
  timeout
)

it.live(
  "`broker-auth serve` fails within 20 seconds if a suspended server uses the socket",
  () =>
    Effect.gen(function* () {
      const { user } = yield* withSamco()
      const first = yield* serve(user)
      first.child.kill("SIGSTOP")
      const second = yield* Effect.timeout(run(user, ["serve"]), "20 seconds").pipe(
        Effect.ensuring(Effect.sync(() => first.child.kill("SIGCONT")))
      )
      assert.deepStrictEqual([second.code, /Another server uses the socket/.test(second.stderr)], [2, true])
      assert.strictEqual(yield* end(first), 143)
    }),
  timeout
)

const renewInPython = (where: string, dead: string) =>
  Effect.callback<string>((resume) => {
    const child = spawn("python3", [path.join(import.meta.dirname, "programs/renew.py"), where], {
      // If `python3` is a shell script, its shell may print a warning about the user's locale.
      env: { ...process.env, LC_ALL: "C" }
    })
    let printed = ""
    child.stdout.on("data", (chunk) => (printed += String(chunk)))
    child.stderr.on("data", (chunk) => (printed += String(chunk)))
    child.once("close", () => resume(Effect.succeed(printed.trim())))
    child.stdin.end(`${dead}\n`)
    return Effect.sync(() => void child.kill("SIGKILL"))
  })

it.live.skipIf(!runsPython)(
  "`broker-auth serve` renews once for eight processes with the same rejected token",
  () =>
    Effect.gen(function* () {
      const { logins, simulator, user } = yield* withSamco()
      const server = yield* serve(user)
      const { token } = (yield* sessionOf(server)).body
      yield* simulator.reset
      yield* simulator.inject("samco", "sessionToken", { kind: "latency", duration: "300 millis" })
      const all = Array.from({ length: 8 }, () => renewInPython(server.where, token))
      const printed = new Set(yield* Effect.all(all, { concurrency: "unbounded" }))
      assert.strictEqual(printed.size, 1, Array.from(printed).join(", "))
      const [only = ""] = printed
      assert.match(only, /^200 \S{8,}$/)
      assert.notInclude(only, token)
      assert.strictEqual(yield* logins, 1)
      assert.strictEqual(`200 ${(yield* renewOf(server, token)).body.token}`, only)
      assert.strictEqual(yield* logins, 1)
    }),
  timeout
)

it.live(
  "`broker-auth serve` refuses to renew a session that the broker accepts",
  () =>
    Effect.gen(function* () {
      const { logins, simulator, user } = yield* withSamco()
      const server = yield* serve(user)
      const first = (yield* sessionOf(server)).body.token
      yield* simulator.reset
      const second = (yield* renewOf(server, first)).body.token
      const complained = yield* renewOf(server, second)
      assert.deepInclude(complained.body.error, { reason: "SessionExpired", isRetryable: false })
      assert.deepStrictEqual([complained.status, yield* logins], [409, 1])
      assert.strictEqual((yield* sessionOf(server)).body.token, second)
    }),
  { tags: ["thorough"], timeout }
)

const refusalOf = ({ body, status }: Reply) => [status, body?.error?.reason]

it.live(
  "`broker-auth serve` refuses a wrong, missing or revoked bearer token",
  () =>
    Effect.gen(function* () {
      const { user } = yield* withSamco()
      const made = yield* run(user, ["serve", "--for", "my-bot"])
      const bearer = made.stdout.trimEnd()
      assert.match(bearer, /^[\w-]{43}$/)
      assert.notInclude(made.stderr, bearer)
      const again = yield* run(user, ["serve", "--for", "my-bot"])
      assert.deepStrictEqual([again.code, again.stdout], [3, ""])
      const other = (yield* run(user, ["serve", "--for", "other"])).stdout.trimEnd()
      const listed = yield* run(user, ["serve", "--programs"])
      assert.match(listed.stdout, /^my-bot: added at .* IST\nother: added at .* IST\n$/)
      for (const [name, content] of filesOf(user.state)) assert.isFalse(content.includes(bearer), name)

      const server = yield* serve(user, ["--port", "0"])
      assert.match(server.where, /^http:\/\/127\.0\.0\.1:\d+$/)
      const asked = (authorization?: string) =>
        ask(server, "/v1/accounts", authorization === undefined ? {} : { headers: { authorization } })
      assert.deepStrictEqual(refusalOf(yield* asked()), [401, "BearerRefused"])
      for (const wrong of [
        `Bearer ${bearer.slice(0, -1)}`,
        `Bearer ${bearer}x`,
        `Basic ${bearer}`,
        bearer,
        "Bearer "
      ]) {
        assert.deepStrictEqual(refusalOf(yield* asked(wrong)), [401, "BearerRefused"], "a wrong bearer token")
      }
      assert.strictEqual((yield* asked(`Bearer ${bearer}`)).status, 200)
      const events = ask(server, "/v1/events", { headers: { authorization: `Bearer ${bearer}` } })
      const reading = yield* Effect.forkChild(events)
      yield* Effect.sleep("300 millis")

      assert.strictEqual((yield* run(user, ["serve", "--revoke", "my-bot"])).code, 0)
      assert.deepStrictEqual(refusalOf(yield* asked(`Bearer ${bearer}`)), [401, "BearerRefused"])
      const session = yield* ask(server, "/v1/accounts/mine/session", { headers: { authorization: `Bearer ${other}` } })
      assert.strictEqual(session.status, 200)
      // The revocation ends the stream before the event about the new session.
      assert.notInclude((yield* Fiber.join(reading)).text, "event:")
      const gone = yield* run(user, ["serve", "--revoke", "my-bot"])
      assert.deepStrictEqual([gone.code, /no program "my-bot"/.test(gone.stderr)], [3, true])
      assert.notInclude(server.printed(), bearer)
    }),
  timeout
)

it.live(
  "`broker-auth serve` refuses invalid requests and requests from web pages",
  () =>
    Effect.gen(function* () {
      const { logins, simulator, user } = yield* withSamco()
      const bearer = (yield* run(user, ["serve", "--for", "my-bot"])).stdout.trimEnd()
      const socket = yield* serve(user)
      const loopback = yield* serve(user, ["--port", "0"])
      const { port } = new URL(loopback.where)
      for (const server of [socket, loopback]) {
        const authorization = `Bearer ${bearer}`
        const asked = (given: string, { headers, ...request }: Parameters<Served["ask"]>[1] = {}) =>
          Effect.map(ask(server, given, { ...request, headers: { authorization, ...headers } }), (reply) => {
            assert.isUndefined(reply.headers["access-control-allow-origin"])
            assert.strictEqual(reply.headers["cache-control"], "no-store")
            return refusalOf(reply)
          })
        for (const host of ["evil.example", `evil.example:${port}`, "127.0.0.1.evil.example", "10.0.0.1"]) {
          assert.deepStrictEqual(yield* asked("/v1/accounts", { headers: { host } }), [421, "HostRefused"], host)
        }
        for (const headers of [{ origin: "null" }, { origin: server.where }, { "sec-fetch-site": "same-origin" }]) {
          assert.deepStrictEqual(yield* asked("/v1/accounts", { headers }), [403, "OriginRefused"])
        }
        for (const given of [
          "/",
          "/v1",
          "/v1/accounts/mine",
          "/v1/accounts/mine/session/",
          "/v1/accounts/a/b/session"
        ]) {
          assert.deepStrictEqual(yield* asked(given), [404, "PathUnknown"], given)
        }
        for (const name of ["other", "samco", "DV99999", "%2e%2e", "%ff", "__proto__"]) {
          assert.deepStrictEqual(yield* asked(`/v1/accounts/${name}/session`), [404, "AccountUnknown"], name)
        }
        for (const [method, given] of [
          ["POST", "session"],
          ["GET", "renew"],
          ["OPTIONS", "renew"],
          ["DELETE", "session"]
        ]) {
          const refused = yield* asked(`/v1/accounts/mine/${given}`, { method: method ?? "" })
          assert.deepStrictEqual(refused, [405, "MethodRefused"], `${method} ${given}`)
        }
        for (const body of ["", "token", "{}", '{"token":1}', '{"token":""}', '["token"]']) {
          const refused = yield* asked("/v1/accounts/mine/renew", { method: "POST", body })
          assert.deepStrictEqual(refused, [400, "BodyInvalid"], body)
        }
        const large = JSON.stringify({ token: "x".repeat(20_000) })
        const refused = yield* asked("/v1/accounts/mine/renew", { method: "POST", body: large })
        assert.deepStrictEqual(refused, [413, "BodyTooLarge"])
      }
      const elsewhere = yield* ask(loopback, "/v1/accounts", { headers: { host: `127.0.0.1:${Number(port) + 1}` } })
      assert.strictEqual(elsewhere.status, 421)
      assert.strictEqual(yield* logins, 0)
      assert.deepStrictEqual(yield* simulator.journal(), [])
    }),
  timeout
)

it.live(
  "`broker-auth serve` returns the session only after a person has logged in",
  () =>
    Effect.gen(function* () {
      const { simulator, user } = yield* world({ brokers: ["rmoney"] })
      yield* add(simulator, user, { broker: "rmoney", method: "password", name: "sms" })
      const server = yield* serve(user)
      const before = yield* sessionOf(server, "sms")
      assert.strictEqual(before.status, 409, before.text)
      assert.deepStrictEqual(before.body.error, {
        reason: "ActionRequired",
        message: "sms needs a person to log in",
        remedy: "Run broker-auth login sms.",
        retryAfter: null,
        isRetryable: false
      })
      assert.strictEqual((yield* renewOf(server, "a-dead-token", "sms")).status, 409)
      assert.deepStrictEqual(yield* simulator.journal(), [], "nothing must be sent before a person logs in")
      const login = () =>
        terminal(
          user,
          ["login", "sms"],
          [
            [
              /One-time code[\s\S]*?> /,
              () => Effect.runPromise(Effect.map(simulator.codes("rmoney", "TEST101"), (codes) => `${codes.at(-1)}\n`))
            ]
          ]
        )
      assert.strictEqual((yield* login()).code, 0)
      const first = yield* sessionOf(server, "sms")
      assert.strictEqual(first.status, 200, first.text)

      assert.strictEqual((yield* run(user, ["logout", "sms"])).code, 0)
      const out = yield* renewOf(server, first.body.token, "sms")
      assert.deepStrictEqual(refusalOf(out), [409, "SessionExpired"])
      assert.deepInclude(out.body.error, { message: "sms is logged out", remedy: "Run broker-auth login sms." })
      assert.strictEqual((yield* login()).code, 0)
      const second = yield* sessionOf(server, "sms")
      assert.strictEqual(second.status, 200, second.text)
      assert.notStrictEqual(second.body.token, first.body.token)
      assert.strictEqual((yield* renewOf(server, first.body.token, "sms")).body.token, second.body.token)

      for (const _ of [1, 2]) {
        const wrong = yield* renewOf(server, second.body.token, "sms")
        assert.deepStrictEqual(refusalOf(wrong), [409, "SessionExpired"])
        assert.match(wrong.body.error.remedy, /accepts the session/)
      }
      assert.strictEqual((yield* sessionOf(server, "sms")).body.token, second.body.token)
      const profiles = (yield* simulator.journal()).filter(({ endpoint }) => endpoint === "getProfile")
      assert.strictEqual(profiles.length, 1, "the profile call must not be repeated immediately")

      yield* Effect.sleep("5 seconds")
      yield* simulator.reset
      const dead = Effect.all(
        Array.from({ length: 3 }, () => renewOf(server, second.body.token, "sms")),
        { concurrency: "unbounded" }
      )
      for (const reply of yield* dead) assert.strictEqual(reply.status, 409, reply.text)
      assert.strictEqual((yield* login()).code, 0)
      const third = yield* renewOf(server, second.body.token, "sms")
      assert.strictEqual(third.status, 200, third.text)
    }),
  { tags: ["thorough"], timeout }
)

it.live(
  "`broker-auth serve` refuses to renew a session that no broker call can check",
  () =>
    Effect.gen(function* () {
      const { simulator, user } = yield* world({ brokers: ["rmoney"] })
      const way = wayOf("rmoney", "qr")
      yield* add(simulator, user, { broker: "rmoney", method: "qr", name: "qr" })
      const server = yield* serve(user)
      assert.strictEqual((yield* logIn(simulator, user, way, "qr")).code, 0)
      const first = yield* sessionOf(server, "qr")
      assert.strictEqual(first.status, 200, first.text)
      const refused = yield* renewOf(server, first.body.token, "qr")
      assert.deepStrictEqual(refusalOf(refused), [409, "SessionExpired"])
      assert.match(refused.body.error.remedy, /run broker-auth logout qr and broker-auth login qr/)
      assert.strictEqual((yield* sessionOf(server, "qr")).body.token, first.body.token)

      assert.strictEqual((yield* run(user, ["logout", "qr"])).code, 0)
      yield* simulator.reset
      assert.strictEqual((yield* logIn(simulator, user, way, "qr")).code, 0)
      const second = yield* renewOf(server, first.body.token, "qr")
      assert.strictEqual(second.status, 200, second.text)
      assert.notStrictEqual(second.body.token, first.body.token)
    }),
  { tags: ["thorough"], timeout }
)

it.live(
  "`broker-auth serve` notices added, changed and removed accounts",
  () =>
    Effect.gen(function* () {
      const { logins, simulator, user } = yield* withSamco()
      const server = yield* serve(user)
      const names = Effect.map(ask(server, "/v1/accounts"), ({ body }) =>
        body.accounts.map(({ name }: { readonly name: string }) => name)
      )
      assert.strictEqual((yield* sessionOf(server)).status, 200)
      yield* add(simulator, user, { broker: "samco", method: "api-key", name: "added" })
      assert.deepStrictEqual(yield* names, ["added", "mine"])
      assert.strictEqual((yield* sessionOf(server, "added")).status, 200)
      assert.strictEqual(yield* logins, 1, "both names belong to the same account at the broker")

      yield* simulator.inject("samco", "sessionToken", { kind: "latency", duration: "2 seconds" })
      const { token } = (yield* sessionOf(server)).body
      const renewing = yield* Effect.forkChild(renewOf(server, token))
      yield* Effect.sleep("500 millis")
      assert.strictEqual((yield* run(user, ["remove", "mine"])).code, 0)
      assert.deepStrictEqual(refusalOf(yield* sessionOf(server)), [404, "AccountUnknown"])
      const renewed = yield* Fiber.join(renewing)
      assert.strictEqual(renewed.status, 200, "a request that began before the removal must be answered")
      assert.strictEqual((yield* renewOf(server, token, "added")).body.token, renewed.body.token)

      const broken = "SAMCO_USER_ID=DV99999\nSAMCO_API_KEY=env:NOT_SET\nSAMCO_API_SECRET=env:NOT_SET\n"
      const env = { NOT_SET: "0123456789abcdef0123456789abcdef" }
      const change = ["add", "samco", "--method", "api-key", "--name", "added", "--replace"]
      assert.strictEqual((yield* run(user, change, { input: broken, env })).code, 0)
      const failed = yield* sessionOf(server, "added")
      assert.strictEqual(failed.status, 409, failed.text)
      assert.match(failed.body.error.message, /NOT_SET is not set/)
    }),
  { tags: ["thorough"], timeout }
)

it.live(
  "`broker-auth serve` can be restarted if it was killed during a renewal",
  () =>
    Effect.gen(function* () {
      const { logins, simulator, user } = yield* withSamco()
      const first = yield* serve(user)
      const { token } = (yield* sessionOf(first)).body
      yield* simulator.reset
      yield* simulator.inject("samco", "sessionToken", { kind: "latency", duration: "20 seconds" })
      const asked = yield* Effect.forkChild(
        Effect.exit(
          Effect.tryPromise(() =>
            first.ask("/v1/accounts/mine/renew", { method: "POST", body: JSON.stringify({ token }) })
          )
        )
      )
      yield* Effect.repeat(Effect.andThen(Effect.sleep("50 millis"), logins), { until: (count) => count === 1 })
      assert.strictEqual(yield* end(first, "SIGKILL"), "SIGKILL")
      assert.strictEqual((yield* Fiber.join(asked))._tag, "Failure")
      assert.isTrue(fs.existsSync(first.where), "the socket of the killed server must still exist")

      const second = yield* serve(user)
      assert.strictEqual(second.where, first.where)
      const began = performance.now()
      let renewed = yield* renewOf(second, token)
      while (renewed.status !== 200 && performance.now() - began < 30_000) {
        yield* Effect.sleep("500 millis")
        renewed = yield* renewOf(second, token)
      }
      assert.strictEqual(renewed.status, 200, renewed.text)
      assert.notStrictEqual(renewed.body.token, token)
    }),
  { tags: ["thorough"], timeout }
)

it.live(
  "`broker-auth serve` answers pending requests after SIGTERM, then ends",
  () =>
    Effect.gen(function* () {
      const { simulator, user } = yield* withSamco()
      const server = yield* serve(user)
      const stream = yield* Effect.forkChild(ask(server, "/v1/events"))
      yield* simulator.inject("samco", "sessionToken", { kind: "latency", duration: "1500 millis" })
      const asked = yield* Effect.forkChild(sessionOf(server))
      yield* Effect.sleep("500 millis")
      const code = yield* end(server)
      assert.strictEqual((yield* Fiber.join(asked)).status, 200)
      assert.match((yield* Fiber.join(stream)).text, /: alive/)
      assert.strictEqual(code, 143)
    }),
  { tags: ["thorough"], timeout }
)

it.live(
  "`broker-auth serve` refuses invalid flags",
  () =>
    Effect.gen(function* () {
      const { user } = yield* withSamco()
      const file = path.join(user.state, "file")
      fs.writeFileSync(file, "mine")
      const open = path.join(user.state, "open")
      fs.mkdirSync(open, { mode: 0o755 })
      const busy = net.createServer()
      yield* Effect.promise(() => new Promise<void>((resolve) => busy.listen(0, "127.0.0.1", resolve)))
      const { port } = busy.address() as net.AddressInfo
      for (const [args, says] of [
        [["--socket", path.join(user.state, "x".repeat(120))], /at most 103 bytes/],
        [["--socket", file], /is not a socket/],
        [["--socket", path.join(open, "s.sock")], /Other users have access/],
        [["--socket", path.join(file, "s.sock")], /is not a folder/],
        [["--port", "70000"], /--port must be a number/],
        [["--port", "-1"], /port/],
        [["--port", "10080"], /Browsers and fetch refuse to open port 10080 .*Choose another port with --port/],
        [["--port", String(port)], /Another program on this machine uses port/],
        [["--port", "0", "--socket", "s"], /only one of --socket and --port/],
        [["--for", "a b"], /letters/]
      ] as const) {
        const { code, stderr, stdout } = yield* run(user, ["serve", ...args])
        assert.deepStrictEqual([code, stdout], [2, ""], `${args.join(" ")}: ${stderr}`)
        assert.match(stderr, says)
      }
      busy.close()
      assert.strictEqual(fs.readFileSync(file, "utf8"), "mine")
    }),
  { tags: ["thorough"], timeout }
)
