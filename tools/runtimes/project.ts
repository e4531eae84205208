/** Makes a project like that of a user: programs, and our packages installed from tarballs. */
import * as Effect from "effect/Effect"
import * as fs from "node:fs"
import * as path from "node:path"
import * as brokers from "../../packages/cli/src/internal/brokers.ts"
import { type Way, ways } from "../../packages/cli/test/ways.ts"
import { runNpm, runTool } from "../packages/process.ts"
import { fromRoot, pack, specifiers } from "../packages/tarballs.ts"
import { type Package, packages, root } from "../packages/workspace.ts"

export interface Project {
  readonly folder: string
  /** The modules that a user can import from a package, except those for tests. */
  readonly modules: (name: string) => ReadonlyArray<string>
  readonly version: (name: string) => string
  /** The module that exports `layerConfig`, such as `@auth/angel/AngelAuth`. */
  readonly layer: (way: Way) => string
  /** The text of a TypeScript program that uses core, each broker and `@auth/node`. */
  readonly typed: () => string
}

export const firstWays: ReadonlyArray<Way> = ways.filter(
  ({ broker }, index) => ways.findIndex((other) => other.broker === broker) === index
)

const isForTests = (specifier: string): boolean => /\/(?:testing|msw)(?:\/|$)/.test(specifier)

/** Optional packages: if they are installed, our packages use them. */
const optional = ["@napi-rs/keyring", "open"]

export const layerOf = async ({ broker, method }: Way): Promise<string> => {
  const { methods } = await Effect.runPromise(brokers.loadBroker(broker))
  return `@auth/${broker}/${methods.find(({ id }) => id === method)?.layer}`
}

const program = (modules: ReadonlyArray<string>, imports: string, use: string): string => `${imports}
${modules.map((specifier, index) => `import * as n${index} from "${specifier}"`).join("\n")}

const modules = [${modules.map((_, index) => `n${index}`).join(", ")}]

export const main = async (job) => {
  await ${use}
  return modules.length
}
`

export const loginProgram = (way: Way, layer: string, modules: ReadonlyArray<string>): string => {
  const logIn = way.page !== undefined ? "logInOnPage" : way.asksCode ? "logInWithCode" : "logIn"
  const imports = `import { layerConfig } from "${layer}"\nimport { ${logIn} } from "./logIn.ts"`
  return program(modules, imports, `${logIn}(layerConfig(), job)`)
}

const typedProgram = (project: Project): string => `import * as Core from "@auth/broker-core"
import * as Node from "@auth/node"
${firstWays.map((way) => `import * as ${way.broker} from "${project.layer(way)}"`).join("\n")}

export const core: Promise<Core.Session.Session> = Core.Connection.open(${firstWays[0]?.broker}.layerConfig()).then(
  (connection) => connection.session()
)
${firstWays
  .map(
    (way) => `
export const ${way.broker}Token = async (): Promise<string> => {
  const connection = await Node.Connection.open(${way.broker}.layerConfig())
  ${way.page === undefined ? "" : "await connection.login()"}
  const session = await connection.session()
  const profile: Core.Session.UserProfile = await connection.profile()
  return profile.name + Node.Connection.reveal(session.tokens.access)
}
`
  )
  .join("")}
// @ts-expect-error The types are checked, and are not \`any\`.
export const wrong: number = core
`

export const copyPrograms = (folder: string): void => {
  const own = path.join(import.meta.dirname, "programs")
  for (const file of fs.readdirSync(own)) fs.copyFileSync(path.join(own, file), path.join(folder, file))
}

export const installedVersion = (folder: string, name: string): string => {
  const manifest = path.join(folder, "node_modules", name, "package.json")
  return (JSON.parse(fs.readFileSync(manifest, "utf8")) as { readonly version: string }).version
}

export const makeProject = async (folder: string): Promise<Project> => {
  const all = packages().filter(({ manifest }) => manifest.private !== true)
  await runTool("typescript/bin/tsc", ["-b", ...all.map((pkg) => pkg.path)], { cwd: root })
  fs.mkdirSync(path.join(folder, "tarballs"), { recursive: true })
  const tarballs: Array<string> = []
  for (const pkg of all) tarballs.push((await pack(pkg, path.join(folder, "tarballs"))).tarball)
  fs.writeFileSync(path.join(folder, "package.json"), JSON.stringify({ private: true, type: "module" }))
  const flags = ["--no-save", "--no-audit", "--no-fund", "--prefer-offline", "--loglevel=error"]
  await runNpm(["install", ...flags, ...tarballs, ...optional.map(fromRoot)], { cwd: folder })

  const named = new Map<string, Package>(all.map((pkg) => [pkg.manifest.name, pkg]))
  const layers = new Map<Way, string>()
  for (const way of ways) layers.set(way, await layerOf(way))
  const project: Project = {
    folder,
    modules: (name) => {
      const found = named.get(name)
      return found === undefined ? [] : specifiers(found).filter((specifier) => !isForTests(specifier))
    },
    version: (name) => installedVersion(folder, name),
    layer: (way) => layers.get(way) ?? "",
    typed: () => typedProgram(project)
  }
  copyPrograms(folder)
  const write = (name: string, text: string) => fs.writeFileSync(path.join(folder, name), text)
  const useCore = 'import { useCore } from "./core.ts"'
  write("program-core.js", program(project.modules("@auth/broker-core"), useCore, "useCore()"))
  const useNode = 'import { useNode } from "./node.ts"'
  write("program-node.js", program(project.modules("@auth/node"), useNode, "useNode(job)"))
  for (const way of firstWays) {
    const modules = project.modules(`@auth/${way.broker}`)
    write(`program-${way.broker}.js`, loginProgram(way, project.layer(way), modules))
  }
  return project
}
