/**
 * RMoney's login API, call by call: the request and answer of each documented endpoint.
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
import type * as Redacted from "effect/Redacted"
import { broker, credentials } from "./RmoneyBroker.ts"
import { codes } from "./internal/codes.ts"
import { dialects } from "./internal/dialects.ts"
import * as endpoints from "./internal/endpoints.ts"
import * as headers from "./internal/headers.ts"

/**
 * Which RMoney is called. The broker publishes no production host: `"production"` is the one that a public client of
 * RMoney uses, which is an assumption, and `{ production: "https://…" }` names another.
 *
 * @category models
 * @since 0.1.0
 */
export type Environment = "uat" | "production" | { readonly production: string }

/**
 * The token of a step, and what must go with it.
 *
 * @category models
 * @since 0.1.0
 */
export interface StepToken {
  /** As in the body of the same request, to the letter. */
  readonly userId: string
  /** `WEB`, `MOB` or `API`. */
  readonly source: string
  readonly token: Redacted.Redacted<string>
}

/**
 * How a step carries the token of the step before. `bare`: `Authorization: Bearer <token>`, as the Python package
 * tradion_api_client sends it; `three-part`: `Authorization: Bearer <userId> <source> <token>`, as relatives of the broker
 * want it; or headers of your own. RMoney's own document names no header. As of 2026-11-27.
 *
 * @category models
 * @since 0.1.0
 */
export type StepHeader = "bare" | "three-part" | ((step: StepToken) => BrokerClient.Headers)

/**
 * The operating systems that the broker knows.
 *
 * @category models
 * @since 0.1.0
 */
export type OsName = "MOBANDROID" | "MOBIOS" | "EXECLIENT" | "EXEMANAGER" | "WEBINTERNAL" | "WEBEXTERNAL"

/**
 * A call that ends a session, where you know of one: its path from the root of the host.
 *
 * @category models
 * @since 0.1.0
 */
export interface LogoutCall {
  readonly method: "GET" | "POST"
  /** Such as `/auth/logout`. A `POST` sends user id and source. */
  readonly path: string
}

/**
 * What may be set beside the device.
 *
 * @category models
 * @since 0.1.0
 */
export interface Options extends BrokerClient.Options {
  /** Must be chosen, unless `origins` names the hosts. */
  readonly environment?: Environment | undefined
  /** Where the calls begin. Default: `/auth/v1`. */
  readonly basePath?: string | undefined
  /** Other paths below `basePath`, by call: some relatives of the broker spell `access/pwd/forget` and `access/totp/verify`. */
  readonly paths?: Readonly<Record<string, string>> | undefined
  /** Default: `RMONEY`. */
  readonly appName?: string | undefined
  /** Default: `WEBEXTERNAL`, as the only known client sends it, and `MOBIOS` for biometrics. */
  readonly osName?: OsName | undefined
  /** Default: `1.0.0.1.4`, as in the documented samples. */
  readonly versionNo?: string | undefined
  /** Default: `WEB`. It is in the bodies of `pwdValidate` and `otpValidate`, and in the step header of three parts. */
  readonly source?: string | undefined
  /** Default: `bare`. */
  readonly stepHeader?: StepHeader | undefined
  /** A call that ends a session. Default: none. */
  readonly logoutCall?: LogoutCall | undefined
}

/**
 * What the API has beside its calls.
 *
 * @category models
 * @since 0.1.0
 */
export interface Extras {
  /** The call of the option `logoutCall`, if there is one. */
  readonly logout: ((session: Session.Authorized) => Effect.Effect<void, AuthError>) | undefined
}

/**
 * The calls: one for each endpoint, with its request and the session or the token of the step before, as far as it needs
 * them. Device, program and source are options of the whole. Each call but `getProfile` is sent once.
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
 * Makes the calls for one device.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = Effect.fnUntraced(function* (
  given: Options & { readonly deviceId: string }
): Effect.fn.Return<RmoneyApi["Service"], AuthError, HttpClient.HttpClient> {
  const options = { ...given }
  const { appName = "RMONEY", deviceId, osName = "WEBEXTERNAL", source = "WEB", versionNo = "1.0.0.1.4" } = options
  const { environment, ...app } = yield* Credentials.check(broker.id, fields, {
    ...Credentials.fromOptions(fields, options),
    appName,
    deviceId,
    osName,
    source,
    versionNo
  })
  const protocol: BrokerClient.Protocol = {
    broker: broker.id,
    headers: headers.make(options.stepHeader ?? "bare", app.source),
    dialects,
    codes,
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
 * @category layers
 * @since 0.1.0
 */
export const layer = (
  options: Options & { readonly deviceId: string }
): Layer.Layer<RmoneyApi, AuthError, HttpClient.HttpClient> => Layer.effect(RmoneyApi, make(options))
