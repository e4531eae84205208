import { assert, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { type Reply, run, terminal, timeout, world } from "./support.ts"

it.live(
  "unblocks an account, and sets a new password",
  () =>
    Effect.gen(function* () {
      const { simulator, user } = yield* world({ brokers: ["rmoney"] })
      const code: Reply = [
        /One-time code sent to[\s\S]*?> /,
        () => Effect.runPromise(Effect.map(simulator.codes("rmoney", "TEST101"), (codes) => `${codes.at(-1)}\n`))
      ]
      const begin: ReadonlyArray<Reply> = [
        [/RMONEY_ENVIRONMENT[\s\S]*?> /, "uat\n"],
        [/User id[\s\S]*?> /, "TEST101\n"],
        [/skip[\s\S]*?> /, "\n"]
      ]
      const pan: Reply = [/PAN[^:]*: /, "ABCDE1234F\n"]
      const unblocked = yield* terminal(user, ["recover", "rmoney"], [...begin, [/1 to 2: /, "1\n"], pan, code])
      assert.strictEqual(unblocked.code, 0, unblocked.screen)
      assert.match(unblocked.screen, /The account is unblocked/)
      const changed = yield* terminal(
        user,
        ["recover", "rmoney"],
        [
          ...begin,
          [/1 to 2: /, "2\n"],
          pan,
          code,
          [/New password: /, "Fresh@101\n"],
          [/New password, again: /, "Other@101\n"],
          [/differ[\s\S]*New password: /, "Fresh@101\n"],
          [/New password, again: /, "Fresh@101\n"]
        ]
      )
      assert.strictEqual(changed.code, 0, changed.screen)
      assert.match(changed.screen, /The password is changed/)
      for (const secret of ["ABCDE1234F", "Fresh@101"]) assert.notInclude(unblocked.screen + changed.screen, secret)
      assert.strictEqual((yield* run(user, ["recover", "angel"])).code, 2)
      assert.strictEqual((yield* run(user, ["recover", "rmoney"])).code, 7)
    }),
  { tags: ["thorough"], timeout }
)
