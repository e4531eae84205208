import { Canary } from "@auth/broker-core/testing"
import { assert, describe, it } from "@effect/vitest"
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import { shown } from "./support.ts"

const secret = `c@nary "4711"/ü`

class FieldError extends Data.TaggedError("FieldError")<{ readonly field: string }> {}
class MessageError extends Data.TaggedError("MessageError")<{ readonly words: string }> {
  override get message(): string {
    return this.words
  }
}

class CauseError extends Data.TaggedError("CauseError")<{ readonly cause: unknown }> {}

/** Like an HTTP client's error: neither JSON nor a shallow inspection shows the secret. */
const withRequest = (leak: string) => {
  const error = new Error("no answer")
  const reason = { request: { headers: { authorization: `token KEY:${leak}` } } }
  return withCause(Object.defineProperty(error, "reason", { value: reason, enumerable: false }))
}

const withCause = (cause: unknown) => new CauseError({ cause })

const leaking: ReadonlyArray<readonly [title: string, program: (leak: string) => Effect.Effect<unknown, unknown>]> = [
  ["a log", (leak) => Effect.logInfo(`PIN ${leak}`)],
  ["a trace log", (leak) => Effect.logTrace(leak)],
  ["an object in a log", (leak) => Effect.logDebug({ pin: leak })],
  ["a log's annotation", (leak) => Effect.annotateLogs(Effect.logInfo("in"), "pin", leak)],
  ["a log's span", (leak) => Effect.withLogSpan(Effect.logInfo("in"), leak)],
  ["a log's cause", (leak) => Effect.logError("failed", withCause(new Error(leak)))],
  ["a span's name", (leak) => Effect.withSpan(Effect.void, `login ${leak}`)],
  ["a span's attribute", (leak) => Effect.withSpan(Effect.void, "login", { attributes: { pin: leak } })],
  ["a span's nested attribute", (leak) => Effect.withSpan(Effect.void, "login", { attributes: { a: { b: [leak] } } })],
  ["a span's annotation", (leak) => Effect.withSpan(Effect.annotateCurrentSpan("pin", leak), "login")],
  ["a span's event", (leak) => eventful((span) => span.event("sent", 0n, { pin: leak }))],
  ["an event's name", (leak) => eventful((span) => span.event(leak, 0n))],
  [
    "the failure of a span",
    (leak) => Effect.ignore(Effect.withSpan(Effect.fail(new MessageError({ words: leak })), "login"))
  ],
  [
    "the result of a span",
    (leak) => Effect.asVoid(Effect.withSpan(Effect.succeed({ deep: { token: leak } }), "login"))
  ],
  [
    "a request in the error of a failed span",
    (leak) => Effect.ignore(Effect.withSpan(Effect.fail(withRequest(leak)), "login"))
  ],
  ["a request in an error's cause", (leak) => Effect.fail(withRequest(leak))],
  [
    "the bytes of a body in an error's cause",
    (leak) => Effect.fail(withCause({ reason: { request: { body: new TextEncoder().encode(leak) } } }))
  ],
  ["the result of a program", (leak) => Effect.succeed({ deep: { pin: leak } })],
  ["a map in the result of a program", (leak) => Effect.succeed(new Map([["pin", new Set([leak])]]))],
  ["an error's message", (leak) => Effect.fail(new MessageError({ words: `no ${leak}` }))],
  ["an error's field", (leak) => Effect.fail(new FieldError({ field: leak }))],
  [
    "an error's JSON",
    (leak) => Effect.fail(Object.assign(new MessageError({ words: "x" }), { toJSON: () => ({ pin: leak }) }))
  ],
  ["an error's cause", (leak) => Effect.fail(withCause(withCause({ body: leak })))],
  [
    "an error's stack",
    (leak) => Effect.fail(Object.assign(new MessageError({ words: "x" }), { stack: `Error: ${leak}` }))
  ],
  ["a failure that is not an Error", (leak) => Effect.fail({ body: { pin: leak } })],
  ["a defect", (leak) => Effect.die(new Error(leak))],
  ["a defect that is text", (leak) => Effect.die(leak)]
]

const eventful = (
  add: (span: { event: (name: string, at: bigint, attributes?: Record<string, unknown>) => void }) => void
) => Effect.withSpan(Effect.map(Effect.currentSpan, add), "login")

const caught = (program: Effect.Effect<unknown, unknown>, inspect: (value: unknown) => string = () => "") =>
  Effect.gen(function* () {
    const net = yield* Canary.make
    const exit = yield* Effect.exit(program).pipe(Effect.provide(net.layer))
    Canary.show(net, exit, inspect)
    return net
  })

const spellings: ReadonlyArray<readonly [title: string, spell: (text: string) => string]> = [
  ["unchanged", (text) => text],
  ["in capitals", (text) => text.toUpperCase()],
  ["in a URL", encodeURIComponent],
  ["in a form", (text) => new URLSearchParams({ a: text }).toString()],
  ["in base64", (text) => Buffer.from(text).toString("base64")],
  ["in base64 for URLs", (text) => Buffer.from(text).toString("base64url")],
  ["in JSON", (text) => JSON.stringify({ pin: text })],
  ["in hexadecimal", (text) => Buffer.from(text).toString("hex")]
]

describe("Canary.leaks", () => {
  it.effect.each(leaking)("finds a plain or encoded secret in %s", ([, program]) =>
    Effect.gen(function* () {
      const harmless = yield* caught(program("harmless"))
      assert.isNotEmpty(harmless.caught())
      assert.isEmpty(Canary.leaks(harmless, [secret]))
      for (const [title, spell] of spellings) {
        const net = yield* caught(program(spell(secret)))
        assert.isNotEmpty(Canary.leaks(net, [Redacted.make(secret)]), title)
      }
    })
  )
})

it.effect("Canary.leaks finds a secret with a line break in nested JSON", () =>
  Effect.gen(function* () {
    const text = 'first "half"\nsecond half'
    const once = JSON.stringify({ pin: text })
    for (const record of [text, once, JSON.stringify({ body: once })]) {
      const net = yield* Canary.make
      net.add("text", record)
      assert.isNotEmpty(Canary.leaks(net, [text]), record)
    }
  })
)

it.effect.each([
  ["result", (hidden: object) => Effect.succeed(hidden)],
  ["failure", (hidden: object) => Effect.fail(hidden)],
  ["defect", (hidden: object) => Effect.die(hidden)]
] as const)("Canary.leaks finds a secret that only util.inspect shows in a %s", ([, end]) =>
  Effect.gen(function* () {
    const hidden = { [Symbol.for("nodejs.util.inspect.custom")]: () => secret }
    assert.isEmpty(Canary.leaks(yield* caught(end(hidden)), [secret]))
    assert.isNotEmpty(Canary.leaks(yield* caught(end(hidden), shown), [secret]))
  })
)

describe("a leak", () => {
  it.effect("is reported with its source and a short excerpt", () =>
    Effect.gen(function* () {
      const net = yield* Canary.make
      net.add("file error.log", `login with PIN 4711 failed${"!".repeat(100)}`)
      assert.deepStrictEqual(Canary.leaks(net, ["4711"]), [
        `file error.log: login with PIN 4711 failed${"!".repeat(13)}`
      ])
    })
  )

  it.effect("is reported with the right excerpt if many backslashes precede the secret", () =>
    Effect.gen(function* () {
      const net = yield* Canary.make
      net.add("log", `${"\\".repeat(200)} the PIN is 4711.`)
      assert.deepStrictEqual(Canary.leaks(net, ["4711"]), ["log:  the PIN is 4711."])
    })
  )

  it.effect.each([
    ["token kite9key:opaq4tok", "opaq4tok"],
    ["Bearer opaq4tok", "opaq4tok"],
    [`Basic ${Buffer.from("user9:pa55word").toString("base64")}`, "pa55word"]
  ] as const)('is reported for the secret "%s" if only the part "%s" was recorded', ([secret, part]) =>
    Effect.gen(function* () {
      const net = yield* Canary.make
      net.add("log", `quoted: ${part}`)
      assert.isNotEmpty(Canary.leaks(net, [secret]))
      const harmless = yield* Canary.make
      harmless.add("log", "a token, a bearer, basic")
      assert.isEmpty(Canary.leaks(harmless, [secret]))
    })
  )

  it.effect("is not reported for a PIN inside a longer number", () =>
    Effect.gen(function* () {
      const net = yield* Canary.make
      net.add("log", '{"issuedAt":1795471147110,"pid":47114711}')
      assert.isEmpty(Canary.leaks(net, ["4711"]))
      net.add("log", '{"issuedAt":1795471147110,"pin":4711}')
      assert.strictEqual(Canary.leaks(net, ["4711"]).length, 1)
    })
  )

  it.effect("is not reported for a secret in Redacted", () =>
    Effect.gen(function* () {
      const wrapped = Redacted.make(secret)
      const net = yield* caught(
        Effect.logInfo(wrapped, { pin: wrapped }).pipe(
          Effect.andThen(Effect.fail(withCause({ pin: wrapped }))),
          Effect.withSpan("login", { attributes: { pin: wrapped } })
        )
      )
      assert.isEmpty(Canary.leaks(net, [wrapped]))
    })
  )
})

it.effect("a Canary net lists an outer span before its inner span", () =>
  Effect.gen(function* () {
    const net = yield* caught(Effect.withSpan(Effect.withSpan(Effect.void, "inner"), "outer"))
    assert.deepStrictEqual(
      net.spans().map(({ name }) => name),
      ["outer", "inner"]
    )
  })
)
