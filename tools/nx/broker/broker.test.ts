import { hash } from "node:crypto"
import * as fs from "node:fs"
import * as os from "node:os"
import * as path from "node:path"
import { afterAll, assert, beforeAll, describe, it } from "@effect/vitest"
import { copyRepository } from "../../packages/copy.ts"
import { toLines } from "../../packages/fileList.ts"
import { run } from "../../packages/process.ts"
import { checkPage, pack } from "../../packages/tarballs.ts"
import { type Manifest, root } from "../../packages/workspace.ts"
import type { Budgets } from "../../size/budgets.ts"

const folder = fs.mkdtempSync(path.join(fs.realpathSync(os.tmpdir()), "broker-auth-generator-"))

const tool = (script: string, ...args: ReadonlyArray<string>) =>
  run(process.execPath, [path.join("node_modules", script), ...args], {
    cwd: folder,
    // The copy of the repository must not use the Nx cache of the original.
    env: { NX_DAEMON: "false", NX_CACHE_DIRECTORY: path.join(folder, ".nx"), TESTS: "" }
  })

const generate = (...args: ReadonlyArray<string>) => tool("nx/dist/bin/nx.js", "g", "./tools/nx:broker", ...args)

const hashes = (): Readonly<Record<string, string>> => {
  const exclude = ({ name }: fs.Dirent) => name === "node_modules"
  const found = fs.globSync(["**", "**/.*", ".*/**"], { cwd: folder, withFileTypes: true, exclude })
  const files = found
    .filter((entry) => entry.isFile())
    .map((entry) => path.relative(folder, path.join(entry.parentPath, entry.name)))
    .filter((file) => !file.startsWith(".nx"))
  return Object.fromEntries(files.map((file) => [file, hash("sha256", fs.readFileSync(path.join(folder, file)))]))
}

const messageOf = (promise: Promise<string>): Promise<string> =>
  promise.then(
    () => "",
    (error: unknown) => String(error)
  )

const timeout = 240_000

describe("npm run new:broker", { tags: ["thorough"] }, () => {
  beforeAll(() => {
    copyRepository(folder)
  })

  afterAll(() => fs.rmSync(folder, { recursive: true, force: true }))

  it.each([
    ["Zerodha", /"Zerodha" cannot be a broker's name: use lower-case letters and digits/],
    ["../acme", /"\.\.\/acme" cannot be a broker's name/],
    ["core", /is the name of another package in this repository/],
    ["angel", /packages\/angel already exists/]
  ])(
    "refuses the name %s, and changes nothing",
    async (name, message) => {
      const before = hashes()
      assert.match(await messageOf(generate(name, "--install=false")), message)
      assert.deepStrictEqual(hashes(), before)
    },
    timeout
  )

  it.each([
    [["acme", "--outside", "."], /is not empty: choose another folder, or remove its files/],
    [["acme", "--outside", "outside", "--package", "My Package"], /"My Package" cannot be the name of a package/],
    [["Acme", "--outside", "outside"], /"Acme" cannot be a broker's name/]
  ])(
    "refuses the arguments %j, and writes nothing",
    async (args, message) => {
      const before = hashes()
      assert.match(await messageOf(generate(...args)), message)
      assert.deepStrictEqual(hashes(), before)
    },
    timeout
  )

  it(
    "makes a package with the name from --package in the folder from --outside",
    async () => {
      const outside = path.join(folder, "outside")
      await generate("angel", "--outside", "outside", "--package", "@mine/angel")
      const read = (file: string) => fs.readFileSync(path.join(outside, file), "utf8")
      assert.strictEqual((JSON.parse(read("package.json")) as { readonly name: string }).name, "@mine/angel")
      assert.include(read("src/AngelAuth.ts"), 'from "@mine/angel/AngelAuth"')
      assert.include(read("test/broker.test.ts"), 'from "../src/AngelAuth.ts"')
      const texts = fs.globSync("**/*.*", { cwd: outside }).map(read)
      for (const text of texts) assert.notMatch(text, /__[A-Za-z]+__|TODO|@auth\/angel/)
      fs.rmSync(outside, { recursive: true })
      const list = "packages/brokers.json"
      assert.strictEqual(
        fs.readFileSync(path.join(folder, list), "utf8"),
        fs.readFileSync(path.join(root, list), "utf8")
      )
    },
    timeout
  )

  it("prints its options with --help", async () => assert.match(await generate("--help"), /--prefix/), timeout)

  it(
    "makes a package that passes formatter, linter, compiler and tests",
    async () => {
      assert.include(
        await generate("madeup", "--title", "Made Up", "--install=false"),
        "Fill in the facts of your broker"
      )
      await tool("typescript/bin/tsc", "-b", "packages/madeup", "packages/simulator")
      const place = path.join(folder, "packages/madeup")
      const manifest = JSON.parse(fs.readFileSync(path.join(place, "package.json"), "utf8")) as Manifest
      const made = { folder: "madeup", path: place, manifest }
      checkPage(made)
      const list = fs.readFileSync(path.join(folder, "tools/packages/files/madeup.txt"), "utf8")
      assert.deepStrictEqual(toLines((await pack(made, folder)).paths), list.trim().split("\n"))
      const budgets = JSON.parse(fs.readFileSync(path.join(folder, "tools/size/budgets.json"), "utf8")) as Budgets
      assert.strictEqual(budgets.programs["madeup"], budgets.programs["motilal"])
      assert.strictEqual(budgets.packages["madeup"], budgets.packages["rmoney"])
      await tool("typescript/bin/tsc", "-p", "packages/madeup/tsconfig.test.json")
      await tool("oxlint/bin/oxlint", "packages/madeup", "packages/simulator/src")
      await tool("oxfmt/bin/oxfmt", "--check", "packages/madeup", "packages/simulator", "tsconfig.json", ".changeset")
      const tests = await tool("vitest/vitest.mjs", "run", "packages/madeup", "tools/docs/tables.test.ts")
      assert.match(tests, /contract cases +madeup \d+/)
      assert.match(await tool("vitest/vitest.mjs", "run", "tools/house", "-t", "madeup"), /tests: \d+ passed, 0 failed/)
    },
    timeout
  )

  it(
    "adds the broker to the demo of npm start",
    async () => {
      const command = ["--conditions=@auth/source", "packages/cli/src/bin.ts", "demo"]
      const shown = await run(process.execPath, command, { cwd: folder })
      for (const name of [
        "log in (User id, password and TOTP)",
        "request the profile with the stored session",
        "log out"
      ])
        assert.include(shown, `  ✓ Made Up        ${name}: `)
    },
    timeout
  )

  it("marks the places that the author must fill in", () => {
    const files = fs.readdirSync(path.join(folder, "packages/madeup"), { recursive: true, withFileTypes: true })
    const texts = files
      .filter((file) => file.isFile() && !/dist|\.tsbuild/.test(file.parentPath))
      .map((file) => fs.readFileSync(path.join(file.parentPath, file.name), "utf8"))
    assert.isAtLeast(texts.join("\n").match(/Fill in/g)?.length ?? 0, 15)
    for (const text of texts) assert.notMatch(text, /__[A-Za-z]+__|TODO/)
  })
})
