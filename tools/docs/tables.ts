/**
 * `npm run docs:tables`: writes generated text into documents, sources and configuration.
 *
 * - `--write`, which the npm script passes: writes the stale files. Without this option, the program only lists them.
 * - `--wiring`: handles only the files that `wiring.ts` generates, and imports no broker's package.
 */
import { writeFileSync } from "node:fs"
import { join } from "node:path"
import { fileURLToPath, pathToFileURL } from "node:url"
import type { Broker } from "@auth/broker-core/broker/Broker"
import type { FakeBroker } from "@auth/broker-core/testing/FakeBroker"
import * as Effect from "effect/Effect"
import type * as ExitCode from "../../packages/cli/src/ExitCode.ts"
import type * as CommandTable from "../../packages/cli/src/internal/commandTable.ts"
import type * as Endpoints from "../../packages/cli/src/internal/serve/endpoints.ts"
import type * as Problems from "../../packages/cli/src/internal/serve/problems.ts"
import type * as HelpText from "../../packages/cli/src/internal/helpText.ts"
import type * as Brokers from "../../packages/simulator/src/internal/brokers.ts"
import type * as Reference from "../../packages/simulator/src/internal/reference.ts"
import { root } from "../packages/workspace.ts"
import { brokerPage, brokerSections, type Internals, regulationTables } from "./brokerPages.ts"
import { assumptionTable, environmentTable, fill, type Package, renewalTable, servicesOf, table } from "./markdown.ts"
import { type Document, listed, manifestOf, read, wiring } from "./wiring.ts"

/** The import is dynamic, so that generated sources are written before they are imported. */
const modulesOf = (path: string): Promise<unknown> => import(pathToFileURL(join(root, path)).href)

type Tables<Name extends "codes" | "table", Table = Internals[Name extends "codes" ? "codes" : "endpoints"]> = {
  readonly [key in Name]?: Table
} & { readonly make?: () => Table }

const loadPackages = async (): Promise<ReadonlyArray<Package>> => {
  const found: Array<Package> = []
  for (const { id, name } of listed()) {
    const folder = `packages/${id}`
    const { broker } = (await modulesOf(`${folder}/src/${name}Broker.ts`)) as { readonly broker: Broker }
    found.push({ name: id, folder, broker })
  }
  return found
}

const internalsOf = async ({ folder }: Package): Promise<Internals> => {
  const { codes, make: codesOf } = (await modulesOf(`${folder}/src/internal/codes.ts`)) as Tables<"codes">
  const { make: endpointsOf, table: endpoints } = (await modulesOf(
    `${folder}/src/internal/endpoints.ts`
  )) as Tables<"table">
  return { codes: codes ?? codesOf?.() ?? [], endpoints: endpoints ?? endpointsOf?.() ?? {} }
}

const capabilityTable = (packages: ReadonlyArray<Package>): string =>
  table([
    ["broker", "layer", "logs in with", "provides"],
    ...packages.flatMap(({ broker, name }) =>
      broker.methods.map((method, index) => [
        index === 0 ? `[${broker.title}](${name}.md)` : "",
        `\`${method.layer}.layer\``,
        method.title,
        servicesOf(method)
      ])
    )
  ])

const servedTable = (served: ReadonlyArray<FakeBroker>, { descriptorOf }: typeof Brokers): string =>
  table([
    ["broker", "its origins, in the order of their ports", "demo accounts"],
    ...served.map(({ accounts, broker, origins }) => [
      `\`${broker}\``,
      origins.map((origin) => `\`${origin.replace("https://", "")}\``).join(", "),
      accounts.map((account) => `\`${account[descriptorOf(broker)?.accountField ?? ""]}\``).join(", ")
    ])
  ])

const simulatorDocument = async (): Promise<Document> => {
  const path = "packages/simulator/README.md"
  const current = read(path)
  const simulator = (await modulesOf("packages/simulator/src/internal/brokers.ts")) as typeof Brokers
  const reference = (await modulesOf("packages/simulator/src/internal/reference.ts")) as typeof Reference
  const served = Object.values(simulator.brokers).map(({ descriptor }) => Effect.runSync(descriptor.make({})))
  const wanted = reference
    .tables(served)
    .reduce(
      (text, { head, rows, section }) => fill(text, section, table([head, ...rows])),
      fill(current, "brokers", servedTable(served, simulator))
    )
  return { path, current, wanted }
}

const commandDocument = async (): Promise<Document> => {
  const path = "packages/cli/README.md"
  const current = read(path)
  const commands = (await modulesOf("packages/cli/src/internal/commandTable.ts")) as typeof CommandTable
  const help = (await modulesOf("packages/cli/src/internal/helpText.ts")) as typeof HelpText
  const codes = (await modulesOf("packages/cli/src/ExitCode.ts")) as typeof ExitCode
  // A `|` would begin the next cell, even between backticks.
  const rows = commands.table.map((row) => [`\`${help.usageOf(row).replaceAll("|", "\\|")}\``, row.summary])
  const ends = Object.values(codes.table).map(({ code, when }) => [String(code), when])
  const { endpoints } = (await modulesOf("packages/cli/src/internal/serve/endpoints.ts")) as typeof Endpoints
  const { statuses } = (await modulesOf("packages/cli/src/internal/serve/problems.ts")) as typeof Problems
  const paths = Object.values(endpoints).map((row) => [`\`${row.method} ${row.path}\``, row.summary])
  const reasonsWith = (status: number) => Object.keys(statuses).filter((reason) => statuses[reason] === status)
  const answers = Array.from(new Set(Object.values(statuses)))
    .toSorted((one, other) => one - other)
    .map((status) => [
      String(status),
      reasonsWith(status)
        .map((reason) => `\`${reason}\``)
        .join(", ")
    ])
  const tables = {
    commands: table([["command", "what it does"], ...rows]),
    endpoints: table([["endpoint", "answer"], ...paths]),
    statuses: table([["status", "`reason`"], ...answers]),
    "exit-codes": table([["exit code", "when"], ...ends])
  }
  const wanted = Object.entries(tables).reduce((text, [section, made]) => fill(text, section, made), current)
  return { path, current, wanted }
}

const helpDocument = async (): Promise<Document> => {
  const path = "docs/broker-auth.md"
  const current = read(path)
  const { table: rows } = (await modulesOf("packages/cli/src/internal/commandTable.ts")) as typeof CommandTable
  const { helpFor } = (await modulesOf("packages/cli/src/internal/helpText.ts")) as typeof HelpText
  const pages = rows.map(({ name }) => `## ${name}\n\n\`\`\`\n${helpFor(name.split(" "), 100)}\n\`\`\``)
  return { path, current, wanted: fill(current, "help", pages.join("\n\n")) }
}

const brokerTable = (packages: ReadonlyArray<Package>): string =>
  table([
    ["broker", "ways to log in", "layers that renew sessions without a person"],
    ...packages.map(({ broker, name }) => {
      const methods = broker.methods.filter(({ renewal }) => renewal !== undefined)
      const renewed = methods.filter(({ renewal }) => renewal?.by.length !== 0)
      return [
        `[${broker.title}](docs/brokers/${name}.md)`,
        Array.from(new Set(methods.map(({ title }) => title))).join("; "),
        Array.from(new Set(renewed.map(({ layer }) => `\`${layer}\``))).join(", ")
      ]
    })
  ])

const packageRow = (folder: string) => {
  const { description, name } = manifestOf(folder)
  return [`[\`${name}\`](../packages/${folder}/README.md)`, description.replace(", written with Effect", "")]
}

const packageTable = (packages: ReadonlyArray<Package>): string =>
  table([
    ["package", "description"],
    ...["core", "node", ...packages.map(({ name }) => name), "simulator", "cli"].map(packageRow)
  ])

const layerTable = (packages: ReadonlyArray<Package>): string =>
  table([
    ["broker", "package", "layer, and how it logs in"],
    ...packages.map(({ broker, name }) => [
      broker.title,
      `\`${manifestOf(name).name}\``,
      Array.from(new Set(broker.methods.map(({ layer }) => layer)), (layer) => {
        const titles = broker.methods.filter((method) => method.layer === layer).map(({ title }) => title)
        return `\`${layer}\` (${titles.join("; ")})`
      }).join(", ")
    ])
  ])

const guides = (packages: ReadonlyArray<Package>): ReadonlyArray<Document> => {
  const readme = read("README.md")
  const agents = read("AGENTS.md")
  return [
    {
      path: "README.md",
      current: readme,
      wanted: fill(readme, "brokers", brokerTable(packages))
    },
    { path: "AGENTS.md", current: agents, wanted: fill(agents, "brokers", layerTable(packages)) }
  ]
}

const siteDocuments = async (packages: ReadonlyArray<Package>): Promise<ReadonlyArray<Document>> => {
  const filled = (path: string, tables: Readonly<Record<string, string>>): Document => {
    const current = read(path)
    return { path, current, wanted: Object.entries(tables).reduce((text, [id, made]) => fill(text, id, made), current) }
  }
  const pages: Array<Document> = []
  for (const entry of packages) pages.push(brokerPage(entry, await internalsOf(entry)))
  return [
    ...pages,
    filled("docs/brokers/index.md", { capabilities: capabilityTable(packages) }),
    filled("docs/regulation.md", regulationTables(packages)),
    filled("docs/packages.md", { packages: packageTable(packages) })
  ]
}

export const documents = async (): Promise<ReadonlyArray<Document>> => {
  const packages = await loadPackages()
  return [
    ...guides(packages),
    ...(await siteDocuments(packages)),
    await simulatorDocument(),
    await commandDocument(),
    await helpDocument(),
    ...packages.map((entry) => {
      const path = `${entry.folder}/README.md`
      const current = read(path)
      const tables = { environment: environmentTable, renewal: renewalTable, assumptions: assumptionTable }
      const wanted = Object.entries(tables).reduce((text, [section, make]) => fill(text, section, make(entry)), current)
      return { path, current, wanted }
    })
  ]
}

export const sections = (path: string): ReadonlyArray<string> => {
  if (path === "README.md") return ["brokers"]
  if (path === "docs/brokers/index.md") return ["capabilities"]
  if (path === "docs/regulation.md") return ["static-ip", "daily-logout", "factors", "order-rate"]
  if (path === "docs/packages.md") return ["packages"]
  if (path.startsWith("docs/brokers/")) return brokerSections
  if (path === "AGENTS.md") return ["brokers"]
  if (path === "packages/simulator/README.md") return ["brokers", "faults", "journal", "accounts", "limits"]
  if (path === "packages/cli/README.md") return ["commands", "endpoints", "statuses", "exit-codes"]
  if (path === "docs/broker-auth.md") return ["help"]
  return ["environment", "renewal", "assumptions"]
}

const settle = (all: ReadonlyArray<Document>, write: boolean): number => {
  const stale = all.filter(({ current, wanted }) => current !== wanted)
  for (const { path, wanted } of stale) {
    if (write) writeFileSync(join(root, path), wanted)
    console.log(`${path}: ${write ? "written" : "stale"}`)
  }
  return stale.length
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const write = process.argv.includes("--write")
  const stale = settle(wiring(), write) + (process.argv.includes("--wiring") ? 0 : settle(await documents(), write))
  if (stale === 0) console.log("No checked file is stale.")
  process.exitCode = stale > 0 && !write ? 1 : 0
}
