/** What CI runs: every step to its end, then one line for each. `npm run check` fails when a step does. */
import * as path from "node:path"
import { start } from "../packages/process.ts"
import { root } from "../packages/workspace.ts"

interface Step {
  readonly title: string
  readonly script: string
  readonly args?: ReadonlyArray<string>
  readonly nodeArgs?: ReadonlyArray<string>
  readonly env?: Readonly<Record<string, string>>
}

const steps: ReadonlyArray<Step> = [
  { title: "format", script: "node_modules/oxfmt/bin/oxfmt", args: ["--check"] },
  { title: "lint", script: "node_modules/oxlint/bin/oxlint" },
  { title: "types", script: "node_modules/typescript/bin/tsc", args: ["-b"] },
  {
    title: "tests, with the whole fuzz",
    script: "node_modules/vitest/vitest.mjs",
    args: ["run"],
    env: { FUZZ: "full" }
  },
  {
    title: "torture, a quick run",
    script: "tools/torture/main.ts",
    args: ["--quick"],
    nodeArgs: ["--conditions=@auth/source"]
  },
  { title: "packages", script: "tools/packages/check.ts" }
]

const run = ({ args = [], env, nodeArgs = [], script }: Step) =>
  new Promise<boolean>((resolve) => {
    const options = { cwd: root, inherit: true, ...(env && { env }) } as const
    start(process.execPath, [...nodeArgs, path.join(root, script), ...args], options).once("close", (code) =>
      resolve(code === 0)
    )
  })

const lines: Array<string> = []
for (const step of steps) {
  console.log(`\ncheck: ${step.title}`)
  const began = performance.now()
  const passed = await run(step)
  if (!passed) process.exitCode = 1
  lines.push(`${passed ? "ok    " : "FAILED"} ${step.title} (${((performance.now() - began) / 1000).toFixed(1)} s)`)
}
console.log(`\n${lines.join("\n")}`)
