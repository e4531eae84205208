import { assert, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { ChildProcess } from "node:child_process"
import process from "node:process"
import { vi } from "vitest"
import * as children from "../src/internal/children.ts"

it("run returns the program's exit code even if it cannot forward signals", async () => {
  const kill = vi.spyOn(ChildProcess.prototype, "kill").mockImplementation(function (this: ChildProcess) {
    // Node emits this error if the program belongs to another user.
    return this.emit("error", Object.assign(new Error("kill EPERM"), { code: "EPERM" }))
  })
  try {
    const running = Effect.runPromise(children.run(process.execPath, ["-e", "setTimeout(() => process.exit(7), 500)"]))
    for (const signal of ["SIGTERM", "SIGHUP"] as const) process.emit(signal)
    assert.strictEqual(await running, 7)
    assert.strictEqual(kill.mock.calls.length, 2)
  } finally {
    kill.mockRestore()
  }
})

it("run returns 127 if the program is not installed", async () => {
  assert.strictEqual(await Effect.runPromise(children.run("no-such-program", [])), 127)
})

it("a started program does not get the keys of the vault", () => {
  vi.stubEnv("BROKER_AUTH_KEY", "key")
  vi.stubEnv("BROKER_AUTH_NEW_KEY", "next key")
  vi.stubEnv("BROKER_AUTH_SIMULATOR", "http://127.0.0.1:4010")
  try {
    const made = children.environment({ TOKEN: "token" })
    assert.strictEqual(made["TOKEN"], "token")
    assert.strictEqual(made["BROKER_AUTH_SIMULATOR"], "http://127.0.0.1:4010")
    assert.notProperty(made, "BROKER_AUTH_KEY")
    assert.notProperty(made, "BROKER_AUTH_NEW_KEY")
    assert.strictEqual(made["PATH"], process.env["PATH"])
  } finally {
    vi.unstubAllEnvs()
  }
})
