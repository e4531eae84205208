/** Runs in a child process, and measures one candidate of a bench. In each turn, the candidate runs `count` jobs. */
import { performance } from "node:perf_hooks"
import { pathToFileURL } from "node:url"
import { servePeer } from "../interop/peer.ts"
import type { Bench, Measured, Turn } from "./harness.ts"
import { quantile } from "./statistics.ts"

const [file = "", name = "", url = "", folder = ""] = process.argv.slice(2)
const { bench } = (await import(pathToFileURL(file).href)) as { readonly bench: Bench }
const candidate = bench.candidates[name]
if (candidate === undefined) throw new Error(`${file} has no candidate "${name}".`)
const run = await candidate.prepare(url, folder)

servePeer(async (turn: Turn): Promise<Measured> => {
  const cpuBefore = process.cpuUsage()
  const began = performance.now()
  const outcome = await run(turn)
  const seconds = (performance.now() - began) / 1000
  const { system, user } = process.cpuUsage(cpuBefore)
  const { jobs = { seconds, cpuMicros: system + user }, latencies, notes = {} } = outcome ?? {}
  const ofLatencies = latencies && { "median ms": quantile(latencies, 0.5), "p99 ms": quantile(latencies, 0.99) }
  return {
    perSecond: turn.count / jobs.seconds,
    cpuMicros: jobs.cpuMicros / turn.count,
    notes: { ...notes, ...ofLatencies }
  }
})
