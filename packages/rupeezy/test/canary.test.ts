import { assert, describe, it } from "@effect/vitest"
import { leaks, run } from "../../../tools/canary/canary.ts"

const secrets = [
  "CANARY-password",
  "CANARY-wrong",
  "CANARY-key",
  "CANARY-badkey7",
  "CANARYTOTPSECRET",
  "CANARY-8-IS-NO-BASE32",
  "eyJhbGciOiJSUzUxMiIsInR5cCI6IkpXVCJ9"
]

describe("canary: Rupeezy", () => {
  it("no secret is in the program's output or files", async () => {
    const all = await run(new URL("./canary.program.ts", import.meta.url))
    const { code, output, told } = all
    assert.strictEqual(code, 0, output)
    for (const name of [
      "valid credentials",
      "wrong password",
      "request quoted in an HTML page",
      "request quoted in a refusal",
      "browser login, request quoted in an HTML page"
    ])
      assert.include(output, name)
    assert.strictEqual(output.match(/"value":\{"_tag":"Revoked"/g)?.length, 2)
    assert.isAtLeast(told.length, 15)
    assert.deepStrictEqual(leaks(all, [...secrets, ...told]), [])
  }, 30_000)
})
