/**
 * Holds the lock of the test account until standard input ends. Prints the fence, a number that is larger each time the
 * lock is acquired.
 */
import { layer } from "@auth/node/NodeSessionLock"
import { SessionLock } from "@auth/broker-core/session/SessionLock"
import * as Effect from "effect/Effect"
import { account } from "../support.ts"

const [folder = ""] = process.argv.slice(2)

const stdinEnds = Effect.promise(() => new Promise((resolve) => process.stdin.resume().once("end", resolve)))

const program = Effect.gen(function* () {
  const lock = yield* SessionLock
  yield* lock.withLock(account, ({ fence }) =>
    Effect.andThen(
      Effect.sync(() => process.stdout.write(`holds ${fence}\n`)),
      stdinEnds
    )
  )
})

await Effect.runPromise(Effect.provide(program, layer({ folder })))
