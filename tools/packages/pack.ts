/** `npm run pack`: compiles the packages, and packs them into tarballs in the root of the repository. */
import * as fs from "node:fs"
import * as path from "node:path"
import { runTool } from "./process.ts"
import { pack } from "./tarballs.ts"
import { packages, root } from "./workspace.ts"

await runTool("typescript/bin/tsc", ["-b", ...packages().map((pkg) => pkg.path)], { cwd: root })
for (const file of fs.readdirSync(root)) if (file.endsWith(".tgz")) fs.rmSync(path.join(root, file))
for (const pkg of packages()) {
  const { bytes, tarball } = await pack(pkg, root)
  console.log(`${path.basename(tarball)}: ${Math.ceil(bytes / 1000)} kB`)
}
