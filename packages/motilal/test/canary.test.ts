import { fork } from "node:child_process"
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { assert, describe, it } from "@effect/vitest"

const secrets = [
  "CANARYpassword8305",
  "CANARYkey",
  "CANARYappsecret",
  "29/02/1984",
  "28/02/1984",
  "30/02/1984",
  "CNRYX8305Y",
  "CANARYTOTPSECRET",
  "CANARYno1",
  "CANARYno2",
  "CANARY-8-IS-NO-BASE32"
]

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
      child.on("message", (value) => typeof value === "string" && sent.push(value))
      child.on("close", (code) => resolve({ code, output, sent }))
    }
  )

describe("canary: motilal", () => {
  it("a program that prints all it has shows no secret, and leaves none in a file", async () => {
    const folder = mkdtempSync(join(tmpdir(), "canary-"))
    const { code, output, sent } = await runProgram(folder)
    const files = filesBelow(folder).map((path) => `${path}: ${readFileSync(path, "utf8")}`)
    rmSync(folder, { recursive: true })
    assert.strictEqual(code, 0, output)
    for (const name of ["right", "by SMS", "wrong password", "quoted", "second exchange quoted", "code quoted"]) {
      assert.include(output, name)
    }
    // Hashes, codes of both kinds, and tokens.
    assert.isAtLeast(new Set(sent).size, 8)
    assert.isTrue(sent.some((value) => value.endsWith("_M")) && sent.some((value) => /^\d{6}$/.test(value)))
    const shown = [output, ...files].join("\n")
    const decoded = shown.replace(/%([0-9A-F]{2})/gi, (_, hex: string) => String.fromCharCode(parseInt(hex, 16)))
    for (const secret of [...secrets, ...sent]) {
      assert.notInclude(decoded, secret)
      assert.notInclude(shown, btoa(secret).replace(/=+$/, ""))
    }
  }, 30_000)
})
