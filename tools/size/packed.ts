/** Estimates the size of the tarball of a package. `npm pack` would need some seconds for each package. */
import * as fs from "node:fs"
import * as path from "node:path"
import * as zlib from "node:zlib"
import { bundle, commandFolder } from "../packages/bundle.ts"
import { runTool } from "../packages/process.ts"
import { files, type Package, packages, root } from "../packages/workspace.ts"

/** Whether a file is not left over from a source that was removed. */
const isCurrent = ({ path: folder }: Package, file: string): boolean =>
  !file.startsWith("dist/") ||
  file.startsWith(`${commandFolder}/`) ||
  fs.existsSync(path.join(folder, file.replace(/^dist/, "src").replace(/\.(?:js|d\.ts)(?:\.map)?$/, ".ts")))

/** Returns the files that npm packs, in npm's order: by their endings. */
const packedFiles = (pkg: Package): ReadonlyArray<string> => {
  const excluded = pkg.manifest.files.filter((entry) => entry.startsWith("!")).map((entry) => entry.slice(1))
  const isExcluded = (file: string) =>
    excluded.some((entry) => path.matchesGlob(file, entry) || file.startsWith(`${entry}/`))
  const isFolder = (entry: string) => fs.statSync(path.join(pkg.path, entry)).isDirectory()
  // Before its first release, a package has no changelog.
  const isPresent = (entry: string) => fs.existsSync(path.join(pkg.path, entry))
  return ["package.json", ...pkg.manifest.files.filter((entry) => !entry.startsWith("!") && isPresent(entry))]
    .flatMap((entry) =>
      isFolder(entry) ? files(path.join(pkg.path, entry)).map((file) => `${entry}/${file}`) : [entry]
    )
    .filter((file) => isCurrent(pkg, file) && !isExcluded(file))
    .toSorted((left, right) => path.extname(left).localeCompare(path.extname(right)))
}

/** A file in a tarball consists of blocks of this size. The first block contains its name. */
const block = 512

const entryOf = (folder: string, file: string): Buffer => {
  const content = fs.readFileSync(path.join(folder, file))
  const entry = Buffer.alloc(block + Math.ceil(content.length / block) * block)
  entry.write(`package/${file}`)
  content.copy(entry, block)
  return entry
}

/** Returns the estimated size of the tarball of each package. First compiles the packages, and bundles the command. */
export const packedSizes = async (): Promise<Readonly<Record<string, number>>> => {
  await runTool("typescript/bin/tsc", ["-b", ...packages().map(({ path: folder }) => folder)], { cwd: root })
  await bundle()
  return Object.fromEntries(
    packages().map((pkg) => {
      const entries = packedFiles(pkg).map((file) => entryOf(pkg.path, file))
      return [pkg.folder, zlib.gzipSync(Buffer.concat(entries), { level: 9 }).length]
    })
  )
}
