/** A headless Chromium for tests: Debian's, with a profile of its own, and no network but loopback. */
import { spawnSync } from "node:child_process"
import * as fs from "node:fs"
import * as os from "node:os"
import * as path from "node:path"
import { type Browser, type BrowserContext, chromium } from "playwright-core"
import { watchOver } from "../packages/process.ts"

export interface Chromium {
  /** A window with no cookies, storage or service workers of another, for the time of `use`. */
  readonly withWindow: <A>(use: (window: BrowserContext) => Promise<A>) => Promise<A>
  readonly pid: number
  /** Its folder, where the profile is. */
  readonly folder: string
  /** Ends it, and removes its folder. */
  readonly close: () => Promise<void>
}

const missing =
  "chromium is not installed. Install it with: apt-get install chromium (or: brew install --cask chromium)"

/**
 * Whether tests that need `chromium` run. Without the command they are skipped, except in CI: there they run, and fail
 * with what to install. Their titles have the word Chromium, by which a run counts those that it skipped.
 */
export const runsChromium = process.env["CI"] !== undefined || spawnSync("chromium", ["--version"]).status === 0

const startMillis = 30_000
const closeMillis = 5000
/** For each action of a test: shorter than the time that a test has, so that the failure names the action. */
const actionMillis = 10_000

const flags = [
  // CI runs as root, under which Chromium's sandbox does not start.
  "--no-sandbox",
  // Every name is this machine, as DNS rebinding makes it. Nothing else is reached.
  "--host-resolver-rules=MAP * 127.0.0.1",
  "--no-proxy-server",
  // A defence that other browsers lack: without it, what a test tries reaches the server.
  "--disable-features=LocalNetworkAccessChecks"
]

/** Playwright takes a path, not a command. */
const pathOf = (command: string): string => {
  const folders = (process.env["PATH"] ?? "").split(path.delimiter)
  const found = folders.map((folder) => path.join(folder, command)).find((file) => fs.existsSync(file))
  if (found === undefined) throw new Error(missing)
  return found
}

/** The link names the machine and the process that has the profile: `host-1234`. */
const pidOf = (folder: string): number => Number(/\d+$/.exec(fs.readlinkSync(path.join(folder, "SingletonLock")))?.[0])

const isAlive = (pid: number): boolean => {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}

/** One that hangs is killed. */
const end = async (context: BrowserContext, pid: number): Promise<void> => {
  const timer = setTimeout(() => isAlive(pid) && process.kill(pid, "SIGKILL"), closeMillis)
  await context.close()
  clearTimeout(timer)
}

const removeFolder = (folder: string): void =>
  // Its helpers may still write for an instant.
  fs.rmSync(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 50 })

const withWindowOf =
  (browser: Browser): Chromium["withWindow"] =>
  async (use) => {
    const window = await browser.newContext()
    window.setDefaultTimeout(actionMillis)
    try {
      return await use(window)
    } finally {
      await window.close()
    }
  }

/** Starts one. Fails, saying what to install, where there is no `chromium`. */
export const startChromium = async (options: { readonly command?: string } = {}): Promise<Chromium> => {
  const executablePath = pathOf(options.command ?? "chromium")
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "broker-auth-chromium-"))
  try {
    const context = await chromium.launchPersistentContext(path.join(folder, "profile"), {
      executablePath,
      args: flags,
      timeout: startMillis,
      artifactsDir: folder,
      env: { ...process.env, HOME: folder }
    })
    const browser = context.browser()
    if (browser === null) throw new Error("Playwright gives no browser for this context.")
    const pid = pidOf(path.join(folder, "profile"))
    const unwatch = watchOver(pid, folder)
    return {
      withWindow: withWindowOf(browser),
      pid,
      folder,
      close: async () => {
        await end(context, pid)
        unwatch()
        removeFolder(folder)
      }
    }
  } catch (error) {
    removeFolder(folder)
    throw error
  }
}
