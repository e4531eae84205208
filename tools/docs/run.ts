/** Runs the examples that it is given, one after the other, against every fake broker, and writes down what came of it. */
import * as fs from "node:fs"
import * as path from "node:path"
import { pathToFileURL } from "node:url"
import { inspect, isDeepStrictEqual } from "node:util"
import type { Broker } from "@auth/broker-core/broker/Broker"
import type { FakeBroker } from "@auth/broker-core/testing/FakeBroker"
import * as Effect from "effect/Effect"
import { http, passthrough, type HttpHandler } from "msw"
import { setupServer } from "msw/node"
import { packages } from "../packages/workspace.ts"
import type { Outcome } from "./examples.ts"

// The same instant each time, not at the end of a period of TOTP: a login does not wait, and no test flickers.
const behind = Date.now() - Date.UTC(2026, 10, 21, 4)
const now = Date.now
Date.now = () => now() - behind

interface FakeModule {
  readonly make: () => Effect.Effect<FakeBroker>
  readonly demoAccount: Readonly<Record<string, unknown>>
}

/** Every broker's fake, with the environment that lets `layerConfig` find its demonstration account. */
const fakes: Array<FakeBroker> = []
const handlers: Array<HttpHandler> = []
for (const { manifest } of packages().filter(({ manifest: { exports } }) => "./msw" in exports)) {
  const served = (await import(`${manifest.name}/msw`)) as Record<string, unknown>
  const [name, fakeModule] = Object.entries(served).find(([key]) => key.startsWith("Fake")) as [string, FakeModule]
  const fake = Effect.runSync(fakeModule.make())
  fakes.push(fake)
  handlers.push(...(served["handlers"] as (fake: FakeBroker) => ReadonlyArray<HttpHandler>)(fake))
  const { broker } = (await import(`${manifest.name}/${name.replace("Fake", "")}Broker`)) as { readonly broker: Broker }
  for (const { credentials } of broker.methods) {
    for (const [field, { env }] of Object.entries(credentials)) {
      const value = fakeModule.demoAccount[field] ?? fakeModule.demoAccount[`${field}Secret`]
      if (typeof value === "string") process.env[env] ??= value
    }
  }
}

// Not the vault of whoever runs this, nor its key.
process.env["BROKER_AUTH_KEY"] = "00112233".repeat(8)

// The simulator's examples talk to this machine; nothing else may be reached.
const server = setupServer(...handlers, http.all(/^http:\/\/127\.0\.0\.1:/, passthrough))
server.listen({ onUnhandledFrame: "error" })

const difference = (actual: unknown, expected: unknown): string =>
  isDeepStrictEqual(actual, expected) ? "" : `it is ${inspect(actual)}, not ${inspect(expected)}`

// What nobody waited for belongs to the example that was running.
let strays: Array<unknown> = []
process.on("unhandledRejection", (error) => strays.push(error))

let compared: Record<number, string> = {}
let programs: Array<Effect.Effect<unknown, unknown>> = []

Object.assign(globalThis, {
  __same: (actual: unknown, expected: unknown, line: number) => {
    compared[line] ||= difference(actual, expected)
    return actual
  },
  __run: (program: Effect.Effect<unknown, unknown>) => programs.push(program)
})

const within = (millis: number, work: Promise<unknown>) => {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`it did not end within ${millis / 1000} seconds`)), millis)
  })
  return Promise.race([work, late]).finally(() => clearTimeout(timer))
}

const runOne = async (file: string): Promise<Outcome> => {
  compared = {}
  programs = []
  strays = []
  for (const fake of fakes) Effect.runSync(fake.reset)
  process.env["XDG_STATE_HOME"] = path.resolve("state", file)
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
server.close()
fs.writeFileSync(results, JSON.stringify(outcomes))
process.exit(0)
