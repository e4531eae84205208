import { assert, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { makeProxy } from "./servers.ts"
import { makeUser, type Reply, run, terminal, timeout, world } from "./support.ts"

it.live(
  "`broker-auth recover` unblocks an account or sets a new password",
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
      const mistyped: ReadonlyArray<Reply> = [
        [/PAN[^:]*: /, "ABCDE12345\n"],
        [/must be a PAN[\s\S]*PAN[^:]*: /, "ABCDE1234F\n"],
        [/One-time code sent to[\s\S]*?> /, "12\n"],
        [/is not 6 digits[\s\S]*?> /, "000000\n"],
        [/Invalid OTP[\s\S]*?> /, code[1]]
      ]
      const unblocked = yield* terminal(user, ["recover", "rmoney"], [...begin, [/1 to 2: /, "1\n"], ...mistyped])
      assert.strictEqual(unblocked.code, 0, unblocked.screen)
      assert.match(unblocked.screen, /The account is unblocked/)
      const calls = (yield* simulator.journal()).map(({ endpoint }) => endpoint)
      assert.deepStrictEqual(calls, ["clientUnblock", "clientUnblockVerify", "clientUnblockVerify"])
      const changed = yield* terminal(
        user,
        ["recover", "rmoney"],
        [
          ...begin,
          [/1 to 2: /, "2\n"],
          pan,
          code,
          [/New password: /, "'quoted'\n"],
          [/New password, again: /, "'quoted'\n"],
          [/This value [\s\S]*New password: /, "Fresh@101\n"],
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

it.live(
  "`broker-auth recover` uses the proxy from the environment variables",
  () =>
    Effect.gen(function* () {
      const { asked, url } = yield* makeProxy({ status: 403 })
      const user = yield* makeUser({ HTTPS_PROXY: url })
      const replies: ReadonlyArray<Reply> = [
        [/RMONEY_ENVIRONMENT[\s\S]*?> /, "https://broker.test\n"],
        [/User id[\s\S]*?> /, "TEST101\n"],
        [/skip[\s\S]*?> /, "\n"],
        [/1 to 2: /, "1\n"],
        [/PAN[^:]*: /, "ABCDE1234F\n"]
      ]
      const failed = yield* terminal(user, ["recover", "rmoney"], replies)
      assert.strictEqual(failed.code, 9, failed.screen)
      assert.match(
        failed.screen.replaceAll(/\s+/g, " "),
        /the proxy between this machine and the broker failed, HTTP 403/
      )
      assert.deepStrictEqual(asked, ["broker.test:443"])
    }),
  { tags: ["thorough"], timeout }
)
