import { assert, describe, it } from "@effect/vitest"
import { execFileSync, spawnSync } from "node:child_process"
import * as Fs from "node:fs"
import { stripTypeScriptTypes } from "node:module"
import * as Path from "node:path"
import { tmpdir } from "node:os"
import { versionProblem } from "../src/internal/nodeVersion.ts"

const root = Path.join(import.meta.dirname, "../../..")

describe("versionProblem", () => {
  it.each(["22.19.0", "22.23.1", "23.0.0", "24.21.0", "100.0.0"])("accepts Node %s", (version) =>
    assert.isUndefined(versionProblem(version))
  )

  it.each(["20.20.2", "22.18.0", "22.5.1", "18.0.0"])("rejects Node %s and names the required version", (version) => {
    const problem = versionProblem(version) ?? ""
    assert.isTrue(problem.startsWith(`@auth/node needs Node 22.19 or newer, and this is Node ${version}.`), problem)
    assert.notInclude(problem, "\n")
  })
})

it("every public module of @auth/node except index.ts imports the version check first", () => {
  const folder = Path.join(import.meta.dirname, "../src")
  for (const file of Fs.readdirSync(folder).filter((name) => name.endsWith(".ts") && name !== "index.ts")) {
    const [first] = /^(?:import|export) .*$/m.exec(Fs.readFileSync(Path.join(folder, file), "utf8")) ?? []
    assert.strictEqual(first, `import "./internal/nodeVersion.ts"`, file)
  }
})

const versionOf = (node: string): string | undefined => {
  const { status, stdout } = spawnSync(node, ["--version"], { encoding: "utf8" })
  return status === 0 ? stdout.trim().slice(1) : undefined
}

const oldNode = [process.env["npm_node_execpath"], ...(process.env["PATH"] ?? "").split(Path.delimiter)]
  .flatMap((place) => (place === undefined || place === "" ? [] : place))
  .map((place) => (place.endsWith("node") ? place : Path.join(place, "node")))
  .find((node) => Fs.existsSync(node) && versionProblem(versionOf(node) ?? "100.0.0") !== undefined)

/** Installs the packages as JavaScript, because Node runs no TypeScript in `node_modules`. */
const install = (folder: string): void => {
  const modules = Path.join(folder, "node_modules")
  Fs.mkdirSync(Path.join(modules, "@auth"), { recursive: true })
  Fs.symlinkSync(Path.join(root, "node_modules/effect"), Path.join(modules, "effect"), "junction")
  for (const [name, from] of [
    ["broker-core", "core"],
    ["node", "node"]
  ] as const) {
    const source = Path.join(root, "packages", from)
    const target = Path.join(modules, "@auth", name)
    for (const file of Fs.readdirSync(Path.join(source, "src"), { recursive: true, encoding: "utf8" })) {
      if (!file.endsWith(".ts")) continue
      const code = stripTypeScriptTypes(Fs.readFileSync(Path.join(source, "src", file), "utf8"))
      const output = Path.join(target, "dist", file.replace(/\.ts$/, ".js"))
      Fs.mkdirSync(Path.dirname(output), { recursive: true })
      Fs.writeFileSync(output, code.replaceAll(/(["'])(\.[^"'\n]*)\.ts\1/g, "$1$2.js$1"))
    }
    Fs.copyFileSync(Path.join(source, "package.json"), Path.join(target, "package.json"))
  }
}

it.skipIf(oldNode === undefined)("on an old Node, the import error names the required version", () => {
  const folder = Fs.mkdtempSync(Path.join(Fs.realpathSync(tmpdir()), "broker-auth-old-node-"))
  try {
    install(folder)
    const importing = (specifier: string) => `import(${JSON.stringify(specifier)}).then(() => console.log("imported"))`
    const specifiers = ["@auth/node", "@auth/node/NodeVault", "@auth/node/NodeVaultKey", "@auth/node/NodeSessionLock"]
    for (const specifier of specifiers) {
      const args = ["--input-type=module", "--eval", importing(specifier)]
      const old = spawnSync(oldNode ?? "", args, { cwd: folder, encoding: "utf8" })
      assert.notStrictEqual(old.status, 0, specifier)
      assert.include(
        old.stderr,
        `Error: @auth/node needs Node 22.19 or newer, and this is Node ${versionOf(oldNode ?? "")}.`
      )
      assert.notMatch(old.stderr, /node:sqlite|\n +at /)
      assert.include(execFileSync(process.execPath, args, { cwd: folder, encoding: "utf8" }), "imported")
    }
  } finally {
    Fs.rmSync(folder, { recursive: true })
  }
})
