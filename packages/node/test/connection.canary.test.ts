import { assert, describe, it } from "@effect/vitest"
import { leaks, run } from "../../../tools/canary/canary.ts"

const secrets = ["8305", "8306", "CANARY", "eyJhbGciOiJIUzUxMiJ9", "c4a7c4a7"]

describe("canary: connections on Node", () => {
  it("no secret is in the program's output or files", async () => {
    const all = await run(new URL("./connection.canary.program.ts", import.meta.url))
    const { code, files, output, told } = all
    assert.strictEqual(code, 0, output)
    for (const name of ["right: renewed", "wrong: failed", "motilal: question", "samco: opened", "samco: login"]) {
      assert.include(output, name)
    }
    assert.isAtLeast(told.length, 6)
    assert.isTrue(files.some(([name]) => name.endsWith("sessions.db")))
    assert.deepStrictEqual(leaks(all, [...secrets, ...told]), [])
  }, 60_000)
})
