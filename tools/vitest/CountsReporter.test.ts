import { assert, it } from "@effect/vitest"
import { spawnSync } from "node:child_process"
import * as fs from "node:fs"
import * as os from "node:os"
import * as path from "node:path"

const root = path.resolve(import.meta.dirname, "../..")

const files: Readonly<Record<string, string>> = {
  "packages/angel/test/a.test.ts": `
    describe("contract: angel totp", () => {
      describe("login", () => it("one", () => {}))
      it("two", () => { throw new Error("no") })
      it.skip("three", () => {})
    })
    describe("fuzz", () => it("bodies", ({ task }) => { task.meta.fuzzBodies = 3000 }))
    describe("contracts of nobody", () => it("is not counted", () => {}))
    it("contract", () => {})
  `,
  "packages/core/test/b.test.ts": `
    describe("contract: core", () => it("one", () => {}))
    describe("fuzz", { tags: ["thorough"] }, () => it("for hours", () => {}))
  `,
  "vitest.config.js": `export default { test: { tags: [{ name: "thorough" }], tagsFilter: ["!thorough"] } }`,
  "packages/core/test/c.test.ts": `throw new Error("cannot be loaded")`
}

it("counts by kind and package, and says the totals on the last line, a file that cannot be loaded included", () => {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "broker-auth-counts-"))
  for (const [file, source] of Object.entries(files)) {
    fs.mkdirSync(path.dirname(path.join(folder, file)), { recursive: true })
    fs.writeFileSync(path.join(folder, file), source)
  }
  const vitest = path.join(root, "node_modules/vitest/vitest.mjs")
  const reporter = path.join(import.meta.dirname, "CountsReporter.ts")
  const run = spawnSync(process.execPath, [vitest, "run", "--globals", "--root", folder, "--reporter", reporter], {
    cwd: folder,
    encoding: "utf8"
  })
  fs.rmSync(folder, { recursive: true })
  const lines = run.stdout.trimEnd().split("\n")
  assert.deepStrictEqual(lines.slice(-7), [
    "       3 contract cases  angel 2, core 1",
    "    3000 fuzz bodies     angel 3000",
    "",
    "failed: packages/angel/test/a.test.ts > contract: angel totp > two: no",
    "failed: packages/core/test/c.test.ts: cannot be loaded",
    "not run: 1 tests that are thorough. To run them: npm run check -- --only tests",
    "tests: 5 passed, 2 failed, 2 skipped"
  ])
})
