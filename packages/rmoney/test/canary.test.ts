import { assert, describe, it } from "@effect/vitest"
import { leaks, run } from "../../../tools/canary/canary.ts"

/** `CANRY`, not `CANARY`: `leaks` ignores case, and stack traces contain the folder `tools/canary`. */
const secrets = ["CANRY", "eyJhbGciOiJSUzI1NiI"]

describe("canary: RMoney", () => {
  it("no secret is in the program's output or files", async () => {
    const all = await run(new URL("./canary.program.ts", import.meta.url))
    const { code, output, told } = all
    assert.strictEqual(code, 0, output)
    for (const name of [
      "valid credentials",
      "wrong password",
      "QR login",
      "browser login",
      "biometric login",
      "recovery"
    ]) {
      assert.include(output, name)
    }
    assert.isAtLeast(told.filter((word) => /^\d{6}$/.test(word)).length, 7)
    assert.isAtLeast(told.filter((word) => word.startsWith("Bearer ")).length, 5)
    // `told` lists the values that the program reported. In an `Authorization` header, only the last word is a secret.
    assert.deepStrictEqual(leaks(all, [...secrets, ...told.map((word) => word.split(" ").at(-1) ?? word)]), [])
  }, 60_000)
})
