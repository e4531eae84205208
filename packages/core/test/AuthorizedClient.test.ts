import * as AuthError from "@auth/broker-core/login/AuthError"
import * as AuthorizedClient from "@auth/broker-core/session/AuthorizedClient"
import { Authorize } from "@auth/broker-core/login/Authorize"
import type { Session } from "@auth/broker-core/login/Session"
import { SessionManager } from "@auth/broker-core/session/SessionManager"
import { TestHttp } from "@auth/broker-core/testing"
import { assert, describe, it } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as FetchHttpClient from "effect/http/FetchHttpClient"
import type * as HttpClient from "effect/http/HttpClient"
import * as HttpClientRequest from "effect/http/HttpClientRequest"
import * as HttpClientResponse from "effect/http/HttpClientResponse"
import * as Fiber from "effect/Fiber"
import type * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/testing/TestClock"
import { makeTiny, morning, pass, start, type Tiny } from "./sessions.ts"
import { shown } from "./support.ts"

const origin = "https://api.tiny.example"
const url = `${origin}/orders`

const authorize: Authorize["Service"] = {
  headers: ({ tokens }) => ({
    authorization: Redacted.make(`Bearer ${Redacted.value(tokens.access)}`),
    "x-private": Redacted.make(`private-${Redacted.value(tokens.access)}`)
  }),
  origins: [origin],
  refusal: ({ text }) =>
    text.includes("DEAD")
      ? AuthError.make("tiny", "request", new AuthError.SessionExpired({ why: "invalid", code: "DEAD" }))
      : undefined
}

interface Broker {
  readonly tiny: Tiny
  readonly manager: SessionManager["Service"]
  readonly client: AuthorizedClient.AuthorizedClient["Service"]
  /** For example `GET 1`, for a request with the token `access-1`. */
  readonly seen: Array<string>
  /** Accepted tokens, without the prefix `access-`. If the set is empty, the broker accepts every token. */
  readonly alive: Set<string>
}

const tokenOf = (request: Request) => request.headers.get("authorization")?.replace("Bearer access-", "") ?? "none"

const dead = (status: number) => new Response('{"code":"DEAD"}', { status })

const begin = Effect.fnUntraced(function* (
  answer: (request: Request) => Promise<Response> = () => Promise.resolve(Response.json({ orders: [] })),
  refuse: () => Response = () => dead(200),
  toldOrigin?: Authorize["Service"]["toldOrigin"]
): Effect.fn.Return<Broker, never, Effect.Services<ReturnType<typeof start>>> {
  yield* TestClock.setTime(morning)
  const tiny = makeTiny()
  const manager = yield* start(tiny)
  const broker = { tiny, manager, seen: [] as Array<string>, alive: new Set<string>() }
  const http: Layer.Layer<HttpClient.HttpClient> = TestHttp.layerRespond((request) => {
    const token = tokenOf(request)
    broker.seen.push(`${request.method} ${token}`)
    const takes = broker.alive.size === 0 || broker.alive.has(token)
    return takes ? answer(request) : Promise.resolve(refuse())
  })
  const client = yield* AuthorizedClient.make.pipe(
    Effect.provideContext(
      Context.make(SessionManager, manager).pipe(
        Context.add(Authorize, { ...authorize, ...(toldOrigin && { toldOrigin }) })
      )
    ),
    Effect.provide(http)
  )
  return { ...broker, client }
})

it.effect("AuthorizedClient sends the session's token only to the broker", () =>
  Effect.gen(function* () {
    const { client, seen, tiny } = yield* begin()
    yield* client.get("https://example.com/")
    assert.deepStrictEqual([seen, tiny.calls], [["GET none"], []])
    const response = yield* client.get(url)
    assert.deepStrictEqual(yield* response.json, { orders: [] })
    assert.deepStrictEqual(seen, ["GET none", "GET 1"])
  })
)

describe("sessions: a rejected token", () => {
  for (const status of [200, 401, 403, 500]) {
    it.effect(`is recognized by the error code in the body: HTTP ${status}`, () =>
      Effect.gen(function* () {
        const { alive, client, manager, seen } = yield* begin(undefined, () => dead(status))
        yield* manager.session
        alive.add("2")
        const response = yield* client.get(url)
        assert.strictEqual(response.status, 200)
        assert.deepStrictEqual(seen, ["GET 1", "GET 2"])
      })
    )
  }

  it.effect("is renewed only once for 100 concurrent requests", () =>
    Effect.gen(function* () {
      const { alive, client, manager, seen, tiny } = yield* begin()
      yield* manager.session
      alive.add("2")
      const requests = Array.from({ length: 100 }, () => client.get(url))
      const responses = yield* Effect.all(requests, { concurrency: "unbounded" })
      assert.isTrue(responses.every(({ status }) => status === 200))
      assert.deepStrictEqual(tiny.calls, ["login 1", "login 2"])
      assert.strictEqual(seen.filter((line) => line === "GET 1").length, 100)
      assert.strictEqual(seen.filter((line) => line === "GET 2").length, 100)
    })
  )

  it.effect("does not make the client resend a POST request", () =>
    Effect.gen(function* () {
      const { alive, client, manager, seen } = yield* begin()
      yield* manager.session
      alive.add("2")
      const failed = yield* Effect.flip(client.post(url))
      assert.strictEqual(failed.reason._tag, "SessionExpired")
      assert.include(failed.message, "This POST was not sent again")
      assert.deepStrictEqual(seen, ["POST 1"])
      yield* client.post(url)
      assert.deepStrictEqual(seen, ["POST 1", "POST 2"])
    })
  )

  it.effect("makes the client resend a replayable POST request", () =>
    Effect.gen(function* () {
      const bodies: Array<string> = []
      const { alive, client, manager } = yield* begin(async (request) => {
        bodies.push(await request.text())
        return Response.json({})
      })
      yield* manager.session
      alive.add("2")
      const request = HttpClientRequest.post(url).pipe(HttpClientRequest.bodyText("search"))
      yield* client.execute(request).pipe(AuthorizedClient.replayable)
      assert.deepStrictEqual(bodies, ["search"])
    })
  )

  it.effect("does not make the client resend a replayable request with a streamed body", () =>
    Effect.gen(function* () {
      const { alive, client, manager, seen } = yield* begin()
      yield* manager.session
      alive.add("2")
      const body = Stream.make(new TextEncoder().encode("once"))
      const request = HttpClientRequest.post(url).pipe(HttpClientRequest.bodyStream(body))
      yield* Effect.flip(client.execute(request).pipe(AuthorizedClient.replayable))
      assert.deepStrictEqual(seen, ["POST 1"])
    })
  )

  it.effect("is renewed only once if the broker also rejects the new token", () =>
    Effect.gen(function* () {
      const { alive, client, tiny } = yield* begin()
      alive.add("a token that is never issued")
      for (let calls = 0; calls < 10; calls++) {
        const failed = yield* Effect.flip(client.get(url))
        assert.strictEqual(failed.reason._tag, "SessionExpired")
      }
      assert.deepStrictEqual(tiny.calls, ["login 1", "login 2"])
    })
  )

  it.effect("is renewed only once for ten rejected POST requests", () =>
    Effect.gen(function* () {
      const { alive, client, manager, seen, tiny } = yield* begin()
      yield* manager.session
      alive.add("a token that is never issued")
      const failures: Array<string> = []
      for (let orders = 0; orders < 10; orders++) failures.push((yield* Effect.flip(client.post(url))).message)
      assert.deepStrictEqual(tiny.calls, ["login 1", "login 2"])
      assert.deepStrictEqual(seen, ["POST 1", ...Array.from({ length: 9 }, () => "POST 2")])
      assert.include(failures[0], "There is a new session now")
      assert.include(failures[1], "The broker also refuses the new session")
      yield* pass("1 day")
      yield* Effect.flip(client.post(url))
      assert.deepStrictEqual(tiny.calls, ["login 1", "login 2", "login 3", "login 4"])
    })
  )

  for (const method of ["GET", "POST"] as const) {
    it.effect(`is renewed again by a ${method} request ten minutes after the last renewal`, () =>
      Effect.gen(function* () {
        const { alive, client, seen, tiny } = yield* begin()
        alive.add("3")
        const call = client.execute(HttpClientRequest.make(method)(url))
        for (let time = 0; time < 5; time += 1) yield* Effect.flip(call)
        assert.deepStrictEqual(tiny.calls, ["login 1", "login 2"])
        yield* pass("10 minutes")
        yield* Effect.exit(call)
        yield* call
        assert.deepStrictEqual(tiny.calls, ["login 1", "login 2", "login 3"])
        assert.strictEqual(seen.at(-1), `${method} 3`)
      })
    )
  }

  it.effect("is renewed only once if the broker rejects only POST requests", () =>
    Effect.gen(function* () {
      const { client, tiny } = yield* begin((request) =>
        Promise.resolve(request.method === "GET" ? Response.json({}) : dead(200))
      )
      for (let orders = 0; orders < 10; orders++) {
        yield* client.get(url)
        yield* Effect.flip(client.post(url))
      }
      assert.deepStrictEqual(tiny.calls, ["login 1", "login 2"])
    })
  )

  it.effect("is renewed at once if an earlier POST request with the token was accepted", () =>
    Effect.gen(function* () {
      const { alive, client, manager, seen } = yield* begin()
      yield* manager.session
      for (const token of ["2", "3", "4"]) {
        alive.clear()
        alive.add(token)
        yield* Effect.flip(client.post(url))
        yield* client.post(url)
      }
      assert.deepStrictEqual(seen, ["POST 1", "POST 2", "POST 2", "POST 3", "POST 3", "POST 4"])
    })
  )

  it.effect.each([
    ["HTTP 503", () => new Response("busy", { status: 503 })],
    ["HTTP 400", () => Response.json({}, { status: 400 })],
    ["a page of a firewall", () => new Response("<html>Request Rejected</html>", { status: 403 })]
  ] as const)("is renewed only once if every second answer is %s", ([, answer]) =>
    Effect.gen(function* () {
      let orders = 0
      const { client, tiny } = yield* begin(() => Promise.resolve(++orders % 2 === 0 ? answer() : dead(200)))
      for (let count = 0; count < 10; count++) yield* Effect.exit(client.post(url))
      assert.deepStrictEqual(tiny.calls, ["login 1", "login 2"])
    })
  )

  it.effect("is renewed even after a late rejection of the previous token", () =>
    Effect.gen(function* () {
      const late = Deferred.makeUnsafe<Response>()
      const { alive, client, manager, tiny } = yield* begin(({ headers }) =>
        headers.has("x-late") ? Effect.runPromise(Deferred.await(late)) : Promise.resolve(Response.json({}))
      )
      yield* manager.session
      const slow = HttpClientRequest.post(url).pipe(HttpClientRequest.setHeader("x-late", "yes"))
      const waiting = yield* Effect.forkChild(Effect.flip(client.execute(slow)), { startImmediately: true })
      alive.add("2")
      yield* Effect.flip(client.post(url))
      yield* client.post(url)
      yield* Deferred.succeed(late, dead(200))
      yield* Fiber.join(waiting)
      alive.clear()
      alive.add("3")
      yield* Effect.flip(client.post(url))
      yield* client.post(url)
      assert.deepStrictEqual(tiny.calls, ["login 1", "login 2", "login 3"])
    })
  )

  it.effect("does not make the client resend a GET if the new session has another origin", () =>
    Effect.gen(function* () {
      const toldOrigin = ({ tokens }: Session) => `https://${Redacted.value(tokens.access)}.tiny.example`
      const { alive, client, seen } = yield* begin(undefined, undefined, toldOrigin)
      alive.add("2")
      const error = yield* Effect.flip(client.get("https://access-1.tiny.example/orders"))
      assert.include(error.message, "Send the request to that address")
      assert.deepStrictEqual(seen, ["GET 1"])
      yield* client.get("https://access-2.tiny.example/orders")
      yield* client.get("https://access-1.tiny.example/orders")
      assert.deepStrictEqual(seen, ["GET 1", "GET 2", "GET none"])
    })
  )

  it.effect("makes the request fail with the error of a failed renewal", () =>
    Effect.gen(function* () {
      const { alive, client, manager, tiny } = yield* begin()
      yield* manager.session
      alive.add("2")
      tiny.failures.push(new AuthError.BrokerUnavailable({ why: "network" }))
      const failed = yield* Effect.flip(client.get(url))
      assert.strictEqual(failed.reason._tag, "BrokerUnavailable")
    })
  )
})

describe("sessions: an answer that does not reject the token", () => {
  it.effect("is returned unchanged if it reports another error", () =>
    Effect.gen(function* () {
      const { client } = yield* begin(() =>
        Promise.resolve(new Response('{"code":"NO FUNDS"}', { status: 400, headers: { "x-trace": "7" } }))
      )
      const response = yield* client.post(url)
      assert.deepStrictEqual([response.status, response.headers["x-trace"]], [400, "7"])
      assert.strictEqual(yield* response.text, '{"code":"NO FUNDS"}')
    })
  )

  it.effect("can be read with every body accessor", () =>
    Effect.gen(function* () {
      const { client } = yield* begin(() => Promise.resolve(new Response('{"a":1}')))
      const read = <A, E>(how: (response: HttpClientResponse.HttpClientResponse) => Effect.Effect<A, E>) =>
        Effect.flatMap(client.get(url), how)
      assert.deepStrictEqual(yield* read((response) => response.json), { a: 1 })
      assert.strictEqual((yield* read((response) => response.arrayBuffer)).byteLength, 7)
      assert.strictEqual(yield* read((response) => Stream.mkString(Stream.decodeText(response.stream))), '{"a":1}')
    })
  )

  for (const status of [204, 205, 304, 600, 999]) {
    it.effect(`is returned even if it has no body: HTTP ${status}`, () =>
      Effect.gen(function* () {
        const answer = () => Object.defineProperty(new Response(null), "status", { value: status })
        const { client } = yield* begin(() => Promise.resolve(answer()))
        assert.strictEqual((yield* client.get(url)).status, status)
      })
    )
  }

  it.effect("is not searched for an error code if its body is large", () =>
    Effect.gen(function* () {
      const text = `DEAD${"x".repeat(2_000_000)}`
      const { client, tiny } = yield* begin(() =>
        Promise.resolve(new Response(text, { headers: { "content-length": String(text.length) } }))
      )
      const response = yield* client.get(url)
      assert.strictEqual((yield* response.text).length, text.length)
      assert.deepStrictEqual(tiny.calls, ["login 1"])
    })
  )
})

describe("sessions: AuthorizedClient protects secrets:", () => {
  it.effect("the tokens of a request do not appear in answers and errors", () =>
    Effect.gen(function* () {
      const { client } = yield* begin()
      const response = yield* client.get(url)
      const wrongStatus = yield* Effect.flip(HttpClientResponse.filterStatus(response, () => false))
      const cut = yield* begin(() => Promise.resolve(Response.error()))
      const failed = yield* Effect.flip(cut.client.get(url))
      assert.strictEqual(failed._tag, "HttpClientError")
      for (const value of [
        response,
        response.request,
        wrongStatus,
        failed,
        failed._tag === "HttpClientError" && failed.request
      ]) {
        assert.notInclude(shown(value), "access-1")
      }
    })
  )

  it.effect("the client follows no redirect and sends no tracing header", () =>
    Effect.gen(function* () {
      yield* TestClock.setTime(morning)
      const manager = yield* start(makeTiny())
      const inits: Array<RequestInit | undefined> = []
      const fetch: typeof globalThis.fetch = (_, init) => {
        inits.push(init)
        return Promise.resolve(new Response(null, { status: 302, headers: { location: "https://example.com/" } }))
      }
      const client = yield* AuthorizedClient.make.pipe(
        Effect.provideContext(Context.make(SessionManager, manager).pipe(Context.add(Authorize, authorize))),
        Effect.provide(FetchHttpClient.layer),
        Effect.provideService(FetchHttpClient.Fetch, fetch)
      )
      const response = yield* Effect.withSpan(client.get(url), "a program's own span").pipe(
        Effect.provideService(FetchHttpClient.Fetch, fetch)
      )
      assert.strictEqual(response.status, 302)
      assert.deepStrictEqual(
        inits.map((init) => [init?.redirect, Object.keys({ ...(init?.headers as object) }).sort()]),
        [["manual", ["authorization", "x-private"]]]
      )
    })
  )
})

it.effect("AuthorizedClient replaces an expired session before it sends a request", () =>
  Effect.gen(function* () {
    const { client, seen } = yield* begin()
    yield* client.get(url)
    yield* pass("1 day")
    yield* client.get(url)
    assert.deepStrictEqual(seen, ["GET 1", "GET 2"])
  })
)
