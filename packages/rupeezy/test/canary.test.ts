import { fork } from "node:child_process"
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { assert, describe, it } from "@effect/vitest"

const secrets = [
  "CANARY-password",
  "CANARY-wrong",
  "CANARY-key",
  "CANARY-nobodys",
  "CANARYTOTPSECRET",
  "CANARY-8-IS-NO-BASE32",
  "eyJhbGciOiJSUzUxMiIsInR5cCI6IkpXVCJ9"
]

const filesBelow = (folder: string): ReadonlyArray<string> =>
  readdirSync(folder, { recursive: true })
    .map((name) => join(folder, String(name)))
    .filter((path) => statSync(path).isFile())

const runProgram = (folder: string) =>
  new Promise<{ readonly code: number | null; readonly output: string; readonly told: ReadonlyArray<string> }>(
    (resolve) => {
      const told: Array<string> = []
      let output = ""
      const child = fork(fileURLToPath(new URL("./canary.program.ts", import.meta.url)), {
        cwd: folder,
        env: { PATH: process.env["PATH"], HOME: folder, TMPDIR: folder },
        execArgv: ["--conditions=@auth/source"],
        silent: true
      })
      child.stdout?.on("data", (chunk) => (output += String(chunk)))
      child.stderr?.on("data", (chunk) => (output += String(chunk)))
      child.on("message", (secret) => told.push(JSON.stringify(secret).slice(1, -1)))
      child.on("close", (code) => resolve({ code, output, told }))
    }
  )

describe("canary: rupeezy", () => {
  it("a program that prints all it has shows no secret, and leaves none in a file", async () => {
    const folder = mkdtempSync(join(tmpdir(), "canary-"))
    const { code, output, told } = await runProgram(folder)
    const files = filesBelow(folder).map((path) => `${path}: ${readFileSync(path, "utf8")}`)
    rmSync(folder, { recursive: true })
    assert.strictEqual(code, 0, output)
    for (const name of ["right", "wrong password", "quoted", "refused", "browser, quoted"]) assert.include(output, name)
    assert.strictEqual(output.match(/"value":\{"_tag":"Revoked"/g)?.length, 2)
    assert.isAtLeast(told.length, 15)
    const shown = [output, ...files].join("\n")
    const decoded = shown.replace(/%([0-9A-F]{2})/gi, (_, hex: string) => String.fromCharCode(parseInt(hex, 16)))
    for (const secret of [...secrets, ...told]) {
      assert.notInclude(decoded, secret)
      assert.notInclude(shown, btoa(secret).replace(/=+$/, ""))
    }
  }, 30_000)
})
