/** Measures the installed size of each package without npm, because npm takes a second for each package. */
import { contentsOf, installedBytes } from "../packages/contents.ts"
import { runTool } from "../packages/process.ts"
import { packages, root } from "../packages/workspace.ts"

export const installedSizes = async (): Promise<Readonly<Record<string, number>>> => {
  await runTool("typescript/bin/tsc", ["-b", ...packages().map(({ path: folder }) => folder)], { cwd: root })
  const sizes: Record<string, number> = {}
  for (const pkg of packages()) sizes[pkg.folder] = installedBytes(await contentsOf(pkg))
  return sizes
}
