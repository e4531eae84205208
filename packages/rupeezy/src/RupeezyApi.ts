/**
 * Rupeezy's Vortex API, call by call: the request and answer of each documented endpoint for logging in.
 *
 * @since 0.1.0
 */
import type { AuthError } from "@auth/broker-core/AuthError"
import type { Authorize } from "@auth/broker-core/Authorize"
import * as Broker from "@auth/broker-core/Broker"
import * as BrokerClient from "@auth/broker-core/BrokerClient"
import * as Credentials from "@auth/broker-core/Credentials"
import * as Session from "@auth/broker-core/Session"
import * as Wire from "@auth/broker-core/Wire"
import * as Context from "effect/Context"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import type * as HttpClient from "effect/http/HttpClient"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import { broker, credentials } from "./RupeezyBroker.ts"
import * as codes from "./internal/codes.ts"
import { dialects } from "./internal/dialects.ts"
import * as endpoints from "./internal/endpoints.ts"
import * as headers from "./internal/headers.ts"

/**
 * What may be set.
 *
 * @category models
 * @since 0.1.0
 */
export interface Options extends BrokerClient.Options {
  /** Key of your app: the header `x-api-key`. */
  readonly apiKey: Redacted.Redacted<string>
  /** `logins` sends the key with the logins alone, as the SDKs do. It goes with every call unless this says so. */
  readonly apiKeyHeader?: "logins" | undefined
  /**
   * `as-sent` reads nothing out of a refusal's words: what no status explains is `BrokerRejected` then. Words are read
   * unless this says so, though none are documented.
   */
  readonly refusals?: "as-sent" | undefined
  /** `session-over` takes HTTP 403 for a revoked session. It is `PermissionDenied` unless this says so. */
  readonly forbidden?: "session-over" | undefined
  /** The offset of `login_time`, which says none. `+05:30` unless said otherwise. */
  readonly loginTimeOffset?: `${"+" | "-"}${number}:${number}` | undefined
}

/**
 * @category models
 * @since 0.1.0
 */
export interface LoginRequest {
  readonly client_code: string
  readonly password: Redacted.Redacted<string>
  /** Six digits. */
  readonly totp: Redacted.Redacted<string>
  readonly application_id: string
}

/**
 * @category models
 * @since 0.1.0
 */
export interface CreateSessionRequest {
  /** SHA-256 of application id, auth token and API key, in lower-case hexadecimal. */
  readonly checksum: Redacted.Redacted<string>
  readonly applicationId: string
  /** The parameter `auth` of the callback. */
  readonly token: Redacted.Redacted<string>
}

/**
 * Who has logged in, as far as the broker tells.
 *
 * @category models
 * @since 0.1.0
 */
export interface ProfileResponse {
  readonly user_name: string | undefined
  /** As it came, such as `2023-Mar-29 13:10:50`. */
  readonly login_time: string | undefined
  /** `login_time` in milliseconds since the epoch; `undefined` if it cannot be read. */
  readonly loginAt: number | undefined
  readonly email: string | undefined
  readonly mobile: string | undefined
  readonly exchanges: ReadonlyArray<string>
  readonly product_types: ReadonlyArray<string>
  readonly others: { readonly userCode: string | undefined; readonly POA: number | undefined }
  readonly user_id: string | undefined
  readonly tradingActive: boolean | undefined
  readonly referral_id: string | undefined
  readonly isDematActive: boolean | undefined
  readonly mfTradeActive: boolean | undefined
  readonly dp_id: string | undefined
  readonly dp_client_id: string | undefined
  readonly mfa_type: string | undefined
}

/**
 * What both logins answer.
 *
 * @category models
 * @since 0.1.0
 */
export interface SessionResponse extends ProfileResponse {
  readonly access_token: Redacted.Redacted<string>
  /** The broker does not say what it is for. */
  readonly oc_token: Redacted.Redacted<string> | undefined
}

/**
 * @category models
 * @since 0.1.0
 */
export interface LogoutResponse {
  readonly message: string | undefined
  readonly response: string | undefined
}

/**
 * Amounts in rupees by their name, such as `net_available`.
 *
 * @category models
 * @since 0.1.0
 */
export type Funds = Readonly<Record<string, number | null>>

/**
 * Funds by segment. Which segments are there differs from source to source.
 *
 * @category models
 * @since 0.1.0
 */
export interface FundsResponse {
  readonly nse: Funds | undefined
  readonly mcx: Funds | undefined
  readonly exchange_combined: Funds | undefined
}

/**
 * @category models
 * @since 0.1.0
 */
export interface Bank {
  readonly account_number: string | undefined
  readonly ifsc: string | undefined
  readonly is_primary: boolean | undefined
  readonly account_type: string | undefined
  readonly bank_name: string | undefined
}

/**
 * @category models
 * @since 0.1.0
 */
export interface BanksResponse {
  readonly nse: ReadonlyArray<Bank>
  readonly mcx: ReadonlyArray<Bank>
}

/**
 * What a call needs of a session.
 *
 * @category models
 * @since 0.1.0
 */
export type Authorized = Session.Authorized

/**
 * The calls.
 *
 * @category services
 * @since 0.1.0
 */
export class RupeezyApi extends Context.Service<
  RupeezyApi,
  {
    /** `POST /user/login`, sent once. */
    readonly login: (request: LoginRequest) => Effect.Effect<SessionResponse, AuthError>
    /** `POST /user/session`, sent once: it exchanges the `auth` parameter of a callback. */
    readonly createSession: (request: CreateSessionRequest) => Effect.Effect<SessionResponse, AuthError>
    /** `DELETE /user/session` */
    readonly deleteSession: (session: Authorized) => Effect.Effect<LogoutResponse, AuthError>
    /** `GET /user/funds` */
    readonly getFunds: (session: Authorized) => Effect.Effect<FundsResponse, AuthError>
    /** `GET /user/profile/banks` */
    readonly getBanks: (session: Authorized) => Effect.Effect<BanksResponse, AuthError>
    /** `GET /user/profile/brokerage`; the answer is documented nowhere. */
    readonly getBrokerage: (session: Authorized) => Effect.Effect<unknown, AuthError>
    /** `GET /user/profile`; one client of a third party calls it, so it may not be there. */
    readonly getProfile: (session: Authorized) => Effect.Effect<ProfileResponse, AuthError>
    /** Hosts by purpose: `api` and `login`. */
    readonly origins: Readonly<Record<string, string>>
    readonly headers: (session: Authorized) => BrokerClient.Headers
    /** What an answer to another call with this session means, if it is a refusal. */
    readonly refusal: Authorize["Service"]["refusal"]
  }
>()("@auth/rupeezy/RupeezyApi") {}

const months = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split(" ")

/** "2023-Mar-29 13:10:50" */
const instantOf = (text: string | undefined, offset: string): number | undefined => {
  const [, year, name, day, time] = /^(\d{4})-([A-Za-z]{3})-(\d{2}) (\d{2}:\d{2}:\d{2})$/.exec(text ?? "") ?? []
  const month = months.findIndex((candidate) => candidate.toLowerCase() === name?.toLowerCase()) + 1
  if (month === 0) return undefined
  const at = DateTime.make(`${year}-${String(month).padStart(2, "0")}-${day}T${time}${offset}`)
  return Option.getOrUndefined(Option.map(at, DateTime.toEpochMillis))
}

const toProfile =
  (offset: string) =>
  (data: typeof endpoints.Holder.Type): ProfileResponse => ({
    user_name: Wire.present(data.user_name),
    login_time: Wire.present(data.login_time),
    loginAt: instantOf(Wire.present(data.login_time), offset),
    email: Wire.present(data.email),
    mobile: Wire.present(data.mobile),
    exchanges: Wire.list(data.exchanges),
    product_types: Wire.list(data.product_types),
    others: { userCode: Wire.present(data.others?.userCode), POA: data.others?.POA ?? undefined },
    user_id: Wire.present(data.user_id),
    tradingActive: data.tradingActive ?? undefined,
    referral_id: Wire.present(data.referral_id),
    isDematActive: data.isDematActive ?? undefined,
    mfTradeActive: data.mfTradeActive ?? undefined,
    dp_id: Wire.present(data.dp_id),
    dp_client_id: Wire.present(data.dp_client_id),
    mfa_type: Wire.present(data.mfa_type)
  })

const toSession =
  (offset: string) =>
  (data: typeof endpoints.Created.Type): SessionResponse => ({
    ...toProfile(offset)(data),
    access_token: Redacted.make(data.access_token),
    oc_token: Wire.secret(data.oc_token)
  })

const toBank = (data: typeof endpoints.Bank.Type): Bank => ({
  account_number: Wire.present(data.account_number),
  ifsc: Wire.present(data.ifsc),
  is_primary: data.is_primary ?? undefined,
  account_type: Wire.present(data.account_type),
  bank_name: Wire.present(data.bank_name)
})

/**
 * Makes the calls for one app.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = Effect.fnUntraced(function* (
  options: Options
): Effect.fn.Return<RupeezyApi["Service"], AuthError, HttpClient.HttpClient> {
  const { apiKey } = yield* Credentials.check(broker.id, { apiKey: credentials.apiKey }, { ...options })
  const headersOf = headers.make({ ...options, apiKey })
  const offset = options.loginTimeOffset ?? "+05:30"
  const client = yield* BrokerClient.make(
    {
      broker: broker.id,
      headers: ({ tokens }) => headersOf(tokens),
      dialects,
      codes: codes.make(options),
      purposes: Broker.purposesOf(broker)
    },
    broker.environments["production"] ?? {},
    options
  )
  return {
    login: (request) =>
      Effect.map(client.call(endpoints.login, { account: { ...request }.client_code, request }), toSession(offset)),
    createSession: (request) =>
      Effect.map(
        client.call(endpoints.createSession, { account: { ...request }.applicationId, request }),
        toSession(offset)
      ),
    deleteSession: (session) =>
      Effect.map(client.call(endpoints.deleteSession, Session.authorizedBy(session)), (data) => ({
        message: Wire.present(data.message),
        response: Wire.present(data.response)
      })),
    getFunds: (session) =>
      Effect.map(client.call(endpoints.getFunds, Session.authorizedBy(session)), (data) => ({
        nse: data.nse ?? undefined,
        mcx: data.mcx ?? undefined,
        exchange_combined: data.exchange_combined ?? undefined
      })),
    getBanks: (session) =>
      Effect.map(client.call(endpoints.getBanks, Session.authorizedBy(session)), (data) => ({
        nse: (data.nse ?? []).map(toBank),
        mcx: (data.mcx ?? []).map(toBank)
      })),
    getBrokerage: (session) => client.call(endpoints.getBrokerage, Session.authorizedBy(session)),
    getProfile: (session) =>
      Effect.map(client.call(endpoints.getProfile, Session.authorizedBy(session)), toProfile(offset)),
    origins: client.origins,
    headers: ({ tokens }) => headersOf(tokens),
    refusal: (answer, { tokens }) => client.refusal(answer, { tokens, headers: headersOf(tokens) })
  }
})

/**
 * @category layers
 * @since 0.1.0
 */
export const layer = (options: Options): Layer.Layer<RupeezyApi, AuthError, HttpClient.HttpClient> =>
  Layer.effect(RupeezyApi, make(options))
