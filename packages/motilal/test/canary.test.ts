import { assert, describe, it } from "@effect/vitest"
import { leaks, run } from "../../../tools/canary/canary.ts"

const secrets = [
  "CANARYpassword8305",
  "CANARYkey",
  "CANARYappsecret",
  "29/02/1984",
  "28/02/1984",
  "30/02/1984",
  "CNRYX8305Y",
  "CANARYTOTPSECRET",
  "CANARYno1",
  "CANARYno2",
  "CANARY-8-IS-NO-BASE32"
]

describe("canary: Motilal Oswal", () => {
  it("no secret is in the program's output or files", async () => {
    const all = await run(new URL("./canary.program.ts", import.meta.url))
    const { code, output, told } = all
    assert.strictEqual(code, 0, output)
    for (const name of [
      "valid credentials",
      "login by SMS",
      "wrong password",
      "request quoted in an HTML page",
      "getaccesstoken request quoted in JSON",
      "SMS code quoted in an HTML page"
    ]) {
      assert.include(output, name)
    }
    // `told` contains the password hashes, one-time codes and tokens that the program sent.
    assert.isAtLeast(new Set(told).size, 8)
    assert.isTrue(told.some((value) => value.endsWith("_M")) && told.some((value) => /^\d{6}$/.test(value)))
    assert.deepStrictEqual(leaks(all, [...secrets, ...told]), [])
  }, 30_000)
})
