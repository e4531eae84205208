/**
 * `npm run release:version`: runs `changeset version`, which writes the new versions and the changelog entries. Then
 * updates the version ranges between the packages, the generated files and the lockfile.
 */
import { run, runNpm, runTool } from "../packages/process.ts"
import { packages, root } from "../packages/workspace.ts"
import { raiseRanges, versionsOf } from "./ranges.ts"
import { unversioned } from "./refusals.ts"

/** Time limit for each command, in milliseconds. */
const limit = 300_000

const main = async (): Promise<void> => {
  if (unversioned(root).length === 0) throw new Error("There is no changeset, so no package gets a new version.")
  const before = versionsOf(packages())
  await runTool("@changesets/cli/bin.js", ["version"], { cwd: root, limit })
  const raised = raiseRanges(before)
  const tables = ["--conditions=@auth/source", "tools/docs/tables.ts", "--write"]
  await run(process.execPath, tables, { cwd: root, limit })
  await runNpm(["install", "--package-lock-only", "--ignore-scripts"], { cwd: root, limit })
  for (const { manifest } of packages()) {
    const old = before[manifest.name]
    if (old !== manifest.version) console.log(`${manifest.name}: ${old} → ${manifest.version}`)
  }
  for (const line of raised) console.log(line)
  console.log("Read the changelogs, run npm run check, and commit the changed files. Then run npm run release.")
}

await main().catch((error: unknown) => {
  console.error(`release:version: ${error instanceof Error ? error.message : String(error)}`)
  process.exitCode = 1
})
