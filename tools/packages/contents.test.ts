import * as fs from "node:fs"
import * as os from "node:os"
import * as path from "node:path"
import { afterEach, assert, beforeEach, describe, it } from "@effect/vitest"
import { contentsOf, installedBytes } from "./contents.ts"
import { runNpm } from "./process.ts"
import { type Manifest, type Package, packages } from "./workspace.ts"

const manifest: Manifest & { readonly scripts: object } = {
  name: "@auth/made-up",
  version: "0.0.0",
  files: ["dist", "!dist/bin.*", "README.md", "CHANGELOG.md", "LICENSE"],
  exports: {
    ".": { "@auth/source": "./src/index.ts", types: "./dist/index.d.ts", default: "./dist/index.js" },
    "./package.json": "./package.json",
    "./internal/*": null
  },
  scripts: { prepack: "false" }
}

let folder = ""

const write = (file: string, text: string): void => {
  fs.mkdirSync(path.dirname(path.join(folder, file)), { recursive: true })
  fs.writeFileSync(path.join(folder, file), text)
}

const writeModule = (name: string, code: string, declaration: string): void => {
  write(`src/${name}.ts`, "")
  write(`dist/${name}.js`, code)
  write(`dist/${name}.d.ts`, declaration)
}

const contents = () => contentsOf({ folder: "made-up", path: folder, manifest })

const messageOf = (promise: Promise<unknown>): Promise<string> =>
  promise.then(
    () => "",
    (error: unknown) => String(error)
  )

describe("the contents of a package", () => {
  beforeEach(() => {
    folder = fs.mkdtempSync(path.join(os.tmpdir(), "broker-auth-contents-"))
    write("package.json", JSON.stringify(manifest))
    write("README.md", "# Made up\n")
    write("tsconfig.json", "{}")
    writeModule("index", "export const a = 1\n", "/** The letter. */\nexport declare const a: 1\n")
  })

  afterEach(() => fs.rmSync(folder, { recursive: true }))

  it("are the manifest, documents and compiled sources, without excluded files", async () => {
    writeModule("bin", "a()\n", "export {}\n")
    write("dist/index.js.map", "{}")
    write("dist/removed.js", "")
    assert.deepStrictEqual([...(await contents()).keys()].toSorted(), [
      "README.md",
      "dist/index.d.ts",
      "dist/index.js",
      "package.json"
    ])
  })

  it("have comments in declarations, but not in code", async () => {
    const code = [
      "/** One. */",
      "const list = [1_000, `a // b`] // Two.",
      "export class A {",
      "  /** Three. */",
      "  all(list) { return list /* Four. */ }",
      "}",
      "export { list }",
      ""
    ].join("\n")
    writeModule("index", code, "/** The letter. */\nexport declare const a: 1\n")
    const found = await contents()
    const printed = found.get("dist/index.js") ?? ""
    assert.notMatch(printed, /One|Two|Three|Four/)
    assert.include(printed, "`a // b`")
    assert.include(printed, "all(list) {")
    assert.include(found.get("dist/index.d.ts"), "/** The letter. */")
  })

  it("are indented with tabs, and keep all other spaces", async () => {
    writeModule(
      "index",
      "export const a = () => {\n    return 1\n}\n",
      "export interface A {\n    /**\n     *     One.\n     */\n    readonly a: {\n        readonly b: `    c`;\n    };\n}\n"
    )
    const found = await contents()
    assert.include(found.get("dist/index.js"), "\treturn 1")
    assert.strictEqual(
      found.get("dist/index.d.ts"),
      "export interface A {\n\t/**\n\t *     One.\n\t */\n\treadonly a: {\n\t\treadonly b: `    c`;\n\t};\n}\n"
    )
  })

  it("have no @category in declarations, and keep the other tags", async () => {
    writeModule(
      "index",
      "export const a = 1\n",
      "/**\n * One.\n *\n * @category models\n * @since 0.1.0\n */\nexport declare const a: 1\n"
    )
    assert.strictEqual(
      (await contents()).get("dist/index.d.ts"),
      "/**\n * One.\n *\n * @since 0.1.0\n */\nexport declare const a: 1\n"
    )
  })

  it("are refused if a template literal in a declaration has an indented line", async () => {
    writeModule("index", "export const a = 1\n", "export type A = `\n    c`;\n")
    assert.match(await messageOf(contents()), /dist\/index\.d\.ts: its types would change/)
  })

  it("keep the #! line at the start of a file", async () => {
    writeModule("index", "#!/usr/bin/env node\n// One.\na()\n", "export {}\n")
    assert.match((await contents()).get("dist/index.js") ?? "", /^#!\/usr\/bin\/env node\na\(\);/)
  })

  it.each(["/* @__PURE__ */ a()", "import(/* @vite-ignore */ a)", "import(/* webpackIgnore: true */ a)"])(
    "are refused if a comment that bundlers read would be lost: %s",
    async (code) => {
      writeModule("index", `export const b = ${code}\n`, "export {}\n")
      assert.match(await messageOf(contents()), /dist\/index\.js has a comment that bundlers read/)
    }
  )

  it("include only the internal declarations that public modules need", async () => {
    for (const name of ["one", "two", "three", "four", "five"]) writeModule(`internal/${name}`, "", "export {}\n")
    const types = [
      'import { A } from "./internal/one.ts"',
      'export * from "./internal/two.ts"',
      'export type B = import("./internal/three.ts").B',
      '/** Not used: import("./internal/five.ts") */',
      "export type C = A"
    ].join("\n")
    writeModule("index", "", types)
    writeModule("internal/three", "", 'export type { B } from "./four.ts"\n')
    const found = [...(await contents()).keys()].filter((file) => file.startsWith("dist/internal/"))
    assert.deepStrictEqual(
      found.filter((file) => file.endsWith(".d.ts")).toSorted(),
      ["four", "one", "three", "two"].map((name) => `dist/internal/${name}.d.ts`)
    )
    assert.include(found, "dist/internal/five.js")
  })

  it("are refused if a declaration imports a missing declaration", async () => {
    writeModule("index", "", 'export * from "./gone.ts"\n')
    assert.match(await messageOf(contents()), /dist\/index\.d\.ts imports \.\/gone\.ts, which is not packed/)
  })

  it("have a manifest without @auth/source, scripts or file patterns that start with !", async () => {
    const { exports, files, name, scripts } = JSON.parse(
      (await contents()).get("package.json") ?? ""
    ) as typeof manifest
    assert.deepStrictEqual(exports, {
      ...manifest.exports,
      ".": { types: "./dist/index.d.ts", default: "./dist/index.js" }
    })
    assert.deepStrictEqual(files, ["dist", "README.md", "CHANGELOG.md", "LICENSE"])
    assert.strictEqual(name, manifest.name)
    assert.isUndefined(scripts)
  })

  it("are refused if a compiled file is missing", async () => {
    fs.rmSync(path.join(folder, "dist/index.d.ts"))
    assert.match(await messageOf(contents()), /dist\/index\.d\.ts does not exist\. Run npm run build/)
  })

  it("are measured in bytes, not in characters", () =>
    assert.strictEqual(
      installedBytes(
        new Map([
          ["a", "₹"],
          ["b", "1"]
        ])
      ),
      4
    ))
})

describe("npm pack in the folder of a package", () => {
  const scriptsOf = ({ manifest: own }: Package) => (own as typeof manifest).scripts as unknown

  it("fails with an error that names npm run pack", async () => {
    const cwd = packages()[0]!.path
    assert.match(await messageOf(runNpm(["pack", "--dry-run"], { cwd })), /To pack all packages, run "npm run pack"/)
  })

  it.each(packages().slice(1))("runs the same scripts in $folder as in the first package", (pkg) =>
    assert.deepStrictEqual(scriptsOf(pkg), scriptsOf(packages()[0]!))
  )
})
