import { assert, describe, it } from "@effect/vitest"
import { spawn } from "node:child_process"
import * as fs from "node:fs"
import * as http from "node:http"
import * as path from "node:path"
import { listen } from "../vitest/freePort.ts"
import { runsChromium, startChromium } from "./browser.ts"

const isAlive = (pid: number): boolean => {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}

const isGone = async (pid: number, folder: string): Promise<boolean> => {
  for (let tries = 0; tries < 500 && (isAlive(pid) || fs.existsSync(folder)); tries += 1) {
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
  return !isAlive(pid) && !fs.existsSync(folder)
}

describe.runIf(runsChromium)("a Chromium for tests", () => {
  it("resolves every host name to this machine, and leaves no process or folder behind", async () => {
    const server = http.createServer((request, response) => response.end(`request for ${request.headers.host}`))
    const port = await listen(server)
    const chromium = await startChromium()
    try {
      for (const host of [`127.0.0.1:${port}`, `anywhere.example:${port}`, `192.0.2.1:${port}`]) {
        const text = await chromium.withWindow(async (window) => {
          const page = await window.newPage()
          return await (await page.goto(`http://${host}/`))?.text()
        })
        assert.strictEqual(text, `request for ${host}`)
      }
    } finally {
      await chromium.close()
      server.closeAllConnections()
      server.close()
    }
    assert.isFalse(isAlive(chromium.pid))
    assert.isFalse(fs.existsSync(chromium.folder))
  })

  it("ends on close, even if it hangs", { tags: ["thorough"] }, async () => {
    const chromium = await startChromium()
    process.kill(chromium.pid, "SIGSTOP")
    await chromium.close()
    assert.isTrue(await isGone(chromium.pid, chromium.folder))
  })

  it("ends when its parent is killed, even if Chromium hangs", { tags: ["thorough"], timeout: 60_000 }, async () => {
    const module = path.join(import.meta.dirname, "browser.ts")
    const program = `import { startChromium } from ${JSON.stringify(module)}
      const chromium = await startChromium()
      process.kill(chromium.pid, "SIGSTOP")
      console.log(JSON.stringify([chromium.pid, chromium.folder]))`
    const child = spawn(process.execPath, ["--input-type=module", "-e", program], {
      stdio: ["ignore", "pipe", "inherit"]
    })
    const printed = await new Promise<string>((resolve, reject) => {
      child.once("error", reject)
      child.stdout.once("data", (data: Buffer) => resolve(data.toString()))
    })
    const [pid, folder] = JSON.parse(printed) as [number, string]
    assert.isTrue(isAlive(pid))
    child.kill("SIGKILL")
    const gone = await isGone(pid, folder)
    if (isAlive(pid)) process.kill(pid, "SIGKILL")
    assert.isTrue(gone)
  })
})

describe("startChromium", () => {
  it("fails if Chromium is not installed, and tells how to install it", async () => {
    const failure = await startChromium({ command: "chromium-not-installed" }).catch((error: unknown) => error)
    assert.match(String(failure), /apt-get install chromium/)
  })
})
