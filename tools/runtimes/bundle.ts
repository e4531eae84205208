/** Bundles a program for a page or a worker, as a user's bundler does. */
import * as esbuild from "esbuild"
import * as path from "node:path"
import { rolldown } from "rolldown"

export interface Bundler {
  /** `entry`: the code of a module. Imports in this code are resolved from `folder`. */
  readonly bundle: (folder: string, entry: string) => Promise<string>
}

export const bundlers = {
  esbuild: {
    bundle: async (folder, entry) => {
      const { outputFiles } = await esbuild.build({
        stdin: { contents: entry, resolveDir: folder, loader: "js" },
        bundle: true,
        minify: true,
        format: "esm",
        platform: "browser",
        target: "es2023",
        write: false,
        logLevel: "silent"
      })
      return outputFiles[0]?.text ?? ""
    }
  },
  rolldown: {
    bundle: async (folder, entry) => {
      const file = path.join(folder, "entry.js")
      const build = await rolldown({
        cwd: folder,
        input: file,
        platform: "browser",
        tsconfig: false,
        plugins: [
          { name: "entry", load: (id) => (id === file ? entry : null), resolveId: (id) => (id === file ? id : null) }
        ],
        onLog: (level, { message }) => {
          if (level === "warn") throw new Error(message)
        }
      })
      const { output } = await build.generate({ format: "es", minify: true, codeSplitting: false })
      await build.close()
      return output[0].code
    }
  }
} satisfies Readonly<Record<string, Bundler>>
