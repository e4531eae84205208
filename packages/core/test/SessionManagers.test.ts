import * as AuthError from "@auth/broker-core/login/AuthError"
import { Logout } from "@auth/broker-core/login/Logout"
import { Renewal } from "@auth/broker-core/broker/Renewal"
import * as SessionManager from "@auth/broker-core/session/SessionManager"
import * as SessionManagers from "@auth/broker-core/session/SessionManagers"
import * as Vault from "@auth/broker-core/session/Vault"
import { assert, describe, it } from "@effect/vitest"
import * as Context from "effect/Context"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/testing/TestClock"
import { makeTiny, morning, pass, type Tiny } from "./sessions.ts"

const begin = Effect.fnUntraced(function* (prepare: (tiny: Tiny, name: string) => void = () => undefined) {
  yield* TestClock.setTime(morning)
  const brokers = new Map<string, Tiny>()
  let built = 0
  const managers = yield* SessionManagers.make((name) =>
    Layer.effectContext(
      Effect.suspend(() => {
        built += 1
        if (name === "misconfigured") {
          return Effect.fail(AuthError.invalidRequest("tiny", "configuration", "pin", "is missing"))
        }
        const tiny = makeTiny()
        prepare(tiny, name)
        brokers.set(name, tiny)
        const renewal = { ...tiny.renewal, account: { ...tiny.renewal.account, id: name } }
        return Effect.succeed(Context.make(Renewal, renewal).pipe(Context.add(Logout, tiny.logout)))
      })
    )
  ).pipe(Effect.provide(Vault.layerMemory))
  return { managers, brokers, built: () => built }
})

const names = (count: number) => Array.from({ length: count }, (_, index) => `T${index}`)

type Managers = Effect.Success<ReturnType<typeof begin>>["managers"]

const warmed = (managers: Managers, all: ReadonlyArray<string>, options?: SessionManagers.WarmOptions) =>
  Stream.runCollect(managers.warm(all, options))

it.effect("SessionManagers builds an account's layer once for all callers", () =>
  Effect.gen(function* () {
    const { brokers, built, managers } = yield* begin()
    const asked = Effect.all(
      Array.from({ length: 50 }, () => managers.session("T1")),
      { concurrency: "unbounded" }
    )
    const sessions = [...(yield* asked), ...(yield* asked)]
    assert.strictEqual(built(), 1)
    assert.strictEqual(new Set(sessions).size, 1)
    assert.deepStrictEqual(brokers.get("T1")?.calls, ["login 1"])
  })
)

it.effect("SessionManagers returns the same manager and services at each call", () =>
  Effect.gen(function* () {
    const { managers } = yield* begin()
    const session = yield* managers.session("T1")
    const services = yield* managers.services("T1")
    const manager = Context.get(services, SessionManager.SessionManager)
    assert.strictEqual(yield* managers.manager("T1"), manager)
    assert.strictEqual(yield* managers.services("T1"), services)
    assert.strictEqual(yield* manager.session, session)
    assert.strictEqual(Context.get(services, Renewal).account.id, "T1")
  })
)

it.effect("SessionManagers does not share a session between two accounts", () =>
  Effect.gen(function* () {
    const { brokers, managers } = yield* begin()
    const [one, other] = [yield* managers.manager("T1"), yield* managers.manager("T2")]
    yield* one.session
    yield* one.logout
    assert.deepStrictEqual([one.account.id, other.account.id], ["T1", "T2"])
    yield* other.session
    assert.deepStrictEqual(brokers.get("T2")?.calls, ["login 1"])
  })
)

it.effect("SessionManagers closes every layer, even if one finalizer dies", () =>
  Effect.gen(function* () {
    const closed: Array<string> = []
    const open = Effect.gen(function* () {
      const managers = yield* SessionManagers.make((name) =>
        Layer.effectContext(
          Effect.gen(function* () {
            const tiny = makeTiny()
            yield* Effect.addFinalizer(() =>
              Effect.andThen(
                Effect.sync(() => void closed.push(name)),
                name === "T1" ? Effect.die("a broken layer") : Effect.void
              )
            )
            return Context.make(Renewal, tiny.renewal).pipe(Context.add(Logout, tiny.logout))
          })
        )
      ).pipe(Effect.provide(Vault.layerMemory))
      for (const name of names(3)) yield* managers.session(name)
    })
    const exit = yield* Effect.exit(Effect.scoped(open))
    assert.deepStrictEqual(closed, ["T2", "T1", "T0"])
    assert.isTrue(Exit.hasDies(exit))
  })
)

describe("sessions: the layer of an account", () => {
  const misconfigured = AuthError.invalidRequest("tiny", "configuration", "pin", "is missing")
  const servicesOf = (tiny: Tiny) => Context.make(Renewal, tiny.renewal).pipe(Context.add(Logout, tiny.logout))

  /** The first `failures` builds fail. `held` returns the number of finalizers in the scope of the managers. */
  const failing = Effect.fnUntraced(function* (failures: number) {
    yield* TestClock.setTime(morning)
    const counts = { built: 0, open: 0 }
    const build = Effect.gen(function* () {
      counts.built += 1
      counts.open += 1
      yield* Effect.addFinalizer(() => Effect.sync(() => (counts.open -= 1)))
      yield* Effect.sleep("1 second")
      return counts.built <= failures ? yield* Effect.fail(misconfigured) : servicesOf(makeTiny())
    })
    const shared = Layer.effectContext(build)
    const scope = yield* Effect.scope
    const held = () => (scope.state._tag === "Open" ? (scope.state.finalizers?.size ?? 1) : 0)
    const managers = yield* SessionManagers.make((name) =>
      name.startsWith("shared") ? shared : Layer.effectContext(build)
    ).pipe(Effect.provide(Vault.layerMemory))
    return { counts, held, managers }
  })

  const asked = Effect.fnUntraced(function* (effect: Effect.Effect<unknown, { readonly reason: { _tag: string } }>) {
    const running = yield* Effect.forkChild(Effect.flip(effect))
    yield* pass("1 second")
    return (yield* Fiber.join(running)).reason._tag
  })

  it.effect("is built again at the next call if its build failed", () =>
    Effect.gen(function* () {
      const { counts, managers } = yield* failing(1)
      assert.strictEqual(yield* asked(managers.session("T1")), "InvalidRequest")
      const again = yield* Effect.forkChild(managers.session("T1"))
      yield* pass("1 second")
      assert.strictEqual((yield* Fiber.join(again)).account.broker, "tiny")
      assert.strictEqual(counts.built, 2)
    })
  )

  it.effect("is built again after a failed build, even if two accounts share it", () =>
    Effect.gen(function* () {
      const { counts, managers } = yield* failing(1)
      assert.strictEqual(yield* asked(managers.session("shared 1")), "InvalidRequest")
      const again = yield* Effect.forkChild(Effect.all([managers.session("shared 1"), managers.session("shared 2")]))
      yield* pass("1 second")
      yield* Fiber.join(again)
      assert.deepStrictEqual(counts, { built: 2, open: 1 })
    })
  )

  it.effect("leaves no resources open if its build fails repeatedly", () =>
    Effect.gen(function* () {
      const { counts, held, managers } = yield* failing(Infinity)
      const before = held()
      for (let times = 0; times < 20; times++) {
        yield* asked(managers.session("T1"))
        assert.deepStrictEqual([counts.open, held()], [0, before])
      }
      assert.strictEqual(counts.built, 20)
    })
  )

  it.effect("is built once for all concurrent callers, even if its build fails", () =>
    Effect.gen(function* () {
      const { counts, managers } = yield* failing(1)
      const all = yield* Effect.forkChild(
        Effect.all(
          Array.from({ length: 50 }, () => Effect.flip(managers.session("T1"))),
          { concurrency: "unbounded" }
        )
      )
      yield* pass("1 second")
      const failures = yield* Fiber.join(all)
      assert.isTrue(failures.every((failure) => failure === misconfigured))
      assert.strictEqual(counts.built, 1)
    })
  )

  it.effect("is still built for the other callers if one caller is interrupted", () =>
    Effect.gen(function* () {
      const { counts, managers } = yield* failing(0)
      const first = yield* Effect.forkChild(managers.session("T1"), { startImmediately: true })
      const other = yield* Effect.forkChild(managers.session("T1"), { startImmediately: true })
      yield* pass("500 millis")
      yield* Fiber.interrupt(first)
      yield* pass("500 millis")
      assert.strictEqual((yield* Fiber.join(other)).account.broker, "tiny")
      assert.strictEqual(counts.built, 1)
    })
  )

  it.effect("is built at the next call if the callback of `make` threw an error", () =>
    Effect.gen(function* () {
      yield* TestClock.setTime(morning)
      let built = 0
      const managers = yield* SessionManagers.make(() => {
        built += 1
        if (built === 1) throw new Error("no such account")
        return Layer.succeedContext(servicesOf(makeTiny()))
      }).pipe(Effect.provide(Vault.layerMemory))
      assert.isTrue(Exit.isFailure(yield* Effect.exit(managers.session("T1"))))
      assert.strictEqual((yield* managers.session("T1")).account.broker, "tiny")
    })
  )
})

describe("sessions: SessionManagers.warm", () => {
  it.effect("logs in once to an account whose name is given twice", () =>
    Effect.gen(function* () {
      const { brokers, managers } = yield* begin()
      const all = names(100)
      const running = yield* Effect.forkChild(warmed(managers, [...all, ...all]))
      yield* pass("10 seconds")
      const progress = yield* Fiber.join(running)
      assert.deepStrictEqual(
        progress.map(({ done }) => done),
        all.map((_, index) => index + 1)
      )
      assert.deepStrictEqual(new Set(progress.map(({ name }) => name)), new Set(all))
      assert.isTrue(progress.every(({ failed, total }) => failed === 0 && total === 100))
      assert.isTrue(all.every((name) => brokers.get(name)?.calls.length === 1))
    })
  )

  it.effect("is not blocked by an account that fails, hangs or is misconfigured", () =>
    Effect.gen(function* () {
      const { managers } = yield* begin((tiny, name) => {
        if (name === "T3") tiny.failures.push(new AuthError.InvalidCredentials({ field: "pin" }))
        if (name === "T5") tiny.latency = "1 hour"
      })
      const seen: Array<SessionManagers.Progress<unknown>> = []
      const running = yield* Effect.forkChild(
        Stream.runForEach(managers.warm([...names(10), "misconfigured"]), (progress) =>
          Effect.sync(() => seen.push(progress))
        )
      )
      yield* pass("1 second")
      assert.strictEqual(seen.length, 10)
      const failures = seen.filter((progress) => SessionManagers.failureOf(progress) !== undefined)
      assert.deepStrictEqual(failures.map(({ name }) => name).sort(), ["T3", "misconfigured"])
      assert.strictEqual(seen.at(-1)?.failed, 2)
      yield* pass("2 minutes")
      yield* Fiber.join(running)
      assert.strictEqual(seen.at(-1)?.name, "T5")
    })
  )

  it.effect("starts the remaining logins after the first logins time out", () =>
    Effect.gen(function* () {
      const { brokers, managers } = yield* begin((tiny, name) => {
        if (name.startsWith("hangs")) tiny.latency = "1 hour"
      })
      const seen: Array<SessionManagers.Progress<AuthError.AuthError>> = []
      const all = ["hangs 1", "hangs 2", ...names(3)]
      const running = yield* Effect.forkChild(
        Stream.runForEach(managers.warm(all, { concurrency: 2, jitter: 0 }), (progress) =>
          Effect.sync(() => seen.push(progress))
        )
      )
      yield* pass("119 seconds")
      assert.deepStrictEqual(seen, [])
      yield* pass("2 seconds")
      yield* Fiber.join(running)
      assert.deepStrictEqual(seen.map(({ name }) => name).sort(), ["T0", "T1", "T2", "hangs 1", "hangs 2"])
      const failures = seen.flatMap((progress) => SessionManagers.failureOf(progress) ?? [])
      assert.strictEqual(failures.length, 2)
      for (const { message } of failures) {
        assert.include(message, "no answer came in time. The login continues in the background")
      }
      yield* pass("1 hour")
      yield* managers.session("hangs 1")
      assert.deepStrictEqual(brokers.get("hangs 1")?.calls, ["login 1"])
    })
  )

  it.effect("reports an account as failed if its login takes longer than `timeout`", () =>
    Effect.gen(function* () {
      const { managers } = yield* begin((tiny) => {
        tiny.latency = "10 seconds"
      })
      const failedWithin = Effect.fnUntraced(function* (timeout: Duration.Input, name: string) {
        const running = yield* Effect.forkChild(warmed(managers, [name], { jitter: 0, timeout }))
        yield* pass("1 millis")
        yield* pass("12 seconds")
        return (yield* Fiber.join(running)).at(-1)?.failed
      })
      assert.strictEqual(yield* failedWithin("9 seconds", "T1"), 1)
      assert.strictEqual(yield* failedWithin("11 seconds", "T2"), 0)
    })
  )

  describe("options", () => {
    const invalid: ReadonlyArray<readonly [string, unknown]> = [
      ["concurrency", 0],
      ["concurrency", -1],
      ["concurrency", 1.5],
      ["concurrency", NaN],
      ["concurrency", Infinity],
      ["concurrency", null],
      ["perSecond", 0],
      ["perSecond", -5],
      ["perSecond", NaN],
      ["perSecond", Infinity],
      ["perSecond", "10"],
      ["perSecond", null],
      ["jitter", "-5 seconds"],
      ["jitter", NaN],
      ["jitter", "Infinity"],
      ["jitter", "soon"],
      ["timeout", 0],
      ["timeout", NaN],
      ["timeout", Infinity]
    ]
    for (const [option, value] of invalid) {
      it.effect(`are rejected if ${option} is ${typeof value === "string" ? `"${value}"` : String(value)}`, () =>
        Effect.gen(function* () {
          const { built, managers } = yield* begin()
          const { message, reason } = yield* Effect.flip(warmed(managers, names(3), { [option]: value }))
          assert.deepStrictEqual(reason._tag === "InvalidRequest" && reason.problems.map(({ field }) => field), [
            option
          ])
          assert.include(message, `Correct the value of ${option}.`)
          assert.strictEqual(built(), 0)
        })
      )
    }
  })

  const others: ReadonlyArray<readonly [string, unknown]> = [
    ["a string", "A123456"],
    ["undefined", undefined],
    ["a number", 7],
    ["a list of objects", [{ name: "T1" }]]
  ]
  it.effect.each(others)("rejects %s as the list of names", ([, given]) =>
    Effect.gen(function* () {
      const { built, managers } = yield* begin()
      const { reason } = yield* Effect.flip(warmed(managers, given as ReadonlyArray<string>))
      assert.deepStrictEqual(reason._tag === "InvalidRequest" && reason.problems.map(({ field }) => field), ["names"])
      assert.strictEqual(built(), 0)
    })
  )

  it.effect("logs in to at most `concurrency` accounts at the same time", () =>
    Effect.gen(function* () {
      const { brokers, managers } = yield* begin((tiny) => {
        tiny.latency = "1 second"
      })
      const running = yield* Effect.forkChild(warmed(managers, names(12), { concurrency: 4, jitter: 0 }))
      yield* pass("1 millis")
      assert.strictEqual(brokers.size, 4)
      yield* pass("1 second")
      assert.strictEqual(brokers.size, 8)
      yield* pass("2 seconds")
      yield* Fiber.join(running)
    })
  )

  it.effect("starts at most `perSecond` logins in each second", () =>
    Effect.gen(function* () {
      const { brokers, managers } = yield* begin()
      const running = yield* Effect.forkChild(warmed(managers, names(25), { perSecond: 10, jitter: 0 }))
      yield* pass("950 millis")
      assert.strictEqual(brokers.size, 10)
      yield* pass("1 second")
      assert.strictEqual(brokers.size, 20)
      yield* pass("1 second")
      yield* Fiber.join(running)
    })
  )

  it.effect("starts at most `perSecond` logins in each second, even after slow logins", () =>
    Effect.gen(function* () {
      const { brokers, managers } = yield* begin((tiny, name) => {
        tiny.latency = name === "T1" ? "9500 millis" : "10 seconds"
      })
      const options = { perSecond: 1, concurrency: 2, jitter: 0 }
      const running = yield* Effect.forkChild(warmed(managers, names(4), options))
      const starts: Array<number> = []
      for (let time = 0; time < 25_000; time += 100) {
        while (starts.length < brokers.size) starts.push(time)
        yield* pass("100 millis")
      }
      assert.lengthOf(starts, 4)
      // The loop records a start at most 100 milliseconds late.
      assert.isAtLeast(Math.min(...starts.slice(1).map((at, index) => at - starts[index]!)), 900)
      yield* Fiber.join(running)
    })
  )

  it.effect("starts the logins at random times within `jitter`", () =>
    Effect.gen(function* () {
      const { brokers, managers } = yield* begin()
      const running = yield* Effect.forkChild(warmed(managers, names(100), { concurrency: 100, jitter: "1 second" }))
      yield* pass("500 millis")
      assert.isAbove(brokers.size, 25)
      assert.isBelow(brokers.size, 75)
      yield* pass("500 millis")
      yield* Fiber.join(running)
    })
  )
})
