/** Makes the Markdown tables that several documents share. */
import { type Broker, capabilities, type Method, type Renewal } from "@auth/broker-core/broker/Broker"
import * as Duration from "effect/Duration"

export interface Package {
  readonly name: string
  readonly folder: string
  readonly broker: Broker
}

export const table = (rows: ReadonlyArray<ReadonlyArray<string>>): string => {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(3, ...rows.map((row) => row[column]?.length ?? 0)))
  const line = (cells: ReadonlyArray<string>) =>
    `| ${cells.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(" | ")} |`
  const [head = [], ...body] = rows
  return [line(head), line(widths.map((width) => "-".repeat(width))), ...body.map(line)].join("\n")
}

export const servicesOf = (method: Method): string =>
  capabilities.filter((capability) => method.capabilities.includes(capability)).join(", ")

interface VariableUse {
  readonly description: string
  readonly layer: string
  readonly optional?: boolean | undefined
}

const unique = (values: ReadonlyArray<string>): ReadonlyArray<string> => Array.from(new Set(values))

const describeVariable = (uses: ReadonlyArray<VariableUse>): string => {
  const descriptions = unique(uses.map(({ description }) => description))
  if (descriptions.length === 1) return descriptions.join("")
  const layersOf = (description: string) =>
    unique(uses.filter((use) => use.description === description).map(({ layer }) => layer)).join(", ")
  return descriptions.map((description) => `${layersOf(description)}: ${description}`).join(". ")
}

const optionalNote = (uses: ReadonlyArray<VariableUse>): string => {
  const layers = unique(uses.map(({ layer }) => layer))
  const optional = layers.filter((layer) => uses.every((use) => use.layer !== layer || use.optional))
  if (optional.length === 0) return ""
  return optional.length === layers.length ? "Optional. " : `Optional for ${optional.join(", ")}. `
}

const variableTable = ({ broker }: Package): string => {
  const rows = broker.methods.flatMap((method) =>
    Object.values(method.credentials).map((field) => ({ ...field, layer: method.layer }))
  )
  const variables = unique(rows.map(({ env }) => env))
  return table([
    ["variable", "layers", "secret", "description"],
    ...variables.map((env) => {
      const uses = rows.filter((row) => row.env === env)
      return [
        `\`${env}\``,
        unique(uses.map(({ layer }) => layer)).join(", "),
        uses.some(({ secret }) => secret) ? "yes" : "no",
        `${optionalNote(uses)}${describeVariable(uses)}`
      ]
    })
  ])
}

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

export const environmentTable = (entry: Package): string => `${variableTable(entry)}\n\n${quotesNote(entry)}`

const waysOf = ({ by, needs }: Renewal): string => {
  if (by.length === 0) return "a person"
  const login = needs === undefined ? "login" : `login, with ${needs}`
  return by.map((way) => (way === "login" ? login : way)).join("; otherwise ")
}

export const spanOf = (span: Duration.Input): string =>
  typeof span === "string" ? span : Duration.format(Duration.fromInputUnsafe(span))

export const renewalTable = ({ broker }: Package): string => {
  const rows = broker.methods.flatMap(({ layer, renewal }) =>
    renewal === undefined
      ? []
      : [
          [
            `\`${layer}\``,
            waysOf(renewal),
            renewal.when,
            renewal.early === undefined ? "" : spanOf(renewal.early),
            renewal.by.includes("login") ? `${renewal.maxFailures} failed logins in ${spanOf(renewal.window)}` : "",
            renewal.by.includes("login") ? renewal.source : ""
          ]
        ]
  )
  const different = new Map(rows.map((row) => [row.join("|"), row]))
  return table([
    ["layer", "renewed by", "when", "how long before expiry", "stops after", "reason for this limit"],
    ...different.values()
  ])
}

export const assumptionTable = ({ broker }: Package): string =>
  table([
    ["assumption", "confidence", "option that changes it", "as of"],
    ...broker.assumptions.map(({ asOf, confidence, option, text }) => [text, confidence, option, asOf])
  ])

export const fill = (document: string, section: string, content: string): string =>
  document.replace(
    new RegExp(`(<!-- ${section}:begin -->)[\\s\\S]*?(<!-- ${section}:end -->)`),
    (_, begin: string, end: string) => `${begin}\n\n${content}\n\n${end}`
  )
