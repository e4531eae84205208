/**
 * Makes the files of a package as they are published. See decision 026. These are left out:
 *
 * - comments in code, and source maps
 * - declaration files (`.d.ts`) that no user can reach
 * - the parts of the manifest that only this repository needs
 */
import * as fs from "node:fs"
import * as path from "node:path"
import { minifySync, parseSync } from "rolldown/utils"
import { bundle, commandFolder } from "./bundle.ts"
import { files, type Manifest, type Package } from "./workspace.ts"

const sourceCondition = "@auth/source"

/** Copied unchanged. Before its first release, a package has no changelog. */
const documents = ["README.md", "CHANGELOG.md", "LICENSE"]

/** Comments that a bundler reads. `minifySync` would remove them. */
const directive = /[@#]__[A-Z_]+__|@vite-ignore|webpack[A-Z]\w*:/

/** `source` and the results are paths relative to the folder of the package. */
export const outputsOf = (source: string): ReadonlyArray<string> =>
  [".js", ".d.ts"].map((end) => source.replace(/^src\//, "dist/").replace(/\.ts$/, end))

/** Whether `exports` forbids the import of a subpath, such as `./internal/codes`. */
export const isClosed = ({ exports }: Manifest, subpath: string): boolean =>
  Object.keys(exports).some((key) => exports[key] === null && subpath.startsWith(key.replace("*", "")))

const problem = (pkg: Package, text: string): Error => new Error(`${pkg.manifest.name}: ${text}`)

const compiledFiles = (pkg: Package): ReadonlyArray<string> => {
  const excluded = pkg.manifest.files.filter((entry) => entry.startsWith("!")).map((entry) => entry.slice(1))
  const commands = files(path.join(pkg.path, commandFolder)).map((file) => `${commandFolder}/${file}`)
  return files(path.join(pkg.path, "src"))
    .filter((file) => file.endsWith(".ts"))
    .flatMap((file) => outputsOf(`src/${file}`))
    .concat(commands)
    .filter((file) => !excluded.some((entry) => path.matchesGlob(file, entry) || file.startsWith(`${entry}/`)))
}

type Parsed = ReturnType<typeof parseSync>

const parse = (pkg: Package, file: string, text: string): Parsed => {
  const parsed = parseSync(file, text, { preserveParens: false })
  const [error] = parsed.errors
  if (error !== undefined) throw problem(pkg, `${file} cannot be parsed: ${error.message}`)
  return parsed
}

/** Properties of a syntax node that do not change the meaning of the code. */
const notation = new Set(["start", "end", "range", "raw"])

const meaningOf = ({ program }: Parsed): string =>
  JSON.stringify(program, (key, value: unknown) =>
    notation.has(key) ? undefined : typeof value === "bigint" ? `${value}n` : value
  )

const withoutComments = (pkg: Package, file: string, text: string): string => {
  const parsed = parse(pkg, file, text)
  // The files of the command are already bundled, so no bundler reads their comments.
  const isCommand = file.startsWith(`${commandFolder}/`)
  const lost = isCommand ? undefined : parsed.comments.find(({ value }) => directive.test(value))
  if (lost !== undefined)
    throw problem(pkg, `${file} has a comment that bundlers read, and that would be lost: ${lost.value}`)
  const { code } = minifySync(file, text, {
    compress: false,
    mangle: false,
    codegen: { removeWhitespace: false, legalComments: "none" }
  })
  if (meaningOf(parse(pkg, file, code)) !== meaningOf(parsed)) {
    throw problem(pkg, `${file}: its code would change if its comments were removed`)
  }
  return code
}

/** Only the site of this repository needs `@category`. */
const withFewerBytes = (pkg: Package, file: string, text: string): string => {
  const shorter = text
    .replace(/^ *\* @category .*\n/gm, "")
    .replace(/^(?: {4})+/gm, (spaces) => "\t".repeat(spaces.length / 4))
  if (meaningOf(parse(pkg, file, shorter)) !== meaningOf(parse(pkg, file, text))) {
    throw problem(pkg, `${file}: its types would change if it were indented with tabs and had no @category`)
  }
  return shorter
}

/** Includes the specifiers in types such as `import("./a.ts").A`. */
const relativeImports = (parsed: Parsed): ReadonlySet<string> => {
  const found = new Set<string>()
  JSON.stringify(parsed.program, (_, value: unknown) => {
    const source = (value as { readonly source?: { readonly value?: unknown } | null } | null | undefined)?.source
      ?.value
    if (typeof source === "string" && source.startsWith(".")) found.add(source)
    return typeof value === "bigint" ? null : value
  })
  return found
}

/** Returns the declaration files of public modules, and all files that these import directly or indirectly. */
const reachable = (pkg: Package, declarations: ReadonlyMap<string, string>): ReadonlySet<string> => {
  const subpathOf = (file: string) => file.replace(/^dist\//, "./").replace(/\.d\.ts$/, "")
  const found = new Set([...declarations.keys()].filter((file) => !isClosed(pkg.manifest, subpathOf(file))))
  for (const file of found) {
    for (const specifier of relativeImports(parse(pkg, file, declarations.get(file) ?? ""))) {
      const target = path.posix.join(path.posix.dirname(file), specifier).replace(/\.[jt]s$/, ".d.ts")
      if (!declarations.has(target)) throw problem(pkg, `${file} imports ${specifier}, which is not packed`)
      found.add(target)
    }
  }
  return found
}

const publishedManifest = (manifest: Manifest & { readonly scripts?: unknown }): object => {
  const { scripts: _, ...fields } = manifest
  const conditionsOf = (target: Manifest["exports"][string]) =>
    typeof target === "string" || target === null
      ? target
      : Object.fromEntries(Object.entries(target).filter(([condition]) => condition !== sourceCondition))
  return {
    ...fields,
    files: manifest.files.filter((entry) => !entry.startsWith("!")),
    exports: Object.fromEntries(Object.entries(manifest.exports).map(([key, target]) => [key, conditionsOf(target)]))
  }
}

export const contentsOf = async (pkg: Package): Promise<ReadonlyMap<string, string>> => {
  if (Object.values(pkg.manifest.bin ?? {}).some((file) => file.startsWith(`./${commandFolder}/`))) {
    await bundle(path.resolve(pkg.path, "../.."), pkg.path)
  }
  const read = (file: string) => fs.readFileSync(path.join(pkg.path, file), "utf8")
  const compiled = compiledFiles(pkg)
  const missing = compiled.find((file) => !fs.existsSync(path.join(pkg.path, file)))
  if (missing !== undefined) throw problem(pkg, `${missing} does not exist. Run npm run build.`)
  const texts = new Map(compiled.map((file) => [file, read(file)]))
  const declarations = new Map([...texts].filter(([file]) => file.endsWith(".d.ts")))
  const open = reachable(pkg, declarations)
  return new Map([
    ["package.json", `${JSON.stringify(publishedManifest(JSON.parse(read("package.json")) as Manifest), null, 2)}\n`],
    ...documents.filter((file) => fs.existsSync(path.join(pkg.path, file))).map((file) => [file, read(file)] as const),
    ...[...texts].flatMap(([file, text]) => {
      if (!declarations.has(file)) return [[file, withoutComments(pkg, file, text)] as const]
      return open.has(file) ? [[file, withFewerBytes(pkg, file, text)] as const] : []
    })
  ])
}

export const installedBytes = (contents: ReadonlyMap<string, string>): number =>
  [...contents.values()].reduce((sum, text) => sum + Buffer.byteLength(text), 0)
