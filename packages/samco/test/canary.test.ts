import { fork } from "node:child_process"
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { assert, describe, it } from "@effect/vitest"

const secrets = [
  "c0ffee0ac0ffee1bc0ffee2cc0ffee3dc0ffee4ec0ffee5f",
  "dec0de00dec0de01dec0de02",
  "bad0bad0bad0",
  "CANARY-plain-secret",
  "CANARYpw1",
  "CANARYno1",
  "CANARYaccess",
  "eyJhbGciOiJIUzI1NiJ9"
]

const filesBelow = (folder: string): ReadonlyArray<string> =>
  readdirSync(folder, { recursive: true })
    .map((name) => join(folder, String(name)))
    .filter((path) => statSync(path).isFile())

const runProgram = (folder: string) =>
  new Promise<{ readonly code: number | null; readonly output: string; readonly issued: ReadonlyArray<string> }>(
    (resolve) => {
      const issued: Array<string> = []
      let output = ""
      const child = fork(fileURLToPath(new URL("./canary.program.ts", import.meta.url)), {
        cwd: folder,
        env: { PATH: process.env["PATH"], HOME: folder, TMPDIR: folder },
        execArgv: ["--conditions=@auth/source"],
        silent: true
      })
      child.stdout?.on("data", (chunk) => (output += String(chunk)))
      child.stderr?.on("data", (chunk) => (output += String(chunk)))
      child.on("message", (token: string) => issued.push(token))
      child.on("close", (code) => resolve({ code, output, issued }))
    }
  )

describe("canary: samco", () => {
  it("a program that prints all it has shows no secret, and leaves none in a file", async () => {
    const folder = mkdtempSync(join(tmpdir(), "canary-"))
    const { code, issued, output } = await runProgram(folder)
    const files = filesBelow(folder).map((path) => `${path}: ${readFileSync(path, "utf8")}`)
    rmSync(folder, { recursive: true })
    assert.strictEqual(code, 0, output)
    for (const name of [
      "direct, right",
      "direct, wrong secret",
      "browser, right",
      "browser, quoted",
      "legacy, right"
    ]) {
      assert.include(output, name)
    }
    // Two tokens of direct logins, code and state of three browser logins, and two pairs of tokens of one.
    assert.strictEqual(issued.length, 12)
    const shown = [output, ...files].join("\n")
    const decoded = shown.replace(/%([0-9A-F]{2})/gi, (_, hex: string) => String.fromCharCode(parseInt(hex, 16)))
    for (const secret of [...secrets, ...issued]) {
      assert.notInclude(decoded, secret)
      assert.notInclude(shown, btoa(secret).replace(/=+$/, ""))
    }
  }, 30_000)
})
