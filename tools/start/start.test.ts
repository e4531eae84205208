import { assert, it } from "@effect/vitest"
import { broker as Angel } from "@auth/angel/AngelBroker"
import { TestHttp } from "@auth/broker-core/testing"
import { broker as Motilal } from "@auth/motilal/MotilalBroker"
import { broker as Rmoney } from "@auth/rmoney/RmoneyBroker"
import { broker as Rupeezy } from "@auth/rupeezy/RupeezyBroker"
import { broker as Samco } from "@auth/samco/SamcoBroker"
import { broker as Zerodha } from "@auth/zerodha/ZerodhaBroker"
import { Simulator, SimulatorClock } from "@auth/simulator"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { type ChildProcess, spawn } from "node:child_process"
import { mkdtempSync, readdirSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { day } from "./day.ts"
import * as Home from "./home.ts"
import type { Output } from "./layout.ts"
import { make, Stage } from "./stage.ts"

/** Time limit of `npm start`, in milliseconds. */
const timeout = 30_000

interface Run {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
  /** Files that the program left in the temporary directory. */
  readonly left: ReadonlyArray<string>
}

const scratch = Effect.acquireRelease(
  Effect.sync(() => mkdtempSync(join(tmpdir(), "broker-auth-test-"))),
  (folder) => Effect.sync(() => rmSync(folder, { recursive: true, force: true }))
)

const runIn = (temporary: string, nodeArgs: ReadonlyArray<string>, meanwhile: (child: ChildProcess) => void) =>
  Effect.callback<Run>((resume) => {
    const args = ["--conditions=@auth/source", ...nodeArgs, join(import.meta.dirname, "main.ts")]
    const { FORCE_COLOR: _, ...env } = process.env
    const child = spawn(process.execPath, args, {
      env: { ...env, TMPDIR: temporary, TEMP: temporary },
      stdio: ["ignore", "pipe", "pipe"]
    })
    const printed = { stdout: "", stderr: "" }
    child.stdout.on("data", (chunk) => (printed.stdout += String(chunk)))
    child.stderr.on("data", (chunk) => (printed.stderr += String(chunk)))
    child.once("close", (code) => resume(Effect.sync(() => ({ code, ...printed, left: readdirSync(temporary) }))))
    meanwhile(child)
    return Effect.sync(() => void child.kill("SIGKILL"))
  })

const run = (nodeArgs: ReadonlyArray<string> = [], meanwhile: (child: ChildProcess) => void = () => {}) =>
  Effect.scoped(Effect.flatMap(scratch, (temporary) => runIn(temporary, nodeArgs, meanwhile)))

/** All tests of the output share this run. */
const finished = Effect.runSync(Effect.cached(run()))

const bySms = ["log in with a code by SMS", "answer with a wrong code", "answer with the code from the phone"]

const again = "request a session in a new process"

const steps: Readonly<Record<string, Array<string | undefined>>> = {
  "Angel One": [
    "log in with client code, PIN and TOTP",
    "request the profile",
    "request the funds",
    "refresh the session",
    again,
    "log in on a machine whose clock is slow",
    "log in while other programs log in too",
    "log in over a failing network",
    "request a session with a wrong PIN",
    "request a session with the same PIN again",
    "request the funds through an HTTP client",
    "request the profile",
    "request a session 1000 times concurrently",
    "request the profile with the new session",
    "log out"
  ],
  "Motilal Oswal": [
    "log in with password, birthday and TOTP",
    "request the profile",
    again,
    ...bySms,
    "request the profile",
    "log out",
    "log out"
  ],
  Rupeezy: [
    "log in with client code, password and TOTP",
    "request the profile",
    again,
    "another program ends the session",
    "make 20 concurrent calls with an invalid token",
    "log out"
  ],
  Samco: [
    "log in with API key and secret",
    "request the profile",
    again,
    "log in through the browser",
    "refresh the session",
    "request the profile",
    "log out",
    "request a session after the logout",
    "log out"
  ],
  RMoney: ["log in with password, then TOTP", again, ...bySms, "log out", "log out"],
  Zerodha: [
    "request a session before a user has logged in",
    "log in through the browser",
    "request the profile",
    again,
    "log out"
  ]
}

const passedOf = (stdout: string, broker: string) =>
  Array.from(stdout.matchAll(new RegExp(`^ {2}✓ ${broker} +(.*?) +\\d+ ms`, "gm")), ([, title]) => title)

it.live(
  "npm start shows sessions at six brokers from login to logout, and exits with 0",
  () =>
    Effect.gen(function* () {
      const { code, stderr, stdout } = yield* finished
      assert.strictEqual(code, 0, stderr)
      assert.strictEqual(stderr, "")
      for (const [broker, titles] of Object.entries(steps)) assert.deepStrictEqual(passedOf(stdout, broker), titles)
      assert.match(stdout, /Your clock is 4 minutes behind the broker's/)
      assert.match(stdout, /The broker's journal contains this login only once/)
      assert.match(
        stdout,
        /RMoney +log out +\d+ ms {2}the session was deleted only locally, because the broker has no logout call/
      )
      assert.notInclude(stdout, "\u001B")
    }),
  timeout
)

const outcomeOf = (stdout: string, broker: string, title: string) =>
  new RegExp(`^ {2}✓ ${broker} +${title} +\\d+ ms {2}(.*)$`, "m").exec(stdout)?.[1]

it.live(
  "npm start reports for each broker that a new process found the session and sent no login",
  () =>
    Effect.gen(function* () {
      const { stdout } = yield* finished
      for (const broker of Object.keys(steps)) {
        const expected = "the vault contained the session, so no login was sent; the user is DEMO TRADER"
        assert.strictEqual(outcomeOf(stdout, broker, again), expected, broker)
      }
    }),
  timeout
)

it.live(
  "npm start sends one login for 1000 concurrent calls after midnight, and one login for 20 calls with an invalid token",
  () =>
    Effect.gen(function* () {
      const { stdout } = yield* finished
      assert.strictEqual(
        outcomeOf(stdout, "Angel One", "request a session 1000 times concurrently"),
        "a single login served all requests"
      )
      assert.strictEqual(
        outcomeOf(stdout, "Rupeezy", "make 20 concurrent calls with an invalid token"),
        "20 calls succeeded after a single login"
      )
    }),
  timeout
)

it.live(
  "npm start removes its vault at the end of a run, and also after Ctrl+C",
  () =>
    Effect.gen(function* () {
      assert.deepStrictEqual((yield* finished).left, [])
      const stopped = yield* run([], (child) => {
        child.stdout?.once("data", () => setTimeout(() => child.kill("SIGINT"), 0))
      })
      assert.strictEqual(stopped.code, 130)
      assert.deepStrictEqual(stopped.left, [])
      assert.notInclude(stopped.stderr, "npm start failed")
    }),
  timeout
)

const revoked = "logged out, revoked by the broker"
const local = "logged out, only locally"

/** Expected rows: broker, account, credentials of the login, time of expiry in India, lifetime, what happened. */
const sessions: Array<Array<string | undefined>> = [
  [
    "Angel One",
    "A123456",
    "client code, PIN and TOTP",
    "00:00:00",
    "15h",
    "refreshed once; expired at midnight (AG8002)"
  ],
  ["Angel One", "A123456", "client code, PIN and TOTP", "00:00:00", "23h 55m", revoked],
  ["Motilal Oswal", "AA017", "password, birthday and TOTP", "06:00:00", "21h", revoked],
  ["Motilal Oswal", "AA017", "password, birthday and SMS", "06:00:00", "20h 55m", `a code was mistyped; ${revoked}`],
  ["Rupeezy", "XX9999", "client code, password and TOTP", "17:00:00", "8h", "ended by another program"],
  ["Rupeezy", "XX9999", "client code, password and TOTP", "19:00:00", "8h", revoked],
  ["Samco", "DV99999", "API key and secret", "08:00:00", "23h", revoked],
  ["Samco", "DV99999", "browser", "08:00:00", "22h 55m", `refreshed once; ${revoked}`],
  ["RMoney", "TEST102", "password, then TOTP", "00:00:00", "15h", local],
  ["RMoney", "TEST101", "password, then SMS", "00:00:00", "14h 55m", `a code was mistyped; ${local}`],
  ["Zerodha", "ZZ0001", "browser", "06:00:00", "21h", revoked]
]

it.live(
  "npm start ends with a table of the sessions, with account, login, expiry and outcome",
  () =>
    Effect.gen(function* () {
      const { stdout } = yield* finished
      const at = stdout.indexOf("\n  broker ")
      const [head, , ...rows] = stdout
        .slice(at)
        .trim()
        .split("\n")
        .map((line) => line.trim().split(/ {2,}/))
      assert.deepStrictEqual(head, ["broker", "account", "logged in with", "expires at", "lifetime", "what happened"])
      const shown = rows.filter((row) => row.length === 6)
      // Some expiries are relative to the time of the login. That time varies, so the seconds of the expiry are
      // ignored.
      const shorten = (expires = "") => expires.replace(/^\d{4}-\d\d-\d\d (\d\d:\d\d:)\d\d IST$/, "$100")
      assert.deepStrictEqual(
        shown.map(([broker, account, how, expires, ...more]) => [broker, account, how, shorten(expires), ...more]),
        sessions
      )
    }),
  timeout
)

const record = () => {
  const written: Array<string> = []
  const output: Output = { write: (text) => written.push(text) }
  return { output, text: () => written.join("") }
}

/** Fields of an account that are secret, but are not credentials of a login method. */
const alsoSecret = ["publisherKey", "pan", "email", "mobile", "secretApiKey", "accessToken"]

const secretFields = new Set([
  ...alsoSecret,
  ...[Angel, Motilal, Rmoney, Rupeezy, Samco, Zerodha].flatMap(({ methods }) =>
    methods.flatMap(({ credentials }) =>
      Object.keys(credentials)
        .filter((name) => credentials[name]?.secret)
        // In an account of a fake, the field `totpSecret` has the secret, and the field `totp` says whether TOTP is
        // enabled.
        .map((name) => (name === "totp" ? "totpSecret" : name))
    )
  )
])

const leaves = (value: unknown): ReadonlyArray<string> => {
  if (typeof value === "object" && value !== null) return Object.values(value).flatMap(leaves)
  return typeof value === "string" ? [value] : []
}

const parse = (body: string): unknown => {
  try {
    return JSON.parse(body)
  } catch {
    return Object.fromEntries(new URLSearchParams(body))
  }
}

const secretHeaders = [Angel, Motilal, Rmoney, Rupeezy, Samco, Zerodha].flatMap(({ secretHeaders }) => secretHeaders)

/** Whether a text is long enough to be a token, a key or a hash. */
const isLong = (text: string) => text.length >= 12

/** The endpoints of logins: their requests contain a password or an API secret. */
const loginCalls = ["loginByPassword", "authdirectapi", "login", "sessionToken", "pwdValidate"]

/**
 * Expected number of logins. Each program logs in once in the morning. Angel One logs in again after midnight, and has
 * four more logins that fail. Motilal Oswal and RMoney log in again by SMS, and Rupeezy after its session has ended. A
 * login for each start or for each caller would result in many more.
 */
const logins = { angel: 6, motilal: 2, rmoney: 2, rupeezy: 2, samco: 1, zerodha: 1 }

const loginsIn = (journal: ReadonlyArray<{ readonly broker: string; readonly endpoint: string }>) => {
  const counts: Record<string, number> = {}
  for (const { broker, endpoint } of journal) {
    if (loginCalls.includes(endpoint)) counts[broker] = (counts[broker] ?? 0) + 1
  }
  return counts
}

it.live(
  "npm start sends exactly the expected logins, and prints no secret, token or code",
  () =>
    Effect.gen(function* () {
      const { output, text } = record()
      const simulator = yield* Simulator.Simulator
      yield* Effect.provideService(day, Stage, make(output, output))
      const shown = text()

      // The simulator also serves brokers that `npm start` does not show.
      const accounts = Object.keys(logins).flatMap((broker) => simulator.brokers[broker]?.accounts ?? [])
      assert.strictEqual(accounts.length, 7)
      for (const account of accounts) {
        const secrets = Object.entries(account).filter(([name, value]) => secretFields.has(name) && value !== "")
        assert.isAtLeast(secrets.length, 4)
        for (const [name, value] of secrets) assert.notInclude(shown, value, name)
      }

      const journal = yield* simulator.journal()
      assert.deepStrictEqual(loginsIn(journal), logins)
      const refused = journal.filter(({ endpoint, status }) => endpoint === "getFunds" && status === 401)
      assert.strictEqual(refused.length, 20, "calls with an invalid token")
      const carried = journal.flatMap(({ body, headers, url }) => [
        ...secretHeaders.flatMap((name) => (headers[name] ?? "").split(" ")),
        ...leaves(parse(body)),
        ...new URL(url).searchParams.values()
      ])
      const tokens = new Set(carried.filter(isLong))
      assert.isAtLeast(tokens.size, 20)
      for (const token of tokens) assert.notInclude(shown, token)

      const sent = [
        ...(yield* simulator.codes("motilal", "AA017")),
        ...(yield* simulator.codes("rmoney", "TEST101")),
        ...(yield* simulator.codes("rmoney", "TEST102"))
      ]
      assert.strictEqual(sent.length, 3)
      for (const code of sent) assert.notInclude(shown, code)
      assert.notInclude(shown, "eyJ")
      assert.include(shown, "token <redacted>")
    }).pipe(
      Effect.provide(
        Layer.merge(SimulatorClock.layer, Home.layer).pipe(
          Layer.provideMerge(Layer.merge(Simulator.layer(), TestHttp.layerLateFetch))
        )
      )
    ),
  { tags: ["thorough"], timeout }
)

/** Returns the final content of a terminal. The text may contain only the control sequences "up" and "erase". */
const terminal = (written: string): string => {
  const [first = "", ...controls] = written.split("\u001B[")
  return controls.reduce((screen, control) => {
    const up = Number(/^(\d+)A/.exec(control)?.[1] ?? 0)
    const kept = up === 0 ? screen : screen.replace(new RegExp(`(?:[^\\n]*\\n){${up}}$`), "")
    return kept + control.replace(/^\d*[AJ]/, "")
  }, first)
}

it.effect("the stage shows the progress of each broker on a terminal, and erases it at the end", () =>
  Effect.gen(function* () {
    const { output, text } = record()
    const stage = make({ ...output, isTTY: true, columns: 40 }, output)
    yield* stage.print(() => "first")
    yield* stage.progress("Angel One", () => ({ done: 3, step: "log in with client code, PIN and TOTP" }))
    yield* stage.progress("RMoney", (before) => before)
    yield* stage.print(() => "second\nthird")
    assert.strictEqual(terminal(text()), "first\nsecond\nthird\n  ▸ Angel One      3 log in with…\n  · RMoney\n")
    yield* stage.complain(() => "fourth")
    assert.include(terminal(text()), "third\nfourth\n  ▸ Angel One")
    yield* stage.close
    assert.strictEqual(terminal(text()), "first\nsecond\nthird\nfourth\n")
  })
)

it.live(
  "npm start prints the step that failed and the reason, and exits with 1",
  () =>
    Effect.gen(function* () {
      const noNetwork = `globalThis.fetch = () => Promise.reject(Object.assign(new Error("no"), { code: "ENETDOWN" }))`
      const { code, stderr } = yield* run([`--import=data:text/javascript,${encodeURIComponent(noNetwork)}`])
      assert.strictEqual(code, 1)
      const failed = /^ {2}✗ (\w+(?: \w+)?) +(log in (?:with|through) .*)\n/m
      const [, broker = "", step = ""] = failed.exec(stderr) ?? []
      assert.include(Object.keys(steps), broker)
      assert.match(stderr, broker === "Zerodha" ? /No login page answers at this address/ : /ENETDOWN/)
      assert.isTrue(stderr.endsWith(`\nnpm start failed: ${broker}, ${step}\n`), stderr)
    }),
  { tags: ["thorough"], timeout }
)
