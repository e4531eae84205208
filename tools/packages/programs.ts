/** Runs the programs of the READMEs with the packages that are installed in a folder. */
import * as fs from "node:fs"
import * as path from "node:path"
import { type Example, extract } from "../docs/examples.ts"
import { ended, start } from "./process.ts"
import { root } from "./workspace.ts"

/** In milliseconds. On a busy machine, a program took more than 20 seconds. */
const timeout = 60_000

export const runsSomething = /\brunPromise\b|\bConnections?\.open\(/

/** Suits a machine with two cores. */
const atOnce = 2

/** `file` is absolute, or relative to the root of the repository. */
export const programsOf = (file: string): ReadonlyArray<Example> =>
  extract(file, fs.readFileSync(path.resolve(root, file), "utf8")).filter(({ run }) => run)

/** Returns the problem of the program, if any. Output to standard error is a problem. */
const run = async (folder: string, index: number, nodeArgs: ReadonlyArray<string>): Promise<string | undefined> => {
  const state = path.join(folder, "state", String(index))
  const args = ["--import", `./preload${index}.ts`, ...nodeArgs, `./program${index}.ts`]
  const child = start(process.execPath, args, { cwd: folder, env: { XDG_STATE_HOME: state, NO_COLOR: "1" } })
  const { end, isLate, stderr: errors, stdout: printed } = await ended(child, timeout)
  if (isLate) return `did not end within ${timeout / 1000} seconds\n${printed}${errors}`.trim()
  if (end !== 0) return `ended with ${end}\n${errors}${printed}`.trim()
  return errors === "" ? undefined : `printed to standard error\n${errors}`.trim()
}

/** Returns one problem for each program that fails, or that runs no effect and opens no connection. */
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
      // Empty lines before the code make its line numbers the same as in the README.
      fs.writeFileSync(path.join(folder, `program${index}.ts`), `${"\n".repeat(line - 1)}${code}\n`)
      const named = JSON.stringify(brokers.filter((broker) => code.includes(broker)))
      fs.writeFileSync(
        path.join(folder, `preload${index}.ts`),
        `import { serve } from "./fakes.ts"\n\nawait serve(${named})\n`
      )
      const problem = runsSomething.test(code)
        ? await run(folder, index, nodeArgs)
        : "runs no effect. End the program with Effect.runPromise, or use Connection.open."
      if (problem !== undefined) problems.push(`${file}:${line} ${problem}`)
    }
  }
  await Promise.all(Array.from({ length: atOnce }, work))
  return problems.toSorted()
}
