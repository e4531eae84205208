import type * as stream from "node:stream"
import { ended, start } from "../packages/process.ts"

/**
 * Time limit for one check, in milliseconds. Each cell of the tables in `docs/runtimes.md` shows one check. With two
 * free cores, a check of a runtime takes less than 20 seconds. On a busy machine, a check can take several times as
 * long.
 */
export const cellLimit = 180_000

export interface Options {
  readonly cwd: string
  readonly env?: Readonly<Record<string, string>>
  readonly input?: string
  /** Time limit in milliseconds. Default: `cellLimit`. */
  readonly limit?: number
}

export const outputOf = async (
  command: string,
  args: ReadonlyArray<string>,
  { cwd, env, input = "", limit = cellLimit }: Options
): Promise<string> => {
  const child = start(command, args, { cwd, input: true, ...(env && { env }) })
  const stdin: stream.Writable | null = child.stdin
  // The write fails if the program ends before it has read its input. The exit code shows whether the program failed.
  stdin?.once("error", () => undefined).end(input)
  const { end, isLate, stderr, stdout } = await ended(child, limit)
  if (end === 0 && !isLate) return stdout
  const why = isLate ? `did not end within ${limit / 1000} s` : `ended with ${end}`
  throw new Error(`The program ${why}.\n${stdout}${stderr}`.trim())
}

export const within = async <A>(work: Promise<A>, limit = cellLimit): Promise<A> => {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`The check took longer than ${limit / 1000} s.`)), limit)
  })
  return Promise.race([work, late]).finally(() => clearTimeout(timer))
}
