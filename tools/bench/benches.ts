import * as fs from "node:fs/promises"
import * as path from "node:path"
import { pathToFileURL } from "node:url"
import type { Bench } from "./harness.ts"

const folder = path.join(import.meta.dirname, "benches")

export type Named = readonly [name: string, bench: Bench]

export const loadFile = async (file: string): Promise<Bench> => {
  const { bench } = (await import(pathToFileURL(file).href)) as { readonly bench: Bench }
  return bench
}

export const load = async (): Promise<ReadonlyArray<Named>> => {
  const files = (await fs.readdir(folder)).filter((file) => file.endsWith(".ts")).toSorted()
  return Promise.all(
    files.map(async (file) => [path.basename(file, ".ts"), await loadFile(path.join(folder, file))] as const)
  )
}
