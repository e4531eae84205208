/** Makes the tarball of a package, and lists the exported modules of the package. */
import * as fs from "node:fs"
import * as os from "node:os"
import * as path from "node:path"
import { isDeepStrictEqual } from "node:util"
import { contentsOf, isClosed } from "./contents.ts"
import { runNpm } from "./process.ts"
import { fieldsOf, relativeLinks } from "./repository.ts"
import { files, type Package, root } from "./workspace.ts"

const maxPackedBytes = 300_000
const shipped = /^(?:dist\/.+(?:\.js|\.d\.ts)|package\.json|README\.md|CHANGELOG\.md|LICENSE)$/

export const assert: (condition: boolean, message: string) => asserts condition = (condition, message) => {
  if (!condition) throw new Error(message)
}

export const none = (problems: ReadonlyArray<string>, title: string): void =>
  assert(problems.length === 0, [`${title}:`, ...problems.map((problem) => `  ${problem}`)].join("\n"))

export const commandsOf = ({ manifest: { bin } }: Package): ReadonlyArray<string> =>
  Object.values(bin ?? {}).map((file) => file.replace(/^\.\//, ""))

const isReleased = ({ version }: Package["manifest"]): boolean => version !== "0.0.0"

/** Checks what a registry shows: the addresses of the repository, and the links in the README. */
export const checkPage = (pkg: Package): void => {
  const fields = fieldsOf(`packages/${pkg.folder}`)
  none(
    Object.entries(fields)
      .filter(([key, value]) => !isDeepStrictEqual(pkg.manifest[key as keyof typeof fields], value))
      .map(([key, value]) => `"${key}" must be ${JSON.stringify(value)}`),
    `${pkg.manifest.name}: fields that do not match the repository in the root package.json (npm run docs:tables writes them)`
  )
  none(
    relativeLinks(fs.readFileSync(path.join(pkg.path, "README.md"), "utf8")),
    `${pkg.manifest.name}: relative links in README.md (npm run docs:tables makes them absolute)`
  )
}

export interface Packed {
  readonly tarball: string
  readonly bytes: number
  readonly paths: ReadonlyArray<string>
}

interface Report {
  readonly filename: string
  readonly size: number
  readonly files: ReadonlyArray<{ readonly path: string }>
}

const runPack = async (name: string, contents: ReadonlyMap<string, string>, destination: string): Promise<Report> => {
  const staging = fs.mkdtempSync(path.join(os.tmpdir(), "broker-auth-staging-"))
  try {
    for (const [file, text] of contents) {
      fs.mkdirSync(path.dirname(path.join(staging, file)), { recursive: true })
      fs.writeFileSync(path.join(staging, file), text)
    }
    const printed = await runNpm(["pack", "--json", "--silent", "--pack-destination", destination], { cwd: staging })
    const parsed = JSON.parse(printed.slice(printed.search(/^[[{]/m))) as unknown
    const [report] = Object.values(parsed as Record<string, unknown>) as unknown as ReadonlyArray<Report>
    assert(report !== undefined, `${name}: npm pack printed no report`)
    return report
  } finally {
    fs.rmSync(staging, { recursive: true, force: true })
  }
}

/** All tarballs, for checks and for publishing, come from this function. */
export const pack = async (pkg: Package, folder: string): Promise<Packed> => {
  const { name } = pkg.manifest
  const contents = await contentsOf(pkg)
  const report = await runPack(name, contents, path.resolve(folder))
  const paths = report.files.map((file) => file.path)
  none(
    paths.filter((file) => !shipped.test(file)),
    `${name}: files that must not be packed`
  )
  none(
    [
      ...contents.keys(),
      "README.md",
      "LICENSE",
      ...(isReleased(pkg.manifest) ? ["CHANGELOG.md"] : []),
      "dist/index.js",
      "dist/index.d.ts",
      ...commandsOf(pkg)
    ].filter((file) => !paths.includes(file)),
    `${name}: files missing from the package`
  )
  assert(
    report.size < maxPackedBytes,
    `${name}: the tarball has ${report.size} bytes, but the limit is ${maxPackedBytes}`
  )
  return { tarball: path.join(folder, path.basename(report.filename)), bytes: report.size, paths }
}

/** Returns the import specifiers of the exported modules. Omits commands, because importing a command runs it. */
export const specifiers = (pkg: Package): ReadonlyArray<string> => {
  const { exports, name } = pkg.manifest
  const commands = new Set(commandsOf(pkg))
  const wildcards = files(path.join(pkg.path, "dist"))
    .filter((file) => file.endsWith(".js") && !commands.has(`dist/${file}`))
    .map((file) => `./${file.replace(/\.js$/, "")}`)
    .filter((subpath) => !isClosed(pkg.manifest, subpath))
  const named = Object.keys(exports).filter(
    (key) => exports[key] !== null && !key.includes("*") && !key.endsWith(".json")
  )
  return [...new Set([...named, ...wildcards])].map((subpath) => name + subpath.slice(1)).toSorted()
}

export const emptyProject = (parent: string, name: string): string => {
  const folder = path.join(parent, name)
  fs.mkdirSync(folder)
  return folder
}

/** The installed version, such as `msw@3.0.5`. */
export const fromRoot = (name: string): string => {
  const manifest = path.join(root, "node_modules", name, "package.json")
  return `${name}@${(JSON.parse(fs.readFileSync(manifest, "utf8")) as { version: string }).version}`
}

export const optionalPeers = (pkg: Package): ReadonlyArray<string> =>
  Object.entries(pkg.manifest.peerDependenciesMeta ?? {}).flatMap(([name, meta]) =>
    meta.optional === true ? name : []
  )

export const installed = (folder: string): ReadonlyArray<string> =>
  fs
    .readdirSync(path.join(folder, "node_modules"))
    .filter((name) => !name.startsWith("."))
    .flatMap((name) =>
      name.startsWith("@")
        ? fs.readdirSync(path.join(folder, "node_modules", name)).map((inner) => `${name}/${inner}`)
        : name
    )
    .toSorted()
