/**
 * Runs a bundle in a Cloudflare worker without Node compatibility: `worker.ts <Miniflare's main module> <bundle>`.
 * Sends standard input to the worker, and prints the answer.
 */
import * as fs from "node:fs"
import process from "node:process"
import { text } from "node:stream/consumers"
import { pathToFileURL } from "node:url"

interface Miniflare {
  readonly dispatchFetch: (url: string, init: RequestInit) => Promise<Response>
  readonly dispose: () => Promise<void>
}

interface Module {
  readonly Miniflare: new (options: object) => Miniflare
}

const [library = "", bundle = ""] = process.argv.slice(2)
const { Miniflare } = (await import(pathToFileURL(library).href)) as Module
const worker = new Miniflare({
  modules: true,
  script: fs.readFileSync(bundle, "utf8"),
  compatibilityDate: "2026-01-01",
  cf: false
})
try {
  const answer = await worker.dispatchFetch("http://worker", { method: "POST", body: await text(process.stdin) })
  const body = await answer.text()
  if (answer.ok) console.log(body)
  else {
    console.error(body)
    process.exitCode = 1
  }
} finally {
  await worker.dispose()
}
