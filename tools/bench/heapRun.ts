/** Runs `heapProgram.ts`. The program repeats one job in several rounds. */
import * as path from "node:path"
import { fileURLToPath } from "node:url"
import { startPeer } from "../interop/peer.ts"
import { ended, start } from "../packages/process.ts"

const here = path.dirname(fileURLToPath(import.meta.url))

export type Job = "accounts" | "cycles" | "logins"

export interface Left {
  /** The growth of the heap in each round, in bytes, without machine code and bytecode. */
  readonly growth: ReadonlyArray<number>
  /** The kinds of the handles that the job left open. */
  readonly handles: ReadonlyArray<string>
}

/** The server ends with this process, or when `stopPeers` is called. */
export const startServer = async (cwd: string): Promise<string> => {
  const server = await startPeer(path.join(here, "server.ts"), { cwd, args: ["0"] })
  return (await server.call<{ readonly url: string }>("address")).url
}

export const runHeap = async (url: string, job: Job, count: number): Promise<Left> => {
  const limit = 120_000 + count * 30
  // Without `--no-flush-bytecode`, V8 drops the bytecode of idle functions, and the heap shrinks.
  const args = [
    "--no-flush-bytecode",
    "--conditions=@auth/source",
    path.join(here, "heapProgram.ts"),
    url,
    job,
    String(count)
  ]
  const { end, isLate, printed, stdout } = await ended(start(process.execPath, args, { cwd: here }), limit)
  if (isLate) throw new Error(`The program did not end by itself within ${limit / 1000} s.\n${printed}`)
  if (end !== 0) throw new Error(`The program ended with ${end}.\n${printed}`)
  return JSON.parse(stdout) as Left
}
