/** Runs examples one after the other against the fake brokers, and writes their results to a file. */
import * as fs from "node:fs"
import * as path from "node:path"
import { pathToFileURL } from "node:url"
import { inspect, isDeepStrictEqual } from "node:util"
import * as Effect from "effect/Effect"
import { packages } from "../packages/workspace.ts"
import type { Outcome } from "./examples.ts"
import { serve } from "./fakes.ts"

const brokers = packages().filter(({ manifest: { exports } }) => "./msw" in exports)
const served = await serve(brokers.map(({ manifest }) => manifest.name))

const difference = (actual: unknown, expected: unknown): string =>
  isDeepStrictEqual(actual, expected) ? "" : `the value is ${inspect(actual)}, not ${inspect(expected)}`

// An unhandled rejection is a problem of the example that is running.
let strays: Array<unknown> = []
process.on("unhandledRejection", (error) => strays.push(error))

// Effect reads environment variables only once. Therefore all examples share one folder for their state.
const state = path.resolve("state")
process.env["XDG_STATE_HOME"] = state

let compared: Record<number, string> = {}
let programs: Array<Effect.Effect<unknown, unknown>> = []

Object.assign(globalThis, {
  __same: (actual: unknown, expected: unknown, line: number) => {
    compared[line] ||= difference(actual, expected)
    return actual
  },
  // In the examples, `__run` replaces `Effect.runPromise`. `runOne` runs the program later.
  // If `__run` ran the program, a `.catch` in the example would hide a failure.
  __run: (program: Effect.Effect<unknown, unknown>) => {
    programs.push(program)
    return new Promise(() => {})
  }
})

const within = (millis: number, work: Promise<unknown>) => {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`The example did not end within ${millis / 1000} seconds.`)), millis)
  })
  return Promise.race([work, late]).finally(() => clearTimeout(timer))
}

const runOne = async (file: string): Promise<Outcome> => {
  compared = {}
  programs = []
  strays = []
  served.reset()
  // After the reset, the fakes would refuse a session that another example has stored.
  fs.rmSync(state, { recursive: true, force: true })
  try {
    await within(10_000, import(pathToFileURL(path.resolve(file)).href))
    for (const program of programs) await within(10_000, Effect.runPromise(program))
    await new Promise((resolve) => setImmediate(resolve))
    if (strays.length > 0) throw strays[0]
    return { compared }
  } catch (error) {
    return { compared, problem: `${error instanceof Error ? error.message : ""}\n${inspect(error, { depth: 4 })}` }
  }
}

const [results = "", ...files] = process.argv.slice(2)
const outcomes: Record<string, Outcome> = {}
for (const file of files) outcomes[file.replace(".ts", "")] = await runOne(file)
served.close()
fs.writeFileSync(results, JSON.stringify(outcomes))
process.exit(0)
