/** The targets for the library's speed and size. `docs/performance.md` shows which of them are met. */
import { type Figure, type Results, valuesOf } from "./figures.ts"
import { type Summary, summaryOf } from "./statistics.ts"

export interface Target extends Figure {
  /** Name of the target, such as `P1`. A target with several figures has several entries in `targets`. */
  readonly name: string
  readonly job: string
  /** Not set for a ratio. */
  readonly unit?: string
  readonly atLeast?: number
  readonly atMost?: number
}

const at = (concurrency: number): string => `concurrency ${concurrency}`

const perSecond = (name: string, to: string, title: string, rows: ReadonlyArray<readonly [number, number]>) =>
  rows.map(([concurrency, atLeast]): Target => ({
    name,
    job: `logins per second, ${concurrency} at a time, ÷ ${title}`,
    bench: "login",
    turn: at(concurrency),
    field: "rate",
    of: "ours-node",
    to,
    atLeast
  }))

const stampede = (of: string, title: string): ReadonlyArray<Target> => {
  const row = { name: "P7", bench: "session-stampede", turn: "10000 concurrent calls: the session has expired", of }
  return [
    {
      ...row,
      job: `10,000 calls for an expired session, ${title}: number of renewals`,
      field: "renewals",
      unit: "renewal",
      atLeast: 1,
      atMost: 1
    },
    {
      ...row,
      job: `10,000 calls for an expired session, ${title}: CPU time ÷ google-auth-library`,
      field: "cpu",
      to: "google",
      atMost: 1
    }
  ]
}

export const targets: ReadonlyArray<Target> = [
  ...perSecond("P1", "undici", "`undici.request`", [
    [1, 1],
    [64, 1.1],
    [1024, 1.2]
  ]),
  ...perSecond("P2", "dispatch", "undici's `dispatch`", [[64, 0.85]]),
  ...perSecond("P3", "smartapi-javascript", "smartapi-javascript", [
    [1, 2.5],
    [64, 3],
    [1024, 4]
  ]),
  {
    name: "P3",
    job: "logins per second over TLS, 64 at a time, ÷ smartapi-javascript",
    bench: "login-tls",
    turn: at(64),
    field: "rate",
    of: "ours-node",
    to: "smartapi-javascript",
    atLeast: 9
  },
  {
    name: "P4",
    job: "CPU time of a login, 64 at a time, ÷ smartapi-javascript",
    bench: "login",
    turn: at(64),
    field: "cpu",
    of: "ours-node",
    to: "smartapi-javascript",
    atMost: 0.25
  },
  {
    name: "P4",
    job: "CPU time of a login over TLS, 64 at a time, ÷ smartapi-javascript",
    bench: "login-tls",
    turn: at(64),
    field: "cpu",
    of: "ours-node",
    to: "smartapi-javascript",
    atMost: 0.12
  },
  {
    name: "P5",
    job: "CPU time of a login with `FetchClient`, ÷ `fetch`",
    bench: "login",
    turn: at(64),
    field: "cpu",
    of: "ours-fetch",
    to: "fetch",
    atMost: 1.15
  },
  {
    name: "P6",
    job: "reading a cached session in a fiber: CPU time ÷ a Map and `Date.now`",
    bench: "session-fiber",
    turn: "one account",
    field: "cpu",
    of: "ours",
    to: "map",
    atMost: 2
  },
  {
    name: "P6",
    job: "reading a cached session as a promise: CPU time ÷ google-auth-library",
    bench: "session-promise",
    turn: "one account",
    field: "cpu",
    of: "ours",
    to: "google",
    atMost: 0.9
  },
  ...[[10, 10] as const, [100, 1000] as const, [100, 100_000] as const].map(([read, accounts]): Target => ({
    name: "P6",
    job: `time to read the slowest of ${read} cached sessions out of ${accounts.toLocaleString("en")}, ÷ the median of their times`,
    bench: "session-keys",
    turn: `${read} of ${accounts} accounts, one after the other, each many times`,
    field: "slowest ÷ median",
    of: "ours",
    atMost: 3
  })),
  ...stampede("ours", "each in a fiber"),
  ...stampede("ours-promise", "each with a promise"),
  {
    name: "P8",
    job: "time from the start of a bundled program to its first login, ÷ smartapi-javascript",
    bench: "cold-start",
    turn: "one process after another",
    field: "time",
    of: "ours-bundled",
    to: "smartapi-javascript",
    atMost: 0.55
  },
  {
    name: "P8",
    job: "time from the start of a program, without a bundler, to its first login, ÷ smartapi-javascript",
    bench: "cold-start",
    turn: "one process after another",
    field: "time",
    of: "ours",
    to: "smartapi-javascript",
    atMost: 1.3
  },
  {
    name: "P9",
    job: "a program that logs in once, minified and compressed",
    bench: "size",
    turn: "sizes",
    field: "kB compressed",
    of: "ours",
    unit: "kB",
    atMost: 40
  },
  {
    name: "P9",
    job: "our packages in a program that logs in once, minified and compressed",
    bench: "size",
    turn: "sizes",
    field: "own kB compressed",
    of: "ours",
    unit: "kB",
    atMost: 10
  },
  {
    name: "P10",
    job: "installed packages for one broker",
    bench: "size",
    turn: "sizes",
    field: "packages",
    of: "ours",
    unit: "packages",
    atMost: 3
  },
  {
    name: "P10",
    job: "size on disk of our packages for one broker",
    bench: "size",
    turn: "sizes",
    field: "own kB on disk",
    of: "ours",
    unit: "kB",
    atMost: 1000
  },
  ...[
    ["100,000 logins", "100000 logins"] as const,
    ["10,000 logins and logouts", "10000 logins, each followed by a logout"] as const
  ].flatMap(([job, turn]): ReadonlyArray<Target> => [
    {
      name: "P11",
      job: `growth of the heap over ${job}`,
      bench: "login-memory",
      turn,
      field: "MB grown",
      of: "ours-node",
      unit: "MB",
      atMost: 0.5
    },
    {
      name: "P11",
      job: `handles that are left after ${job}`,
      bench: "login-memory",
      turn,
      field: "handles left",
      of: "ours-node",
      unit: "handles",
      atMost: 0
    }
  ]),
  {
    name: "P11",
    job: "heap per account of `SessionManagers`, with its session, if the session store is outside of the heap",
    bench: "session-memory",
    turn: "10000 accounts",
    field: "bytes each",
    of: "accounts",
    unit: "bytes",
    atMost: 3000
  },
  {
    name: "P12",
    job: "10,000 accounts log in at a broker that answers after 50 ms: accounts per second ÷ `undici.request`",
    bench: "session-warm",
    turn: "1024 concurrent logins",
    field: "rate",
    of: "ours-node",
    to: "undici",
    atLeast: 1
  },
  {
    name: "P13",
    job: "99th percentile of login time at a broker that answers after 50 ms, 64 at a time, ÷ `undici.request`",
    bench: "login-delay",
    turn: at(64),
    field: "p99 ms",
    of: "ours-node",
    to: "undici",
    atMost: 1
  }
]

export type Verdict = "met" | "not met" | "not measured"

export interface Assessed {
  readonly target: Target
  readonly summary: Summary | undefined
  readonly verdict: Verdict
}

export const assess = (target: Target, results: Results): Assessed => {
  const values = valuesOf(results, target)
  if (values.length === 0) return { target, summary: undefined, verdict: "not measured" }
  const summary = summaryOf(values)
  const { atLeast = -Infinity, atMost = Infinity } = target
  const isMet = summary.median >= atLeast && summary.median <= atMost
  return { target, summary, verdict: isMet ? "met" : "not met" }
}
