/**
 * Compares the files of each tarball with a list in `tools/packages/files`. A line such as `dist/a` stands for two
 * files: `dist/a.js` and `dist/a.d.ts`. Every other line is the path of one file.
 */
import * as fs from "node:fs"
import * as path from "node:path"
import { files, type Package, root } from "./workspace.ts"

const folder = path.join(root, "tools/packages/files")

export const filesOf = (line: string): ReadonlyArray<string> =>
  line.startsWith("dist/") && !/\.(?:js|d\.ts)$/.test(line) ? [`${line}.js`, `${line}.d.ts`] : [line]

export const toLines = (paths: ReadonlyArray<string>): ReadonlyArray<string> => {
  const packed = new Set(paths)
  const modules = paths
    .filter((file) => /^dist\/.*\.js$/.test(file))
    .map((file) => file.replace(/\.js$/, ""))
    .filter((module) => packed.has(`${module}.d.ts`))
  const implied = new Set(modules.flatMap(filesOf))
  return [...modules, ...paths.filter((file) => !implied.has(file))].toSorted()
}

export const difference = (listed: ReadonlyArray<string>, found: ReadonlyArray<string>): ReadonlyArray<string> =>
  [
    ...listed.filter((line) => !found.includes(line)).map((line) => `- ${line}`),
    ...found.filter((line) => !listed.includes(line)).map((line) => `+ ${line}`)
  ].toSorted((left, right) => (left.slice(2) < right.slice(2) ? -1 : 1))

/** The lists have no line for the changelog, because a package has a changelog only after its first release. */
const changelog = "CHANGELOG.md"

const placeOf = (pkg: Package): string => path.join(folder, `${pkg.folder}.txt`)

export const compareFiles = (pkg: Package, paths: ReadonlyArray<string>): ReadonlyArray<string> => {
  const text = fs.existsSync(placeOf(pkg)) ? fs.readFileSync(placeOf(pkg), "utf8") : ""
  const listed = text.split("\n").filter((line) => line !== "" && line !== changelog)
  const released = fs.existsSync(path.join(pkg.path, changelog)) ? [changelog] : []
  return difference([...listed, ...released], toLines(paths))
}

export const writeList = (pkg: Package, paths: ReadonlyArray<string>): void => {
  fs.mkdirSync(folder, { recursive: true })
  const lines = toLines(paths.filter((file) => file !== changelog))
  fs.writeFileSync(placeOf(pkg), lines.map((line) => `${line}\n`).join(""))
}

export const staleLists = (all: ReadonlyArray<Package>): ReadonlyArray<string> =>
  files(folder).filter((file) => !all.some((pkg) => file === `${pkg.folder}.txt`))
