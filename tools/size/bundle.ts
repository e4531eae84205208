/** Bundles a program as a user's bundler does, and counts how many bytes each module adds to the bundle. */
import * as path from "node:path"
import { rolldown } from "rolldown"
import { minifySync } from "rolldown/utils"
import * as zlib from "node:zlib"
import { root } from "../packages/workspace.ts"

export interface Module {
  /** The path below the root, or below `node_modules`. */
  readonly name: string
  /** Size of the minified code, in bytes. */
  readonly bytes: number
  /** Estimated compressed size, in bytes: a share of `Measured.total` that is proportional to `bytes`. */
  readonly packedBytes: number
}

/** All sizes are in bytes. `total`, `own`, `later` and `oneFile` are sizes of minified and compressed code. */
export interface Measured {
  /** Size of the code that is loaded at the start. */
  readonly total: number
  /** Estimated part of `total` that comes from the packages of this repository. */
  readonly own: number
  /** Size of the code that a later `import()` loads. */
  readonly later: number
  /** Size of all code, if the bundle is a single file. */
  readonly oneFile: number
  /** Modules of the code that is loaded at the start, the largest first. */
  readonly modules: ReadonlyArray<Module>
  /**
   * What a program loads at the start if it is not bundled. `modules` is the number of modules without the program
   * itself. `bytes` is the size of these modules and of the program.
   */
  readonly unbundled: { readonly modules: number; readonly bytes: number }
  /** Returns the shortest chain of imports to a module. `end`: end of the module's name, without `.js` or `.ts`. */
  readonly chainTo: (end: string) => ReadonlyArray<string> | undefined
}

const nameOf = (id: string): string => {
  const name = path.relative(root, id).replaceAll(path.sep, "/")
  return name.replace(/^.*node_modules\//, "")
}

const compressed = (code: string): number => zlib.gzipSync(code, { level: 9 }).length

const isOwn = ({ name }: Module): boolean => name.startsWith("packages/")

type Graph = ReadonlyMap<string, { readonly imports: ReadonlyArray<string>; readonly bytes: number }>

/** Returns the shortest chain of imports to each module that `entry` loads at its start, the nearest modules first. */
const chainsFrom = (graph: Graph, entry: string): ReadonlyMap<string, ReadonlyArray<string>> => {
  const chains = new Map<string, ReadonlyArray<string>>([[entry, []]])
  for (const [id, chain] of chains) {
    for (const imported of graph.get(id)?.imports ?? []) {
      if (!chains.has(imported)) chains.set(imported, [...chain, nameOf(imported)])
    }
  }
  return chains
}

export const measure = async (code: string): Promise<Measured> => {
  const entry = path.join(root, "program.js")
  const graph = new Map<string, { readonly imports: ReadonlyArray<string>; readonly bytes: number }>()
  const build = await rolldown({
    cwd: root,
    input: entry,
    platform: "browser",
    tsconfig: false,
    resolve: { conditionNames: ["@auth/source", "import", "default"] },
    plugins: [
      {
        name: "program",
        resolveId: (id) => (id === entry ? id : null),
        load: (id) => (id === entry ? code : null),
        moduleParsed: ({ code: text, id, importedIds }) =>
          void graph.set(id, { imports: [...importedIds], bytes: Buffer.byteLength(text ?? "") })
      }
    ],
    onLog: (level, { message }) => {
      if (level === "warn") throw new Error(message)
    }
  })
  const [minified, oneFile, readable] = [
    await build.generate({ format: "es", minify: true }),
    await build.generate({ format: "es", minify: true, codeSplitting: false }),
    await build.generate({ format: "es" })
  ]
  await build.close()

  const chunks = minified.output.filter((part) => part.type === "chunk")
  const atStart = new Set(chunks.filter(({ isEntry }) => isEntry).map(({ fileName }) => fileName))
  for (const fileName of atStart) {
    for (const imported of chunks.find((chunk) => chunk.fileName === fileName)?.imports ?? []) atStart.add(imported)
  }
  const sizeOf = (isAtStart: boolean) =>
    chunks
      .filter(({ fileName }) => atStart.has(fileName) === isAtStart)
      .reduce((sum, chunk) => sum + compressed(chunk.code), 0)
  const total = sizeOf(true)

  const chains = chainsFrom(graph, entry)
  const counted = readable.output.flatMap((part) =>
    part.type !== "chunk"
      ? []
      : Object.entries(part.modules).flatMap(([id, { code: text }]) => {
          if (!text || !chains.has(id) || id === entry) return []
          const { code: small } = minifySync("module.js", text, { compress: true, mangle: { toplevel: true } })
          return [{ name: nameOf(id), bytes: Buffer.byteLength(small) }]
        })
  )
  const bytes = counted.reduce((sum, module) => sum + module.bytes, 0)
  const modules = counted
    .map((module) => ({ ...module, packedBytes: Math.round((module.bytes / bytes) * total) }))
    .toSorted((left, right) => right.bytes - left.bytes)
  return {
    total,
    own: modules.filter(isOwn).reduce((sum, { packedBytes }) => sum + packedBytes, 0),
    later: sizeOf(false),
    oneFile: compressed(oneFile.output[0].code),
    modules,
    unbundled: {
      modules: chains.size - 1,
      bytes: [...chains.keys()].reduce((sum, id) => sum + (graph.get(id)?.bytes ?? 0), 0)
    },
    chainTo: (end) =>
      [...chains.values()].find((chain) =>
        chain
          .at(-1)
          ?.replace(/\.[jt]s$/, "")
          .endsWith(end)
      )
  }
}
