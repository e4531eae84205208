/**
 * Calls `main` of a program on Node, Bun or Deno. Usage: `process.ts ./program.js`. Reads the argument of `main` as
 * JSON from standard input, and prints the result as JSON.
 */
import * as process from "node:process"
import { text } from "node:stream/consumers"

const [file = ""] = process.argv.slice(2)
const { main } = (await import(file)) as { readonly main: (job: unknown) => Promise<unknown> }
console.log(JSON.stringify(await main(JSON.parse(await text(process.stdin)))))
