/**
 * Bundles the command `broker-auth`, so that `broker-auth --version` and `broker-auth --help` load only one file.
 *
 * Only modules of `@auth/cli` are bundled. If the bundle contained `effect`, one process could load two copies of
 * `effect`. One copy cannot read a `Redacted` value that the other copy made.
 */
import * as fs from "node:fs"
import * as path from "node:path"
import { rolldown } from "rolldown"
import { root } from "./workspace.ts"

const folder = "packages/cli"

/** Relative to the folder of the package. */
export const commandFolder = "dist/command"

const isOwn = (specifier: string): boolean => specifier.startsWith(".") || path.isAbsolute(specifier)

export const bundle = async (from = root, to = path.join(from, folder)): Promise<void> => {
  const target = path.join(to, commandFolder)
  fs.rmSync(target, { recursive: true, force: true })
  const build = await rolldown({
    input: { "broker-auth": path.join(from, folder, "src/bin.ts") },
    external: (specifier) => !isOwn(specifier),
    platform: "node",
    tsconfig: false,
    treeshake: { moduleSideEffects: "no-external" },
    onLog: (_, { message }) => {
      throw new Error(`The bundle of ${folder}: ${message}`)
    }
  })
  await build.write({
    dir: target,
    format: "es",
    chunkFileNames: "[name].js"
  })
  await build.close()
}

if (import.meta.main) await bundle()
