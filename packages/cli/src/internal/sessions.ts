/** Reads stored sessions from the vault. Loads no broker's package. */
import * as Session from "@auth/broker-core/login/Session"
import * as SessionJson from "@auth/broker-core/login/SessionJson"
import type { SessionStore } from "@auth/broker-core/session/SessionStore"
import type { VaultError } from "@auth/broker-core/session/VaultError"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import type { Entry } from "./accounts.ts"

const decodeSession = Schema.decodeUnknownResult(SessionJson.SessionFromJson)

export const stored = (
  store: SessionStore["Service"],
  { account }: Entry
): Effect.Effect<Session.Session | undefined, VaultError> =>
  Effect.map(store.get(account, "session"), (found) =>
    found === undefined
      ? undefined
      : Result.getOrUndefined(decodeSession(new TextDecoder().decode(Redacted.value(found.value))))
  )

export type State = "none" | "expired" | "live"

export const stateOf = (session: Session.Session | undefined, now: number): State =>
  session === undefined ? "none" : Session.isExpired(session, now) ? "expired" : "live"
