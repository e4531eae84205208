import * as Endpoint from "@auth/broker-core/broker/Endpoint"
import * as Shape from "@auth/broker-core/broker/Shape"
import * as SharedLimits from "@auth/broker-core/broker/SharedLimits"
import { assert, describe, it } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as RateLimiter from "effect/persistence/RateLimiter"
import * as Redis from "effect/persistence/Redis"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import * as TestClock from "effect/testing/TestClock"
import { connect as connectRedis, freshPrefix, runsRedis, sharedServer } from "./redis.ts"
import { connect } from "./tiny.ts"

const limited = (...limits: ReadonlyArray<Endpoint.Limit>) =>
  Endpoint.make({
    name: "exchange",
    method: "POST",
    path: "/exchange",
    token: "none",
    limits,
    response: Shape.struct({ token: Shape.Text })
  })

const inMemory = RateLimiter.layer.pipe(Layer.provide(RateLimiter.layerStoreMemory))

interface ProgramOptions<R> {
  readonly shared?: Layer.Layer<never, never, R>
  readonly key?: string
  readonly queueTimeout?: Duration.Input
}

/** `call` returns the time at which the call was sent, or the reason of its failure. */
const program = Effect.fnUntraced(function* <R = never>({
  key = "key-canary",
  queueTimeout = "1 hour",
  shared = Layer.empty
}: ProgramOptions<R>) {
  const { client, login, seen } = yield* connect([], { queueTimeout }, { app: { api_key: Redacted.make(key) } }).pipe(
    Effect.provide(shared)
  )
  // The first call loads modules. The test must not advance its clock while they load.
  yield* login
  seen.length = 0
  const call = (endpoint: ReturnType<typeof limited>, account = "T1") =>
    client.call(endpoint, { account }).pipe(
      Effect.andThen(Clock.currentTimeMillis),
      Effect.catch(({ reason }) =>
        Effect.succeed(reason._tag === "RateLimited" ? `${reason._tag} by the ${reason.by}` : reason._tag)
      )
    )
  return { call, seen }
})

const together = <A, E, R>(effects: ReadonlyArray<Effect.Effect<A, E, R>>, time: Duration.Input = "1 hour") =>
  Effect.gen(function* () {
    const fiber = yield* Effect.forkChild(Effect.all(effects, { concurrency: "unbounded" }), { startImmediately: true })
    yield* TestClock.adjust(time)
    return yield* Fiber.join(fiber)
  })

const assertWithin = (sent: ReadonlyArray<unknown>, { per, requests }: Endpoint.Limit) => {
  const times = sent.map(Number).toSorted((a, b) => a - b)
  times.forEach((at, index) => {
    const earlier = times[index - requests]
    assert.isTrue(
      earlier === undefined || at - earlier >= Duration.toMillis(per),
      `more than ${requests} calls within ${Duration.format(Duration.fromInputUnsafe(per))}: ${times.join(", ")}`
    )
  })
}

const times = <A>(count: number, make: (index: number) => A): Array<A> =>
  Array.from({ length: count }, (_, i) => make(i))

describe("a limit for each app", () => {
  it.effect("counts the calls of all accounts together", () =>
    Effect.gen(function* () {
      const { call } = yield* program({})
      const endpoint = limited({ requests: 2, per: "1 second", scope: "app" }, { requests: 1, per: "5 seconds" })
      const sent = yield* together(["a", "b", "c", "a"].map((account) => call(endpoint, account)))
      assert.deepStrictEqual(sent, [0, 0, 1050, 5050])
    })
  )

  it.effect("counts the calls of clients with shared limits together", () =>
    Effect.gen(function* () {
      const shared = SharedLimits.layerRateLimiter()
      const programs = [yield* program({ shared }), yield* program({ shared })]
      const limits = [
        { requests: 8, per: "10 seconds", scope: "app" },
        { requests: 3, per: "1 second", scope: "app" }
      ] as const
      const sent = yield* together(
        programs.flatMap(({ call }) => times(10, (index) => call(limited(...limits), `T${index}`)))
      )
      for (const limit of limits) assertWithin(sent, limit)
      assert.strictEqual(sent.length, 20)
      assert.deepStrictEqual(
        programs.map(({ seen }) => seen.length),
        [10, 10]
      )
    }).pipe(Effect.provide(inMemory))
  )

  it.effect("does not delay another app, and a limit for each account does not delay another client", () =>
    Effect.gen(function* () {
      const shared = SharedLimits.layerRateLimiter()
      const [first, second] = [yield* program({ shared }), yield* program({ shared, key: "another key" })]
      const perApp = limited({ requests: 1, per: "1 minute", scope: "app" })
      const perAccount = limited({ requests: 1, per: "1 minute" })
      assert.deepStrictEqual(yield* together([first.call(perApp), second.call(perApp)]), [0, 0])
      const [third, fourth] = [yield* program({ shared }), yield* program({ shared })]
      const now = yield* Clock.currentTimeMillis
      assert.deepStrictEqual(yield* together([third.call(perAccount), fourth.call(perAccount)]), [now, now])
    }).pipe(Effect.provide(inMemory))
  )

  it.effect("rejects a call at once if the wait would exceed `queueTimeout`", () =>
    Effect.gen(function* () {
      const shared = SharedLimits.layerRateLimiter()
      const [first, second] = [yield* program({ shared }), yield* program({ shared, queueTimeout: "5 seconds" })]
      const endpoint = limited({ requests: 1, per: "10 seconds", scope: "app" })
      yield* first.call(endpoint)
      assert.strictEqual(yield* second.call(endpoint), "RateLimited by the client")
      assert.strictEqual(second.seen.length, 0)
      yield* TestClock.adjust("6 seconds")
      assert.deepStrictEqual(yield* together([second.call(endpoint)]), [10_050])
    }).pipe(Effect.provide(inMemory))
  )

  it.effect("is counted under a key that contains no API key and no account", () =>
    Effect.gen(function* () {
      const keys: Array<string> = []
      const take = (key: string) => Effect.sync(() => (keys.push(key), Duration.zero))
      const { call } = yield* program({ shared: SharedLimits.layer({ take }) })
      yield* call(limited({ requests: 1, per: "1 second", scope: "app" }), "AB1234")
      assert.strictEqual(keys.length, 1)
      assert.match(keys[0] ?? "", /^tiny:exchange:1\/1050:app:[0-9a-f]{32}$/)
    })
  )
})

it.effect("programs with the same `address` share the limits whose scope is `address`", () =>
  Effect.gen(function* () {
    const here = { shared: SharedLimits.layerRateLimiter({ address: "192.0.2.1" }) }
    const there = { shared: SharedLimits.layerRateLimiter({ address: "192.0.2.2" }) }
    const programs = [yield* program(here), yield* program({ ...here, key: "another app" }), yield* program(there)]
    const endpoint = limited({ requests: 1, per: "1 second", scope: "address" })
    assert.deepStrictEqual(yield* together(programs.map(({ call }) => call(endpoint))), [0, 1050, 0])
  }).pipe(Effect.provide(inMemory))
)

describe("a client with shared limits", () => {
  const secret = "redis://user:store-canary@127.0.0.1"
  const perApp = limited({ requests: 1, per: "2 seconds", scope: "app" })

  const broken = Effect.fnUntraced(function* (answer: Effect.Effect<Duration.Duration, unknown>) {
    const logged: Array<string> = []
    const logger = Logger.map(Logger.formatJson, (line) => void logged.push(line))
    let asked = 0
    const take = () => Effect.suspend(() => ((asked += 1), answer))
    const { call } = yield* program({ shared: SharedLimits.layer({ take }) })
    const sent = yield* together(times(6, () => call(perApp))).pipe(Effect.provide(Logger.layer([logger])))
    return { logged, sent, asked: () => asked }
  })

  it.effect.each([
    { how: "fail", answer: Effect.fail(secret) },
    { how: "have a defect", answer: Effect.die(new Error(secret)) }
  ])("warns, and counts only its own calls for 10 seconds, if the shared limits $how", ({ answer }) =>
    Effect.gen(function* () {
      const { asked, logged, sent } = yield* broken(answer)
      assert.deepStrictEqual(sent, [0, 2050, 4100, 6150, 8200, 10_250])
      // The client asks the shared limits only at 0 and at 10,250 milliseconds.
      assert.strictEqual(asked(), 2)
      assert.strictEqual(logged.length, 2)
      for (const line of logged) {
        assert.include(line, '"level":"WARN"')
        assert.include(line, "The shared rate limits failed")
        assert.notInclude(line, "canary")
      }
    })
  )

  it.effect("waits one second and then counts only its own calls if the shared limits do not answer", () =>
    Effect.gen(function* () {
      const { logged, sent } = yield* broken(Effect.never)
      assert.deepStrictEqual(sent, [1000, 3050, 5100, 7150, 9200, 12_250])
      assert.strictEqual(logged.length, 2)
      assert.include(logged[0], "did not answer within a second")
    })
  )
})

const Pauses = Schema.Array(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 240 })))
const Requests = Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 24 }))

it.effect.prop(
  "makeRateLimiter allows at most `requests` calls in any period of the length `per`",
  { pauses: Pauses, requests: Requests },
  ({ pauses, requests }) =>
    Effect.gen(function* () {
      const { take } = yield* SharedLimits.makeRateLimiter()
      const limit = { requests, per: "1 second" } as const
      const sent: Array<number> = []
      for (const pause of pauses) {
        yield* TestClock.adjust(pause)
        // After some pauses, the loop asks for `requests` calls at once, so that `take` also refuses calls.
        for (let asked = 0; asked < (pause % 4 === 0 ? requests : 1); asked += 1) {
          if (Duration.isZero(yield* take("key", limit))) sent.push(yield* Clock.currentTimeMillis)
        }
      }
      assertWithin(sent, limit)
    }).pipe(Effect.provide(inMemory), Effect.scoped),
  { arbitrary: { runs: 100, size: 60 } }
)

it.effect.each([2, 3, 8, 10, 24])(
  "makeRateLimiter allows at most %i calls per second, even with a gap after the first call",
  (requests) =>
    Effect.gen(function* () {
      const { take } = yield* SharedLimits.makeRateLimiter()
      const limit = { requests, per: "1 second" } as const
      for (let gap = 0; gap <= 200; gap += 5) {
        const sent: Array<number> = []
        const ask = Effect.gen(function* () {
          const wait = yield* take(`key ${gap}`, limit)
          if (Duration.isZero(wait)) sent.push(yield* Clock.currentTimeMillis)
          return wait
        })
        yield* ask
        yield* TestClock.adjust(gap)
        while (sent.length < 2 * requests) yield* TestClock.adjust(yield* ask)
        assertWithin(sent, limit)
      }
    }).pipe(Effect.provide(inMemory))
)

it.effect("makeRateLimiter allows a quarter of `requests` without a pause, and spreads the rest over `per`", () =>
  Effect.gen(function* () {
    const { call } = yield* program({ shared: SharedLimits.layerRateLimiter() })
    const perSecond = (requests: number) => limited({ requests, per: "1 second", scope: "app" })
    assert.deepStrictEqual(yield* together(times(6, () => call(perSecond(10)))), [0, 0, 234, 234, 468, 468])
  }).pipe(Effect.provide(inMemory))
)

describe.runIf(runsRedis)("with Redis", () => {
  const { url } = sharedServer()

  it.live("two programs with separate connections share the limit of their app", () =>
    Effect.gen(function* () {
      const prefix = `${yield* freshPrefix}:`
      const start = Effect.gen(function* () {
        const redis = Layer.succeed(Redis.Redis, yield* connectRedis(url()))
        const store = RateLimiter.layerStoreRedis({ prefix }).pipe(Layer.provide(redis))
        const limiter = RateLimiter.layer.pipe(Layer.provide(store))
        return yield* program({ shared: SharedLimits.layerRateLimiter().pipe(Layer.provide(limiter)) })
      })
      const programs = [yield* start, yield* start]
      const limit = { requests: 4, per: "500 millis", scope: "app" } as const
      const began = yield* Clock.currentTimeMillis
      const sent = yield* Effect.all(
        programs.flatMap(({ call }) => times(6, (index) => call(limited(limit), `T${index}`))),
        { concurrency: "unbounded" }
      )
      // A slow machine delays calls, so only a call that is too early is a failure.
      sent
        .map(Number)
        .toSorted((a, b) => a - b)
        .forEach((at, index) => assert.isAtLeast(at - began, Math.floor(index / 4) * 500, `call ${index}`))
      assert.strictEqual(sent.length, 12)
    })
  )
})
