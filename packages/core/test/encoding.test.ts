import type * as AuthError from "@auth/broker-core/login/AuthError"
import type * as BrokerClient from "@auth/broker-core/broker/BrokerClient"
import * as Decode from "@auth/broker-core/broker/Decode"
import * as Encoding from "@auth/broker-core/broker/Encoding"
import * as Endpoint from "@auth/broker-core/broker/Endpoint"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import { shown } from "./support.ts"
import { connect, no, tokens, yes } from "./tiny.ts"

const form = "application/x-www-form-urlencoded"

const exchange = Endpoint.make({
  name: "exchange",
  method: "POST",
  path: "/token",
  token: "none",
  encoding: "form",
  request: Schema.Unknown,
  response: Schema.Unknown
})

const send = (endpoint: Endpoint.Endpoint, request?: unknown, changes: Partial<BrokerClient.Protocol> = {}) =>
  Effect.gen(function* () {
    const { client, seen } = yield* connect([() => yes()], {}, changes)
    yield* client.call(endpoint, { account: "T1", tokens, request })
    return seen[0]
  })

const problemsOf = (error: AuthError.AuthError) =>
  error.reason._tag === "InvalidRequest" ? error.reason.problems.map(({ field }) => field) : [error.reason._tag]

describe("a form body", () => {
  it.effect("is form-encoded, with the content type of a form", () =>
    Effect.gen(function* () {
      const asked = yield* send(exchange, { code: Redacted.make("a+b/c d=&"), id: "T1" })
      assert.strictEqual(asked?.body, "code=a%2Bb%2Fc+d%3D%26&id=T1")
      assert.strictEqual(asked?.headers["content-type"], form)
    })
  )

  it.effect("keeps its content type if the protocol's `headers` contain another one", () =>
    Effect.gen(function* () {
      const headers = () => ({ "Content-Type": "application/json", accept: "application/json" })
      const asked = yield* send(exchange, { id: "T1" }, { headers })
      assert.deepStrictEqual(asked?.headers, { accept: "application/json", "content-type": form })
    })
  )

  it.effect.each([
    ["Devanagari letters, control characters and an emoji", { a: "न\n\u0000😀" }, "a=%E0%A4%A8%0A%00%F0%9F%98%80"],
    ["an empty string", { a: "" }, "a="],
    ["a whole number and a fraction", { a: 7, b: -0.5 }, "a=7&b=-0.5"],
    ["booleans", { a: true, b: false }, "a=true&b=false"],
    ["a secret number", { a: Redacted.make(1234) }, "a=1234"],
    ["no undefined field", { a: undefined, b: "1" }, "b=1"],
    ["nothing if the request is empty", {}, ""]
  ] as const)("contains %s", ([, request, body]) =>
    Effect.gen(function* () {
      assert.strictEqual((yield* send(exchange, request))?.body, body)
    })
  )

  it.effect.each([
    ["a field with null", { a: null }, ["a"]],
    ["a field with a list", { a: ["1", "2"] }, ["a"]],
    ["a field with an object", { a: { b: "1" } }, ["a"]],
    ["a field with a secret object", { a: Redacted.make({ b: "1" }) }, ["a"]],
    ["a field with NaN", { a: Number.NaN }, ["a"]],
    ["a field with an infinite number", { a: Number.POSITIVE_INFINITY }, ["a"]],
    ["a field with a lone surrogate", { a: "\ud83d" }, ["a"]],
    ["a secret field with a lone surrogate", { a: Redacted.make("x\udc00") }, ["a"]],
    ["a field with a BigInt", { a: 1n }, ["a"]],
    ["a field with a date", { a: new Date(0) }, ["a"]],
    ["a field with a function", { a: () => "1" }, ["a"]],
    ["a field with null and a field with a list", { a: null, b: "1", c: [] }, ["a", "c"]],
    ["a request that is a string", "a=1", ["request"]],
    ["a request that is a list", [["a", "1"]], ["request"]],
    ["a request that is a secret", Redacted.make("a=1"), ["request"]],
    ["a request that is null", null, ["request"]]
  ] as const)("is not sent for %s", ([, request, fields]) =>
    Effect.gen(function* () {
      const { client, seen } = yield* connect([() => yes()])
      const error = yield* Effect.flip(client.call(exchange, { account: "T1", request }))
      assert.deepStrictEqual(problemsOf(error), [...fields])
      assert.deepStrictEqual(seen, [])
    })
  )

  it.effect("discloses no secret in an error that quotes the body", () =>
    Effect.gen(function* () {
      const { client } = yield* connect([({ body }) => no({ message: `${body} ${decodeURIComponent(body)}` })])
      const request = { code: Redacted.make("canary/code=1") }
      const error = yield* Effect.flip(client.call(exchange, { account: "T1", request }))
      assert.notMatch(shown(error), /canary/)
    })
  )

  it.effect("contains the fields that the endpoint's `body` function returns", () =>
    Effect.gen(function* () {
      const row = Endpoint.make({
        ...exchange,
        body: (request: unknown) => ({ grant_type: "code", ...(request as object) }),
        request: Schema.Unknown,
        response: Schema.Unknown
      })
      assert.strictEqual((yield* send(row, { code: "1" }))?.body, "grant_type=code&code=1")
    })
  )

  it.effect("is replaced by JSON if the endpoint sets no encoding", () =>
    Effect.gen(function* () {
      const row = Endpoint.make({ ...exchange, encoding: undefined, request: Schema.Unknown, response: Schema.Unknown })
      const asked = yield* send(row, { a: ["1"] })
      assert.strictEqual(asked?.body, `{"a":["1"]}`)
      assert.strictEqual(asked?.headers["content-type"], "application/json")
    })
  )
})

describe("a JSON body", () => {
  /** The body is `jData={…}&jKey=…`. The field `jKey` is after the JSON, not in the JSON. */
  const noren = Encoding.jData({ beside: ["jKey"] })
  it.effect.each([
    ["NaN", "json", { a: Number.NaN }],
    ["an infinite number in a list", "json", { a: [{ b: Number.POSITIVE_INFINITY }] }],
    ["a BigInt", "json", { a: 1n }],
    ["a function", "json", { a: () => "1" }],
    ["NaN in jData", noren, { a: Number.NaN }],
    ["an object in a field beside jData", noren, { a: { b: "1" }, jKey: { c: "1" } }],
    ["a lone surrogate in a field beside jData", noren, { jKey: "x\ud83d" }]
  ] as const)("is not sent with %s", ([, encoding, request]) =>
    Effect.gen(function* () {
      const row = Endpoint.make({ ...exchange, encoding, request: Schema.Unknown, response: Schema.Unknown })
      const { client, seen } = yield* connect([() => yes()])
      const error = yield* Effect.flip(client.call(row, { account: "T1", request }))
      assert.deepStrictEqual(problemsOf(error), ["jKey" in request ? "jKey" : "a"])
      assert.deepStrictEqual(seen, [])
    })
  )

  it.effect("can contain nested values, secrets and null", () =>
    Effect.gen(function* () {
      const row = Endpoint.make({ ...exchange, encoding: "json", request: Schema.Unknown, response: Schema.Unknown })
      const asked = yield* send(row, { a: [{ b: null, c: Redacted.make("s") }], d: undefined, e: 1.5 })
      assert.strictEqual(asked?.body, `{"a":[{"b":null,"c":"s"}],"e":1.5}`)
    })
  )
})

describe("a DELETE request", () => {
  const Request = Schema.Struct({ access: Decode.Secret, id: Schema.optionalKey(Schema.String) })
  const row = { name: "end", method: "DELETE", path: "/token", token: "required", response: Schema.Unknown } as const
  const request = { access: Redacted.make("a&b") }

  it.effect("has its parameters in the query if `query` is set", () =>
    Effect.gen(function* () {
      const endpoint = Endpoint.make({ ...row, request: Request, query: { access_token: "access", id: "id" } })
      const asked = yield* send(endpoint, request)
      assert.strictEqual(`${asked?.method} ${asked?.url}`, "DELETE https://api.tiny.example/token?access_token=a%26b")
      assert.strictEqual(asked?.body, "")
    })
  )

  it.effect.each([
    [undefined, `{"access":"a&b"}`],
    ["form", "access=a%26b"]
  ] as const)("has its parameters in the body if `query` is not set: encoding %j", ([encoding, body]) =>
    Effect.gen(function* () {
      const asked = yield* send(Endpoint.make({ ...row, encoding, request: Request }), request)
      assert.strictEqual(`${asked?.method} ${asked?.url}`, "DELETE https://api.tiny.example/token")
      assert.strictEqual(asked?.body, body)
    })
  )

  it.effect("discloses no secret of its query in an error", () =>
    Effect.gen(function* () {
      const endpoint = Endpoint.make({ ...row, request: Request, query: { access_token: "access" } })
      for (const answer of [() => Response.error(), ({ url }: { readonly url: string }) => no({ message: url })]) {
        const { client } = yield* connect([answer])
        const secret = { access: Redacted.make("canary-1") }
        const error = yield* Effect.flip(client.call(endpoint, { account: "T1", tokens, request: secret }))
        assert.notInclude(shown(error), "canary-1")
      }
    })
  )

  it.effect("is not sent with a lone surrogate in its query", () =>
    Effect.gen(function* () {
      const endpoint = Endpoint.make({ ...row, request: Request, query: { access_token: "access" } })
      const { client, seen } = yield* connect([() => yes()])
      const wrong = { access: Redacted.make("\ud83d") }
      const error = yield* Effect.flip(client.call(endpoint, { account: "T1", tokens, request: wrong }))
      assert.deepStrictEqual(problemsOf(error), ["access"])
      assert.deepStrictEqual(seen, [])
    })
  )
})

describe("the app's fields", () => {
  const app = { api_key: Redacted.make("key-of-the-app") }

  it.effect("come first in the body if the endpoint's `app` lists them", () =>
    Effect.gen(function* () {
      const row = Endpoint.make({ ...exchange, app: ["api_key"], request: Schema.Unknown, response: Schema.Unknown })
      assert.strictEqual((yield* send(row, { code: "1" }, { app }))?.body, "api_key=key-of-the-app&code=1")
      assert.strictEqual((yield* send(exchange, { code: "1" }, { app }))?.body, "code=1")
    })
  )

  it.effect("are in the query if `query` is set", () =>
    Effect.gen(function* () {
      const row = Endpoint.make({
        name: "end",
        method: "DELETE",
        path: "/token",
        token: "required",
        app: ["api_key"],
        query: { access_token: "access" },
        request: Schema.Struct({ access: Decode.Text }),
        response: Schema.Unknown
      })
      const asked = yield* send(row, { access: "1" }, { app })
      assert.strictEqual(asked?.url, "https://api.tiny.example/token?api_key=key-of-the-app&access_token=1")
    })
  )

  it.effect("disclose no secret in an error", () =>
    Effect.gen(function* () {
      const row = Endpoint.make({ ...exchange, app: ["api_key"], request: Schema.Unknown, response: Schema.Unknown })
      const { client } = yield* connect([({ body }) => no({ message: body })], {}, { app })
      const error = yield* Effect.flip(client.call(row, { account: "T1", request: { code: "1" } }))
      assert.notInclude(shown(error), "key-of-the-app")
    })
  )
})
