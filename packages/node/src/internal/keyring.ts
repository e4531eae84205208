/**
 * Reads and writes the operating system's keyring in a child process.
 *
 * A call to a keyring can hang, and a program cannot exit while a native call hangs. A child process can be killed.
 */
import * as Expiry from "@auth/broker-core/login/Expiry"
import * as VaultError from "@auth/broker-core/session/VaultError"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Predicate from "effect/Predicate"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { type ChildProcess, spawn } from "node:child_process"
import { randomUUID } from "node:crypto"
import { createRequire } from "node:module"
import process from "node:process"

export interface Place {
  readonly service: string
  readonly account: string
  /** Path of the module that accesses the keyring. */
  readonly module: string
  readonly timeout: Duration.Duration
}

const packageName = "@napi-rs/keyring"

const otherLayers =
  "NodeVaultKey.layerPassphraseConfig, or NodeVaultKey.layerConfig with the output of: openssl rand -hex 32"

const elsewhere = `Use another key layer: ${otherLayers}`

const unavailable = (why: string, advice = elsewhere): VaultError.VaultError =>
  VaultError.make("key", new VaultError.KeyUnavailable({ why, advice }))

/** In a CommonJS bundle of esbuild, `import.meta` is empty, so the path of the program is used. */
const resolvedFrom = (): string => import.meta.url ?? process.argv[1] ?? ""

export const findModule: Effect.Effect<string, VaultError.VaultError> = Effect.try({
  try: () => createRequire(resolvedFrom()).resolve(packageName),
  catch: () =>
    unavailable(
      `the package ${packageName} is not installed`,
      `Run: npm install ${packageName}. Or use another key layer: ${otherLayers}`
    )
})

/**
 * The script is a string, because a bundle would not contain a script file. The request goes through standard input,
 * because other processes can see arguments and the environment.
 *
 * On Linux, the script uses the Secret Service. The kernel's keyring would lose the key at a restart of the machine.
 */
const script = `
const chunks = []
process.stdin.on("data", (chunk) => chunks.push(chunk))
process.stdin.on("end", () => {
  const question = JSON.parse(Buffer.concat(chunks).toString())
  let answer
  try {
    const { module, service, account, offer } = question
    const { Entry } = require(module)
    const entry = new Entry(service, account, { linux: { store: "secret-service" } })
    if (offer !== undefined && entry.getPassword() == null) entry.setPassword(offer)
    answer = { password: entry.getPassword() ?? undefined }
  } catch (error) {
    answer = { refused: String(error?.message) }
  }
  process.stdout.write(question.frame + JSON.stringify(answer) + question.frame, () => process.exit(0))
})
`

const decodeAnswer = Schema.decodeUnknownResult(
  Schema.fromJsonString(
    Schema.Struct({
      password: Schema.optionalKey(Schema.RedactedFromValue(Schema.String)),
      refused: Schema.optionalKey(Schema.String)
    })
  )
)

/** The keyring's own error message is never shown, because it could contain a secret. */
const refusals: ReadonlyArray<readonly [said: RegExp, why: string]> = [
  [/locked|unlock|interaction is not allowed/i, "the keyring is locked"],
  [/secret.?service|d-?bus|platform secure storage|zbus|no such file|connect/i, "no keyring is running for this user"],
  [/cannot find module|native binding/i, `the package ${packageName} does not work on this machine`]
]

const whyOf = (said: string): string =>
  refusals.find(([pattern]) => pattern.test(said))?.[1] ?? "the keyring refused the request"

/** Lets the program exit even if the killed child process has not ended yet. */
const abandon = (child: ChildProcess): void => {
  child.kill("SIGKILL")
  child.stdin?.destroy()
  child.stdout?.destroy()
  child.unref()
}

/**
 * Every child process gets this environment variable. In a single executable, the child process runs this program
 * again, not the script. `isSingleExecutable` may not recognize every single executable. The variable keeps the child
 * process from starting another child process.
 */
const marker = "BROKER_AUTH_KEYRING_HELPER"

/**
 * The variables that Node, the session bus and the keyrings need. Other variables may contain secrets, and NODE_OPTIONS
 * could load other code.
 */
const needed =
  /^(?:DBUS_|XDG_|LC_)|^(?:HOME|USER|LOGNAME|PATH|LANG|DISPLAY|WAYLAND_DISPLAY|TMPDIR|LD_LIBRARY_PATH|SystemRoot|windir|APPDATA|LOCALAPPDATA|USERPROFILE|USERNAME|USERDOMAIN|TEMP|TMP)$/i

/** `Config` is not used, because a `ConfigProvider` may have other values than the process. */
const environment = (): NodeJS.ProcessEnv => process.env

const childEnvironment = (): NodeJS.ProcessEnv => ({
  ...Object.fromEntries(Object.entries(environment()).filter(([name]) => needed.test(name))),
  [marker]: "1",
  // Without this variable, Electron's executable starts the app instead of the script.
  ...(process.versions["electron"] === undefined ? {} : { ELECTRON_RUN_AS_NODE: "1" })
})

const property = (value: unknown, name: string): unknown =>
  Predicate.hasProperty(value, name) ? value[name] : undefined

const isSingleExecutable = (): boolean => {
  // Bun and Deno have no `node:sea`.
  const sea: { readonly isSea: () => boolean } | undefined = process.getBuiltinModule("node:sea")
  return (
    (sea?.isSea() ?? false) ||
    property(property(globalThis, "Bun"), "isStandaloneExecutable") === true ||
    property(property(property(globalThis, "Deno"), "build"), "standalone") === true
  )
}

/** Fails if the executable would start this program again instead of the script. */
const requireRuntime = Effect.suspend(() =>
  isSingleExecutable() || environment()[marker] !== undefined
    ? Effect.fail(unavailable("a program in a single executable cannot start the process that reads the keyring"))
    : Effect.void
)

const start = Effect.try({
  try: () =>
    spawn(process.execPath, ["-e", script], {
      stdio: ["pipe", "pipe", "ignore"],
      env: childEnvironment(),
      windowsHide: true
    }),
  catch: (error) =>
    (error as { readonly code?: unknown }).code === "ERR_ACCESS_DENIED"
      ? unavailable(
          "Node's permission model does not allow this program to read the keyring",
          `Start the program with --allow-child-process. Or use another key layer: ${otherLayers}`
        )
      : unavailable("the process that reads the keyring does not start")
})

const exchange = (question: string): Effect.Effect<string, VaultError.VaultError> =>
  Effect.andThen(
    requireRuntime,
    Effect.flatMap(start, (child) =>
      Effect.callback<string, VaultError.VaultError>((resume) => {
        let printed = ""
        child.once("error", () => resume(Effect.fail(unavailable("the process that reads the keyring does not start"))))
        // The write fails if the child exits before it reads the request. The event `close` follows.
        child.stdin.once("error", () => undefined)
        child.stdout.setEncoding("utf8").on("data", (chunk: string) => (printed += chunk))
        child.once("close", () => resume(Effect.succeed(printed)))
        child.stdin.end(question)
        return Effect.sync(() => abandon(child))
      })
    )
  )

/** Returns the password of the entry. If the entry has no password, stores and returns `offer`. */
export const ask = Effect.fnUntraced(function* (
  { account, module, service, timeout }: Place,
  offer?: Redacted.Redacted<string>
): Effect.fn.Return<Redacted.Redacted<string> | undefined, VaultError.VaultError> {
  // A module that the script loads can print other text. The frame encloses the script's answer.
  const frame = randomUUID()
  const question = { frame, module, service, account, ...(offer === undefined ? {} : { offer: Redacted.value(offer) }) }
  const printed = yield* exchange(JSON.stringify(question)).pipe(
    Effect.timeoutOrElse({
      duration: timeout,
      orElse: () => Effect.fail(unavailable(`the keyring did not answer within ${Expiry.timeText(timeout)}`))
    })
  )
  const answer = decodeAnswer(printed.split(frame)[1] ?? "")
  if (Result.isFailure(answer)) return yield* Effect.fail(unavailable("the process that reads the keyring has crashed"))
  const { password, refused } = answer.success
  if (refused !== undefined) return yield* Effect.fail(unavailable(whyOf(refused)))
  return password
})
