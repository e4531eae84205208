/**
 * Generates parts of READMEs, sources and configuration from the brokers' descriptors and from `packages/brokers.json`:
 * `node tools/docs/tables.ts --write`. Without `--write`, it only lists the stale files. With `--wiring`, it handles
 * only the files that it can generate without an import of a broker's package.
 */
import { writeFileSync } from "node:fs"
import { join } from "node:path"
import { fileURLToPath, pathToFileURL } from "node:url"
import { type Broker, capabilities, type Renewal } from "@auth/broker-core/broker/Broker"
import type { FakeBroker } from "@auth/broker-core/testing/FakeBroker"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as ExitCode from "../../packages/cli/src/ExitCode.ts"
import type * as CommandTable from "../../packages/cli/src/internal/commandTable.ts"
import type * as Endpoints from "../../packages/cli/src/internal/serve/endpoints.ts"
import type * as Problems from "../../packages/cli/src/internal/serve/problems.ts"
import type * as HelpText from "../../packages/cli/src/internal/helpText.ts"
import type * as Brokers from "../../packages/simulator/src/internal/brokers.ts"
import type * as Reference from "../../packages/simulator/src/internal/reference.ts"
import { root } from "../packages/workspace.ts"
import { table } from "./markdown.ts"
import { type Document, listed, manifestOf, read, wiring } from "./wiring.ts"

interface Package {
  readonly name: string
  readonly folder: string
  readonly broker: Broker
}

/** Imports a module at run time, because the simulator's generated sources must be updated before the import. */
const modulesOf = (path: string): Promise<unknown> => import(pathToFileURL(join(root, path)).href)

const loadPackages = async (): Promise<ReadonlyArray<Package>> => {
  const found: Array<Package> = []
  for (const { id, name } of listed()) {
    const folder = `packages/${id}`
    const { broker } = (await modulesOf(`${folder}/src/${name}Broker.ts`)) as { readonly broker: Broker }
    found.push({ name: id, folder, broker })
  }
  return found
}

const capabilityTable = (packages: ReadonlyArray<Package>): string =>
  table([
    ["broker", "layer", "logs in with", "provides"],
    ...packages.flatMap(({ broker, folder }) =>
      broker.methods.map((method, index) => [
        index === 0 ? `[${broker.title}](${folder})` : "",
        `\`${method.layer}.layer\``,
        method.title,
        capabilities.filter((capability) => method.capabilities.includes(capability)).join(", ")
      ])
    )
  ])

const variableTable = ({ broker }: Package): string => {
  const rows = broker.methods.flatMap((method) =>
    Object.values(method.credentials).map((field) => ({ ...field, layer: method.layer }))
  )
  const variables = Array.from(new Set(rows.map(({ env }) => env)))
  return table([
    ["variable", "layers", "secret", "description"],
    ...variables.map((env) => {
      const uses = rows.filter((row) => row.env === env)
      const descriptions = Array.from(new Set(uses.map(({ description }) => description)))
      const optional = uses.every((use) => use.optional) ? " (optional)" : ""
      return [
        `\`${env}\``,
        Array.from(new Set(uses.map(({ layer }) => layer))).join(", "),
        uses.some(({ secret }) => secret) ? "yes" : "no",
        `${descriptions.join("; ")}${optional}`
      ]
    })
  ])
}

/** Says how quotation marks around a value are treated. */
const quotesNote = ({ broker }: Package): string => {
  const fields = broker.methods.flatMap(({ credentials }) => Object.values(credentials))
  const names = Array.from(new Set(fields.filter(({ freeText }) => freeText).map(({ env }) => env)))
  const removed =
    "Quotation marks around a value are removed, because tools such as `docker --env-file` do not remove them."
  if (names.length === 0) return removed
  const listed = names.map((name) => `\`${name}\``).join(" and ")
  return (
    `${removed} Quotation marks around ${listed} are rejected instead, because they may be part of the value. If they are part of the ` +
    `value, set \`BROKER_AUTH_VERBATIM=${names.join(",")}\`, or use \`Credentials.verbatim\` in code.`
  )
}

const environmentTable = (entry: Package): string => `${variableTable(entry)}\n\n${quotesNote(entry)}`

const waysOf = ({ by, needs }: Renewal): string => {
  if (by.length === 0) return "a person"
  const login = needs === undefined ? "login" : `login, with ${needs}`
  return by.map((way) => (way === "login" ? login : way)).join("; otherwise ")
}

/** Formats a duration. If the descriptor has a text such as `1 day`, returns that text. */
const spanOf = (span: Duration.Input): string =>
  typeof span === "string" ? span : Duration.format(Duration.fromInputUnsafe(span))

const renewalTable = ({ broker }: Package): string => {
  const rows = broker.methods.flatMap(({ layer, renewal }) =>
    renewal === undefined
      ? []
      : [
          [
            `\`${layer}\``,
            waysOf(renewal),
            renewal.when,
            renewal.early === undefined ? "" : spanOf(renewal.early),
            renewal.by.includes("login") ? `${renewal.maxFailures} in ${spanOf(renewal.window)}` : "",
            renewal.by.includes("login") ? renewal.source : ""
          ]
        ]
  )
  const different = new Map(rows.map((row) => [row.join("|"), row]))
  return table([
    ["layer", "renewed by", "when", "time before expiry", "allowed refused logins", "reason for this number"],
    ...different.values()
  ])
}

const assumptionTable = ({ broker }: Package): string =>
  table([
    ["assumption", "confidence", "changed by", "as of"],
    ...broker.assumptions.map(({ asOf, confidence, option, text }) => [text, confidence, option, asOf])
  ])

const fill = (document: string, section: string, content: string): string =>
  document.replace(
    new RegExp(`(<!-- ${section}:begin -->)[\\s\\S]*?(<!-- ${section}:end -->)`),
    (_, begin: string, end: string) => `${begin}\n\n${content}\n\n${end}`
  )

const servedTable = (served: ReadonlyArray<FakeBroker>, { descriptorOf }: typeof Brokers): string =>
  table([
    ["broker", "its origins, in the order of their ports", "demo accounts"],
    ...served.map(({ accounts, broker, origins }) => [
      `\`${broker}\``,
      origins.map((origin) => `\`${origin.replace("https://", "")}\``).join(", "),
      accounts.map((account) => `\`${account[descriptorOf(broker)?.accountField ?? ""]}\``).join(", ")
    ])
  ])

/** Returns the simulator's README. Its tables contain the same facts as the answers of the control port. */
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
  // A `|` would begin the next cell, even in code.
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

const numbers = ["No", "One", "Two", "Three", "Four", "Five", "Six", "Seven", "Eight", "Nine", "Ten"]

const listSentence = (packages: ReadonlyArray<Package>): string => {
  const titles = packages.map(({ broker }) => `**${broker.title}**`)
  const count = numbers[titles.length] ?? String(titles.length)
  return `${count} brokers are supported: ${titles.slice(0, -1).join(", ")} and ${titles.at(-1)}.`
}

const packageRow = (folder: string) => {
  const { description, name } = manifestOf(folder)
  return [`[\`${name}\`](packages/${folder})`, description.replace(", written with Effect", "")]
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
  const sections = { brokers: listSentence, capabilities: capabilityTable, packages: packageTable }
  return [
    {
      path: "README.md",
      current: readme,
      wanted: Object.entries(sections).reduce((text, [section, make]) => fill(text, section, make(packages)), readme)
    },
    { path: "AGENTS.md", current: agents, wanted: fill(agents, "brokers", layerTable(packages)) }
  ]
}

/** Returns every Markdown file with generated tables: its current and its expected content. */
export const documents = async (): Promise<ReadonlyArray<Document>> => {
  const packages = await loadPackages()
  return [
    ...guides(packages),
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

/** Returns the names of the generated sections that a Markdown file must contain. */
export const sections = (path: string): ReadonlyArray<string> => {
  if (path === "README.md") return ["brokers", "capabilities", "packages"]
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
  if (stale === 0) console.log("All files match the descriptors and packages/brokers.json.")
  process.exitCode = stale > 0 && !write ? 1 : 0
}
