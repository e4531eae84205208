import { assert, it } from "@effect/vitest"
import * as Account from "@auth/broker-core/login/Account"
import * as AuthError from "@auth/broker-core/login/AuthError"
import * as LoginGuard from "@auth/broker-core/session/LoginGuard"
import type { Simulator } from "@auth/simulator"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import * as TestClock from "effect/testing/TestClock"
import * as fs from "node:fs"
import * as path from "node:path"
import { root } from "../../../tools/packages/workspace.ts"
import * as accounts from "../src/internal/accounts.ts"
import { handlers } from "../src/internal/commands.ts"
import {
  filesOf,
  inProcess,
  linesOf,
  makeUser,
  run,
  terminal,
  timeout,
  type User,
  withStore,
  world
} from "./support.ts"
import { valuesOf, ways } from "./ways.ts"

const angel = ways[0]!

const credentialsOf = ({ brokers }: Simulator.Simulator["Service"]) =>
  valuesOf(angel, brokers["angel"]?.accounts[0] ?? {})

const withAngel = Effect.fnUntraced(function* (
  change: Readonly<Record<string, string>> = {},
  options: Simulator.Options = {}
) {
  const { simulator, user } = yield* world({ brokers: ["angel"], ...options })
  const values = { ...credentialsOf(simulator), ...change }
  const added = yield* run(user, ["add", "angel", "--method", "totp", "--name", "mine"], { input: linesOf(values) })
  assert.strictEqual(added.code, 0, added.stderr)
  return { simulator, user, values }
})

const ownLines = (text: string) =>
  text
    .trimEnd()
    .split("\n")
    .filter((line) => !line.startsWith("SIMULATOR:"))

it.live(
  "`broker-auth token`, `header`, `env` and `exec` give the token to other programs",
  () =>
    Effect.gen(function* () {
      const { simulator, user } = yield* withAngel()
      const token = yield* run(user, ["token"])
      assert.strictEqual(token.code, 0, token.stderr)
      const value = token.stdout.trimEnd()
      const header = yield* run(user, ["header", "angel"])
      assert.include(header.stdout.split("\n"), `authorization: Bearer ${value}`)
      const env = yield* run(user, ["env", "A123456"])
      assert.include(env.stdout.split("\n"), `export BROKER_AUTH_TOKEN='${value}'`)
      const script = "console.log(process.env.BROKER_AUTH_TOKEN, process.env.BROKER_AUTH_KEY); process.exit(7)"
      const exec = yield* run(user, ["exec", "mine", "--", process.execPath, "-e", script])
      assert.deepStrictEqual([exec.code, exec.stdout], [7, `${value} undefined\n`])
      for (const [program, message] of [
        ["no-such-program", "the program no-such-program is not installed"],
        ["", 'the program "" cannot be started (ERR_INVALID_ARG_VALUE)']
      ] as const) {
        const missing = yield* run(user, ["exec", "mine", "--", program])
        assert.strictEqual(missing.code, 127)
        assert.include(missing.stderr, message)
      }
      const killed = yield* run(user, ["exec", "mine", "--", "sh", "-c", "kill -TERM $$"])
      assert.strictEqual(killed.code, 143)
      const logins = (yield* simulator.journal()).filter(({ endpoint }) => endpoint === "loginByPassword")
      assert.strictEqual(logins.length, 1)
      for (const { stderr } of [token, header, env]) assert.notInclude(stderr, value)
    }),
  timeout
)

it.live(
  "`broker-auth profile`, `status`, `renew`, `logout` and `remove` succeed",
  () =>
    Effect.gen(function* () {
      const { simulator, user } = yield* withAngel()
      const before = yield* run(user, ["status", "--json"])
      assert.include(JSON.parse(before.stdout).accounts[0], { name: "mine", session: "none", failedLogins: 0 })
      const profile = yield* run(user, ["profile", "--json"])
      assert.include(JSON.parse(profile.stdout), { id: "A123456", name: "DEMO TRADER" })
      const first = yield* run(user, ["token"])
      assert.strictEqual((yield* run(user, ["renew"])).code, 0)
      const second = yield* run(user, ["token"])
      assert.notStrictEqual(first.stdout, second.stdout)
      const status = yield* run(user, ["status"])
      assert.match(status.stdout, /session: live until \d{4}-\d\d-\d\d 00:00:00 IST/)
      assert.match(status.stdout, /Stored in .*-simulator\/sessions\.db, SQLite; encrypted/)
      const logout = yield* run(user, ["logout", "--all"])
      assert.deepStrictEqual(
        [logout.code, ownLines(logout.stderr)],
        [0, ["mine is logged out: the broker has ended the session."]]
      )
      assert.include(
        (yield* simulator.journal()).map(({ endpoint }) => endpoint),
        "logout"
      )
      assert.strictEqual((yield* run(user, ["remove", "mine"])).code, 0)
      const list = yield* run(user, ["accounts", "--json"])
      assert.deepStrictEqual(JSON.parse(list.stdout), [])
    }),
  { tags: ["thorough"], timeout }
)

it.live(
  "`broker-auth guard` and `status` show a locked account",
  () =>
    Effect.gen(function* () {
      const seed = { brokers: { angel: { accounts: [{ clientCode: "A123456", state: "blocked" }] } } }
      const { user } = yield* withAngel({}, { seed })
      assert.strictEqual((yield* run(user, ["login"])).code, 7)
      const locked =
        /The broker has locked this account.*\. No login is sent until you run broker-auth guard reset mine/
      for (const command of ["guard", "status"]) assert.match((yield* run(user, [command])).stdout, locked)
      const [row] = JSON.parse((yield* run(user, ["guard", "--json"])).stdout)
      assert.match(row.locked.message, /The broker has locked this account/)
    }),
  { tags: ["thorough"], timeout }
)

it.live(
  "`broker-auth guard` shows failed logins, and `guard reset` clears them",
  () =>
    Effect.gen(function* () {
      const { simulator, user, values } = yield* withAngel({ ANGEL_PIN: "0000" })
      const refused = yield* run(user, ["login"])
      assert.strictEqual(refused.code, 6, refused.stderr)
      assert.match(refused.stderr, /1 of 2 allowed login failures/)
      const again = yield* run(user, ["login"])
      assert.strictEqual(again.code, 7, again.stderr)
      assert.match(again.stderr, /run broker-auth guard reset to allow/)
      const named = yield* run(user, ["login", "angel"])
      assert.match(named.stderr, /run broker-auth guard reset angel to allow/)
      assert.notMatch(again.stderr, /LoginGuard/)
      const logins = Effect.map(
        simulator.journal(),
        (journal) => journal.filter(({ endpoint }) => endpoint === "loginByPassword").length
      )
      assert.strictEqual(yield* logins, 1)
      const guard = yield* run(user, ["guard", "--json"])
      const [{ countedAt, refusedAt }] = JSON.parse(guard.stdout)
      assert.strictEqual(refusedAt.length, 1)
      assert.deepStrictEqual(countedAt, refusedAt)
      const replace = ["add", "angel", "--method", "totp", "--name", "mine", "--replace"]
      const input = linesOf({ ...values, ANGEL_PIN: "4711" })
      assert.strictEqual((yield* run(user, replace, { input })).code, 0)
      assert.strictEqual((yield* run(user, ["guard", "reset"])).code, 0)
      assert.match((yield* run(user, ["guard"])).stdout, /0 of 2/)
    }),
  { tags: ["thorough"], timeout }
)

it.effect("`broker-auth status` counts a failed login for 24 hours", () =>
  Effect.gen(function* () {
    const user = yield* makeUser()
    const account = Account.make({ broker: "angel", id: "A123456" })
    const wrongPin = AuthError.make("angel", "login", new AuthError.InvalidCredentials({ field: "pin" }))
    const policy = { maxFailures: 2, window: Duration.hours(24), step: undefined }
    yield* withStore(user, (store) =>
      accounts.add(store, { name: "mine", broker: "angel", method: "totp", account, values: {} }, { replace: false })
    )
    yield* withStore(user, (store) =>
      Effect.flip(LoginGuard.make(store).protect(account, policy, Effect.fail(wrongPin)))
    )
    const show = (json: boolean) =>
      inProcess(user, handlers.status({ account: undefined, json, simulator: undefined, watch: false }))
    assert.include((yield* show(false)).stdout, "login guard: 1 of 2 allowed login failures")
    yield* TestClock.adjust("24 hours")
    assert.include((yield* show(false)).stdout, "login guard: 0 of 2 allowed login failures")
    assert.include((yield* show(true)).stdout, '"failedLogins": 0')
  })
)

it.effect("`broker-auth guard` does not count unanswered logins whose credentials worked before", () =>
  Effect.gen(function* () {
    const user = yield* makeUser()
    const account = Account.make({ broker: "angel", id: "A123456" })
    const timeOut = AuthError.make("angel", "login", new AuthError.BrokerUnavailable({ why: "time-out" }))
    const policy = { maxFailures: 2, window: Duration.hours(24), step: undefined }
    const options = { credentials: Redacted.make("the credentials") }
    yield* withStore(user, (store) =>
      accounts.add(store, { name: "mine", broker: "angel", method: "totp", account, values: {} }, { replace: false })
    )
    const protect = <A>(login: Effect.Effect<A, AuthError.AuthError>) =>
      withStore(user, (store) => Effect.exit(LoginGuard.make(store).protect(account, policy, login, options)))
    yield* protect(Effect.void)
    yield* protect(Effect.fail(timeOut))
    const { stdout } = yield* inProcess(user, handlers.guard({ account: undefined, json: false, simulator: undefined }))
    assert.match(stdout, /^mine: 0 of 2 allowed login failures.*\n {4}no answer at .* IST, not counted\n$/)
  })
)

it.effect("`broker-auth status` reports a package that lacks the account's login method", () =>
  Effect.gen(function* () {
    const user = yield* makeUser()
    const account = Account.make({ broker: "angel", id: "A123456" })
    yield* withStore(user, (store) =>
      accounts.add(store, { name: "mine", broker: "angel", method: "gone", account, values: {} }, { replace: false })
    )
    const input = { account: undefined, json: false, simulator: undefined, watch: false }
    const { stdout } = yield* inProcess(user, handlers.status(input))
    assert.match(stdout, /renewal: unknown: the package of Angel One has no method gone\n/)
  })
)

it.effect("`broker-auth status` says why a broker's package cannot be loaded", () =>
  Effect.gen(function* () {
    const user = yield* makeUser()
    const account = Account.make({ broker: "angel", id: "A123456" })
    const folder = path.join(user.state, "moved")
    yield* withStore(user, (store) =>
      accounts.add(
        store,
        { name: "mine", broker: "angel", folder, method: "totp", account, values: {} },
        { replace: false }
      )
    )
    const input = { account: undefined, json: false, simulator: undefined, watch: false }
    const { stdout } = yield* inProcess(user, handlers.status(input))
    assert.include(stdout, `renewal: unknown. The folder ${folder} cannot be used as the package of a broker: `)
  })
)

it.live(
  "broker-auth resolves a reference to a secret at each use",
  () =>
    Effect.gen(function* () {
      const { simulator, user } = yield* world({ brokers: ["angel"] })
      const { ANGEL_PIN: pin = "", ...values } = credentialsOf(simulator)
      const record = path.join(user.state, "record")
      const program = path.join(user.state, "pin.sh")
      fs.writeFileSync(program, `#!/bin/sh\nprintf '%s|%s' "$*" "$BROKER_AUTH_KEY" > "${record}"\necho ${pin}\n`, {
        mode: 0o700
      })
      const given = { ...values, ANGEL_PIN: `exec:"${program}" "a b"`, ANGEL_API_KEY: "env:MY_KEY" }
      const add = ["add", "angel", "--method", "totp"]
      const unset = yield* run(user, add, { input: linesOf(given) })
      assert.strictEqual(unset.code, 5)
      assert.match(unset.stderr, /env:MY_KEY could not be resolved: the environment variable MY_KEY is not set/)
      const env = { MY_KEY: values["ANGEL_API_KEY"] ?? "" }
      const added = yield* run(user, add, { input: linesOf(given), env })
      assert.strictEqual(added.code, 0, added.stderr)
      assert.strictEqual(fs.readFileSync(record, "utf8"), "a b|")
      assert.strictEqual((yield* run(user, ["token"], { env })).code, 0)
      fs.writeFileSync(program, "#!/bin/sh\necho secret-on-stderr >&2\nexit 3\n")
      const failed = yield* run(user, ["token"], { env })
      assert.strictEqual(failed.code, 5)
      assert.match(failed.stderr, /ended with exit code 3/)
      assert.notInclude(failed.stderr, "secret-on-stderr")
    }),
  timeout
)

const broken: ReadonlyArray<
  readonly [
    title: string,
    args: ReadonlyArray<string>,
    code: number,
    says: RegExp,
    more?: { readonly input?: string; readonly env?: Readonly<Record<string, string>> }
  ]
> = [
  ["unknown command", ["nonsense"], 2, /nonsense/],
  ["unknown flag", ["login", "--pin", "4711"], 2, /--pin.*broker-auth login --help/],
  ["missing argument", ["add"], 2, /broker/],
  ["unknown broker", ["add", "nobody"], 2, /The brokers are angel/],
  ["neither --method nor a terminal", ["add", "angel"], 2, /--method: totp, publisher/],
  ["unknown method", ["add", "angel", "--method", "x"], 2, /totp, publisher/],
  ["invalid name", ["add", "angel", "--method", "totp", "--name", "a b"], 2, /letters/],
  ["no account", ["token"], 3, /broker-auth add/],
  ["closed standard input", ["add", "angel", "--method", "totp"], 5, /ANGEL_PIN/],
  ["a line that is not an assignment", ["add", "angel", "--method", "totp"], 5, /Line 1/, { input: "4711" }],
  ["an unknown variable", ["add", "angel", "--method", "totp"], 5, /Line 1.*ANGEL_PIN/, { input: "PIN=4711" }],
  ["a value in the wrong form", ["add", "angel", "--method", "totp"], 5, /pin/, { input: "ANGEL_PIN=secret-47" }],
  [
    "no key",
    ["accounts"],
    10,
    /openssl rand/,
    { env: { BROKER_AUTH_KEY: "", DBUS_SESSION_BUS_ADDRESS: "unix:path=/nowhere" } }
  ],
  ["a wrong key", ["accounts"], 10, /BROKER_AUTH_KEY/, { env: { BROKER_AUTH_KEY: "short" } }],
  ["a remote simulator", ["accounts", "--simulator", "http://example.com"], 2, /on this machine/],
  ["no simulator", ["accounts", "--simulator", "http://127.0.0.1:1"], 9, /No broker simulator/],
  ["exec without a program", ["exec", "mine"], 2, /after --/]
]

it.live(
  "broker-auth reports a failure in one line",
  () =>
    Effect.gen(function* () {
      const user = yield* makeUser()
      const results = yield* Effect.forEach(broken, ([, args, , , more]) => run(user, args, more), { concurrency: 2 })
      for (const [index, [title, , code, says]] of broken.entries()) {
        const { code: found, stderr = "", stdout } = results[index] ?? {}
        assert.strictEqual(found, code, `${title}: ${stderr}`)
        assert.match(stderr, says, title)
        assert.deepStrictEqual([ownLines(stderr).length, stdout], [1, ""], `${title}: ${stderr}`)
        assert.notMatch(stderr, /\n\s+at |4711|secret-47/, title)
      }
    }),
  timeout
)

it.live(
  "broker-auth lists the possible accounts if several match or none",
  () =>
    Effect.gen(function* () {
      const { simulator, user } = yield* withAngel()
      const input = linesOf(credentialsOf(simulator))
      assert.strictEqual((yield* run(user, ["add", "angel", "--method", "totp", "--name", "other"], { input })).code, 0)
      const taken = yield* run(user, ["add", "angel", "--method", "totp", "--name", "other"], { input })
      assert.deepStrictEqual([taken.code, /The name other is in use/.test(taken.stderr)], [3, true])
      for (const [args, says] of [
        [["token"], /Name one of them: mine, other/],
        [["token", "angel"], /Several accounts match "angel".*mine, other/],
        [["token", "nope"], /There is no account "nope".*mine, other/]
      ] as const) {
        const { code, stderr, stdout } = yield* run(user, args)
        assert.deepStrictEqual([code, stdout], [3, ""])
        assert.match(stderr, says)
      }
    }),
  { tags: ["thorough"], timeout }
)

it.live(
  "broker-auth does not load a broker's package from the current folder",
  () =>
    Effect.gen(function* () {
      const user = yield* makeUser()
      const folder = path.join(user.state, "cloned/node_modules/@auth/angel")
      fs.mkdirSync(folder, { recursive: true })
      fs.writeFileSync(path.join(folder, "package.json"), '{"name":"@auth/angel","exports":{"./*":"./evil.mjs"}}')
      fs.writeFileSync(path.join(folder, "evil.mjs"), 'process.stdout.write("evil")')
      const { stdout } = yield* run(user, ["brokers"], {
        cwd: path.join(user.state, "cloned"),
        env: { NODE_PATH: path.join(user.state, "cloned/node_modules") }
      })
      assert.notInclude(stdout, "evil")
      assert.include(stdout, "angel: Angel One")
    }),
  timeout
)

const asked = [
  [/Number from 1 to 2: /, "1\n"],
  [/Client code[\s\S]*?> /, "A123456\n"],
  [/4-digit PIN[\s\S]*?> /, "abcd\n"],
  [/must be four[\s\S]*?> /, "4711\n"],
  [/API key[\s\S]*?> /, "demoTrd1\n"],
  [/TOTP[\s\S]*?> /, "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP\n"]
] as const

it.live(
  "`broker-auth add` asks for credentials and does not show the secrets",
  () =>
    Effect.gen(function* () {
      const { user } = yield* world({ brokers: ["angel"] })
      const stopAfter = (count: number) =>
        terminal(user, ["add", "angel"], [...asked.slice(0, count), [asked[count]?.[0] ?? /$/, "\u0003"]])
      for (const count of [0, 1, 2]) {
        const { code, screen } = yield* stopAfter(count)
        assert.strictEqual(code, 130, screen)
        assert.match(screen, /broker-auth: stopped\./)
      }
      const ended = yield* terminal(user, ["add", "angel"], [[/Number[^:]*: /, "\u0004"]])
      assert.strictEqual(ended.code, 7, ended.screen)
      assert.strictEqual((yield* run(user, ["accounts", "--json"])).stdout, "[]\n")
      const { code, screen } = yield* terminal(user, ["add", "angel"], asked, { columns: 40 })
      assert.strictEqual(code, 0, screen)
      for (const secret of ["4711", "abcd", "demoTrd1", "JBSW"]) assert.notInclude(screen, secret)
      const list = yield* run(user, ["accounts"])
      assert.strictEqual(list.stdout, "angel: Angel One, A123456\n")
    }),
  { tags: ["thorough"], timeout }
)

const secretsIn = (user: User, secrets: ReadonlyArray<string>) =>
  filesOf(user.state).flatMap(([name, content]) => secrets.filter((secret) => content.includes(secret)).map(() => name))

it.live(
  "broker-auth leaves no secret in files or in its output",
  () =>
    Effect.gen(function* () {
      const { simulator, user, values } = yield* withAngel()
      const printed: Array<string> = []
      const logged = yield* terminal(user, ["login"], [])
      printed.push(logged.screen)
      for (const args of [
        ["status"],
        ["status", "--json"],
        ["accounts"],
        ["profile"],
        ["guard"],
        ["renew"],
        ["logout"]
      ]) {
        const { code, stderr, stdout } = yield* run(user, args)
        assert.strictEqual(code, 0, stderr)
        printed.push(stdout, stderr)
      }
      const sent = yield* simulator.journal()
      const tokens = sent.flatMap(({ headers }) => /^Bearer (.*)$/.exec(headers["authorization"] ?? "")?.[1] ?? [])
      assert.isNotEmpty(tokens)
      const { ANGEL_CLIENT_CODE: _, ...secrets } = values
      const all = [...Object.values(secrets), ...tokens]
      assert.deepStrictEqual(
        all.filter((secret) => printed.join("\n").includes(secret)),
        []
      )
      assert.deepStrictEqual(secretsIn(user, all), [])
    }),
  { tags: ["thorough"], timeout }
)

it.live(
  "`broker-auth add --package` loads a broker's package from a folder",
  () =>
    Effect.gen(function* () {
      const { simulator, user } = yield* world({ brokers: ["angel"] })
      const input = linesOf(credentialsOf(simulator))
      const add = (folder: string) => run(user, ["add", "angel", "--method", "totp", "--package", folder], { input })
      const broken = path.join(user.state, "broken")
      fs.mkdirSync(path.join(broken, "node_modules/effect"), { recursive: true })
      const absent = yield* add(broken)
      assert.deepStrictEqual([absent.code, /no package\.json/.test(absent.stderr)], [4, true])
      fs.writeFileSync(path.join(broken, "package.json"), '{"name":"mine"}')
      fs.writeFileSync(path.join(broken, "node_modules/effect/package.json"), '{"exports":{"./*":"./other.js"}}')
      fs.writeFileSync(path.join(broken, "node_modules/effect/other.js"), "")
      const other = yield* add(broken)
      assert.deepStrictEqual([other.code, /a different copy of effect/.test(other.stderr)], [4, true], other.stderr)
      const folder = path.join(import.meta.dirname, "../../angel")
      const added = yield* add(folder)
      assert.strictEqual(added.code, 0, added.stderr)
      assert.strictEqual((yield* run(user, ["token"])).code, 0)
      assert.strictEqual((yield* run(user, ["accounts"])).stdout, "angel: Angel One, A123456\n")
    }),
  { tags: ["thorough"], timeout }
)

it.live(
  "`broker-auth brokers --package` lists the brokers of a package",
  () =>
    Effect.gen(function* () {
      const user = yield* makeUser()
      const cwd = path.join(user.state, "project")
      const place = path.join(cwd, "node_modules")
      fs.mkdirSync(path.join(place, "mine/dist"), { recursive: true })
      for (const name of ["@auth", "effect"])
        fs.symlinkSync(path.join(root, "node_modules", name), path.join(place, name))
      const list = (...args: ReadonlyArray<string>) => run(user, ["brokers", "--package", ...args], { cwd })

      const installed = yield* list("@auth/angel")
      assert.match(installed.stdout, /^angel: Angel One\n {4}totp: [^]*\n {4}publisher: /, installed.stderr)
      const shown = yield* list(path.join(root, "packages/zerodha"), "--json")
      const rows = JSON.parse(shown.stdout) as ReadonlyArray<{ readonly id: string; readonly package: string }>
      assert.deepStrictEqual(
        rows.map((row) => [row.id, row.package]),
        [["zerodha", "@auth/zerodha"]]
      )

      const refused = function* (named: string, reason: RegExp) {
        const { code, stderr, stdout } = yield* list(named)
        assert.deepStrictEqual([code, stdout], [4, ""], stderr)
        assert.match(stderr, reason)
      }
      yield* refused(
        "absent",
        /it has no package\.json with a name\. Use the folder of a package, or the name of a package/
      )
      const write = (file: string, text: string) => fs.writeFileSync(path.join(place, "mine", file), text)
      write("package.json", '{"name":"mine","type":"module","exports":{"./*":"./dist/*.js"}}')
      const noBroker = /it has no module whose name ends in Broker and which exports the description of a broker/
      yield* refused("mine", noBroker)
      write("dist/MineBroker.js", 'export const broker = { id: "mine", title: "Mine", methods: [{}] }')
      yield* refused("mine", noBroker)
      write("dist/MineBroker.js", 'export const broker = { id: "mine", title: "Mine", methods: [] }')
      yield* refused("mine", noBroker)
      write("dist/MineBroker.js", 'export const broker = { id: "mine", title: "Mine", environments: {}, methods: [] }')
      assert.strictEqual((yield* list("mine")).stdout, "mine: Mine\n")
      assert.strictEqual((yield* list("./node_modules/mine")).stdout, "mine: Mine\n")
      const other = yield* run(user, ["add", "angel", "--package", "mine"], { cwd })
      assert.match(other.stderr, /it has no broker "angel"\. Its brokers are mine\./)
    }),
  { tags: ["thorough"], timeout }
)

it.live(
  "`broker-auth status --watch` shows the status until Ctrl-C",
  () =>
    Effect.gen(function* () {
      const { user } = yield* withAngel()
      const { code, screen } = yield* terminal(user, ["status", "--watch"], [[/Stored in/, "\u0003"]])
      assert.deepStrictEqual([code, /session: not logged in/.test(screen)], [130, true], screen)
    }),
  { tags: ["thorough"], timeout }
)
