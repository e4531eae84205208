import { assert, describe, it } from "@effect/vitest"
import { leaks, run } from "../../../tools/canary/canary.ts"

const secrets = ["canarykey0000001", "CANARYsecret0000000000000000001x", "CANARY-other-secret", "CANARY-password"]

describe("canary: Zerodha", () => {
  it("no secret is in the program's output or files", async () => {
    const all = await run(new URL("./canary.program.ts", import.meta.url))
    const { code, output, told } = all
    assert.strictEqual(code, 0, output)
    for (const name of [
      "valid credentials",
      "wrong secret",
      "exchange: page",
      "refresh: refusal",
      "logout: connection cut"
    ]) {
      assert.include(output, name)
    }
    // For each of 9 logins, `told` contains the request token and the state. For each of the 3 refreshes that succeed,
    // `told` contains the access token and the refresh token from before the refresh, and the two tokens from after the
    // refresh.
    assert.strictEqual(told.length, 9 * 2 + 3 * 4)
    assert.deepStrictEqual(leaks(all, [...secrets, ...told]), [])
  }, 30_000)
})
