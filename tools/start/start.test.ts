import { assert, it } from "@effect/vitest"
import { FakeAngel } from "@auth/angel/msw"
import * as Effect from "effect/Effect"
import { spawn } from "node:child_process"
import { join } from "node:path"

/** Milliseconds. What `npm start` may take, on a busy machine too. */
const timeout = 20_000

const run = (...nodeArgs: ReadonlyArray<string>) =>
  Effect.callback<{ readonly code: number | null; readonly stdout: string; readonly stderr: string }>((resume) => {
    const args = ["--conditions=@auth/source", ...nodeArgs, join(import.meta.dirname, "main.ts")]
    const { FORCE_COLOR: _, ...env } = process.env
    const child = spawn(process.execPath, args, { env, stdio: ["ignore", "pipe", "pipe"] })
    const printed = { stdout: "", stderr: "" }
    child.stdout.on("data", (chunk) => (printed.stdout += String(chunk)))
    child.stderr.on("data", (chunk) => (printed.stderr += String(chunk)))
    child.once("close", (code) => resume(Effect.succeed({ code, ...printed })))
    return Effect.sync(() => void child.kill("SIGKILL"))
  })

/** One run for all that looks at its output. */
const finished = Effect.runSync(Effect.cached(run()))

const steps = [
  "log in with client code, PIN and TOTP",
  "ask for the profile",
  "ask for the funds",
  "refresh the session",
  "log in on a machine whose clock is late",
  "log in while other programs do, too",
  "log in over a network that fails",
  "ask for the profile",
  "log in again",
  "ask for the profile",
  "log out"
]

it.live(
  "shows the life of a session from login to logout, and ends by itself",
  () =>
    Effect.gen(function* () {
      const { code, stderr, stdout } = yield* finished
      assert.strictEqual(code, 0, stderr)
      assert.strictEqual(stderr, "")
      const passed = Array.from(stdout.matchAll(/^ {2}✓ Angel One +(.*?) +\d+ ms/gm), ([, title]) => title)
      assert.deepStrictEqual(passed, steps)
      assert.match(stdout, /Your clock is 240 seconds behind the broker's/)
      assert.match(stdout, /The broker's journal has this login once/)
      assert.notInclude(stdout, "\u001B")
    }),
  timeout
)

it.live(
  "ends with a table of the sessions: whose, how, until when, and what happened",
  () =>
    Effect.gen(function* () {
      const { stdout } = yield* finished
      const at = stdout.indexOf("\n  broker ")
      const [head, , ...rows] = stdout
        .slice(at)
        .trim()
        .split("\n")
        .map((line) => line.trim().split(/ {2,}/))
      assert.deepStrictEqual(head, ["broker", "account", "how", "expires at", "in", "what happened"])
      const sessions = rows.filter((row) => row.length === 6)
      const whose = ["Angel One", "A123456", "client code, PIN and TOTP"]
      assert.deepStrictEqual(
        sessions.map(([broker, account, how, , left, happened]) => [broker, account, how, left, happened]),
        [
          [...whose, "15h", "refreshed once; over at midnight (AG8002)"],
          [...whose, "23h 55m", "logged out, revoked by the broker"]
        ]
      )
      for (const [, , , expires] of sessions) assert.match(expires ?? "", /^\d{4}-\d\d-\d\d 00:00:00 IST$/)
    }),
  timeout
)

it.live(
  "shows no secret of the account, and no token",
  () =>
    Effect.gen(function* () {
      const { stdout } = yield* finished
      const { apiKey, pin, publisherKey, totpSecret } = FakeAngel.demoAccount
      for (const secret of [apiKey, pin, publisherKey, totpSecret, "eyJ"]) assert.notInclude(stdout, secret)
      assert.include(stdout, "token <redacted>")
    }),
  timeout
)

it.live(
  "says which step failed and what to do, and exits with 1",
  () =>
    Effect.gen(function* () {
      const noNetwork = `globalThis.fetch = () => Promise.reject(Object.assign(new Error("no"), { code: "ENETDOWN" }))`
      const { code, stderr } = yield* run(`--import=data:text/javascript,${encodeURIComponent(noNetwork)}`)
      assert.strictEqual(code, 1)
      assert.match(stderr, /✗ Angel One +log in with client code, PIN and TOTP\n/)
      assert.match(stderr, /ENETDOWN/)
      assert.match(stderr, /\nnpm start failed: Angel One, log in with client code, PIN and TOTP\n$/)
    }),
  timeout
)
