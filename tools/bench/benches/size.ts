/** Measures the size of a program that logs in once, and of the packages that it needs. */
import { build } from "esbuild"
import * as fs from "node:fs"
import * as path from "node:path"
import { gzipSync } from "node:zlib"
import { files as listFiles } from "../../packages/workspace.ts"
import type { Bench, Candidate } from "../harness.ts"
import { files, writePrograms } from "../programs.ts"

const ownFolder = /(?:^|\/)node_modules\/@auth\//

interface Size {
  readonly compressed: number
  /** The part of `compressed` that comes from our packages, estimated from the uncompressed sizes. */
  readonly own: number
}

const bundle = (folder: string, file: string, splitting: boolean) =>
  build({
    absWorkingDir: folder,
    entryPoints: [file],
    bundle: true,
    minify: true,
    write: false,
    metafile: true,
    outdir: folder,
    splitting,
    format: file.endsWith(".cjs") ? "cjs" : "esm",
    platform: "node",
    target: "es2023",
    logLevel: "error"
  })

const compressedSize = (contents: Uint8Array | string): number => gzipSync(contents, { level: 9 }).byteLength / 1000

/** Returns the compressed size (gzip, in kB) of the files that the program loads at its start. */
const startSizeOf = async (folder: string, file: string): Promise<number> => {
  const { metafile, outputFiles } = await bundle(folder, file, true)
  const loaded = new Set<string>()
  const load = (output: string): void => {
    if (loaded.has(output)) return
    loaded.add(output)
    for (const { kind, path: imported } of metafile.outputs[output]?.imports ?? []) {
      if (kind === "import-statement") load(imported)
    }
  }
  const [entry] = Object.entries(metafile.outputs).find(([, { entryPoint }]) => entryPoint === file) ?? []
  if (entry !== undefined) load(entry)
  return outputFiles
    .filter((output) => loaded.has(path.relative(folder, output.path)))
    .reduce((sum, { contents }) => sum + compressedSize(contents), 0)
}

/** Returns the compressed size (gzip, in kB) of the program as a single file. */
const sizeOf = async (folder: string, file: string): Promise<Size> => {
  const { metafile, outputFiles } = await bundle(folder, file, false)
  const [output] = Object.values(metafile.outputs)
  const own = Object.entries(output?.inputs ?? {}).filter(([input]) => ownFolder.test(input))
  const ownBytes = own.reduce((sum, [, { bytesInOutput }]) => sum + bytesInOutput, 0)
  const compressed = compressedSize(outputFiles[0]?.contents ?? "")
  return { compressed, own: (compressed * ownBytes) / (output?.bytes ?? Number.NaN) }
}

interface Manifest {
  readonly dependencies?: Readonly<Record<string, string>>
  readonly peerDependencies?: Readonly<Record<string, string>>
  readonly peerDependenciesMeta?: Readonly<Record<string, { readonly optional?: boolean }>>
}

const installedWith = (modules: string, name: string, found = new Set<string>()): ReadonlySet<string> => {
  if (found.has(name)) return found
  found.add(name)
  const text = fs.readFileSync(path.join(modules, name, "package.json"), "utf8")
  const { dependencies = {}, peerDependencies = {}, peerDependenciesMeta = {} } = JSON.parse(text) as Manifest
  const peers = Object.keys(peerDependencies).filter((peer) => peerDependenciesMeta[peer]?.optional !== true)
  for (const next of [...Object.keys(dependencies), ...peers]) installedWith(modules, next, found)
  return found
}

/** Returns the size of an installed package in kB. */
const onDisk = (modules: string, name: string): number =>
  listFiles(path.join(modules, name)).reduce((sum, file) => sum + fs.statSync(path.join(modules, name, file)).size, 0) /
  1000

const broker = "@auth/angel"

const candidate = (title: string, file: string, name: string, ours?: true): Candidate => ({
  title,
  ...(ours && { ours }),
  prepare:
    async (_, folder) =>
    async ({ count }) => {
      if (count === 0) return undefined
      const modules = path.join(folder, "node_modules")
      const needed = installedWith(modules, name)
      const { compressed, own } = await sizeOf(folder, file)
      if (!ours) return { notes: { "kB compressed": compressed, packages: needed.size } }
      const atStart = await startSizeOf(folder, file)
      const notes = { "kB compressed": compressed, "kB loaded at the start": atStart, packages: needed.size }
      const ownNames = Array.from(needed).filter((one) => one.startsWith("@auth/"))
      return {
        notes: {
          ...notes,
          "own kB compressed": own,
          "own kB on disk": ownNames.reduce((sum, one) => sum + onDisk(modules, one), 0)
        }
      }
    }
})

const turns = [{ title: "sizes", concurrency: 1, count: 1 }]

export const bench: Bench = {
  summary: "the size of a program that logs in once, and of the packages that it needs",
  job: "program",
  shows: "notes",
  programs: writePrograms,
  baselines: [],
  versions: ["effect", "smartapi-javascript", "kiteconnect", "openid-client", "esbuild"],
  plans: {
    full: { rounds: 1, seconds: 60, warmUp: 0, turns },
    quick: { rounds: 1, seconds: 60, warmUp: 0, turns }
  },
  candidates: {
    ours: candidate("ours, on FetchClient", files.ours, broker, true),
    "smartapi-javascript": candidate("smartapi-javascript", files["smartapi-javascript"], "smartapi-javascript"),
    kiteconnect: candidate("kiteconnect", files.kiteconnect, "kiteconnect"),
    "openid-client": candidate("openid-client", files["openid-client"], "openid-client")
  }
}
