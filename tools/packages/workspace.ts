import * as fs from "node:fs"
import * as path from "node:path"

export const root = path.resolve(import.meta.dirname, "../..")

export interface Manifest {
  readonly name: string
  readonly version: string
  readonly private?: boolean
  readonly files: ReadonlyArray<string>
  readonly repository?: unknown
  readonly homepage?: unknown
  readonly bugs?: unknown
  readonly bin?: Readonly<Record<string, string>>
  readonly exports: Readonly<Record<string, Readonly<Record<string, string>> | string | null>>
  readonly dependencies?: Readonly<Record<string, string>>
  readonly peerDependencies?: Readonly<Record<string, string>>
  readonly peerDependenciesMeta?: Readonly<Record<string, { readonly optional?: boolean }>>
}

export interface Package {
  readonly folder: string
  readonly path: string
  readonly manifest: Manifest
}

export const packages = (from = root): ReadonlyArray<Package> =>
  fs
    .readdirSync(path.join(from, "packages"))
    .toSorted()
    .map((folder) => ({ folder, path: path.join(from, "packages", folder) }))
    .filter(
      (entry) => fs.existsSync(path.join(entry.path, "package.json")) && fs.existsSync(path.join(entry.path, "src"))
    )
    .map((entry) => ({
      ...entry,
      manifest: JSON.parse(fs.readFileSync(path.join(entry.path, "package.json"), "utf8")) as Manifest
    }))

/** Sorted paths, relative to `folder`, with forward slashes. */
export const files = (folder: string): ReadonlyArray<string> =>
  fs.existsSync(folder)
    ? fs
        .readdirSync(folder, { recursive: true, withFileTypes: true })
        .filter((entry) => entry.isFile())
        .map((entry) => path.relative(folder, path.join(entry.parentPath, entry.name)).replaceAll(path.sep, "/"))
        .toSorted()
    : []

/** Removes all output of the compiler, because `tsc -b` keeps the output of a deleted source. */
export const clean = (): void => {
  for (const { path: folder } of packages()) {
    fs.rmSync(path.join(folder, "dist"), { recursive: true, force: true })
    fs.rmSync(path.join(folder, ".tsbuild"), { recursive: true, force: true })
  }
  fs.rmSync(path.join(root, ".tsbuild"), { recursive: true, force: true })
}
