import { FakeDescriptor } from "@auth/broker-core/testing"
import { assert, it } from "@effect/vitest"
import { execFileSync } from "node:child_process"

it("curlJson lets a shell replace only values that are exactly `$code`", () => {
  const fields = { password: 'a"b\\n`id`$HOME$(id)', totp: "$code", pin: "a$code", name: "it's $code" }
  const command = `code=123456; printf %s ${FakeDescriptor.curlJson(fields)}`
  const received = execFileSync("sh", ["-c", command], { encoding: "utf8" })
  assert.deepStrictEqual(JSON.parse(received), { ...fields, totp: "123456" })
})
