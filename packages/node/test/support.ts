import * as Account from "@auth/broker-core/login/Account"
import { SessionLock } from "@auth/broker-core/session/SessionLock"
import { SessionStore } from "@auth/broker-core/session/SessionStore"
import type { Reason, VaultError } from "@auth/broker-core/session/VaultError"
import * as VaultKey from "@auth/broker-core/session/VaultKey"
import * as NodeVault from "@auth/node/NodeVault"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import { spawn } from "node:child_process"
import * as Fs from "node:fs"
import * as Os from "node:os"
import * as Path from "node:path"

export const account = Account.make({ broker: "angel", id: "A123456" })
export const other = Account.make({ broker: "samco", id: "DV99999" })

/** A secret that must never be written to a file unencrypted. */
export const secret = "canary-of-a-session-8f1d"

export const bytes = (text: string): Redacted.Redacted<Uint8Array> => Redacted.make(new TextEncoder().encode(text))

export const textOf = (entry: { readonly value: Redacted.Redacted<Uint8Array> } | undefined): string | undefined =>
  entry && new TextDecoder().decode(Redacted.value(entry.value))

/** The path of a folder that does not exist yet. */
export const freshFolder = Effect.map(
  Effect.acquireRelease(
    Effect.sync(() => Fs.mkdtempSync(Path.join(Fs.realpathSync(Os.tmpdir()), "broker-auth-node-"))),
    (parent) => Effect.sync(() => Fs.rmSync(parent, { recursive: true, force: true }))
  ),
  (parent) => Path.join(parent, "vault")
)

export const keyOf = (fill: number) => VaultKey.fromBytes(Redacted.make(new Uint8Array(32).fill(fill)), "a test's key")

export const layerKey = (fill = 7) => Layer.effect(VaultKey.VaultKey, keyOf(fill))

export const open = (options: NodeVault.Options, key: Layer.Layer<VaultKey.VaultKey, VaultError> = layerKey()) =>
  Effect.map(Layer.build(NodeVault.layer(options).pipe(Layer.provide(key), Layer.fresh)), (context) => ({
    store: Context.get(context, SessionStore),
    lock: Context.get(context, SessionLock)
  }))

export const using = <A, E>(
  folder: string,
  use: (vault: Effect.Success<ReturnType<typeof open>>) => Effect.Effect<A, E>,
  key?: Layer.Layer<VaultKey.VaultKey, VaultError>
) => Effect.scoped(Effect.flatMap(open({ folder }, key), use))

export const reasonOf = <A, R>(effect: Effect.Effect<A, VaultError, R>): Effect.Effect<Reason, never, R> =>
  Effect.flip(effect).pipe(
    Effect.map(({ reason }) => reason),
    Effect.orDie
  )

export const modeOf = (path: string): string => (Fs.lstatSync(path).mode & 0o777).toString(8)

export const filesIn = (folder: string): ReadonlyArray<string> =>
  Fs.readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => Path.relative(folder, Path.join(entry.parentPath, entry.name)))
    .toSorted()

export const contents = (folder: string): string =>
  filesIn(folder)
    .map((file) => Fs.readFileSync(Path.join(folder, file), "latin1"))
    .join("\n")

const programs = Path.join(import.meta.dirname, "programs")

export const start = Effect.fnUntraced(function* (
  program: string,
  args: ReadonlyArray<string>,
  options: { readonly env?: Readonly<Record<string, string>>; readonly before?: ReadonlyArray<string> } = {}
) {
  const [command = "", ...rest] = [
    ...(options.before ?? []),
    process.execPath,
    "--conditions=@auth/source",
    Path.join(programs, program),
    ...args
  ]
  const child = yield* Effect.acquireRelease(
    Effect.sync(() =>
      spawn(command, rest, { stdio: ["pipe", "pipe", "pipe"], env: { ...process.env, ...options.env } })
    ),
    (running) => Effect.sync(() => void running.kill("SIGKILL"))
  )
  const printed = { stdout: "", stderr: "" }
  const listeners = new Set<() => void>()
  for (const name of ["stdout", "stderr"] as const) {
    child[name].on("data", (chunk) => {
      printed[name] += String(chunk)
      for (const listener of listeners) listener()
    })
  }
  const ended = new Promise<{ readonly code: number | null; readonly signal: string | null }>((resolve) =>
    child.once("close", (code, signal) => resolve({ code, signal }))
  )
  const says = (words: string): Effect.Effect<void> =>
    Effect.promise(
      () =>
        new Promise<void>((resolve, reject) => {
          const look = () => printed.stdout.includes(words) && resolve()
          listeners.add(look)
          look()
          void ended.then(() => reject(new Error(`the process ended before it printed "${words}": ${printed.stderr}`)))
        })
    )
  return { child, printed, says, ended: Effect.promise(() => ended) }
})
