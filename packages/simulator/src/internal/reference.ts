import type { FakeBroker, JournalEntry } from "@auth/broker-core/testing/FakeBroker"
import type { Place, WireName } from "@auth/broker-core/testing/FakeDescriptor"
import * as DateTime from "effect/DateTime"
import { descriptorOf } from "./brokers.ts"
import * as Faults from "./faults.ts"
import * as limits from "./limits.ts"

/** A table in the answer to `GET /` and in the README. Its cells are Markdown. */
export interface Table {
  readonly section: "faults" | "journal" | "accounts" | "limits"
  readonly title: string
  readonly head: ReadonlyArray<string>
  readonly rows: ReadonlyArray<ReadonlyArray<string>>
}

const code = (text: string): string => `\`${text}\``

const faults: Table = {
  section: "faults",
  title: "Faults, for POST /faults",
  head: ["fault", "what the broker does"],
  rows: Object.values(Faults.table).map(({ does, sample }) => [code(sample), does])
}

const journalFields: Readonly<Record<keyof JournalEntry, string>> = {
  at: "when the request arrived: the time of the brokers' clock, in milliseconds since 1970-01-01 UTC",
  broker: "the broker, such as `angel`",
  endpoint: "name of the call, as in POST /faults; `unknown` if the request matches no call",
  method: "the HTTP method",
  url: "URL at the broker's own origin, with the query",
  headers: "the headers, keyed by name in lower case",
  body: "the body as it was sent; empty if the request had no body",
  status: "HTTP status of the answer; 0 if there is no answer yet, or if the connection was closed without an answer"
}

const journal: Table = {
  section: "journal",
  title: "Fields of an entry of GET /journal",
  head: ["field", "meaning"],
  rows: Object.entries(journalFields).map(([name, what]) => [code(name), what])
}

const contents: Readonly<Record<NonNullable<Place["as"]>, string>> = { code: " (TOTP code)", hash: " (hash)" }

const inWords = ({ as, name, of, where }: Place): string =>
  `${where} ${code(name)}${of === undefined ? "" : ` of ${of}`}${as === undefined ? "" : contents[as]}`

const wireCell = (wire: WireName): string => (typeof wire === "string" ? wire : wire.map(inWords).join(", "))

const accountsOf = (broker: string) =>
  Object.entries(descriptorOf(broker)?.fields ?? {}).map(([field, [{ expected }, wire]]) => [
    broker,
    code(field),
    expected,
    wireCell(wire)
  ])

const accounts = (served: ReadonlyArray<FakeBroker>): Table => ({
  section: "accounts",
  title: "Fields of an account, and where they appear in requests and answers",
  head: ["broker", "field", "must be", "place in requests and answers, or what the field does"],
  rows: served.flatMap(({ broker }) => accountsOf(broker))
})

const { maximum, minimum } = limits.faultTimes

const ownLimits: ReadonlyArray<readonly [of: string, limit: string, changedBy: string]> = [
  ["a duration without a unit", "in milliseconds", ""],
  [
    "the journal",
    `the newest ${limits.defaultJournal} requests to each broker`,
    `\`--journal\`, 1 to ${limits.largestJournal}`
  ],
  ["a fault", `${minimum} to ${maximum} times`, "`times`, default 1"],
  ["the body of a request", `${limits.maxBodyBytes} bytes`, ""],
  ["a port", `${limits.maxConnections} connections at once`, ""],
  ["the clock", `only forward, until ${DateTime.formatIsoDateUtc(DateTime.makeUnsafe(limits.lastInstant))}`, ""]
]

const limitsOf = (served: ReadonlyArray<FakeBroker>): Table => ({
  section: "limits",
  title: "Limits and units",
  head: ["where", "applies to", "limit", "changed by"],
  rows: [
    ...ownLimits.map((row) => ["simulator", ...row]),
    ...served.flatMap((fake) =>
      fake.limits.map((row) => [
        fake.broker,
        row.of,
        row.limit,
        row.switch === undefined ? "" : `switch ${code(row.switch)}`
      ])
    )
  ]
})

export const tables = (served: ReadonlyArray<FakeBroker>): ReadonlyArray<Table> => [
  faults,
  journal,
  accounts(served),
  limitsOf(served)
]

export const toText = ({ head, rows, title }: Table): ReadonlyArray<string> => {
  const lines = [head, ...rows].map((row) => row.map((cell) => cell.replaceAll("`", "")))
  const widths = head.map((_, column) => Math.max(...lines.map((line) => line[column]?.length ?? 0)))
  const text = (line: ReadonlyArray<string>) =>
    `  ${line.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join("  ")}`.trimEnd()
  return [`${title}:`, ...lines.map(text)]
}
