/**
 * Fails if an installed package differs from the committed lockfile. `npm install` can change the lockfile entries of
 * packages for other platforms. These changes are printed, but are not errors.
 */
import { execFileSync } from "node:child_process"
import * as fs from "node:fs"
import * as path from "node:path"
import { root } from "./workspace.ts"

export interface Locked {
  readonly version?: string
  readonly integrity?: string
  readonly link?: boolean
  readonly resolved?: string
  readonly license?: string
  readonly dependencies?: Readonly<Record<string, string>>
  readonly optionalDependencies?: Readonly<Record<string, string>>
  readonly peerDependencies?: Readonly<Record<string, string>>
  readonly peerDependenciesMeta?: Readonly<Record<string, { readonly optional?: boolean }>>
}

/** The entries of a lockfile, by the folder of the package. */
export type Packages = Readonly<Record<string, Locked>>

export interface Comparison {
  readonly wrong: ReadonlyArray<string>
  /** Changed entries for packages that are not installed on this platform. */
  readonly elsewhere: ReadonlyArray<string>
}

const spell = (locked: Locked | undefined): string =>
  locked === undefined ? "absent" : `${locked.version ?? "no version"} ${locked.integrity ?? "no integrity"}`

const isSame = (one: Locked | undefined, other: Locked | undefined): boolean =>
  one?.version === other?.version && one?.integrity === other?.integrity

export const compare = (committed: Packages, written: Packages, installed: Packages): Comparison => {
  const wrong = Object.entries(installed)
    .filter(([name, found]) => found.link !== true && !isSame(committed[name], found))
    .map(([name, found]) => `${name}: installed ${spell(found)}, committed ${spell(committed[name])}`)
  const elsewhere = Array.from(new Set([...Object.keys(committed), ...Object.keys(written)]))
    .filter((name) => name.startsWith("node_modules/") && installed[name] === undefined)
    .filter((name) => !isSame(committed[name], written[name]))
    .map((name) => `${name}: committed ${spell(committed[name])}, now ${spell(written[name])}`)
  return { wrong, elsewhere }
}

export const packagesOf = (text: string): Packages => (JSON.parse(text) as { readonly packages: Packages }).packages

if (import.meta.main) {
  const read = (file: string) => packagesOf(fs.readFileSync(path.join(root, file), "utf8"))
  const committed = execFileSync("git", ["show", "HEAD:package-lock.json"], { cwd: root, maxBuffer: 64 * 1024 * 1024 })
  const { elsewhere, wrong } = compare(
    packagesOf(committed.toString()),
    read("package-lock.json"),
    read("node_modules/.package-lock.json")
  )
  for (const line of elsewhere)
    console.log(`entry of a package that is not installed here differs from the committed lockfile: ${line}`)
  for (const line of wrong) console.error(`installed package differs from the committed lockfile: ${line}`)
  if (wrong.length > 0) {
    console.error("Run npm install, and commit the changed package-lock.json.")
    process.exitCode = 1
  } else {
    console.log("All installed packages match the committed lockfile.")
  }
}
