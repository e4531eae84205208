import * as Wire from "@auth/broker-core/broker/Wire"
import { assert, describe, it } from "@effect/vitest"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"

describe("what is absent, null or blank is nothing", () => {
  it.each([undefined, null, "", " \n"])("%j", (value) => {
    assert.isUndefined(Wire.present(value))
    assert.isUndefined(Wire.secret(value))
  })

  it("and what is there stays as it came", () => {
    assert.strictEqual(Wire.present(" DEMO "), " DEMO ")
    assert.strictEqual(Redacted.value(Wire.secret("eyJ") ?? Redacted.make("")), "eyJ")
  })
})

it.each([
  [
    ["NSE", " BSE "],
    ["NSE", "BSE"]
  ],
  [`[ "NSE", "BSE" ]`, ["NSE", "BSE"]],
  [`['NSE']`, ["NSE"]],
  ["NSE,BSE,", ["NSE", "BSE"]],
  ["NSE", ["NSE"]],
  ["[]", []],
  ["", []],
  [null, []],
  [undefined, []]
])("the list %j is %j", (value, items) => assert.deepStrictEqual(Wire.list(value), items))

it.each([
  [{ a: 1 }, 1],
  [{ b: 1 }, undefined],
  [[], undefined],
  [null, undefined],
  [undefined, undefined],
  ["text", undefined],
  [7, undefined]
])("the field a of %j is %s", (value, found) => assert.strictEqual(Wire.field(value, "a"), found))

it("the schemas take what brokers send, and nothing of another kind", () => {
  const decode = Schema.decodeUnknownResult(Schema.Struct({ text: Wire.Maybe, list: Wire.List }))
  for (const right of [{}, { text: null, list: null }, { text: "", list: "NSE" }, { list: ["NSE"] }]) {
    assert.deepStrictEqual(Result.getOrThrow(decode(right)), right)
  }
  for (const wrong of [{ text: 1 }, { text: undefined }, { list: [1] }, { list: {} }]) {
    assert.isTrue(Result.isFailure(decode(wrong)))
  }
})
