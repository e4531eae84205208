import { FakeBroker, TestHttp } from "@auth/broker-core/testing"
import { assert, describe, it } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as HttpClient from "effect/http/HttpClient"
import * as TestClock from "effect/testing/TestClock"

const origin = "https://api.fake.example"

const makeWith = Effect.fnUntraced(function* (options: { readonly journalLimit?: number }) {
  const state = { acted: 0, resets: 0 }
  const act = (name: string) => (request: FakeBroker.FakeRequest) =>
    Effect.sync(() => {
      state.acted += 1
      return FakeBroker.json({ name, got: request.json ?? null })
    })
  const route = { origin, method: "POST", path: "/v1/login" }
  const clock = yield* FakeBroker.makeClock
  const fake = yield* FakeBroker.make({
    broker: "fake",
    clock,
    accounts: [{ id: "T1", pin: "4711" }],
    origins: [origin],
    routes: [
      { ...route, endpoint: "otp", accepts: ({ json }) => JSON.stringify(json) === `{"otp":1}`, handle: act("otp") },
      { ...route, endpoint: "login", handle: act("login") },
      { ...route, endpoint: "profile", method: "GET", path: "/v1/profile", handle: act("profile") }
    ],
    notFound: FakeBroker.text("not found", 404),
    wafPage: FakeBroker.html("<h1>Rejected</h1>"),
    rateLimited: FakeBroker.text("slow down", 403),
    codes: (account) => (account === "T1" ? ["123456"] : []),
    reset: () => (state.resets += 1),
    ...options
  })
  const ask = (path = "/v1/login", init: RequestInit = { method: "POST", body: `{"id":"T1"}` }) =>
    Effect.promise(async () => {
      const response = await fake.respond(new Request(`${origin}${path}`, init))
      return { status: response.status, type: response.type, headers: response.headers, text: await response.text() }
    })
  return { fake, ask, state, clock }
})

const make = makeWith({})

const faults: ReadonlyArray<
  readonly [fault: FakeBroker.Fault, status: number, text: string | RegExp, acted: number, type?: string]
> = [
  [{ kind: "status", status: 503 }, 503, "", 0],
  [{ kind: "answer", status: 418, body: "tea" }, 418, "tea", 0],
  [{ kind: "waf" }, 200, "<h1>Rejected</h1>", 0],
  [{ kind: "rate-limit" }, 403, "slow down", 0],
  [{ kind: "quote", as: "page" }, 200, /^<html>.*\{"id":"T1"\}/, 0],
  [{ kind: "quote", as: "json" }, 400, /"sent":\["\{\\"id\\":\\"T1\\"\}"/, 0],
  [{ kind: "quote", as: "refusal" }, 200, /^\{"status":false/, 0],
  [{ kind: "truncated" }, 200, `{"name":"login","`, 1],
  [{ kind: "reset" }, 0, "", 0, "error"],
  [{ kind: "lost" }, 0, "", 1, "error"]
]

describe("a fault that a test injects into FakeBroker", () => {
  it.effect.each(faults)(
    "%j affects only the next request, which gets the status %d",
    ([fault, status, text, acted, type = "default"]) =>
      Effect.gen(function* () {
        const { ask, fake, state } = yield* make
        yield* fake.inject("login", fault)
        const answer = yield* ask()
        assert.deepStrictEqual([answer.status, answer.type, state.acted], [status, type, acted])
        if (typeof text === "string") assert.strictEqual(answer.text, text)
        else assert.match(answer.text, text)
        assert.deepStrictEqual(
          (yield* fake.journal).map((entry) => entry.status),
          [status]
        )
        assert.strictEqual((yield* ask()).status, 200)
        assert.strictEqual(state.acted, acted + 1)
      })
  )

  it.effect("of the kind `latency` uses the program's clock, not the fake's clock", () =>
    Effect.gen(function* () {
      const { ask, fake, state } = yield* make
      yield* fake.inject("login", { kind: "latency", duration: "30 seconds" })
      const fiber = yield* Effect.forkChild(ask())
      yield* fake.advance("1 hour")
      yield* TestClock.withLive(Effect.sleep("5 millis"))
      yield* TestClock.adjust("29 seconds")
      assert.deepStrictEqual([state.acted, (yield* fake.journal).length], [0, 1])
      yield* TestClock.adjust("1 second")
      assert.strictEqual((yield* Fiber.join(fiber)).status, 200)
      assert.strictEqual(state.acted, 1)
    })
  )

  it.effect("occurs the given number of times, before faults injected later", () =>
    Effect.gen(function* () {
      const { ask, fake } = yield* make
      yield* fake.inject("login", { kind: "status", status: 500 }, 0)
      yield* fake.inject("login", { kind: "status", status: 501 }, 2)
      yield* fake.inject("*", { kind: "status", status: 502 })
      const profile = ask("/v1/profile", { method: "GET" })
      const statuses = []
      for (const asking of [ask(), profile, ask(), ask(), profile]) statuses.push((yield* asking).status)
      assert.deepStrictEqual(statuses, [501, 502, 501, 200, 200])
    })
  )
})

describe("a route of FakeBroker", () => {
  it.effect("is found by method, origin, path and body", () =>
    Effect.gen(function* () {
      const { ask, fake } = yield* make
      const post = (body: string) => ({ method: "POST", body })
      const answers = [
        yield* ask("/v1/login", post(`{"otp":1}`)),
        yield* ask("/v1/login?x=1", post("no JSON")),
        yield* ask("//v1//login"),
        yield* ask("/v1/login", { method: "GET" }),
        yield* ask("/v2/login"),
        yield* ask("/V1/login")
      ]
      const elsewhere = new Request("https://other.example/v1/login", post("no JSON"))
      assert.strictEqual((yield* Effect.promise(() => fake.respond(elsewhere))).status, 404)
      assert.deepStrictEqual(
        answers.map(({ status, text }) => (status === 200 ? (JSON.parse(text) as unknown) : text)),
        [
          { name: "otp", got: { otp: 1 } },
          { name: "login", got: null },
          { name: "login", got: { id: "T1" } },
          "not found",
          "not found",
          "not found"
        ]
      )
      assert.deepStrictEqual(
        (yield* fake.journal).map(({ endpoint }) => endpoint),
        ["otp", "login", "login", "unknown", "unknown", "unknown", "unknown"]
      )
    })
  )

  it.effect("sends the fake's time in the Date header", () =>
    Effect.gen(function* () {
      const { ask, fake } = yield* make
      yield* TestClock.setTime(Date.UTC(2026, 10, 21, 4))
      yield* fake.advance("90 seconds")
      assert.strictEqual((yield* ask()).headers.get("date"), "Sat, 21 Nov 2026 04:01:30 GMT")
    })
  )
})

describe("the journal of FakeBroker", () => {
  it.effect("records the exact URL and body, and lower-case header names", () =>
    Effect.gen(function* () {
      const { ask, fake } = yield* make
      yield* fake.advance("1 minute")
      yield* ask("/v1/login?x=%201", { method: "POST", body: "b", headers: { "X-Key": "k", "content-type": "text/x" } })
      assert.deepStrictEqual(yield* fake.journal, [
        {
          at: 60_000,
          broker: "fake",
          endpoint: "login",
          method: "POST",
          url: `${origin}/v1/login?x=%201`,
          headers: { "x-key": "k", "content-type": "text/x" },
          body: "b",
          status: 200
        }
      ])
    })
  )

  it.effect("does not change if a test changes a returned entry", () =>
    Effect.gen(function* () {
      const { ask, fake } = yield* make
      yield* ask()
      const entries = yield* fake.journal
      Object.assign(entries[0] ?? {}, { endpoint: "changed" })
      assert.strictEqual((yield* fake.journal)[0]?.endpoint, "login")
    })
  )
})

it.effect("a fake's `reset` undoes `advance`, and removes journal and faults", () =>
  Effect.gen(function* () {
    const { ask, fake, state } = yield* make
    yield* TestClock.setTime(5000)
    yield* fake.advance("8 hours")
    yield* fake.advance("1 second")
    assert.strictEqual(yield* fake.now, 5000 + 28_801_000)
    yield* TestClock.adjust("1 second")
    assert.strictEqual(yield* fake.now, 6000 + 28_801_000)
    assert.strictEqual(yield* Clock.currentTimeMillis, 6000)
    yield* ask()
    yield* fake.inject("*", { kind: "reset" }, 5)
    yield* fake.reset
    assert.strictEqual(yield* fake.now, 6000)
    assert.isEmpty(yield* fake.journal)
    assert.strictEqual(state.resets, 1)
    assert.strictEqual((yield* ask()).status, 200)
  })
)

it.effect("a fake lists its endpoints, origins, accounts and codes", () =>
  Effect.gen(function* () {
    const { fake } = yield* make
    assert.deepStrictEqual(fake.endpoints, ["otp", "login", "profile"])
    assert.deepStrictEqual([fake.broker, fake.origins, fake.accounts], ["fake", [origin], [{ id: "T1", pin: "4711" }]])
    assert.deepStrictEqual([yield* fake.codes("T1"), yield* fake.codes("T2")], [["123456"], []])
  })
)

it("FakeBroker.makeLimiter limits each key's calls in any period of the given length", () => {
  let now = 0
  const limiter = FakeBroker.makeLimiter(() => now)
  const limits = [
    { requests: 2, per: "1 second" },
    { requests: 3, per: "1 minute" }
  ] as const
  const at = (time: number, key = "a") => {
    now = time
    return limiter.allows(key, limits)
  }
  assert.deepStrictEqual([at(0), at(500), at(999), at(1000), at(1499)], [true, true, false, true, false])
  assert.isFalse(at(2500), "the limit of three requests in a minute must reject a fourth request")
  assert.isTrue(at(2500, "b"))
  assert.isFalse(at(59_999))
  assert.isTrue(at(60_000), "the limiter must not count rejected requests")
  limiter.reset()
  assert.isTrue(at(60_000))
  const many = Array.from({ length: 3000 }, () => limiter.allows("c", [{ requests: 2000, per: "1 day" }]))
  assert.lengthOf(
    many.filter((isAllowed) => isAllowed),
    2000
  )
})

describe("TestHttp:", () => {
  const url = `${origin}/v1/profile`

  it.effect("`layerFake` reports a cut connection as an HttpClientError", () =>
    Effect.gen(function* () {
      const { fake } = yield* make
      yield* fake.inject("profile", { kind: "reset" })
      const client = yield* Effect.provide(HttpClient.HttpClient, TestHttp.layerFake(fake))
      assert.strictEqual((yield* Effect.flip(client.get(url)))._tag, "HttpClientError")
      assert.strictEqual((yield* client.get(url)).status, 200)
    })
  )

  it.effect("`layerLateFetch` reads `globalThis.fetch` at each request", () =>
    Effect.gen(function* () {
      const client = yield* Effect.provide(HttpClient.HttpClient, TestHttp.layerLateFetch)
      const before = globalThis.fetch
      yield* Effect.acquireRelease(
        Effect.sync(() => (globalThis.fetch = () => Promise.resolve(new Response("late", { status: 299 })))),
        () => Effect.sync(() => (globalThis.fetch = before))
      )
      assert.strictEqual((yield* client.get(url)).status, 299)
    })
  )

  it.effect("`settle` advances virtual time until an effect ends, and returns the effect's result or error", () =>
    Effect.gen(function* () {
      const work = TestClock.withLive(Effect.sleep("1 milli")).pipe(Effect.andThen(Effect.sleep("1 minute")))
      assert.strictEqual(yield* TestHttp.settle(Effect.as(work, "done")), "done")
      assert.strictEqual(yield* Effect.flip(TestHttp.settle(Effect.andThen(work, Effect.fail("failed")))), "failed")
    })
  )
})

describe("the journal of FakeBroker", () => {
  const endpointsOf = ({ journal }: FakeBroker.FakeBroker) =>
    Effect.map(journal, (entries) => entries.map(({ url }) => url.slice(origin.length)))

  it.effect("keeps the newest entries up to its limit, and counts the dropped entries", () =>
    Effect.gen(function* () {
      const { ask, fake } = yield* makeWith({ journalLimit: 2 })
      for (const path of ["/1", "/2"]) yield* ask(path)
      assert.strictEqual(yield* fake.journalDropped, 0)
      for (const path of ["/3", "/4", "/5"]) yield* ask(path)
      assert.deepStrictEqual(yield* endpointsOf(fake), ["/4", "/5"])
      assert.strictEqual(yield* fake.journalDropped, 3)
    })
  )

  it.effect("is empty after a reset or a restored snapshot", () =>
    Effect.gen(function* () {
      const { ask, fake } = yield* makeWith({ journalLimit: 1 })
      const clear = [fake.reset, fake.readSnapshot(yield* fake.snapshot) ?? Effect.die("not a snapshot")]
      for (const effect of clear) {
        yield* Effect.andThen(ask("/1"), ask("/2"))
        yield* effect
        assert.deepStrictEqual(yield* fake.journal, [])
        assert.strictEqual(yield* fake.journalDropped, 0)
      }
    })
  )

  it.effect("keeps `JournalLimit` entries, by default 10,000", () =>
    Effect.gen(function* () {
      assert.strictEqual(yield* FakeBroker.JournalLimit, 10_000)
      const { ask, fake } = yield* Effect.provideService(make, FakeBroker.JournalLimit, 1)
      yield* Effect.andThen(ask("/1"), ask("/2"))
      assert.deepStrictEqual(yield* endpointsOf(fake), ["/2"])
    })
  )

  it.effect("can drop the entry of an unanswered request", () =>
    Effect.gen(function* () {
      const { ask, fake } = yield* makeWith({ journalLimit: 1 })
      yield* fake.inject("login", { kind: "latency", duration: "1 second" })
      const slow = yield* Effect.forkChild(ask())
      yield* TestClock.withLive(Effect.sleep("5 millis"))
      assert.strictEqual((yield* ask("/2")).status, 404)
      yield* TestClock.adjust("1 second")
      assert.strictEqual((yield* Fiber.join(slow)).status, 200)
      assert.deepStrictEqual(yield* endpointsOf(fake), ["/2"])
    })
  )
})
