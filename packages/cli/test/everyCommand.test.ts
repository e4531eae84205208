import { assert, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as fs from "node:fs"
import { table } from "../src/internal/commandTable.ts"
import { key, linesOf, type Reply, run, terminal, timeout, type User, world } from "./support.ts"
import { valuesOf, ways } from "./ways.ts"

interface Step {
  readonly args: ReadonlyArray<string>
  readonly shows: RegExp
  readonly replies?: ReadonlyArray<Reply>
  /** Whether a line of the output may be wider than the terminal. */
  readonly isRaw?: true
  /** Exit code. Default: 0. */
  readonly code?: number
}

const stop = "\u0003"

/** The order matters: later calls use the session of `login`. */
const steps: ReadonlyArray<Step> = [
  { args: ["brokers"], shows: /angel: Angel One/ },
  { args: ["accounts"], shows: /angel: Angel One, A123456/ },
  { args: ["doctor"], shows: /ok\s+session: not logged in/ },
  { args: ["login"], shows: /angel is logged in until/ },
  { args: ["status"], shows: /session: live until/ },
  { args: ["token"], shows: /\n\S{40,}\n$/, isRaw: true },
  { args: ["header"], shows: /authorization: Bearer \S{40,}/, isRaw: true },
  { args: ["env"], shows: /export BROKER_AUTH_TOKEN='/, isRaw: true },
  { args: ["exec", "angel", "--", "sh", "-c", "echo $BROKER_AUTH_BROKER"], shows: /\nangel\n/ },
  { args: ["profile"], shows: /id: A123456/ },
  { args: ["renew"], shows: /angel is logged in until/ },
  { args: ["guard"], shows: /angel: 0 of \d+ allowed login failures/ },
  { args: ["guard", "reset"], shows: /The failed logins of angel\s+are\s+cleared/ },
  { args: ["serve"], shows: /serve\.sock/, replies: [[/serve\.sock/, stop]], code: 130 },
  { args: ["open", "--link"], shows: /http:\S+#\S{43}/, replies: [[/Ctrl-C\s+ends/, stop]], code: 130 },
  { args: ["vault"], shows: /encrypted with/ },
  { args: ["vault", "list"], shows: /angel/ },
  { args: ["vault", "encrypt"], shows: /already\s+encrypted/ },
  { args: ["logout"], shows: /angel is logged out/ },
  { args: ["vault", "rekey"], shows: /with\s+the\s+new\s+key/ },
  { args: ["simulate", "--help"], shows: /broker-auth-simulator/, isRaw: true },
  { args: ["remove", "angel"], shows: /Removed angel and its\s+credentials/ }
]

/** The other commands, each with the test file that calls it in a terminal. */
const elsewhere: Readonly<Record<string, string>> = {
  add: "commands.test.ts",
  demo: "demo.test.ts",
  recover: "recover.test.ts",
  "vault remove": "badInput.test.ts"
}

const nameOf = ({ args: [first = "", second = ""] }: Step): string =>
  table.some(({ name }) => name === `${first} ${second}`) ? `${first} ${second}` : first

const columns = 40

const show = (user: User, { args, replies = [] }: Pick<Step, "args" | "replies">) =>
  terminal(user, args, replies, { columns })

it.live(
  "every command in `steps` runs in a terminal of 40 columns",
  () =>
    Effect.gen(function* () {
      const { simulator, user: plain } = yield* world({ brokers: ["angel"] })
      const user = { ...plain, env: { ...plain.env, BROKER_AUTH_NEW_KEY: key.replaceAll("0", "a") } }
      const way = ways.find(({ method }) => method === "totp")!
      const input = linesOf(valuesOf(way, simulator.brokers["angel"]?.accounts[0] ?? {}))
      assert.strictEqual((yield* run(user, ["add", "angel", "--method", "totp"], { input })).code, 0)
      let current: User = user
      for (const step of steps) {
        const title = step.args.join(" ")
        const { code, screen } = yield* show(current, step)
        assert.strictEqual(code, step.code ?? 0, `${title}: ${screen}`)
        assert.match(screen, step.shows, title)
        assert.notInclude(screen, "\u001b", title)
        assert.notMatch(screen, /\n\s+at /, title)
        const long = screen.split("\n").filter((line) => line.length > columns && line.trim().includes(" "))
        if (step.isRaw !== true) assert.deepStrictEqual(long, [], title)
        if (title === "vault rekey") {
          current = { ...user, env: { ...user.env, BROKER_AUTH_KEY: user.env.BROKER_AUTH_NEW_KEY } }
        }
      }
    }),
  { tags: ["thorough"], timeout: 2 * timeout }
)

it("every command is tested in a terminal", () => {
  assert.sameMembers(
    table.map(({ name }): string => name),
    [...steps.map(nameOf), ...Object.keys(elsewhere)]
  )
  for (const [name, file] of Object.entries(elsewhere)) {
    const words = name.split(" ").map((word) => `"${word}"`)
    assert.match(
      fs.readFileSync(new URL(file, import.meta.url), "utf8"),
      new RegExp(`\\bterminal\\(\\s*\\w+,\\s*\\[${words.join(", ")}[,\\]]`),
      name
    )
  }
})
