import { assert, describe, it } from "@effect/vitest"
import { leaks, run } from "../../../tools/canary/canary.ts"

const secrets = ["canarykey0000001", "CANARYsecret0000000000000000001x", "CANARY-other-secret", "CANARY-password"]

describe("canary: Zerodha", () => {
  it("a program that prints everything leaks no secret to its output or its files", async () => {
    const all = await run(new URL("./canary.program.ts", import.meta.url))
    const { code, output, told } = all
    assert.strictEqual(code, 0, output)
    for (const name of ["right", "wrong secret", "exchange quoted", "refresh refused", "logout cut"]) {
      assert.include(output, name)
    }
    // Nine logins each have a request token and a state. Three refreshed sessions each have two pairs of tokens.
    assert.strictEqual(told.length, 9 * 2 + 3 * 4)
    assert.deepStrictEqual(leaks(all, [...secrets, ...told]), [])
  }, 30_000)
})
