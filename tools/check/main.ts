/**
 * `npm run check`: runs the `steps` below. At the end, prints the result of each step, and the last lines of the output
 * of each failed step.
 */
import * as path from "node:path"
import { parseArgs } from "node:util"
import { start } from "../packages/process.ts"
import { root } from "../packages/workspace.ts"

interface Step {
  readonly name: string
  readonly title: string
  readonly script: string
  readonly args?: ReadonlyArray<string>
  readonly nodeArgs?: ReadonlyArray<string>
  readonly env?: Readonly<Record<string, string>>
}

const steps: ReadonlyArray<Step> = [
  { name: "format", title: "oxfmt", script: "node_modules/oxfmt/bin/oxfmt", args: ["--check"] },
  { name: "lint", title: "oxlint, including the rules of this repository", script: "node_modules/oxlint/bin/oxlint" },
  { name: "types", title: "TypeScript, all projects", script: "node_modules/typescript/bin/tsc", args: ["-b"] },
  {
    name: "dependencies",
    title: "licenses and signatures of the dependencies",
    script: "tools/packages/dependencies.ts"
  },
  {
    name: "tests",
    title: "tests, including the thorough tests",
    script: "node_modules/vitest/vitest.mjs",
    args: ["run"],
    env: { TESTS: "thorough" }
  },
  {
    name: "docs",
    title: "the documentation site, and its links",
    script: "tools/docs/site.ts",
    nodeArgs: ["--conditions=@auth/source"]
  },
  {
    name: "torture",
    title: "a quick torture run: real programs with injected faults",
    script: "tools/torture/main.ts",
    args: ["--quick"],
    nodeArgs: ["--conditions=@auth/source"]
  },
  {
    name: "size",
    title: "sizes of bundles and packages",
    script: "tools/size/main.ts",
    nodeArgs: ["--conditions=@auth/source"]
  },
  {
    name: "speed",
    title: "ratios of CPU time for logins and sessions, compared with tools/bench/kept.json",
    script: "tools/bench/check.ts",
    // The margin is larger than the default, because the ratios in kept.json were measured on another machine.
    args: ["--margin", "60"],
    nodeArgs: ["--conditions=@auth/source"]
  },
  { name: "packages", title: "packages, as they will be published", script: "tools/packages/check.ts" }
]

const usage = `Usage: npm run check -- [option …]

Runs every step, even if an earlier step failed. The run fails if a step failed. The steps are:
${steps.map(({ name, title }) => `  ${name.padEnd(14)}${title}`).join("\n")}

Options:
  --only <names>  runs only these steps, separated by commas
  --skip <names>  skips these steps, separated by commas
  -h, --help      prints this text`

const parse = () => {
  try {
    const { values } = parseArgs({
      options: {
        help: { type: "boolean", short: "h", default: false },
        only: { type: "string", default: "" },
        skip: { type: "string", default: "" }
      }
    })
    const [only, skip] = [values.only, values.skip].map((names) => names.split(",").filter((name) => name !== ""))
    const unknown = [...only!, ...skip!].find((named) => !steps.some(({ name }) => name === named))
    if (unknown !== undefined) return `There is no step "${unknown}".`
    const chosen = steps.filter(({ name }) => (only!.length === 0 || only!.includes(name)) && !skip!.includes(name))
    return chosen.length === 0 ? "These options leave no step." : { help: values.help, chosen }
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  }
}

const linesKept = 12

/** Runs the step, and returns the last lines of its output if the step fails. */
const failureOf = async ({
  args = [],
  env,
  nodeArgs = [],
  script
}: Step): Promise<ReadonlyArray<string> | undefined> => {
  const child = start(process.execPath, [...nodeArgs, path.join(root, script), ...args], {
    cwd: root,
    ...(env && { env })
  })
  let tail = ""
  for (const [from, to] of [
    [child.stdout, process.stdout],
    [child.stderr, process.stderr]
  ] as const) {
    from?.on("data", (chunk: Buffer) => {
      to.write(chunk)
      tail = `${tail}${chunk.toString()}`.slice(-4000)
    })
  }
  const code = await new Promise((resolve) => child.once("close", resolve))
  return code === 0 ? undefined : tail.trimEnd().split("\n").slice(-linesKept)
}

const main = async (): Promise<void> => {
  const parsed = parse()
  if (typeof parsed === "string") {
    console.error(`${parsed}\n\n${usage}`)
    process.exitCode = 2
    return
  }
  if (parsed.help) return console.log(usage)
  const { chosen } = parsed
  const lines: Array<string> = []
  const failures: Array<string> = []
  for (const step of chosen) {
    console.log(`\ncheck: ${step.title}`)
    const began = performance.now()
    const failure = await failureOf(step)
    const took = ((performance.now() - began) / 1000).toFixed(1)
    lines.push(`${failure === undefined ? "ok    " : "FAILED"} ${step.title} (${took} s)`)
    if (failure !== undefined)
      failures.push("", `${step.title}: the last lines of its output:`, ...failure.map((line) => `  ${line}`))
  }
  if (failures.length > 0) process.exitCode = 1
  console.log(["", ...lines, ...failures].join("\n"))
}

await main()
