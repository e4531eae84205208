import { spawnSync } from "node:child_process"
import * as fs from "node:fs"
import * as os from "node:os"
import * as path from "node:path"
import { assert, it } from "@effect/vitest"
import { programsOf, runPrograms, runsSomething } from "./programs.ts"
import { packages, root } from "./workspace.ts"

const program = (effect: string) => `import * as Effect from "effect/Effect"
import * as Login from "@auth/broker-core/login/Login"
import * as AngelAuth from "@auth/angel/AngelAuth"
import * as FetchHttpClient from "effect/http/FetchHttpClient"
import * as Layer from "effect/Layer"

const Angel = AngelAuth.layerConfig().pipe(Layer.provide(FetchHttpClient.layer))

Effect.runPromise(Effect.provide(${effect}, Angel)).catch((error) => {
  console.error(error.message)
  process.exitCode = 1
})`

it("runPrograms: reports a program that runs no effect, fails, or prints to standard error", async () => {
  const folder = fs.mkdtempSync(path.join(fs.realpathSync(os.tmpdir()), "broker-auth-programs-"))
  try {
    fs.symlinkSync(path.join(root, "node_modules"), path.join(folder, "node_modules"), "junction")
    const codes = [
      program("Login.session"),
      program(`Effect.die(new Error("it failed"))`),
      `const program = 1`,
      `console.error("runPromise is not well")`,
      `import "@auth/nobody"\n// runPromise`,
      `await fetch("https://nobody.example/") // runPromise`
    ]
    const problems = await runPrograms(
      folder,
      codes.map((code, index) => ({ file: "README.md", line: index + 1, code, run: true })),
      ["@auth/angel"],
      ["--conditions=@auth/source"]
    )
    const expected = [
      /:2 ended with 1\nit failed/,
      /:3 runs no effect/,
      /:4 printed to standard error/,
      /:5 .*nobody/s,
      /:6 ended with 1/
    ]
    assert.lengthOf(problems, expected.length, problems.join("\n"))
    expected.forEach((problem, index) => assert.match(problems[index] ?? "", problem))
  } finally {
    fs.rmSync(folder, { recursive: true })
  }
}, 60_000)

it("the program of docs/with-effect.md names all missing variables in two lines", () => {
  const folder = fs.mkdtempSync(path.join(fs.realpathSync(os.tmpdir()), "broker-auth-programs-"))
  try {
    fs.symlinkSync(path.join(root, "node_modules"), path.join(folder, "node_modules"), "junction")
    fs.writeFileSync(path.join(folder, "package.json"), `{"type":"module"}`)
    const [program] = programsOf("docs/with-effect.md")
    assert.isDefined(program)
    fs.writeFileSync(path.join(folder, "program.ts"), program.code)
    const { status, stderr, stdout } = spawnSync(process.execPath, ["--conditions=@auth/source", "program.ts"], {
      cwd: folder,
      encoding: "utf8",
      env: { XDG_STATE_HOME: path.join(folder, "state") }
    })
    assert.strictEqual(status, 1)
    assert.strictEqual(stdout, "")
    assert.lengthOf(stderr.trim().split("\n"), 2, stderr)
    for (const name of ["CLIENT_CODE", "PIN", "API_KEY", "TOTP_SECRET"]) assert.include(stderr, `ANGEL_${name}`)
    assert.include(stderr, "Set BROKER_AUTH_KEY")
  } finally {
    fs.rmSync(folder, { recursive: true })
  }
}, 60_000)

it("every README has a program, and every program runs an effect or opens a connection", () => {
  for (const file of ["README.md", ...packages().map(({ folder }) => `packages/${folder}/README.md`)]) {
    const programs = programsOf(file)
    assert.isNotEmpty(programs, file)
    for (const { code, line } of programs) assert.match(code, runsSomething, `${file}:${line}`)
  }
})
