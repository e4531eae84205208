import { assert, it } from "@effect/vitest"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import * as fs from "node:fs"
import * as path from "node:path"
import { handlers } from "../src/internal/commands.ts"
import { codeOf, messageOf } from "../src/internal/failure.ts"
import * as programs from "../src/internal/programs.ts"
import * as references from "../src/internal/references.ts"
import { inProcess, linesOf, run, terminal, timeout, type User, world } from "./support.ts"
import { valuesOf, ways } from "./ways.ts"

const angel = ways[0]!

/** An ended process can stay in `/proc` for a while, in the state Z or X. */
const isAlive = (pid: string): boolean => {
  const stat = `/proc/${pid}/stat`
  return fs.existsSync(stat) && !/\) [ZX] /.test(fs.readFileSync(stat, "utf8"))
}

const pidsIn = (file: string): ReadonlyArray<string> => fs.readFileSync(file, "utf8").trim().split("\n")

const awaitEnd = (pids: ReadonlyArray<string>) =>
  Effect.gen(function* () {
    for (let tries = 0; tries < 50 && pids.some(isAlive); tries += 1) yield* Effect.sleep("20 millis")
    assert.deepStrictEqual(pids.filter(isAlive), [])
  })

/** A program that writes its own id and the id of its child process to `file`, and hangs. */
const hanging = (file: string) =>
  `sleep 600 &\necho $$ >> "${file}.new"\necho $! >> "${file}.new"\nmv "${file}.new" "${file}"\nwait`

const writeProgram = (file: string, body: string) => fs.writeFileSync(file, `#!/bin/sh\n${body}\n`, { mode: 0o700 })

/** A user with an Angel One account whose PIN is the output of the program `pin.sh`. */
const withProgram = Effect.gen(function* () {
  const { simulator, user } = yield* world({ brokers: ["angel"] })
  const { ANGEL_PIN: pin = "", ...values } = valuesOf(angel, simulator.brokers["angel"]?.accounts[0] ?? {})
  const program = path.join(user.state, "pin.sh")
  writeProgram(program, `echo ${pin}`)
  const input = linesOf({ ...values, ANGEL_PIN: `exec:"${program}"` })
  const added = yield* run(user, ["add", "angel", "--method", "totp", "--name", "mine"], { input })
  assert.strictEqual(added.code, 0, added.stderr)
  return { input: { ...values, ANGEL_PIN: pin }, program, simulator, user }
})

const attemptsOf = (user: User) =>
  Effect.map(run(user, ["guard", "--json"]), ({ stdout }) => {
    const [{ refusedAt, unansweredAt }] = JSON.parse(stdout)
    return refusedAt.length + unansweredAt.length
  })

/** Runs `broker-auth token` in this process, so that a test can shorten `programs.Timeout`. */
const failureOfToken = (user: User) =>
  Effect.gen(function* () {
    const failing = Effect.flip(handlers.token({ account: undefined, simulator: undefined }))
    const { exit, stdout } = yield* inProcess(user, failing)
    assert.strictEqual(stdout, "")
    return yield* exit
  })

const failing = [
  ["fails", "echo secret-on-stderr >&2; exit 3", /ended with exit code 3/],
  ["is killed", "kill -KILL $$", /was ended by a signal/],
  ["prints nothing", "true", /printed nothing/],
  ["prints too much", "yes 0123456789 | head -c 200000", /printed too much/],
  ["prints without end", "yes 0123456789", /printed too much/]
] as const

it.live(
  "`broker-auth token` sends nothing if an `exec:` program fails",
  () =>
    Effect.gen(function* () {
      const { program, simulator, user } = yield* withProgram
      for (const [title, body, says] of failing) {
        writeProgram(program, body)
        const failure = yield* failureOfToken(user)
        const message = messageOf(failure)
        assert.deepStrictEqual([codeOf(failure), message.includes("\n")], [5, false], title)
        assert.match(message, says, title)
        assert.notMatch(message, /secret-on-stderr|0123456789/, title)
      }

      const pids = path.join(user.state, "pids")
      writeProgram(program, hanging(pids))
      const started = Effect.promise(async () => {
        while (!fs.existsSync(pids)) await new Promise((resolve) => setTimeout(resolve, 20))
        return "\u0003"
      })
      const stopped = yield* terminal(user, ["token"], [[/SIMULATOR/, () => Effect.runPromise(started)]])
      assert.strictEqual(stopped.code, 130, stopped.screen)
      yield* awaitEnd(pidsIn(pids))

      fs.rmSync(pids)
      const late = yield* Effect.provideService(failureOfToken(user), programs.Timeout, Duration.millis(400))
      assert.deepStrictEqual([codeOf(late), /did not answer within 0\.4 seconds/.test(messageOf(late))], [5, true])
      yield* awaitEnd(pidsIn(pids))

      assert.deepStrictEqual(yield* simulator.journal(), [])
      assert.strictEqual(yield* attemptsOf(user), 0)
    }),
  { timeout }
)

it.live("references.resolve times out if a child process keeps stdout open", () =>
  Effect.gen(function* () {
    const reference = Redacted.make(`exec:sh -c "sleep 600 & echo $!"`)
    const late = yield* Effect.flip(
      Effect.provideService(references.resolve(reference), programs.Timeout, Duration.millis(300))
    )
    assert.match(late.message, /did not answer within 0\.3 seconds/)
  })
)

const on = (platform: string) => ({
  NODE_OPTIONS: `--import=data:text/javascript,Object.defineProperty(process,'platform',{value:'${platform}'})`
})

it.live(
  "`broker-auth add` reads the keyring on Linux and macOS",
  () =>
    Effect.gen(function* () {
      const { input, user } = yield* withProgram
      const { ANGEL_PIN: pin, ...values } = input
      const tools = path.join(user.state, "tools")
      fs.mkdirSync(tools)
      const record = path.join(user.state, "record")
      const body = `for word; do printf '%s|' "$word"; done > "${record}"\necho "key=$BROKER_AUTH_KEY" >> "${record}"\nprintf %s ${pin}`
      for (const name of ["secret-tool", "security"]) writeProgram(path.join(tools, name), body)
      const env = { PATH: `${tools}:${user.env["PATH"]}` }
      const add = (reference: string, more: Readonly<Record<string, string>>) =>
        run(user, ["add", "angel", "--method", "totp", "--name", "mine", "--replace"], {
          input: linesOf({ ...values, ANGEL_PIN: reference }),
          env: { ...env, ...more }
        })
      const linux = yield* add("keyring:my broker/angel/pin", on("linux"))
      assert.strictEqual(linux.code, 0, linux.stderr)
      assert.strictEqual(fs.readFileSync(record, "utf8"), "lookup|service|my broker/angel|account|pin|key=\n")
      const mac = yield* add("keyring:angel/pin", on("darwin"))
      assert.strictEqual(mac.code, 0, mac.stderr)
      assert.strictEqual(fs.readFileSync(record, "utf8"), "find-generic-password|-s|angel|-a|pin|-w|key=\n")
      fs.rmSync(path.join(tools, "secret-tool"))
      for (const [reference, platform, says] of [
        ["keyring:angel/pin", "linux", /the program secret-tool is not installed/],
        ["keyring:angel/pin", "freebsd", /works on macOS and Linux only/]
      ] as const) {
        const { code, stderr } = yield* add(reference, on(platform))
        assert.deepStrictEqual([code, stderr.trimEnd().split("\n").length], [5, 2], stderr)
        assert.match(stderr, says)
      }
      for (const reference of ["keyring:pin", "keyring:/pin", "keyring:pin/"]) {
        const failure = yield* Effect.flip(references.resolve(Redacted.make(reference)))
        assert.deepStrictEqual([codeOf(failure), /write keyring:SERVICE\/ACCOUNT/.test(failure.message)], [5, true])
      }
    }),
  { tags: ["thorough"], timeout }
)
