import { assert, describe, it } from "@effect/vitest"
import * as fs from "node:fs"
import * as path from "node:path"
import { licenseProblems, runtimeFolders } from "./licenses.ts"
import { type Packages, packagesOf } from "./lockfile.ts"
import { verdictOf } from "./signatures.ts"
import { root } from "./workspace.ts"

const lockfile = ({ inner = "MIT", one = "MIT", peer }: { one?: string; peer?: string; inner?: string }): Packages => ({
  "packages/ours": { license: "MIT", dependencies: { one: "1" }, peerDependencies: { peer: "1" } },
  "node_modules/one": { license: one, dependencies: { inner: "1" }, peerDependencies: { tool: "1" }, ...optionalTool },
  "node_modules/one/node_modules/inner": { license: inner },
  "node_modules/inner": { license: "GPL-3.0-only" },
  "node_modules/peer": peer === undefined ? {} : { license: peer },
  "node_modules/tool": { license: "GPL-3.0-only" }
})

const optionalTool = { peerDependenciesMeta: { tool: { optional: true } } }

describe("the license check of the runtime dependencies", () => {
  it("evaluates a license expression with OR, AND and parentheses", () => {
    for (const peer of ["(GPL-2.0-only OR Apache-2.0)", "MIT AND (GPL-3.0-only OR ISC)", "((MIT))"]) {
      assert.deepStrictEqual(licenseProblems(lockfile({ peer })), [], peer)
    }
    for (const peer of ["GPL-3.0-only AND (X OR MIT OR Y)", "(MIT OR X) AND (GPL-3.0-only OR Y)", "(MIT"]) {
      assert.lengthOf(licenseProblems(lockfile({ peer })), 1, peer)
    }
  })

  it.each([
    ["one", "GPL-3.0-only", "node_modules/one has the license GPL-3.0-only."],
    ["peer", undefined, "node_modules/peer names no license."],
    ["peer", "SEE LICENSE IN terms.txt", "node_modules/peer has the license SEE LICENSE IN terms.txt."],
    ["inner", "MIT AND LGPL-3.0-only", "node_modules/one/node_modules/inner has the license MIT AND LGPL-3.0-only."]
  ])("refuses the dependency %s if its license is %s", (name, license, message) => {
    const problems = licenseProblems(lockfile({ peer: "ISC", [name]: license }))
    assert.lengthOf(problems, 1)
    assert.isTrue(problems[0]!.startsWith(message), problems[0])
  })

  it("skips unused copies of packages, and optional peers of third-party packages", () => {
    assert.deepStrictEqual(runtimeFolders(lockfile({})), [
      "node_modules/one",
      "node_modules/one/node_modules/inner",
      "node_modules/peer",
      "packages/ours"
    ])
  })

  it("includes effect and msw, but not vitest", () => {
    const found = runtimeFolders(packagesOf(fs.readFileSync(path.join(root, "package-lock.json"), "utf8")))
    assert.includeMembers([...found], ["node_modules/effect", "node_modules/msw", "packages/core", "packages/cli"])
    assert.notInclude(found, "node_modules/vitest")
  })
})

describe("the signature check", () => {
  const verdict = (output: unknown) => verdictOf(JSON.stringify(output), "")

  it("accepts npm's output if no signature is wrong or missing", () => {
    assert.deepStrictEqual(verdict({ invalid: [], missing: [] }), { kind: "signed" })
  })

  it("refuses wrong and missing signatures", () => {
    const invalid = [{ name: "one", version: "1.0.0", code: "EINTEGRITYSIGNATURE" }]
    assert.deepStrictEqual(verdict({ invalid, missing: [{ name: "two", version: "2.0.0" }] }), {
      kind: "refused",
      problems: [
        "one@1.0.0: its signature is wrong (EINTEGRITYSIGNATURE)",
        "two@2.0.0: it has no signature, but its registry signs packages"
      ]
    })
  })

  it.each(["ENOTFOUND", "ECONNREFUSED", "E503", "TUF_REFRESH_METADATA_ERROR"])(
    "reports `unchecked` if npm failed with %s",
    (code) => {
      assert.deepStrictEqual(verdict({ error: { code, summary: "no answer" } }), {
        kind: "unchecked",
        reason: `${code}: no answer`
      })
    }
  )

  it("reports `unchecked` if the registry does not sign packages", () => {
    const summary = "found no dependencies to audit that were installed from a supported registry"
    assert.strictEqual(verdict({ error: { summary } }).kind, "unchecked")
  })

  it.each(["EMISSINGSIGNATUREKEY", "EEXPIREDSIGNATUREKEY", "E404"])("refuses output with the error %s", (code) => {
    assert.strictEqual(verdict({ error: { code, summary: "the key is unknown" } }).kind, "refused")
  })

  it("refuses output that is not JSON", () => {
    assert.deepStrictEqual(verdictOf("", "npm: command not found\n"), {
      kind: "refused",
      problems: ["npm audit signatures failed: npm: command not found"]
    })
  })
})
