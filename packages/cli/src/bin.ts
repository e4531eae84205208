#!/usr/bin/env node
// `--help` and `--version` load neither `effect` nor core, so they start fast. The exception is `simulate --help`,
// which the simulator prints.
import { readFileSync } from "node:fs"
import process from "node:process"
import * as ExitCode from "./ExitCode.ts"
import { helpFor, program, rowOf } from "./internal/helpText.ts"

const args = process.argv.slice(2)
const end = args.indexOf("--")
const own = end === -1 ? args : args.slice(0, end)
const words = own.filter((word) => !word.startsWith("-"))
const width = process.stdout.isTTY ? Math.max(24, process.stdout.columns || 80) : 100

const print = (text: string): void => void process.stdout.write(`${text}\n`)

process.stdout.on("error", ({ code = "unknown" }: NodeJS.ErrnoException) => {
  // A reader such as `head` may close the pipe early.
  if (code === "EPIPE") process.exit(ExitCode.table.ok.code)
  process.stderr.write(`${program}: standard output cannot be written (${code}).\n`)
  process.exit(ExitCode.table.output.code)
})
// If standard error cannot be written, for example on a full disk, a login or a server continues.
process.stderr.on("error", () => undefined)

const isHelp = own.includes("--help") || own.includes("-h") || own.length === 0 || words[0] === "help"
if (isHelp && rowOf(words)?.name !== "simulate") {
  print(helpFor(words[0] === "help" ? words.slice(1) : words, width))
} else if (own.length === 1 && own[0] === "--version") {
  // The relative path to `package.json` differs between the source and the bundle.
  const manifest = readFileSync(new URL(import.meta.resolve("@auth/cli/package.json")), "utf8")
  print(`${program} ${(JSON.parse(manifest) as { readonly version: string }).version}`)
} else {
  void import("./internal/main.ts").then(({ run }) => run(args))
}
