import { assert, describe, it } from "@effect/vitest"
import * as fs from "node:fs"
import * as os from "node:os"
import * as path from "node:path"
import { type Manifest, packages } from "../packages/workspace.ts"
import { accepts, compare, dependenciesOf, lowestOf, raiseRanges, rangeOf, versionsOf } from "./ranges.ts"

describe("ranges between packages", () => {
  it("start at the given version, and end before the next major version", () => {
    assert.strictEqual(rangeOf("0.2.1"), ">=0.2.1 <1.0.0")
    assert.strictEqual(rangeOf("1.4.0"), ">=1.4.0 <2.0.0")
    assert.strictEqual(lowestOf(">=1.4.0 <2.0.0"), "1.4.0")
  })

  it("accept their lowest version and later versions with the same major version", () => {
    const accepted = ["0.2.1", "0.2.10", "0.10.0"].map((version) => accepts(">=0.2.1 <1.0.0", version))
    assert.deepStrictEqual(accepted, [true, true, true])
    const refused = ["0.2.0", "0.1.9", "1.0.0", "1.3.0"].map((version) => accepts(">=0.2.1 <1.0.0", version))
    assert.deepStrictEqual(refused, [false, false, false, false])
  })

  it("compare the parts of a version as numbers", () => {
    assert.deepStrictEqual(["0.10.0", "0.2.0", "0.2.10", "0.2.9"].toSorted(compare), [
      "0.2.0",
      "0.2.9",
      "0.2.10",
      "0.10.0"
    ])
  })

  it.each(["1.0", "1.0.0-next.1", "latest", ""])("cannot be made from the version %j", (version) =>
    assert.throws(() => rangeOf(version), /is not a version like 1\.2\.3/)
  )

  it.each(["^0.1.0", ">=0.1.0", ">=0.1.0 <2.0.0", "*"])("cannot have the form %j", (range) =>
    assert.throws(() => lowestOf(range), /is not a range like/)
  )

  it("accept the current versions of the packages", () => {
    const versions = versionsOf(packages())
    const checked = packages().flatMap(({ manifest }) =>
      dependenciesOf(manifest, versions).map(({ name, range }) => {
        assert.isTrue(accepts(range, versions[name] ?? ""), `${manifest.name} accepts ${name} ${range}`)
        return name
      })
    )
    assert.include(checked, "@auth/broker-core")
  })

  it("are raised only in packages whose version has changed", () => {
    const folder = fs.mkdtempSync(path.join(os.tmpdir(), "broker-auth-ranges-"))
    const write = (name: string, version: string, more: object = {}) => {
      const manifest = { name, version, files: [], exports: {}, ...more } satisfies Manifest
      fs.mkdirSync(path.join(folder, name))
      fs.writeFileSync(path.join(folder, name, "package.json"), JSON.stringify(manifest))
      return { folder: name, path: path.join(folder, name), manifest }
    }
    try {
      const needs = { peerDependencies: { core: ">=0.1.0 <1.0.0", effect: "^4.1.0" } }
      const list = [write("core", "0.2.0"), write("angel", "0.1.1", needs), write("samco", "0.1.0", needs)]
      const before = { core: "0.1.0", angel: "0.1.0", samco: "0.1.0" }
      assert.deepStrictEqual(raiseRanges(before, list), ["angel accepts core >=0.2.0 <1.0.0"])
      const peersOf = (name: string) =>
        (JSON.parse(fs.readFileSync(path.join(folder, name, "package.json"), "utf8")) as Manifest).peerDependencies
      assert.deepStrictEqual(peersOf("angel"), { core: ">=0.2.0 <1.0.0", effect: "^4.1.0" })
      assert.deepStrictEqual(peersOf("samco"), needs.peerDependencies)
    } finally {
      fs.rmSync(folder, { recursive: true })
    }
  })
})
