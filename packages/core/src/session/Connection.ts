/**
 * A broker's session for programs without Effect: every function returns a promise.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import type * as HttpClient from "effect/http/HttpClient"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import type { AuthError } from "../login/AuthError.ts"
import type { Authorize } from "../login/Authorize.ts"
import type { Logout } from "../login/Logout.ts"
import type { Renewal } from "../broker/Renewal.ts"
import { type CallsOf, fromServices } from "./internal/connectionCalls.ts"
import { base, type BaseOptions, type Closable, openIn } from "./internal/connectionScope.ts"
import * as stepUpCodes from "./internal/stepUpCodes.ts"
import { Tenancy } from "./internal/tenancy.ts"
import * as SessionManager from "./SessionManager.ts"
import * as Startup from "./Startup.ts"
import type { VaultError } from "./VaultError.ts"

/**
 * A request for a one-time code, for the option `codes`.
 *
 * @category models
 * @since 0.1.0
 */
export type CodeQuestion = stepUpCodes.CodeQuestion

/**
 * Options of a connection. Without `early`, `renewalTimeout` and `pollInterval`, the defaults of `SessionManager` apply.
 *
 * @category models
 * @since 0.1.0
 */
export interface Options extends SessionManager.Options, BaseOptions {
  /**
   * Gets the one-time code of a login with two steps, for example from the user. It may return a promise. If the broker
   * refuses the code, it is called again, up to the limit of the account. It has five minutes for each code. It is not
   * called if the credentials contain the TOTP secret, and the broker accepts TOTP codes.
   */
  readonly codes?: stepUpCodes.Codes | undefined
}

/**
 * The functions of an account.
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
 * An open connection. After `close`, each function rejects.
 *
 * @category models
 * @since 0.1.0
 */
export type Connection<Services> = CallsOf<Services> & Closable

/**
 * The plain text of a secret, such as a token or the address of a login page. Do not log it.
 *
 * @category secrets
 * @since 0.1.0
 */
export const reveal = (secret: Redacted.Redacted<string>): string => Redacted.value(secret)

/**
 * Opens a connection to the account of a broker's layer. Checks the credentials and opens the vault, and sends nothing:
 * the first call logs in. If both the credentials and the vault have problems, it rejects with a `StartupError`, whose
 * `message` has a line for each problem.
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
      const { codes, early, pollInterval, renewalTimeout } = options
      const { client, vault } = base(options)
      const account = stepUpCodes.withCodes<Services | Renewal | Logout | Authorize, E, HttpClient.HttpClient>(
        layer,
        codes
      )
      const services = yield* SessionManager.layer({ early, pollInterval, renewalTimeout }).pipe(
        Layer.provideMerge(Startup.mergeAll(account, vault)),
        Layer.provideMerge(client),
        (all) => Layer.buildWithScope(all, scope),
        Effect.provideService(Tenancy, owner)
      )
      return yield* fromServices<Services>(services, life)
    })
  )
