// Writes the package of a broker to a folder outside of this repository.
import { existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from "node:fs"
import * as path from "node:path"
import { rangeOf } from "../../release/ranges.ts"

const extras = path.join(import.meta.dirname, "outside")

/** A template is left out if only a package of this repository needs it, or if the folder `outside` replaces it. */
const isLeftOut = (file) => !/^(?:src|test)\//.test(file) || file.startsWith("test/canary")

const filesBelow = (folder) =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => path.relative(folder, path.join(entry.parentPath, entry.name)).replaceAll(path.sep, "/"))

const read = (...parts) => readFileSync(path.join(...parts), "utf8")

/**
 * Development dependencies that are not packages of this repository. Their version ranges come from the `package.json`
 * of this repository.
 */
const tools = ["@effect/vitest", "@types/node", "effect", "msw", "typescript", "vitest"]

/**
 * Folders of packages in this repository. These packages become development dependencies of the new package. Its tests
 * use `core`. The command `broker-auth` is in `cli`, which uses `node`.
 */
const packages = ["core", "node", "cli"]

const devDependencies = (root) => {
  const versions = JSON.parse(read(root, "package.json")).devDependencies
  const ours = packages.map((folder) => JSON.parse(read(root, "packages", folder, "package.json")))
  const all = [
    ...ours.map(({ name, version }) => [name, rangeOf(version)]),
    ...tools.map((name) => [name, versions[name]])
  ]
  return Object.fromEntries(all.sort(([one], [other]) => one.localeCompare(other)))
}

/** In the tests, imports of the package lead to its sources, so that the tests need no build. */
const toSources = (text, own) =>
  text
    .replace(new RegExp(`"${own}/(\\w+)"`, "g"), '"../src/$1.ts"')
    .replace("../../../tools/vitest/brokers.ts", "./brokers.ts")

/** `own` is the name that the templates give the package, and `name` is its real name. */
export const writeOutside = ({ fill, folder, name, own, root, templates }) => {
  if (existsSync(folder) && readdirSync(folder).length > 0) {
    throw new Error(`${folder} is not empty: choose another folder, or remove its files.`)
  }
  if (!/^(?:@[a-z0-9._-]+\/)?[a-z0-9][a-z0-9._-]*$/.test(name)) {
    throw new Error(`"${name}" cannot be the name of a package: use lower-case letters, digits, dots and dashes.`)
  }
  const write = (file, text) => {
    const place = path.join(folder, fill(file).replace(/\.tmpl$/, ""))
    mkdirSync(path.dirname(place), { recursive: true })
    writeFileSync(place, text.replaceAll(own, name))
  }
  for (const file of filesBelow(templates).filter((found) => !isLeftOut(found))) {
    const text = fill(read(templates, file))
    write(file, file.startsWith("test/") ? toSources(text, own) : text)
  }
  for (const file of filesBelow(extras)) write(file.replace("gitignore", ".gitignore"), fill(read(extras, file)))
  const manifest = path.join(folder, "package.json")
  const { engines, peerDependencies, peerDependenciesMeta } = JSON.parse(fill(read(templates, "package.json.tmpl")))
  const needs = { peerDependencies, peerDependenciesMeta, devDependencies: devDependencies(root), engines }
  writeFileSync(manifest, `${JSON.stringify({ ...JSON.parse(read(manifest)), ...needs }, undefined, 2)}\n`)
}
