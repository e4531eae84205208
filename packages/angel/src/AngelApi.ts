/**
 * Angel One's SmartAPI, call by call: the request and answer of each documented endpoint for logging in.
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
import * as Effect from "effect/Effect"
import type * as HttpClient from "effect/http/HttpClient"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import { broker, credentials } from "./AngelBroker.ts"
import { codes } from "./internal/codes.ts"
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
  /** API key of your app: the header `X-PrivateKey`. */
  readonly apiKey: Redacted.Redacted<string>
  /** `X-ClientLocalIP`. `127.0.0.1` unless said otherwise. */
  readonly clientLocalIp?: string | undefined
  /** `X-ClientPublicIP`. `0.0.0.0` unless said otherwise: your address is not looked up. */
  readonly clientPublicIp?: string | undefined
  /** `X-MACAddress`. `00:00:00:00:00:00` unless said otherwise. */
  readonly macAddress?: string | undefined
}

/**
 * @category models
 * @since 0.1.0
 */
export interface LoginRequest {
  readonly clientcode: string
  /** The 4-digit PIN. */
  readonly password: Redacted.Redacted<string>
  /** Six digits. */
  readonly totp: Redacted.Redacted<string>
  /** Comes back in the answer as it is. */
  readonly state?: string
}

/**
 * @category models
 * @since 0.1.0
 */
export interface TokensResponse {
  /** Without a `Bearer ` prefix. */
  readonly jwtToken: Redacted.Redacted<string>
  readonly refreshToken: Redacted.Redacted<string> | undefined
  readonly feedToken: Redacted.Redacted<string> | undefined
  readonly state: string | undefined
}

/**
 * @category models
 * @since 0.1.0
 */
export interface ProfileResponse {
  readonly clientcode: string
  readonly name: string | undefined
  readonly email: string | undefined
  readonly mobileno: string | undefined
  readonly exchanges: ReadonlyArray<string>
  readonly products: ReadonlyArray<string>
  readonly lastlogintime: string | undefined
  readonly brokerid: string | undefined
}

/**
 * Funds and margins. Amounts are rupees as the text that the broker sends; `null` and absent both mean that it says
 * nothing.
 *
 * @category models
 * @since 0.1.0
 */
export interface RmsResponse {
  readonly net?: string | null
  readonly availablecash?: string | null
  readonly availableintradaypayin?: string | null
  readonly availablelimitmargin?: string | null
  readonly collateral?: string | null
  readonly m2munrealized?: string | null
  readonly m2mrealized?: string | null
  readonly utiliseddebits?: string | null
  readonly utilisedspan?: string | null
  readonly utilisedoptionpremium?: string | null
  readonly utilisedholdingsales?: string | null
  readonly utilisedexposure?: string | null
  readonly utilisedturnover?: string | null
  readonly utilisedpayout?: string | null
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
export class AngelApi extends Context.Service<
  AngelApi,
  {
    /** `POST /rest/auth/angelbroking/user/v1/loginByPassword`, sent once. */
    readonly loginByPassword: (request: LoginRequest) => Effect.Effect<TokensResponse, AuthError>
    /** `POST /rest/auth/angelbroking/jwt/v1/generateTokens`, sent once. Keep all three tokens of the answer. */
    readonly generateTokens: (
      request: { readonly refreshToken: Redacted.Redacted<string> },
      session: Authorized
    ) => Effect.Effect<TokensResponse, AuthError>
    /** `GET /rest/secure/angelbroking/user/v1/getProfile` */
    readonly getProfile: (session: Authorized) => Effect.Effect<ProfileResponse, AuthError>
    /** `GET /rest/secure/angelbroking/user/v1/getRMS` */
    readonly getRMS: (session: Authorized) => Effect.Effect<RmsResponse, AuthError>
    /** `POST /rest/secure/angelbroking/user/v1/logout` */
    readonly logout: (request: { readonly clientcode: string }, session: Authorized) => Effect.Effect<void, AuthError>
    /** Hosts by purpose: `api` and `login`. */
    readonly origins: Readonly<Record<string, string>>
    readonly headers: (session: Authorized) => BrokerClient.Headers
    /** What an answer to another call with this session means, if it is a refusal. */
    readonly refusal: Authorize["Service"]["refusal"]
  }
>()("@auth/angel/AngelApi") {}

interface WireTokens {
  readonly jwtToken: string
  readonly refreshToken?: string | null
  readonly feedToken?: string | null
  readonly state?: string | null
}

const toTokens = (data: WireTokens): TokensResponse => ({
  jwtToken: Redacted.make(data.jwtToken),
  refreshToken: Wire.secret(data.refreshToken),
  feedToken: Wire.secret(data.feedToken),
  state: Wire.present(data.state)
})

/**
 * Makes the calls for one app.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = Effect.fnUntraced(function* (
  options: Options
): Effect.fn.Return<AngelApi["Service"], AuthError, HttpClient.HttpClient> {
  const { apiKey } = yield* Credentials.check(broker.id, { apiKey: credentials.apiKey }, { ...options })
  const headersOf = headers.make({ ...options, apiKey })
  const client = yield* BrokerClient.make(
    {
      broker: broker.id,
      headers: (_, tokens) => headersOf(tokens),
      dialects,
      codes,
      purposes: Broker.purposesOf(broker)
    },
    broker.environments["production"] ?? {},
    options
  )
  return {
    loginByPassword: (request) =>
      Effect.map(client.call(endpoints.loginByPassword, { account: { ...request }.clientcode, request }), toTokens),
    generateTokens: (request, session) =>
      Effect.map(client.call(endpoints.generateTokens, { ...Session.authorizedBy(session), request }), toTokens),
    getProfile: (session) =>
      Effect.map(client.call(endpoints.getProfile, Session.authorizedBy(session)), (data): ProfileResponse => ({
        clientcode: data.clientcode,
        name: Wire.present(data.name),
        email: Wire.present(data.email),
        mobileno: Wire.present(data.mobileno),
        exchanges: Wire.list(data.exchanges),
        products: Wire.list(data.products),
        lastlogintime: Wire.present(data.lastlogintime),
        brokerid: Wire.present(data.brokerid)
      })),
    getRMS: (session) => client.call(endpoints.getRMS, Session.authorizedBy(session)),
    logout: (request, session) =>
      Effect.asVoid(client.call(endpoints.logout, { ...Session.authorizedBy(session), request })),
    origins: client.origins,
    headers: ({ tokens }) => headersOf(tokens),
    refusal: (answer, { tokens }) => client.refusal(answer, { tokens, headers: headersOf(tokens) })
  }
})

/**
 * @category layers
 * @since 0.1.0
 */
export const layer = (options: Options): Layer.Layer<AngelApi, AuthError, HttpClient.HttpClient> =>
  Layer.effect(AngelApi, make(options))
