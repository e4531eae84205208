/** Starts a headless Chromium for tests. It has a new profile, and can connect only to this machine. */
import { spawnSync } from "node:child_process"
import * as fs from "node:fs"
import * as os from "node:os"
import * as path from "node:path"
import { type Browser, type BrowserContext, chromium } from "playwright-core"
import { watchOver } from "../packages/process.ts"

export interface Chromium {
  /** Opens a window with separate cookies, storage and service workers, and closes it after `use`. */
  readonly withWindow: <A>(use: (window: BrowserContext) => Promise<A>) => Promise<A>
  readonly pid: number
  /** The temporary folder that contains the profile. */
  readonly folder: string
  readonly close: () => Promise<void>
}

const missing =
  "chromium is not installed. Install it with: apt-get install chromium (or: brew install --cask chromium)"

/**
 * Whether to run the tests that need Chromium. Without the command `chromium`, these tests fail in CI, and are skipped
 * elsewhere. Their titles must contain the word Chromium, by which `CountsReporter` finds skipped tests.
 */
export const runsChromium = process.env["CI"] !== undefined || spawnSync("chromium", ["--version"]).status === 0

const startMillis = 30_000
const closeMillis = 5000
/** Shorter than the time-out of a test, so that the error names the action. */
const actionMillis = 10_000

const flags = [
  // Chromium's sandbox cannot start as root, and CI can run as root.
  "--no-sandbox",
  // Every host name resolves to this machine, as in a DNS rebinding attack. No other host can be reached.
  "--host-resolver-rules=MAP * 127.0.0.1",
  "--no-proxy-server",
  // Chromium can block requests from a page to the local network. Other browsers may not block them, so the server
  // under test must be safe without this check.
  "--disable-features=LocalNetworkAccessChecks"
]

/** Playwright needs the path of the command, not its name. */
const pathOf = (command: string): string => {
  const folders = (process.env["PATH"] ?? "").split(path.delimiter)
  const found = folders.map((folder) => path.join(folder, command)).find((file) => fs.existsSync(file))
  if (found === undefined) throw new Error(missing)
  return found
}

/** `SingletonLock` is a link whose target ends with Chromium's process id, as in `host-1234`. */
const pidOf = (folder: string): number => Number(/\d+$/.exec(fs.readlinkSync(path.join(folder, "SingletonLock")))?.[0])

const isAlive = (pid: number): boolean => {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}

const end = async (context: BrowserContext, pid: number): Promise<void> => {
  const timer = setTimeout(() => isAlive(pid) && process.kill(pid, "SIGKILL"), closeMillis)
  await context.close()
  clearTimeout(timer)
}

const removeFolder = (folder: string): void =>
  // Chromium's helper processes can still write to the folder for a short time, so the removal is retried.
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
