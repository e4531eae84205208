import { assert, describe, it } from "@effect/vitest"
import * as Predicate from "effect/Predicate"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { parseJson } from "../src/broker/internal/json.ts"

describe("parses valid JSON", () => {
  it.each([
    ["an object", `{"status":true,"data":null}`, { status: true, data: null }],
    ["a list", "[1,2]", [1, 2]],
    ["with blanks around", ' \r\n\t{"a":1}\n ', { a: 1 }],
    ["with a byte order mark", '\ufeff{"a":1}', { a: 1 }],
    ["with a byte order mark and blanks", '\ufeff\n{"a":1}', { a: 1 }],
    ["with curly quotation marks inside text", `{"a":"“b”"}`, { a: "“b”" }],
    ["with numbers at the limits", `{"big":9007199254740993,"small":-0.5e-7}`, { big: 9007199254740992, small: -5e-8 }],
    ["with a name that occurs twice", `{"a":1,"a":2}`, { a: 2 }]
  ])("%s", (_, text, value) => assert.deepStrictEqual(parseJson(text), value))

  it("treats names such as __proto__ as plain names", () => {
    const value = parseJson(`{"__proto__":{"status":true},"constructor":1,"toString":null}`) as object
    assert.deepStrictEqual(Object.keys(value), ["__proto__", "constructor", "toString"])
    assert.isFalse("status" in value)
    assert.isFalse("status" in {})
  })

  it("parses a hundred thousand brackets", () => {
    const depth = 100_000
    assert.isDefined(parseJson(`${"[".repeat(depth)}${"]".repeat(depth)}`))
    const broken = `${'{"a":['.repeat(depth)}1`
    assert.isUndefined(parseJson(broken))
    assert.isUndefined(parseJson(broken, ["smart-quotes", "trailing-bytes"]))
  })
})

describe("returns nothing for other text", () => {
  it.each([
    ["nothing", ""],
    ["blanks", " \n"],
    ["only a byte order mark", "\ufeff"],
    ["HTML", "<html>{}</html>"],
    ["text", "Access denied"],
    ["text in quotation marks", `"ok"`],
    ["a number", "1"],
    ["true", "true"],
    ["null", "null"],
    ["a truncated object", `{"a":{"b":1}`],
    ["two objects", `{"a":1}{"b":2}`],
    ["an object with other text after it", `{"a":1} trailing`],
    ["curly quotation marks", "{“a”:1}"],
    ["single quotation marks", "{'a':1}"],
    ["an additional comma", `{"a":1,}`],
    ["NaN", `{"a":NaN}`],
    ["a line break inside text", `{"a":"\n"}`]
  ])("%s", (_, text) => assert.isUndefined(parseJson(text)))
})

describe("repairs only the given quirk", () => {
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
  ] as const)("%s: %s", (quirk, text, value) => assert.deepStrictEqual(parseJson(text, [quirk]), value))

  it("repairs both quirks, in any order", () => {
    for (const quirks of [["smart-quotes", "trailing-bytes"] as const, ["trailing-bytes", "smart-quotes"] as const]) {
      assert.deepStrictEqual(parseJson("{“a”:“}”} trailing", quirks), { a: "}" })
    }
  })

  it.each(["", " trailing"])("leaves valid JSON unchanged, with %j after it", (trailing) => {
    const right = `{"a":"“b” }"}${trailing}`
    assert.deepStrictEqual(parseJson(right, ["smart-quotes", "trailing-bytes"]), { a: "“b” }" })
  })
})

it.prop("parses every serialized object", [Schema.Record(Schema.String, Schema.Json)], ([value]) => {
  const text = JSON.stringify(value)
  // Node's own parser is the reference: that of Node 24 confuses some keys with escaped characters.
  const parsed = JSON.parse(text) as unknown
  assert.deepStrictEqual(parseJson(text), parsed)
  assert.deepStrictEqual(parseJson(`${text}]}`, ["trailing-bytes"]), parsed)
})

it.prop("parses any text as JSON.parse does, or returns nothing", [Schema.String], ([some]) => {
  for (const text of [some, `{${some}`, `["${some}`]) {
    const value = Result.getOrUndefined(Result.try(() => JSON.parse(text) as unknown))
    assert.deepStrictEqual(parseJson(text), Predicate.isObjectOrArray(value) ? value : undefined)
    assert.doesNotThrow(() => parseJson(text, ["smart-quotes", "trailing-bytes"]))
  }
})
