import { assert, describe, it } from "@effect/vitest"
import { leaks, run } from "../../../tools/canary/canary.ts"

/**
 * All that begins so is a secret, beside what the program tells: codes, tokens, checksums. It is no word that a path in
 * a stack trace has.
 */
const secrets = ["CANRY", "eyJhbGciOiJSUzI1NiI"]

describe("canary: rmoney", () => {
  it("a program that prints all it has shows no secret, and leaves none in a file", async () => {
    const all = await run(new URL("./canary.program.ts", import.meta.url))
    const { code, output, told } = all
    assert.strictEqual(code, 0, output)
    for (const name of ["right", "wrong password", "refused", "browser", "picture", "biometrics", "recovery"]) {
      assert.include(output, name)
    }
    assert.isAtLeast(told.filter((word) => /^\d{6}$/.test(word)).length, 7)
    assert.isAtLeast(told.filter((word) => word.startsWith("Bearer ")).length, 5)
    // Of a header its last word is the secret.
    assert.deepStrictEqual(leaks(all, [...secrets, ...told.map((word) => word.split(" ").at(-1) ?? word)]), [])
  }, 60_000)
})
