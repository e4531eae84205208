/** Generates the files that name every broker, from `packages/brokers.json`. Only that list is edited manually. */
import { existsSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { root } from "../packages/workspace.ts"

/** A file with its current and its expected content. */
export interface Document {
  readonly path: string
  readonly current: string
  readonly wanted: string
}

/** A broker in `packages/brokers.json`. */
export interface Listed {
  /** The broker's id, which is also the name of its folder in `packages`. */
  readonly id: string
  /** The prefix of its module names, such as `Angel`. */
  readonly name: string
}

export const read = (path: string): string =>
  existsSync(join(root, path)) ? readFileSync(join(root, path), "utf8") : ""

/** Returns the brokers in the order of `packages/brokers.json`. */
export const listed = (): ReadonlyArray<Listed> =>
  Object.entries(JSON.parse(read("packages/brokers.json")) as Record<string, string>).map(([id, name]) => ({
    id,
    name
  }))

interface Manifest {
  readonly name: string
  readonly version: string
  readonly description: string
}

export const manifestOf = (folder: string): Manifest => JSON.parse(read(`packages/${folder}/package.json`)) as Manifest

/**
 * Generates the file from which the simulator imports the brokers. Its imports are static, so that bundlers find them.
 */
const registry = (list: ReadonlyArray<Listed>): Document => {
  const path = "packages/simulator/src/internal/registry.ts"
  const imports = list
    .toSorted((left, right) => left.id.localeCompare(right.id))
    .flatMap((broker) => {
      const { id, name } = broker
      const from = manifestOf(id).name
      return [
        `import { descriptor as ${id}, document as ${id}Document } from "${from}/Fake${name}Descriptor"`,
        `import { handlers as ${id}Handlers } from "${from}/msw"`
      ]
    })
  const rows = list.map((broker) => {
    const { id } = broker
    return `  ${id}: { descriptor: ${id}, handlers: ${id}Handlers, document: ${id}Document }`
  })
  const wanted = `// Written by \`npm run docs\` from packages/brokers.json: do not change it here.
${imports.join("\n")}

export const registry = {
${rows.join(",\n")}
}
`
  return { path, current: read(path), wanted }
}

const withReferences = (path: string, references: ReadonlyArray<string>): Document => {
  const current = read(path)
  const text = references.map((reference) => `    { "path": "${reference}" }`).join(",\n")
  return { path, current, wanted: current.replace(/("references": \[\n)[\s\S]*?(\n {2}\])/, `$1${text}$2`) }
}

/** The accepted versions of a broker's package. The peer dependencies on core have the same range. */
const range = ">=0.1.0 <1.0.0"

const simulatorManifest = (list: ReadonlyArray<Listed>): Document => {
  const path = "packages/simulator/package.json"
  const current = read(path)
  const manifest = JSON.parse(current) as { readonly dependencies: Readonly<Record<string, string>> }
  const scope = manifestOf("core").name.replace(/[^/]*$/, "")
  const others = Object.entries(manifest.dependencies).filter(
    ([name]) => !name.startsWith(scope) || name === manifestOf("core").name
  )
  const brokers = list.map(({ id }) => [manifestOf(id).name, range] as const)
  const dependencies = Object.fromEntries(
    [...others, ...brokers].toSorted(([left], [right]) => (left < right ? -1 : 1))
  )
  return { path, current, wanted: `${JSON.stringify({ ...manifest, dependencies }, undefined, 2)}\n` }
}

/** Returns the sources and configuration files that are generated without an import of a broker's package. */
export const wiring = (): ReadonlyArray<Document> => {
  const list = listed()
  const ids = list.map(({ id }) => id)
  return [
    registry(list),
    simulatorManifest(list),
    withReferences(
      "packages/simulator/tsconfig.json",
      ["core", ...ids.toSorted()].map((id) => `../${id}`)
    ),
    withReferences("tsconfig.json", [
      ...["core", ...ids, "node", "simulator"].map((id) => `packages/${id}`),
      "./tsconfig.test.json"
    ])
  ]
}
