import { assert, it } from "@effect/vitest"
import { broker as Angel } from "@auth/angel/AngelBroker"
import type { FakeAccount } from "@auth/broker-core/testing/FakeBroker"
import { TestHttp } from "@auth/broker-core/testing"
import * as Vault from "@auth/broker-core/session/Vault"
import { broker as Motilal } from "@auth/motilal/MotilalBroker"
import { broker as Rmoney } from "@auth/rmoney/RmoneyBroker"
import { broker as Rupeezy } from "@auth/rupeezy/RupeezyBroker"
import { broker as Samco } from "@auth/samco/SamcoBroker"
import { Simulator } from "@auth/simulator"
import { broker as Zerodha } from "@auth/zerodha/ZerodhaBroker"
import * as Clock from "effect/Clock"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as fs from "node:fs"
import * as path from "node:path"
import { day, startAgain } from "../src/internal/demo/day.ts"
import * as programs from "../src/internal/demo/programs.ts"
import { filesOf, makeUser, run, terminal, timeout } from "./support.ts"

const brokers = [Angel, Motilal, Rupeezy, Samco, Rmoney, Zerodha]

const visitor = Effect.map(makeUser(), (user) => {
  const temporary = path.join(user.state, "temporary")
  fs.mkdirSync(temporary)
  return { temporary, user: { ...user, env: { ...user.env, TMPDIR: temporary, TEMP: temporary } } }
})

const preload = (code: string) => ({ NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(code)}` })

/** Several tests share this run. The run fails if the demo uses the proxy in the environment. */
const finished = Effect.runSync(
  Effect.cached(
    Effect.scoped(
      Effect.gen(function* () {
        const { user } = yield* visitor
        const proxy = { NODE_USE_ENV_PROXY: "1", HTTP_PROXY: "http://127.0.0.1:9", FORCE_COLOR: "1" }
        const ended = yield* run(user, ["demo"], { env: proxy })
        return { ...ended, files: filesOf(user.state), folders: fs.readdirSync(user.state) }
      })
    )
  )
)

const again = "request the profile with the stored session"
const bySms = ["log in without an authenticator", "answer with a wrong code", "answer with the code"]

const steps: Readonly<Record<string, Array<string | undefined>>> = {
  "Angel One": [
    "log in (Client code, PIN and TOTP)",
    "request the profile",
    "renew the session",
    again,
    "log in on a machine whose clock is slow",
    "log in over a failing network, without a second try",
    "log in with a wrong PIN",
    "log in with the same PIN again",
    "request a session 1000 times at once",
    "log out"
  ],
  "Motilal Oswal": [
    "log in (Password, date of birth (or PAN), and a one-time code (TOTP or SMS))",
    "request the profile",
    again,
    ...bySms,
    "log out"
  ],
  Rupeezy: [
    "log in (Client code, password and TOTP)",
    "request the profile",
    again,
    "another program logs out",
    "make 20 calls at once",
    "log out"
  ],
  Samco: ["log in (API key and secret)", "request the profile", again, "log out"],
  RMoney: [
    "log in (User id and password, then a one-time code (SMS, email or TOTP))",
    "request the profile",
    again,
    ...bySms,
    "log out"
  ],
  Zerodha: ["log in (Browser)", "request the profile", again, "log out"]
}

it.live(
  "the demo shows a trading day at each broker",
  () =>
    Effect.gen(function* () {
      const { code, stderr, stdout } = yield* finished
      assert.deepStrictEqual([code, stderr], [0, ""], stdout)
      for (const { title } of brokers) {
        const shown = Array.from(stdout.matchAll(new RegExp(`^ {2}✓ ${title} +(.*?): `, "gm")), ([, name]) => name)
        assert.deepStrictEqual(shown, steps[title], title)
      }
      assert.match(stdout, /Your clock is 4 minutes behind the broker's/)
      assert.match(stdout, /^ {2}✓ Rupeezy {8}make 20 calls at once: 20 succeeded, after a single login$/m)
      assert.match(
        stdout,
        /^ {2}✓ RMoney {9}log out: the session is deleted here; the broker has no call that ends it$/m
      )
      assert.match(stdout, /^All steps passed in [\d.]+ s\.$/m)
      assert.notMatch(stdout, /(?!\n)\p{Cc}/u)
    }),
  timeout
)

it.live(
  "the demo leaves no file and does not open the user's vault",
  () =>
    Effect.gen(function* () {
      const { files, folders } = yield* finished
      assert.deepStrictEqual([files, folders], [[], ["temporary"]])
    }),
  timeout
)

it.live(
  "the demo fits into 40 columns",
  () =>
    Effect.gen(function* () {
      const { user } = yield* visitor
      const plain = { ...user, env: { ...user.env, NO_COLOR: "1" } }
      const { code, screen } = yield* terminal(plain, ["demo"], [], { columns: 40 })
      assert.strictEqual(code, 0, screen)
      const lines = screen.split("\n")
      assert.isAbove(lines.length, 100)
      assert.deepStrictEqual(
        lines.filter(({ length }) => length > 40),
        []
      )
      assert.include(screen, "  ✓ Motilal Oswal\n    log in without an authenticator: a\n    code was sent\n")
      assert.notInclude(screen, "\u001B")
    }),
  timeout
)

it.live.each([
  { moment: "the first login", shown: /Before the market opens/ },
  { moment: "the steps in a second process", shown: /start\s+again/ }
])(
  "the demo removes its temporary folder after Ctrl-C during $moment",
  ({ shown }) =>
    Effect.gen(function* () {
      const { temporary, user } = yield* visitor
      const { code, screen } = yield* terminal(user, ["demo"], [[shown, "\u0003"]])
      assert.deepStrictEqual([code, fs.readdirSync(temporary)], [130, []], screen)
      assert.strictEqual(screen.match(/broker-auth: stopped\./g)?.length, 1, screen)
      assert.notInclude(screen, "All steps passed")
    }),
  timeout
)

it.live(
  "the demo removes its temporary folder if the output pipe closes early",
  () =>
    Effect.gen(function* () {
      const { temporary, user } = yield* visitor
      const { screen } = yield* terminal(user, ["demo"], [], { after: "| head -1" })
      assert.match(screen, /^This demo is a trading day at \d+ brokers\./)
      assert.deepStrictEqual(fs.readdirSync(temporary), [])
    }),
  { tags: ["thorough"], timeout }
)

it.live(
  "if the simulator is not installed, the demo prints the install command",
  () =>
    Effect.gen(function* () {
      const { temporary, user } = yield* visitor
      const absent = `
import { registerHooks } from "node:module"
const resolve = (name, context, next) => {
  if (name.startsWith("@auth/simulator/")) throw Object.assign(new Error(name), { code: "ERR_MODULE_NOT_FOUND" })
  return next(name, context)
}
registerHooks({ resolve })`
      const { code, stderr, stdout } = yield* run(user, ["demo"], { env: preload(absent) })
      assert.deepStrictEqual([code, stdout], [4, ""], stderr)
      assert.match(
        stderr,
        /The package @auth\/simulator is not installed\. Install it: npm install .*@auth\/simulator\n/
      )
      assert.deepStrictEqual(fs.readdirSync(temporary), [])
    }),
  timeout
)

it.live(
  "if a step fails, the demo prints the step and the reason",
  () =>
    Effect.gen(function* () {
      const { temporary, user } = yield* visitor
      const down = `globalThis.fetch = () => Promise.reject(Object.assign(new Error("no"), { code: "ENETDOWN" }))`
      const { code, stderr } = yield* run(user, ["demo"], { env: preload(down) })
      assert.strictEqual(code, 1)
      assert.match(stderr, /^ {2}✗ Angel One {6}log in \(Client code, PIN and TOTP\): .*ENETDOWN/)
      assert.isTrue(
        stderr.endsWith("\nbroker-auth: The demo failed: Angel One, log in (Client code, PIN and TOTP)\n"),
        stderr
      )
      assert.deepStrictEqual(fs.readdirSync(temporary), [])
    }),
  { tags: ["thorough"], timeout }
)

const alsoSecret = ["publisherKey", "pan", "email", "mobile", "secretApiKey", "accessToken", "totpSecret"]

/** Does not contain `totp`, because `totp` in a fake's account only says whether TOTP is enabled. */
const secretFields = new Set([
  ...alsoSecret,
  ...brokers
    .flatMap(({ methods }) => methods.flatMap(({ credentials }) => Object.entries(credentials)))
    .flatMap(([name, { secret }]) => (secret && name !== "totp" ? [name] : []))
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

const secretHeaders = brokers.flatMap(({ secretHeaders }) => secretHeaders)

/** Whether a text is long enough to be a token, a key or a hash. */
const isLong = (text: string) => text.length >= 12

/** Each login sends exactly one request to one of these endpoints. */
const loginCalls = ["loginByPassword", "authdirectapi", "login", "sessionToken", "pwdValidate"]

/**
 * Expected number of logins: one at each broker in the morning, and the following:
 *
 * - Angel One: one after midnight, and three that fail
 * - Motilal Oswal and RMoney: one by SMS
 * - Rupeezy: one after the session has ended
 */
const logins = { angel: 5, motilal: 2, rmoney: 2, rupeezy: 2, samco: 1, zerodha: 1 }

const printed = Effect.fnUntraced(function* <A, E, R>(effect: Effect.Effect<A, E, R>) {
  const texts: Array<string> = []
  const record = (...parts: ReadonlyArray<unknown>) => void texts.push(parts.map(String).join(" "))
  const recorder: Console.Console = Object.assign(Object.create(yield* Console.Console), { error: record, log: record })
  yield* Effect.provideService(effect, Console.Console, recorder)
  return texts.join("\n")
})

it.live(
  "the demo makes the expected number of logins, and prints no secret, token or code",
  () =>
    Effect.gen(function* () {
      const simulator = yield* Simulator.make()
      const vault = Layer.succeedContext(yield* Layer.build(Vault.layerMemory))
      const list = yield* programs.open({ info: simulator, vault })
      const shown = yield* printed(day(list, startAgain(list))).pipe(
        Effect.provideService(Simulator.Simulator, simulator),
        Effect.provideService(Clock.Clock, simulator.clock)
      )

      const accounts: ReadonlyArray<FakeAccount> = brokers.flatMap(({ id }) => simulator.brokers[id]?.accounts ?? [])
      assert.strictEqual(accounts.length, 7)
      for (const account of accounts) {
        const secrets = Object.entries(account).filter(([name, value]) => secretFields.has(name) && value !== "")
        assert.isAtLeast(secrets.length, 4)
        for (const [name, value] of secrets) assert.notInclude(shown, value, name)
      }

      const journal = yield* simulator.journal()
      const isLogin = ({ endpoint }: { readonly endpoint: string }) => loginCalls.includes(endpoint)
      for (const [id, expected] of Object.entries(logins)) {
        assert.lengthOf(
          journal.filter((entry) => entry.broker === id && isLogin(entry)),
          expected,
          id
        )
      }
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
    }).pipe(Effect.provide(TestHttp.layerLateFetch)),
  { tags: ["thorough"], timeout }
)
