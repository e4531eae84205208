import { assert, describe, it } from "@effect/vitest"
import * as Predicate from "effect/Predicate"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { parseJson } from "../src/broker/internal/json.ts"

describe("parseJson", () => {
  it.each([
    ["an object", `{"status":true,"data":null}`, { status: true, data: null }],
    ["a list", "[1,2]", [1, 2]],
    ["an object with blanks around it", ' \r\n\t{"a":1}\n ', { a: 1 }],
    ["an object after a byte order mark", '\ufeff{"a":1}', { a: 1 }],
    ["an object after a byte order mark and a line break", '\ufeff\n{"a":1}', { a: 1 }],
    ["an object with curly quotation marks inside a string", `{"a":"“b”"}`, { a: "“b”" }],
    [
      "an object with very large and very small numbers",
      `{"big":9007199254740993,"small":-0.5e-7}`,
      { big: 9007199254740992, small: -5e-8 }
    ],
    ["an object with a name that occurs twice", `{"a":1,"a":2}`, { a: 2 }]
  ])("returns the value of %s", (_, text, value) => assert.deepStrictEqual(parseJson(text), value))

  it("keeps __proto__ as an ordinary field, and changes no prototype", () => {
    const value = parseJson(`{"__proto__":{"status":true},"constructor":1,"toString":null}`) as object
    assert.deepStrictEqual(Object.keys(value), ["__proto__", "constructor", "toString"])
    assert.isFalse("status" in value)
    assert.isFalse("status" in {})
  })

  it("parses 100,000 nested lists without a stack overflow", () => {
    const depth = 100_000
    assert.isDefined(parseJson(`${"[".repeat(depth)}${"]".repeat(depth)}`))
    const broken = `${'{"a":['.repeat(depth)}1`
    assert.isUndefined(parseJson(broken))
    assert.isUndefined(parseJson(broken, ["smart-quotes", "trailing-bytes"]))
  })
  it.each([
    ["empty text", ""],
    ["blanks", " \n"],
    ["a byte order mark without JSON", "\ufeff"],
    ["HTML", "<html>{}</html>"],
    ["plain text", "Access denied"],
    ["text in quotation marks", `"ok"`],
    ["a number", "1"],
    ["true", "true"],
    ["null", "null"],
    ["a truncated object", `{"a":{"b":1}`],
    ["two objects", `{"a":1}{"b":2}`],
    ["an object with other text after it", `{"a":1} trailing`],
    ["an object with curly quotation marks", "{“a”:1}"],
    ["an object with single quotation marks", "{'a':1}"],
    ["an object with a trailing comma", `{"a":1,}`],
    ["an object that contains NaN", `{"a":NaN}`],
    ["an object with a line break inside a string", `{"a":"\n"}`]
  ])("returns undefined for %s", (_, text) => assert.isUndefined(parseJson(text)))
})

describe("parseJson with quirks", () => {
  it.each([
    ["smart-quotes", "{“a”:“b”}", { a: "b" }],
    ["smart-quotes", `{"a":„b‟}`, { a: "b" }],
    ["smart-quotes", `{"a":"“b”"}`, { a: "“b”" }],
    ["smart-quotes", `{"a":1} trailing`, undefined],
    ["trailing-bytes", `{"a":1} trailing`, { a: 1 }],
    ["trailing-bytes", `{"a":1}\u0000\u0000`, { a: 1 }],
    ["trailing-bytes", `[{"a":"]}\\"]"}]]]`, [{ a: `]}"]` }]],
    ["trailing-bytes", `{"a":1}{"b":2}`, { a: 1 }],
    ["trailing-bytes", "{“a”:1}", undefined],
    ["trailing-bytes", `{"a":1`, undefined],
    ["trailing-bytes", `{"a":"b`, undefined],
    ["trailing-bytes", `{"a":1,} x`, undefined]
  ] as const)("given the quirk %s and the text %s, returns %j", (quirk, text, value) =>
    assert.deepStrictEqual(parseJson(text, [quirk]), value)
  )

  it("accepts both quirks in either order", () => {
    for (const quirks of [["smart-quotes", "trailing-bytes"] as const, ["trailing-bytes", "smart-quotes"] as const]) {
      assert.deepStrictEqual(parseJson("{“a”:“}”} trailing", quirks), { a: "}" })
    }
  })

  it.each(["", " trailing"])("keeps curly quotation marks in valid JSON followed by %j", (trailing) => {
    const right = `{"a":"“b” }"}${trailing}`
    assert.deepStrictEqual(parseJson(right, ["smart-quotes", "trailing-bytes"]), { a: "“b” }" })
  })
})

it.prop(
  "parseJson parses the text of JSON.stringify as JSON.parse does",
  [Schema.Record(Schema.String, Schema.Json)],
  ([value]) => {
    const text = JSON.stringify(value)
    // `parseJson` is compared with `JSON.parse`, not with `value`: `JSON.parse` of Node 24 mixes up some keys that
    // contain escaped characters.
    const parsed = JSON.parse(text) as unknown
    assert.deepStrictEqual(parseJson(text), parsed)
    assert.deepStrictEqual(parseJson(`${text}]}`, ["trailing-bytes"]), parsed)
  }
)

it.prop("parseJson returns undefined for random text, except JSON objects and lists", [Schema.String], ([some]) => {
  for (const text of [some, `{${some}`, `["${some}`]) {
    const value = Result.getOrUndefined(Result.try(() => JSON.parse(text) as unknown))
    assert.deepStrictEqual(parseJson(text), Predicate.isObjectOrArray(value) ? value : undefined)
    assert.doesNotThrow(() => parseJson(text, ["smart-quotes", "trailing-bytes"]))
  }
})
