import * as fs from "node:fs"
import * as os from "node:os"
import * as path from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { compareFiles, difference, outputsOf, staleLists, toLines } from "./fileList.ts"
import { files, packages, root } from "./workspace.ts"

const [pkg] = packages()
const [angel] = packages().filter(({ folder }) => folder === "angel")

/** All files that the list of `angel` stands for. */
const listed = fs
  .readFileSync(path.join(root, "tools/packages/files/angel.txt"), "utf8")
  .trim()
  .split("\n")
  .flatMap((line) => {
    const source = line.replace(" + dist", "")
    return source === line ? [line] : [source, ...outputsOf(source)]
  })

describe("the list of files in a tarball", () => {
  it("has one line for a source and the four files that are compiled from it", () => {
    const source = "src/internal/a.ts"
    assert.deepStrictEqual(outputsOf(source), [
      "dist/internal/a.js",
      "dist/internal/a.js.map",
      "dist/internal/a.d.ts",
      "dist/internal/a.d.ts.map"
    ])
    assert.deepStrictEqual(toLines(["src/b.json", source, ...outputsOf(source)]), ["src/b.json", `${source} + dist`])
  })

  it("names each file if one of the four is missing", () => {
    const [script, ...others] = outputsOf("src/a.ts")
    assert.deepStrictEqual(toLines(["src/a.ts", ...others]), [...others.toSorted(), "src/a.ts"])
    assert.deepStrictEqual(toLines([script!]), ["dist/a.js"])
  })

  it("shows a missing file with - and another file with +, sorted by path", () => {
    assert.deepStrictEqual(difference(["a", "c", "d"], ["b", "c", "e"]), ["- a", "+ b", "- d", "+ e"])
  })

  it("is compared with every file", () => {
    assert.deepStrictEqual(compareFiles(angel!, listed), [])
    assert.deepStrictEqual(compareFiles(angel!, [...listed, "src/notes.txt"]), ["+ src/notes.txt"])
    for (const gone of listed)
      assert.isNotEmpty(
        compareFiles(
          angel!,
          listed.filter((file) => file !== gone)
        ),
        gone
      )
  })

  it("expects a changelog as soon as the package has one", () => {
    const folder = fs.mkdtempSync(path.join(os.tmpdir(), "broker-auth-list-"))
    try {
      const released = { ...angel!, path: folder }
      assert.deepStrictEqual(compareFiles(released, [...listed, "CHANGELOG.md"]), ["+ CHANGELOG.md"])
      fs.writeFileSync(path.join(folder, "CHANGELOG.md"), "")
      assert.deepStrictEqual(compareFiles(released, listed), ["- CHANGELOG.md"])
      assert.deepStrictEqual(compareFiles(released, [...listed, "CHANGELOG.md"]), [])
    } finally {
      fs.rmSync(folder, { recursive: true })
    }
  })

  it.each(packages())("has the sources of $folder (npm run pack-check -- --update-files writes it)", (one) => {
    const lines = fs.readFileSync(path.join(root, `tools/packages/files/${one.folder}.txt`), "utf8").split("\n")
    assert.deepStrictEqual(
      lines.filter((line) => line.startsWith("src/")).map((line) => line.replace(" + dist", "")),
      files(path.join(one.path, "src")).map((file) => `src/${file}`)
    )
  })

  it("exists for every package, and for no other", () => {
    assert.deepStrictEqual(staleLists(packages()), [])
    assert.deepStrictEqual(staleLists(packages().slice(1)), [`${pkg!.folder}.txt`])
  })
})
