import * as Expiry from "@auth/broker-core/login/Expiry"
import * as DateTime from "effect/DateTime"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { SimulatorError } from "../SimulatorError.ts"
import type { Fakes } from "./fakes.ts"
import * as Faults from "./faults.ts"
import * as Input from "./input.ts"
import { brokers, type BrokerId } from "./brokers.ts"
import * as OpenApi from "./openApi.ts"
import * as Reference from "./reference.ts"
import * as Seed from "./seed.ts"

const refuse = (message: string) => Effect.fail(new SimulatorError({ message }))

const Advance = Schema.Struct({ advance: Input.Duration })

const samples = {
  clock: '{"advance": "8 hours"}',
  faults: '{"broker": "angel", "endpoint": "loginByPassword", "fault": "waf", "times": 1}'
} as const

const parameter = (url: URL, name: string) => {
  const value = url.searchParams.get(name)
  return value === null || value === ""
    ? refuse(`The query parameter ${name} is missing. Example: ${url.pathname}?broker=angel&account=A123456`)
    : Effect.succeed(value)
}

interface Call {
  readonly url: URL
  readonly body: string
}

/** `info` waits until every origin has an address. */
interface Target extends Fakes {
  readonly info: Effect.Effect<{ readonly origins: Readonly<Record<string, string>> }>
}

type Handle = (target: Target, call: Call) => Effect.Effect<unknown, SimulatorError>

const readClock = (fakes: Fakes) =>
  Effect.map(fakes.ahead, (aheadMillis) => {
    const now = fakes.clock.currentTimeMillisUnsafe()
    return { now: DateTime.formatIso(DateTime.makeUnsafe(now)), ist: Expiry.toIst(now), aheadMillis }
  })

const advance: Handle = Effect.fnUntraced(function* (fakes, { body }) {
  const input = yield* Input.decode(Advance, yield* Input.readJson(body, samples.clock), samples.clock)
  yield* fakes.advance(input.advance as Duration.Input)
  return yield* readClock(fakes)
})

const inject: Handle = Effect.fnUntraced(function* (fakes, { body }) {
  const input = yield* Input.decode(Faults.Order, yield* Input.readJson(body, samples.faults), samples.faults)
  const fault = yield* Faults.read(input.fault)
  const times = input.times ?? 1
  yield* fakes.inject(input.broker, input.endpoint, fault, times)
  return { broker: input.broker, endpoint: input.endpoint, fault, times }
})

const ofAccount =
  (read: (fakes: Fakes, broker: string, account: string) => Effect.Effect<unknown, SimulatorError>): Handle =>
  (fakes, { url }) =>
    Effect.flatMap(Effect.all([parameter(url, "broker"), parameter(url, "account")]), ([broker, account]) =>
      read(fakes, broker, account)
    )

const seed: Handle = Effect.fnUntraced(function* (target, { body }) {
  yield* target.seed(yield* Seed.parse(body))
  return yield* target.info
})

const restore: Handle = Effect.fnUntraced(function* (target, { body }) {
  yield* target.restore(yield* Input.readJson(body, "the answer to GET /snapshot"))
  return yield* readClock(target)
})

const describe: Handle = Effect.fnUntraced(function* (target, { url }) {
  const id = /([^/]*)\.json$/.exec(url.pathname)?.[1] ?? ""
  const known = target.served.map(({ broker }) => broker)
  if (!known.includes(id)) return yield* refuse(`There is no broker "${id}": use one of ${known.join(", ")}.`)
  return OpenApi.served(brokers[id as BrokerId].document(), (yield* target.info).origins)
})

interface Route {
  readonly method: "GET" | "POST"
  /** `<broker>` stands for the id of a broker. */
  readonly path: string
  readonly help: string
  readonly parameters?: ReadonlyArray<string>
  readonly handle: Handle
}

const routes: ReadonlyArray<Route> = [
  {
    method: "GET",
    path: "/info",
    help: "the address of each origin, and every credential of the accounts",
    handle: ({ info }) => info
  },
  {
    method: "GET",
    path: "/journal",
    help: "the newest requests that the fakes received, and the number of older requests that are no longer in the journal; ?broker=angel selects one broker",
    parameters: ["broker"],
    handle: (fakes, { url }) => {
      const broker = url.searchParams.get("broker") ?? undefined
      return Effect.all({ entries: fakes.journal(broker), dropped: fakes.journalDropped(broker) })
    }
  },
  {
    method: "GET",
    path: "/clock",
    help: "the brokers' clock, and how far it is ahead of this machine's clock",
    handle: readClock
  },
  {
    method: "GET",
    path: "/openapi/<broker>.json",
    help: "the calls of a broker as an OpenAPI 3.1 document, with the simulator as its first server",
    handle: describe
  },
  { method: "POST", path: "/clock", help: `advances the brokers' clock: ${samples.clock}`, handle: advance },
  {
    method: "POST",
    path: "/faults",
    help: `injects a fault into an endpoint ("*": any endpoint): ${samples.faults}`,
    handle: inject
  },
  {
    method: "GET",
    path: "/totp",
    help: "the current TOTP code of an account: ?broker=angel&account=A123456",
    parameters: ["broker", "account"],
    handle: ofAccount((fakes, broker, account) => fakes.totp(broker, account))
  },
  {
    method: "GET",
    path: "/codes",
    help: "the codes that the broker would have sent by SMS or email, newest last: ?broker=angel&account=A123456",
    parameters: ["broker", "account"],
    handle: ofAccount((fakes, broker, account) => Effect.map(fakes.codes(broker, account), (codes) => ({ codes })))
  },
  {
    method: "POST",
    path: "/seed",
    help: "resets the simulator, with the accounts and switches of a seed (see --seed); a broker that is not in the seed gets its demo accounts",
    handle: seed
  },
  {
    method: "GET",
    path: "/snapshot",
    help: "sessions, tokens, codes, counts of wrong passwords and codes, and the clock, for POST /restore",
    handle: (fakes) => fakes.snapshot
  },
  {
    method: "POST",
    path: "/restore",
    help: "restores a snapshot of a simulator with the same seed",
    handle: restore
  },
  {
    method: "POST",
    path: "/reset",
    help: "clears sessions, journal and faults, and resets the clock",
    handle: (fakes, { body }) =>
      /^\s*(?:\{\s*\})?\s*$/.test(body)
        ? Effect.andThen(fakes.reset, readClock(fakes))
        : refuse("/reset has no fields: send no body.")
  }
]

const isPathOf = ({ path }: Route, pathname: string): boolean => {
  const [before = "", after] = path.split("<broker>")
  if (after === undefined) return path === pathname
  return (
    pathname.startsWith(before) &&
    pathname.endsWith(after) &&
    /^[a-z0-9]+$/.test(pathname.slice(before.length, -after.length))
  )
}

const json = (status: number, value: unknown, headers: Readonly<Record<string, string>> = {}) =>
  new Response(`${JSON.stringify(value)}\n`, { status, headers: { "content-type": "application/json", ...headers } })

const help = (fakes: Fakes): Response => {
  const lines = [
    "Control port of the broker simulator. Its brokers and accounts are not real.",
    "",
    ...routes.map((route) => `${route.method.padEnd(4)} ${route.path.padEnd(22)} ${route.help}`),
    "",
    `Brokers: ${fakes.served.map(({ broker }) => broker).join(", ")}`,
    ...Reference.tables(fakes.served).flatMap((table) => ["", ...Reference.toText(table)]),
    ""
  ]
  return new Response(lines.join("\n"), { headers: { "content-type": "text/plain; charset=utf-8" } })
}

const noRoute = (path: string): Response => {
  const allowed = path === "/" ? ["GET"] : routes.filter((route) => isPathOf(route, path)).map(({ method }) => method)
  if (allowed.length === 0) return json(404, { error: `There is no ${path}: GET / lists the valid requests.` })
  return json(405, { error: `${path} accepts ${allowed.join(" and ")}.` }, { allow: allowed.join(", ") })
}

const checkQuery = ({ parameters = [], path }: Pick<Route, "parameters" | "path">, { searchParams }: URL) => {
  const names = Array.from(searchParams.keys())
  const known = parameters.length === 0 ? "no parameters" : `only ${parameters.join(" and ")}`
  const unknown = names.find((name) => !parameters.includes(name))
  if (unknown !== undefined) {
    return refuse(`${path} has no parameter ${JSON.stringify(unknown)}: it accepts ${known}.`)
  }
  const twice = names.find((name, index) => names.indexOf(name) !== index)
  return twice === undefined
    ? Effect.void
    : refuse(`The query contains the parameter ${twice} more than once: send it once.`)
}

export const control =
  (target: Target) =>
  (request: Request): Effect.Effect<Response, unknown> => {
    const url = new URL(request.url)
    const method = request.method === "HEAD" ? "GET" : request.method
    const badRequest = ({ message }: SimulatorError) => Effect.succeed(json(400, { error: message }))
    if (method === "GET" && url.pathname === "/") {
      return Effect.catchTag(
        Effect.map(checkQuery({ path: "/" }, url), () => help(target)),
        "SimulatorError",
        badRequest
      )
    }
    const route = routes.find((candidate) => candidate.method === method && isPathOf(candidate, url.pathname))
    if (route === undefined) return Effect.succeed(noRoute(url.pathname))
    return Effect.tryPromise(() => request.text()).pipe(
      Effect.tap(() => checkQuery(route, url)),
      Effect.flatMap((body) => route.handle(target, { url, body })),
      Effect.map((value) => json(200, value)),
      Effect.catchTag("SimulatorError", badRequest)
    )
  }
