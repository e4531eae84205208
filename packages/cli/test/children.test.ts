import { assert, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { ChildProcess } from "node:child_process"
import process from "node:process"
import { vi } from "vitest"
import * as children from "../src/internal/children.ts"

const environment = { add: {}, remove: [] }

it("if no signal can be sent to a program, run waits until the program ends, and returns the program's exit code", async () => {
  const kill = vi.spyOn(ChildProcess.prototype, "kill").mockImplementation(function (this: ChildProcess) {
    // Node emits this error if the program belongs to another user.
    return this.emit("error", Object.assign(new Error("kill EPERM"), { code: "EPERM" }))
  })
  try {
    const running = Effect.runPromise(
      children.run(process.execPath, ["-e", "setTimeout(() => process.exit(7), 500)"], environment)
    )
    for (const signal of ["SIGTERM", "SIGHUP"] as const) process.emit(signal)
    assert.strictEqual(await running, 7)
    assert.strictEqual(kill.mock.calls.length, 2)
  } finally {
    kill.mockRestore()
  }
})

it("run returns 127 if the program is not installed", async () => {
  assert.strictEqual(await Effect.runPromise(children.run("no-such-program", [], environment)), 127)
})
