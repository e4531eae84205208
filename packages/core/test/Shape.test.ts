import * as BrokerClient from "@auth/broker-core/broker/BrokerClient"
import * as Endpoint from "@auth/broker-core/broker/Endpoint"
import * as Envelope from "@auth/broker-core/broker/Envelope"
import * as Shape from "@auth/broker-core/broker/Shape"
import { TestHttp } from "@auth/broker-core/testing"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { schemaOf } from "../src/broker/internal/bySchema.ts"
import { absent, unsure } from "../src/broker/internal/plainDecoder.ts"

type AnyShape = Shape.Shape<Schema.Decoder<unknown>>

const values: ReadonlyArray<unknown> = [
  null,
  "",
  " \u00a0\ufeff",
  "text",
  " text ",
  "Y",
  " yes ",
  "TRUE",
  "no",
  "60",
  " 4 ",
  "1.5",
  "-1",
  "1e5",
  "1000000",
  "null",
  '["NSE", "BSE"]',
  "NSE,, BSE",
  0,
  -0,
  4,
  -1,
  1.5,
  1e6,
  true,
  false,
  [],
  ["NSE", " ", "BSE "],
  ["NSE", 1],
  [null],
  {},
  { a: 1 },
  { data: { name: "x" } }
]

const named = Shape.struct({ name: Shape.text })

const fields = {
  string: Shape.string,
  boolean: Shape.boolean,
  finite: Shape.finite,
  literals: Shape.literals(["text", "Y"]),
  Text: Shape.Text,
  SecretText: Shape.SecretText,
  secretMatching: Shape.secretMatching(/^[a-z]+$/),
  text: Shape.text,
  requiredSecret: Shape.requiredSecret,
  secret: Shape.secret,
  count: Shape.count,
  flag: Shape.flag,
  list: Shape.list,
  items: Shape.items(Shape.string),
  "items of structs": Shape.items(named),
  "optional key": Shape.optionalKey(Shape.Text),
  nullOr: Shape.nullOr(Shape.finite),
  undefinedOr: Shape.undefinedOr(Shape.Text),
  optional: Shape.optional(Shape.finite),
  "optional struct": Shape.optional(named),
  union: Shape.union([Shape.string, Shape.boolean]),
  struct: named
} satisfies Readonly<Record<string, Shape.Shape>>

const wholes = {
  unknown: Shape.unknown,
  map: Shape.map(Shape.struct({ n: Shape.count }), ({ n }) => (n === 0 ? undefined : { twice: (n ?? 1) * 2 })),
  mapMaybe: Shape.mapMaybe(named, ({ name }) => name),
  extend: Shape.extend(named, ({ name }) => ({ length: name?.length ?? 0 })),
  discard: Shape.discard(named),
  "union of structs": Shape.union([named, Shape.struct({ data: named })])
} satisfies Readonly<Record<string, Shape.Shape>>

const datas: ReadonlyArray<unknown> = [
  {},
  ...values.map((value) => ({ field: value })),
  ...values,
  { n: "4" },
  { n: 0 },
  { n: [] },
  { name: "abc", other: 1 },
  { name: 1 },
  { data: { name: "x" } },
  undefined
]

/** Replaces secrets with their text, so that two results can be compared. */
const shown = (value: unknown): unknown => {
  if (Redacted.isRedacted(value)) return { secret: Redacted.value(value) }
  if (Array.isArray(value)) return value.map(shown)
  if (value === null || typeof value !== "object") return value
  return Object.fromEntries(Object.entries(value).map(([key, field]) => [key, shown(field)]))
}

const cases: ReadonlyArray<readonly [name: string, shape: Shape.Shape]> = [
  ...Object.entries(fields).map(([name, field]) => [name, Shape.struct({ field })] as const),
  ...Object.entries(wholes)
]

describe("Shape", () => {
  it.each(cases)('the shape "%s" decodes as its schema does, or returns `unsure`', (_, shape) => {
    const { decode } = shape
    const bySchema = Schema.decodeUnknownResult(schemaOf(shape as AnyShape))
    assert.isDefined(decode)
    let sure = 0
    for (const data of datas) {
      const decoded = decode?.(data)
      const expected = bySchema(data)
      const shownData = JSON.stringify(data)
      if (decoded === unsure) continue
      sure += 1
      assert.deepStrictEqual(Result.map(expected, shown), Result.succeed(shown(decoded)), shownData)
      if (decoded !== null && typeof decoded === "object") {
        assert.deepStrictEqual(Object.keys(decoded), Object.keys(Result.getOrThrow(expected) as object), shownData)
      }
    }
    assert.isAbove(sure, 1)
  })

  it("accepts the same requests as the schema", () => {
    const shape = Shape.struct({ id: Shape.Text, pin: Shape.Secret, note: Shape.optionalKey(Shape.Secret) })
    const is = Schema.is(schemaOf(shape))
    const pin = Redacted.make("4711")
    const requests: ReadonlyArray<readonly [request: unknown, accepted: boolean]> = [
      [{ id: "A", pin }, true],
      [{ id: "A", pin, note: pin }, true],
      [{ id: "A", pin: Redacted.make(" ") }, false],
      [{ id: "A", pin: "4711" }, false],
      [{ id: " ", pin }, false],
      [{ pin }, false],
      [{ id: "A", pin, note: null }, false],
      [undefined, false]
    ]
    for (const [request, accepted] of requests) {
      assert.strictEqual(shape.decode?.(request) !== unsure, accepted)
      assert.strictEqual(is(request), accepted)
    }
  })

  it("leaves all data to the schema if one field has no decoder", () => {
    const custom = Shape.make(({ Schema }) => Schema.NonEmptyString)
    assert.isUndefined(custom.decode)
    assert.isUndefined(Shape.struct({ name: Shape.text, custom }).decode)
    assert.isUndefined(Shape.struct({ name: Shape.text, other: Schema.Finite }).decode)
    assert.isUndefined(Shape.map(custom, (text) => text).decode)
    assert.strictEqual(Shape.text.decode?.(null), absent)
  })

  it.effect("lets a client use the schema if the shape cannot decode an answer", () =>
    Effect.gen(function* () {
      const row = { method: "POST", path: "/", token: "none" } as const
      const shape = Shape.struct({ token: Shape.requiredSecret, name: Shape.text, left: Shape.count })
      const byShape = Endpoint.make({ ...row, name: "byShape", response: shape, essential: ["token"] })
      const bySchema = Endpoint.make({ ...row, name: "bySchema", response: Schema.Struct({ token: Schema.String }) })
      const protocol: BrokerClient.Protocol = {
        broker: "tiny",
        headers: () => ({}),
        dialects: [{ name: "plain", source: "made up", read: ({ json }) => Envelope.yes(json) }],
        codes: []
      }
      let answer: unknown = { token: "t", name: 7, left: "4" }
      const http = TestHttp.layerRespond(() => Promise.resolve(Response.json(answer)))
      const client = yield* Effect.provide(BrokerClient.make(protocol, { api: "https://api.example.com" }), http)
      assert.deepStrictEqual(yield* client.call(byShape, { account: "T1" }), { token: Redacted.make("t"), left: 4 })
      assert.deepStrictEqual(yield* client.call(bySchema, { account: "T1" }), { token: "t" })
      answer = { token: " ", name: "n" }
      const { reason } = yield* Effect.flip(client.call(byShape, { account: "T1" }))
      assert.strictEqual(reason._tag, "MalformedResponse")
      assert.include(reason.message, "token is not as documented")
    })
  )
})
