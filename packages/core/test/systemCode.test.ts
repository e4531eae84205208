import { assert, it } from "@effect/vitest"
import { systemCode } from "../src/broker/internal/systemCode.ts"

it.each([
  ["the error itself", { code: "ENOSPC", cause: { code: "EIO" } }, "ENOSPC"],
  ["its reason", { code: 7, reason: { code: "ENOSPC" }, cause: { code: "EIO" } }, "ENOSPC"],
  ["its cause", { cause: { cause: { code: "ENOSPC" } } }, "ENOSPC"],
  ["its cause if the reason is undefined", { reason: undefined, cause: { code: "ENOSPC" } }, "ENOSPC"],
  ["its cause if the reason is null", { reason: null, cause: { code: "ENOSPC" } }, "ENOSPC"],
  ["no field with a code", { code: "a text", reason: "ENOSPC" }, undefined]
])("systemCode finds the error code in %s", (_, error, code) => {
  assert.strictEqual(systemCode(error), code)
})
