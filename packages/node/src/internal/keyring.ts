/**
 * The operating system's keyring, asked by a process of its own.
 *
 * A keyring may hang: a native call into one cannot be interrupted, a thread that is in it cannot be ended, and a
 * program with such a thread cannot exit. A process can be killed.
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
  /** Where the module is that speaks to the keyring. */
  readonly module: string
  readonly timeout: Duration.Duration
}

/** The optional package that speaks to keyrings. */
const packageName = "@napi-rs/keyring"

const elsewhere =
  "Take the key from elsewhere: NodeVaultKey.layerPassphraseConfig, or layerConfig with a key from: openssl rand -hex 32"

const unavailable = (why: string, advice = elsewhere): VaultError.VaultError =>
  VaultError.make("key", new VaultError.KeyUnavailable({ why, advice }))

/** Where the optional package is, if it is installed. */
export const findModule: Effect.Effect<string, VaultError.VaultError> = Effect.try({
  try: () => createRequire(import.meta.url).resolve(packageName),
  catch: () =>
    unavailable(`the package ${packageName} is not installed`, `npm install ${packageName}. Or: ${elsewhere}`)
})

/**
 * What the process runs. It is text and not a file, so that a program that is bundled into one file has it, too. Question
 * and answer go through its standard input and output, since others can see arguments and environments.
 *
 * On Linux it is the Secret Service or nothing: the kernel's own keyring forgets the key when the machine restarts.
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

/** What keyrings say when they cannot be used, in words that hold nothing of what they keep. */
const refusals: ReadonlyArray<readonly [said: RegExp, why: string]> = [
  [/locked|unlock|interaction is not allowed/i, "the keyring is locked"],
  [/secret.?service|d-?bus|platform secure storage|zbus|no such file|connect/i, "this user has no keyring running"],
  [/cannot find module|native binding/i, `the package ${packageName} does not run here`]
]

const whyOf = (said: string): string => refusals.find(([pattern]) => pattern.test(said))?.[1] ?? "the keyring refused"

/** Ends the process for good, and lets this one exit even if the system takes its time. */
const abandon = (child: ChildProcess): void => {
  child.kill("SIGKILL")
  child.stdin?.destroy()
  child.stdout?.destroy()
  child.unref()
}

/** Is set in the helper's environment: a program that finds it in its own was started in place of the helper. */
const marker = "BROKER_AUTH_KEYRING_HELPER"

/** The variables that Node, the session bus and the keyrings need. No secret of the program, and no NODE_OPTIONS. */
const needed =
  /^(?:DBUS_|XDG_|LC_)|^(?:HOME|USER|LOGNAME|PATH|LANG|DISPLAY|WAYLAND_DISPLAY|TMPDIR|LD_LIBRARY_PATH|SystemRoot|windir|APPDATA|LOCALAPPDATA|USERPROFILE|USERNAME|USERDOMAIN|TEMP|TMP)$/i

/** Is handed on as it is: it is not configuration. */
const environment = (): NodeJS.ProcessEnv => process.env

const helperEnvironment = (): NodeJS.ProcessEnv => ({
  ...Object.fromEntries(Object.entries(environment()).filter(([name]) => needed.test(name))),
  [marker]: "1",
  // Without it Electron's executable starts the app.
  ...(process.versions["electron"] === undefined ? {} : { ELECTRON_RUN_AS_NODE: "1" })
})

/** Fails where the executable would start the program again and not the helper. */
const requireNode = Effect.suspend(() =>
  process.getBuiltinModule("node:sea").isSea() || environment()[marker] !== undefined
    ? Effect.fail(unavailable("a program in a single executable cannot start the process that asks the keyring"))
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
          "Node's permission model does not let this program ask the keyring",
          `Start it with --allow-child-process. Or: ${elsewhere}`
        )
      : unavailable("the process that asks the keyring does not start")
})

/** Runs the script with a question, and gives what it printed. */
const exchange = (question: string): Effect.Effect<string, VaultError.VaultError> =>
  Effect.andThen(
    requireNode,
    Effect.flatMap(start, (child) =>
      Effect.callback<string, VaultError.VaultError>((resume) => {
        let printed = ""
        child.once("error", () => resume(Effect.fail(unavailable("the process that asks the keyring does not start"))))
        // It may be gone before it has read the question. Its end tells.
        child.stdin.once("error", () => undefined)
        child.stdout.setEncoding("utf8").on("data", (chunk: string) => (printed += chunk))
        child.once("close", () => resume(Effect.succeed(printed)))
        child.stdin.end(question)
        return Effect.sync(() => abandon(child))
      })
    )
  )

/** The password of the entry; `undefined` if there is none. With an offer, that becomes the password if there is none. */
export const ask = Effect.fnUntraced(function* (
  { account, module, service, timeout }: Place,
  offer?: Redacted.Redacted<string>
): Effect.fn.Return<Redacted.Redacted<string> | undefined, VaultError.VaultError> {
  // Whatever else the process prints, such as a module that it loads, is outside of the frame.
  const frame = randomUUID()
  const question = { frame, module, service, account, ...(offer === undefined ? {} : { offer: Redacted.value(offer) }) }
  const printed = yield* exchange(JSON.stringify(question)).pipe(
    Effect.timeoutOrElse({
      duration: timeout,
      orElse: () => Effect.fail(unavailable(`the keyring did not answer within ${Expiry.timeText(timeout)}`))
    })
  )
  const answer = decodeAnswer(printed.split(frame)[1] ?? "")
  if (Result.isFailure(answer)) return yield* Effect.fail(unavailable("the process that asks the keyring has crashed"))
  const { password, refused } = answer.success
  if (refused !== undefined) return yield* Effect.fail(unavailable(whyOf(refused)))
  return password
})
