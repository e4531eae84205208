import { inspect } from "node:util"
import { setFlagsFromString } from "node:v8"
import { runInNewContext } from "node:vm"
import { gzipSync } from "node:zlib"
import * as AuthError from "@auth/broker-core/login/AuthError"
import * as AuthorizedClient from "@auth/broker-core/session/AuthorizedClient"
import { Authorize } from "@auth/broker-core/login/Authorize"
import { SessionManager } from "@auth/broker-core/session/SessionManager"
import { TestHttp } from "@auth/broker-core/testing"
import { assert, describe, it } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import type * as HttpClient from "effect/http/HttpClient"
import type * as HttpClientResponse from "effect/http/HttpClientResponse"
import type * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/testing/TestClock"
import { makeTiny, morning, start } from "./sessions.ts"

const url = "https://api.tiny.example/orders"

const authorize: Authorize["Service"] = {
  headers: ({ tokens }) => ({ authorization: Redacted.make(`Bearer ${Redacted.value(tokens.access)}`) }),
  origins: ["https://api.tiny.example"],
  refusal: ({ text }) =>
    text.includes("DEAD")
      ? AuthError.make("tiny", "request", new AuthError.SessionExpired({ why: "invalid", code: "DEAD" }))
      : undefined
}

const connectTo = Effect.fnUntraced(function* (http: Layer.Layer<HttpClient.HttpClient>) {
  const manager = yield* start(makeTiny())
  return yield* AuthorizedClient.make.pipe(
    Effect.provideContext(Context.make(SessionManager, manager).pipe(Context.add(Authorize, authorize))),
    Effect.provide(http)
  )
})

const connect = (respond: (request: Request) => Response | Promise<Response>) =>
  Effect.andThen(
    TestClock.setTime(morning),
    connectTo(TestHttp.layerRespond((request) => Promise.resolve(respond(request))))
  )

interface Source {
  readonly body: ReadableStream<Uint8Array<ArrayBuffer>>
  pulled: number
  cancelled: boolean
}

const source = (chunk: Uint8Array<ArrayBuffer>, count = Infinity, atEnd: "close" | "break" | "wait" = "close") => {
  const state: Source = {
    pulled: 0,
    cancelled: false,
    body: new ReadableStream<Uint8Array<ArrayBuffer>>(
      {
        pull: (controller) => {
          if (state.pulled < count) {
            state.pulled += 1
            controller.enqueue(chunk.slice())
            return
          }
          if (atEnd === "close") return controller.close()
          if (atEnd === "break") return controller.error(new TypeError("terminated"))
          return new Promise<void>(() => undefined)
        },
        cancel: () => {
          state.cancelled = true
        }
      },
      { highWaterMark: 0 }
    )
  }
  return state
}

const answer = (body: BodyInit | null, type: string | undefined, status = 200) => {
  const response = new Response(body, { status })
  response.headers.delete("content-type")
  if (type !== undefined) response.headers.set("content-type", type)
  return response
}

const mebibyte = 1_048_576
const chunkOf = (size: number, fill = "x") => new TextEncoder().encode(fill.repeat(size))

setFlagsFromString("--expose-gc")
const collect = runInNewContext("gc") as () => void

const memory = () => {
  // Buffers are freed concurrently. The second collection waits until the buffers from the first collection are freed.
  collect()
  collect()
  const { arrayBuffers, heapUsed } = process.memoryUsage()
  return arrayBuffers + heapUsed
}

const consume = Effect.fnUntraced(function* (response: HttpClientResponse.HttpClientResponse, before: number) {
  let size = 0
  let peak = 0
  yield* Stream.runForEach(response.stream, (chunk) => {
    size += chunk.byteLength
    if (size % (20 * mebibyte) < chunk.byteLength) {
      peak = Math.max(peak, memory() - before)
    }
    return Effect.void
  })
  return { size, peak }
})

describe("an answer of unknown length", () => {
  for (const type of ["application/json; charset=utf-8", "text/plain", "text/html", undefined, "text/csv", ""]) {
    it.effect(
      `is not buffered when read as a stream: ${type === undefined ? "no content type" : `"${type}"`}`,
      () =>
        Effect.gen(function* () {
          const data = source(chunkOf(65_536), 1024)
          const client = yield* connect(() => answer(data.body, type))
          const before = memory()
          const response = yield* client.get(url)
          // Before the caller reads, the client reads at most 17 chunks: a mebibyte (16 chunks) and one more chunk.
          // The assertion allows one extra chunk.
          assert.isAtMost(data.pulled, 18)
          const { peak, size } = yield* consume(response, before)
          assert.strictEqual(size, 64 * mebibyte)
          assert.isBelow(peak, 16 * mebibyte)
        }),
      { tags: type === "text/html" ? [] : ["thorough"] }
    )
  }

  it.effect("keeps its bytes and their order", () =>
    Effect.gen(function* () {
      const bytes = Uint8Array.from({ length: 3_000_017 }, (_, at) => (at * 7919) % 251)
      const client = yield* connect(() => answer(new Blob([bytes]).stream(), "application/json"))
      const response = yield* client.get(url)
      assert.isTrue(Buffer.from(yield* response.arrayBuffer).equals(bytes))
    })
  )

  // Before the caller reads, the client has read the first 17 chunks of a JSON answer.
  it.effect.each([
    ["application/json", 20],
    ["application/json", 1],
    ["text/csv", 20],
    ["text/csv", 1]
  ] as const)("is cancelled when the caller stops reading: %s, chunks read: %d", ([type, count]) =>
    Effect.gen(function* () {
      const data = source(chunkOf(65_536))
      const client = yield* connect(() => answer(data.body, type))
      const response = yield* client.get(url)
      const taken = yield* Stream.runCollect(Stream.take(Stream.rechunk(response.stream, 1), count))
      assert.strictEqual(taken.length, count)
      assert.isAtMost(data.pulled, 24)
      yield* TestClock.withLive(Effect.sleep("20 millis"))
      assert.isTrue(data.cancelled)
    })
  )

  it.effect("is checked for a token refusal: JSON, plain text, HTML, no content type", () =>
    Effect.gen(function* () {
      for (const type of [
        "application/json",
        "application/problem+json",
        "text/plain;charset=x",
        "TEXT/HTML",
        undefined
      ]) {
        let calls = 0
        const client = yield* connect(() => {
          calls += 1
          return calls === 1
            ? answer(source(new TextEncoder().encode('{"code":"DEAD"}'), 1).body, type)
            : answer("[]", type)
        })
        assert.strictEqual(yield* (yield* client.get(url)).text, "[]")
        assert.strictEqual(calls, 2)
      }
    })
  )

  it.effect("is cancelled if the caller is interrupted while the client checks it for a refusal", () =>
    Effect.gen(function* () {
      const data = source(chunkOf(10), 3, "wait")
      const client = yield* connect(() => answer(data.body, "application/json"))
      const reading = yield* Effect.forkChild(client.get(url), { startImmediately: true })
      yield* TestClock.withLive(Effect.sleep("20 millis"))
      yield* Fiber.interrupt(reading)
      assert.strictEqual(data.pulled, 3)
      yield* TestClock.withLive(Effect.sleep("20 millis"))
      assert.isTrue(data.cancelled)
    })
  )
})

describe("an answer with an unchecked content type", () => {
  for (const type of ["text/event-stream", "text/csv", "application/x-ndjson", "application/octet-stream"]) {
    it.effect(`is returned before the body arrives: ${type}`, () =>
      Effect.gen(function* () {
        const data = source(new TextEncoder().encode("data: DEAD\n\n"), 1, "wait")
        const client = yield* connect(() => answer(data.body, type))
        const response = yield* client.get(url)
        assert.strictEqual(data.pulled, 0)
        const [first] = yield* Stream.runCollect(Stream.take(response.stream, 1))
        assert.strictEqual(new TextDecoder().decode(first), "data: DEAD\n\n")
      })
    )
  }
})

describe("an answer without a body", () => {
  it.effect("is accepted with any content-length", () =>
    Effect.gen(function* () {
      for (const length of ["0", "12", "5000000"]) {
        const client = yield* connect(() => new Response(null, { headers: { "content-length": length } }))
        const response = yield* client.head(url)
        assert.deepStrictEqual([response.status, response.headers["content-length"]], [200, length])
        assert.strictEqual(yield* response.text, "")
        assert.strictEqual(yield* (yield* client.get(url)).text, "")
      }
    })
  )
})

describe("a compressed answer", () => {
  const bomb = (type: string | undefined) => {
    const packed = gzipSync(Buffer.alloc(48 * mebibyte, "x"))
    const body = new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip"))
    return answer(body, type)
  }

  it.effect(
    "is not buffered if much larger after decompression",
    () =>
      Effect.gen(function* () {
        for (const type of ["application/json", "application/zip"]) {
          const client = yield* connect(() => bomb(type))
          const before = memory()
          const { peak, size } = yield* consume(yield* client.get(url), before)
          assert.strictEqual(size, 48 * mebibyte)
          assert.isBelow(peak, 16 * mebibyte)
        }
      }),
    { tags: ["thorough"] }
  )

  it.effect("causes an HttpClientError if damaged", () =>
    Effect.gen(function* () {
      const body = () =>
        new Blob([new Uint8Array([31, 139, 8, 0, 1, 2, 3, 4, 5, 6, 7, 8])])
          .stream()
          .pipeThrough(new DecompressionStream("gzip"))
      const json = yield* connect(() => answer(body(), "application/json"))
      assert.strictEqual((yield* Effect.flip(json.get(url)))._tag, "HttpClientError")
      const csv = yield* connect(() => answer(body(), "text/csv"))
      const response = yield* csv.get(url)
      assert.strictEqual((yield* Effect.flip(response.text))._tag, "HttpClientError")
    })
  )
})

describe("the head (status and headers) of an answer", () => {
  it.effect("must arrive within 30 seconds", () =>
    Effect.gen(function* () {
      const client = yield* connect(() => new Promise<Response>(() => undefined))
      const waiting = yield* Effect.forkChild(Effect.flip(client.get(url)), { startImmediately: true })
      yield* TestClock.withLive(Effect.sleep("5 millis"))
      yield* TestClock.adjust("29 seconds")
      assert.isUndefined(waiting.pollUnsafe())
      yield* TestClock.adjust("1 second")
      const failed = yield* Fiber.join(waiting)
      assert.strictEqual(failed._tag, "HttpClientError")
      assert.strictEqual(failed.reason._tag, "TransportError")
      assert.include(failed.message, "no answer came within 30 seconds")
    })
  )

  it.effect("must arrive within `HeadTimeout` if the program sets it", () =>
    Effect.gen(function* () {
      const client = yield* connect(() => new Promise<Response>(() => undefined))
      const call = Effect.provideService(client.get(url), AuthorizedClient.HeadTimeout, Duration.seconds(2))
      const waiting = yield* Effect.forkChild(Effect.flip(call), { startImmediately: true })
      yield* TestClock.withLive(Effect.sleep("5 millis"))
      yield* TestClock.adjust("2 seconds")
      assert.include((yield* Fiber.join(waiting)).message, "no answer came within 2 seconds")
    })
  )

  it.effect("may arrive an hour before the body", () =>
    Effect.gen(function* () {
      const late = Deferred.makeUnsafe<void>()
      const body = new ReadableStream<Uint8Array<ArrayBuffer>>({
        pull: (controller) =>
          Effect.runPromise(Deferred.await(late)).then(() => {
            controller.enqueue(new TextEncoder().encode("[]"))
            controller.close()
          })
      })
      const client = yield* connect(() => answer(body, "application/json"))
      const waiting = yield* Effect.forkChild(client.get(url), { startImmediately: true })
      yield* TestClock.withLive(Effect.sleep("5 millis"))
      yield* TestClock.adjust("1 hour")
      yield* Deferred.succeed(late, undefined)
      assert.deepStrictEqual(yield* (yield* Fiber.join(waiting)).json, [])
    })
  )
})

describe("a truncated answer", () => {
  /** Collects all texts in a value, including prototypes and getters. */
  const everything = (value: unknown, seen = new Set<unknown>()): string => {
    if (typeof value === "string") return value
    if (typeof value !== "object" || value === null || seen.has(value)) return ""
    seen.add(value)
    const parts: Array<string> = []
    for (
      let owner: unknown = value;
      owner !== null && owner !== Object.prototype;
      owner = Object.getPrototypeOf(owner)
    ) {
      for (const key of Reflect.ownKeys(owner as object)) {
        try {
          parts.push(everything((value as Record<PropertyKey, unknown>)[key], seen))
        } catch {
          // A getter of a prototype can throw for this object.
        }
      }
    }
    return parts.join("\n")
  }

  for (const type of ["application/json", "text/csv", undefined]) {
    for (const count of [1, 3, 40]) {
      it.effect(
        `causes an error that hides the access token: ${type ?? "no content type"}, chunks before the cut: ${count}`,
        () =>
          Effect.gen(function* () {
            for (const announced of [undefined, "5000000"]) {
              const client = yield* connect(() => {
                const response = answer(source(chunkOf(65_536), count, "break").body, type)
                if (announced !== undefined) response.headers.set("content-length", announced)
                return response
              })
              const ways: ReadonlyArray<
                (response: HttpClientResponse.HttpClientResponse) => Effect.Effect<unknown, unknown>
              > = [
                (response) => response.text,
                (response) => response.json,
                (response) => response.arrayBuffer,
                (response) => response.urlParamsBody,
                (response) => response.formData,
                (response) => Stream.runDrain(response.stream)
              ]
              for (const way of ways) {
                const error = yield* Effect.flip(Effect.flatMap(client.get(url), way))
                assert.strictEqual((error as { readonly _tag: string })._tag, "HttpClientError")
                assert.notInclude(inspect(error, { depth: 20, showHidden: true, getters: true }), "access-1")
                assert.notInclude(everything(error), "access-1")
              }
            }
          })
      )
    }
  }
})
