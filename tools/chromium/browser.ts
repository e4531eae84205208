/** A headless Chromium for tests: Debian's package, with a separate profile, and limited to loopback. */
import { spawnSync } from "node:child_process"
import * as fs from "node:fs"
import * as os from "node:os"
import * as path from "node:path"
import { type Browser, type BrowserContext, chromium } from "playwright-core"
import { watchOver } from "../packages/process.ts"

export interface Chromium {
  /** Opens a window for `use`, with its own cookies, storage and service workers. */
  readonly withWindow: <A>(use: (window: BrowserContext) => Promise<A>) => Promise<A>
  readonly pid: number
  /** The folder that contains the profile. */
  readonly folder: string
  /** Ends the process, and removes its folder. */
  readonly close: () => Promise<void>
}

const missing =
  "chromium is not installed. Install it with: apt-get install chromium (or: brew install --cask chromium)"

/**
 * Whether tests that need `chromium` run. Without the command they are skipped. In CI they run and fail with an error
 * that names the package to install. Their titles contain the word Chromium, by which a run counts the skipped ones.
 */
export const runsChromium = process.env["CI"] !== undefined || spawnSync("chromium", ["--version"]).status === 0

const startMillis = 30_000
const closeMillis = 5000
/** Time-out of each action. It is shorter than the time-out of a test, so that the failure names the action. */
const actionMillis = 10_000

const flags = [
  // CI runs as root, and Chromium's sandbox does not start as root.
  "--no-sandbox",
  // Every host name resolves to this machine, as after DNS rebinding. No other host can be reached.
  "--host-resolver-rules=MAP * 127.0.0.1",
  "--no-proxy-server",
  // Other browsers lack this defence. It is disabled, so that the requests of a test reach the server.
  "--disable-features=LocalNetworkAccessChecks"
]

/** Playwright requires a path, not a command. */
const pathOf = (command: string): string => {
  const folders = (process.env["PATH"] ?? "").split(path.delimiter)
  const found = folders.map((folder) => path.join(folder, command)).find((file) => fs.existsSync(file))
  if (found === undefined) throw new Error(missing)
  return found
}

/** The link contains the host name and the id of the process that uses the profile: `host-1234`. */
const pidOf = (folder: string): number => Number(/\d+$/.exec(fs.readlinkSync(path.join(folder, "SingletonLock")))?.[0])

const isAlive = (pid: number): boolean => {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}

/** Closes the browser, and kills it if it hangs. */
const end = async (context: BrowserContext, pid: number): Promise<void> => {
  const timer = setTimeout(() => isAlive(pid) && process.kill(pid, "SIGKILL"), closeMillis)
  await context.close()
  clearTimeout(timer)
}

const removeFolder = (folder: string): void =>
  // Helper processes may write for another moment.
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

/** Starts a Chromium. If there is no `chromium`, fails with an error that names the package to install. */
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
    if (browser === null) throw new Error("Playwright returned no browser for this context.")
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
