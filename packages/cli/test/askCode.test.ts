import { assert, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as path from "node:path"
import { makeUser, terminal, timeout } from "./support.ts"

it.live(
  "the prompt for a code appears again after each resend, even if the resend fails",
  () =>
    Effect.gen(function* () {
      const user = yield* makeUser()
      const program = path.join(import.meta.dirname, "programs", "askCode.ts")
      const asked = { ...user, command: ["--conditions=@auth/source", program] }
      const replies = [
        [/to get a new code\)/, "r\n"],
        [/was asked to send a new code[^]*to get a new code\)/, "r\n"],
        [/the connection failed[^]*3 attempts left\)/, "123456\n"]
      ] as const
      const { code, screen } = yield* terminal(asked, [], replies, { columns: 200 })
      assert.include(screen, "the code is 123456, after 2 resends")
      assert.strictEqual(code, 0)
    }),
  timeout
)
