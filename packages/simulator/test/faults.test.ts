import { assert, it } from "@effect/vitest"
import { Login, Logout, Profile } from "@auth/broker-core"
import { Simulator, SimulatorClock } from "@auth/simulator"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import { angel, api, eventually, post, raw, send } from "./support.ts"

const arm = (simulator: Simulator.Info, endpoint: string, fault: unknown, times = 1) =>
  Effect.map(post(`${simulator.control}/faults`, { broker: "angel", endpoint, fault, times }), ({ status, text }) =>
    assert.strictEqual(status, 200, text)
  )

const statuses = (simulator: Simulator.Simulator["Service"]) =>
  Effect.map(simulator.journal("angel"), (journal) => journal.map(({ endpoint, status }) => `${endpoint} ${status}`))

it.live("the fault `reset` makes a login fail with BrokerUnavailable", () =>
  Effect.gen(function* () {
    const simulator = yield* Simulator.make()
    yield* arm(simulator, "loginByPassword", "reset")
    const error = yield* Effect.flip(Login.session.pipe(Effect.provide(angel(simulator))))
    assert.strictEqual(error.reason._tag, "BrokerUnavailable")
    assert.include(error.message, "ECONNRESET")
    assert.deepStrictEqual(yield* statuses(simulator), ["loginByPassword 0"])
  })
)

it.live("the fault `lost` resets the connection after the request is processed", () =>
  Effect.gen(function* () {
    const simulator = yield* Simulator.make()
    yield* Effect.gen(function* () {
      const session = yield* Login.session
      yield* arm(simulator, "logout", { kind: "lost" })
      yield* Effect.exit(Logout.logout(session))
      const error = yield* Effect.flip(Profile.profile(session))
      assert.strictEqual(error.reason._tag, "SessionExpired")
    }).pipe(Effect.provide(angel(simulator)))
    assert.deepStrictEqual((yield* statuses(simulator)).slice(0, 2), ["loginByPassword 200", "logout 0"])
  })
)

it.live("the fault `truncated` sends half of the answer's body", () =>
  Effect.gen(function* () {
    const simulator = yield* Simulator.make()
    yield* arm(simulator, "loginByPassword", "truncated")
    const error = yield* Effect.flip(Login.session.pipe(Effect.provide(angel(simulator))))
    assert.strictEqual(error.reason._tag, "BrokerUnavailable")
    yield* arm(simulator, "loginByMpin", "truncated")
    const received = yield* raw(simulator.origins[api] ?? "", [
      "POST /rest/auth/angelbroking/user/v1/loginByMpin HTTP/1.1",
      "Host: localhost",
      "Content-Length: 0"
    ])
    const [head = "", body = ""] = received.split("\r\n\r\n")
    const announced = Number(/content-length: (\d+)/i.exec(head)?.[1])
    assert.strictEqual(body.length, Math.floor(announced / 2))
    assert.isTrue(body.startsWith("<html>"))
  })
)

it.live("a login that times out is in the journal once", () =>
  Effect.gen(function* () {
    const simulator = yield* Simulator.make()
    yield* arm(simulator, "loginByPassword", { kind: "latency", duration: "1 second" })
    const error = yield* Effect.flip(Login.session.pipe(Effect.provide(angel(simulator, { timeout: "500 millis" }))))
    assert.strictEqual(error.reason._tag, "BrokerUnavailable")
    assert.include(error.message, "no answer came in time")
    yield* eventually(Effect.map(statuses(simulator), ([first]) => first !== "loginByPassword 0"))
    assert.deepStrictEqual(yield* statuses(simulator), ["loginByPassword 200"])
  })
)

it.live(
  "the faults `waf`, `rate-limit`, `status` and `answer` cause different login errors",
  () =>
    Effect.gen(function* () {
      const simulator = yield* Simulator.make()
      const tags: Array<string> = []
      const faults = ["waf", "rate-limit", { kind: "status", status: 503 }, { kind: "answer", status: 200, body: "{}" }]
      for (const fault of faults) {
        yield* arm(simulator, "*", fault)
        const error = yield* Effect.flip(Login.session.pipe(Effect.provide(angel(simulator))))
        tags.push(error.reason._tag)
      }
      assert.deepStrictEqual(tags, ["PermissionDenied", "RateLimited", "BrokerUnavailable", "MalformedResponse"])
    }),
  { tags: ["thorough"] }
)

const countingClock = Effect.gen(function* () {
  const base = yield* Clock.Clock
  const waits = { open: 0 }
  const sleep: Clock.Clock["sleep"] = (duration) =>
    Effect.acquireUseRelease(
      Effect.sync(() => (waits.open += 1)),
      () => base.sleep(duration),
      () => Effect.sync(() => (waits.open -= 1))
    )
  return { waits, clock: Object.assign(yield* SimulatorClock.make(() => 0), { sleep }) }
})

it.live("stopping the simulator stops the timers of delayed answers", () =>
  Effect.gen(function* () {
    const { clock, waits } = yield* countingClock
    yield* Effect.scoped(
      Effect.gen(function* () {
        const simulator = yield* Effect.provideService(Simulator.make(), Clock.Clock, clock)
        yield* arm(simulator, "*", { kind: "latency", duration: "1 hour" })
        yield* Effect.forkDetach(Effect.exit(send(`${simulator.origins[api]}/`)))
        yield* eventually(Effect.sync(() => waits.open === 1))
      })
    )
    yield* eventually(Effect.sync(() => waits.open === 0))
  })
)
