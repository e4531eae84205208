/** Reads the state of an account from the vault, without a request to its broker. */
import type { Method } from "@auth/broker-core/broker/Broker"
import * as Expiry from "@auth/broker-core/login/Expiry"
import type * as Session from "@auth/broker-core/login/Session"
import * as LoginGuard from "@auth/broker-core/session/LoginGuard"
import type { VaultError } from "@auth/broker-core/session/VaultError"
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type { Entry } from "./accounts.ts"
import * as brokers from "./brokers.ts"
import * as entries from "./entries.ts"
import type { Home } from "./home.ts"
import * as sessions from "./sessions.ts"

export interface Status {
  readonly entry: Entry
  /** The broker's title, or its id if the broker's package cannot be loaded. */
  readonly title: string
  /** `undefined` if the broker's package cannot be loaded, or lacks the method. */
  readonly method: Method | undefined
  /** Why the broker's package cannot be loaded. */
  readonly problem: string | undefined
  readonly memory: LoginGuard.Memory
  /**
   * Times of the failed logins, oldest first. Failed logins that are older than `method.renewal.window` are left out.
   * If `method?.renewal` is `undefined`, failed logins of any age are included.
   */
  readonly countedAt: ReadonlyArray<number>
  readonly session: Session.Session | undefined
  readonly state: sessions.State
  readonly now: number
  /** The slots that contain an unencrypted entry. */
  readonly clear: Effect.Success<ReturnType<typeof entries.clearSlots>>
}

export const read = Effect.fnUntraced(function* (home: Home, entry: Entry): Effect.fn.Return<Status, VaultError> {
  const now = yield* Clock.currentTimeMillis
  const clear = yield* entries.clearSlots(home, entry.account)
  const store = entries.readable(home)
  const session = yield* sessions.stored(store, entry)
  const guard = LoginGuard.make(store)
  const memory = yield* guard.memory(entry.account)
  const found = yield* Effect.match(brokers.loadBroker(entry.broker, entry.folder), {
    onFailure: ({ message }) => ({ title: entry.broker, method: undefined, problem: message }),
    onSuccess: ({ broker, methods }) => ({
      title: broker.title,
      problem: undefined,
      method: methods.find(({ id }) => id === entry.method)
    })
  })
  const window = Duration.fromInputUnsafe(found.method?.renewal?.window ?? Duration.infinity)
  const countedAt = yield* guard.countedAt(entry.account, { window })
  return { clear, countedAt, entry, ...found, memory, now, session, state: sessions.stateOf(session, now) }
})

export const usedText = ({ countedAt, method }: Status): string => {
  const most = method?.renewal?.maxFailures
  return most === undefined
    ? `login failures: ${countedAt.length}`
    : `${countedAt.length} of ${most} allowed login failures`
}

export const guardText = (status: Status): string => {
  const { entry, memory, now } = status
  if (memory.locked !== undefined)
    return `${memory.locked.message}. No login is sent until you run broker-auth guard reset ${entry.name}`
  return memory.pausedUntil !== undefined && memory.pausedUntil > now
    ? `${usedText(status)}; programs send no login until ${Expiry.toIst(memory.pausedUntil)}`
    : usedText(status)
}

export const sessionText = ({ session, state }: Status): string => {
  if (session === undefined) return "not logged in"
  if (session.expiresAt === undefined) return "stored; its expiry is unknown"
  return `${state === "live" ? "live until" : "expired at"} ${Expiry.toIst(session.expiresAt)}`
}

export const renewalText = ({ entry, method, problem, title }: Status): string => {
  if (problem !== undefined) return `unknown. ${problem}`
  if (method === undefined) return `unknown: the package of ${title} has no method ${entry.method}`
  return method.renewal?.when ?? `unknown: the package of ${title} does not describe it`
}
