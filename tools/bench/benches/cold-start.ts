/** Measures the time from the start of a process to its first login. */
import { spawn } from "node:child_process"
import * as path from "node:path"
import { fileURLToPath } from "node:url"
import type { Bench, Candidate } from "../harness.ts"
import { files, writePrograms } from "../programs.ts"

interface Job {
  readonly seconds: number
  readonly cpuMicros: number
}

const start = (args: ReadonlyArray<string>, cache: string | undefined): Promise<Job> =>
  new Promise((resolve, reject) => {
    const { NODE_COMPILE_CACHE: _, ...env } = process.env
    let seconds = 0
    let printed = ""
    let errors = ""
    const began = performance.now()
    const child = spawn(process.execPath, args, {
      env: cache === undefined ? env : { ...env, NODE_COMPILE_CACHE: cache },
      stdio: ["ignore", "pipe", "pipe"]
    })
    child.stdout.on("data", (chunk: Buffer) => {
      seconds = (performance.now() - began) / 1000
      printed += chunk.toString()
    })
    child.stderr.on("data", (chunk: Buffer) => (errors += chunk.toString()))
    child.once("error", reject)
    child.once("close", (exit, signal) => {
      if (exit === 0 && printed !== "") resolve({ seconds, cpuMicros: Number(printed) })
      else reject(new Error(`${args.join(" ")} ended with ${exit ?? signal}\n${errors}`))
    })
  })

const candidate = (
  title: string,
  file: string,
  options?: { readonly nodeArgs?: ReadonlyArray<string>; readonly cached?: true; readonly ours?: true }
): Candidate => ({
  title,
  ...(options?.ours && { ours: true }),
  prepare: async (url, folder) => {
    // With the option --profile, this process has the arguments `--cpu-prof…`. Each program gets these arguments too.
    const profiling = process.execArgv.filter((arg) => arg.startsWith("--cpu-prof"))
    const args = [...profiling, ...(options?.nodeArgs ?? []), path.join(folder, file), url]
    const cache = options?.cached && path.join(folder, "cache")
    return async ({ count }) => {
      const total = { seconds: 0, cpuMicros: 0 }
      for (let index = 0; index < count; index++) {
        const { cpuMicros, seconds } = await start(args, cache)
        total.seconds += seconds
        total.cpuMicros += cpuMicros
      }
      return { jobs: total }
    }
  }
})

const stub = path.join(path.dirname(fileURLToPath(import.meta.url)), "../../interop/public-ip-stub.cjs")

const turns = [{ title: "one process after another", concurrency: 1, count: 1 }]

export const bench: Bench = {
  summary: "from the start of a process to its first login at Angel One",
  job: "start",
  shows: "time",
  answer: { delay: 0 },
  programs: writePrograms,
  baselines: ["smartapi-javascript", "node"],
  versions: ["effect", "smartapi-javascript", "axios", "vite"],
  plans: {
    full: { rounds: 31, seconds: 75, warmUp: 3, turns },
    quick: { rounds: 9, seconds: 30, warmUp: 2, turns }
  },
  candidates: {
    "smartapi-javascript": candidate("smartapi-javascript", files["smartapi-javascript"], {
      nodeArgs: ["--require", stub]
    }),
    node: candidate("node:http, JSON.parse", files.node),
    fetch: candidate("fetch, response.json()", files.fetch),
    ours: candidate("ours, from node_modules", files.ours, { ours: true }),
    "ours-node": candidate("ours on NodeHttpClient, from node_modules", files["ours-node"], { ours: true }),
    "ours-bundled": candidate("ours, bundled", files.bundle, { ours: true }),
    "ours-bundled-cached": candidate("ours, bundled, with Node's compile cache", files.bundle, {
      ours: true,
      cached: true
    })
  }
}
