/**
 * `npm run docs`: builds the documentation site in `.site/.vitepress/dist`, and checks its tables, links and
 * accessibility. The command needs no network.
 */
import * as fs from "node:fs"
import * as path from "node:path"
import * as processes from "../packages/process.ts"
import { runsChromium } from "../chromium/browser.ts"
import { packages, root } from "../packages/workspace.ts"
import { deadLinks } from "./links.ts"
import { stage } from "./stage.ts"

const folder = path.join(root, ".site")

const run = async (script: string, ...args: ReadonlyArray<string>): Promise<void> => {
  await processes.run(process.execPath, ["--conditions=@auth/source", path.join(root, script), ...args], {
    cwd: root,
    env: { NO_COLOR: "1" }
  })
}

const report = (problems: ReadonlyArray<string>): void => {
  if (problems.length > 0) throw new Error(problems.join("\n"))
}

/** Returns the reason if the step was skipped. */
type Work = () => Promise<string | void> | string | void

const steps: ReadonlyArray<readonly [title: string, work: Work]> = [
  ["generated tables (npm run docs:tables updates them)", () => run("tools/docs/tables.ts")],
  [
    "declarations of the packages",
    () => run("node_modules/typescript/bin/tsc", "-b", ...packages().map(({ path: place }) => place))
  ],
  [
    "pages and their links",
    () => {
      fs.rmSync(folder, { recursive: true, force: true })
      report(stage(folder))
    }
  ],
  ["build", () => run("node_modules/vitepress/bin/vitepress.js", "build", folder)],
  [
    "accessibility of five pages in Chromium",
    () => (runsChromium ? run("tools/chromium/site.ts") : "there is no Chromium on this machine")
  ],
  ["links and anchors of the built pages", () => report(deadLinks(path.join(folder, ".vitepress/dist")))]
]

for (const [title, work] of steps) {
  const began = performance.now()
  let skipped: string | void
  try {
    skipped = await work()
  } catch (error) {
    console.error(`FAILED ${title}\n${error instanceof Error ? error.message : String(error)}`)
    process.exit(1)
  }
  const seconds = ((performance.now() - began) / 1000).toFixed(1)
  console.log(skipped === undefined ? `ok     ${title} (${seconds} s)` : `skipped ${title}: ${skipped}`)
}
console.log(`The site is in ${path.relative(root, path.join(folder, ".vitepress/dist"))}.`)
