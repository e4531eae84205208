/** Downloads npm packages that this workspace does not install, such as runtimes and older compilers. */
import * as fs from "node:fs"
import * as path from "node:path"
import { runNpm } from "./process.ts"
import { root } from "./workspace.ts"

const cache = path.join(root, "node_modules/.cache/broker-auth-downloads")

export interface Wanted {
  readonly name: string
  /** Accepted versions, such as `26` or `~5.9.3`. */
  readonly range: string
}

export interface Downloaded {
  readonly folder: string
  readonly version: string
}

const read = (folder: string): Downloaded => {
  const manifest = JSON.parse(fs.readFileSync(path.join(folder, "package.json"), "utf8")) as {
    readonly version: string
  }
  // Some npm packages that contain Node have versions such as `v22.19.0`.
  return { folder, version: manifest.version.replace(/^v/, "") }
}

/**
 * Does not run the scripts of the package. If the download fails, returns the package of an earlier download. Throws if
 * there is no earlier download.
 */
export const download = async ({ name, range }: Wanted): Promise<Downloaded> => {
  const project = path.join(cache, `${name}@${range}`.replaceAll(/[^\w.-]/g, "_"))
  const folder = path.join(project, "node_modules", name)
  fs.mkdirSync(project, { recursive: true })
  fs.writeFileSync(path.join(project, "package.json"), JSON.stringify({ private: true }))
  const flags = ["--no-save", "--no-package-lock", "--no-bin-links", "--ignore-scripts", "--no-audit", "--no-fund"]
  try {
    await runNpm(["install", ...flags, "--loglevel=error", `${name}@${range}`], { cwd: project })
  } catch (error) {
    if (!fs.existsSync(path.join(folder, "package.json"))) throw error
  }
  return read(folder)
}
