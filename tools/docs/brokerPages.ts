/**
 * Generates the tables of `docs/regulation.md`, and the parts between markers in `docs/brokers`. The rest of
 * `docs/brokers` is written by hand.
 */
import { existsSync, readdirSync } from "node:fs"
import { join } from "node:path"
import type { Broker, Rule } from "@auth/broker-core/broker/Broker"
import { otherCall } from "@auth/broker-core/broker/BrokerClient"
import type { Endpoint } from "@auth/broker-core/broker/Endpoint"
import type { ErrorRow, Failure } from "@auth/broker-core/broker/ErrorTable"
import { root } from "../packages/workspace.ts"
import {
  assumptionTable,
  environmentTable,
  fill,
  type Package,
  renewalTable,
  servicesOf,
  spanOf,
  table
} from "./markdown.ts"
import { type Document, manifestOf, read } from "./wiring.ts"

export interface Internals {
  readonly endpoints: Readonly<Record<string, Endpoint>>
  readonly codes: ReadonlyArray<ErrorRow>
}

interface Fixture {
  readonly endpoint: string
  readonly source: string
  readonly asOf: string
  readonly confidence: "high" | "medium" | "low"
}

const wayTable = ({ broker }: Package): string =>
  table([
    ["layer", "logs in with", "provides", "a session expires"],
    ...broker.methods.map((method) => [
      `\`${method.layer}.layer\``,
      method.title,
      servicesOf(method),
      method.renewal === undefined ? "" : method.expiry
    ])
  ])

const limitTable = (endpoints: Internals["endpoints"]): string =>
  table([
    ["call", "method and path", "this package sends at most", "sent again after a lost connection"],
    ...Object.values(endpoints).map(({ limits, method, name, path, safe }) => [
      `\`${name}\``,
      `\`${method} ${path}\``,
      limits.map(({ per, requests }) => `${requests} in ${spanOf(per)}`).join(", "),
      safe ? "yes" : "no"
    ])
  ])

const escaped = (text: string): string => text.replaceAll("|", "\\|").replaceAll("<", "\\<")

const callsOf = (operations: ReadonlyArray<string>, endpoints: Internals["endpoints"]): string => {
  const names = Object.values(endpoints).map(({ name }) => name)
  if (names.every((name) => operations.includes(name))) return "from any call of this package"
  const calls = operations.map((name) => (name === otherCall ? "your own calls (such as orders)" : `\`${name}\``))
  return `from ${calls.join(", ")}`
}

const matchOf = ({ code, message, operations, status }: ErrorRow, endpoints: Internals["endpoints"]): string => {
  const parts = [
    code === undefined ? "" : `\`${code}\``,
    message === undefined ? "" : `\`${String(message).replaceAll("|", "\\|")}\``,
    status === undefined ? "" : `HTTP ${status}`,
    operations === undefined ? "" : callsOf(operations, endpoints)
  ]
  return parts.filter((part) => part !== "").join(" ")
}

const failureOf = ({ code, operations, status }: ErrorRow, usual: number): Failure => ({
  operation: operations?.[0] ?? "login",
  status: status ?? usual,
  code,
  message: undefined,
  supportId: undefined,
  retryAfter: undefined,
  clockDrift: undefined,
  request: {}
})

/**
 * The reason can be different if the HTTP status is 500 or higher. `reason` then names both reasons, and `remedy`
 * belongs to the first reason.
 */
const outcomeOf = (row: ErrorRow): readonly [reason: string, remedy: string] => {
  const [usual, fault] = [row.reason(failureOf(row, 200)), row.reason(failureOf(row, 500))]
  const other = usual._tag === fault._tag ? "" : `; \`${fault._tag}\` if the status is HTTP 500 or higher`
  return [`\`${usual._tag}\`${other}`, usual.remedy]
}

const errorTable = ({ codes, endpoints }: Internals): string => {
  const rows = new Map<string, { readonly matches: Array<string>; readonly rest: ReadonlyArray<string> }>()
  for (const row of codes) {
    const [reason, remedy] = outcomeOf(row)
    const rest = [escaped(row.meaning), reason, escaped(remedy), `${escaped(row.source)}, ${row.asOf}`]
    const same = rows.get(rest.join("|")) ?? { matches: [], rest }
    same.matches.push(matchOf(row, endpoints))
    rows.set(rest.join("|"), same)
  }
  return table([
    ["the broker says", "meaning", "reason", "what to do", "source"],
    ...Array.from(rows.values(), ({ matches, rest }) => [matches.join(", "), ...rest])
  ])
}

const ranks = { high: 0, medium: 1, low: 2 }

const fixturesOf = (id: string, file: string): ReadonlyArray<Fixture> => {
  const text = read(`packages/${id}/test/fixtures/${file}.json`)
  return text === "" ? [] : (JSON.parse(text) as ReadonlyArray<Fixture>)
}

const sourceOf = (fixtures: ReadonlyArray<Fixture>, name: string): string => {
  const [best] = fixtures
    .filter(({ endpoint }) => endpoint === name)
    .toSorted((left, right) => ranks[left.confidence] - ranks[right.confidence])
  return best === undefined ? "none" : `${best.confidence}: ${escaped(best.source)}, ${best.asOf}`
}

const sdkTests = "tools/interop/sdks"

/** The official SDK that `npm run interop` runs against the broker's fake. */
const sdkOf = ({ name }: Package): string | undefined => {
  const file = readdirSync(join(root, sdkTests)).find((test) =>
    read(`${sdkTests}/${test}`).includes(`account("${name}")`)
  )
  const [, sdk] = /name: "([^"]+)"/.exec(file === undefined ? "" : read(`${sdkTests}/${file}`)) ?? []
  const { devDependencies } = JSON.parse(read("package.json")) as { devDependencies: Readonly<Record<string, string>> }
  return sdk === undefined ? undefined : `\`${sdk}\` ${devDependencies[sdk] ?? ""}`
}

const verification = (entry: Package, { endpoints }: Internals): string => {
  const { broker, name } = entry
  const requests = fixturesOf(name, "requests")
  const answers = fixturesOf(name, "success")
  const sdk = sdkOf(entry)
  const tested = table([
    ["call", "request", "answer"],
    ...Object.keys(endpoints).map((call) => [`\`${call}\``, sourceOf(requests, call), sourceOf(answers, call)])
  ])
  return [
    `- No live broker was contacted. On ${broker.verifiedOn}, the facts were compared with the broker's documents.`,
    "- Tests call every service of every layer above against this package's fake of the broker.",
    sdk === undefined
      ? "- No official SDK for Node was run against the fake."
      : `- The unmodified official SDK ${sdk} logs in to the fake (\`npm run interop\`).`,
    `- Documents: ${broker.documentation.map((url) => `<${url}>`).join(", ")}.`,
    "",
    "For each call, the table names the source of an example request and of an example answer. A test compares this package's request with the example request, character by character. Another test decodes the example answer. " +
      "Each source starts with its confidence. `high`: the broker's documentation or SDK. `medium`: one credible source, such as an SDK for an older version. `low`: a single report, or made up.",
    "",
    tested
  ].join("\n")
}

const ruleText = (rule: Rule | undefined): string => rule?.text ?? "Not documented"
const ruleSource = (rule: Rule | undefined): string =>
  rule === undefined ? "" : `${rule.confidence}: ${rule.source}, ${rule.asOf}`

const ruleTable = ({ broker }: Package): string =>
  table([
    ["rule", "at this broker", "confidence and source"],
    ["static IP address", ruleText(broker.staticIp), ruleSource(broker.staticIp)],
    ["order rate", ruleText(broker.orderRate), ruleSource(broker.orderRate)]
  ])

const hostTable = ({ environments }: Broker): string =>
  table([
    ["environment", "hosts"],
    ...Object.entries(environments).map(([name, origins]) => [
      `\`${name}\``,
      Array.from(new Set(Object.values(origins)), (origin) => `\`${origin}\``).join(", ")
    ])
  ])

const skeleton = ({ broker, name }: Package): string => {
  const section = (title: string, id: string, text = "") =>
    `## ${title}\n\n${text}<!-- ${id}:begin -->\n<!-- ${id}:end -->\n`
  return [
    `# ${broker.title}\n\n<!-- install:begin -->\n<!-- install:end -->\n`,
    section("Where the credentials are", "environment", "Fill in: where a user finds each credential.\n\n"),
    section("Ways to log in", "ways"),
    section("Renewal", "renewal"),
    section("Calls and limits", "limits"),
    section("Rules of the regulator", "rules", "See [the rules at all brokers](../regulation.md).\n\n"),
    section("Errors", "errors"),
    section("Assumptions", "assumptions"),
    section("How it was verified", "verified"),
    section("Hosts", "hosts"),
    `## Programs\n\n[The README of the package](../../packages/${name}/README.md) has programs to copy.\n`
  ].join("\n")
}

const install = ({ name }: Package): string => {
  const { description, name: scoped } = manifestOf(name)
  return `${description}.\n\n\`\`\`sh\nnpm install ${scoped}\n\`\`\``
}

export const brokerSections = [
  "install",
  "environment",
  "ways",
  "renewal",
  "limits",
  "rules",
  "errors",
  "assumptions",
  "verified",
  "hosts"
]

export const brokerPage = (entry: Package, internals: Internals): Document => {
  const path = `docs/brokers/${entry.name}.md`
  const current = read(path)
  const tables: Readonly<Record<string, string>> = {
    install: install(entry),
    environment: environmentTable(entry),
    ways: wayTable(entry),
    renewal: renewalTable(entry),
    limits: limitTable(internals.endpoints),
    rules: ruleTable(entry),
    errors: errorTable(internals),
    assumptions: assumptionTable(entry),
    verified: verification(entry, internals),
    hosts: hostTable(entry.broker)
  }
  const begun = existsSync(join(root, path)) ? current : skeleton(entry)
  return { path, current, wanted: brokerSections.reduce((text, id) => fill(text, id, tables[id] ?? ""), begun) }
}

export const regulationTables = (packages: ReadonlyArray<Package>): Readonly<Record<string, string>> => ({
  "static-ip": table([
    ["broker", "calls that need a registered address", "confidence and source"],
    ...packages.map(({ broker }) => [broker.title, ruleText(broker.staticIp), ruleSource(broker.staticIp)])
  ]),
  "daily-logout": table([
    ["broker", "layer", "a session expires", "renewed by"],
    ...packages.flatMap(({ broker }) =>
      broker.methods
        .filter(
          ({ layer, renewal }, at) =>
            renewal !== undefined && broker.methods.findIndex((method) => method.layer === layer) === at
        )
        .map(({ expiry, layer, renewal }) => [
          broker.title,
          `\`${layer}\``,
          expiry,
          renewal?.by.length === 0 ? "a login by a person" : (renewal?.by.join(", otherwise ") ?? "")
        ])
    )
  ]),
  factors: table([
    ["broker", "layer", "logs in with"],
    ...packages.flatMap(({ broker }) =>
      broker.methods
        .filter(({ renewal }) => renewal !== undefined)
        .map(({ layer, title }) => [broker.title, `\`${layer}\``, title])
    )
  ]),
  "order-rate": table([
    ["broker", "orders", "confidence and source"],
    ...packages.map(({ broker }) => [broker.title, ruleText(broker.orderRate), ruleSource(broker.orderRate)])
  ])
})
