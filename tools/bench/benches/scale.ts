/**
 * Simulates a day with up to 100,000 accounts in one process. Each account logs in once. In each step of the clock, the
 * session of every account is requested once. A real program requests a session more often, but the session manager
 * answers these additional requests from memory.
 */
import { Logout } from "@auth/broker-core/login/Logout"
import * as Expiry from "@auth/broker-core/login/Expiry"
import * as Session from "@auth/broker-core/login/Session"
import * as Renewal from "@auth/broker-core/broker/Renewal"
import { makeRedis as makeRedisLock, makeMemory as makeLock, SessionLock } from "@auth/broker-core/session/SessionLock"
import * as SessionManagers from "@auth/broker-core/session/SessionManagers"
import * as SessionStore from "@auth/broker-core/session/SessionStore"
import * as VaultKey from "@auth/broker-core/session/VaultKey"
import * as NodeVault from "@auth/node/NodeVault"
import * as NodeRedis from "@effect/platform-node/NodeRedis"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redis from "effect/persistence/Redis"
import * as Redacted from "effect/Redacted"
import * as Scope from "effect/Scope"
import * as fs from "node:fs"
import * as os from "node:os"
import * as path from "node:path"
import { type RedisServer, startRedis } from "../../redis/server.ts"
import { clockOf } from "../clock.ts"
import type { Bench, Run } from "../harness.ts"
import { heap } from "../heap.ts"
import { accountOf, idOf } from "../session.ts"

const hours = 24

/** Length of a step in seconds. */
const stepOf = (accounts: number): number => (accounts === 1 ? 30 : accounts <= 1000 ? 300 : 1800)

const makeClock = () => {
  let ahead = 0
  return { clock: clockOf((millis) => millis + ahead), advance: (seconds: number) => void (ahead += seconds * 1000) }
}

/** Calls to the store. With Redis: commands to Redis. */
interface Calls {
  count: number
  running: number
}

const counted = <A, E>(calls: Calls, call: Effect.Effect<A, E>): Effect.Effect<A, E> =>
  Effect.suspend(() => {
    calls.count += 1
    calls.running += 1
    return Effect.ensuring(
      call,
      Effect.sync(() => void (calls.running -= 1))
    )
  })

type Services = Context.Context<SessionStore.SessionStore | SessionLock>

interface Place {
  /** Maximum number of accounts with this store. */
  readonly most: number
  readonly open: (calls: Calls) => Effect.Effect<Services, unknown, Scope.Scope>
}

const key = Effect.flatMap(VaultKey.generate, (bytes) => VaultKey.fromBytes(bytes, "the key of the bench"))

const storeOf = (store: SessionStore.SessionStore["Service"], calls: Calls): SessionStore.SessionStore["Service"] => ({
  ...store,
  get: (...args) => counted(calls, store.get(...args)),
  put: (...args) => counted(calls, store.put(...args))
})

const memory: Place = {
  most: 100_000,
  open: (calls) =>
    Effect.sync(() =>
      Context.make(SessionStore.SessionStore, storeOf(SessionStore.makeMemory(), calls)).pipe(
        Context.add(SessionLock, makeLock())
      )
    )
}

const sqlite: Place = {
  // A login writes to disk several times, so more accounts would take too long.
  most: 1000,
  open: Effect.fnUntraced(function* (calls) {
    const folder = yield* Effect.acquireRelease(
      Effect.sync(() => fs.mkdtempSync(path.join(fs.realpathSync(os.tmpdir()), "broker-auth-scale-"))),
      (made) => Effect.sync(() => fs.rmSync(made, { recursive: true, force: true }))
    )
    const layer = NodeVault.layer({ folder: path.join(folder, "vault") }).pipe(
      Layer.provide(Layer.effect(VaultKey.VaultKey, key))
    )
    const built = yield* Layer.build(layer)
    return Context.add(built, SessionStore.SessionStore, storeOf(Context.get(built, SessionStore.SessionStore), calls))
  })
}

const countedRedis = (redis: Redis.Redis["Service"], calls: Calls): Redis.Redis["Service"] => ({
  ...redis,
  send: (command, ...args) => counted(calls, redis.send(command, ...args)),
  eval:
    (script) =>
    (...params) =>
      counted(calls, redis.eval(script)(...params)),
  reserve: Effect.map(redis.reserve, (connection) => ({
    ...connection,
    send: (command: string, ...args: ReadonlyArray<string>) =>
      Effect.suspend(() => {
        calls.count += 1
        return connection.send(command, ...args)
      })
  })) as Redis.Redis["Service"]["reserve"]
})

const redis: Place = {
  most: 100_000,
  open: Effect.fnUntraced(function* (calls) {
    const server: RedisServer = yield* Effect.acquireRelease(
      Effect.promise(() => startRedis()),
      ({ stop }) => Effect.promise(stop)
    )
    const client = yield* Layer.build(NodeRedis.layer({ url: server.url, disableOfflineQueue: true }))
    const service = countedRedis(Context.get(client, Redis.Redis), calls)
    const store = SessionStore.encrypted(yield* key)(yield* SessionStore.makeRedis(service))
    return Context.make(SessionStore.SessionStore, store).pipe(Context.add(SessionLock, yield* makeRedisLock(service)))
  })
}

/** About as long as the token of a real broker. */
const token = "Zm9vYmFy".repeat(60)

const brokerLayer = (id: string) => {
  const account = accountOf(id)
  const login = Session.issue(
    { account, method: "totp", expiry: Expiry.after(Duration.hours(hours + 8)) },
    Effect.sync(() => ({ tokens: { access: Redacted.make(`${id}.${token}`) } }))
  )
  return Layer.mergeAll(
    Layer.effect(Renewal.Renewal, Renewal.make({ account, login })),
    Layer.succeed(Logout, {
      logout: ({ account }) => Effect.succeed({ _tag: "LocalOnly", account, why: "no-such-call" } as const)
    })
  )
}

const makeProgress = (title: string) => {
  let last = performance.now()
  return (text: string) => {
    if (performance.now() - last < 5000) return
    last = performance.now()
    process.stderr.write(`${title}: ${text}\n`)
  }
}

const cpu = (): number => {
  const { system, user } = process.cpuUsage()
  return system + user
}

/** Waits until no call to the store is running, because session managers read the store in the background. */
const settle = (calls: Calls) => Effect.repeat(Effect.sleep("1 millis"), { until: () => calls.running === 0 })

const day = (title: string, place: Place, wanted: number) =>
  Effect.gen(function* () {
    const accounts = Math.min(wanted, place.most)
    const calls: Calls = { count: 0, running: 0 }
    const { advance, clock } = makeClock()
    const say = makeProgress(`${title}, ${accounts} accounts`)
    const simulated = Effect.gen(function* () {
      const services = yield* place.open(calls)
      const managers = yield* Effect.provideContext(
        SessionManagers.make(brokerLayer),
        Context.add(services, Scope.Scope, yield* Effect.scope)
      )
      const ids = Array.from({ length: accounts }, (_, index) => idOf(index))
      const askAll = (text: string) =>
        Effect.forEach(
          ids,
          (id, index) =>
            Effect.suspend(() => {
              if (index % 500 === 0) say(`${text}, ${index} accounts done`)
              const asked = managers.session(id)
              return index % 200 === 199 ? Effect.andThen(asked, settle(calls)) : asked
            }),
          { concurrency: 32, discard: true }
        )
      const heapBefore = heap()
      const loginBegan = cpu()
      yield* askAll("logging in")
      const loginCpu = cpu() - loginBegan
      yield* Effect.sleep("1 second")
      const bytes = heap() - heapBefore
      const loginCalls = calls.count
      const step = stepOf(accounts)
      const steps = (hours * 3600) / step
      const began = cpu()
      for (let index = 1; index <= steps; index++) {
        advance(step)
        yield* askAll(`hour ${Math.floor((index * step) / 3600)} of ${hours}`)
        yield* settle(calls)
      }
      return {
        notes: {
          accounts,
          "calls per login": loginCalls / accounts,
          "CPU µs per login": loginCpu / accounts,
          "bytes each": bytes / accounts,
          "calls per account and hour": (calls.count - loginCalls) / accounts / hours,
          "CPU µs per request": (cpu() - began) / (accounts * steps)
        }
      }
    })
    return yield* Effect.scoped(Effect.provideService(simulated, Clock.Clock, clock))
  })

const simulate =
  (title: string, place: Place) =>
  async (): Promise<Run> =>
  ({ count }) =>
    Effect.runPromise(day(title, place, count))

const turns = (counts: ReadonlyArray<number>) =>
  counts.map((accounts) => ({
    title: `a day of ${accounts} ${accounts === 1 ? "account" : "accounts"}`,
    concurrency: 1,
    count: accounts
  }))

export const bench: Bench = {
  summary: `heap, CPU time and calls to the store, for a simulated day with up to 100,000 accounts in one process`,
  job: "account",
  onlyByName: true,
  baselines: ["memory"],
  versions: ["effect", "redis"],
  turnSeconds: 7200,
  plans: {
    full: { rounds: 1, seconds: 7200, warmUp: 1, turns: turns([1, 1000, 10_000, 100_000]) },
    quick: { rounds: 1, seconds: 60, warmUp: 1, turns: turns([1, 1000]) }
  },
  candidates: {
    memory: { title: "memory", ours: true, prepare: simulate("memory", memory) },
    redis: { title: "Redis, encrypted", ours: true, prepare: simulate("Redis", redis) },
    sqlite: { title: "NodeVault (SQLite), at most 1,000 accounts", ours: true, prepare: simulate("NodeVault", sqlite) }
  }
}
