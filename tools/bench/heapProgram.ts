/**
 * Repeats one job in several rounds, and prints the growth of the heap and the new handles as JSON. The program does
 * not call `process.exit`, so an open handle keeps the program running.
 */
import * as AngelAuth from "@auth/angel/AngelAuth"
import * as CodeSource from "@auth/broker-core/login/CodeSource"
import * as Login from "@auth/broker-core/login/Login"
import * as SessionManager from "@auth/broker-core/session/SessionManager"
import * as SessionManagers from "@auth/broker-core/session/SessionManagers"
import * as Vault from "@auth/broker-core/session/Vault"
import * as NodeHttpClient from "@auth/node/NodeHttpClient"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type * as HttpClient from "effect/http/HttpClient"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import type * as Scope from "effect/Scope"
import * as fs from "node:fs"
import { apiKey, code, pin } from "./angelLogin.ts"
import { clockOf } from "./clock.ts"
import { smallestHeap } from "./heap.ts"
import type { Left } from "./heapRun.ts"

const [url = "", job = "", count = "0"] = process.argv.slice(2)

const rounds = 3
const concurrency = 64
const accounts = 1000

const clientCodeOf = (index: number): string => `B${String(100_000 + (index % accounts))}`

let ahead = 0
const clock = clockOf((millis) => millis + ahead)

const constantCode = Redacted.make(code)
const credentials = {
  pin: Redacted.make(pin),
  apiKey: Redacted.make(apiKey),
  totp: CodeSource.fromEffect(() => Effect.succeed(constantCode))
}
const brokerOf = (clientCode: string) =>
  AngelAuth.layer({ credentials: { ...credentials, clientCode }, origins: { api: url } })

/**
 * Before each login of an account, `clock` jumps ahead by this many milliseconds. Angel One permits one login per
 * second for each account. A manager sends at most one login per TOTP period of 30 seconds.
 */
const step = 60_000

/** `to` is exclusive. */
type Repeat = (from: number, to: number) => Effect.Effect<void, unknown>

type Prepared = Effect.Effect<Repeat, unknown, HttpClient.HttpClient | Scope.Scope>

const oneByOne =
  (once: (index: number) => Effect.Effect<unknown, unknown>): Repeat =>
  (from, to) =>
    Effect.gen(function* () {
      for (let index = from; index < to; index++) {
        ahead += step
        yield* once(index)
      }
    })

const jobs: Readonly<Record<string, Prepared>> = {
  logins: Effect.gen(function* () {
    const logins = yield* Effect.forEach(Array.from({ length: accounts }), (_, index) =>
      Effect.map(Layer.build(brokerOf(clientCodeOf(index))), (context) => Effect.provideContext(Login.session, context))
    )
    return Effect.fnUntraced(function* (from: number, to: number) {
      for (let start = from; start < to; start += accounts) {
        ahead += step
        yield* Effect.forEach(logins.slice(0, to - start), (login) => login, { concurrency, discard: true })
      }
    })
  }),
  cycles: Effect.gen(function* () {
    const layer = SessionManager.layer().pipe(Layer.provide([brokerOf(clientCodeOf(0)), Vault.layerMemory]))
    const manager = Context.get(yield* Layer.build(layer), SessionManager.SessionManager)
    return oneByOne(() => Effect.andThen(manager.renew(), manager.logout))
  }),
  accounts: Effect.gen(function* () {
    const vault = yield* Layer.build(Vault.layerMemory)
    const managers = yield* Effect.provideContext(SessionManagers.make(brokerOf), vault)
    return oneByOne(
      Effect.fnUntraced(function* (index) {
        const name = clientCodeOf(index % 100)
        const manager = yield* managers.manager(name)
        yield* manager.renew()
        yield* manager.logout
        yield* managers.invalidate(name)
      })
    )
  })
}

/** During the sleep, all connections return to their pool. */
const weigh = Effect.andThen(Effect.sleep("200 millis"), Effect.sync(smallestHeap))

const measure = Effect.gen(function* () {
  const prepared = jobs[job]
  if (prepared === undefined) return yield* Effect.die(new Error(`There is no job "${job}".`))
  const repeat = yield* prepared
  const warmUp = Math.min(10_000, 2 * Number(count))
  yield* repeat(0, warmUp)
  const growth: Array<number> = []
  let before = yield* weigh
  for (let round = 0; round < rounds; round++) {
    const from = warmUp + round * Number(count)
    yield* repeat(from, from + Number(count))
    const after = yield* weigh
    growth.push(after - before)
    before = after
  }
  return growth
}).pipe(Effect.provide(NodeHttpClient.layer({ connections: concurrency })), Effect.scoped)

const newHandles = (before: ReadonlyArray<string>): ReadonlyArray<string> => {
  const left = process.getActiveResourcesInfo()
  for (const name of before) {
    const at = left.indexOf(name)
    if (at >= 0) left.splice(at, 1)
  }
  return left
}

const handles = process.getActiveResourcesInfo()
const growth = await Effect.runPromise(Effect.provideService(measure, Clock.Clock, clock))
// undici closes its sockets in the next turns of the event loop.
await new Promise((resolve) => setTimeout(resolve, 100))
const left: Left = { growth, handles: newHandles(handles) }
fs.writeSync(1, JSON.stringify(left))
