import { assert, describe, it } from "@effect/vitest"
import { leaks, run } from "../../../tools/canary/canary.ts"

const secrets = ["canarykey0000001", "CANARYsecret0000000000000000001x", "CANARY-other-secret", "CANARY-password"]

describe("canary: Zerodha", () => {
  it("no secret is in the output or the files of a program that prints each result and error", async () => {
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
    // The program reports the request token and the state of 9 logins. For each of 3 refreshed sessions, it reports the
    // access token and the refresh token before and after the refresh.
    assert.strictEqual(told.length, 9 * 2 + 3 * 4)
    assert.deepStrictEqual(leaks(all, [...secrets, ...told]), [])
  }, 30_000)
})
