import * as fs from "node:fs"
import { assert, describe, it } from "@effect/vitest"
import { leaks, run } from "./canary.ts"

const leaking = new URL("./leaking.ts", import.meta.url)

describe("a program that lets a secret out", () => {
  for (const way of [
    "on standard output",
    "on standard error",
    "in base64",
    "in an address",
    "in a file",
    "in a file that is hidden at home",
    "in a temporary file",
    "in the name of a file",
    "in what it succeeds with",
    "in what it fails with",
    "in the message of a defect",
    "in a log that is hardly ever on"
  ]) {
    it(`${way} is caught`, { tags: way === "in base64" ? [] : ["thorough"] }, async () => {
      const all = await run(leaking, way)
      assert.deepStrictEqual([all.code, all.told.length], [0, 1], all.output)
      assert.isNotEmpty(leaks(all, all.told))
    })
  }

  it("in what it crashes with is caught, and seen to crash", async () => {
    const all = await run(leaking, "in what it crashes with")
    assert.strictEqual(all.code, 1)
    assert.isNotEmpty(leaks(all, all.told))
  })
})

it("a program that keeps its secrets is let alone, and its folder is gone", async () => {
  const all = await run(leaking, "not at all")
  assert.strictEqual(all.code, 0)
  const folder = /"folder":"([^"]+)"/.exec(all.output)?.[1]
  assert.isNotEmpty(all.told)
  assert.deepStrictEqual(leaks(all, all.told), [])
  assert.isDefined(folder, all.output)
  assert.isFalse(fs.existsSync(folder))
})

describe("a secret", () => {
  const secret = `c@nary "4711"/ü`
  for (const [spelling, text] of [
    ["as it is", secret],
    ["in JSON of JSON", JSON.stringify(JSON.stringify({ pin: secret }))],
    ["in an address", encodeURIComponent(secret)],
    ["in a form", new URLSearchParams({ pin: secret }).toString()],
    ["with more of it encoded than must be", secret.replace("nary", "%6e%41ry")],
    ["in base64", Buffer.from(secret).toString("base64")],
    ["in base64 for addresses", Buffer.from(secret).toString("base64url")]
  ] as const) {
    it(`${spelling} is found`, () => {
      const nothing = { code: 0, told: [], output: "", files: [] }
      assert.isEmpty(leaks({ ...nothing, output: "harmless" }, [secret]))
      assert.isNotEmpty(leaks({ ...nothing, output: `PIN ${text}!` }, [secret]))
      assert.isNotEmpty(leaks({ ...nothing, files: [["app.log", text]] }, [secret]))
      assert.isNotEmpty(leaks({ ...nothing, files: [[text, ""]] }, [secret]))
    })
  }
})
