import * as Effect from "effect/Effect"
import type { ChildProcess } from "node:child_process"
import process from "node:process"

/** In a variable, so that a bundler does not require this optional package. */
const packageName = "open"

interface Opener {
  readonly default: (target: string) => Promise<ChildProcess>
}

/** Whether the user of this program can see a browser that the program opens. */
export const hasDisplay = (platform: NodeJS.Platform, environment: NodeJS.ProcessEnv): boolean => {
  const isAnySet = (...names: ReadonlyArray<string>) => names.some((name) => (environment[name] ?? "") !== "")
  if (isAnySet("SSH_CONNECTION", "SSH_TTY", "CI")) return false
  if (platform === "darwin" || platform === "win32") return true
  return isAnySet("DISPLAY", "WAYLAND_DISPLAY", "WSL_DISTRO_NAME")
}

/** The browser inherits `process.env`. A `ConfigProvider` may have other values, so `Config` is not used. */
const environment = (): NodeJS.ProcessEnv => process.env

/**
 * If the command that opens the browser still runs after this time, the command counts as successful. Some of these
 * commands run until the browser is closed.
 */
const failureWindow = "2 seconds"

const hasStarted = (child: ChildProcess): Effect.Effect<boolean> =>
  Effect.callback<boolean>((resume) => {
    // This listener is never removed, because an `error` event without a listener would end the program.
    child.on("error", () => resume(Effect.succeed(false)))
    const ended = (code: number | null) => resume(Effect.succeed(code === 0))
    if (child.exitCode !== null) return ended(child.exitCode)
    child.once("exit", ended)
    return Effect.sync(() => void child.off("exit", ended))
  }).pipe(Effect.timeoutOrElse({ duration: failureWindow, orElse: () => Effect.succeed(true) }))

/** `url` must not contain a secret, because other users can see the URL in the list of processes. */
export const open = (url: string): Effect.Effect<boolean> =>
  Effect.gen(function* () {
    if (!hasDisplay(process.platform, environment())) return false
    const opener = yield* Effect.tryPromise(() => import(packageName) as Promise<Opener>)
    return yield* hasStarted(yield* Effect.tryPromise(() => opener.default(url)))
  }).pipe(Effect.orElseSucceed(() => false))
