import * as http from "node:http"
import type { AddressInfo } from "node:net"
import { inspect } from "node:util"
import type * as AuthError from "@auth/broker-core/login/AuthError"
import * as BrokerClient from "@auth/broker-core/broker/BrokerClient"
import * as Decode from "@auth/broker-core/broker/Decode"
import * as Endpoint from "@auth/broker-core/broker/Endpoint"
import { Canary, TestHttp } from "@auth/broker-core/testing"
import { assert, describe, it } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as HttpClient from "effect/http/HttpClient"
import * as HttpClientResponse from "effect/http/HttpClientResponse"
import * as Logger from "effect/Logger"
import * as Redacted from "effect/Redacted"
import * as References from "effect/References"
import * as Schema from "effect/Schema"
import * as Tracer from "effect/Tracer"
import * as TestClock from "effect/testing/TestClock"
import { listen as listenOn } from "../../../tools/vitest/freePort.ts"
import { shown } from "./support.ts"
import {
  type Answer,
  connect,
  login,
  loginOptions,
  no,
  overFetch,
  profile,
  protocol,
  type Seen,
  secrets,
  tokens,
  yes
} from "./tiny.ts"

const sentIn = (asked: Seen) => Object.values(secrets).filter((secret) => JSON.stringify(asked).includes(secret))

const reasonOf = <A, R>(call: Effect.Effect<A, AuthError.AuthError, R>) =>
  Effect.map(Effect.flip(call), (error) => {
    for (const secret of Object.values(secrets)) assert.notInclude(shown(error), secret)
    return error.reason
  })

const cut = () => Response.error()
const silence = () => new Promise<Response>(() => undefined)
const status = (code: number, body = "", headers = {}) => new Response(body, { status: code, headers })

describe("a request", () => {
  it.effect("is sent as the endpoint declares", () =>
    Effect.gen(function* () {
      const tiny = yield* connect([() => yes()])
      assert.deepStrictEqual(yield* tiny.login, { token: "t" })
      assert.deepStrictEqual(yield* tiny.profile, { token: "t" })
      assert.deepStrictEqual(tiny.seen, [
        {
          method: "POST",
          url: "https://api.tiny.example/login",
          headers: { "content-type": "application/json", "x-key": secrets.key },
          body: `{"id":"T1","pin":"${secrets.pin}"}`
        },
        {
          method: "GET",
          url: "https://api.tiny.example/profile",
          headers: {
            authorization: `Bearer ${secrets.access}`,
            "content-type": "application/json",
            "x-key": secrets.key
          },
          body: ""
        }
      ])
    })
  )

  it.effect("contains the headers and query parameters of its call", () =>
    Effect.gen(function* () {
      const { client, seen } = yield* connect([() => yes()])
      const query = { code: Redacted.make("a&b"), page: "1" }
      yield* client.call(profile, {
        account: "T1",
        tokens,
        query,
        headers: { "x-key": "other", "x-own": Redacted.make("1") }
      })
      assert.strictEqual(seen[0]?.url, "https://api.tiny.example/profile?code=a%26b&page=1")
      assert.deepInclude(seen[0]?.headers, { "x-key": "other", "x-own": "1" })
    })
  )

  it.effect("contains the query parameters of both endpoint and call", () =>
    Effect.gen(function* () {
      const { client, seen } = yield* connect([() => yes()])
      const search = Endpoint.make({
        ...profile,
        request: Schema.Struct({ name: Schema.String }),
        query: { q: "name" }
      })
      yield* client.call(search, { account: "T1", tokens, request: { name: "INFY" }, query: { page: "1" } })
      assert.strictEqual(seen[0]?.url, "https://api.tiny.example/profile?q=INFY&page=1")
    })
  )

  it.effect("contains the plain text of nested Redacted values", () =>
    Effect.gen(function* () {
      const { client, seen } = yield* connect([() => yes()])
      const nested = Endpoint.make({ ...login, request: Schema.Unknown, response: Schema.Unknown })
      const request = { answers: [{ id: 1, answer: Redacted.make("blue") }, Redacted.make(7)], at: null }
      yield* client.call(nested, { account: "T1", request })
      assert.strictEqual(seen[0]?.body, `{"answers":[{"id":1,"answer":"blue"},7],"at":null}`)
      const echoing = yield* connect([({ body }) => no({ message: body })])
      const error = yield* Effect.flip(echoing.client.call(nested, { account: "T1", request }))
      assert.notInclude(error.message, "blue")
    })
  )

  it.effect("is sent to the origin in the options", () =>
    Effect.gen(function* () {
      const tiny = yield* connect([() => yes()], { origins: { api: "http://127.0.0.1:4010" } })
      yield* tiny.login
      assert.strictEqual(tiny.seen[0]?.url, "http://127.0.0.1:4010/login")
      assert.deepStrictEqual(tiny.client.origins, { api: "http://127.0.0.1:4010" })
    })
  )
})

describe("a call", () => {
  it.effect.each([
    { request: { id: "T1" }, problems: ["pin"] },
    { request: { id: " ", pin: Redacted.make("\n") }, problems: ["id", "pin"] },
    { request: { id: 1, pin: secrets.pin }, problems: ["id", "pin"] },
    { request: { id: "T1", pin: Redacted.make(1) }, problems: ["pin"] },
    { request: null, problems: ["request"] },
    { request: undefined, problems: ["request"] }
  ])("with the request $request is not sent, and the error names $problems", ({ problems, request }) =>
    Effect.gen(function* () {
      const { client, seen } = yield* connect([() => yes()])
      const call = client.call(login, { account: "T1", request: request as unknown as typeof loginOptions.request })
      const reason = yield* reasonOf(call)
      assert.strictEqual(reason._tag, "InvalidRequest")
      assert.deepStrictEqual(
        reason._tag === "InvalidRequest" ? reason.problems.map(({ field }) => field) : [],
        problems
      )
      assert.isEmpty(seen)
    })
  )

  it.effect("is not sent without its required token", () =>
    Effect.gen(function* () {
      const { client, seen } = yield* connect([() => yes()])
      assert.deepInclude(yield* reasonOf(client.call(profile, { account: "T1" })), {
        _tag: "SessionExpired",
        why: "missing"
      })
      assert.isEmpty(seen)
    })
  )

  const limited = { ...login, limits: [{ requests: 1, per: "1 minute" }] } as const
  it.effect("is not sent if the rate limit's delay exceeds queueTimeout", () =>
    Effect.gen(function* () {
      const { client, seen } = yield* connect([() => yes()])
      const call = client.call(limited, loginOptions)
      yield* call
      const reason = yield* reasonOf(call)
      assert.deepInclude(reason, { _tag: "RateLimited", by: "client" })
      assert.lengthOf(seen, 1)
      yield* TestClock.adjust("61 seconds")
      yield* call
      assert.lengthOf(seen, 2)
    })
  )
})

const notAnOrigin = /must be the text of an origin/
const notHttps = /must be https/
it.effect.each([
  { origin: "http://api.tiny.example", problem: notHttps },
  { origin: "http://localhost.evil.example", problem: notHttps },
  { origin: "http://127.0.0.1.evil.example", problem: notHttps },
  { origin: "http://0.0.0.0:4010", problem: notHttps },
  { origin: "ftp://api.tiny.example", problem: notHttps },
  { origin: "https://api.tiny.example/", problem: notAnOrigin },
  { origin: "https://api.tiny.example/v1", problem: notAnOrigin },
  { origin: "https://api.tiny.example?x", problem: notAnOrigin },
  { origin: "https://user:pass-canary@api.tiny.example", problem: notAnOrigin },
  { origin: "api.tiny.example", problem: notAnOrigin },
  { origin: "//api.tiny.example", problem: notAnOrigin },
  { origin: "file:///etc/passwd", problem: notAnOrigin },
  { origin: "https://", problem: notAnOrigin },
  { origin: "", problem: notAnOrigin },
  { origin: undefined, problem: notAnOrigin },
  { origin: 4010, problem: notAnOrigin }
])("a client cannot be created with the origin $origin", ({ origin, problem }) =>
  Effect.gen(function* () {
    const error = yield* Effect.flip(connect([() => yes()], { origins: { api: origin as string } }))
    assert.strictEqual(error.reason._tag === "InvalidRequest" ? error.reason.field : "", "origins.api")
    assert.match(error.message, problem)
    assert.notInclude(shown(error), "canary")
  })
)

it.effect('a client accepts plain http for a loopback address or with `insecureHttp: "allow"`', () =>
  Effect.gen(function* () {
    for (const api of [
      "http://127.0.0.1:1",
      "http://127.9.9.9",
      "http://localhost:8080",
      "http://[::1]:8080",
      "https://X.example:8443"
    ]) {
      yield* connect([() => yes()], { origins: { api } })
    }
    yield* connect([() => yes()], { origins: { api: "http://api.tiny.example" }, insecureHttp: "allow" })
  })
)

describe("a valid call", () => {
  it.effect.each([
    { title: "no answer comes", answer: silence },
    { title: "the answer does not end", answer: () => new Response(new ReadableStream({})) }
  ])("is sent exactly once if $title within ten seconds", ({ answer }) =>
    Effect.gen(function* () {
      const tiny = yield* connect([answer])
      for (const call of [tiny.login, tiny.profile]) {
        tiny.seen.length = 0
        const fiber = yield* Effect.forkChild(reasonOf(call))
        yield* TestClock.adjust("9999 millis")
        assert.isUndefined(fiber.pollUnsafe())
        yield* TestClock.adjust("1 milli")
        assert.deepInclude(yield* Fiber.join(fiber), { _tag: "BrokerUnavailable", why: "time-out" })
        yield* TestClock.adjust("10 minutes")
        assert.lengthOf(tiny.seen, 1)
      }
    })
  )

  it.effect("fails if no answer comes within the `timeout` option", () =>
    Effect.gen(function* () {
      const tiny = yield* connect([silence], { timeout: "1 second" })
      const fiber = yield* Effect.forkChild(reasonOf(tiny.login))
      yield* TestClock.adjust("1 second")
      assert.isDefined(fiber.pollUnsafe())
    })
  )

  it.effect.each([500, 502, 503, 504, 408, 429])("is sent exactly once if the broker answers with HTTP %d", (code) =>
    Effect.gen(function* () {
      const tiny = yield* connect([() => status(code)])
      yield* reasonOf(tiny.login)
      yield* reasonOf(tiny.profile)
      assert.lengthOf(tiny.seen, 2)
    })
  )

  it.effect("aborts its fetch when interrupted", () =>
    Effect.gen(function* () {
      const signals: Array<AbortSignal | null | undefined> = []
      const sent = yield* Deferred.make<void>()
      const client = yield* overFetch("https://api.tiny.example", (_, init) => {
        signals.push(init?.signal)
        Deferred.doneUnsafe(sent, Exit.void)
        return silence()
      })
      const fiber = yield* Effect.forkChild(client.call(login, loginOptions))
      yield* Deferred.await(sent)
      assert.deepStrictEqual(
        signals.map((signal) => signal?.aborted),
        [false]
      )
      yield* Fiber.interrupt(fiber)
      assert.deepStrictEqual(
        signals.map((signal) => signal?.aborted),
        [true]
      )
    })
  )

  it.effect("is sent again after a failed connection only with `safe: true`", () =>
    Effect.gen(function* () {
      const tiny = yield* connect([cut])
      assert.deepInclude(yield* reasonOf(tiny.login), { _tag: "BrokerUnavailable", why: "network" })
      assert.lengthOf(tiny.seen, 1)
      assert.deepInclude(yield* reasonOf(tiny.profile), { _tag: "BrokerUnavailable", why: "network" })
      assert.lengthOf(tiny.seen, 3)
      const retried = yield* connect([cut, () => yes()])
      assert.deepStrictEqual(yield* retried.profile, { token: "t" })
      assert.deepStrictEqual(retried.seen[0], retried.seen[1])
    })
  )

  it.effect("waits for the rate limit before it is sent again", () =>
    Effect.gen(function* () {
      const { client, seen } = yield* connect([cut, () => yes()])
      const limited = { ...profile, limits: [{ requests: 1, per: "1 second" }] } as const
      const fiber = yield* client
        .call(limited, { account: "T1", tokens })
        .pipe(Effect.andThen(Clock.currentTimeMillis), Effect.forkChild)
      yield* TestClock.adjust("5 seconds")
      assert.strictEqual(yield* Fiber.join(fiber), 1050)
      assert.lengthOf(seen, 2)
    })
  )
})

describe("the body of an answer", () => {
  const limit = 1000
  const streamed = (chunks: number, init?: ResponseInit) => {
    const pulled = { count: 0 }
    const stream = new ReadableStream<Uint8Array>(
      {
        pull(controller) {
          pulled.count += 1
          controller.enqueue(new TextEncoder().encode(" ".repeat(100)))
          if (pulled.count === chunks) controller.close()
        }
      },
      { highWaterMark: 0 }
    )
    return { pulled, response: new Response(stream, init) }
  }

  const inPieces = (text: string, size: number) => {
    const bytes = new TextEncoder().encode(text)
    return new Response(
      new ReadableStream({
        start(controller) {
          for (let at = 0; at < bytes.length; at += size) controller.enqueue(bytes.slice(at, at + size))
          controller.close()
        }
      })
    )
  }

  it.effect("is not read if its content-length is too large", () =>
    Effect.gen(function* () {
      const { pulled, response } = streamed(20, { headers: { "content-length": "2000" } })
      const tiny = yield* connect([() => response], { maxBodyBytes: limit })
      const reason = yield* reasonOf(tiny.login)
      assert.deepInclude(reason, { _tag: "MalformedResponse", status: 200, excerpt: "" })
      assert.strictEqual(pulled.count, 0)
    })
  )

  it.effect.each([
    { title: "no content-length", headers: {} },
    { title: "an invalid content-length", headers: { "content-length": "-1" } },
    { title: "an empty content-length", headers: { "content-length": "" } },
    {
      title: "a content-length that counts the compressed bytes",
      headers: { "content-length": "20", "content-encoding": "gzip" }
    },
    {
      title: "an empty content-length and a content-encoding",
      headers: { "content-length": "", "content-encoding": "br" }
    }
  ])("with $title is not read to its end if it is too large", ({ headers }) =>
    Effect.gen(function* () {
      const { pulled, response } = streamed(1_000_000, { headers })
      const tiny = yield* connect([() => response], { maxBodyBytes: limit })
      assert.include((yield* reasonOf(tiny.login)).message, "larger than the option maxBodyBytes allows")
      assert.isAtMost(pulled.count, 12)
      assert.lengthOf(tiny.seen, 1)
    })
  )

  it.effect("is rejected if it is too large despite a small content-length", () =>
    Effect.gen(function* () {
      const { response } = streamed(100, { headers: { "content-length": "3" } })
      const tiny = yield* connect([() => response], { maxBodyBytes: limit })
      assert.include((yield* reasonOf(tiny.login)).message, "larger than the option maxBodyBytes allows")
    })
  )

  it.effect("may have exactly the maximum size", () =>
    Effect.gen(function* () {
      const text = `{"ok":true,"data":{"token":"t"}}`.padEnd(limit)
      const tiny = yield* connect(
        [() => inPieces(text, 7), () => status(200, text, { "content-length": String(limit) })],
        {
          maxBodyBytes: limit
        }
      )
      assert.deepStrictEqual(yield* tiny.login, yield* tiny.login)
    })
  )

  it.effect("is decoded correctly if chunks split a character", () =>
    Effect.gen(function* () {
      const tiny = yield* connect([() => inPieces(`{"ok":true,"data":{"token":"₹é🙂"}}`, 1)])
      assert.deepStrictEqual(yield* tiny.login, { token: "₹é🙂" })
    })
  )

  it.effect("is rejected if an incomplete character follows the JSON", () =>
    Effect.gen(function* () {
      const bytes = new TextEncoder().encode(`{"ok":true,"data":{"token":"t"}}₹`).slice(0, -1)
      const tiny = yield* connect([() => new Response(new Blob([bytes]).stream())])
      assert.strictEqual((yield* reasonOf(tiny.login))._tag, "MalformedResponse")
    })
  )

  it.effect.each([{}, { "content-length": "40" }])(
    "is rejected if the connection fails after complete JSON: headers %j",
    (headers) =>
      Effect.gen(function* () {
        const whole = new TextEncoder().encode(`{"ok":true,"data":{"token":"t"}}`)
        const stream = () => {
          let pulls = 0
          return new ReadableStream({
            pull: (controller) => {
              pulls += 1
              if (pulls === 1) controller.enqueue(whole)
              else controller.error(new Error("canary"))
            }
          })
        }
        const tiny = yield* connect([() => new Response(stream(), { headers }), () => yes()])
        assert.deepInclude(yield* reasonOf(tiny.login), { _tag: "BrokerUnavailable", why: "network" })
        assert.lengthOf(tiny.seen, 1)
      })
  )
})

describe("invalid options", () => {
  it.effect("are all named in one error, with the accepted values", () =>
    Effect.gen(function* () {
      const choices = { probe: ["funds", "banks"], state: ["required"], unset: ["a"] }
      const options = { probe: "fund", state: null, unset: undefined, timeout: 0 } as BrokerClient.Options
      const made = BrokerClient.make({ ...protocol, choices }, { api: "https://api.tiny.example" }, options)
      const { reason } = yield* Effect.flip(Effect.provide(made, TestHttp.layerLateFetch))
      assert.deepStrictEqual(reason._tag === "InvalidRequest" && reason.problems, [
        { field: "probe", problem: "is not one of funds, banks" },
        { field: "state", problem: "is not one of required" },
        { field: "timeout", problem: 'must be a duration such as "15 minutes"' }
      ])
    })
  )

  it.effect.each([
    { timeout: NaN },
    { timeout: 0 },
    { timeout: -5 },
    { timeout: "10 secs" as "10 seconds" },
    { timeout: Infinity },
    { queueTimeout: NaN },
    { queueTimeout: -1 },
    { queueTimeout: "soon" as "1 second" },
    { maxBodyBytes: 0 },
    { maxBodyBytes: NaN },
    { maxBodyBytes: 1.5 }
  ])("are rejected before any request is sent: %o", (options) =>
    Effect.gen(function* () {
      const spy = HttpClient.make(() => Effect.die("sent"))
      const made = BrokerClient.make(protocol, { api: "https://api.tiny.example" }, options)
      const error = yield* Effect.flip(Effect.provideService(made, HttpClient.HttpClient, spy))
      assert.strictEqual(error.reason._tag, "InvalidRequest")
      assert.include(error.message, Object.keys(options).join())
    })
  )
})

describe("tracing", () => {
  const traced = (answers: Parameters<typeof connect>[0]) =>
    Effect.gen(function* () {
      const net = yield* Canary.make
      const tiny = yield* connect(answers)
      const exits = yield* Effect.all([Effect.exit(tiny.login), Effect.exit(tiny.profile)]).pipe(
        Effect.withSpan("program"),
        Effect.provide(net.layer)
      )
      for (const exit of exits) Canary.show(net, exit, shown)
      return { net, seen: tiny.seen }
    })

  it.effect("adds no header to a request and shows no secret", () =>
    Effect.gen(function* () {
      const answers: ReadonlyArray<Answer> = [
        () => yes(),
        (asked) => no({ code: "X", message: JSON.stringify(asked) }),
        cut,
        () => status(503),
        (asked) => status(200, Object.values(asked.headers).join() + asked.body)
      ]
      for (const answer of answers) {
        const { net, seen } = yield* traced([answer])
        for (const { headers } of seen) {
          assert.notMatch(Object.keys(headers).join(), /trace|b3|baggage|span/i)
        }
        assert.deepStrictEqual(
          net.spans().map(({ name }) => name),
          ["program", "tiny.login", "tiny.profile"]
        )
        assert.isEmpty(Canary.leaks(net, Object.values(secrets)))
      }
    })
  )

  it.effect("keeps the token of a successful login out of spans", () =>
    Effect.gen(function* () {
      const { net } = yield* traced([() => yes({ token: "issued-canary" })])
      const spans = net.spans().filter(({ name }) => name.startsWith("tiny."))
      assert.strictEqual(spans.length, 2)
      for (const span of spans) {
        assert.deepInclude(span.status, { exit: Exit.void })
        assert.notInclude(inspect(span.status, { depth: 20, showHidden: true }), "issued-canary")
      }
    })
  )

  it.effect("adds the reason for a failed call to the call's span", () =>
    Effect.gen(function* () {
      const { net } = yield* traced([() => no({ code: "SLOW" })])
      const [span] = net.spans().filter(({ name }) => name === "tiny.login")
      const exit = span?.status._tag === "Ended" ? span.status.exit : Exit.void
      assert.include(Exit.isFailure(exit) ? shown(Cause.squash(exit.cause)) : "", "RateLimited")
    })
  )

  it.effect("creates a span only if there is a tracer", () =>
    Effect.gen(function* () {
      const spans: Array<string | undefined> = []
      const spy = HttpClient.make((request) =>
        Effect.map(Effect.serviceOption(Tracer.ParentSpan), (span) => {
          spans.push(span._tag === "Some" && span.value._tag === "Span" ? span.value.name : undefined)
          return HttpClientResponse.fromWeb(request, yes())
        })
      )
      const client = yield* Effect.provideService(
        BrokerClient.make(protocol, { api: "https://api.tiny.example" }),
        HttpClient.HttpClient,
        spy
      )
      const net = yield* Canary.make
      yield* client.call(login, loginOptions)
      yield* Effect.provide(client.call(login, loginOptions), net.layer)
      assert.deepStrictEqual(spans, [undefined, "tiny.login"])
    })
  )
})

describe("a refusal", () => {
  it.effect.each([
    { code: "T9153", tag: "InvalidCredentials", kept: "T9153" },
    { code: "X-77", tag: "BrokerRejected", kept: "X-77" },
    { code: 1234, tag: "BrokerRejected", kept: "1234" },
    { code: `E${secrets.pin}`, tag: "BrokerRejected", kept: "E<redacted>" },
    { code: " X-77 ", tag: "BrokerRejected", kept: "X-77" },
    { code: "", tag: "BrokerRejected", kept: "none" },
    { code: null, tag: "BrokerRejected", kept: "none" },
    { code: { deep: 1 }, tag: "BrokerRejected", kept: "none" }
  ])("is reported as $tag with the code $kept if its code is $code", ({ code, kept, tag }) =>
    Effect.gen(function* () {
      const tiny = yield* connect([() => no({ code, message: "No" })])
      const error = yield* Effect.flip(tiny.login)
      const { _tag, brokerMessage, code: came } = error.reason
      assert.deepStrictEqual([_tag, came, brokerMessage], [tag, kept, "No"])
      assert.isFalse(error.isRetryable)
      assert.deepStrictEqual([error.broker, error.operation], ["tiny", "login"])
    })
  )

  it.effect("is reported with the broker's message, but without values from the request", () =>
    Effect.gen(function* () {
      const echo: Answer = (asked) =>
        no({ message: `${asked.body} with ${sentIn(asked).join(" and ").toUpperCase()} is wrong`, code: "X" })
      const tiny = yield* connect([echo])
      for (const call of [tiny.login, tiny.profile]) {
        assert.match((yield* reasonOf(call)).message, /with <redacted> AND <redacted> is wrong/)
      }
      const long = yield* connect([() => no({ message: "long ".repeat(90) })])
      assert.lengthOf((yield* reasonOf(long.login)).brokerMessage ?? "", 300)
    })
  )

  it.effect.each([
    ["message", { code: "X", message: "no\u001b[31m\nINFO ok\u202e\u2028" }],
    ["code", { code: "X\u001b[31m\nINFO ok\u202e\u2028", message: "no" }],
    ["support id", { code: "DENIED", message: "no", support: "1\u001b[31m\nINFO ok\u202e\u2028" }],
    ["message if a cut splits a surrogate pair", { code: "X", message: `${"x".repeat(299)}😀` }]
  ] as const)("is reported without control characters and lone surrogates in its %s", ([, fields]) =>
    Effect.gen(function* () {
      const tiny = yield* connect([() => no(fields)])
      const error = yield* Effect.flip(tiny.login)
      const { brokerMessage, code } = error.reason
      for (const text of [error.message, JSON.parse(JSON.stringify(error)).message, brokerMessage, code]) {
        assert.notMatch(text ?? "", /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u)
      }
    })
  )

  it.effect("shows no part of a secret where a long message is cut", () =>
    Effect.gen(function* () {
      for (let length = 440; length < 500; length += 1) {
        const message = `eyJ${"a".repeat(length)} ${secrets.key}`
        const tiny = yield* connect([() => no({ message })])
        assert.notInclude((yield* reasonOf(tiny.login)).message, "key")
      }
    })
  )

  it.effect("is reported with its support id, retry delay or clock difference", () =>
    Effect.gen(function* () {
      yield* TestClock.setTime(Date.UTC(2026, 10, 21, 4))
      const headers = { date: "Sat, 21 Nov 2026 04:01:30 GMT", "retry-after": "3" }
      const denied = yield* connect([() => no({ code: "DENIED", support: "42859265" }, { headers })])
      assert.deepInclude(yield* reasonOf(denied.login), {
        _tag: "PermissionDenied",
        why: "waf",
        supportId: "42859265"
      })
      const telling = yield* connect([() => no({ code: "DENIED", support: `4${secrets.pin}2` })])
      assert.deepInclude(yield* reasonOf(telling.login), { supportId: "4<redacted>2" })
      const slow = yield* connect([() => no({ code: "SLOW" }, { headers })])
      assert.deepStrictEqual((yield* reasonOf(slow.login)).retryAfter, Duration.seconds(3))
      const late = yield* connect([() => no({ code: "TOTP" }, { headers })])
      assert.include((yield* reasonOf(late.login)).remedy, "Your clock is 90 seconds behind the broker's")
    })
  )

  it.effect("makes the call fail even with HTTP 200", () =>
    Effect.gen(function* () {
      const tiny = yield* connect([() => no({ code: "X" })])
      assert.strictEqual((yield* reasonOf(tiny.login))._tag, "BrokerRejected")
    })
  )
})

describe("an answer that quotes a secret from a request header", () => {
  const parts = { key: "kite9key", token: "opaq4tok", user: "usr-9", password: "pa55 w0rd" }
  const basic = Buffer.from(`${parts.user}:${parts.password}`).toString("base64")
  const values: ReadonlyArray<readonly [title: string, value: string | Redacted.Redacted<string>]> = [
    ["a key and a token", Redacted.make(`token ${parts.key}:${parts.token}`)],
    ["a scheme and a token", Redacted.make(`Bearer ${parts.token}`)],
    ["parameters", Redacted.make(`Custom key="${parts.key}", token=${parts.token};`)],
    ["an id and a password in base64", Redacted.make(`Basic ${basic}`)],
    ["a cookie", Redacted.make(`jwt=${parts.token}; key=${parts.key}`)],
    ["secrets that are not wrapped in Redacted", `token ${parts.key}:${parts.token}`]
  ]
  const ways: ReadonlyArray<(text: string) => Response> = [
    (text) => no({ code: "X", message: `${text} was not accepted` }),
    (text) => no({ code: text, message: "no" }),
    (text) => no({ code: "DENIED", message: "no", support: text }),
    (text) => status(200, `<h1>${text} was not accepted</h1>`),
    (text) => status(200, encodeURIComponent(text))
  ]
  it.effect.each(values)("is reported without this secret if the header contains %s", ([, value]) =>
    Effect.gen(function* () {
      const sent = Redacted.isRedacted(value) ? Redacted.value(value) : value
      const inside = Object.values(parts).filter((part) => sent.replace(basic, atob(basic)).includes(part))
      assert.isNotEmpty(inside)
      for (const part of inside) {
        for (const way of ways) {
          const headers = () => ({ authorization: value })
          const { client, login } = yield* connect([() => way(part)], {}, { headers })
          assert.notInclude(shown(yield* Effect.flip(login)), part)
          const body = { status: 401, headers: {}, text: yield* Effect.promise(() => way(part).text()) }
          assert.notInclude(shown(client.refusal(body, { headers: headers() })), part)
        }
      }
    })
  )
})

describe("the reason for a failed call", () => {
  const rows: ReadonlyArray<readonly [code: number, login: string, profile: string]> = [
    [200, "MalformedResponse", "MalformedResponse"],
    [204, "MalformedResponse", "MalformedResponse"],
    [301, "MalformedResponse", "MalformedResponse"],
    [304, "MalformedResponse", "MalformedResponse"],
    [400, "InvalidRequest", "InvalidRequest"],
    [401, "InvalidCredentials", "SessionExpired"],
    [403, "PermissionDenied", "PermissionDenied"],
    [404, "BrokerRejected", "BrokerRejected"],
    [405, "InvalidRequest", "InvalidRequest"],
    [408, "BrokerUnavailable", "BrokerUnavailable"],
    [415, "InvalidRequest", "InvalidRequest"],
    [418, "BrokerRejected", "BrokerRejected"],
    [422, "InvalidRequest", "InvalidRequest"],
    [429, "RateLimited", "RateLimited"],
    [500, "BrokerUnavailable", "BrokerUnavailable"],
    [503, "BrokerUnavailable", "BrokerUnavailable"],
    [599, "BrokerUnavailable", "BrokerUnavailable"]
  ]
  it.effect.each(rows)(
    "with HTTP %d and no error in the body is %s if the call has no token, else %s",
    ([code, withoutToken, withToken]) =>
      Effect.gen(function* () {
        const empty = [204, 304, 401].includes(code)
        const tiny = yield* connect([() => new Response(empty ? null : "<html>Oops</html>", { status: code })])
        const reasons = [yield* reasonOf(tiny.login), yield* reasonOf(tiny.profile)]
        assert.deepStrictEqual(
          reasons.map(({ _tag }) => _tag),
          [withoutToken, withToken]
        )
      })
  )

  it.effect.each([
    [403, "BrokerRejected"],
    [401, "BrokerRejected"],
    [500, "BrokerUnavailable"]
  ] as const)("with HTTP %d and an unknown code is %s", ([code, tag]) =>
    Effect.gen(function* () {
      const tiny = yield* connect([() => no({ code: "X-77" }, { status: code })])
      assert.deepInclude(yield* reasonOf(tiny.login), { _tag: tag, code: "X-77" })
    })
  )

  it.effect("does not come from error table rows of other endpoints", () =>
    Effect.gen(function* () {
      const codes = protocol.codes.map((row) => ({ ...row, operations: ["login"] }))
      const tiny = yield* connect([() => no({ code: "SLOW" })], {}, { codes })
      const reasons = [yield* reasonOf(tiny.login), yield* reasonOf(tiny.profile)]
      assert.deepStrictEqual(
        reasons.map(({ _tag }) => _tag),
        ["RateLimited", "BrokerRejected"]
      )
    })
  )

  it.effect("contains the broker's message even without an error code", () =>
    Effect.gen(function* () {
      const tiny = yield* connect([() => no({ message: "Down for maintenance" }, { status: 503 })])
      assert.deepInclude(yield* reasonOf(tiny.login), {
        _tag: "BrokerUnavailable",
        status: 503,
        brokerMessage: "Down for maintenance"
      })
    })
  )

  it.effect.each([
    ["2", 2000],
    ["0", 0],
    ["Sat, 21 Nov 2026 04:00:30 GMT", 30_000],
    ["Sat, 21 Nov 2026 03:00:00 GMT", 0],
    ["-5", undefined],
    ["1.5", 1500],
    ["0.25", 250],
    [" 3 ", 3000],
    ["1.", undefined],
    [".5", undefined],
    ["1.5.2", undefined],
    ["1e3", undefined],
    ["900", 900_000],
    ["901", 900_000],
    ["3600", 900_000],
    ["Fri, 01 Jan 2099 00:00:00 GMT", 900_000],
    ["Sat, 99 Nov 2026 04:00:30 GMT", undefined],
    ["5 minutes", undefined],
    ["soon", undefined],
    ["", undefined],
    ["99999999999999999999", 900_000]
  ] as const)('with "Retry-After: %s" has this retryAfter in milliseconds: %s', ([text, millis]) =>
    Effect.gen(function* () {
      yield* TestClock.setTime(Date.UTC(2026, 10, 21, 4))
      for (const code of [429, 503, 502, 500, 408]) {
        const tiny = yield* connect([() => status(code, "", { "retry-after": text })])
        const { retryAfter } = yield* reasonOf(tiny.login)
        assert.strictEqual(retryAfter && Duration.toMillis(retryAfter), millis, String(code))
      }
    })
  )

  it.effect.each([
    ["clock is an hour behind", "Sat, 21 Nov 2026 03:00:00 GMT", "Sat, 21 Nov 2026 03:00:30 GMT", 30_000],
    ["clock is an hour ahead", "Sat, 21 Nov 2026 05:00:00 GMT", "Sat, 21 Nov 2026 05:00:30 GMT", 30_000],
    ["Date header is invalid", "yesterday", "Sat, 21 Nov 2026 04:00:30 GMT", 30_000]
  ] as const)("contains the delay from a Retry-After date if the broker's %s", ([, date, until, millis]) =>
    Effect.gen(function* () {
      yield* TestClock.setTime(Date.UTC(2026, 10, 21, 4))
      for (const code of [429, 503]) {
        const tiny = yield* connect([() => status(code, "", { date, "retry-after": until })])
        const { retryAfter } = yield* reasonOf(tiny.login)
        assert.strictEqual(retryAfter && Duration.toMillis(retryAfter), millis)
      }
    })
  )

  it.effect("is not InvalidCredentials for HTTP 401 with HTML or plain text", () =>
    Effect.gen(function* () {
      for (const page of ["<html>Unauthorized</html>", "Proxy authentication needed", "nginx"]) {
        const tiny = yield* connect([() => status(401, page)])
        assert.deepInclude(yield* reasonOf(tiny.login), { _tag: "BrokerRejected", code: "HTTP 401" })
      }
    })
  )

  it.effect("is InvalidCredentials for HTTP 401 only if the message is missing or reports failed authentication", () =>
    Effect.gen(function* () {
      for (const [message, tag] of [
        [undefined, "InvalidCredentials"],
        ["Unauthorized", "InvalidCredentials"],
        ["Unauthorised client", "InvalidCredentials"],
        ["Authentication failed", "InvalidCredentials"],
        ["Invalid credentials", "InvalidCredentials"],
        ["System is under maintenance", "BrokerRejected"],
        ["Authentication service is under maintenance", "BrokerRejected"],
        ["Another message", "BrokerRejected"]
      ] as const) {
        const tiny = yield* connect([() => no(message === undefined ? {} : { message }, { status: 401 })])
        assert.strictEqual((yield* reasonOf(tiny.login))._tag, tag, message)
      }
    })
  )

  it.effect("is BrokerUnavailable for HTTP 500 even if the body reports success", () =>
    Effect.gen(function* () {
      const tiny = yield* connect([() => Response.json({ ok: true, data: { token: "t" } }, { status: 500 })])
      assert.strictEqual((yield* reasonOf(tiny.login))._tag, "BrokerUnavailable")
    })
  )

  it.effect("contains the difference between Retry-After and Date if this machine's clock is behind", () =>
    Effect.gen(function* () {
      yield* TestClock.setTime(Date.UTC(2026, 10, 21, 3))
      const headers = { date: "Sat, 21 Nov 2026 04:00:00 GMT", "retry-after": "Sat, 21 Nov 2026 04:00:20 GMT" }
      const tiny = yield* connect([() => status(429, "", headers)])
      assert.deepStrictEqual((yield* reasonOf(tiny.login)).retryAfter, Duration.seconds(20))
    })
  )

  it.effect("contains the Retry-After delay if the broker is unavailable", () =>
    Effect.gen(function* () {
      const tiny = yield* connect([() => status(503, "", { "retry-after": "7" })])
      assert.deepInclude(yield* reasonOf(tiny.login), { _tag: "BrokerUnavailable", retryAfter: Duration.seconds(7) })
    })
  )
})

describe("an answer with a defect", () => {
  const deep = `${`{"a":`.repeat(100_000)}1${"}".repeat(100_000)}`
  it.effect.each([
    ["is empty", "", /it is empty/],
    [
      "is HTML",
      "<html><p>Back at seven</p></html>",
      /it is not a JSON object or array\. It starts with: Back at seven\./
    ],
    ["is truncated JSON", `{"ok":true,"data":{"token":"t`, /it is not a JSON object or array/],
    ["is JSON with unknown fields", `{"status":"true"}`, /neither success nor failure.*\{"status":string\(4\)\}/],
    ["is a list", "[]", /neither success nor failure/],
    ["is null", "null", /it is not a JSON object or array/],
    ["is deeply nested", deep, /neither success nor failure/],
    ["lacks its data", `{"ok":true}`, /its data is not as documented/],
    ["lacks a field", `{"ok":true,"data":{}}`, /: token is not as documented/],
    ["has a field of the wrong type", `{"ok":true,"data":{"token":1,"list":["x"]}}`, /token/],
    [
      "has a list item of the wrong type",
      `{"ok":true,"data":{"token":"t","list":[1,"x"]}}`,
      /: list\.1 is not as documented/
    ],
    ["has an infinite number", `{"ok":true,"data":{"token":"t","list":[1e999]}}`, /list\.0/]
  ] as const)("makes the call fail with MalformedResponse if the answer %s", ([, text, words]) =>
    Effect.gen(function* () {
      const tiny = yield* connect([() => status(200, text)])
      const error = yield* Effect.flip(tiny.login)
      assert.strictEqual(error.reason._tag, "MalformedResponse")
      assert.match(error.message, words)
    })
  )

  it.effect("is reported without request values, even if the answer encodes them for URLs, HTML or JSON", () =>
    Effect.gen(function* () {
      // The encodings change these values, but not the words in them.
      const [pin, access] = [`wren&"finch <robin`, "heron/stork+crane=="] as const
      const words = /wren|finch|robin|heron|stork|crane|key-canary/i
      const inHtml = (text: string) => text.replaceAll("&", "&amp;").replaceAll(`"`, "&quot;").replaceAll("<", "&lt;")
      const wholes: ReadonlyArray<(texts: ReadonlyArray<string>) => string> = [
        (texts) => texts.join(" "),
        (texts) => texts.map(encodeURIComponent).join("&"),
        (texts) =>
          texts
            .map(inHtml)
            .map((text) => `<input name="x" value="${text}">${text}`)
            .join("<br>"),
        (texts) => JSON.stringify({ ok: "no", ...Object.fromEntries(texts.map((text) => [text, text])) }),
        (texts) => JSON.stringify({ ok: true, data: Object.fromEntries(texts.map((text) => [text, text])) }),
        (texts) => `{"ok":true,"data":{${texts.map((text) => JSON.stringify(text)).join()}`
      ]
      for (const whole of wholes) {
        const { client } = yield* connect([pin, access].map((value) => () => status(200, whole([secrets.key, value]))))
        const request = { id: "T1", pin: Redacted.make(pin) }
        assert.notMatch(shown(yield* Effect.flip(client.call(login, { account: "T1", request }))), words)
        const call = client.call(profile, { account: "T1", tokens: { access: Redacted.make(access) } })
        assert.notMatch(shown(yield* Effect.flip(call)), words)
      }
    })
  )

  it.effect("is repaired if the protocol lists the defect as a quirk", () =>
    Effect.gen(function* () {
      const text = `\ufeff{“ok”:true,“data”:{“token”:“t”}}\u0000`
      const strict = yield* connect([() => status(200, text)])
      assert.strictEqual((yield* reasonOf(strict.login))._tag, "MalformedResponse")
      const lenient = yield* connect([() => status(200, text)], {}, { quirks: ["smart-quotes", "trailing-bytes"] })
      assert.deepStrictEqual(yield* lenient.login, { token: "t" })
      const strange = yield* connect([() => status(200, "{“name”:“Demo”}")], {}, { quirks: ["smart-quotes"] })
      assert.include((yield* reasonOf(strange.login)).message, `{"name":string(4)}`)
    })
  )
})

it.effect("an answer may have fields that the schema does not name", () =>
  Effect.gen(function* () {
    const tiny = yield* connect([() => yes({ token: "t", more: { x: 1 } })])
    assert.deepStrictEqual(yield* tiny.login, { token: "t" })
  })
)

describe("a fault between this program and the broker", () => {
  const origin = "https://api.tiny.example"
  const failing = (code: string | undefined, fields: object = {}, message = "") =>
    overFetch(origin, () => {
      const cause = Object.assign(new Error(message), code === undefined ? {} : { code }, fields)
      return Promise.reject(new TypeError("fetch failed", { cause }))
    })

  it.effect.each([
    ["CERT_HAS_EXPIRED", "certificate"],
    ["CERT_NOT_YET_VALID", "certificate"],
    ["PATH_LENGTH_EXCEEDED", "certificate"],
    ["ERROR_IN_CRL_NEXT_UPDATE_FIELD", "certificate"],
    ["UNABLE_TO_VERIFY_LEAF_SIGNATURE", "certificate"],
    ["UNABLE_TO_GET_ISSUER_CERT_LOCALLY", "certificate"],
    ["SELF_SIGNED_CERT_IN_CHAIN", "certificate"],
    ["DEPTH_ZERO_SELF_SIGNED_CERT", "certificate"],
    ["ERR_TLS_CERT_ALTNAME_INVALID", "certificate"],
    ["ENOTFOUND", "network"],
    ["EAI_AGAIN", "network"],
    ["ECONNREFUSED", "network"],
    ["EHOSTUNREACH", "network"],
    ["ENETUNREACH", "network"],
    ["EACCES", "network"],
    ["EPERM", "network"],
    ["UND_ERR_PRX_CONN", "proxy"]
  ] as const)("is not reported as a fault of the broker for the error code %s", ([code, why]) =>
    Effect.gen(function* () {
      const client = yield* failing(code)
      const error = yield* Effect.flip(client.call(login, loginOptions))
      assert.deepInclude(error.reason, { _tag: "BrokerUnavailable", why, systemCode: code })
      assert.strictEqual(error.isRetryable, why !== "certificate")
      assert.match(error.message, /No (?:secure )?connection to the broker/)
      assert.notInclude(error.message, "status page")
    })
  )

  it.effect.each([
    ["a proxy that is not running", "ECONNREFUSED", { syscall: "connect", address: "10.0.0.1", port: 3128 }, ""],
    ["a proxy with an unknown host name", "ENOTFOUND", { syscall: "getaddrinfo", hostname: "proxy.corp.example" }, ""],
    ["a proxy that requires a login", "UND_ERR_ABORTED", {}, "Proxy response (407) !== 200 when HTTP Tunneling"],
    ["a proxy that refuses the connection", undefined, {}, "Proxy response (403) !== 200 when HTTP Tunneling"]
  ] as const)("is reported as a fault of the proxy if caused by %s", ([, code, fields, message]) =>
    Effect.gen(function* () {
      const client = yield* failing(code, fields, message)
      const error = yield* Effect.flip(client.call(login, loginOptions))
      assert.deepInclude(error.reason, { _tag: "BrokerUnavailable", why: "proxy" })
      assert.include(error.message, "proxy")
      assert.strictEqual(error.isRetryable, !message.includes("407"))
    })
  )

  it.effect("is reported as a fault of the proxy for HTTP 407", () =>
    Effect.gen(function* () {
      const tiny = yield* connect([() => status(407, "<h1>Proxy login</h1>")])
      for (const call of [tiny.login, tiny.profile]) {
        assert.deepInclude(yield* reasonOf(Effect.asVoid(call)), {
          _tag: "BrokerUnavailable",
          why: "proxy",
          status: 407
        })
      }
    })
  )

  it.effect("is not reported as a fault of a proxy if the broker refuses connections", () =>
    Effect.gen(function* () {
      const fields = { code: "ECONNREFUSED", syscall: "connect", address: "10.0.0.1", port: 443 }
      const errors = [Object.assign(new Error("x"), fields), Object.assign(new Error("x"), fields)]
      for (const given of [fields, { errors }]) {
        const client = yield* failing(undefined, given)
        const reason = yield* reasonOf(client.call(login, loginOptions))
        assert.deepInclude(reason, { why: "network", systemCode: "ECONNREFUSED" })
      }
    })
  )
})

describe("a token in a header", () => {
  it.effect.each([
    ["a line break", "canary\nhalf"],
    ["a carriage return", "canary\r\nhalf"],
    ["NUL", "canary\u0000half"],
    ["a character that is not in Latin-1", "canary…half"],
    ["an emoji", "canary😀half"],
    ["a byte order mark", "canary\ufeffhalf"]
  ] as const)("is neither sent nor shown in an error if the token contains %s", ([, access]) =>
    Effect.gen(function* () {
      let sent = 0
      const client = yield* overFetch("https://api.tiny.example", (url, init) => {
        // Like `fetch`, `new Request` throws if a header is invalid. Some of these errors show the header's value.
        const { method } = new Request(url, init)
        sent += method.length
        return Promise.resolve(yes())
      })
      const call = client.call(profile, { account: "T1", tokens: { access: Redacted.make(access) } })
      const error = yield* Effect.flip(call)
      assert.deepInclude(error.reason, { _tag: "InvalidRequest", field: "tokens.access" })
      assert.notInclude(shown(error), "canary")
      const other = client.call(login, { ...loginOptions, headers: { "x-own": Redacted.make(access) } })
      assert.deepInclude((yield* Effect.flip(other)).reason, { field: "headers.x-own" })
      assert.strictEqual(sent, 0)
    })
  )

  it.effect.each([
    ["a blank", "can ary"],
    ["a no-break space", "canary\u00a0"],
    ["a soft hyphen", "can\u00adary"],
    ["an accent", "can\u00e4ry"]
  ] as const)("is neither sent nor shown in an error if the token contains %s", ([, access]) =>
    Effect.gen(function* () {
      const tiny = yield* connect([() => yes()])
      const call = tiny.client.call(profile, { account: "T1", tokens: { access: Redacted.make(access) } })
      const error = yield* Effect.flip(call)
      assert.deepInclude(error.reason, { _tag: "InvalidRequest", field: "tokens.access" })
      assert.notInclude(shown(error), access)
      assert.lengthOf(tiny.seen, 0)
    })
  )
})

it.effect("a header without a token may contain Latin-1 characters", () =>
  Effect.gen(function* () {
    const tiny = yield* connect([() => yes()])
    yield* tiny.client.call(login, { ...loginOptions, headers: { "x-own": "a é\tb" } })
    assert.strictEqual(tiny.seen[0]?.headers["x-own"], "a é\tb")
  })
)

describe("a call over real sockets", () => {
  const listen = (handler: http.RequestListener) =>
    Effect.acquireRelease(
      Effect.promise(async () => {
        const server = http.createServer(handler)
        await listenOn(server)
        return server
      }),
      (server) => Effect.callback<void>((resume) => void server.close(() => resume(Effect.void)))
    )
  const originOf = (server: http.Server) => `http://127.0.0.1:${(server.address() as AddressInfo).port}`

  it.live("fails with ECONNREFUSED if the port is closed", () =>
    Effect.gen(function* () {
      const origin = yield* Effect.scoped(
        Effect.map(
          listen(() => undefined),
          originOf
        )
      )
      const client = yield* overFetch(origin, globalThis.fetch)
      const reason = yield* reasonOf(client.call(login, loginOptions))
      assert.deepInclude(reason, { _tag: "BrokerUnavailable", why: "network", systemCode: "ECONNREFUSED" })
    })
  )

  it.live("without `safe: true` is sent exactly once if the connection is cut", () =>
    Effect.gen(function* () {
      let asked = 0
      const server = yield* listen((request) => {
        asked += 1
        request.socket.destroy()
      })
      const client = yield* overFetch(originOf(server), globalThis.fetch)
      assert.deepInclude(yield* reasonOf(client.call(login, loginOptions)), {
        _tag: "BrokerUnavailable",
        why: "network"
      })
      assert.strictEqual(asked, 1)
    })
  )

  it.live("does not follow a redirect", () =>
    Effect.gen(function* () {
      const followed: Array<string | undefined> = []
      const target = yield* listen((request, response) => {
        followed.push(request.url)
        response.end(`{"ok":true,"data":{"token":"t"}}`)
      })
      for (const code of [301, 302, 303, 307, 308]) {
        const server = yield* listen((_, response) => {
          response.writeHead(code, { location: originOf(target) }).end()
        })
        const client = yield* overFetch(originOf(server), globalThis.fetch)
        for (const call of [client.call(login, loginOptions), client.call(profile, { account: "T1", tokens })]) {
          const reason = yield* reasonOf(Effect.asVoid(call))
          assert.strictEqual(reason._tag, "MalformedResponse")
          assert.include(reason.message, "a request with credentials follows no redirect")
        }
      }
      assert.isEmpty(followed)
    })
  )
})

describe("an answer that must contain a token", () => {
  const Issued = Endpoint.make({
    name: "issue",
    method: "POST",
    path: "/issue",
    token: "none",
    response: Schema.Struct({
      token: Decode.Text,
      userId: Schema.optionalKey(Schema.String),
      refresh: Schema.optionalKey(Schema.NullOr(Schema.String)),
      expires: Schema.optionalKey(Schema.NullOr(Schema.Finite)),
      list: Schema.optionalKey(Schema.Array(Schema.String)),
      holder: Schema.optionalKey(Schema.Struct({ name: Schema.optionalKey(Schema.String), poa: Schema.Finite }))
    }),
    essential: ["token", "userId"]
  })

  const issue = Effect.fnUntraced(function* (data: unknown) {
    const { client } = yield* connect([() => yes(data)])
    return yield* client.call(Issued, { account: "T1" })
  })

  it.effect.each([
    ["a refresh token that is a number", { refresh: 7 }, {}],
    ["a refresh token that is an object", { refresh: { value: "r" } }, {}],
    ["a lifetime that is a word", { expires: "soon", refresh: "r" }, { refresh: "r" }],
    ["a lifetime in quotation marks", { expires: "3600", refresh: "r" }, { expires: 3600, refresh: "r" }],
    ["a lifetime in quotation marks, with spaces and a fraction", { expires: " 3600.5 " }, { expires: 3600.5 }],
    ["a lifetime too large for a number", { expires: "9".repeat(400) }, {}],
    ["a list item that is a number", { list: ["NSE", 7, "BSE"] }, { list: ["NSE", "BSE"] }],
    ["a list that is a boolean", { list: true }, {}],
    ["an optional nested field of the wrong type", { holder: { name: 7, poa: "2" } }, { holder: { poa: 2 } }],
    ["a required nested field of the wrong type", { holder: { name: "x", poa: "x" } }, {}],
    ["null instead of a list", { list: null }, {}]
  ] as const)("is decoded with its valid fields if it contains %s", ([, fields, read]) =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* issue({ token: "t", userId: "T1", ...fields }), {
        token: "t",
        userId: "T1",
        ...read
      })
    })
  )

  it.effect.each([
    ["a token that is a number", { token: 7 }, /: token is not as documented/],
    ["no token", { expires: "x" }, /: token is not as documented/],
    ["a number as the optional user id", { token: "t", userId: 7 }, /: userId is not as documented/],
    ["no data", null, /its data is not as documented/]
  ] as const)("is rejected if it contains %s", ([, data, words]) =>
    Effect.gen(function* () {
      const error = yield* Effect.flip(issue(data))
      assert.strictEqual(error.reason._tag, "MalformedResponse")
      assert.match(error.message, words)
    })
  )

  it.effect("is decoded despite 400,000 list items of the wrong type", () =>
    Effect.gen(function* () {
      const list = Array.from({ length: 400_000 }, () => 7)
      assert.deepStrictEqual(yield* issue({ token: "t", list }), { token: "t", list: [] })
    })
  )

  it.effect("causes a debug log event that names invalid fields without their values", () =>
    Effect.gen(function* () {
      const events: Array<string> = []
      const logger = Logger.make((options) => {
        const notes = options.fiber.getRef(References.CurrentLogAnnotations)
        events.push(JSON.stringify([options.logLevel, options.message, notes]))
      })
      const program = issue({
        token: "token-canary",
        refresh: { value: "refresh-canary" },
        expires: "3600",
        list: [7, "list-canary", 8]
      })
      yield* program.pipe(
        Effect.provide(Logger.layer([logger])),
        Effect.provideService(References.MinimumLogLevel, "Debug")
      )
      assert.strictEqual(events.length, 1)
      assert.include(events[0], "refresh, expires, list")
      assert.include(events[0], "Debug")
      assert.notMatch(events.join(), /canary|3600/)
    })
  )
})
