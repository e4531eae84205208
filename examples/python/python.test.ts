import { assert, it } from "@effect/vitest"
import type { Simulator } from "@auth/simulator"
import * as Effect from "effect/Effect"
import { spawn } from "node:child_process"
import * as fs from "node:fs"
import * as path from "node:path"
import { logIn } from "../../packages/cli/test/logIn.ts"
import { add, serve, wayOf } from "../../packages/cli/test/serveSupport.ts"
import { run, world } from "../../packages/cli/test/support.ts"
import { runsPython } from "../../tools/vitest/python.ts"

interface Example {
  readonly broker: Simulator.BrokerId
  readonly method: string
  readonly more?: { readonly account: number; readonly more: readonly [variable: string, field: string] }
  readonly prints: string
  readonly login: string
  /** Whether a second login waits up to 30 seconds for the next TOTP code. */
  readonly isSlow: boolean
}

const examples: ReadonlyArray<Example> = [
  { broker: "angel", method: "totp", prints: "DEMO TRADER", login: "loginByPassword", isSlow: true },
  { broker: "motilal", method: "password", prints: "DEMO TRADER", login: "authdirectapi", isSlow: true },
  { broker: "rupeezy", method: "totp", prints: "22382.72", login: "login", isSlow: true },
  { broker: "samco", method: "api-key", prints: "1000.00", login: "sessionToken", isSlow: false },
  {
    broker: "rmoney",
    method: "password",
    more: { account: 1, more: ["RMONEY_TOTP_SECRET", "totpSecret"] },
    prints: "DEMO TRADER",
    login: "toptVerify",
    isSlow: true
  }
]

const fileOf = (broker: string) => path.join(import.meta.dirname, `${broker}.py`)

const python = (broker: string, env: Readonly<Record<string, string>>) =>
  Effect.callback<{ readonly code: number | null; readonly printed: string }>((resume) => {
    const child = spawn("python3", [fileOf(broker)], { env: { PATH: process.env["PATH"], ...env } })
    let printed = ""
    child.stdout.on("data", (chunk) => (printed += String(chunk)))
    child.stderr.on("data", (chunk) => (printed += String(chunk)))
    child.once("close", (code) => resume(Effect.succeed({ code, printed: printed.trim() })))
    return Effect.sync(() => void child.kill("SIGKILL"))
  })

const originOf = (broker: string, { origins }: Simulator.Simulator["Service"]) => {
  const own = /"BROKER_URL", "([^"]+)"/.exec(fs.readFileSync(fileOf(broker), "utf8"))?.[1] ?? ""
  return origins[own] ?? ""
}

const timeout = 150_000

for (const { broker, isSlow, login, method, more, prints } of examples) {
  it.live.skipIf(!runsPython)(
    `${broker}.py calls the broker, and renews a refused session with one login`,
    () =>
      Effect.gen(function* () {
        const { simulator, user } = yield* world({ brokers: [broker] })
        yield* add(simulator, user, { broker, method, name: broker, ...more })
        const server = yield* serve(user)
        const env = { BROKER_AUTH_SERVE: server.where, BROKER_URL: originOf(broker, simulator) }
        assert.deepStrictEqual(yield* python(broker, env), { code: 0, printed: prints })
        const logins = Effect.map(
          simulator.journal(),
          (entries) => entries.filter(({ endpoint }) => endpoint === login).length
        )
        assert.strictEqual(yield* logins, 1)
        yield* python(broker, env)
        assert.strictEqual(yield* logins, 1, "the second run sends no login")
        yield* simulator.reset
        assert.deepStrictEqual(yield* python(broker, env), { code: 0, printed: prints })
        assert.strictEqual(yield* logins, 1)
      }),
    { timeout, tags: isSlow ? ["thorough"] : [] }
  )
}

it.live.skipIf(!runsPython)(
  "zerodha.py sends a bearer token, and prints the login command if a person must log in",
  () =>
    Effect.gen(function* () {
      const { simulator, user } = yield* world({ brokers: ["zerodha"] })
      const way = wayOf("zerodha", "browser")
      yield* add(simulator, user, { broker: "zerodha", method: "browser", name: "zerodha" })
      const bearer = (yield* run(user, ["serve", "--for", "example"])).stdout.trimEnd()
      const server = yield* serve(user, ["--port", "0"])
      const env = {
        BROKER_AUTH_SERVE: server.where,
        BROKER_AUTH_BEARER: bearer,
        BROKER_URL: originOf("zerodha", simulator)
      }
      const needsPerson = { code: 1, printed: "zerodha needs a person to log in. Run broker-auth login zerodha." }
      const refused = yield* python("zerodha", { ...env, BROKER_AUTH_BEARER: "wrong" })
      assert.match(refused.printed, /^The request has no valid bearer token\. Make a bearer token/)
      assert.deepStrictEqual(yield* python("zerodha", env), needsPerson)
      assert.strictEqual((yield* logIn(simulator, user, way, "zerodha")).code, 0)
      const first = yield* python("zerodha", env)
      assert.deepStrictEqual(first, { code: 0, printed: "DEMO TRADER" })
      yield* simulator.reset
      assert.deepStrictEqual(yield* python("zerodha", env), needsPerson)
      assert.strictEqual((yield* logIn(simulator, user, way, "zerodha")).code, 0)
      assert.deepStrictEqual(yield* python("zerodha", env), first)
    }),
  timeout
)

const files = fs.readdirSync(import.meta.dirname).filter((file) => file.endsWith(".py"))

it("Python examples have at most 40 lines, a README row and the same function `serve`", () => {
  const readme = fs.readFileSync(path.join(import.meta.dirname, "../README.md"), "utf8")
  const known = [...examples.map(({ broker }) => broker), "zerodha"].map((broker) => `${broker}.py`)
  assert.deepStrictEqual(files.toSorted(), known.toSorted())
  const shared = files.map((file) => {
    const text = fs.readFileSync(path.join(import.meta.dirname, file), "utf8")
    assert.isAtMost(text.trimEnd().split("\n").length, 40, file)
    assert.include(readme, `(python/${file})`)
    return /^def serve[\s\S]*?\n\n\n/m.exec(text)?.[0]
  })
  assert.strictEqual(new Set(shared).size, 1)
  assert.notInclude(shared, undefined)
})
