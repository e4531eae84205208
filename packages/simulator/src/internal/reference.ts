import type { FakeBroker, JournalEntry } from "@auth/broker-core/testing/FakeBroker"
import type { Place, WireName } from "@auth/broker-core/testing/FakeDescriptor"
import * as DateTime from "effect/DateTime"
import { descriptorOf } from "./brokers.ts"
import * as Faults from "./faults.ts"
import * as limits from "./limits.ts"

/** A table for people, the same in `GET /` and in the README. Its cells are Markdown. */
export interface Table {
  /** Its place in the README. */
  readonly section: "faults" | "journal" | "accounts" | "limits"
  readonly title: string
  readonly head: ReadonlyArray<string>
  readonly rows: ReadonlyArray<ReadonlyArray<string>>
}

const code = (text: string): string => `\`${text}\``

const faults: Table = {
  section: "faults",
  title: "Faults, for POST /faults",
  head: ["fault", "the broker"],
  rows: Object.values(Faults.table).map(({ does, sample }) => [code(sample), does])
}

const journalFields: Readonly<Record<keyof JournalEntry, string>> = {
  at: "when the request came, by the brokers' clock: milliseconds since 1970-01-01 UTC",
  broker: "the broker, such as `angel`",
  endpoint: "the call, by the name that POST /faults takes; `unknown` where none fits",
  method: "the HTTP method",
  url: "the address at the broker's own origin, with the query",
  headers: "by name in lower case",
  body: "as it was sent; empty without one",
  status: "HTTP status of the answer; 0 before it, and if the connection was cut"
}

const journal: Table = {
  section: "journal",
  title: "Fields of an entry of GET /journal",
  head: ["field", "what it is"],
  rows: Object.entries(journalFields).map(([name, what]) => [code(name), what])
}

const contents: Readonly<Record<NonNullable<Place["as"]>, string>> = { code: "its code in ", hash: "hashed in " }

const inWords = ({ as, name, of, where }: Place): string =>
  `${as === undefined ? "" : contents[as]}${where} ${code(name)}${of === undefined ? "" : ` of ${of}`}`

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
  title: "Fields of an account, and where they are on the wire",
  head: ["broker", "field", "must be", "on the wire, or what it changes"],
  rows: served.flatMap(({ broker }) => accountsOf(broker))
})

const { maximum, minimum } = limits.faultTimes

const ownLimits: ReadonlyArray<readonly [of: string, limit: string, changedBy: string]> = [
  ["a duration that is a number", "in milliseconds", ""],
  [
    "the journal",
    `the newest ${limits.defaultJournal} requests of each broker`,
    `\`--journal\`, 1 to ${limits.largestJournal}`
  ],
  ["a fault", `${minimum} to ${maximum} times`, "`times`, 1 unless given"],
  ["a request", `${limits.maxBodyBytes} bytes of body`, ""],
  ["a port", `${limits.maxConnections} connections`, ""],
  [
    "the clock",
    `until ${DateTime.formatIsoDateUtc(DateTime.makeUnsafe(limits.lastInstant))}`,
    "forward by `POST /clock`"
  ]
]

const limitsOf = (served: ReadonlyArray<FakeBroker>): Table => ({
  section: "limits",
  title: "Limits and units",
  head: ["where", "of", "limit", "changed by"],
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

/** Everything about these fakes that a client has to know and cannot ask elsewhere. */
export const tables = (served: ReadonlyArray<FakeBroker>): ReadonlyArray<Table> => [
  faults,
  journal,
  accounts(served),
  limitsOf(served)
]

/** A table as plain text. */
export const toText = ({ head, rows, title }: Table): ReadonlyArray<string> => {
  const lines = [head, ...rows].map((row) => row.map((cell) => cell.replaceAll("`", "")))
  const widths = head.map((_, column) => Math.max(...lines.map((line) => line[column]?.length ?? 0)))
  const text = (line: ReadonlyArray<string>) =>
    `  ${line.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join("  ")}`.trimEnd()
  return [`${title}:`, ...lines.map(text)]
}
