import { assert, describe, it } from "@effect/vitest"
import { leaks, run } from "../../../tools/canary/canary.ts"

const secrets = [
  "c0ffee0ac0ffee1bc0ffee2cc0ffee3dc0ffee4ec0ffee5f",
  "dec0de00dec0de01dec0de02",
  "bad0bad0bad0",
  "CANARY-plain-secret",
  "CANARYpw1",
  "CANARYno1",
  "CANARYaccess",
  "eyJhbGciOiJIUzI1NiJ9"
]

describe("canary: Samco", () => {
  it("no secret is in the program's output or files", async () => {
    const all = await run(new URL("./canary.program.ts", import.meta.url))
    const { code, output, told } = all
    assert.strictEqual(code, 0, output)
    for (const name of [
      "key and secret: valid credentials",
      "key and secret: wrong secret",
      "browser login: valid credentials",
      "browser login: HTML page that quotes the request",
      "legacy login: valid credentials"
    ]) {
      assert.include(output, name)
    }
    // The program reports these secrets:
    // - 2: the tokens of the logins without a browser
    // - 6: the code and the state of each of 3 browser logins
    // - 4: the tokens of the browser login with valid credentials, before and after the refresh
    assert.strictEqual(told.length, 12)
    assert.deepStrictEqual(leaks(all, [...secrets, ...told]), [])
  }, 30_000)
})
