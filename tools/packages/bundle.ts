/**
 * Bundles the command `broker-auth`. `dist/command/broker-auth.js` prints the version and the help texts without
 * loading another module. The exception is the help of `simulate`. `npm run build` and `npm run pack` make this bundle.
 *
 * Only modules of `@auth/cli` are bundled. The bundle imports modules of other packages at run time. If the bundle
 * contained a copy of `effect`, one process could load two copies. Two copies do not recognize each other's secrets.
 */
import * as fs from "node:fs"
import * as path from "node:path"
import { rolldown } from "rolldown"
import { root } from "./workspace.ts"

/** Folder of the package that has the command, relative to the root. */
const folder = "packages/cli"

/** Folder of the bundle, relative to the folder of the package. */
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
