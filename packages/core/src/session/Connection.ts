/**
 * A connection to an account at a broker, for programs without Effect. Functions that call the broker or use the vault
 * return promises.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import type * as HttpClient from "effect/http/HttpClient"
import * as Layer from "effect/Layer"
import * as Predicate from "effect/Predicate"
import * as Redacted from "effect/Redacted"
import { type AuthError, invalidRequest } from "../login/AuthError.ts"
import type { Authorize } from "../login/Authorize.ts"
import type { Logout } from "../login/Logout.ts"
import type { Renewal } from "../broker/Renewal.ts"
import { holds, readOptions, requireLogin } from "./internal/argumentChecks.ts"
import { type CallsOf, fromServices } from "./internal/connectionCalls.ts"
import { base, type BaseOptions, type Closable, openIn } from "./internal/connectionScope.ts"
import * as stepUpCodes from "./internal/stepUpCodes.ts"
import { ManagerOwner } from "./internal/managerOwner.ts"
import * as SessionManager from "./SessionManager.ts"
import * as Startup from "./Startup.ts"
import type { VaultError } from "./VaultError.ts"

/**
 * A question for a one-time code: the argument of the function in the option `codes`.
 *
 * @category models
 * @since 0.1.0
 */
export type CodeQuestion = stepUpCodes.CodeQuestion

/**
 * Options of a connection.
 *
 * @category models
 * @since 0.1.0
 */
export interface Options extends SessionManager.Options, BaseOptions {
  /**
   * Returns the one-time code of a login with two steps, or a promise of the code. The function can ask the user, for
   * example. It may take up to five minutes for each code. It is called at most five times for each login.
   *
   * A code with a wrong number of digits is not sent, and the function is called again. The function is also called
   * again after a code that the broker refuses, except in these cases:
   *
   * - The broker allows no more attempts.
   * - The number of failed logins and refused codes has reached the login guard's `maxFailures`.
   *
   * If the credentials contain the TOTP secret and the broker prefers TOTP codes, the function is not called. With
   * `codes`, a session is renewed only by a login, even if the broker can refresh sessions.
   */
  readonly codes?: stepUpCodes.Codes | undefined
}

/**
 * The functions of a connection, and the types that these functions use.
 *
 * @category models
 * @since 0.1.0
 */
export type {
  Calls,
  CallsOf,
  Events,
  PendingLogin,
  ProfileCalls,
  QrCalls,
  QrOptions,
  RedirectCalls
} from "./internal/connectionCalls.ts"

/**
 * An open connection. After `close`, the promises of all other functions reject. A pending call keeps the program
 * running. Listeners and a loop over `changes` do not. A vault in Redis keeps the program running until `close`.
 *
 * @category models
 * @since 0.1.0
 */
export type Connection<Services> = CallsOf<Services> & Closable

/**
 * Returns the plain text of a secret, such as a token or the address of a login page. Do not log this text. Throws
 * `InvalidRequest` if the argument is not a secret, such as the `tokens.refresh` of a session without a refresh token.
 *
 * @category secrets
 * @since 0.1.0
 */
export const reveal = (secret: Redacted.Redacted<string>): string => {
  if (holds(() => Predicate.isString(Redacted.value(secret)))) return Redacted.value(secret)
  throw invalidRequest("connection", "reveal", "secret", "is not a secret: pass a secret such as session.tokens.access")
}

/**
 * Opens a connection to the account that `layer` serves. `open` checks the credentials and opens the vault, but sends
 * nothing to the broker. The first call that needs a session uses the stored session if it is live. Otherwise, the call
 * gets a new session from the broker. If a person must log in, the call fails with `ActionRequired`.
 *
 * If both the credentials and the vault have problems, `open` rejects with a `StartupError`. Its `message` has one line
 * for each error.
 *
 * @example
 * ```ts
 * import * as AngelAuth from "@auth/angel/AngelAuth"
 * import * as Connection from "@auth/broker-core/session/Connection"
 *
 * await using angel = await Connection.open(AngelAuth.layerConfig())
 * const answer = await angel.fetch("https://apiconnect.angelone.in/rest/secure/angelbroking/user/v1/getRMS")
 * answer.status // => 200
 * ```
 *
 * @category constructors
 * @since 0.1.0
 */
export const open = <Services, E extends AuthError | VaultError>(
  layer: Layer.Layer<Services, E, HttpClient.HttpClient> &
    Layer.Layer<Services | Renewal | Logout | Authorize, E, HttpClient.HttpClient>,
  options: Options = {}
): Promise<Connection<Services>> =>
  openIn((life, owner) =>
    Effect.gen(function* () {
      const scope = yield* Effect.scope
      const given = yield* readOptions(options)
      const { codes, early, pollInterval, renewalTimeout } = given
      const { client, vault } = base(given)
      const account = stepUpCodes.withCodes<
        Services | Renewal | Logout | Authorize,
        E | AuthError,
        HttpClient.HttpClient
      >(requireLogin(layer), codes)
      const services = yield* SessionManager.layer({ early, pollInterval, renewalTimeout }).pipe(
        Layer.provideMerge(Startup.mergeAll(account, vault)),
        Layer.provideMerge(client),
        (all) => Layer.buildWithScope(all, scope),
        Effect.provideService(ManagerOwner, owner)
      )
      return yield* fromServices<Services>(services, life)
    })
  )
