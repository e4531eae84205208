/**
 * `demo`: a trading day at the fake brokers of the simulator. All requests go to this machine, and everything that is
 * stored is in a temporary folder.
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

/** The variable by which the demo tells its second process where the vault and the simulator are. */
const variable = "BROKER_AUTH_DEMO"

const Setting = Schema.fromJsonString(
  Schema.Struct({
    folder: Schema.String,
    control: Schema.String,
    origins: Schema.Record(Schema.String, Schema.String),
    brokers: Schema.Record(
      Schema.String,
      Schema.Struct({ accounts: Schema.Array(Schema.Record(Schema.String, Schema.String)) })
    )
  })
)

type Setting = typeof Setting.Type

/** A folder that only its owner can access. It is also removed if the process exits without closing the scope. */
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

/**
 * Starts the demo's second process, which waits. Returns an effect that lets it continue until it ends. Its steps appear
 * in the output of this process. The key of the vault is only in its environment.
 */
const startSecond = Effect.fnUntraced(function* (setting: string, key: Redacted.Redacted<string>) {
  const child = yield* Effect.acquireRelease(
    Effect.sync(() => {
      const [entry = ""] = process.argv.slice(1)
      const started = spawn(process.execPath, [...process.execArgv, entry, "demo"], {
        env: { ...process.env, [variable]: setting, BROKER_AUTH_KEY: Redacted.value(key) },
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
  return Effect.gen(function* () {
    child.stdin.end("start")
    const code = yield* Effect.promise(() => child.ended)
    if (code !== 0) return yield* fail("defect", `The second process of the demo failed. ${complaints}`)
  })
})

/** Waits until the first process lets this one continue. If the first process has ended, this one ends too. */
const permission = Effect.callback<void>((resume) => {
  process.stdin.once("data", () => resume(Effect.void)).once("end", () => resume(Effect.interrupt))
})

const second = Effect.fnUntraced(function* (text: string) {
  const setting = yield* Effect.orDie(Schema.decodeUnknownEffect(Setting)(text))
  const vault = NodeVault.layer({ folder: setting.folder }).pipe(Layer.provide(VaultKey.layerConfig()))
  const list = yield* programs.open({ info: setting, vault })
  yield* permission
  const { clock } = yield* Effect.orDie(SimulatorClock.connect(setting.control))
  yield* Effect.provideService(startAgain(list), Clock.Clock, clock)
})

const first = Effect.gen(function* () {
  const simulator = yield* Effect.orDie(Simulator.make())
  const { folder } = yield* temporaryFolder
  const bytes = yield* VaultKey.generate
  const key = Layer.effect(VaultKey.VaultKey, VaultKey.fromBytes(bytes, "a random key"))
  const { brokers, control, origins } = simulator
  const setting: Setting = { brokers, control, folder, origins }
  const again = yield* startSecond(JSON.stringify(setting), Redacted.make(Hex.encode(Redacted.value(bytes))))
  const list = yield* programs.open({ info: setting, vault: NodeVault.layer({ folder }).pipe(Layer.provide(key)) })
  yield* line(
    `This demo is a trading day at ${list.length} brokers. They are fakes on this machine: no account is real, and no real broker is contacted.`
  )
  yield* day(list, again).pipe(
    Effect.provideService(Simulator.Simulator, simulator),
    Effect.provideService(Clock.Clock, simulator.clock)
  )
})

export const run: Effect.Effect<void, Failure> = Effect.gen(function* () {
  // Otherwise NODE_USE_ENV_PROXY would send the requests for this machine to the user's proxy.
  process.env["no_proxy"] = "127.0.0.1"
  const text = yield* Effect.option(Config.String(variable))
  if (Option.isSome(text)) return yield* second(text.value)
  const [took] = yield* Effect.timed(first)
  yield* line("")
  yield* line(`All steps passed in ${(Duration.toMillis(took) / 1000).toFixed(1)} s.`)
}).pipe(Effect.scoped, Effect.provide(FetchHttpClient.layer))
