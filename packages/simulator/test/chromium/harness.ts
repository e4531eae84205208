/** Lets a web page attack the simulator, and checks that the simulator refuses the requests. */
import { assert } from "@effect/vitest"
import { Simulator } from "@auth/simulator"
import * as Effect from "effect/Effect"
import type { Frame, Page } from "playwright-core"
import { api, send } from "../support.ts"
import { type Arrival, own, watch, withWindow } from "./attacker.ts"
import { type Attacks, install, type Target } from "./attacks.ts"
import { addressOf, codeFor, formOf, pages } from "./pages.ts"

export const trusted = (url: string, init: RequestInit = {}) =>
  send(url, { ...init, headers: { ...own, ...(init.headers as Record<string, string>) } })

export const alter = Effect.fnUntraced(function* (simulator: Simulator.Simulator["Service"]) {
  yield* simulator.advance("1 hour")
  yield* simulator.inject("angel", "getProfile", { kind: "status", status: 418 }, 1000)
})

export const prepare = Effect.fnUntraced(function* (options: Simulator.Options = {}) {
  const simulator = yield* Simulator.make(options)
  const before = (yield* trusted(`${simulator.control}/snapshot`)).text
  yield* alter(simulator)
  return { simulator, before, arrivals: yield* watch(simulator) }
})

export type Prepared = Effect.Success<ReturnType<typeof prepare>>

export const profile = "/rest/secure/angelbroking/user/v1/getProfile"

/** Returns all state that an attack could change. */
export const stateOf = Effect.fnUntraced(function* (simulator: Simulator.Simulator["Service"]) {
  const statuses = yield* Effect.forEach([profile, "/unknown"], (path) => trusted(`${simulator.origins[api]}${path}`))
  const journal = yield* simulator.journal()
  return JSON.stringify({
    accounts: simulator.brokers,
    // The snapshot includes the clock.
    snapshot: yield* simulator.snapshot,
    statuses: statuses.map(({ status }) => status),
    journal: journal.filter(({ headers }) => headers["x-of-the-test"] === undefined).map(({ url }) => url)
  })
})

/** Requests that change the result of `stateOf`. The first request is `/reset`, which accepts any body. */
export const changes = ({ before, simulator }: Pick<Prepared, "before" | "simulator">): ReadonlyArray<Target> => {
  const planted = "<script src='http://evil.example/'></script>"
  const fault = { kind: "answer", status: 200, body: planted, headers: { "content-type": "text/html" } }
  return Object.entries({
    "/reset": "",
    "/clock": '{"advance":"8 hours"}',
    "/faults": JSON.stringify({ broker: "angel", endpoint: "*", fault }),
    "/restore": before,
    "/seed": '{"brokers":{"angel":{"accounts":[{"clientCode":"B1"}]}}}'
  }).map(([path, body]) => ({ url: `${simulator.control}${path}`, body }))
}

/** One form post for each login page. An attacker's page could send these posts if it knew the credentials. */
export const logins = (simulator: Simulator.Simulator["Service"]) =>
  Effect.forEach(pages, (page) =>
    Effect.map(codeFor(simulator, page), (code) => ({
      url: addressOf(simulator, page),
      body: formOf(simulator, page, code).toString()
    }))
  )

/** Requests that read data. The last request gets the fault that `alter` injects. */
export const readable = ({ control, origins }: Simulator.Info): ReadonlyArray<Target> =>
  [
    ...["/info", "/", "/journal", "/snapshot", "/codes?broker=rmoney&account=TEST101"].map(
      (path) => `${control}${path}`
    ),
    `${origins[api]}${profile}`
  ].map((url) => ({ url, body: "" }))

type Kind = keyof Attacks

const attacksIn = (frame: Frame, kind: Kind) =>
  Effect.promise(() =>
    frame.evaluate((kind) => Object.keys((globalThis as unknown as { readonly attacks: Attacks }).attacks[kind]), kind)
  )

const attack = (frame: Frame, kind: Kind, name: string, target: Target) =>
  Effect.promise(() =>
    frame.evaluate(
      ([kind, name, target]) => (globalThis as unknown as { readonly attacks: Attacks }).attacks[kind][name]?.(target),
      [kind, name, target] as const
    )
  )

const waitFor = (holds: () => boolean) =>
  Effect.gen(function* () {
    for (let waited = 0; !holds() && waited < 1500; waited += 1) yield* Effect.sleep("2 millis")
    return holds()
  })

export const statusesAfter = (arrivals: ReadonlyArray<Arrival>, seen: number) =>
  Effect.gen(function* () {
    const later = () => arrivals.slice(seen)
    yield* waitFor(() => later().length > 0 && later().every(({ response }) => response.writableFinished))
    return new Set(later().map(({ response }) => response.statusCode))
  })

const closeOthers = (page: Page) =>
  Effect.promise(async () => {
    const others = page
      .context()
      .pages()
      .filter((other) => other !== page)
    await Promise.all(others.map((other) => other.close()))
  })

/** These attacks need an origin that the browser trusts. */
const sometimesAbsent = ["fetch in a service worker", "a speculative prefetch"]

interface Attempt {
  /** Text that the page may read. Default: no text. */
  readonly read?: RegExp
  /** Expected status. Default: 403. If the status is given, the state is not compared. */
  readonly status?: number
  /** Default: all attacks of the kind. */
  readonly names?: ReadonlyArray<string>
  readonly except?: ReadonlyArray<string>
}

/**
 * The simulator must receive and refuse each attack. The page must neither read nor change anything. `attempt` can
 * change these expectations.
 */
export const tryAll = Effect.fnUntraced(function* (
  frame: Frame,
  { arrivals, simulator }: Prepared,
  kind: Kind,
  targets: ReadonlyArray<Target>,
  attempt: Attempt = {}
) {
  const known = yield* attacksIn(frame, kind)
  const names = (attempt.names ?? known).filter((name) => attempt.except?.includes(name) !== true)
  assert.includeMembers(known, [...names])
  const state = yield* stateOf(simulator)
  for (const target of targets) {
    for (const name of names) {
      const what = `${name} to ${target.url}`
      const seen = arrivals.length
      const read = yield* attack(frame, kind, name, target)
      if (read === undefined) {
        assert.include(sometimesAbsent, name)
        continue
      }
      assert.deepStrictEqual(yield* statusesAfter(arrivals, seen), new Set([attempt.status ?? 403]), what)
      assert.match(read, attempt.read ?? /^$/, what)
      if (attempt.status === undefined) assert.strictEqual(yield* stateOf(simulator), state, what)
      yield* closeOthers(frame.page())
    }
  }
})

/**
 * Opens `url` in the browser. If `served` is given, the browser shows this HTML, and requests nothing from `url`. Later
 * requests to the host of `url` reach this machine, as in DNS rebinding.
 */
export const inPage = <E>(
  url: string,
  use: (page: Page) => Effect.Effect<void, E>,
  options: { readonly served?: string } = {}
) =>
  withWindow(async (window) => {
    const body = options.served
    await window.addInitScript(install)
    const page = await window.newPage()
    if (body !== undefined) await page.route(url, (route) => route.fulfill({ contentType: "text/html", body }))
    await page.goto(url)
    if (body !== undefined) await page.unroute(url)
    await Effect.runPromise(use(page))
  })
