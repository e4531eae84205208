import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Base64Url from "effect/encoding/Base64Url"
import * as Predicate from "effect/Predicate"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as Account from "../../login/Account.ts"
import * as AuthError from "../../login/AuthError.ts"
import type { Key } from "../VaultKey.ts"
import * as Durations from "../../login/internal/durations.ts"
import * as SealedEntry from "./sealedEntry.ts"

/**
 * URL, state, redirect URL, time of sealing (milliseconds since the epoch), lifetime (milliseconds). In a cookie, a
 * tuple needs less space than an object.
 */
const Content = Schema.fromJsonString(
  Schema.Tuple([Schema.String, Schema.String, Schema.String, Schema.Finite, Schema.Finite])
)

/** Browsers accept at most 4096 bytes for the name and the value of a cookie together. */
const maxLength = 4000

const defaultLifetime = Duration.minutes(10)

/**
 * The key of a vault entry never begins with `authorization-request/`. So a vault entry cannot be opened as a request,
 * and a request cannot be opened as a vault entry.
 */
const placeOf = (account: Account.Account): SealedEntry.Place => ({
  what: "authorization request",
  key: `authorization-request/${Account.toKey(account)}`,
  version: 1
})

const checkKey = (broker: string, operation: string, key: Key): Effect.Effect<void, AuthError.AuthError> =>
  key._tag === "Key"
    ? Effect.void
    : Effect.fail(AuthError.invalidRequest(broker, operation, "key", "must be a key of 32 bytes"))

export const seal = Effect.fnUntraced(function* (
  request: { readonly url: Redacted.Redacted; readonly state: Redacted.Redacted; readonly redirectUrl: string },
  key: Key,
  account: Account.Account,
  lifetime: Duration.Input | undefined
): Effect.fn.Return<string, AuthError.AuthError> {
  yield* checkKey(account.broker, "seal", key)
  const lasting = yield* Durations.read(account.broker, "lifetime", lifetime ?? defaultLifetime)
  const millis = Duration.toMillis(lasting)
  if (!Number.isFinite(millis) || millis === 0) {
    return yield* Effect.fail(
      AuthError.invalidRequest(account.broker, "seal", "lifetime", "must be above zero and finite")
    )
  }
  const now = yield* Clock.currentTimeMillis
  const content = [Redacted.value(request.url), Redacted.value(request.state), request.redirectUrl, now, millis]
  const bytes = Redacted.make(new TextEncoder().encode(JSON.stringify(content)))
  const text = Base64Url.encode(Redacted.value(yield* SealedEntry.seal(key, bytes, placeOf(account))))
  return text.length > maxLength
    ? yield* Effect.fail(AuthError.invalidRequest(account.broker, "seal", "request", "is too long for a cookie"))
    : text
})

const refused = (account: Account.Account, why: AuthError.RedirectRejected["why"], advice?: string) =>
  Effect.fail(AuthError.make(account.broker, "open", new AuthError.RedirectRejected({ why, advice })))

export const open = Effect.fnUntraced(function* (text: string | undefined, key: Key, account: Account.Account) {
  yield* checkKey(account.broker, "open", key)
  if (text === undefined || text === "") {
    return yield* refused(
      account,
      "request-changed",
      "The callback came without the cookie that was set when the login began. Begin the login again at the host of the redirect URL, finish it in the same browser, and allow cookies."
    )
  }
  const changed = refused(account, "request-changed")
  // In plain JavaScript, `text` may have another type.
  if (!Predicate.isString(text)) return yield* changed
  const decoded = text.length > maxLength ? undefined : Result.getOrUndefined(Base64Url.decode(text))
  if (decoded === undefined) return yield* changed
  const plain = yield* Effect.catch(SealedEntry.open(key, Redacted.make(decoded), placeOf(account)), () => changed)
  const [url, state, redirectUrl, begunAt, lifetime] = yield* Effect.catch(
    Schema.decodeEffect(Content)(new TextDecoder().decode(Redacted.value(plain))),
    () => changed
  )
  const age = (yield* Clock.currentTimeMillis) - begunAt
  // If the time of sealing is too far in the future, a clock is wrong.
  if (age >= lifetime || age < -lifetime) return yield* refused(account, "request-expired")
  return { url: Redacted.make(url), state: Redacted.make(state), redirectUrl }
})
