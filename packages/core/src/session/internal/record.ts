import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as Account from "../../login/Account.ts"
import type * as Session from "../../login/Session.ts"
import * as SessionJson from "../../login/SessionJson.ts"
import type { SessionStore } from "../SessionStore.ts"
import * as VaultError from "../VaultError.ts"

/**
 * The content of an account's slot `session` in the store. A logout stores `LoggedOut`, so that a running renewal does
 * not store its session.
 */
export type Record =
  | { readonly _tag: "Nothing"; readonly version: 0 }
  | { readonly _tag: "Live"; readonly version: number; readonly session: Session.Session }
  | { readonly _tag: "LoggedOut"; readonly version: number; readonly at: number }

const LoggedOutFromJson = Schema.fromJsonString(Schema.Struct({ loggedOutAt: Schema.Finite }))

const decodeSession = Schema.decodeUnknownResult(SessionJson.SessionFromJson)
const encodeSession = Schema.encodeSync(SessionJson.SessionFromJson)
const decodeLoggedOut = Schema.decodeUnknownResult(LoggedOutFromJson)
const encodeLoggedOut = Schema.encodeSync(LoggedOutFromJson)

const toBytes = (text: string) => Redacted.make(new TextEncoder().encode(text))

export const ofSession = (session: Session.Session) => toBytes(encodeSession(session))

export const ofLogout = (loggedOutAt: number) => toBytes(encodeLoggedOut({ loggedOutAt }))

export const read = (
  store: SessionStore["Service"],
  account: Account.Account
): Effect.Effect<Record, VaultError.VaultError> =>
  Effect.flatMap(store.get(account, "session"), (entry): Effect.Effect<Record, VaultError.VaultError> => {
    if (entry === undefined) return Effect.succeed({ _tag: "Nothing", version: 0 })
    const { version } = entry
    const text = new TextDecoder().decode(Redacted.value(entry.value))
    const session = decodeSession(text)
    if (Result.isSuccess(session)) return Effect.succeed({ _tag: "Live", version, session: session.success })
    const mark = decodeLoggedOut(text)
    if (Result.isSuccess(mark)) return Effect.succeed({ _tag: "LoggedOut", version, at: mark.success.loggedOutAt })
    const what = `session of ${Account.toKey(account)}`
    return Effect.fail(VaultError.make("get", new VaultError.Tampered({ what })))
  })
