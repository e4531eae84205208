/**
 * Increments a number in a file several times, each time under the lock. The lock's number `fence` is larger each
 * time the lock is acquired. Under the lock, the program appends `fence` to `<file>-fences`. After the lock is
 * released, the program prints `fence`.
 */
import { layer } from "@auth/node/NodeSessionLock"
import { SessionLock } from "@auth/broker-core/session/SessionLock"
import * as Effect from "effect/Effect"
import { appendFileSync, existsSync, readFileSync, writeFileSync } from "node:fs"
import { account } from "../support.ts"

const [folder = "", file = "", times = "1", gate] = process.argv.slice(2)

const program = Effect.gen(function* () {
  const lock = yield* SessionLock
  // Waits until the file `gate` exists. The test creates `gate` when all its processes have printed `ready`.
  if (gate !== undefined) process.stdout.write("ready\n")
  const isOpen = Effect.sync(() => gate === undefined || existsSync(gate))
  while (!(yield* isOpen)) yield* Effect.sleep("1 millis")
  for (let time = 0; time < Number(times); time += 1) {
    const fence = yield* lock.withLock(account, ({ fence }) =>
      Effect.gen(function* () {
        const count = existsSync(file) ? Number(readFileSync(file, "utf8")) : 0
        yield* Effect.sleep("2 millis")
        writeFileSync(file, String(count + 1))
        appendFileSync(`${file}-fences`, `${fence}\n`)
        return fence
      })
    )
    process.stdout.write(`${fence}\n`)
  }
})

await Effect.runPromise(Effect.provide(program, layer({ folder })))
