import * as Endpoint from "@auth/broker-core/broker/Endpoint"
import { assert, describe, it } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Schema from "effect/Schema"
import * as TestClock from "effect/testing/TestClock"
import { makeLimiter } from "../src/broker/internal/limiter.ts"

const endpoint = (limits: ReadonlyArray<Endpoint.Limit>, name = "login"): Endpoint.Endpoint =>
  Endpoint.make({ name, method: "POST", path: "/", token: "none", response: Schema.Unknown, limits })

const perSecond = (requests: number) => endpoint([{ requests, per: "1 second" }])

/**
 * Starts all calls at the same time. Returns how long each call waited, in milliseconds. `client 1050` means: the
 * rate limiter rejected the call, and allows a retry after 1,050 milliseconds.
 */
const passing = (
  calls: ReadonlyArray<readonly [account: string, endpoint: Endpoint.Endpoint]>,
  queueTimeout: Duration.Input = "1 hour"
) =>
  Effect.gen(function* () {
    const limiter = makeLimiter(Duration.fromInputUnsafe(queueTimeout))
    const began = yield* Clock.currentTimeMillis
    const fiber = yield* Effect.forkChild(
      Effect.forEach(
        calls,
        ([account, called]) =>
          limiter.take(account, called).pipe(
            Effect.andThen(Clock.currentTimeMillis),
            Effect.map((now) => now - began),
            Effect.catch(({ by, retryAfter }) => Effect.succeed(`${by} ${retryAfter && Duration.toMillis(retryAfter)}`))
          ),
        { concurrency: "unbounded" }
      )
    )
    yield* TestClock.adjust("1 day")
    return yield* Fiber.join(fiber)
  })

const times = <A>(count: number, value: A): Array<A> => Array.from({ length: count }, () => value)

describe("the rate limiter", () => {
  it.effect.each([
    { requests: 1, count: 4, passed: [0, 1050, 2100, 3150] },
    { requests: 3, count: 7, passed: [0, 0, 0, 1050, 1050, 1050, 2100] }
  ])("delays $count calls by $passed ms if the limit per second is $requests", ({ count, passed, requests }) =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* passing(times(count, ["a", perSecond(requests)])), passed)
    })
  )

  it.effect("applies both limits of an endpoint", () =>
    Effect.gen(function* () {
      const both = endpoint([
        { requests: 2, per: "1 second" },
        { requests: 3, per: "1 minute" }
      ])
      assert.deepStrictEqual(yield* passing(times(5, ["a", both])), [0, 0, 1050, 60_050, 60_050])
    })
  )

  it.effect("does not delay calls to an endpoint without limits", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* passing(times(100, ["a", endpoint([])])), times(100, 0))
    })
  )

  it.effect("counts the calls for each account and each endpoint separately", () =>
    Effect.gen(function* () {
      const limits = [{ requests: 1, per: "1 second" }] as const
      const calls = Array.from({ length: 50 }, (_, index) => [
        [`account ${index}`, endpoint(limits, "login")] as const,
        [`account ${index}`, endpoint(limits, "profile")] as const
      ]).flat()
      assert.deepStrictEqual(yield* passing(calls), times(100, 0))
    })
  )
})

describe("with a queueTimeout, the rate limiter", () => {
  it.effect("rejects a call that would wait longer than the queueTimeout", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* passing(times(4, ["a", perSecond(1)]), "2 seconds"), [
        0,
        1050,
        "client 1050",
        "client 1050"
      ])
      assert.deepStrictEqual(yield* passing(times(3, ["a", perSecond(1)]), "0 seconds"), [
        0,
        "client 1050",
        "client 1050"
      ])
    })
  )

  it.effect("accepts a call that would wait exactly the queueTimeout", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* passing(times(2, ["a", perSecond(1)]), 1050), [0, 1050])
      assert.deepStrictEqual(yield* passing(times(2, ["a", perSecond(1)]), 1049), [0, "client 1050"])
    })
  )

  it.effect("does not count a call that is interrupted while it waits", () =>
    Effect.gen(function* () {
      const limiter = makeLimiter(Duration.minutes(1))
      const one = limiter.take("a", perSecond(1))
      yield* one
      const waiting = yield* Effect.forkChild(one, { startImmediately: true })
      yield* TestClock.adjust("1 second")
      yield* Fiber.interrupt(waiting)
      yield* TestClock.adjust(50)
      const next = yield* Effect.forkChild(one, { startImmediately: true })
      assert.isDefined(next.pollUnsafe())
    })
  )
})

it.effect("the rate limiter causes no long wait after the clock is set back", () =>
  Effect.gen(function* () {
    yield* TestClock.setTime(400 * 86_400_000)
    const limiter = makeLimiter(Duration.minutes(1))
    yield* limiter.take("a", perSecond(1))
    yield* TestClock.setTime(35 * 86_400_000)
    yield* limiter.take("a", perSecond(1))
    const third = yield* Effect.forkChild(limiter.take("a", perSecond(1)), { startImmediately: true })
    assert.isUndefined(third.pollUnsafe(), "after the clock was set back, the limit must still delay the third call")
    yield* Fiber.interrupt(third)
  })
)

const Calls = Schema.Array(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 2000 })))
const Requests = Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 4 }))

it.effect.prop(
  "the rate limiter lets at most `requests` calls pass in any period of length `per`",
  { pauses: Calls, few: Requests, more: Requests },
  ({ few, more, pauses }) =>
    Effect.gen(function* () {
      const limits = [
        { requests: few, per: 700 },
        { requests: few + more, per: 2500 }
      ]
      const limiter = makeLimiter(Duration.millis(3000))
      const passed: Array<number> = []
      const fibers = yield* Effect.forEach(pauses, (pause) =>
        Effect.gen(function* () {
          const fiber = yield* limiter.take("a", endpoint(limits)).pipe(
            Effect.andThen(Clock.currentTimeMillis),
            Effect.map((now) => passed.push(now)),
            Effect.ignore,
            Effect.forkChild({ startImmediately: true })
          )
          yield* TestClock.adjust(pause)
          return fiber
        })
      )
      yield* TestClock.adjust("1 minute")
      yield* Effect.forEach(fibers, Fiber.join)
      for (const { per, requests } of limits) {
        passed.forEach((at, index) => {
          const earlier = passed[index - requests]
          assert.isTrue(
            earlier === undefined || at - earlier > per,
            `more than ${requests} calls passed within ${per} milliseconds; the calls passed at these milliseconds: ${passed.join(", ")}`
          )
        })
      }
    }),
  { arbitrary: { runs: 60, size: 30 } }
)
