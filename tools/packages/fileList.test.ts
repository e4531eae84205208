import * as fs from "node:fs"
import * as os from "node:os"
import * as path from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { commandFolder } from "./bundle.ts"
import { compareFiles, difference, filesOf, staleLists, toLines } from "./fileList.ts"
import { files, packages, root } from "./workspace.ts"

const [pkg] = packages()
const [angel] = packages().filter(({ folder }) => folder === "angel")

const listed = fs
  .readFileSync(path.join(root, "tools/packages/files/angel.txt"), "utf8")
  .trim()
  .split("\n")
  .flatMap(filesOf)

describe("the list of files in a tarball", () => {
  it("has one line for a module and its declaration", () => {
    const module = "dist/internal/a"
    assert.deepStrictEqual(filesOf(module), [`${module}.js`, `${module}.d.ts`])
    assert.deepStrictEqual(toLines(["LICENSE", ...filesOf(module)]), ["LICENSE", module])
  })

  it("has the full path of a file outside a .js/.d.ts pair", () => {
    for (const file of ["dist/a.js", "dist/a.d.ts", "LICENSE"]) {
      assert.deepStrictEqual(filesOf(file), [file])
      assert.deepStrictEqual(toLines([file]), [file])
    }
  })

  it("is compared with the tarball: '-' means not packed, '+' means not listed", () => {
    assert.deepStrictEqual(difference(["a", "c", "d"], ["b", "c", "e"]), ["- a", "+ b", "- d", "+ e"])
  })

  it("must contain exactly the files of the tarball", () => {
    assert.deepStrictEqual(compareFiles(angel!, listed), [])
    assert.deepStrictEqual(compareFiles(angel!, [...listed, "dist/notes.txt"]), ["+ dist/notes.txt"])
    for (const gone of listed)
      assert.isNotEmpty(
        compareFiles(
          angel!,
          listed.filter((file) => file !== gone)
        ),
        gone
      )
  })

  it("needs no line for CHANGELOG.md", () => {
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

  it.each(packages())(
    "has exactly the published modules of $folder (to update: npm run pack-check -- --update-files)",
    (one) => {
      const text = fs.readFileSync(path.join(root, `tools/packages/files/${one.folder}.txt`), "utf8")
      const excluded = one.manifest.files.filter((entry) => entry.startsWith("!")).map((entry) => entry.slice(1))
      const isExcluded = (file: string) =>
        excluded.some((entry) => path.matchesGlob(file, entry) || file.startsWith(`${entry}/`))
      assert.deepStrictEqual(
        text
          .trim()
          .split("\n")
          .flatMap(filesOf)
          .filter((file) => file.endsWith(".js") && !file.startsWith(`${commandFolder}/`)),
        files(path.join(one.path, "src"))
          .map((file) => `dist/${file.replace(/\.ts$/, ".js")}`)
          .filter((file) => !isExcluded(file))
      )
    }
  )

  it("exists only for packages of this repository", () => {
    assert.deepStrictEqual(staleLists(packages()), [])
    assert.deepStrictEqual(staleLists(packages().slice(1)), [`${pkg!.folder}.txt`])
  })
})
