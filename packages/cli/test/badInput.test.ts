import { assert, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { spawn } from "node:child_process"
import * as fs from "node:fs"
import * as path from "node:path"
import { DatabaseSync } from "node:sqlite"
import { end, serve, withSamco } from "./serveSupport.ts"
import { key, linesOf, makeUser, run, terminal, timeout, type User, world } from "./support.ts"

const pin = "8305"
const angel = linesOf({
  ANGEL_CLIENT_CODE: "A123456",
  ANGEL_PIN: pin,
  ANGEL_API_KEY: "demoTrd1",
  ANGEL_TOTP_SECRET: "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
})
const addAngel = ["add", "angel", "--method", "totp", "--name"]

/** In `line`, the word `broker-auth` runs the command under test. */
const shell = (user: User, line: string) =>
  Effect.promise(
    () =>
      new Promise<{ readonly code: number | null; readonly output: string }>((resolve) => {
        const command = [process.execPath, ...user.command].map((word) => `'${word}'`).join(" ")
        const script = `broker_auth() { ${command} "$@"; }\n${line.replaceAll("broker-auth", "broker_auth")}`
        const child = spawn("sh", ["-c", script], { cwd: user.state, env: user.env, stdio: ["ignore", "pipe", "pipe"] })
        let output = ""
        for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk) => (output += String(chunk)))
        child.once("close", (code) => resolve({ code, output }))
      })
  )

const oneLine = (output: string): string => {
  assert.match(output, /^broker-auth: [^\n]+\n$/)
  return output
}

const namesOf = (user: User) =>
  Effect.map(run(user, ["accounts", "--json"]), ({ stdout }) =>
    (JSON.parse(stdout) as ReadonlyArray<{ readonly name: string }>).map(({ name }) => name)
  )

it.live(
  "`broker-auth add` reports a full disk, and keeps the stored accounts",
  () =>
    Effect.gen(function* () {
      const user = yield* makeUser()
      assert.strictEqual((yield* run(user, [...addAngel, "one"], { input: angel })).code, 0)
      fs.writeFileSync(path.join(user.state, "lines"), angel)
      // A limit on the size of files simulates a full disk.
      const full = yield* shell(user, `trap '' XFSZ; ulimit -f 8; broker-auth ${addAngel.join(" ")} two <lines`)
      assert.strictEqual(full.code, 10, full.output)
      assert.match(oneLine(full.output), /free space/)
      assert.deepStrictEqual(yield* namesOf(user), ["one"])
      assert.strictEqual((yield* run(user, [...addAngel, "two"], { input: angel })).code, 0)
      assert.deepStrictEqual(yield* namesOf(user), ["one", "two"])
    }),
  timeout
)

it.live(
  "broker-auth fails if it cannot write to standard output",
  () =>
    Effect.gen(function* () {
      const user = yield* makeUser()
      for (const command of ["--help", "brokers"]) {
        const { code, output } = yield* shell(user, `broker-auth ${command} >/dev/full`)
        assert.strictEqual(code, 12, output)
        assert.match(oneLine(output), /standard output cannot be written \(ENOSPC\)/)
      }
      const piped = yield* shell(user, "broker-auth --help | head -n 1")
      assert.deepStrictEqual([piped.code, piped.output.split("\n").length], [0, 2])
    }),
  timeout
)

it.live(
  "`broker-auth add` stores nothing if another program keeps the vault locked",
  () =>
    Effect.gen(function* () {
      const user = yield* makeUser()
      assert.strictEqual((yield* run(user, [...addAngel, "one"], { input: angel })).code, 0)
      const database = new DatabaseSync(path.join(user.state, "broker-auth/sessions.db"))
      database.exec("BEGIN EXCLUSIVE")
      const locked = yield* run(user, [...addAngel, "two"], { input: angel })
      database.exec("ROLLBACK")
      database.close()
      assert.deepStrictEqual([locked.code, locked.stdout], [10, ""])
      assert.match(oneLine(locked.stderr), /EBUSY.*a program that hangs/)
      assert.deepStrictEqual(yield* namesOf(user), ["one"])
    }),
  { tags: ["thorough"], timeout }
)

it.live(
  "broker-auth reports a wrong vault key, and changes nothing",
  () =>
    Effect.gen(function* () {
      const user = yield* makeUser()
      assert.strictEqual((yield* run(user, [...addAngel, "one"], { input: angel })).code, 0)
      const env = { BROKER_AUTH_KEY: key.replaceAll("0", "f") }
      for (const args of [["accounts"], ["token"], ["status"], [...addAngel, "two"], ["remove", "one"]]) {
        const { code, stderr, stdout } = yield* run(user, args, { env, input: angel })
        assert.deepStrictEqual([code, stdout], [10, ""], args[0])
        assert.match(oneLine(stderr), /not written with this key/)
      }
      assert.deepStrictEqual(yield* namesOf(user), ["one"])
    }),
  { tags: ["thorough"], timeout }
)

it.live(
  "broker-auth stores and sends nothing if standard input ends early",
  () =>
    Effect.gen(function* () {
      const { simulator, user } = yield* world({ brokers: ["angel", "rmoney"] })
      for (const [line, code] of [
        [`broker-auth ${addAngel.join(" ")} one <&-`, 5],
        ["broker-auth add angel <&-", 2],
        [`printf 'ANGEL_CLIENT_CODE=A123456\\nANGEL_P' | broker-auth ${addAngel.join(" ")} one`, 5],
        ["broker-auth vault remove <&-", 2],
        ["broker-auth recover rmoney <&-", 7]
      ] as const) {
        const ended = yield* shell(user, line)
        assert.strictEqual(ended.code, code, `${line}: ${ended.output}`)
        assert.match(ended.output, /broker-auth: [^\n]+\n$/)
        assert.notMatch(ended.output, /\n\s+at /)
      }
      assert.deepStrictEqual(yield* namesOf(user), [])
      assert.deepStrictEqual(yield* simulator.journal(), [])
    }),
  { tags: ["thorough"], timeout }
)

it.live(
  "`broker-auth vault remove` deletes nothing without a confirmation",
  () =>
    Effect.gen(function* () {
      const user = yield* makeUser()
      assert.strictEqual((yield* run(user, [...addAngel, "one"], { input: angel })).code, 0)
      const stopped = yield* terminal(user, ["vault", "remove"], [[/Type yes to continue: /, "\u0003"]])
      assert.strictEqual(stopped.code, 130, stopped.screen)
      const refused = yield* terminal(user, ["vault", "remove"], [[/Type yes to continue: /, "y\n"]])
      assert.match(refused.screen, /Nothing was deleted\./)
      assert.deepStrictEqual(yield* namesOf(user), ["one"])
    }),
  { tags: ["thorough"], timeout }
)

const crashes: ReadonlyArray<readonly [title: string, code: string]> = [
  ["the module throws while it is loaded", `throw new Error("PIN " + process.env.CANARY)`],
  [
    "the module throws in a timer",
    `setTimeout(() => { throw new Error("PIN " + process.env.CANARY) }, 1); await new Promise(() => setTimeout(() => {}, 5000))`
  ],
  [
    "the module rejects a promise",
    `Promise.reject(new Error("PIN " + process.env.CANARY)); await new Promise(() => setTimeout(() => {}, 5000))`
  ]
]

it.live(
  "broker-auth hides the message and the stack of an unexpected error",
  () =>
    Effect.gen(function* () {
      const user = yield* makeUser()
      const folder = path.join(user.state, "broken")
      fs.mkdirSync(folder)
      const exports = { "./*": "./broken.mjs" }
      fs.writeFileSync(path.join(folder, "package.json"), JSON.stringify({ name: "broken", type: "module", exports }))
      fs.symlinkSync(path.join(import.meta.dirname, "../../../node_modules"), path.join(folder, "node_modules"))
      for (const [title, code] of crashes) {
        fs.writeFileSync(path.join(folder, "broken.mjs"), code)
        const ended = yield* run(user, [...addAngel, "one", "--package", folder], {
          input: angel,
          env: { CANARY: pin }
        })
        assert.include([1, 4], ended.code, `${title}: ${ended.stderr}`)
        assert.strictEqual(ended.stdout, "", title)
        assert.notMatch(ended.stderr, /PIN|8305|\n\s+at |file:/, title)
        oneLine(ended.stderr)
      }
      assert.deepStrictEqual(yield* namesOf(user), [])
    }),
  { tags: ["thorough"], timeout }
)

it.live(
  "`broker-auth login` stores the session even if it cannot write to standard error",
  () =>
    Effect.gen(function* () {
      const { logins, user } = yield* withSamco()
      const command = "broker-auth login --all --json"
      for (const line of [
        `{ { ${command} 2>&1 >&3; echo "code $?" >&3; } | true; } 3>&1`,
        `${command} 2>/dev/full; echo "code $?"`
      ]) {
        const { output } = yield* shell(user, line)
        assert.match(output, /1 of 1 account is logged in/)
        assert.match(output, /\ncode 0\n$/)
      }
      assert.strictEqual((yield* shell(user, "broker-auth login nobody 2>/dev/full")).code, 3)
      assert.strictEqual(yield* logins, 1)
    }),
  timeout
)

it.live(
  "`broker-auth serve` continues after its standard error is closed",
  () =>
    Effect.gen(function* () {
      const { user } = yield* withSamco()
      const server = yield* serve(user)
      server.child.stderr?.destroy()
      for (let times = 0; times < 2; times += 1) {
        const session = yield* Effect.promise(() => server.ask("/v1/accounts/mine/session"))
        assert.strictEqual(session.status, 200, session.text)
        const { token } = session.body
        yield* Effect.promise(() =>
          server.ask("/v1/accounts/mine/renew", { method: "POST", body: JSON.stringify({ token }) })
        )
        yield* Effect.sleep("300 millis")
      }
      assert.strictEqual(yield* end(server), 143)
    }),
  timeout
)
