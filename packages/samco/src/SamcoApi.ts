/**
 * The Samco Trade API, call by call: the request and answer of each documented endpoint for logging in.
 *
 * @since 0.1.0
 */
import * as AuthError from "@auth/broker-core/AuthError"
import type { Authorize } from "@auth/broker-core/Authorize"
import * as Broker from "@auth/broker-core/Broker"
import * as BrokerClient from "@auth/broker-core/BrokerClient"
import type { Endpoint } from "@auth/broker-core/Endpoint"
import * as Session from "@auth/broker-core/Session"
import { list, present, secret } from "@auth/broker-core/Wire"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type * as HttpClient from "effect/http/HttpClient"
import * as Layer from "effect/Layer"
import * as Predicate from "effect/Predicate"
import * as Redacted from "effect/Redacted"
import { codes } from "./internal/codes.ts"
import { dialects } from "./internal/dialects.ts"
import * as endpoints from "./internal/endpoints.ts"
import * as headers from "./internal/headers.ts"
import { broker } from "./SamcoBroker.ts"

/**
 * What may be set.
 *
 * @category models
 * @since 0.1.0
 */
export interface Options extends BrokerClient.Options {}

/**
 * Key and secret of an app, both encrypted as the dashboard issued them.
 *
 * @category models
 * @since 0.1.0
 */
export interface SessionTokenRequest {
  readonly apiKey: Redacted.Redacted<string>
  readonly apiSecret: Redacted.Redacted<string>
}

/**
 * The old login. Clients before the access token sent none.
 *
 * @deprecated The broker will remove this login: use `SessionTokenRequest`.
 * @category models
 * @since 0.1.0
 */
export interface LoginRequest {
  readonly userId: string
  readonly password: Redacted.Redacted<string>
  readonly accessToken?: Redacted.Redacted<string>
  /** Year of birth. */
  readonly yob?: Redacted.Redacted<string>
}

/**
 * What an app asks for in the browser. `scopes` is a list with commas, `all` at present.
 *
 * @category models
 * @since 0.1.0
 */
export interface AuthorizeRequest {
  readonly apiKey: Redacted.Redacted<string>
  readonly redirectUrl: string
  readonly state: Redacted.Redacted<string>
  readonly scopes: string
}

/**
 * What the broker says of the app that asks.
 *
 * @category models
 * @since 0.1.0
 */
export interface AuthorizeResponse {
  readonly appName: string | undefined
  readonly apiKey: Redacted.Redacted<string> | undefined
  readonly redirectUrl: string | undefined
  readonly state: Redacted.Redacted<string> | undefined
  readonly scopes: ReadonlyArray<string>
  readonly clientUid: string | undefined
  readonly nextAction: string | undefined
}

/**
 * The account's holder, as every login tells it.
 *
 * @category models
 * @since 0.1.0
 */
export interface Holder {
  readonly accountName: string | undefined
  readonly exchangeList: ReadonlyArray<string>
  /** `L, MKT, SL, SL-M` from the direct login, `LIMIT, MARKET, SL, SL-M` from OAuth. */
  readonly orderTypeList: ReadonlyArray<string>
  readonly productList: ReadonlyArray<string>
  readonly srcIp: string | undefined
  readonly primaryIp: string | undefined
  readonly secondaryIp: string | undefined
}

/**
 * When and where an answer was made. `serverTime` is `dd/MM/yy HH:mm:ss`, Indian time.
 *
 * @category models
 * @since 0.1.0
 */
export interface Stamp {
  readonly serverTime: string | undefined
  readonly msgId: string | undefined
  readonly statusMessage: string | undefined
}

/**
 * @category models
 * @since 0.1.0
 */
export interface SessionResponse extends Holder, Stamp {
  readonly sessionToken: Redacted.Redacted<string>
  readonly tokenId: Redacted.Redacted<string> | undefined
  readonly accountID: string
}

/**
 * Tokens of the OAuth flow; spans are in seconds.
 *
 * @category models
 * @since 0.1.0
 */
export interface TokensResponse extends Holder {
  /** Travels as `x-session-token`, though `token_type` says `Bearer`. */
  readonly access_token: Redacted.Redacted<string>
  readonly token_type: string | undefined
  readonly expires_in: number | undefined
  /** Good once: each refresh brings a new one. */
  readonly refresh_token: Redacted.Redacted<string> | undefined
  readonly refresh_token_expires_in: number | undefined
  readonly session_id: Redacted.Redacted<string> | undefined
  readonly user_id: string
  readonly accountID: string | undefined
  readonly scopes: ReadonlyArray<string>
}

/**
 * @category models
 * @since 0.1.0
 */
export interface RevokeRequest {
  readonly token: Redacted.Redacted<string>
  readonly token_type: "access_token" | "refresh_token"
}

/**
 * @category models
 * @since 0.1.0
 */
export interface AccessTokenResponse extends Stamp {
  readonly accessToken: Redacted.Redacted<string>
}

/**
 * A login code for the web site, good for `timeRemainingInSeconds`.
 *
 * @category models
 * @since 0.1.0
 */
export interface WebSecretCodeResponse extends Stamp {
  readonly timeRemainingInSeconds: number
  readonly OTP: Redacted.Redacted<string>
}

/**
 * Which address the broker sees, and whether it is one of the registered.
 *
 * @category models
 * @since 0.1.0
 */
export interface WhoamiResponse {
  readonly srcIp: string | undefined
  readonly primaryIp: string | undefined
  readonly secondaryIp: string | undefined
  readonly matches: boolean
  /** `PRIMARY` or `SECONDARY`. */
  readonly matchedAs: string | undefined
}

/**
 * @deprecated Register addresses in the broker's dashboard.
 * @category models
 * @since 0.1.0
 */
export interface IpRequest {
  readonly clientId: string
  readonly password: Redacted.Redacted<string>
  readonly primaryIp: string
  readonly secondaryIp?: string
}

/**
 * @category models
 * @since 0.1.0
 */
export interface IpResponse {
  readonly client_id: string | undefined
  readonly primary_ip: string | undefined
  readonly secondary_ip: string | undefined
  /** An instant in UTC, as ISO 8601. */
  readonly ip_updated_at: string | undefined
}

/**
 * Funds of one segment. Amounts are rupees as the text that the broker sends; `null` and absent both mean that it says
 * nothing.
 *
 * @category models
 * @since 0.1.0
 */
export interface SegmentLimit {
  readonly grossAvailableMargin?: string | null
  readonly payInToday?: string | null
  readonly notionalCash?: string | null
  readonly marginUsed?: string | null
  readonly netAvailableMargin?: string | null
}

/**
 * @category models
 * @since 0.1.0
 */
export interface LimitsResponse extends Stamp {
  readonly equityLimit: SegmentLimit | undefined
  readonly commodityLimit: SegmentLimit | undefined
}

/**
 * What a call needs of a session.
 *
 * @category models
 * @since 0.1.0
 */
export type Authorized = Session.Authorized

/**
 * The calls. Each is sent once, but for `getLimits` and `whoami`, which are harmless.
 *
 * @category services
 * @since 0.1.0
 */
export class SamcoApi extends Context.Service<
  SamcoApi,
  {
    /** `POST /session/token` */
    readonly sessionToken: (request: SessionTokenRequest) => Effect.Effect<SessionResponse, AuthError.AuthError>
    /** `GET /oauth/authorize`: the login page asks so whether app and redirect URL are right. */
    readonly oauthAuthorize: (request: AuthorizeRequest) => Effect.Effect<AuthorizeResponse, AuthError.AuthError>
    /** `POST /oauth/authenticate`: the login page sends so the secret that its user typed. The answer has the code. */
    readonly oauthAuthenticate: (
      request: AuthorizeRequest & { readonly apiSecret: Redacted.Redacted<string> }
    ) => Effect.Effect<{ readonly redirectTo: Redacted.Redacted<string> }, AuthError.AuthError>
    /** `POST /oauth/token` for a code. A code that is sent twice revokes all tokens of the account. */
    readonly oauthToken: (request: {
      readonly code: Redacted.Redacted<string>
    }) => Effect.Effect<TokensResponse, AuthError.AuthError>
    /** `POST /oauth/token` for a refresh token, which is void from then on. */
    readonly oauthRefresh: (request: {
      readonly refresh_token: Redacted.Redacted<string>
    }) => Effect.Effect<TokensResponse, AuthError.AuthError>
    /** `POST /oauth/revoke`: ends the whole session; the answer is a yes for any token. */
    readonly oauthRevoke: (request: RevokeRequest) => Effect.Effect<void, AuthError.AuthError>
    /**
     * `POST /otp/generateOtp`: has a code sent by SMS and mail.
     *
     * @deprecated Part of the old login.
     */
    readonly generateOtp: (request: { readonly uid: string }) => Effect.Effect<void, AuthError.AuthError>
    /**
     * `POST /otp/secretKeyGenerator`: has the secret API key sent by mail. It never expires.
     *
     * @deprecated Part of the old login.
     */
    readonly secretKeyGenerator: (request: {
      readonly uid: string
      readonly otp: Redacted.Redacted<string>
    }) => Effect.Effect<void, AuthError.AuthError>
    /**
     * `POST /accessToken/token`: the access token of the day.
     *
     * @deprecated Part of the old login.
     */
    readonly accessToken: (request: {
      readonly uid: string
      readonly secretApiKey: Redacted.Redacted<string>
    }) => Effect.Effect<AccessTokenResponse, AuthError.AuthError>
    /**
     * `POST /login`
     *
     * @deprecated The broker will remove it: use `sessionToken`.
     */
    readonly login: (request: LoginRequest) => Effect.Effect<SessionResponse, AuthError.AuthError>
    /** `GET /webSecretCode`: a code with which a person logs in to the web site. */
    readonly webSecretCode: (session: Authorized) => Effect.Effect<WebSecretCodeResponse, AuthError.AuthError>
    /** `POST /webSecretCodeValidation`: makes a session of such a code. */
    readonly webSecretCodeValidation: (request: {
      readonly otp: Redacted.Redacted<string>
    }) => Effect.Effect<SessionResponse, AuthError.AuthError>
    /** `DELETE /logout` */
    readonly logout: (session: Authorized) => Effect.Effect<void, AuthError.AuthError>
    /** `GET /ip/whoami` */
    readonly whoami: (session: Authorized) => Effect.Effect<WhoamiResponse, AuthError.AuthError>
    /**
     * `POST /ip/ipRegistration`
     *
     * @deprecated Register addresses in the broker's dashboard.
     */
    readonly ipRegistration: (request: IpRequest) => Effect.Effect<IpResponse, AuthError.AuthError>
    /**
     * `POST /ip/ipUpdate`, once in seven days.
     *
     * @deprecated Register addresses in the broker's dashboard.
     */
    readonly ipUpdate: (request: IpRequest) => Effect.Effect<IpResponse, AuthError.AuthError>
    /** `GET /limit/getLimits` */
    readonly getLimits: (session: Authorized) => Effect.Effect<LimitsResponse, AuthError.AuthError>
    /** Hosts by purpose: `api`. */
    readonly origins: Readonly<Record<string, string>>
    readonly headers: (session: Authorized) => BrokerClient.Headers
    /** What an answer to another call with this session means, if it is a refusal. */
    readonly refusal: Authorize["Service"]["refusal"]
  }
>()("@auth/samco/SamcoApi") {}

type Answer<E> = E extends Endpoint<infer _, infer Response> ? Response : never

const toStamp = (data: { readonly [K in keyof Stamp]?: string | null }): Stamp => ({
  serverTime: present(data.serverTime),
  msgId: present(data.msgId),
  statusMessage: present(data.statusMessage)
})

const toHolder = (data: Answer<typeof endpoints.sessionToken> | Answer<typeof endpoints.oauthToken>): Holder => ({
  accountName: present(data.accountName),
  exchangeList: list(data.exchangeList),
  orderTypeList: list(data.orderTypeList),
  productList: list(data.productList),
  srcIp: present(data.srcIp),
  primaryIp: present(data.primaryIp),
  secondaryIp: present(data.secondaryIp)
})

const toSession = (data: Answer<typeof endpoints.sessionToken>): SessionResponse => ({
  ...toStamp(data),
  ...toHolder(data),
  sessionToken: Redacted.make(data.sessionToken),
  tokenId: secret(data.tokenId),
  accountID: data.accountID
})

const toTokens = (data: Answer<typeof endpoints.oauthToken>): TokensResponse => ({
  ...toHolder(data),
  access_token: Redacted.make(data.access_token),
  token_type: present(data.token_type),
  expires_in: data.expires_in ?? undefined,
  refresh_token: secret(data.refresh_token),
  refresh_token_expires_in: data.refresh_token_expires_in ?? undefined,
  session_id: secret(data.session_id),
  user_id: data.user_id,
  accountID: present(data.accountID),
  scopes: list(data.scopes)
})

const toAuthorization = (data: Answer<typeof endpoints.oauthAuthorize>): AuthorizeResponse => ({
  appName: present(data.appName),
  apiKey: secret(data.apiKey),
  redirectUrl: present(data.redirectUrl),
  state: secret(data.state),
  scopes: list(data.scopes),
  clientUid: present(data.clientUid),
  nextAction: present(data.nextAction)
})

const toIp = (data: Answer<typeof endpoints.ipUpdate>): IpResponse => ({
  client_id: present(data.client_id),
  primary_ip: present(data.primary_ip),
  secondary_ip: present(data.secondary_ip),
  ip_updated_at: present(data.ip_updated_at)
})

/** Calls that make a session of credentials, or prepare one. The broker publishes no limits to count them by. */
const openCalls = ({ call }: BrokerClient.BrokerClient) => {
  const send = <Request, Response>(endpoint: Endpoint<Request, Response>, request: Request) =>
    call(endpoint, { account: broker.id, request })
  return {
    sessionToken: (request: SessionTokenRequest) => Effect.map(send(endpoints.sessionToken, request), toSession),
    generateOtp: (request: { readonly uid: string }) => Effect.asVoid(send(endpoints.generateOtp, request)),
    secretKeyGenerator: (request: { readonly uid: string; readonly otp: Redacted.Redacted<string> }) =>
      Effect.asVoid(send(endpoints.secretKeyGenerator, request)),
    accessToken: (request: { readonly uid: string; readonly secretApiKey: Redacted.Redacted<string> }) =>
      Effect.map(send(endpoints.accessToken, request), (data): AccessTokenResponse => ({
        ...toStamp(data),
        accessToken: Redacted.make(data.accessToken)
      })),
    login: (request: LoginRequest) => Effect.map(send(endpoints.login, request), toSession),
    webSecretCodeValidation: (request: { readonly otp: Redacted.Redacted<string> }) =>
      Effect.map(send(endpoints.webSecretCodeValidation, request), toSession),
    ipRegistration: (request: IpRequest) => Effect.map(send(endpoints.ipRegistration, request), toIp),
    ipUpdate: (request: IpRequest) => Effect.map(send(endpoints.ipUpdate, request), toIp)
  }
}

const isText = (value: unknown): boolean => Predicate.isString(value) && value.trim() !== ""

/** A query is no body, which the endpoint's own schema would look at. */
const queryProblems = (query: AuthorizeRequest): ReadonlyArray<AuthError.Problem> =>
  Object.entries(query)
    .filter(([, value]) => !isText(Redacted.isRedacted(value) ? Redacted.value(value) : value))
    .map(([field]) => ({ field, problem: "is missing, blank or of the wrong kind" }))

const oauthCalls = ({ call }: BrokerClient.BrokerClient) => {
  const account = broker.id
  return {
    oauthAuthorize: (request: AuthorizeRequest) => {
      const { apiKey, redirectUrl, scopes, state } = { ...request }
      const query = { api_key: apiKey, redirect_url: redirectUrl, state, scopes }
      const [first, ...others] = queryProblems({ apiKey, redirectUrl, state, scopes })
      if (first !== undefined) {
        const reason = new AuthError.InvalidRequest({ problems: [first, ...others] })
        return Effect.fail(AuthError.make(broker.id, endpoints.oauthAuthorize.name, reason))
      }
      return Effect.map(call(endpoints.oauthAuthorize, { account, query }), toAuthorization)
    },
    oauthAuthenticate: (request: AuthorizeRequest & { readonly apiSecret: Redacted.Redacted<string> }) =>
      Effect.map(call(endpoints.oauthAuthenticate, { account, request }), ({ redirectTo }) => ({
        redirectTo: Redacted.make(redirectTo)
      })),
    oauthToken: (request: { readonly code: Redacted.Redacted<string> }) =>
      Effect.map(
        call(endpoints.oauthToken, {
          account,
          request: { grant_type: "authorization_code", code: { ...request }.code }
        }),
        toTokens
      ),
    oauthRefresh: (request: { readonly refresh_token: Redacted.Redacted<string> }) => {
      const body = { grant_type: "refresh_token", refresh_token: { ...request }.refresh_token } as const
      return Effect.map(call(endpoints.oauthRefresh, { account, request: body }), toTokens)
    },
    oauthRevoke: (request: RevokeRequest) => Effect.asVoid(call(endpoints.oauthRevoke, { account, request }))
  }
}

const sessionCalls = ({ call }: BrokerClient.BrokerClient) => ({
  webSecretCode: (session: Authorized) =>
    Effect.map(call(endpoints.webSecretCode, Session.authorizedBy(session)), (data): WebSecretCodeResponse => ({
      ...toStamp(data),
      timeRemainingInSeconds: data.timeRemainingInSeconds,
      OTP: Redacted.make(data.OTP)
    })),
  logout: (session: Authorized) => Effect.asVoid(call(endpoints.logout, Session.authorizedBy(session))),
  whoami: (session: Authorized) =>
    Effect.map(call(endpoints.whoami, Session.authorizedBy(session)), (data): WhoamiResponse => ({
      srcIp: present(data.srcIp),
      primaryIp: present(data.primaryIp),
      secondaryIp: present(data.secondaryIp),
      matches: data.matches,
      matchedAs: present(data.matchedAs)
    })),
  getLimits: (session: Authorized) =>
    Effect.map(call(endpoints.getLimits, Session.authorizedBy(session)), (data): LimitsResponse => ({
      ...toStamp(data),
      equityLimit: data.equityLimit ?? undefined,
      commodityLimit: data.commodityLimit ?? undefined
    }))
})

/**
 * Makes the calls.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = Effect.fnUntraced(function* (
  options: Options = {}
): Effect.fn.Return<SamcoApi["Service"], AuthError.AuthError, HttpClient.HttpClient> {
  const client = yield* BrokerClient.make(
    {
      broker: broker.id,
      headers: ({ tokens }) => headers.make(tokens),
      dialects,
      codes,
      purposes: Broker.purposesOf(broker)
    },
    broker.environments["production"] ?? {},
    options
  )
  return {
    ...openCalls(client),
    ...oauthCalls(client),
    ...sessionCalls(client),
    origins: client.origins,
    headers: (session) => headers.make(session.tokens),
    refusal: (answer, { tokens }) => client.refusal(answer, { tokens, headers: headers.make(tokens) })
  }
})

/**
 * The raw calls. They need no credentials: each call takes its own.
 *
 * @example
 * ```ts
 * import * as SamcoApi from "@auth/samco/SamcoApi"
 * import * as Effect from "effect/Effect"
 * import * as FetchHttpClient from "effect/http/FetchHttpClient"
 * import * as Layer from "effect/Layer"
 * import * as Redacted from "effect/Redacted"
 *
 * // The access token of the day, for `SamcoLegacy`.
 * const program = Effect.gen(function* () {
 *   const api = yield* SamcoApi.SamcoApi
 *   const { accessToken } = yield* api.accessToken({ uid: "DV99999", secretApiKey: Redacted.make("demoSecretKeykUM9") })
 *   return accessToken
 * }).pipe(Effect.provide(SamcoApi.layer().pipe(Layer.provide(FetchHttpClient.layer))))
 * ```
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = (options: Options = {}): Layer.Layer<SamcoApi, AuthError.AuthError, HttpClient.HttpClient> =>
  Layer.effect(SamcoApi, make(options))
