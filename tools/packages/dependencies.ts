/** Checks the licences of the runtime dependencies, and the registry's signatures of all installed packages. */
import * as fs from "node:fs"
import * as path from "node:path"
import { licenceProblems, runtimeFolders } from "./licences.ts"
import { packagesOf } from "./lockfile.ts"
import { ended, startNpm } from "./process.ts"
import { verdictOf } from "./signatures.ts"
import { root } from "./workspace.ts"

const packages = packagesOf(fs.readFileSync(path.join(root, "package-lock.json"), "utf8"))
const audit = startNpm(["audit", "signatures", "--json", "--fetch-retries=1"], { cwd: root })
const { printed, stdout } = await ended(audit, 300_000)
const verdict = verdictOf(stdout, printed)
const problems = [...licenceProblems(packages), ...(verdict.kind === "refused" ? verdict.problems : [])]
for (const problem of problems) console.error(`dependencies: ${problem}`)
if (verdict.kind === "unchecked") {
  console.log(`dependencies: the signatures could not be checked. ${verdict.reason}`)
}
if (problems.length > 0) process.exitCode = 1
else {
  const licences = `all ${runtimeFolders(packages).length} runtime packages have an allowed licence`
  console.log(`dependencies: ${licences}${verdict.kind === "signed" ? ", all installed packages are signed" : ""}`)
}
