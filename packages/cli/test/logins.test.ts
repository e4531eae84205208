import { assert, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { addAndLogIn } from "./logIn.ts"
import { run, timeout, world } from "./support.ts"
import { ways } from "./ways.ts"

/** Every run checks these ways to log in. Only a thorough run checks the rest, because there are many. */
const quick = new Set(["angel totp", "zerodha browser"])

for (const way of ways) {
  const title = `${way.broker} ${way.method}`
  it.live(
    `broker-auth sends one login for two login commands: ${title}`,
    () =>
      Effect.gen(function* () {
        const { simulator, user } = yield* world({ brokers: [way.broker] })
        yield* addAndLogIn(simulator, user, way)
        const sent = (yield* simulator.journal()).length
        const second = yield* run(user, ["login", "mine"])
        assert.strictEqual(second.code, 0, second.stderr)
        assert.match(second.stderr, /No login was sent/)
        assert.strictEqual((yield* simulator.journal()).length, sent, "the second login command must send nothing")
      }),
    { timeout, ...(quick.has(title) ? {} : { tags: ["thorough"] }) }
  )
}
