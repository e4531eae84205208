import * as fs from "node:fs"
import { assert, describe, it } from "@effect/vitest"
import { leaks, run } from "./canary.ts"

const leaking = new URL("./leaking.ts", import.meta.url)

describe("run() and leaks()", () => {
  for (const way of [
    "on standard output",
    "on standard error",
    "in base64",
    "in a URL",
    "in a file",
    "in a hidden file in the home directory",
    "in a temporary file",
    "in a file name",
    "in a result",
    "in a typed failure",
    "in the message of a defect",
    "in a trace log"
  ]) {
    it(`detect a secret ${way}`, { tags: way === "in base64" ? [] : ["thorough"] }, async () => {
      const all = await run(leaking, way)
      assert.deepStrictEqual([all.code, all.told.length], [0, 1], all.output)
      assert.isNotEmpty(leaks(all, all.told))
    })
  }

  it("detect a secret in the error of a crash", async () => {
    const all = await run(leaking, "in the error of a crash")
    assert.strictEqual(all.code, 1)
    assert.isNotEmpty(leaks(all, all.told))
  })
})

it("run() removes the program's folder, and leaks() finds nothing if no secret leaked", async () => {
  const all = await run(leaking, "no leak")
  assert.strictEqual(all.code, 0)
  const folder = /"folder":"([^"]+)"/.exec(all.output)?.[1]
  assert.isNotEmpty(all.told)
  assert.deepStrictEqual(leaks(all, all.told), [])
  assert.isDefined(folder, all.output)
  assert.isFalse(fs.existsSync(folder))
})

describe("leaks()", () => {
  const secret = `c@nary "4711"/ü`
  for (const [spelling, text] of [
    ["as plain text", secret],
    ["in JSON inside JSON", JSON.stringify(JSON.stringify({ pin: secret }))],
    ["in a URL", encodeURIComponent(secret)],
    ["in a form", new URLSearchParams({ pin: secret }).toString()],
    ["with percent-encoded letters", secret.replace("nary", "%6e%41ry")],
    ["with every byte percent-encoded", Buffer.from(secret).toString("hex").replace(/../g, "%$&")],
    ["in base64", Buffer.from(secret).toString("base64")],
    ["in base64url", Buffer.from(secret).toString("base64url")]
  ] as const) {
    it(`finds a secret ${spelling}`, () => {
      const nothing = { code: 0, told: [], output: "", files: [] }
      assert.isEmpty(leaks({ ...nothing, output: "harmless" }, [secret]))
      assert.isNotEmpty(leaks({ ...nothing, output: `PIN ${text}!` }, [secret]))
      assert.isNotEmpty(leaks({ ...nothing, files: [["app.log", text]] }, [secret]))
      assert.isNotEmpty(leaks({ ...nothing, files: [[text, ""]] }, [secret]))
    })
  }
})
