/**
 * `npm run interop`: runs the brokers' official SDKs from npm, without changes, against the fake brokers. Each scenario
 * expects the SDK's behavior with the real broker, including known faults of the SDK. If the SDK behaves differently,
 * the fake differs from the broker.
 */
import * as fs from "node:fs/promises"
import * as path from "node:path"
import { fileURLToPath, pathToFileURL } from "node:url"
import { parseArgs } from "node:util"
import { endPeersWithUs, makeScratch, type Peer, startPeer, stopPeers } from "./peer.ts"
import type { Client, Scenario, Sdk, Workbench } from "./sdk.ts"
import { type Simulator, startSimulator } from "./simulator.ts"

const usage = `Usage: npm run interop

Runs the brokers' official SDKs from npm, without changes, against the fake brokers. The run fails if an SDK
behaves differently than with the real broker.

Options:
  --help   prints this text`

const parse = (): { readonly help: boolean } => {
  try {
    return parseArgs({ options: { help: { type: "boolean", short: "h", default: false } } }).values
  } catch (error) {
    console.error(`${error instanceof Error ? error.message : String(error)}\n\n${usage}`)
    return process.exit(2)
  }
}

const here = path.dirname(fileURLToPath(import.meta.url))
const folder = path.join(here, "sdks")

/** Time limit of a scenario, in milliseconds. */
const scenarioLimit = 60_000
/** Time limit of a call to an SDK, in milliseconds. */
const callLimit = 15_000

interface Row {
  readonly passed: boolean
  readonly title: string
  readonly detail: string
}

const within = async <A>(limit: number, work: Promise<A>): Promise<A> => {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`The scenario took longer than ${limit / 1000} s.`)), limit)
  })
  return Promise.race([work, late]).finally(() => clearTimeout(timer))
}

const runScenario = async (
  file: string,
  sdk: Sdk,
  scenario: Scenario,
  simulator: Simulator,
  scratch: string
): Promise<Row> => {
  const peers: Array<Peer> = []
  const start = async (script: string, options?: Partial<Parameters<typeof startPeer>[1]>): Promise<Peer> => {
    const peer = await startPeer(path.join(here, script), { cwd: scratch, ...options })
    peers.push(peer)
    return peer
  }
  const workbench: Workbench = {
    simulator,
    folder: scratch,
    start: (script) => start(script),
    open: async (options): Promise<Client> => {
      const nodeArgs = sdk.preload.flatMap((script) => ["--require", script])
      const peer = await start("client.ts", { args: [file], nodeArgs })
      await peer.call({ open: options }, callLimit)
      return { call: (method, ...args) => peer.call({ method, args }, callLimit) }
    }
  }
  try {
    await simulator.reset()
    const detail = await within(scenarioLimit, scenario.run(workbench))
    return { passed: true, title: scenario.title, detail }
  } catch (error) {
    return { passed: false, title: scenario.title, detail: error instanceof Error ? error.message : String(error) }
  } finally {
    await Promise.all(peers.map((peer) => peer.stop()))
  }
}

const checkVersion = async (sdk: Sdk): Promise<Row> => {
  const manifest = path.join(here, "../../node_modules", sdk.name, "package.json")
  const { version } = JSON.parse(await fs.readFile(manifest, "utf8")) as { readonly version: string }
  return { passed: version === sdk.version, title: "has the expected version", detail: version }
}

const print = ({ detail, passed, title }: Row): void => {
  const [first = "", ...others] = detail.split("\n")
  console.log(`${passed ? "ok     " : "FAILED "} ${title.padEnd(40)} ${first}`)
  for (const line of others) console.log(`        ${line}`)
}

const runAll = async (): Promise<ReadonlyArray<Row>> => {
  const files = (await fs.readdir(folder)).filter((file) => file.endsWith(".ts")).toSorted()
  const scratch = makeScratch("interop")
  const simulator = await startSimulator()
  const rows: Array<Row> = []
  const add = (row: Row) => {
    rows.push(row)
    print(row)
  }
  for (const name of files) {
    const file = path.join(folder, name)
    const { sdk } = (await import(pathToFileURL(file).href)) as { readonly sdk: Sdk }
    console.log(`\n${sdk.name} ${sdk.version}`)
    add(await checkVersion(sdk))
    for (const scenario of sdk.scenarios) {
      add(await runScenario(file, sdk, scenario, simulator, await fs.mkdtemp(path.join(scratch, "scenario-"))))
    }
  }
  return rows
}

if (parse().help) {
  console.log(usage)
  process.exit(0)
}
endPeersWithUs()
try {
  const rows = await runAll()
  const passed = rows.filter((row) => row.passed).length
  process.exitCode = rows.length > 0 && passed === rows.length ? 0 : 1
  console.log(`\ninterop: ${passed} passed, ${rows.length - passed} failed`)
} catch (error) {
  process.exitCode = 1
  console.error(error)
} finally {
  await stopPeers()
}
