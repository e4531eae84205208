/** Checks the licenses of the packages that a user installs with ours. */
import type { Locked, Packages } from "./lockfile.ts"

/** Licenses that do not require a user to publish code. */
const allowed = new Set([
  "0BSD",
  "Apache-2.0",
  "BlueOak-1.0.0",
  "BSD-2-Clause",
  "BSD-3-Clause",
  "CC0-1.0",
  "ISC",
  "MIT",
  "MIT-0"
])

/** `license` is an SPDX license expression. The innermost parentheses are evaluated first. */
const isAllowed = (license: string): boolean => {
  const [group, inner] = /\(([^()]*)\)/.exec(license) ?? []
  if (group !== undefined && inner !== undefined) {
    return isAllowed(license.replace(group, isAllowed(inner) ? "MIT" : "refused"))
  }
  return license.split(" OR ").some((choice) => choice.split(" AND ").every((name) => allowed.has(name)))
}

const isOwn = (folder: string): boolean => /^packages\/[^/]+$/.test(folder)

/** Returns the folder from which Node would load a dependency. */
const folderOf = (packages: Packages, from: string, name: string): string | undefined => {
  const inner = from.lastIndexOf("/node_modules/")
  const parents = from === "" ? [] : [from, inner === -1 ? "" : from.slice(0, inner)]
  const [folder] = parents
  if (folder === undefined) return packages[`node_modules/${name}`] && `node_modules/${name}`
  const place = `${folder}/node_modules/${name}`
  return packages[place] === undefined ? folderOf(packages, parents[1]!, name) : place
}

/** Includes the optional peers of our own packages, because our documentation tells users to install them. */
const needs = (folder: string, { dependencies, peerDependencies, peerDependenciesMeta, ...rest }: Locked) =>
  Object.keys({ ...dependencies, ...rest.optionalDependencies, ...peerDependencies }).filter(
    (name) => isOwn(folder) || peerDependenciesMeta?.[name]?.optional !== true
  )

export const runtimeFolders = (packages: Packages): ReadonlyArray<string> => {
  const found = new Set(Object.keys(packages).filter(isOwn))
  // The loop also visits the folders that it adds to `found`.
  for (const folder of found) {
    for (const name of needs(folder, packages[folder]!)) {
      const place = folderOf(packages, folder, name)
      if (place !== undefined) found.add(packages[place]!.link === true ? packages[place]!.resolved! : place)
    }
  }
  return Array.from(found).toSorted()
}

export const licenseProblems = (packages: Packages): ReadonlyArray<string> =>
  runtimeFolders(packages).flatMap((folder) => {
    const { license } = packages[folder]!
    if (license === undefined) return [`${folder} names no license. Ask its authors, or replace it.`]
    return isAllowed(license)
      ? []
      : [`${folder} has the license ${license}. The allowed licenses are ${Array.from(allowed).join(", ")}.`]
  })
