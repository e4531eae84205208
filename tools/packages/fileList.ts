/**
 * Compares the files of each tarball with a list in `tools/packages/files`. The line `src/a.ts + dist` stands for a
 * source and the four files that the compiler makes of it. Every other line is the path of one file.
 */
import * as fs from "node:fs"
import * as path from "node:path"
import { files, type Package, root } from "./workspace.ts"

const folder = path.join(root, "tools/packages/files")

const isCompiled = " + dist"

/** The files that the compiler makes of a source. Both paths are relative to the package. */
export const outputsOf = (source: string): ReadonlyArray<string> =>
  [".js", ".js.map", ".d.ts", ".d.ts.map"].map((end) => source.replace(/^src\//, "dist/").replace(/\.ts$/, end))

/** Returns the lines for these files. */
export const toLines = (paths: ReadonlyArray<string>): ReadonlyArray<string> => {
  const packed = new Set(paths)
  const compiled = paths.filter(
    (file) => /^src\/.*\.ts$/.test(file) && outputsOf(file).every((output) => packed.has(output))
  )
  const implied = new Set(compiled.flatMap(outputsOf))
  return paths
    .filter((file) => !implied.has(file))
    .map((file) => (compiled.includes(file) ? file + isCompiled : file))
    .toSorted()
}

/** Returns the lines that differ: `- …` is only in the list, `+ …` is only in the tarball. */
export const difference = (listed: ReadonlyArray<string>, found: ReadonlyArray<string>): ReadonlyArray<string> =>
  [
    ...listed.filter((line) => !found.includes(line)).map((line) => `- ${line}`),
    ...found.filter((line) => !listed.includes(line)).map((line) => `+ ${line}`)
  ].toSorted((left, right) => (left.slice(2) < right.slice(2) ? -1 : 1))

/** The changelog does not exist before the first release. Once it exists, it must be packed, also without a line. */
const changelog = "CHANGELOG.md"

const placeOf = (pkg: Package): string => path.join(folder, `${pkg.folder}.txt`)

/** Compares the files of a tarball with the list of the package. Returns the lines that differ. */
export const compareFiles = (pkg: Package, paths: ReadonlyArray<string>): ReadonlyArray<string> => {
  const text = fs.existsSync(placeOf(pkg)) ? fs.readFileSync(placeOf(pkg), "utf8") : ""
  const listed = text.split("\n").filter((line) => line !== "" && line !== changelog)
  const released = fs.existsSync(path.join(pkg.path, changelog)) ? [changelog] : []
  return difference([...listed, ...released], toLines(paths))
}

/** Writes the list of a package. */
export const writeList = (pkg: Package, paths: ReadonlyArray<string>): void => {
  fs.mkdirSync(folder, { recursive: true })
  const lines = toLines(paths.filter((file) => file !== changelog))
  fs.writeFileSync(placeOf(pkg), lines.map((line) => `${line}\n`).join(""))
}

/** Returns the lists that belong to no package. */
export const staleLists = (all: ReadonlyArray<Package>): ReadonlyArray<string> =>
  files(folder).filter((file) => !all.some((pkg) => file === `${pkg.folder}.txt`))
