import { files, start, writeCommands } from "../commands.ts"
import type { Bench, Candidate } from "../harness.ts"

const candidate = (
  title: string,
  program: readonly [string, ...ReadonlyArray<string>],
  options?: { readonly cached?: true; readonly ours?: true }
): Candidate => ({
  title,
  ...(options?.ours && { ours: true }),
  prepare: async (_, folder) => {
    // With --profile, this process has the arguments `--cpu-prof…`. The measured programs get these arguments too.
    const nodeArgs = process.execArgv.filter((arg) => arg.startsWith("--cpu-prof"))
    return async ({ count }) => {
      const total = { seconds: 0, cpuMicros: 0 }
      for (let index = 0; index < count; index++) {
        const { cpuMicros, seconds } = await start(folder, program, { nodeArgs, cached: options?.cached === true })
        total.seconds += seconds
        total.cpuMicros += cpuMicros
      }
      return { jobs: total }
    }
  }
})

const turns = [{ title: "one process after another", concurrency: 1, count: 1 }]

export const bench: Bench = {
  summary: "the command broker-auth, from its start to its end",
  job: "run",
  shows: "time",
  programs: writeCommands,
  onlyByName: true,
  baselines: ["empty", "accounts-unbundled"],
  versions: ["effect", "rolldown"],
  plans: {
    full: { rounds: 31, seconds: 180, warmUp: 2, turns },
    quick: { rounds: 9, seconds: 30, warmUp: 2, turns }
  },
  candidates: {
    empty: candidate("an empty program", [files.empty]),
    help: candidate("the option --help, bundled", [files.bundled, "--help"], { ours: true }),
    "help-unbundled": candidate("the option --help, unbundled", [files.unbundled, "--help"], { ours: true }),
    accounts: candidate("the command accounts, bundled", [files.bundled, "accounts"], { ours: true }),
    "accounts-unbundled": candidate("the command accounts, unbundled", [files.unbundled, "accounts"], { ours: true }),
    "accounts-cached": candidate(
      "the command accounts, bundled, with Node's compile cache",
      [files.bundled, "accounts"],
      {
        ours: true,
        cached: true
      }
    )
  }
}
