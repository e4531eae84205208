/**
 * The data that the page of `broker-auth open` shows for each account. The only secret in the data is the QR code of a
 * pending login.
 */
import * as Expiry from "@auth/broker-core/login/Expiry"
import * as Duration from "effect/Duration"
import * as accountStatus from "../accountStatus.ts"
import * as entries from "../entries.ts"
import type { Home } from "../home.ts"
import type * as sessions from "../sessions.ts"

/** Times are in milliseconds since the epoch. */
export type Step =
  | {
      readonly _tag: "busy"
      readonly text: string
      /** `true` while the login of this account waits for logins of other accounts. */
      readonly canCancel: boolean
    }
  | {
      readonly _tag: "browser"
      readonly text: string
      /** An address on this machine that redirects once to the broker's login page. */
      readonly url: string
      /** Whether the person has to paste the address of the page that follows the login. */
      readonly paste: boolean
      readonly problem: string | null
    }
  | {
      readonly _tag: "code"
      readonly text: string
      readonly digits: number
      readonly attemptsLeft: number | null
      readonly expiresAt: number | null
      /** `null` if no new code can be requested. */
      readonly resendAt: number | null
      readonly problem: string | null
    }
  | {
      readonly _tag: "qr"
      readonly text: string
      /** The rows of the QR code. `1` is dark. */
      readonly modules: ReadonlyArray<string>
      readonly expiresAt: number
    }

export interface Trouble {
  readonly message: string
  readonly remedy: string
}

export interface Row {
  readonly name: string
  readonly broker: string
  readonly account: string
  readonly way: string
  readonly state: sessions.State
  readonly stateText: string
  readonly renewal: string
  readonly guard: string
  /** Whether the limit of login failures is reached, the login guard pauses logins, or the account is locked. */
  readonly isHeldBack: boolean
  readonly storedIn: string
  readonly canRenew: boolean
  readonly failure: Trouble | null
  readonly step: Step | null
}

const sentence = (text: string): string => `${text.charAt(0).toUpperCase()}${text.slice(1)}`

/** When the number of counted login failures falls below the limit. `undefined` if the limit is not reached now. */
const fullUntil = ({ countedAt, method }: accountStatus.Status): number | undefined => {
  const { maxFailures, window } = method?.renewal ?? {}
  if (maxFailures === undefined || window === undefined) return undefined
  const first = countedAt[countedAt.length - maxFailures]
  return first === undefined ? undefined : first + Duration.toMillis(Duration.fromInputUnsafe(window))
}

const guardOf = (status: accountStatus.Status): Pick<Row, "guard" | "isHeldBack"> => {
  const { entry, memory, now } = status
  const until = fullUntil(status)
  return until === undefined || memory.locked !== undefined
    ? {
        guard: accountStatus.guardText(status),
        isHeldBack: memory.locked !== undefined || (memory.pausedUntil ?? 0) > now
      }
    : {
        guard: `${accountStatus.usedText(status)}; no login is sent until ${Expiry.toIst(Math.max(until, memory.pausedUntil ?? 0))}, or until you run broker-auth guard reset ${entry.name}`,
        isHeldBack: true
      }
}

export const make = (
  { store }: Home,
  status: accountStatus.Status,
  { failure, step }: Pick<Row, "failure" | "step">
): Row => {
  const { clear, entry, method, session, state, title } = status
  return {
    name: entry.name,
    broker: title,
    account: entry.account.id,
    way: method?.title ?? entry.method,
    state,
    stateText: sentence(accountStatus.sessionText(status)),
    renewal: sentence(accountStatus.renewalText(status)),
    ...guardOf(status),
    storedIn: clear.length > 0 ? entries.clearText(entry.name, clear) : store.describe,
    canRenew: session !== undefined && (method?.renewal?.by.length ?? 0) > 0,
    failure,
    step
  }
}
