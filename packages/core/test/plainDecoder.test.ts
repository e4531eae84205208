import * as Decode from "@auth/broker-core/broker/Decode"
import * as Endpoint from "@auth/broker-core/broker/Endpoint"
import { assert, describe, it } from "@effect/vitest"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { absent, checkOf, decoderOf, plainOf, unsure } from "../src/broker/internal/plainDecoder.ts"

/** Values that a broker may send for any field. */
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

const inner = Schema.Struct({ name: Decode.text })

const fields = {
  text: Decode.text,
  requiredSecret: Decode.requiredSecret,
  secret: Decode.secret,
  count: Decode.count,
  flag: Decode.flag,
  list: Decode.list,
  string: Schema.String,
  "optional string": Schema.optionalKey(Schema.String),
  "optional text": Schema.optionalKey(Endpoint.Text),
  Text: Endpoint.Text
}

/** Replaces secrets by their text, so that two results can be compared. */
const shown = (value: unknown): unknown => {
  if (Redacted.isRedacted(value)) return { secret: Redacted.value(value) }
  if (Array.isArray(value)) return value.map(shown)
  if (value === null || typeof value !== "object") return value
  return Object.fromEntries(Object.entries(value).map(([key, field]) => [key, shown(field)]))
}

describe("plain decoders", () => {
  it.each(Object.entries<Schema.Decoder<unknown>>(fields))(
    "decode %s as Schema does, or return `unsure`",
    (_, field) => {
      const schema = Schema.Struct({ field })
      const plain = plainOf(schema)
      const bySchema = Schema.decodeUnknownResult(schema)
      assert.isDefined(plain)
      let sure = 0
      for (const data of [{}, ...values.map((value) => ({ field: value }))]) {
        const decoded = plain?.(data)
        if (decoded === unsure) continue
        sure += 1
        assert.deepStrictEqual(Result.map(bySchema(data), shown), Result.succeed(shown(decoded)), JSON.stringify(data))
        assert.deepStrictEqual(Object.keys(decoded as object), Object.keys(Result.getOrThrow(bySchema(data)) as object))
      }
      assert.isAbove(sure, 3)
    }
  )

  it("return `unsure` for all data that Schema refuses", () => {
    for (const field of Object.values<Schema.Decoder<unknown>>(fields)) {
      const schema = Schema.Struct({ field })
      for (const data of [{}, ...values.map((value) => ({ field: value })), ...values]) {
        if (Result.isFailure(Schema.decodeUnknownResult(schema)(data))) {
          assert.strictEqual(plainOf(schema)?.(data), unsure, JSON.stringify(data))
        }
      }
    }
  })

  it("decode the result of `Decode.map` and `Decode.extend` as Schema does", () => {
    const mapped = Decode.map(Schema.Struct({ n: Decode.count }), ({ n }) =>
      n === 0 ? undefined : { twice: (n ?? 1) * 2 }
    )
    const extended = Decode.extend(inner, ({ name }) => ({ length: name?.length ?? 0 }))
    for (const [schema, datas] of [
      [mapped, [{ n: "4" }, { n: 0 }, {}, [], null, { n: [] }]],
      [extended, [{ name: "abc", other: 1 }, {}, { name: 1 }, "text"]]
    ] as const) {
      const bySchema = Schema.decodeUnknownResult(schema)
      for (const data of datas) {
        const decoded = plainOf(schema)?.(data)
        const expected = bySchema(data)
        if (Result.isFailure(expected)) assert.strictEqual(decoded, unsure)
        else if (decoded !== unsure) assert.deepStrictEqual(decoded, expected.success)
      }
    }
    assert.deepStrictEqual(plainOf(mapped)?.({ n: "4" }), { twice: 8 })
    assert.deepStrictEqual(plainOf(extended)?.({ name: "abc" }), { name: "abc", length: 3 })
  })

  it("exist only for schemas without further checks, all of whose fields have plain decoders", () => {
    assert.isDefined(plainOf(inner))
    assert.isUndefined(plainOf(Schema.Struct({ name: Decode.text, other: Schema.Finite })))
    assert.isUndefined(plainOf(inner.annotate({ parseOptions: { onExcessProperty: "error" } })))
    assert.isUndefined(plainOf(inner.check(Schema.makeFilter(() => false))))
    assert.isUndefined(plainOf(Schema.Struct({ name: Schema.optionalKey(Decode.text.pipe(Schema.annotate({}))) })))
    assert.isUndefined(plainOf(Schema.String.check(Schema.isMaxLength(2))))
  })

  it("are used by decoderOf and checkOf, which use the given function if the result is `unsure`", () => {
    const decode = decoderOf(inner, () => Result.succeed<unknown>("by Schema"))
    assert.deepStrictEqual(decode({ name: "a" }), Result.succeed<unknown>({ name: "a" }))
    assert.deepStrictEqual(decode({ name: 1 }), Result.succeed<unknown>("by Schema"))
    assert.deepStrictEqual(decoderOf(Decode.text, () => Result.succeed("by Schema"))(null), Result.succeed("by Schema"))
    assert.strictEqual(plainOf(Decode.text)?.(null), absent)
    const accepts = checkOf(Schema.Struct({ pin: Endpoint.Secret }), (value) => value === "other")
    assert.isTrue(accepts({ pin: Redacted.make("4711") }))
    assert.isFalse(accepts({ pin: Redacted.make(" ") }))
    assert.isFalse(accepts({ pin: "4711" }))
    assert.isTrue(accepts("other"))
  })
})
