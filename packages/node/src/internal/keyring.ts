/**
 * The operating system's keyring, read by a child process.
 *
 * A keyring may hang. Then its native call cannot be interrupted, the thread in that call cannot be stopped, and a
 * program with such a thread cannot exit. A child process can be killed.
 */
import * as Expiry from "@auth/broker-core/login/Expiry"
import * as VaultError from "@auth/broker-core/session/VaultError"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { type ChildProcess, spawn } from "node:child_process"
import { randomUUID } from "node:crypto"
import { createRequire } from "node:module"
import process from "node:process"

/** An entry of the keyring. */
export interface Place {
  readonly service: string
  readonly account: string
  /** Path of the module that accesses the keyring. */
  readonly module: string
  readonly timeout: Duration.Duration
}

/** The optional package that accesses keyrings. */
const packageName = "@napi-rs/keyring"

const elsewhere =
  "Use another key layer: NodeVaultKey.layerPassphraseConfig, or layerConfig with a key from: openssl rand -hex 32"

const unavailable = (why: string, advice = elsewhere): VaultError.VaultError =>
  VaultError.make("key", new VaultError.KeyUnavailable({ why, advice }))

/** Path of the optional package, if it is installed. */
export const findModule: Effect.Effect<string, VaultError.VaultError> = Effect.try({
  try: () => createRequire(import.meta.url).resolve(packageName),
  catch: () =>
    unavailable(`the package ${packageName} is not installed`, `npm install ${packageName}. Or: ${elsewhere}`)
})

/**
 * Script of the child process. It is a string, not a file, so that it survives bundling into one file. Request and
 * answer go through standard input and output, because other processes can see arguments and environments.
 *
 * On Linux only the Secret Service is used: the kernel's own keyring loses the key when the machine restarts.
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

/** Error messages of keyrings, mapped to texts that contain no stored data. */
const refusals: ReadonlyArray<readonly [said: RegExp, why: string]> = [
  [/locked|unlock|interaction is not allowed/i, "the keyring is locked"],
  [/secret.?service|d-?bus|platform secure storage|zbus|no such file|connect/i, "this user has no keyring running"],
  [/cannot find module|native binding/i, `the package ${packageName} does not run here`]
]

const whyOf = (said: string): string => refusals.find(([pattern]) => pattern.test(said))?.[1] ?? "the keyring refused"

/** Kills the child process, and lets this process exit even before the system has ended the child. */
const abandon = (child: ChildProcess): void => {
  child.kill("SIGKILL")
  child.stdin?.destroy()
  child.stdout?.destroy()
  child.unref()
}

/**
 * Set in the helper's environment. A program that finds it in its own environment was started instead of the helper.
 */
const marker = "BROKER_AUTH_KEYRING_HELPER"

/** The variables that Node, the session bus and the keyrings need. No secret of the program, and no NODE_OPTIONS. */
const needed =
  /^(?:DBUS_|XDG_|LC_)|^(?:HOME|USER|LOGNAME|PATH|LANG|DISPLAY|WAYLAND_DISPLAY|TMPDIR|LD_LIBRARY_PATH|SystemRoot|windir|APPDATA|LOCALAPPDATA|USERPROFILE|USERNAME|USERDOMAIN|TEMP|TMP)$/i

/** Passed on unchanged: it is not configuration. */
const environment = (): NodeJS.ProcessEnv => process.env

const helperEnvironment = (): NodeJS.ProcessEnv => ({
  ...Object.fromEntries(Object.entries(environment()).filter(([name]) => needed.test(name))),
  [marker]: "1",
  // Without it, Electron's executable starts the app.
  ...(process.versions["electron"] === undefined ? {} : { ELECTRON_RUN_AS_NODE: "1" })
})

/** Fails if the executable would start the program again instead of the helper. */
const requireNode = Effect.suspend(() =>
  process.getBuiltinModule("node:sea").isSea() || environment()[marker] !== undefined
    ? Effect.fail(unavailable("a program in a single executable cannot start the process that reads the keyring"))
    : Effect.void
)

const start = Effect.try({
  try: () =>
    spawn(process.execPath, ["-e", script], {
      stdio: ["pipe", "pipe", "ignore"],
      env: helperEnvironment(),
      windowsHide: true
    }),
  catch: (error) =>
    (error as { readonly code?: unknown }).code === "ERR_ACCESS_DENIED"
      ? unavailable(
          "Node's permission model does not allow this program to read the keyring",
          `Start it with --allow-child-process. Or: ${elsewhere}`
        )
      : unavailable("the process that reads the keyring does not start")
})

/** Runs the script with a request, and returns its output. */
const exchange = (question: string): Effect.Effect<string, VaultError.VaultError> =>
  Effect.andThen(
    requireNode,
    Effect.flatMap(start, (child) =>
      Effect.callback<string, VaultError.VaultError>((resume) => {
        let printed = ""
        child.once("error", () => resume(Effect.fail(unavailable("the process that reads the keyring does not start"))))
        // The child may exit before it reads the request. The `close` event reports that.
        child.stdin.once("error", () => undefined)
        child.stdout.setEncoding("utf8").on("data", (chunk: string) => (printed += chunk))
        child.once("close", () => resume(Effect.succeed(printed)))
        child.stdin.end(question)
        return Effect.sync(() => abandon(child))
      })
    )
  )

/**
 * Returns the password of the entry, or `undefined` if there is none. If there is none and `offer` is given, stores
 * `offer` as the password.
 */
export const ask = Effect.fnUntraced(function* (
  { account, module, service, timeout }: Place,
  offer?: Redacted.Redacted<string>
): Effect.fn.Return<Redacted.Redacted<string> | undefined, VaultError.VaultError> {
  // Other output of the process, such as that of a module that it loads, is outside the frame.
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
