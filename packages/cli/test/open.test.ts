import { assert, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Redacted from "effect/Redacted"
import * as TestClock from "effect/testing/TestClock"
import { spawn } from "node:child_process"
import * as fs from "node:fs"
import * as path from "node:path"
import * as idles from "../src/internal/open/idle.ts"
import * as links from "../src/internal/open/links.ts"
import { open } from "../../../tools/chromium/morning.ts"
import { ask, type Request, withSamco } from "./serveSupport.ts"
import { bin, run, terminal, timeout } from "./support.ts"

it.effect("`broker-auth open` accepts only the newest link, once and within 60 seconds", () =>
  Effect.gen(function* () {
    const made = links.make()
    const first = yield* made.issue
    const second = yield* made.issue
    assert.isUndefined(yield* made.exchange(first))
    assert.isUndefined(yield* made.exchange(Redacted.make("")))
    yield* TestClock.adjust("59 seconds")
    const bearer = yield* made.exchange(second)
    assert.isDefined(bearer)
    assert.isUndefined(yield* made.exchange(second))
    const header = `Bearer ${Redacted.value(bearer ?? second)}`
    assert.deepStrictEqual(
      [header, `${header}x`, `Bearer ${Redacted.value(second)}`, "Bearer ", undefined].map(made.isAllowed),
      [true, false, false, false, false]
    )
    const late = yield* made.issue
    yield* TestClock.adjust("60 seconds")
    assert.isUndefined(yield* made.exchange(late))
    assert.isTrue(made.isAllowed(header), "the bearer token stays valid after its link has expired")
  })
)

it.effect("idle.ended completes when no page has been open for the given duration", () =>
  Effect.gen(function* () {
    const idle = idles.make("15 minutes")
    const fiber = yield* Effect.forkChild(idle.ended)
    yield* TestClock.adjust("14 minutes")
    idle.enter()
    idle.enter()
    yield* TestClock.adjust("2 hours")
    idle.leave()
    yield* TestClock.adjust("2 hours")
    assert.isUndefined(fiber.pollUnsafe())
    idle.leave()
    yield* TestClock.adjust("14 minutes")
    idle.enter()
    idle.leave()
    yield* TestClock.adjust("14 minutes")
    assert.isUndefined(fiber.pollUnsafe())
    yield* TestClock.adjust("1 minute")
    assert.isDefined(fiber.pollUnsafe())
    yield* Fiber.join(fiber)
  })
)

it.live(
  "`broker-auth open` refuses a wrong host, origin, link or bearer token",
  () =>
    Effect.gen(function* () {
      const { logins, simulator, user } = yield* withSamco()
      const opened = yield* open(user)
      const { hash, host, origin } = new URL(opened.link)
      const own = { origin, "content-type": "application/json" }
      const send = (where: string, request: Request = {}) => Effect.promise(() => ask(origin)(where, request))
      const post = (where: string, headers: Request["headers"], body = "{}") =>
        send(where, { method: "POST", headers: { ...headers }, body })

      const page = yield* send("/")
      assert.strictEqual(page.status, 200)
      assert.match(
        String(page.headers["content-security-policy"]),
        /^default-src 'none'.*frame-ancestors 'none'.*connect-src 'self'/
      )
      assert.notMatch(String(page.headers["content-security-policy"]), /unsafe|\*/)
      assert.deepInclude(page.headers, {
        "cache-control": "no-store",
        "referrer-policy": "no-referrer",
        "x-content-type-options": "nosniff",
        "cross-origin-opener-policy": "same-origin",
        "cross-origin-resource-policy": "same-origin"
      })
      assert.notInclude(page.text, "mine", "the document names no account")

      const link = JSON.stringify({ text: hash.slice(1) })
      const refused = [
        [yield* send("/", { headers: { host: "evil.example" } }), 421, "HostRefused"],
        [yield* post("/link", { ...own, host: `evil.example:${new URL(origin).port}` }, link), 421, "HostRefused"],
        [yield* post("/link", { "content-type": "application/json" }, link), 403, "OriginRefused"],
        [yield* post("/link", { ...own, origin: "null" }, link), 403, "OriginRefused"],
        [yield* post("/link", { ...own, origin: "http://127.0.0.1:1" }, link), 403, "OriginRefused"],
        [yield* post("/link", { ...own, "sec-fetch-site": "cross-site" }, link), 403, "OriginRefused"],
        [yield* post("/link", { ...own, "content-type": "text/plain" }, link), 403, "OriginRefused"],
        [yield* post("/link", own, "{"), 400, "BodyInvalid"],
        [yield* post("/link", own, JSON.stringify({ text: "x".repeat(20_000) })), 400, "BodyInvalid"],
        [yield* post("/link", own, JSON.stringify({ text: "x" })), 403, "LinkRefused"],
        [yield* post("/events", own), 401, "BearerRefused"],
        [
          yield* post("/accounts/mine/login", { ...own, authorization: `Bearer ${hash.slice(1)}` }),
          401,
          "BearerRefused"
        ],
        [yield* send("/accounts/mine/login"), 404, "PathUnknown"],
        [yield* send("/", { method: "DELETE" }), 405, "MethodRefused", "GET, HEAD"],
        [yield* send("/events", { method: "DELETE" }), 405, "MethodRefused", "POST"]
      ] as const
      for (const [reply, status, reason, allow] of refused) {
        assert.deepStrictEqual([reply.status, reply.body.error.reason], [status, reason], reply.text)
        assert.strictEqual(reply.headers["allow"], allow)
        assert.isUndefined(reply.headers["access-control-allow-origin"])
        assert.isUndefined(reply.headers["set-cookie"])
      }

      const exchanged = yield* post("/link", own, link)
      assert.strictEqual(exchanged.status, 200, exchanged.text)
      assert.strictEqual((yield* post("/link", own, link)).body.error.reason, "LinkRefused")
      const allowed = { ...own, authorization: `Bearer ${exchanged.body.bearer}` }
      const outcomes = [
        [yield* post("/accounts/other/login", allowed), "AccountUnknown"],
        [yield* post("/accounts/mine/answer", allowed, JSON.stringify({ text: "1" })), "Nothing"],
        [yield* post("/accounts/mine/answer", allowed), "BodyInvalid"],
        [yield* post("/accounts/mine/resend", allowed), "Nothing"],
        [yield* post("/accounts/mine/cancel", allowed), "Nothing"],
        [yield* post("/accounts/mine/other", allowed), "PathUnknown"],
        [yield* post("/accounts/%ff/login", allowed), "PathUnknown"],
        [yield* post("/events", { ...allowed, origin: "http://evil.example" }), "OriginRefused"]
      ] as const
      for (const [reply, reason] of outcomes) assert.strictEqual(reply.body.error.reason, reason, reply.text)
      assert.strictEqual(yield* logins, 0)
      assert.strictEqual(host, `127.0.0.1:${new URL(origin).port}`)
      yield* simulator.inject("samco", "sessionToken", { kind: "latency", duration: "2 seconds" })
      const replies = yield* Effect.all(
        Array.from({ length: 8 }, () => post("/accounts/mine/login", allowed)),
        { concurrency: "unbounded" }
      )
      assert.deepStrictEqual(replies.filter(({ status }) => status === 200).length, 1)
      assert.deepStrictEqual(replies.filter(({ status }) => status === 409).length, 7)
      assert.strictEqual(opened.child.kill("SIGTERM"), true)
      assert.strictEqual(yield* Effect.promise(() => opened.ended), 143)
      assert.isAtMost(yield* logins, 1)
    }),
  timeout
)

it.live(
  "`broker-auth open` passes the link to the browser in a private file",
  () =>
    Effect.gen(function* () {
      const { user } = yield* withSamco()
      const browser = path.join(user.state, "browser")
      const seen = path.join(user.state, "seen")
      fs.writeFileSync(browser, `#!/bin/sh\nprintf '%s\\n' "$@" > "${seen}.tmp"\nmv "${seen}.tmp" "${seen}"\n`, {
        mode: 0o700
      })
      // `hidden` hides the installed browsers, so that `xdg-open` starts the command in BROWSER. `xdg-open` splits
      // BROWSER at spaces, and `user.state` may contain spaces. So BROWSER is only a file name, and PATH contains
      // `user.state`.
      const hidden = { XDG_DATA_HOME: user.state, XDG_DATA_DIRS: user.state, XDG_CURRENT_DESKTOP: "" }
      const env = {
        ...user.env,
        ...hidden,
        CI: "",
        DISPLAY: ":99",
        BROWSER: "browser",
        PATH: `${user.state}:${user.env["PATH"]}`
      }
      const child = yield* Effect.acquireRelease(
        Effect.sync(() =>
          spawn(process.execPath, ["--conditions=@auth/source", bin, "open"], {
            env,
            stdio: ["ignore", "pipe", "pipe"]
          })
        ),
        (started) => Effect.sync(() => void started.kill("SIGKILL"))
      )
      let printed = ""
      for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk) => (printed += String(chunk)))
      const waitFor = (what: string, isThere: () => boolean) =>
        Effect.promise(async () => {
          for (let tries = 0; tries < 400 && !isThere(); tries += 1)
            await new Promise((resolve) => setTimeout(resolve, 50))
          assert.isTrue(isThere(), `waited in vain for ${what}. The command printed: ${printed}`)
        })
      yield* waitFor("the browser", () => fs.existsSync(seen))
      const address = fs.readFileSync(seen, "utf8").trim()
      assert.match(address, /^file:\/\/.*\/open-\d+\.html$/)
      const file = new URL(address)
      assert.strictEqual(fs.statSync(file).mode & 0o777, 0o600)
      assert.strictEqual(fs.statSync(new URL(".", file)).mode & 0o777, 0o700)
      const url = /url=(http[^"]+)"/.exec(fs.readFileSync(file, "utf8"))?.[1] ?? ""
      const link = new URL(url).hash.slice(1)
      assert.match(link, /^[\w-]{43}$/)
      yield* waitFor("the text Ctrl-C", () => printed.includes("Ctrl-C"))
      assert.notInclude(printed, link)
      assert.notInclude(address, link)
      const { origin } = new URL(url)
      const reply = yield* Effect.promise(() =>
        ask(origin)("/link", {
          method: "POST",
          headers: { origin, "content-type": "application/json" },
          body: JSON.stringify({ text: link })
        })
      )
      assert.strictEqual(reply.status, 200, reply.text)
      assert.isFalse(fs.existsSync(file))
    }),
  timeout
)

it.live(
  "`broker-auth open` prints a command for an SSH tunnel, and refuses unusable ports",
  () =>
    Effect.gen(function* () {
      const { user } = yield* withSamco()
      const wrong = yield* run(user, ["open", "--port", "x"])
      assert.deepStrictEqual([wrong.code, /--port must be a number/.test(wrong.stderr)], [2, true])
      const first = yield* open(user)
      const { port } = new URL(first.link)
      const taken = yield* run(user, ["open", "--link", "--port", port])
      assert.deepStrictEqual([taken.code, /uses port \d+/.test(taken.stderr)], [2, true])
      const unsafe = yield* run(user, ["open", "--link", "--port", "6000"])
      assert.deepStrictEqual(
        [unsafe.code, /Browsers and fetch refuse to open port 6000/.test(unsafe.stderr)],
        [2, true]
      )
      assert.match(first.printed(), new RegExp(`ssh -N -L ${port}:127.0.0.1:${port}`))
    }),
  timeout
)

it.live(
  "`broker-auth open` makes a new link after Enter, and ends after Ctrl-C",
  () =>
    Effect.gen(function* () {
      const { user } = yield* withSamco()
      const link = /http:\/\/127\.0\.0\.1:\d+\/#[\w-]{43}/
      const { code, screen } = yield* terminal(
        user,
        ["open", "--link"],
        [
          [/Enter makes a new link/, "\n"],
          [link, "\u0003"]
        ]
      )
      const links = screen.match(new RegExp(link, "g")) ?? []
      assert.deepStrictEqual([code, links.length, new Set(links).size], [130, 2, 2], screen)
    }),
  timeout
)
