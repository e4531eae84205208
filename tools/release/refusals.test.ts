import { afterEach, assert, beforeEach, describe, it } from "@effect/vitest"
import { execFileSync } from "node:child_process"
import * as fs from "node:fs"
import * as os from "node:os"
import * as path from "node:path"
import { refusals } from "./refusals.ts"

let folder = ""

const git = (...args: ReadonlyArray<string>) =>
  execFileSync("git", ["-c", "user.name=test", "-c", "user.email=test@example.com", ...args], { cwd: folder })

const write = (file: string, text: string) => {
  fs.mkdirSync(path.dirname(path.join(folder, file)), { recursive: true })
  fs.writeFileSync(path.join(folder, file), text)
}

const commit = () => {
  git("add", "--all")
  git("commit", "--quiet", "--message", "state")
}

const manifest = (version: string, more: object = {}) =>
  JSON.stringify({ name: "@auth/angel", version, exports: {}, ...more })

const changelog = "# @auth/angel\n\n## 0.1.0\n\n### Minor Changes\n\n- First release.\n"

beforeEach(() => {
  folder = fs.mkdtempSync(path.join(os.tmpdir(), "broker-auth-refusals-"))
  git("init", "--quiet")
  write(".changeset/config.json", "{}")
  write(".changeset/README.md", "About changesets")
  write("packages/angel/package.json", manifest("0.1.0"))
  write("packages/angel/src/index.ts", "")
  write("packages/angel/CHANGELOG.md", changelog)
  commit()
})

afterEach(() => fs.rmSync(folder, { recursive: true }))

const problems = () => refusals(folder, async () => "publisher")

describe("npm run release", () => {
  it("accepts a ready repository", async () => assert.deepStrictEqual(await problems(), []))

  it("accepts a ready repository if git prints to standard error", async () => {
    process.env["GIT_TRACE"] = "1"
    try {
      assert.deepStrictEqual(await problems(), [])
    } finally {
      delete process.env["GIT_TRACE"]
    }
  })

  it("refuses a changed file that is not committed", async () => {
    write("packages/angel/src/index.ts", "export {}")
    assert.deepStrictEqual(await problems(), [
      "The work tree has changes that are not committed: packages/angel/src/index.ts. Commit them."
    ])
  })

  it("refuses new files, and names at most five of them", async () => {
    for (let index = 1; index <= 7; index++) write(`new${index}`, "")
    assert.deepStrictEqual(await problems(), [
      "The work tree has changes that are not committed: new1, new2, new3, new4, new5 and 2 more. Commit them."
    ])
  })

  it("refuses changesets that have not been applied yet", async () => {
    write(".changeset/first-angel.md", '---\n"@auth/angel": minor\n---\n\nFirst release.\n')
    commit()
    assert.deepStrictEqual(await problems(), [
      "These changesets have not been applied yet: .changeset/first-angel.md. Run npm run release:version, and commit the changed files."
    ])
  })

  const noEntry = (version: string) => [
    `These changelogs have no entry for the version of their package: packages/angel/CHANGELOG.md (${version}). Add changesets, and run npm run release:version.`
  ]

  it("refuses a version without a changelog entry", async () => {
    for (const version of ["0.1.1", "0.1", "0.0.0"]) {
      write("packages/angel/package.json", manifest(version))
      commit()
      assert.deepStrictEqual(await problems(), noEntry(version))
    }
  })

  it("refuses a package without a changelog, or with an empty changelog entry", async () => {
    write("packages/angel/CHANGELOG.md", "# @auth/angel\n\n## 0.1.0\n\n### Minor Changes\n\n## 0.0.1\n\n- Older.\n")
    commit()
    assert.deepStrictEqual(await problems(), noEntry("0.1.0"))
    fs.rmSync(path.join(folder, "packages/angel/CHANGELOG.md"))
    commit()
    assert.deepStrictEqual(await problems(), noEntry("0.1.0"))
  })

  it("accepts a private package without a changelog entry", async () => {
    write("packages/angel/package.json", manifest("0.2.0", { private: true }))
    commit()
    assert.deepStrictEqual(await problems(), [])
  })

  it("refuses a release if npm is not logged in, and names all problems at once", async () => {
    write("new", "")
    write(".changeset/first.md", "")
    const found = await refusals(folder, () => Promise.reject(new Error("npm is not logged in")))
    assert.lengthOf(found, 3)
    assert.strictEqual(found[2], "npm is not logged in")
  })
})
