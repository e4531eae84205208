/**
 * A program that acquires a lock in Redis, prints the fence, and checks the lock every millisecond. The fence is a
 * number that is larger each time the lock is acquired. When the lock is lost, the program prints the reason and the
 * time of the last successful check.
 */
import * as Account from "@auth/broker-core/login/Account"
import * as SessionLock from "@auth/broker-core/session/SessionLock"
import * as NodeRedis from "@effect/platform-node/NodeRedis"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"

const [url = "", prefix = ""] = process.argv.slice(2)
const account = Account.make({ broker: "tiny", id: "T1" })

const hold = Effect.fnUntraced(function* ({ check, fence }: SessionLock.Lease) {
  console.log(`fence ${fence}`)
  let held = 0
  const watch = Effect.gen(function* () {
    const now = yield* Clock.currentTimeMillis
    yield* check
    held = now
    yield* Effect.sleep("1 millis")
  })
  const { reason } = yield* Effect.flip(Effect.forever(watch))
  console.log(`${reason._tag === "LockUnavailable" ? reason.why : reason._tag} ${held}`)
})

const program = Effect.gen(function* () {
  const lock = yield* SessionLock.SessionLock
  yield* lock.withLock(account, hold)
}).pipe(Effect.provide(SessionLock.layerRedis({ prefix }).pipe(Layer.provide(NodeRedis.layer({ url })))))

Effect.runPromise(program).catch((error: unknown) => {
  console.error(error)
  process.exitCode = 1
})
