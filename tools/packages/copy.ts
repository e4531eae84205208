/** Copies the repository to another folder. */
import * as fs from "node:fs"
import * as path from "node:path"
import { packages, root } from "./workspace.ts"

const notCopied = new Set(["node_modules", "dist", ".git", ".nx", ".site", ".tsbuild", "coverage"])

/** Workspace packages link to their folders in the copy. All other packages link to the original `node_modules`. */
const linkModules = (folder: string): void => {
  const [from, to] = [path.join(root, "node_modules"), path.join(folder, "node_modules")]
  const names = packages().map(({ manifest }) => manifest.name)
  const scopes = new Set(names.map((name) => path.dirname(name)))
  for (const scope of scopes) fs.mkdirSync(path.join(to, scope), { recursive: true })
  for (const name of fs.readdirSync(from)) {
    if (scopes.has(name) || /^\.(?!bin$)/.test(name)) continue
    fs.symlinkSync(path.join(from, name), path.join(to, name), "junction")
  }
  for (const { folder: place, manifest } of packages()) {
    fs.symlinkSync(path.join("../../packages", place), path.join(to, manifest.name), "junction")
  }
}

export const copyRepository = (folder: string): void => {
  fs.cpSync(root, folder, {
    recursive: true,
    filter: (source) => !notCopied.has(path.basename(source)) && !source.endsWith(".tgz")
  })
  linkModules(folder)
}
