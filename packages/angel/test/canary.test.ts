import { assert, describe, it } from "@effect/vitest"
import { leaks, run } from "../../../tools/canary/canary.ts"

const secrets = ["8305", "CANARYtrd", "CANARYno1", "CANARYTOTPSECRET", "CANARY-8-IS-NO-BASE32", "eyJhbGciOiJIUzUxMiJ9"]

describe("canary: Angel One", () => {
  it("no secret is in the program's output or files", async () => {
    const all = await run(new URL("./canary.program.ts", import.meta.url))
    const { code, output, told } = all
    assert.strictEqual(code, 0, output)
    for (const name of [
      "valid credentials",
      "wrong PIN",
      "request quoted in an HTML page",
      "request quoted in a refusal"
    ])
      assert.include(output, name)
    assert.isAtLeast(told.length, 4)
    assert.deepStrictEqual(leaks(all, [...secrets, ...told]), [])
  }, 30_000)
})
