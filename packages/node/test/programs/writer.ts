/** Stores versions of a session in a loop, and prints the number of each stored version. */
import * as Effect from "effect/Effect"
import { account, bytes, open } from "../support.ts"

const [folder = "", size = "2000"] = process.argv.slice(2)

const program = Effect.gen(function* () {
  const { store } = yield* open({ folder })
  let version = (yield* store.get(account, "session"))?.version ?? 0
  while (true) {
    yield* store.put(account, "session", bytes(`${version + 1} ${"x".repeat(Number(size))}`), version)
    version += 1
    process.stdout.write(`stored ${version}\n`)
  }
})

await Effect.runPromise(Effect.scoped(program)).catch((error: unknown) => {
  process.stdout.write(`failed ${JSON.stringify(error)}\n`)
})
