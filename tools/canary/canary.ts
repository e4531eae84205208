/** Runs a program in a new folder, and searches the program's output and files for secrets. */
import { fork } from "node:child_process"
import * as fs from "node:fs"
import * as os from "node:os"
import * as path from "node:path"
import { fileURLToPath } from "node:url"
import { Canary } from "@auth/broker-core/testing"
import * as Effect from "effect/Effect"

export interface Run {
  /** Exit code, or `null` if a signal ended the program. */
  readonly code: number | null
  /** Standard output and standard error. */
  readonly output: string
  /** The secrets that the program reported with `tell`: see `program.ts`. */
  readonly told: ReadonlyArray<string>
  /** All files in the program's folder, which is also the program's home and temporary directory. */
  readonly files: ReadonlyArray<readonly [name: string, text: string]>
}

const filesBelow = (folder: string): Run["files"] =>
  fs
    .readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => path.join(entry.parentPath, entry.name))
    .map((file) => [path.relative(folder, file), fs.readFileSync(file, "utf8")] as const)

export const run = async (program: URL, ...args: ReadonlyArray<string>): Promise<Run> => {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "canary-"))
  const told: Array<string> = []
  let output = ""
  const child = fork(fileURLToPath(program), args, {
    cwd: folder,
    env: { PATH: process.env["PATH"], HOME: folder, TMPDIR: folder },
    execArgv: ["--conditions=@auth/source"],
    silent: true
  })
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding("utf8").on("data", (text: string) => (output += text))
  }
  child.on("message", (secret) => {
    if (typeof secret === "string") told.push(secret)
  })
  const code = await new Promise<number | null>((resolve) => child.on("close", resolve))
  const files = filesBelow(folder)
  fs.rmSync(folder, { recursive: true })
  return { code, output, told, files }
}

/** Decodes all percent-encoding, even of letters, such as `%4F`. */
const decoded = (text: string, encoding: "utf8" | "latin1"): string =>
  text.replace(/(?:%[0-9a-f]{2})+/gi, (bytes) => Buffer.from(bytes.replaceAll("%", ""), "hex").toString(encoding))

export const leaks = ({ files, output }: Run, secrets: Iterable<string>): ReadonlyArray<string> => {
  const net = Effect.runSync(Canary.make)
  // A file name can contain a secret.
  for (const shown of [`output: ${output}`, ...files.map(([name, text]) => `file ${name}: ${text}`)]) {
    net.add("shown", shown)
    net.add("decoded", decoded(shown, "utf8"))
    net.add("decoded", decoded(shown, "latin1"))
  }
  return Canary.leaks(net, secrets)
}
