/** Deliberately broken parts. A scenario that passes with one of them tests nothing. */
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

/** Admits every caller. */
const open: Lock = {
  describe: "no lock",
  withLock: (_, use) => use({ fence: 0, check: Effect.void })
}

const leftLocks = "broker-auth-torture-"

/** A file that its holder removes at the end. A killed program never removes it. Many lock libraries work this way. */
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

/** Removes the files that this lock has left behind. */
export const removeLeftLocks = (): void => {
  for (const file of fs.readdirSync(os.tmpdir())) {
    if (file.startsWith(leftLocks)) fs.rmSync(path.join(os.tmpdir(), file), { force: true })
  }
}

/** Overwrites entries that other programs have written meanwhile. */
const lastWins = (store: Store): Store => ({
  ...store,
  put: (account, slot, value) =>
    Effect.flatMap(store.get(account, slot), (entry) => store.put(account, slot, value, entry?.version ?? 0))
})

/** Admits callers if it cannot lock. */
const hidesLockFailures = (lock: Lock): Lock => ({
  ...lock,
  withLock: (account, use) =>
    Effect.catch(lock.withLock(account, use), (error) =>
      VaultError.isVaultError(error) && error.operation === "lock"
        ? use({ fence: 0, check: Effect.void })
        : Effect.fail(error)
    )
})

/** Reports success. */
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

/** Returns the first session for ever. */
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
