import { assert, describe, it } from "@effect/vitest"
import { leaks, run } from "../../../tools/canary/canary.ts"

const secrets = ["8305", "CANARYtrd", "CANARYno1", "CANARYTOTPSECRET", "CANARY-8-IS-NO-BASE32", "eyJhbGciOiJIUzUxMiJ9"]

describe("canary: angel", () => {
  it("a program that prints all it has shows no secret, and leaves none in a file", async () => {
    const all = await run(new URL("./canary.program.ts", import.meta.url))
    const { code, output, told } = all
    assert.strictEqual(code, 0, output)
    for (const name of ["right", "wrong pin", "quoted", "refused"]) assert.include(output, name)
    assert.isAtLeast(told.length, 4)
    assert.deepStrictEqual(leaks(all, [...secrets, ...told]), [])
  }, 30_000)
})
