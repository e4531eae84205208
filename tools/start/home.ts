/** The vault that the two programs of `npm start` share. Its folder and its key exist only during the run. */
import type { SessionLock } from "@auth/broker-core/session/SessionLock"
import type { SessionStore } from "@auth/broker-core/session/SessionStore"
import type { VaultError } from "@auth/broker-core/session/VaultError"
import * as VaultKey from "@auth/broker-core/session/VaultKey"
import * as NodeVault from "@auth/node/NodeVault"
import { Simulator } from "@auth/simulator/Simulator"
import * as Context from "effect/Context"
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import { spawn } from "node:child_process"
import * as fs from "node:fs"
import * as os from "node:os"
import * as path from "node:path"
import { type AccountId, accountIds, accounts, originsOf, variablesOf } from "./accounts.ts"
import type { Found, Setting } from "./again.ts"

/** The second program exited with an error. */
export class ProgramFailed extends Data.TaggedError("ProgramFailed")<{ readonly message: string }> {}

export class Home extends Context.Service<
  Home,
  {
    /** Opens the vault, as a user's program does. */
    readonly vault: Layer.Layer<SessionStore | SessionLock, VaultError>
    /** Runs the second program in a separate process, and returns its result for each account. */
    readonly startAgain: Effect.Effect<Readonly<Record<AccountId, Found>>, ProgramFailed>
  }
>()("tools/start/Home") {}

/** `mkdtemp` creates a folder that only its owner can access. */
const temporaryFolder = Effect.acquireRelease(
  Effect.sync(() => fs.mkdtempSync(path.join(fs.realpathSync(os.tmpdir()), "broker-auth-start-"))),
  (folder) => Effect.sync(() => fs.rmSync(folder, { recursive: true, force: true }))
)

const script = path.join(import.meta.dirname, "again.ts")

const run = (setting: Setting, env: Readonly<Record<string, string>>) =>
  Effect.callback<Readonly<Record<AccountId, Found>>, ProgramFailed>((resume) => {
    // Secrets are in the environment, because other users can see the arguments of a program.
    const child = spawn(process.execPath, ["--conditions=@auth/source", script, JSON.stringify(setting)], {
      env: { ...process.env, ...env },
      stdio: ["ignore", "pipe", "pipe"]
    })
    const printed = { stdout: "", stderr: "" }
    child.stdout.on("data", (chunk) => (printed.stdout += String(chunk)))
    child.stderr.on("data", (chunk) => (printed.stderr += String(chunk)))
    child.once("close", (code) =>
      resume(
        code === 0
          ? Effect.sync(() => JSON.parse(printed.stdout) as Readonly<Record<AccountId, Found>>)
          : Effect.fail(
              new ProgramFailed({ message: `The second program ended with exit code ${code}. ${printed.stderr}` })
            )
      )
    )
    return Effect.sync(() => void child.kill("SIGKILL"))
  })

const make = Effect.gen(function* () {
  const simulator = yield* Simulator
  const folder = yield* temporaryFolder
  const bytes = yield* VaultKey.generate
  const key = VaultKey.fromBytes(bytes, "a random key for this run")
  const setting: Setting = {
    control: simulator.control,
    folder,
    origins: Object.fromEntries(
      accountIds.map((id) => [id, originsOf(simulator, accounts[id].broker, accounts[id].environment)])
    )
  }
  const credentials = accountIds.flatMap((id) =>
    Object.entries(variablesOf(simulator, accounts[id].broker, accounts[id].chosen))
  )
  const env = {
    ...Object.fromEntries(credentials),
    BROKER_AUTH_KEY: Buffer.from(Redacted.value(bytes)).toString("hex")
  }
  return {
    vault: NodeVault.layer({ folder }).pipe(Layer.provide(Layer.effect(VaultKey.VaultKey, key))),
    // The second program runs only once, and the stories of all brokers share its result.
    startAgain: yield* Effect.cached(run(setting, env))
  }
})

export const layer: Layer.Layer<Home, never, Simulator> = Layer.effect(Home, make)
