/** Checks the licenses of the runtime dependencies, and the registry's signatures of all installed packages. */
import * as fs from "node:fs"
import * as path from "node:path"
import { licenseProblems, runtimeFolders } from "./licenses.ts"
import { packagesOf } from "./lockfile.ts"
import { ended, startNpm } from "./process.ts"
import { verdictOf } from "./signatures.ts"
import { root } from "./workspace.ts"

const packages = packagesOf(fs.readFileSync(path.join(root, "package-lock.json"), "utf8"))
const audit = startNpm(["audit", "signatures", "--json", "--fetch-retries=1"], { cwd: root })
const { printed, stdout } = await ended(audit, 300_000)
const verdict = verdictOf(stdout, printed)
const problems = [...licenseProblems(packages), ...(verdict.kind === "refused" ? verdict.problems : [])]
for (const problem of problems) console.error(`dependencies: ${problem}`)
if (verdict.kind === "unchecked") {
  console.log(`dependencies: npm could not check the signatures. ${verdict.reason}`)
}
if (problems.length > 0) process.exitCode = 1
else {
  const licenses = `${runtimeFolders(packages).length} runtime packages have an allowed license`
  console.log(`dependencies: ${licenses}${verdict.kind === "signed" ? ", all installed packages are signed" : ""}`)
}
