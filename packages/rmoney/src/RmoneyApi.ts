/**
 * Typed calls to RMoney's login API.
 *
 * @since 0.1.0
 */
import type { AuthError } from "@auth/broker-core/login/AuthError"
import * as Broker from "@auth/broker-core/broker/Broker"
import * as BrokerApi from "@auth/broker-core/broker/BrokerApi"
import type * as BrokerClient from "@auth/broker-core/broker/BrokerClient"
import * as Credentials from "@auth/broker-core/broker/Credentials"
import * as Session from "@auth/broker-core/login/Session"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type * as HttpClient from "effect/http/HttpClient"
import * as Layer from "effect/Layer"
import { broker, credentials } from "./RmoneyBroker.ts"
import { codes } from "./internal/codes.ts"
import { dialects } from "./internal/dialects.ts"
import * as endpoints from "./internal/endpoints.ts"
import * as headers from "./internal/headers.ts"

/**
 * Environment of the calls. RMoney publishes no production host for its login API.
 * - `"uat"`: RMoney's test environment.
 * - `"production"`: `https://weblive.rmoneyindia.net`, the assumed production host.
 * - `{ production: "https://…" }`: another production host.
 *
 * @category models
 * @since 0.1.0
 */
export type Environment = "uat" | "production" | { readonly production: string }

/**
 * The token of the previous step of a login or an account recovery, with the user id and the option `source`.
 *
 * @category models
 * @since 0.1.0
 */
export type StepToken = headers.StepToken

/**
 * Header with the token of the previous step. RMoney does not document the header, as of 2026-11-27.
 * - `bare`: `Authorization: Bearer <token>`, as the Python package tradion_api_client sends it.
 * - `three-part`: `Authorization: Bearer <userId> <source> <token>`, as other brokers with the same back end require.
 * - A function: returns any other headers.
 *
 * @category models
 * @since 0.1.0
 */
export type StepHeader = headers.StepHeader

/**
 * The values that the broker accepts for `osName`.
 *
 * @category models
 * @since 0.1.0
 */
export type OsName = "MOBANDROID" | "MOBIOS" | "EXECLIENT" | "EXEMANAGER" | "WEBINTERNAL" | "WEBEXTERNAL"

/**
 * An undocumented call that ends a session. `path` starts at the root of the host.
 *
 * @category models
 * @since 0.1.0
 */
export interface LogoutCall {
  readonly method: "GET" | "POST"
  /** Example: `/auth/logout`. The body of a `POST` contains the user id and the option `source`. */
  readonly path: string
}

/**
 * Options of the client.
 *
 * @category models
 * @since 0.1.0
 */
export interface Options extends BrokerClient.Options {
  /** Required if `origins` does not name the hosts. */
  readonly environment?: Environment | undefined
  /** Replaces the prefix `/auth/v1` in the paths of the calls that have this prefix. */
  readonly basePath?: string | undefined
  /**
   * Paths below `basePath` that differ from RMoney's documentation, keyed by the name of the call. Other brokers with
   * the same back end use `access/pwd/forget` for `pwdForgot`, and `access/totp/verify` for `toptVerify`.
   */
  readonly paths?: Readonly<Record<string, string>> | undefined
  /** Default: `RMONEY`. */
  readonly appName?: string | undefined
  /** Default: `WEBEXTERNAL`. Default in `RmoneyBiometric`: `MOBIOS`. */
  readonly osName?: OsName | undefined
  /** Default: `1.0.0.1.4`, as in the documented samples. */
  readonly versionNo?: string | undefined
  /** Value of the field `source` in bodies, and of `<source>` in the `three-part` step header. Default: `WEB`. */
  readonly source?: string | undefined
  /** Default: `bare`. */
  readonly stepHeader?: StepHeader | undefined
  /** A call that ends a session. Default: no call. */
  readonly logoutCall?: LogoutCall | undefined
}

/**
 * The members of `RmoneyApi` that `BrokerApi` does not have.
 *
 * @category models
 * @since 0.1.0
 */
export interface Extras {
  /** Sends the call of the option `logoutCall`. `undefined` if this option is not set. */
  readonly logout: ((session: Session.Authorized) => Effect.Effect<void, AuthError>) | undefined
}

/**
 * The typed calls, one for each endpoint. `BrokerApi.Call` describes their arguments.
 *
 * @category services
 * @since 0.1.0
 */
export class RmoneyApi extends Context.Service<RmoneyApi, BrokerApi.BrokerApi<typeof endpoints.table> & Extras>()(
  "@auth/rmoney/RmoneyApi"
) {}

const { env, description, secret } = credentials.deviceId
const text = { env, description, secret } as const
const program = { deviceId: text, appName: text, osName: text, versionNo: text, source: text }
const fields = { environment: credentials.environment, ...program }

/**
 * Returns an object with the typed calls of one device. Fails with `InvalidRequest` if an option is wrong.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = Effect.fnUntraced(function* (
  given: Options & { readonly deviceId: string }
): Effect.fn.Return<RmoneyApi["Service"], AuthError, HttpClient.HttpClient> {
  const options = { ...given }
  const { appName = "RMONEY", deviceId, osName = "WEBEXTERNAL", source = "WEB", versionNo = "1.0.0.1.4" } = options
  const values = { ...Credentials.fromOptions(fields, options), appName, deviceId, osName, source, versionNo }
  const { environment, ...app } = yield* Credentials.check(broker.id, fields, values)
  const protocol: BrokerClient.Protocol = {
    broker: broker.id,
    headers: headers.make(options.stepHeader ?? "bare", app.source),
    dialects,
    codes,
    choices: {
      exchange: ["checksum", "vendor"],
      laterUserId: ["answered", "given"],
      sendCode: ["with-password", "after-password"],
      state: ["required", "optional"],
      ...(typeof options.stepHeader !== "function" && { stepHeader: ["bare", "three-part"] })
    },
    purposes: Broker.purposesOf(broker),
    app,
    path: endpoints.pathOf(options)
  }
  const { logoutCall } = options
  const table = { ...endpoints.table, logout: endpoints.logout(logoutCall) }
  const { logout, ...calls } = yield* BrokerApi.make(table, protocol, endpoints.originsOf(environment), options)
  return {
    ...calls,
    logout: logoutCall && ((session) => logout({ userId: Session.authorizedBy(session).account }, session))
  }
})

/**
 * Provides the typed calls. Fails with `InvalidRequest`, for example if `deviceId` is empty.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = (
  options: Options & { readonly deviceId: string }
): Layer.Layer<RmoneyApi, AuthError, HttpClient.HttpClient> => Layer.effect(RmoneyApi, make(options))
