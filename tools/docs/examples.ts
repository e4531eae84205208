/**
 * Compiles and runs the examples in JSDoc and Markdown.
 *
 * In a `ts` block, `expression // => value` states the value of an expression. The comment can be on the next line. The
 * check compares the stated value with the actual value. A `ts no-run` block is compiled but not run.
 *
 * The check imports an example, and then runs at most one effect of the example. Requests go to the fake brokers.
 *
 * | the example has                                                           | the check then runs          |
 * | ------------------------------------------------------------------------- | ---------------------------- |
 * | a line that starts with `Effect.runPromise` or `await Effect.runPromise`  | the effect of the first call |
 * | no such line, but a constant called `program`                             | `program`                    |
 * | neither                                                                   | no effect                    |
 */
import * as fs from "node:fs"
import * as os from "node:os"
import * as path from "node:path"
import { start } from "../packages/process.ts"
import { files, packages, root } from "../packages/workspace.ts"

export interface Example {
  /** Path relative to the root of the repository. */
  readonly file: string
  /** Line number in `file` where the code starts. */
  readonly line: number
  readonly code: string
  readonly run: boolean
}

export interface Problem {
  /** `file:line` */
  readonly at: string
  readonly text: string
}

export interface Outcome {
  readonly problem?: string
  /**
   * The difference between the stated and the actual value, by line number. The first line has the number 0. If the
   * values are equal, the difference is an empty string.
   */
  readonly compared: Readonly<Record<number, string>>
}

const fence = /^```(\w*)\s*(.*)$/

export const extract = (file: string, text: string): ReadonlyArray<Example> => {
  const isMarkdown = file.endsWith(".md")
  const examples: Array<Example> = []
  let open: { readonly line: number; readonly run: boolean; readonly isTypeScript: boolean } | undefined
  let code: Array<string> = []
  text.split("\n").forEach((whole, index) => {
    const comment = /^\s*\*(?: (.*)|)$/.exec(whole)
    const line = isMarkdown ? whole : comment === null ? undefined : (comment[1] ?? "")
    if (line === undefined) open = undefined
    const mark = line === undefined ? null : fence.exec(line)
    if (mark !== null && open === undefined) {
      open = { line: index + 2, run: mark[2] !== "no-run", isTypeScript: /^(ts|typescript)$/.test(mark[1] ?? "") }
      code = []
    } else if (mark !== null && open !== undefined) {
      if (open.isTypeScript) examples.push({ file, line: open.line, run: open.run, code: code.join("\n") })
      open = undefined
    } else if (open !== undefined) code.push(line ?? "")
  })
  return examples
}

export const collect = (): ReadonlyArray<Example> => {
  const sources = packages().flatMap(({ folder }) =>
    files(path.join(root, "packages", folder, "src"))
      .filter((file) => file.endsWith(".ts"))
      .map((file) => `packages/${folder}/src/${file}`)
  )
  const pages = packages().map(({ folder }) => `packages/${folder}/README.md`)
  const guides = fs.readdirSync(root).filter((file) => file.endsWith(".md"))
  const site = files(path.join(root, "docs"))
    .filter((file) => file.endsWith(".md") && !file.startsWith("decisions/"))
    .map((file) => `docs/${file}`)
  return [...guides, ...site, ...pages, ...sources]
    .filter((file) => fs.existsSync(path.join(root, file)))
    .flatMap((file) => extract(file, fs.readFileSync(path.join(root, file), "utf8")))
}

const expectation = /^(\s*)(return |(?:export )?const \w+ = )?(.*?);?\s*\/\/ => (.+)$/

const compare = (line: string, value: string, index: number): string => {
  const [, indent = "", before = "", expression = ""] =
    /^(\s*)(return |(?:export )?const \w+ = )?(.*?);?\s*$/.exec(line) ?? []
  return `${indent}${before}__same(${expression}, ${value}, ${index})`
}

/**
 * Adds calls of two functions from `run.ts` to the code: `__same` compares a value with the stated value, and `__run`
 * registers the effect to run. The line numbers stay the same.
 */
export const instrument = ({ code }: Example): { readonly code: string; readonly lines: ReadonlyArray<number> } => {
  const lines = code.split("\n")
  const compared: Array<number> = []
  lines.forEach((line, index) => {
    const [, indent = "", before = "", expression = "", value = ""] = expectation.exec(line) ?? []
    if (value === "") return
    // A comment without an expression states the value of the line before it.
    const target = expression === "" ? index - 1 : index
    compared.push(target)
    lines[target] = compare(expression === "" ? (lines[target] ?? "") : indent + before + expression, value, target)
  })
  const runs = /^(?:await )?Effect\.runPromise\(/
  const own = lines.findIndex((line) => runs.test(line))
  if (own !== -1) lines[own] = (lines[own] ?? "").replace(runs, "__run(")
  else if (/^(?:export )?const program\b/m.test(code)) lines.push("__run(program)")
  return { code: lines.join("\n"), lines: compared }
}

const globals = `import type { Effect } from "effect/Effect"
declare global {
  const __same: <A>(actual: A, expected: unknown, line: number) => A
  const __run: (program: Effect<unknown, unknown>) => Promise<void>
}
`

const tsconfig = {
  extends: path.join(root, "tsconfig.base.json"),
  compilerOptions: {
    noEmit: true,
    composite: false,
    declaration: false,
    incremental: false,
    noUnusedLocals: false,
    types: ["node"],
    typeRoots: [path.join(root, "node_modules/@types")]
  },
  include: ["*.ts"]
}

const output = async (args: ReadonlyArray<string>, cwd: string): Promise<string> => {
  const child = start(process.execPath, args, { cwd, env: { NO_COLOR: "1" } })
  let printed = ""
  child.stdout?.on("data", (chunk: Buffer) => (printed += chunk.toString()))
  child.stderr?.on("data", (chunk: Buffer) => (printed += chunk.toString()))
  await new Promise((resolve, reject) => child.once("close", resolve).once("error", reject))
  return printed
}

const compile = async (examples: ReadonlyArray<Example>, folder: string): Promise<ReadonlyArray<Problem>> => {
  const printed = await output([path.join(root, "node_modules/typescript/bin/tsc"), "--pretty", "false"], folder)
  return Array.from(printed.matchAll(/^(\d+)\.ts\((\d+),\d+\): error (.+(?:\n {2,}.+)*)/gm)).map(
    ([, index, line, text]) => {
      const example = examples[Number(index)]
      return { at: `${example?.file}:${(example?.line ?? 0) + Number(line) - 1}`, text: text ?? "" }
    }
  )
}

const run = async (numbers: ReadonlyArray<number>, folder: string): Promise<Readonly<Record<number, Outcome>>> => {
  const results = path.join(folder, "results.json")
  const script = path.join(import.meta.dirname, "run.ts")
  const printed = await output(
    ["--conditions=@auth/source", script, results, ...numbers.map((number) => `${number}.ts`)],
    folder
  )
  if (!fs.existsSync(results)) throw new Error(`The examples could not be run:\n${printed}`)
  return JSON.parse(fs.readFileSync(results, "utf8")) as Readonly<Record<number, Outcome>>
}

const judge = (example: Example, outcome: Outcome | undefined): ReadonlyArray<Problem> => {
  const at = (line: number) => `${example.file}:${example.line + line}`
  if (outcome === undefined) return [{ at: at(0), text: "the example was not run" }]
  const values = instrument(example).lines.flatMap((line) => {
    const found = outcome.compared[line]
    if (found === undefined) return [{ at: at(line), text: "the line was not reached" }]
    return found === "" ? [] : [{ at: at(line), text: found }]
  })
  return outcome.problem === undefined ? values : [{ at: at(0), text: outcome.problem }, ...values]
}

export const check = async (examples: ReadonlyArray<Example>): Promise<ReadonlyArray<Problem>> => {
  const folder = fs.mkdtempSync(path.join(fs.realpathSync(os.tmpdir()), "broker-auth-examples-"))
  // Node does not strip types from files in node_modules. So the examples are in a folder outside node_modules, and
  // import the packages through this link.
  fs.symlinkSync(path.join(root, "node_modules"), path.join(folder, "node_modules"), "junction")
  fs.writeFileSync(path.join(folder, "package.json"), `{"type":"module"}`)
  fs.writeFileSync(path.join(folder, "tsconfig.json"), JSON.stringify(tsconfig))
  fs.writeFileSync(path.join(folder, "globals.d.ts"), globals)
  examples.forEach((example, index) =>
    fs.writeFileSync(path.join(folder, `${index}.ts`), `${instrument(example).code}\nexport {}\n`)
  )
  try {
    const problems = await compile(examples, folder)
    const isSound = ({ code, file, line }: Example) => {
      const end = line + code.split("\n").length
      return !problems.some(({ at }) => {
        const found = Number(at.slice(file.length + 1))
        return at.startsWith(`${file}:`) && found >= line && found <= end
      })
    }
    const numbers = examples.flatMap((example, index) => (example.run && isSound(example) ? [index] : []))
    const outcomes = await run(numbers, folder)
    return [...problems, ...numbers.flatMap((number) => judge(examples[number] as Example, outcomes[number]))]
  } finally {
    fs.rmSync(folder, { recursive: true })
  }
}
