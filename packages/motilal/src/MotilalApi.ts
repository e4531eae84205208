/**
 * Typed calls of Motilal Oswal's API: login, one-time code, exchange of the login token, profile and logout. The broker
 * names this API OpenAPI.
 *
 * @since 0.1.0
 */
import * as AuthError from "@auth/broker-core/login/AuthError"
import * as Broker from "@auth/broker-core/broker/Broker"
import * as BrokerApi from "@auth/broker-core/broker/BrokerApi"
import * as BrokerClient from "@auth/broker-core/broker/BrokerClient"
import * as Checksum from "@auth/broker-core/broker/Checksum"
import * as Credentials from "@auth/broker-core/broker/Credentials"
import type * as Session from "@auth/broker-core/login/Session"
import * as Context from "effect/Context"
import * as SecureRandom from "effect/crypto/SecureRandom"
import * as Effect from "effect/Effect"
import type * as HttpClient from "effect/http/HttpClient"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import { broker, credentials, lenientCredentials } from "./MotilalBroker.ts"
import { codes } from "./internal/codes.ts"
import { dialects } from "./internal/dialects.ts"
import * as endpoints from "./internal/endpoints.ts"
import * as headers from "./internal/headers.ts"

/**
 * A generation of the broker's API. `v7` is from 2026. `v4` and `v3` are earlier. Only `v7` has the call
 * `getaccesstoken`, which exchanges the login token for an access token.
 *
 * @category models
 * @since 0.1.0
 */
export type Generation = endpoints.Generation

/**
 * Environment of the calls.
 *
 * @category models
 * @since 0.1.0
 */
export type Environment = "production" | "uat" | "uat-old"

/**
 * Options of the client. The defaults of the options in `Identity` contain no data about the machine.
 *
 * @category models
 * @since 0.1.0
 */
export interface Options extends BrokerClient.Options, headers.Identity {
  /** API key of your app. */
  readonly apiKey: Redacted.Redacted<string>
  /** API secret of your app. The generations `v4` and `v3` do not need it. */
  readonly apiSecret?: Redacted.Redacted<string> | undefined
  /** Default: `v7`. */
  readonly generation?: Generation | undefined
  /** Default: `production`. */
  readonly environment?: Environment | undefined
  /** Body of a call without parameters. `none`: no body. `object`: the body `{}`. Default: `none`. */
  readonly emptyBody?: "none" | "object" | undefined
  /** JSON type of the one-time code. Default: `text`. As a number, a code loses its leading zeros. */
  readonly otpType?: "text" | "number" | undefined
  /** Maximum number of calls that an account sends to the same endpoint in a second. Default: 2. */
  readonly requestsPerSecond?: number | undefined
}

/**
 * Address of the trade socket (a WebSocket of the broker), and the first message to send. The error numbers of the
 * socket have other meanings than the error codes of the calls.
 *
 * @category models
 * @since 0.1.0
 */
export interface TradeSocket {
  readonly url: string
  readonly firstMessage: Redacted.Redacted<string>
}

/**
 * Members of the service in addition to its calls.
 *
 * @category models
 * @since 0.1.0
 */
export interface Extras {
  /** Returns the address and the first message of the trade socket. No request is sent. */
  readonly tradeSocket: (session: Session.Authorized) => TradeSocket
  readonly generation: Generation
}

/**
 * The typed calls, one for each endpoint. `BrokerApi.Call` describes their arguments. `resendotp`, `verifyotp` and
 * `getaccesstoken` need the login token (`AuthToken` from `authdirectapi`) in `tokens.login` or in `tokens.access`.
 *
 * @category services
 * @since 0.1.0
 */
export class MotilalApi extends Context.Service<
  MotilalApi,
  BrokerApi.BrokerApi<ReturnType<typeof endpoints.make>> & Extras
>()("@auth/motilal/MotilalApi") {}

/**
 * Returns the hash that the broker requires: SHA-256 of the password followed by the API key, in lower-case
 * hexadecimal.
 *
 * @example
 * ```ts
 * import * as MotilalApi from "@auth/motilal/MotilalApi"
 * import * as Effect from "effect/Effect"
 * import * as Redacted from "effect/Redacted"
 *
 * const program = Effect.gen(function* () {
 *   const hash = yield* MotilalApi.passwordHash(Redacted.make("abc"), Redacted.make("123"))
 *   return Redacted.value(hash).slice(0, 8) // => "6ca13d52"
 * })
 * ```
 *
 * @category checksums
 * @since 0.1.0
 */
export const passwordHash = (
  password: Redacted.Redacted<string>,
  apiKey: Redacted.Redacted<string>
): Effect.Effect<Redacted.Redacted<string>> => Checksum.sha256([password, apiKey])

const keysFor = (generation: Generation) => ({
  apiKey: credentials.apiKey,
  apiSecret: (generation === "v7" ? credentials : lenientCredentials).apiSecret as typeof lenientCredentials.apiSecret
})

const choices = {
  generation: endpoints.generations,
  environment: Object.keys(broker.environments),
  sourceId: headers.sources,
  emptyBody: ["none", "object"],
  otpType: ["text", "number"],
  state: ["required", "optional"]
}

const problems = ({ requestsPerSecond: count = 2, ...texts }: Options): ReadonlyArray<AuthError.Problem> => [
  ...BrokerClient.choiceProblems(choices, texts),
  ...(Number.isInteger(count) && count > 0
    ? []
    : [{ field: "requestsPerSecond", problem: "must be a positive integer" }])
]

const checked = (options: Options): Effect.Effect<Options, AuthError.AuthError> => {
  const identified = { ...options, installedAppId: options.installedAppId ?? SecureRandom.uuidV4Unsafe() }
  const [first, ...others] = [...problems(options), ...headers.problems(identified)]
  if (first === undefined) return Effect.succeed(identified)
  const reason = new AuthError.InvalidRequest({ problems: [first, ...others] })
  return Effect.fail(AuthError.make(broker.id, "configuration", reason))
}

/**
 * Returns an object with the typed calls of one app. Fails with `InvalidRequest` if an option is wrong.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = Effect.fnUntraced(function* (
  given: Options
): Effect.fn.Return<MotilalApi["Service"], AuthError.AuthError, HttpClient.HttpClient> {
  const options = yield* checked(given)
  const { environment = "production", generation = "v7" } = options
  const { apiKey, apiSecret } = yield* Credentials.check(broker.id, keysFor(generation), { ...options })
  const headersOf = headers.make({ ...options, apiKey, apiSecret, generation })
  const protocol: BrokerClient.Protocol = {
    broker: broker.id,
    headers: ({ account, endpoint, tokens }) => {
      const beforeSession = tokens !== undefined && endpoints.ofLogin.has(endpoint?.name ?? "")
      return headersOf(account, beforeSession ? { access: tokens.login ?? tokens.access } : tokens)
    },
    dialects,
    codes,
    emptyBody: options.emptyBody,
    quirks: ["smart-quotes", "trailing-bytes"],
    purposes: Broker.purposesOf(broker)
  }
  const table = endpoints.make(generation, options.requestsPerSecond, options.otpType)
  const api = yield* BrokerApi.make(table, protocol, broker.environments[environment] ?? {}, options)
  return {
    ...api,
    generation,
    tradeSocket: ({ account, tokens }) => ({
      url: `${(api.origins["api"] ?? "").replace(/^http/, "ws")}/ws`,
      firstMessage: Redacted.make(
        JSON.stringify({
          clientid: account.id,
          authtoken: Redacted.value(tokens.login ?? tokens.access),
          apikey: Redacted.value(apiKey)
        })
      )
    })
  }
})

/**
 * Provides the typed calls. Fails with `InvalidRequest` if an option is wrong.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = (options: Options): Layer.Layer<MotilalApi, AuthError.AuthError, HttpClient.HttpClient> =>
  Layer.effect(MotilalApi, make(options))
