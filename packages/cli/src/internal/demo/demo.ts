/**
 * `demo`: a trading day at the fake brokers of the simulator. All requests go to this machine. The demo stores its
 * files in a temporary folder.
 */
import * as VaultKey from "@auth/broker-core/session/VaultKey"
import * as NodeVault from "@auth/node/NodeVault"
import * as Simulator from "@auth/simulator/Simulator"
import * as SimulatorClock from "@auth/simulator/SimulatorClock"
import * as Clock from "effect/Clock"
import * as Config from "effect/Config"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Hex from "effect/encoding/Hex"
import * as FetchHttpClient from "effect/http/FetchHttpClient"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import { spawn } from "node:child_process"
import * as fs from "node:fs"
import * as os from "node:os"
import * as path from "node:path"
import process from "node:process"
import { fail, type Failure } from "../failure.ts"
import { line } from "../output.ts"
import { day, startAgain } from "./day.ts"
import * as programs from "./programs.ts"

/** Set only in the second process of the demo, which shows that stored sessions remain after a restart. */
const variable = "BROKER_AUTH_DEMO"

const Setting = Schema.fromJsonString(
  Schema.Struct({
    folder: Schema.String,
    key: Schema.RedactedFromValue(Schema.String),
    control: Schema.String,
    origins: Schema.Record(Schema.String, Schema.String),
    brokers: Schema.Record(
      Schema.String,
      Schema.Struct({ accounts: Schema.Array(Schema.Record(Schema.String, Schema.String)) })
    )
  })
)

/** A folder that only its owner can access. */
const temporaryFolder = Effect.acquireRelease(
  Effect.sync(() => {
    const folder = fs.mkdtempSync(path.join(fs.realpathSync(os.tmpdir()), "broker-auth-demo-"))
    const remove = () => fs.rmSync(folder, { recursive: true, force: true })
    process.once("exit", remove)
    return { folder, remove }
  }),
  ({ remove }) =>
    Effect.sync(() => {
      process.off("exit", remove)
      remove()
    })
)

/** The second process loads its modules at once, and then waits for its setting. */
const startSecond = Effect.gen(function* () {
  const child = yield* Effect.acquireRelease(
    Effect.sync(() => {
      const [entry = ""] = process.argv.slice(1)
      const started = spawn(process.execPath, [...process.execArgv, entry, "demo"], {
        env: { ...process.env, [variable]: "second" },
        stdio: ["pipe", "inherit", "pipe"],
        windowsHide: true
      })
      const ended = new Promise<number | null>((resolve) => started.once("close", resolve))
      started.stdin.on("error", () => undefined)
      return { ended, stderr: started.stderr, stdin: started.stdin, stop: () => started.kill("SIGKILL") }
    }),
    ({ ended, stop }) =>
      Effect.andThen(
        Effect.sync(stop),
        Effect.promise(() => ended)
      )
  )
  let complaints = ""
  child.stderr.on("data", (chunk) => (complaints += String(chunk)))
  return Effect.fnUntraced(function* (setting: typeof Setting.Type) {
    child.stdin.end(yield* Effect.orDie(Schema.encodeEffect(Setting)(setting)))
    const code = yield* Effect.promise(() => child.ended)
    if (code !== 0) return yield* fail("defect", `The second process of the demo failed. ${complaints}`)
  })
})

/** Reads the setting in the second process. The text is empty if the first process ended before it sent the setting. */
const input = Effect.callback<string>((resume) => {
  let text = ""
  process.stdin.on("data", (chunk) => (text += String(chunk))).once("end", () => resume(Effect.succeed(text)))
})

const openPrograms = Effect.fnUntraced(function* (setting: typeof Setting.Type) {
  const key = Layer.effect(VaultKey.VaultKey, VaultKey.fromText(setting.key, "the key of the demo"))
  const vault = yield* Layer.build(Layer.provide(NodeVault.layer({ folder: setting.folder }), key))
  return yield* programs.open({ info: setting, vault: Layer.succeedContext(vault) })
})

const second = Effect.gen(function* () {
  const text = yield* input
  if (text === "") return
  const setting = yield* Effect.orDie(Schema.decodeUnknownEffect(Setting)(text))
  const { clock } = yield* Effect.orDie(SimulatorClock.connect(setting.control))
  yield* Effect.provideService(startAgain(yield* openPrograms(setting)), Clock.Clock, clock)
})

const first = Effect.gen(function* () {
  const { folder } = yield* temporaryFolder
  const continueSecond = yield* startSecond
  const simulator = yield* Effect.orDie(Simulator.make())
  const { brokers, control, origins } = simulator
  const key = Redacted.make(Hex.encode(Redacted.value(yield* VaultKey.generate)))
  const setting = { brokers, control, folder, key, origins }
  const list = yield* openPrograms(setting)
  yield* line(
    `This demo is a trading day at ${list.length} brokers. They are fakes on this machine: no account is real, and no real broker is contacted.`
  )
  yield* day(list, continueSecond(setting)).pipe(
    Effect.provideService(Simulator.Simulator, simulator),
    Effect.provideService(Clock.Clock, simulator.clock)
  )
})

export const run: Effect.Effect<void, Failure> = Effect.gen(function* () {
  // If NODE_USE_ENV_PROXY is set, Node uses the user's proxy for all hosts that are not in `no_proxy`.
  process.env["no_proxy"] = "127.0.0.1"
  if (Option.isSome(yield* Effect.option(Config.String(variable)))) return yield* second
  const [took] = yield* Effect.timed(first)
  yield* line("")
  yield* line(`All steps passed in ${(Duration.toMillis(took) / 1000).toFixed(1)} s.`)
}).pipe(Effect.scoped, Effect.provide(FetchHttpClient.layer))
