/** Checks the types of installed packages with several versions of TypeScript. */
import * as fs from "node:fs"
import * as path from "node:path"
import { download, type Wanted } from "./download.ts"
import { run } from "./process.ts"

/** The workspace does not install these versions, because their `tsc` would conflict with the workspace's `tsc`. */
export const olderCompilers = {
  "5.9": { name: "typescript", range: "~5.9.3" },
  "6.0": { name: "typescript", range: "~6.0.3" }
} satisfies Readonly<Record<string, Wanted>>

export const compilerOf = (folder: string): string => path.join(folder, "bin/tsc")

export const installCompilers = async (): Promise<ReadonlyArray<string>> =>
  (await Promise.all(Object.values(olderCompilers).map(download))).map(({ folder }) => compilerOf(folder))

export const resolutions = {
  NodeNext: { module: "NodeNext" },
  bundler: { module: "ESNext", moduleResolution: "bundler" }
} satisfies Readonly<Record<string, object>>

export const exportAll = (specifiers: ReadonlyArray<string>): string =>
  specifiers.map((specifier, index) => `export * as n${index} from "${specifier}"\n`).join("")

/** Also writes `index.ts` and `tsconfig.json` to `folder`. */
export const checkTypes = async (
  folder: string,
  compiler: string,
  text: string,
  resolution: keyof typeof resolutions = "NodeNext"
): Promise<void> => {
  fs.writeFileSync(path.join(folder, "index.ts"), text)
  const options = { target: "ES2023", strict: true, skipLibCheck: false, noEmit: true, types: [] }
  const config = { compilerOptions: { ...options, ...resolutions[resolution] }, files: ["index.ts"] }
  fs.writeFileSync(path.join(folder, "tsconfig.json"), JSON.stringify(config))
  await run(process.execPath, [compiler, "-p", folder], { cwd: folder })
}
