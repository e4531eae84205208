/** The version ranges with which packages of this repository depend on each other. See docs/decisions/023. */
import * as fs from "node:fs"
import * as path from "node:path"
import { type Manifest, packages } from "../packages/workspace.ts"

const kinds = ["dependencies", "peerDependencies"] as const

const numbersOf = (version: string): readonly [major: number, minor: number, patch: number] => {
  const [, ...parts] = /^(\d+)\.(\d+)\.(\d+)$/.exec(version) ?? []
  const [major, minor, patch] = parts.map(Number)
  if (major === undefined || minor === undefined || patch === undefined)
    throw new Error(`"${version}" is not a version like 1.2.3. Prereleases are not supported.`)
  return [major, minor, patch]
}

export const rangeOf = (version: string): string => `>=${version} <${numbersOf(version)[0] + 1}.0.0`

export const lowestOf = (range: string): string => {
  const [, lowest = ""] = /^>=(\S+) <\S+$/.exec(range) ?? []
  if (lowest === "" || rangeOf(lowest) !== range) throw new Error(`"${range}" is not a range like ">=1.2.3 <2.0.0".`)
  return lowest
}

export const compare = (left: string, right: string): number => {
  const other = numbersOf(right)
  return numbersOf(left).reduce((found, number, index) => (found === 0 ? number - (other[index] ?? 0) : found), 0)
}

export const accepts = (range: string, version: string): boolean =>
  compare(lowestOf(range), version) <= 0 && numbersOf(lowestOf(range))[0] === numbersOf(version)[0]

export interface Dependency {
  readonly name: string
  readonly range: string
  readonly kind: (typeof kinds)[number]
}

export const dependenciesOf = (
  manifest: Pick<Manifest, (typeof kinds)[number]>,
  versions: Readonly<Record<string, string>>
): ReadonlyArray<Dependency> =>
  kinds.flatMap((kind) =>
    Object.entries(manifest[kind] ?? {})
      .filter(([name]) => Object.hasOwn(versions, name))
      .map(([name, range]) => ({ name, range, kind }))
  )

export const versionsOf = (list: ReturnType<typeof packages>): Readonly<Record<string, string>> =>
  Object.fromEntries(list.map(({ manifest }) => [manifest.name, manifest.version]))

export const raised = <M extends Pick<Manifest, (typeof kinds)[number]>>(
  manifest: M,
  versions: Readonly<Record<string, string>>
): M =>
  dependenciesOf(manifest, versions).reduce(
    (made, { kind, name }) => ({ ...made, [kind]: { ...made[kind], [name]: rangeOf(versions[name] ?? "") } }),
    manifest
  )

/**
 * Raises the dependency ranges in the `package.json` of each package whose version differs from `before`. Call this
 * function after Changesets, because Changesets drops the upper bound: `>=0.0.0 <1.0.0` becomes `>=0.1.0`.
 */
export const raiseRanges = (
  before: Readonly<Record<string, string>>,
  list: ReturnType<typeof packages> = packages()
): ReadonlyArray<string> => {
  const versions = versionsOf(list)
  return list
    .filter(({ manifest: { name, version } }) => before[name] !== version)
    .flatMap(({ manifest, path: folder }) => {
      const changed = dependenciesOf(manifest, versions).filter(
        ({ name, range }) => range !== rangeOf(versions[name] ?? "")
      )
      if (changed.length > 0) {
        const text = JSON.stringify(raised(manifest, versions), undefined, 2)
        fs.writeFileSync(path.join(folder, "package.json"), `${text}\n`)
      }
      return changed.map(({ name }) => `${manifest.name} accepts ${name} ${rangeOf(versions[name] ?? "")}`)
    })
}
