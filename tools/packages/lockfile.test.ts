import { assert, describe, it } from "@effect/vitest"
import { compare } from "./lockfile.ts"

const one = { version: "1.0.0", integrity: "sha512-a" }
const name = "node_modules/one"

describe("the lockfile check", () => {
  it("accepts changed entries of packages for other platforms", () => {
    const gone = "node_modules/one-darwin"
    const added = "node_modules/one-win32"
    const found = compare({ [name]: one, [gone]: one }, { [name]: one, [added]: one }, { [name]: one })
    assert.deepStrictEqual(found.wrong, [])
    assert.deepStrictEqual(found.elsewhere, [
      "node_modules/one-darwin: committed 1.0.0 sha512-a, now absent",
      "node_modules/one-win32: committed absent, now 1.0.0 sha512-a"
    ])
  })

  it.each([
    ["version", { ...one, version: "1.0.1" }],
    ["integrity", { ...one, integrity: "sha512-b" }]
  ])("reports an installed package whose %s differs from the lockfile", (_, installed) => {
    assert.lengthOf(compare({ [name]: one }, { [name]: one }, { [name]: installed }).wrong, 1)
  })

  it("reports an installed package without a lockfile entry", () => {
    assert.lengthOf(compare({}, { [name]: one }, { [name]: one }).wrong, 1)
  })

  it("ignores links to workspace packages", () => {
    const link = { "node_modules/@auth/angel": { link: true } }
    assert.deepStrictEqual(compare({}, {}, link).wrong, [])
  })
})
