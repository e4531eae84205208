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
    // The program reports these secrets:
    // - 9 logins: the request token and the state
    // - 3 successful refreshes: the access token and the refresh token, before and after the refresh
    assert.strictEqual(told.length, 9 * 2 + 3 * 4)
    assert.deepStrictEqual(leaks(all, [...secrets, ...told]), [])
  }, 30_000)
})
