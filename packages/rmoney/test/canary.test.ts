import { fork } from "node:child_process"
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { assert, describe, it } from "@effect/vitest"

/** All that begins so is a secret, beside what the program sends over its channel: codes, tokens, checksums. */
const secrets = ["CANARY", "CANRY8305Q", "eyJhbGciOiJSUzI1NiI"]

const filesBelow = (folder: string): ReadonlyArray<string> =>
  readdirSync(folder, { recursive: true })
    .map((name) => join(folder, String(name)))
    .filter((path) => statSync(path).isFile())

const runProgram = (folder: string) =>
  new Promise<{ readonly code: number | null; readonly output: string; readonly sent: ReadonlyArray<string> }>(
    (resolve) => {
      const sent: Array<string> = []
      let output = ""
      const child = fork(fileURLToPath(new URL("./canary.program.ts", import.meta.url)), {
        cwd: folder,
        env: { PATH: process.env["PATH"], HOME: folder, TMPDIR: folder },
        execArgv: ["--conditions=@auth/source"],
        silent: true
      })
      child.stdout?.on("data", (chunk) => (output += String(chunk)))
      child.stderr?.on("data", (chunk) => (output += String(chunk)))
      child.on("message", (word: string) => sent.push(word))
      child.on("close", (code) => resolve({ code, output, sent }))
    }
  )

describe("canary: rmoney", () => {
  it("a program that prints all it has shows no secret, and leaves none in a file", async () => {
    const folder = mkdtempSync(join(tmpdir(), "canary-"))
    const { code, output, sent } = await runProgram(folder)
    const files = filesBelow(folder).map((path) => `${path}: ${readFileSync(path, "utf8")}`)
    rmSync(folder, { recursive: true })
    assert.strictEqual(code, 0, output)
    for (const name of ["right", "wrong password", "refused", "browser", "picture", "biometrics", "recovery"]) {
      assert.include(output, name)
    }
    assert.isAtLeast(sent.filter((word) => /^\d{6}$/.test(word)).length, 7)
    assert.isAtLeast(sent.filter((word) => word.startsWith("Bearer ")).length, 5)
    const shown = [output, ...files].join("\n")
    const decoded = shown.replace(/%([0-9A-F]{2})/gi, (_, hex: string) => String.fromCharCode(parseInt(hex, 16)))
    // Of a header its last word is the secret.
    for (const secret of [...secrets, ...sent.map((word) => word.split(" ").at(-1) ?? word)]) {
      assert.notInclude(decoded, secret)
      assert.notInclude(shown, btoa(secret).replace(/=+$/, ""))
    }
  }, 60_000)
})
