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
    describe("contractors", () => it("are not counted as contract cases", () => {}))
    it("contract", () => {})
  `,
  "packages/core/test/b.test.ts": `
    describe("contract: core", () => it("one", () => {}))
    describe("fuzz", { tags: ["thorough"] }, () => it("for a long time", () => {}))
  `,
  "vitest.config.js": `export default { test: {
    tags: [{ name: "thorough" }],
    ...(process.env.TESTS !== "thorough" && { tagsFilter: ["!thorough"] })
  } }`,
  "packages/core/test/c.test.ts": `throw new Error("cannot be loaded")`
}

const lastLines = (sources: Readonly<Record<string, string>>, count: number, tests = ""): ReadonlyArray<string> => {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "broker-auth-counts-"))
  for (const [file, source] of Object.entries(sources)) {
    fs.mkdirSync(path.dirname(path.join(folder, file)), { recursive: true })
    fs.writeFileSync(path.join(folder, file), source)
  }
  const vitest = path.join(root, "node_modules/vitest/vitest.mjs")
  const reporter = path.join(import.meta.dirname, "CountsReporter.ts")
  const run = spawnSync(process.execPath, [vitest, "run", "--globals", "--root", folder, "--reporter", reporter], {
    cwd: folder,
    encoding: "utf8",
    env: { ...process.env, TESTS: tests }
  })
  fs.rmSync(folder, { recursive: true })
  return run.stdout.trimEnd().split("\n").slice(-count)
}

it("CountsReporter prints counts for each package, then failures, then totals", () => {
  assert.deepStrictEqual(lastLines(files, 7), [
    "       3 contract cases  angel 2, core 1",
    "    3000 fuzz bodies     angel 3000",
    "",
    "failed: packages/angel/test/a.test.ts > contract: angel totp > two: no",
    "failed: packages/core/test/c.test.ts: cannot be loaded",
    "skipped thorough tests: 1. To run them: npm run check -- --only tests",
    "tests: 5 passed, 2 failed, 2 skipped"
  ])
})

it("CountsReporter prints the error of a failed beforeAll hook", () => {
  const source = `describe("a suite", () => {
    beforeAll(() => { throw new Error("no server") })
    it("one", () => {})
  })`
  assert.deepStrictEqual(lastLines({ "packages/core/test/a.test.ts": source }, 2), [
    "failed: packages/core/test/a.test.ts > a suite: no server",
    "tests: 0 passed, 1 failed, 1 skipped"
  ])
})

it("CountsReporter prints an unhandled rejection", () => {
  const source = `it("one", () => { void Promise.reject(new Error("nobody waits")) })`
  assert.deepStrictEqual(lastLines({ "packages/core/test/a.test.ts": source }, 2), [
    "failed: unhandled: nobody waits",
    "tests: 1 passed, 1 failed"
  ])
})

const needy: Readonly<Record<string, string>> = {
  "vitest.config.js": files["vitest.config.js"] ?? "",
  "packages/core/test/a.test.ts": `
    describe.skip("a vault in Redis", () => it("one", () => {}))
    describe.skip("a page in Chromium", () => {
      it("one", () => {})
      it("two", { tags: ["thorough"] }, () => {})
    })
    it("runs", () => {})
  `
}

it("CountsReporter prints how to run the skipped tests", () => {
  assert.deepStrictEqual(lastLines(needy, 4), [
    "skipped thorough tests: 1. To run them: npm run check -- --only tests",
    "skipped tests that need redis-server: 1. To run them: apt-get install redis-server (or: brew install redis), then npm test",
    "skipped tests that need chromium: 1. To run them: apt-get install chromium (or: brew install --cask chromium), then npm test",
    "tests: 1 passed, 0 failed, 3 skipped"
  ])
})

it("CountsReporter prints how to run the skipped tests of a thorough run", () => {
  const again = "then npm run check -- --only tests"
  assert.deepStrictEqual(lastLines(needy, 3, "thorough"), [
    `skipped tests that need redis-server: 1. To run them: apt-get install redis-server (or: brew install redis), ${again}`,
    `skipped tests that need chromium: 2. To run them: apt-get install chromium (or: brew install --cask chromium), ${again}`,
    "tests: 1 passed, 0 failed, 3 skipped"
  ])
})

// CountsReporter looks for the words Redis and Chromium in the titles of skipped tests.
it("the title of each test that needs Redis or Chromium names that program", () => {
  const files = ["packages", "tools"].flatMap((folder) =>
    fs
      .globSync("**/*.test.ts", { cwd: path.join(root, folder), exclude: ["**/node_modules/**"] })
      .map((file) => path.join(root, folder, file))
  )
  const titles = files.flatMap((file) =>
    Array.from(fs.readFileSync(file, "utf8").matchAll(/runIf\(runs(Redis|Chromium)\)\(\s*"([^"]*)"/g)).map(
      ([, needed = "", title = ""]) => ({ needed, title })
    )
  )
  assert.isAbove(titles.length, 10)
  assert.deepStrictEqual(
    titles.filter(({ needed, title }) => !title.includes(needed)),
    []
  )
})
