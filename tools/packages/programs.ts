/** Runs each program of the READMEs as its own file, with the packages that are installed in a folder. */
import * as fs from "node:fs"
import * as path from "node:path"
import { type Example, extract } from "../docs/examples.ts"
import { start, stop } from "./process.ts"
import { root } from "./workspace.ts"

/** Milliseconds. */
const timeout = 20_000

/** Number of programs that a small machine runs at once without slowing each down. */
const atOnce = 2

/** The programs of a README, by its path from the root: its blocks of `ts` without `no-run`. */
export const programsOf = (file: string): ReadonlyArray<Example> =>
  extract(file, fs.readFileSync(path.join(root, file), "utf8")).filter(({ run }) => run)

/** Runs a file to its end. Returns the problem, or `undefined` if there is none. */
const run = async (folder: string, index: number, nodeArgs: ReadonlyArray<string>): Promise<string | undefined> => {
  const state = path.join(folder, "state", String(index))
  const args = ["--import", `./preload${index}.ts`, ...nodeArgs, `./program${index}.ts`]
  const child = start(process.execPath, args, { cwd: folder, env: { XDG_STATE_HOME: state, NO_COLOR: "1" } })
  let printed = ""
  let complained = ""
  child.stdout?.on("data", (chunk: Buffer) => (printed += chunk.toString()))
  child.stderr?.on("data", (chunk: Buffer) => (complained += chunk.toString()))
  let isLate = false
  const timer = setTimeout(() => {
    isLate = true
    void stop(child)
  }, timeout)
  const code = await new Promise<number | string>((resolve, reject) => {
    child.once("error", reject)
    child.once("close", (exit, signal) => resolve(exit ?? signal ?? "unknown"))
  })
  clearTimeout(timer)
  if (isLate) return `did not end within ${timeout / 1000} seconds\n${printed}${complained}`.trim()
  if (code !== 0) return `ended with ${code}\n${complained}${printed}`.trim()
  return complained === "" ? undefined : `complained\n${complained}`.trim()
}

/**
 * Runs each program in `folder`, where the packages are installed, against the fakes of `brokers`. Returns the
 * problems: `file:line` and how the program ended. A block that runs no effect is not a program.
 */
export const runPrograms = async (
  folder: string,
  programs: ReadonlyArray<Example>,
  brokers: ReadonlyArray<string>,
  nodeArgs: ReadonlyArray<string> = []
): Promise<ReadonlyArray<string>> => {
  fs.writeFileSync(path.join(folder, "package.json"), JSON.stringify({ private: true, type: "module" }))
  fs.copyFileSync(path.join(root, "tools/docs/fakes.ts"), path.join(folder, "fakes.ts"))
  const problems: Array<string> = []
  const waiting = [...programs.entries()]
  const work = async (): Promise<void> => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      const [index, { code, file, line }] = next
      // The code of the page with its line numbers, and the fakes of the brokers that it imports.
      fs.writeFileSync(path.join(folder, `program${index}.ts`), `${"\n".repeat(line - 1)}${code}\n`)
      const named = JSON.stringify(brokers.filter((broker) => code.includes(broker)))
      fs.writeFileSync(
        path.join(folder, `preload${index}.ts`),
        `import { serve } from "./fakes.ts"\n\nawait serve(${named})\n`
      )
      const problem = /\brunPromise\b/.test(code)
        ? await run(folder, index, nodeArgs)
        : "runs nothing: end it with Effect.runPromise"
      if (problem !== undefined) problems.push(`${file}:${line} ${problem}`)
    }
  }
  await Promise.all(Array.from({ length: atOnce }, work))
  return problems.toSorted()
}
