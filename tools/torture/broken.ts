/** Locks, stores and session managers that are broken on purpose. Scenarios use them with the option `--broken`. */
import * as Account from "@auth/broker-core/login/Account"
import type * as SessionLock from "@auth/broker-core/session/SessionLock"
import type * as SessionManager from "@auth/broker-core/session/SessionManager"
import * as SessionStore from "@auth/broker-core/session/SessionStore"
import * as VaultError from "@auth/broker-core/session/VaultError"
import * as Effect from "effect/Effect"
import { createHash } from "node:crypto"
import * as fs from "node:fs"
import * as os from "node:os"
import * as path from "node:path"
import type { Broken, Place } from "./protocol.ts"

type Store = SessionStore.SessionStore["Service"]
type Lock = SessionLock.SessionLock["Service"]
type Manager = SessionManager.SessionManager["Service"]

const open: Lock = {
  describe: "no lock",
  withLock: (_, use) => use({ fence: 0, check: Effect.void })
}

const leftLocks = "broker-auth-torture-"

/** If the holder is killed, the lock file remains. */
const leftBehind = (place: Place): Lock => ({
  describe: "a lock file",
  withLock: (account, use) => {
    const name = createHash("sha256")
      .update(JSON.stringify([place, Account.toKey(account)]))
      .digest("hex")
    const file = path.join(os.tmpdir(), `${leftLocks}${name}.lock`)
    const take: Effect.Effect<void> = Effect.suspend(() => {
      if (fs.existsSync(file)) return Effect.andThen(Effect.sleep("20 millis"), take)
      return Effect.sync(() => fs.writeFileSync(file, ""))
    })
    return Effect.acquireUseRelease(
      take,
      () => use({ fence: 0, check: Effect.void }),
      () => Effect.sync(() => fs.rmSync(file, { force: true }))
    )
  }
})

export const removeLeftLocks = (): void => {
  for (const file of fs.readdirSync(os.tmpdir())) {
    if (file.startsWith(leftLocks)) fs.rmSync(path.join(os.tmpdir(), file), { force: true })
  }
}

/** Overwrites an entry even if another program has changed it. */
const lastWins = (store: Store): Store => ({
  ...store,
  put: (account, slot, value) =>
    Effect.flatMap(store.get(account, slot), (entry) => store.put(account, slot, value, entry?.version ?? 0))
})

const hidesLockFailures = (lock: Lock): Lock => ({
  ...lock,
  withLock: (account, use) =>
    Effect.catch(lock.withLock(account, use), (error) =>
      VaultError.isVaultError(error) && error.operation === "lock"
        ? use({ fence: 0, check: Effect.void })
        : Effect.fail(error)
    )
})

const hidesFailures = (store: Store): Store => ({
  ...store,
  get: (account, slot) => Effect.orElseSucceed(store.get(account, slot), () => undefined),
  put: (account, slot, value, expected) => Effect.orElseSucceed(store.put(account, slot, value, expected), () => true)
})

export const lockOf = (broken: Broken | undefined, lock: Lock, place: Place): Lock => {
  if (broken === "lock-open") return open
  if (broken === "hides-failures") return hidesLockFailures(lock)
  return broken === "lock-left-behind" ? leftBehind(place) : lock
}

export const storeOf = (broken: Broken | undefined, store: Store): Store => {
  if (broken === "store-in-memory") return SessionStore.makeMemory()
  if (broken === "store-last-wins") return lastWins(store)
  return broken === "hides-failures" ? hidesFailures(store) : store
}

/** Always returns the first session, even after its expiry. */
const forEver = (manager: Manager): Manager => {
  let first: Effect.Success<Manager["session"]> | undefined
  return {
    ...manager,
    session: Effect.suspend(() =>
      first === undefined
        ? Effect.tap(manager.session, (session) => Effect.sync(() => (first = session)))
        : Effect.succeed(first)
    )
  }
}

export const managerOf = (broken: Broken | undefined, manager: Manager): Manager =>
  broken === "session-for-ever" ? forEver(manager) : manager
