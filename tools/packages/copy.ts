/** Copies the repository to another folder, for programs that change its files. */
import * as fs from "node:fs"
import * as path from "node:path"
import { packages, root } from "./workspace.ts"

/** Folders that are not copied, because they contain builds, installed packages or caches. */
const notCopied = new Set(["node_modules", "dist", ".git", ".nx", ".tsbuild", ".site", "coverage"])

/**
 * Copies the repository to `folder`. The folder `node_modules` of the copy contains links. The links of the
 * workspace's packages lead to the copy. The links of all other packages lead to the original repository.
 */
export const copyRepository = (folder: string): void => {
  fs.cpSync(root, folder, { recursive: true, filter: (source) => !notCopied.has(path.basename(source)) })
  const [from, to] = [path.join(root, "node_modules"), path.join(folder, "node_modules")]
  const scope = "@auth"
  fs.mkdirSync(path.join(to, scope), { recursive: true })
  for (const name of fs.readdirSync(from)) {
    if (name === scope || /^\.(?!bin$)/.test(name)) continue
    fs.symlinkSync(path.join(from, name), path.join(to, name), "junction")
  }
  for (const { manifest, path: place } of packages()) {
    fs.symlinkSync(path.join("../../packages", path.basename(place)), path.join(to, manifest.name), "junction")
  }
}
