/**
 * Encrypts a pending browser login, so that it can be kept in a cookie or a cache until the callback.
 *
 * @since 0.1.0
 */
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Predicate from "effect/Predicate"
import * as Redacted from "effect/Redacted"
import type { Account } from "../login/Account.ts"
import * as AuthError from "../login/AuthError.ts"
import type * as RedirectLogin from "../login/RedirectLogin.ts"
import * as sealedRequest from "./internal/sealedRequest.ts"
import type { Key } from "./VaultKey.ts"

const isSecretText = (value: unknown): boolean =>
  Redacted.isRedacted(value) && Predicate.isString(Redacted.value(value))

/**
 * Encrypts the request as base64url text, usually shorter than 1 kB. Keep the text in a cookie or a cache until the
 * callback arrives. Any process with the same key and account can decrypt the text with `open`, until `lifetime` has
 * passed. Default for `lifetime`: 10 minutes.
 *
 * The text is only for the browser that begins the login. Set the cookie with `HttpOnly` and `SameSite=Lax`. If the app
 * uses https, also set `Secure`. Clear the cookie when the callback arrives.
 *
 * Fails with `InvalidRequest` in these cases:
 *
 * - The key comes from `VaultKey.layerPlaintext`.
 * - `lifetime` is not a finite duration above zero.
 * - A field of `request` is missing or has the wrong type.
 * - The text would be too long for a cookie: more than 4000 characters.
 *
 * @example
 * ```ts
 * import * as Account from "@auth/broker-core/login/Account"
 * import * as RedirectLogin from "@auth/broker-core/login/RedirectLogin"
 * import * as SealedRequest from "@auth/broker-core/session/SealedRequest"
 * import * as VaultKey from "@auth/broker-core/session/VaultKey"
 * import * as Effect from "effect/Effect"
 * import * as Redacted from "effect/Redacted"
 *
 * const account = Account.make({ broker: "angel", id: "A123456" })
 *
 * const program = Effect.gen(function* () {
 *   const key = yield* VaultKey.fromText(Redacted.make("00112233".repeat(8)), "the key of this example")
 *   const request = {
 *     url: Redacted.make("https://broker.example/login"),
 *     state: yield* RedirectLogin.makeState,
 *     redirectUrl: "https://app.example.com/callback"
 *   }
 *   const cookie = yield* SealedRequest.seal(request, key, { account })
 *   const opened = yield* SealedRequest.open(cookie, key, { account })
 *   opened.redirectUrl // => "https://app.example.com/callback"
 * })
 * ```
 *
 * @category keeping
 * @since 0.1.0
 */
export const seal = (
  request: RedirectLogin.AuthorizationRequest,
  key: Key,
  options: { readonly account: Account; readonly lifetime?: Duration.Input | undefined }
): Effect.Effect<string, AuthError.AuthError> => {
  const { redirectUrl, state, url } = { ...request }
  return isSecretText(state) && isSecretText(url) && Predicate.isString(redirectUrl)
    ? sealedRequest.seal({ redirectUrl, state, url }, key, options.account, options.lifetime)
    : Effect.fail(
        AuthError.invalidRequest(
          options.account.broker,
          "seal",
          "request",
          "must be the request that `begin` of `RedirectLogin` returned"
        )
      )
}

/**
 * Decrypts a text that `seal` returned. Fails with:
 *
 * - `RedirectRejected` (`request-changed`): the text is missing, was changed, was sealed with another key, or belongs to
 *   another account.
 * - `RedirectRejected` (`request-expired`): the lifetime has passed, or a clock is wrong by more than the lifetime.
 * - `InvalidRequest`: the key comes from `VaultKey.layerPlaintext`.
 *
 * After `RedirectRejected`, begin the login again.
 *
 * @category keeping
 * @since 0.1.0
 */
export const open = (
  text: string | undefined,
  key: Key,
  options: { readonly account: Account }
): Effect.Effect<RedirectLogin.AuthorizationRequest, AuthError.AuthError> =>
  sealedRequest.open(text, key, options.account)
