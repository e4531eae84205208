import * as Decode from "@auth/broker-core/broker/Decode"
import * as Envelope from "@auth/broker-core/broker/Envelope"
import { assert, describe, it } from "@effect/vitest"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"

describe("Envelope.field", () => {
  it.each([
    [{ a: 1 }, 1],
    [{ b: 1 }, undefined],
    [[], undefined],
    [null, undefined],
    [undefined, undefined],
    ["text", undefined],
    [7, undefined]
  ])("reads the field `a` of %j as %s", (value, found) => assert.strictEqual(Envelope.field(value, "a"), found))
})

describe("Decode.count", () => {
  const decode = Schema.decodeUnknownResult(Schema.Struct({ n: Decode.count }))

  it.each([
    ["60", 60],
    [" 4 ", 4],
    [0, 0],
    ["", undefined],
    ["four", undefined],
    ["1.5", undefined],
    [-1, undefined],
    ["1000000", undefined],
    [null, undefined]
  ])("decodes %j as %s", (n, count) => {
    assert.deepStrictEqual(Result.getOrThrow(decode({ n })), count === undefined ? {} : { n: count })
  })

  it("accepts an absent field, and fails for a boolean", () => {
    assert.deepStrictEqual(Result.getOrThrow(decode({})), {})
    assert.isTrue(Result.isFailure(decode({ n: true })))
  })
})

describe("Decode.flag", () => {
  const decode = Schema.decodeUnknownResult(Schema.Struct({ is: Decode.flag }))

  it.each([
    [true, true],
    ["Y", true],
    [" yes ", true],
    ["TRUE", true],
    ["N", false],
    ["", false],
    [false, false],
    [null, false]
  ])("decodes %j as %s", (given, is) => assert.deepStrictEqual(Result.getOrThrow(decode({ is: given })), { is }))

  it("decodes an absent field as false, and fails for a number", () => {
    assert.deepStrictEqual(Result.getOrThrow(decode({})), { is: false })
    assert.isTrue(Result.isFailure(decode({ is: 1 })))
  })
})

describe("Decode.list", () => {
  const decode = Schema.decodeUnknownSync(Schema.Struct({ list: Decode.list }))

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
    [null, []]
  ])("decodes %j as %j", (list, items) => assert.deepStrictEqual(decode({ list }), { list: items }))
})

it("Decode.mapMaybe accepts a function that returns undefined", () => {
  const Poll = Schema.UndefinedOr(Schema.Struct({ token: Decode.text }))
  const decode = Schema.decodeUnknownSync(Decode.mapMaybe(Poll, (poll) => poll?.token))
  for (const [answer, token] of [
    [undefined, undefined],
    [{}, undefined],
    [{ token: " " }, undefined],
    [{ token: "t" }, "t"]
  ] as const) {
    assert.strictEqual(decode(answer), token)
  }
})
