/** Stores a session, reads it back, and prints whether it is unchanged. */
import * as Effect from "effect/Effect"
import { account, bytes, secret, textOf, using } from "../support.ts"

const [folder = ""] = process.argv.slice(2)

const found = await Effect.runPromise(
  using(folder, ({ lock, store }) =>
    Effect.gen(function* () {
      yield* lock.withLock(account, () => store.put(account, "session", bytes(secret), 0))
      return textOf(yield* store.get(account, "session"))
    })
  )
)
process.stdout.write(`found ${found === secret}\n`)
