import { type ChildProcess, spawn } from "node:child_process"
import * as fs from "node:fs"
import type * as net from "node:net"
import * as os from "node:os"
import * as path from "node:path"
import { root } from "./workspace.ts"

const children = new Set<ChildProcess>()

/**
 * Starts a child process. Removes npm's environment variables about this project, because they would confuse npm in the
 * child process.
 */
export const start = (
  command: string,
  args: ReadonlyArray<string>,
  options: {
    readonly cwd: string
    readonly env?: Readonly<Record<string, string>>
    readonly inherit?: true
    /** Gives the child a standard input: a pipe or, with `inherit`, the input of this process. Default: no input. */
    readonly input?: true
    /** Time limit for `run` and `outputOf`, in milliseconds. Default: no limit. */
    readonly limit?: number
  }
): ChildProcess => {
  const inherited = Object.entries(process.env).filter(
    ([name]) => !/^npm_(config_local_prefix|package_|lifecycle_)|^init_cwd$/i.test(name)
  )
  const child = spawn(command, args, {
    cwd: options.cwd,
    env: { ...Object.fromEntries(inherited), ...options.env },
    stdio: options.inherit
      ? [options.input ? "inherit" : "ignore", "inherit", "inherit"]
      : [options.input ? "pipe" : "ignore", "pipe", "pipe"]
  })
  children.add(child)
  child.once("close", () => children.delete(child))
  return child
}

export interface Ended {
  /** The exit code, or the name of the signal. */
  readonly end: number | string
  readonly isLate: boolean
  readonly stdout: string
  readonly stderr: string
  /** Both outputs, in the order of arrival. */
  readonly printed: string
}

/** Waits until the child ends. Stops the child after `limit` milliseconds. Default: no limit. */
export const ended = async (child: ChildProcess, limit?: number): Promise<Ended> => {
  const output = { stdout: "", stderr: "", printed: "" }
  for (const name of ["stdout", "stderr"] as const) {
    child[name]?.setEncoding("utf8").on("data", (text: string) => {
      output[name] += text
      output.printed += text
    })
  }
  let isLate = false
  const expire = () => {
    isLate = true
    void stop(child)
  }
  const timer = limit === undefined ? undefined : setTimeout(expire, limit)
  const end = await new Promise<number | string>((resolve, reject) => {
    child.once("error", reject)
    child.once("close", (exit, signal) => resolve(exit ?? signal ?? "unknown"))
  }).finally(() => clearTimeout(timer))
  return { ...output, end, isLate }
}

const endedWell = async (...[command, args, options]: Parameters<typeof start>) => {
  const { end, isLate, printed, stdout } = await ended(start(command, args, options), options.limit)
  const title = `${command} ${args.join(" ")}`
  if (isLate) throw new Error(`${title} did not end within ${(options.limit ?? 0) / 1000} s\n${printed.trim()}`)
  if (end !== 0) throw new Error(`${title} ended with ${end}\n${printed.trim()}`)
  return { printed, stdout }
}

/** Returns standard output and standard error. */
export const run = async (...options: Parameters<typeof start>): Promise<string> =>
  (await endedWell(...options)).printed

/** Returns standard output alone. */
export const outputOf = async (...options: Parameters<typeof start>): Promise<string> =>
  (await endedWell(...options)).stdout

export const runTool = (script: string, args: ReadonlyArray<string>, options: Parameters<typeof start>[2]) =>
  run(process.execPath, [path.join(root, "node_modules", script), ...args], options)

/**
 * Uses the Node that is installed on the machine. With the Node in `node_modules`, npm would read another global npmrc,
 * and would not use the machine's certificates.
 */
export const startNpm = (args: ReadonlyArray<string>, options: Parameters<typeof start>[2]): ChildProcess =>
  start(...npmCommand(args), options)

export const runNpm = (args: ReadonlyArray<string>, options: Parameters<typeof start>[2]): Promise<string> =>
  run(...npmCommand(args), options)

const npmCommand = (args: ReadonlyArray<string>): readonly [command: string, args: ReadonlyArray<string>] => {
  const { npm_execpath: script, npm_node_execpath: node } = process.env
  return script?.endsWith("npm-cli.js") === true && node !== undefined ? [node, [script, ...args]] : ["npm", args]
}

export const stop = async (child: ChildProcess): Promise<void> => {
  if (child.exitCode !== null || child.signalCode !== null) return
  const closed = new Promise((resolve) => child.once("close", resolve))
  child.kill("SIGTERM")
  const timer = setTimeout(() => child.kill("SIGKILL"), 3000)
  await closed
  clearTimeout(timer)
}

/**
 * When this process ends, even by `kill -9`, a watcher kills the process `pid` and removes `folder`. Returns a function
 * that ends the watcher. Call the returned function when the process `pid` has stopped.
 */
export const watchOver = (pid: number, folder: string): (() => void) => {
  // `cat` ends when this process ends. `rm` can fail while a browser's helper processes write, so the loop repeats it.
  const script = 'cat >/dev/null; kill -9 "$0"; for i in $(seq 50); do rm -rf "$1" && break; sleep 0.1; done'
  const watcher = spawn("sh", ["-c", script, String(pid), folder], {
    stdio: ["pipe", "ignore", "ignore"],
    // Without `detached`, Ctrl-C would end the watcher before it has cleaned up.
    detached: true
  })
  watcher.unref()
  ;(watcher.stdin as net.Socket | null)?.unref()
  watcher.once("error", () => undefined)
  return () => void watcher.kill("SIGKILL")
}

export const stopAll = async (): Promise<void> => {
  await Promise.all([...children].map(stop))
}

export const runInFolder = async (name: string, work: (folder: string) => Promise<number>): Promise<never> => {
  const folder = fs.mkdtempSync(path.join(fs.realpathSync(os.tmpdir()), `broker-auth-${name}-`))
  const end = async (code: number): Promise<never> => {
    await stopAll()
    fs.rmSync(folder, { recursive: true, force: true })
    process.exit(code)
  }
  process.once("SIGINT", () => void end(130))
  process.once("SIGTERM", () => void end(143))
  return work(folder).then(end, (error: unknown) => {
    console.error(`${name}: ${error instanceof Error ? error.message : String(error)}`)
    return end(1)
  })
}
