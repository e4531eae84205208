/**
 * Writes the tables of the READMEs from the brokers' descriptors: `node tools/docs/tables.ts --write`.
 * Without the option, it only lists stale files.
 */
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs"
import { dirname, join } from "node:path"
import { fileURLToPath, pathToFileURL } from "node:url"
import { type Broker, capabilities, type Renewal } from "@auth/broker-core/broker/Broker"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import { brokers as fakes } from "../../packages/simulator/src/internal/brokers.ts"
import * as Reference from "../../packages/simulator/src/internal/reference.ts"

const root = join(dirname(fileURLToPath(import.meta.url)), "../..")

interface Package {
  readonly name: string
  readonly folder: string
  readonly broker: Broker
}

const descriptorOf = (folder: string): string | undefined =>
  readdirSync(join(root, folder, "src")).find((file) => /^[A-Z]\w*Broker\.ts$/.test(file))

/** Brokers in the order in which they were added, not alphabetically: the first one is the model for the others. */
const order = ["angel", "motilal", "rupeezy", "samco", "rmoney", "zerodha"]

const loadPackages = async (): Promise<ReadonlyArray<Package>> => {
  const found: Array<Package> = []
  for (const name of readdirSync(join(root, "packages"))) {
    const folder = `packages/${name}`
    if (name === "core" || !existsSync(join(root, folder, "src"))) continue
    const file = descriptorOf(folder)
    if (file === undefined) continue
    const module = (await import(pathToFileURL(join(root, folder, "src", file)).href)) as { readonly broker: Broker }
    found.push({ name, folder, broker: module.broker })
  }
  const rank = ({ name }: Package) => (order.includes(name) ? order.indexOf(name) : order.length)
  return found.toSorted((left, right) => rank(left) - rank(right) || left.name.localeCompare(right.name))
}

const table = (rows: ReadonlyArray<ReadonlyArray<string>>): string => {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(3, ...rows.map((row) => row[column]?.length ?? 0)))
  const line = (cells: ReadonlyArray<string>) =>
    `| ${cells.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(" | ")} |`
  const [head = [], ...body] = rows
  return [line(head), line(widths.map((width) => "-".repeat(width))), ...body.map(line)].join("\n")
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

/** How quotation marks around a value are treated. */
const quotesNote = ({ broker }: Package): string => {
  const fields = broker.methods.flatMap(({ credentials }) => Object.values(credentials))
  const names = Array.from(new Set(fields.filter(({ freeText }) => freeText).map(({ env }) => env)))
  const removed = "Quotation marks around a value, as `docker --env-file` leaves them, are removed."
  if (names.length === 0) return removed
  const listed = names.map((name) => `\`${name}\``).join(" and ")
  return (
    `${removed} Around ${listed} they are rejected, because they may belong to the value. If they do, set ` +
    `\`BROKER_AUTH_VERBATIM=${names.join(",")}\`, or give \`Credentials.verbatim\` in code.`
  )
}

const environmentTable = (entry: Package): string => `${variableTable(entry)}\n\n${quotesNote(entry)}`

const waysOf = ({ by, needs }: Renewal): string => {
  if (by.length === 0) return "a person"
  const login = needs === undefined ? "login" : `login, with ${needs}`
  return by.map((way) => (way === "login" ? login : way)).join("; else ")
}

/** A length of time: the descriptor's own text, or otherwise a formatted duration. */
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
    ["layer", "renewed by", "when", "ahead of expiry", "refused logins", "reason for the number"],
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

/** The simulator's README, with the data of every broker from its control port. */
const simulatorDocument = (read: (path: string) => string): Document => {
  const path = "packages/simulator/README.md"
  const current = read(path)
  const served = Object.values(fakes).map(({ make }) => Effect.runSync(make))
  const wanted = Reference.tables(served).reduce(
    (text, { head, rows, section }) => fill(text, section, table([head, ...rows])),
    current
  )
  return { path, current, wanted }
}

export interface Document {
  readonly path: string
  readonly current: string
  readonly wanted: string
}

/** Every README with tables: its current and its expected content. */
export const documents = async (): Promise<ReadonlyArray<Document>> => {
  const packages = await loadPackages()
  const read = (path: string) => readFileSync(join(root, path), "utf8")
  const readme = read("README.md")
  return [
    { path: "README.md", current: readme, wanted: fill(readme, "capabilities", capabilityTable(packages)) },
    simulatorDocument(read),
    ...packages.map((entry) => {
      const path = `${entry.folder}/README.md`
      const current = read(path)
      const tables = { environment: environmentTable, renewal: renewalTable, assumptions: assumptionTable }
      const wanted = Object.entries(tables).reduce((text, [section, make]) => fill(text, section, make(entry)), current)
      return { path, current, wanted }
    })
  ]
}

/** The required sections of each README, so that a missing section counts as stale. */
export const sections = (path: string): ReadonlyArray<string> => {
  if (path === "README.md") return ["capabilities"]
  if (path === "packages/simulator/README.md") return ["faults", "journal", "accounts", "limits"]
  return ["environment", "renewal", "assumptions"]
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const write = process.argv.includes("--write")
  const stale = (await documents()).filter(({ current, wanted }) => current !== wanted)
  for (const { path, wanted } of stale) {
    if (write) writeFileSync(join(root, path), wanted)
    console.log(`${path}: ${write ? "written" : "stale"}`)
  }
  if (stale.length === 0) console.log("All tables match the descriptors.")
  process.exitCode = stale.length > 0 && !write ? 1 : 0
}
