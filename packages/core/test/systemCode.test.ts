import { assert, it } from "@effect/vitest"
import { systemCode } from "../src/broker/internal/systemCode.ts"

it.each([
  ["the code of the error itself", { code: "ENOSPC", cause: { code: "EIO" } }, "ENOSPC"],
  ["the code of the error's reason", { code: 7, reason: { code: "ENOSPC" }, cause: { code: "EIO" } }, "ENOSPC"],
  ["the code of a nested cause", { cause: { cause: { code: "ENOSPC" } } }, "ENOSPC"],
  ["the code of the cause if the reason is undefined", { reason: undefined, cause: { code: "ENOSPC" } }, "ENOSPC"],
  ["the code of the cause if the reason is null", { reason: null, cause: { code: "ENOSPC" } }, "ENOSPC"],
  ["the code of the cause if the reason has none", { reason: "text", cause: { code: "ENOSPC" } }, "ENOSPC"],
  ["undefined if no field `code` contains an error code", { code: "a text", reason: "ENOSPC" }, undefined]
])("systemCode returns %s", (_, error, code) => {
  assert.strictEqual(systemCode(error), code)
})
