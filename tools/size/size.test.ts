import { assert, describe, it } from "@effect/vitest"
import * as fs from "node:fs"
import * as os from "node:os"
import * as path from "node:path"
import { overBudget, withSlack } from "./budgets.ts"
import { measure } from "./bundle.ts"

const program = `
import { SessionFromJson } from "./packages/core/src/login/SessionJson.ts"
export const later = () => import("./packages/core/src/login/internal/otpauth.ts")
export const now = SessionFromJson
`

describe("npm run size", () => {
  it("names each size that is over its budget or has no budget", () => {
    const measured = { programs: { angel: 101, samco: 100 }, packages: { core: 7, node: 1 } }
    const budgets = { programs: { angel: 100, samco: 100 }, packages: { core: 6 } }
    assert.deepStrictEqual(overBudget(measured, budgets), [
      "The program angel has 101 bytes, 1 more than its budget of 100 bytes.",
      "The package core has 7 bytes, 1 more than its budget of 6 bytes.",
      "The package node has no budget in tools/size/budgets.json."
    ])
  })

  it("with --write sets each budget 2 percent above the size, rounded up to a multiple of 100 bytes", () => {
    const measured = { programs: { angel: 66_001 }, packages: { core: 99 } }
    assert.deepStrictEqual(withSlack(measured), { programs: { angel: 67_400 }, packages: { core: 200 } })
  })

  it("counts bytes, not characters", async () => {
    const folder = fs.mkdtempSync(path.join(os.tmpdir(), "broker-auth-size-"))
    const sizeOf = async (sign: string) => {
      const file = path.join(folder, "module.js")
      fs.writeFileSync(file, `export const text = [globalThis, "${sign}"]`)
      const { modules } = await measure(`import { text } from ${JSON.stringify(file)}\nexport const now = text`)
      return modules[0]?.bytes ?? 0
    }
    try {
      assert.strictEqual((await sizeOf("₹")) - (await sizeOf("$")), 2)
    } finally {
      fs.rmSync(folder, { recursive: true })
    }
  })

  it("separates the code loaded at the start from the code loaded with import()", async () => {
    const { chainTo, later, modules, own, total, unbundled } = await measure(program)
    assert.include(
      modules.map(({ name }) => name),
      "packages/core/src/login/SessionJson.ts"
    )
    assert.notInclude(
      modules.map(({ name }) => name),
      "packages/core/src/login/internal/otpauth.ts"
    )
    assert.isAbove(later, 500)
    assert.isAbove(total, own)
    assert.isAbove(unbundled.modules, 1)
    assert.deepStrictEqual(chainTo("effect/dist/Schema"), [
      "packages/core/src/login/SessionJson.ts",
      "effect/dist/Schema.js"
    ])
    assert.isUndefined(chainTo("otpauth"))
  })
})
