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
  /** Files that it left in the temporary directory. */
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

/** One run for all tests of its output. */
const finished = Effect.runSync(Effect.cached(run()))

const bySms = ["log in with a code by SMS", "mistype the code", "answer with the code on the phone"]

const again = "ask for a session in a new process"

const steps: Readonly<Record<string, Array<string | undefined>>> = {
  "Angel One": [
    "get a session by client code, PIN and TOTP",
    "ask for the profile",
    "ask for the funds",
    "refresh the session",
    again,
    "log in on a machine whose clock is slow",
    "log in while other programs log in too",
    "log in over a failing network",
    "ask for a session with a wrong PIN",
    "ask again, with the same PIN",
    "ask for the funds in a call of its own",
    "ask for the profile",
    "ask for a session 1000 times at once",
    "ask for the profile",
    "log out"
  ],
  "Motilal Oswal": [
    "get a session by password, birthday and TOTP",
    "ask for the profile",
    again,
    ...bySms,
    "ask for the profile",
    "log out",
    "log out"
  ],
  Rupeezy: [
    "get a session by client code, password and TOTP",
    "ask for the profile",
    again,
    "another program ends the session",
    "make 20 concurrent calls with an expired token",
    "log out"
  ],
  Samco: [
    "get a session by API key and secret",
    "ask for the profile",
    again,
    "log in through the browser",
    "refresh the session",
    "ask for the profile",
    "log out",
    "ask for a session after that",
    "log out"
  ],
  RMoney: ["get a session by password, then TOTP", again, ...bySms, "log out", "log out"],
  Zerodha: [
    "ask for a session before a person logs in",
    "log in through the browser",
    "ask for the profile",
    again,
    "log out"
  ]
}

const passedOf = (stdout: string, broker: string) =>
  Array.from(stdout.matchAll(new RegExp(`^ {2}✓ ${broker} +(.*?) +\\d+ ms`, "gm")), ([, title]) => title)

it.live(
  "shows sessions at six brokers from login to logout, and exits",
  () =>
    Effect.gen(function* () {
      const { code, stderr, stdout } = yield* finished
      assert.strictEqual(code, 0, stderr)
      assert.strictEqual(stderr, "")
      for (const [broker, titles] of Object.entries(steps)) assert.deepStrictEqual(passedOf(stdout, broker), titles)
      assert.match(stdout, /Your clock is 4 minutes behind the broker's/)
      assert.match(stdout, /The broker's journal has this login once/)
      assert.match(stdout, /RMoney +log out +\d+ ms {2}removed only here: the broker has no logout call/)
      assert.notInclude(stdout, "\u001B")
    }),
  timeout
)

const toldOf = (stdout: string, broker: string, title: string) =>
  new RegExp(`^ {2}✓ ${broker} +${title} +\\d+ ms {2}(.*)$`, "m").exec(stdout)?.[1]

it.live(
  "reports for each broker that a new process found the session and sent no login",
  () =>
    Effect.gen(function* () {
      const { stdout } = yield* finished
      for (const broker of Object.keys(steps)) {
        const said = "found in the vault: no login, profile of DEMO TRADER"
        assert.strictEqual(toldOf(stdout, broker, again), said, broker)
      }
    }),
  timeout
)

it.live(
  "shows that one login serves many calls: a thousand past midnight, twenty with an expired token",
  () =>
    Effect.gen(function* () {
      const { stdout } = yield* finished
      assert.strictEqual(
        toldOf(stdout, "Angel One", "ask for a session 1000 times at once"),
        "one login in the broker's journal, for all of them"
      )
      assert.strictEqual(
        toldOf(stdout, "Rupeezy", "make 20 concurrent calls with an expired token"),
        "20 answers, after one login for all of them"
      )
    }),
  timeout
)

it.live(
  "removes its vault, even if it is stopped",
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
const local = "logged out, here only"

/** Broker, account, how, end in India, in how long, what happened. */
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
  ["Motilal Oswal", "AA017", "password, birthday and SMS", "06:00:00", "20h 55m", `mistyped a code; ${revoked}`],
  ["Rupeezy", "XX9999", "client code, password and TOTP", "17:00:00", "8h", "ended by another program"],
  ["Rupeezy", "XX9999", "client code, password and TOTP", "19:00:00", "8h", revoked],
  ["Samco", "DV99999", "API key and secret", "08:00:00", "23h", revoked],
  ["Samco", "DV99999", "browser", "08:00:00", "22h 55m", `refreshed once; ${revoked}`],
  ["RMoney", "TEST102", "password, then TOTP", "00:00:00", "15h", local],
  ["RMoney", "TEST101", "password, then SMS", "00:00:00", "14h 55m", `mistyped a code; ${local}`],
  ["Zerodha", "ZZ0001", "browser", "06:00:00", "21h", revoked]
]

it.live(
  "ends with a table of the sessions: account, login, expiry, and outcome",
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
      const shown = rows.filter((row) => row.length === 6)
      // A login takes time, and an expiry relative to it moves by seconds.
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

/** Other secrets of an account. */
const alsoSecret = ["publisherKey", "pan", "email", "mobile", "secretApiKey", "accessToken"]

const secretFields = new Set([
  ...alsoSecret,
  ...[Angel, Motilal, Rmoney, Rupeezy, Samco, Zerodha].flatMap(({ methods }) =>
    methods.flatMap(({ credentials }) =>
      Object.keys(credentials)
        .filter((name) => credentials[name]?.secret)
        // An account of a fake has the secret under this name. Its `totp` says whether TOTP is enabled.
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

/** Long enough to be a token, a key or a hash. */
const isLong = (text: string) => text.length >= 12

/** The calls that carry a password or a key that logs in. */
const loginCalls = ["loginByPassword", "authdirectapi", "login", "sessionToken", "pwdValidate"]

/**
 * Expected logins: the first of each program, those by SMS, the one after midnight (angel), the one after an expired
 * token (rupeezy), and the four failing ones of angel. One login for each start or each caller would be many more.
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
  "sends only the logins that it prints, and prints no secret, token or code",
  () =>
    Effect.gen(function* () {
      const { output, text } = record()
      const simulator = yield* Simulator.Simulator
      yield* Effect.provideService(day, Stage, make(output, output))
      const said = text()

      // The simulator also serves brokers without a story.
      const accounts = Object.keys(logins).flatMap((broker) => simulator.brokers[broker]?.accounts ?? [])
      assert.strictEqual(accounts.length, 7)
      for (const account of accounts) {
        const secrets = Object.entries(account).filter(([name, value]) => secretFields.has(name) && value !== "")
        assert.isAtLeast(secrets.length, 4)
        for (const [name, value] of secrets) assert.notInclude(said, value, name)
      }

      const journal = yield* simulator.journal()
      assert.deepStrictEqual(loginsIn(journal), logins)
      const refused = journal.filter(({ endpoint, status }) => endpoint === "getFunds" && status === 401)
      assert.strictEqual(refused.length, 20, "calls with an expired token")
      const carried = journal.flatMap(({ body, headers, url }) => [
        ...secretHeaders.flatMap((name) => (headers[name] ?? "").split(" ")),
        ...leaves(parse(body)),
        ...new URL(url).searchParams.values()
      ])
      const tokens = new Set(carried.filter(isLong))
      assert.isAtLeast(tokens.size, 20)
      for (const token of tokens) assert.notInclude(said, token)

      const sent = [
        ...(yield* simulator.codes("motilal", "AA017")),
        ...(yield* simulator.codes("rmoney", "TEST101")),
        ...(yield* simulator.codes("rmoney", "TEST102"))
      ]
      assert.strictEqual(sent.length, 3)
      for (const code of sent) assert.notInclude(said, code)
      assert.notInclude(said, "eyJ")
      assert.include(said, "token <redacted>")
    }).pipe(
      Effect.provide(
        Layer.merge(SimulatorClock.layer, Home.layer).pipe(
          Layer.provideMerge(Layer.merge(Simulator.layer(), TestHttp.layerLateFetch))
        )
      )
    ),
  { tags: ["thorough"], timeout }
)

/** Final content of a terminal that receives only "up" and "erase" sequences. */
const terminal = (written: string): string => {
  const [first = "", ...controls] = written.split("\u001B[")
  return controls.reduce((screen, control) => {
    const up = Number(/^(\d+)A/.exec(control)?.[1] ?? 0)
    const kept = up === 0 ? screen : screen.replace(new RegExp(`(?:[^\\n]*\\n){${up}}$`), "")
    return kept + control.replace(/^\d*[AJ]/, "")
  }, first)
}

it.effect("shows the progress of each broker on a terminal, and erases it at the end", () =>
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
  "prints the failed step and its remedy, and exits with 1",
  () =>
    Effect.gen(function* () {
      const noNetwork = `globalThis.fetch = () => Promise.reject(Object.assign(new Error("no"), { code: "ENETDOWN" }))`
      const { code, stderr } = yield* run([`--import=data:text/javascript,${encodeURIComponent(noNetwork)}`])
      assert.strictEqual(code, 1)
      const failed = /^ {2}✗ (\w+(?: \w+)?) +(get a session by .*|log in through the browser)\n/m
      const [, broker = "", step = ""] = failed.exec(stderr) ?? []
      assert.include(Object.keys(steps), broker)
      assert.match(stderr, broker === "Zerodha" ? /No login page answers at this address/ : /ENETDOWN/)
      assert.isTrue(stderr.endsWith(`\nnpm start failed: ${broker}, ${step}\n`), stderr)
    }),
  { tags: ["thorough"], timeout }
)
