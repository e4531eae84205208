/** The reasons for which `npm run release` publishes nothing. */
import * as fs from "node:fs"
import * as path from "node:path"
import { outputOf } from "../packages/process.ts"
import { type Package, packages } from "../packages/workspace.ts"

/** Largest number of files that a message names. */
const named = 5

const listOf = (names: ReadonlyArray<string>): string =>
  names.length > named ? `${names.slice(0, named).join(", ")} and ${names.length - named} more` : names.join(", ")

/** In milliseconds. */
const limit = 60_000

const changed = async (folder: string): Promise<ReadonlyArray<string>> =>
  (await outputOf("git", ["status", "--porcelain"], { cwd: folder, limit }))
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => line.slice(3))

/** Lists the changesets that have not been applied yet. Applying a changeset removes its file. */
export const unversioned = (folder: string): ReadonlyArray<string> =>
  fs
    .readdirSync(path.join(folder, ".changeset"))
    .filter((file) => file.endsWith(".md") && file !== "README.md")
    .map((file) => `.changeset/${file}`)

const hasEntry = ({ manifest, path: folder }: Package): boolean => {
  const file = path.join(folder, "CHANGELOG.md")
  const [, ...entries] = fs.existsSync(file) ? fs.readFileSync(file, "utf8").split(/^## /m) : []
  return entries.some((entry) => {
    const [heading = "", ...lines] = entry.split("\n")
    return heading.trim() === manifest.version && lines.some((line) => /^[^#\s]/.test(line))
  })
}

export const published = (folder: string): ReadonlyArray<Package> =>
  packages(folder).filter(({ manifest }) => manifest.private !== true)

export const refusals = async (
  folder: string,
  /** Rejects if npm is not logged in. */
  whoami: () => Promise<string>
): Promise<ReadonlyArray<string>> => {
  const problems: Array<string> = []
  const files = await changed(folder)
  if (files.length > 0)
    problems.push(`The work tree has changes that are not committed: ${listOf(files)}. Commit them.`)
  const changesets = unversioned(folder)
  if (changesets.length > 0) {
    problems.push(
      `These changesets have not been applied yet: ${listOf(changesets)}. Run npm run release:version, and commit the changed files.`
    )
  }
  const silent = published(folder).filter((pkg) => !hasEntry(pkg))
  if (silent.length > 0) {
    const names = silent.map((pkg) => `packages/${pkg.folder}/CHANGELOG.md (${pkg.manifest.version})`)
    problems.push(
      `These changelogs have no entry for the version of their package: ${listOf(names)}. Add changesets, and run npm run release:version.`
    )
  }
  await whoami().catch((error: unknown) => {
    problems.push(error instanceof Error ? error.message : String(error))
  })
  return problems
}
