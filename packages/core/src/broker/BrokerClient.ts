/**
 * Makes calls to a broker. Tables describe the broker's endpoints, dialects and errors. A dialect is a form of the
 * broker's answers.
 *
 * @since 0.1.0
 */
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Fiber from "effect/Fiber"
import type * as HttpClient from "effect/http/HttpClient"
import * as Predicate from "effect/Predicate"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import type * as Schema from "effect/Schema"
import * as AuthError from "../login/AuthError.ts"
import type * as ErrorTable from "./ErrorTable.ts"
import type { Endpoint } from "./Endpoint.ts"
import * as Envelope from "./Envelope.ts"
import * as durations from "../login/internal/durations.ts"
import { Departure, noteAnswer, noteDeparture } from "../login/internal/departure.ts"
import { lazyModule } from "../login/internal/lazyModule.ts"
import { headerProblem, unsendable } from "../login/internal/headerText.ts"
import { connectionFault } from "./internal/connectionFault.ts"
import * as EffectKeys from "../login/internal/effectKeys.ts"
import { parseJson } from "./internal/json.ts"
import { makeLimiter } from "./internal/limiter.ts"
import { absent, unsure } from "./internal/plainDecoder.ts"
import { checkOrigins } from "./internal/origins.ts"
import * as Problems from "./internal/problems.ts"
import * as Redirects from "./internal/redirects.ts"
import { reasonFor } from "./internal/refusalReason.ts"
import { countRequest } from "../login/internal/requestsSent.ts"
import { Sharing } from "./internal/sharing.ts"
import * as SentSecrets from "./internal/sentSecrets.ts"
import { withSpanWhenTraced } from "./internal/spans.ts"
import { allowedAddress } from "./internal/toldAddress.ts"
import * as Transport from "./internal/transport.ts"
import { bodyOf, complete, queryOf, revealHeaders, unsendableFields } from "./internal/requestParts.ts"
import * as Redaction from "./Redaction.ts"
import type { Shape } from "./Shape.ts"
import type { Extras, Tokens } from "../login/Session.ts"

/**
 * Header values, keyed by header name. Secrets stay `Redacted` until the request is written.
 *
 * @category models
 * @since 0.1.0
 */
export type Headers = Readonly<Record<string, string | Redacted.Redacted<string>>>

/**
 * The argument of `Protocol.headers`. `endpoint` is absent for a call that is not in the tables, such as an order.
 *
 * @category models
 * @since 0.1.0
 */
export interface Call {
  readonly endpoint?: Endpoint | undefined
  /**
   * Id of the account. Before the account is known: another id, such as the id of the app. Rate limits with the scope
   * `account` count the calls with the same id together.
   */
  readonly account: string
  readonly tokens?: Tokens | undefined
  /** The token that the previous step of the login returned. */
  readonly step?: Redacted.Redacted<string> | undefined
  /** Values that the login returned in addition to the tokens, such as a server id. */
  readonly extras?: Extras | undefined
}

/**
 * The argument of `Protocol.sign`: the parts of a request that a signature can cover, and the session's tokens.
 *
 * @category models
 * @since 0.1.0
 */
export interface Unsigned {
  readonly method: Endpoint["method"]
  readonly url: string
  /** The exact text of the body. Empty if there is no body. */
  readonly body: Redacted.Redacted<string>
  /** Milliseconds since the epoch. */
  readonly now: number
  readonly tokens: Tokens | undefined
}

/**
 * Describes an address that the broker returns at login. The session's calls use this address instead of a known
 * origin.
 *
 * @category models
 * @since 0.1.0
 */
export interface ToldAddress {
  /** Name of the field in the session's `extras` that contains the address. The address may have a path. */
  readonly extra: string
  /** The session's calls to endpoints with this `origin`, such as `api`, use the address. */
  readonly origin: string
  /**
   * The allowed hosts. A host with a dot at its start, such as `".broker.example"`, allows all hosts with this ending.
   * The address must be https, and must not contain a user name, a password, a port, a query or a fragment.
   */
  readonly hosts: readonly [string, ...ReadonlyArray<string>]
}

/**
 * The texts that options accept, keyed by the name of the option.
 *
 * @category options
 * @since 0.1.0
 */
export type Choices = Readonly<Record<string, ReadonlyArray<string>>>

/**
 * The tables of a broker, and the functions that its calls need.
 *
 * @category models
 * @since 0.1.0
 */
export interface Protocol {
  /** Id of the broker. */
  readonly broker: string
  readonly headers: (call: Call) => Headers
  /** The dialects, in the order in which they are tried. */
  readonly dialects: ReadonlyArray<Envelope.Dialect>
  /** The rows of the error table, in the order in which they are tried. */
  readonly codes: ReadonlyArray<ErrorTable.ErrorRow>
  /** The texts that each option accepts. Every option also accepts `undefined`. */
  readonly choices?: Choices
  /**
   * Additional keys that the option `origins` may have. The keys of `environment`, an argument of `make`, are always
   * allowed.
   */
  readonly purposes?: ReadonlyArray<string>
  /** Values of the app, such as its API key. Endpoints name the values that they send. Secrets are `Redacted`. */
  readonly app?: Headers
  /** Describes the address that the broker returns at login. Default: the broker returns no address. */
  readonly told?: ToldAddress
  /** Returns the headers with the signature of a request. Default: requests are not signed. */
  readonly sign?: (request: Unsigned) => Effect.Effect<Headers>
  /** Returns the path of a call. Default: the path in the table. */
  readonly path?: (endpoint: Endpoint) => string
  /**
   * The body of a call that has a session but no fields. `none`: no body is sent. `object`: the body is `{}`. Default:
   * `none`.
   */
  readonly emptyBody?: "none" | "object" | undefined
  /** Known defects of the broker's JSON. They are repaired if the JSON cannot be parsed. */
  readonly quirks?: ReadonlyArray<"smart-quotes" | "trailing-bytes">
}

/**
 * Options of the client.
 *
 * @category models
 * @since 0.1.0
 */
export interface Options {
  /**
   * Time-out of one request, until the whole answer is read. The wait for the rate limits does not count. Default: 10
   * seconds.
   */
  readonly timeout?: Duration.Input | undefined
  /**
   * Longest wait for the rate limits. A call that would wait longer fails at once with `RateLimited`. Default: 10
   * seconds.
   */
  readonly queueTimeout?: Duration.Input | undefined
  /**
   * Maximum size of an answer, in bytes. A call with a larger answer fails with `MalformedResponse`. Default:
   * 1,048,576.
   */
  readonly maxBodyBytes?: number | undefined
  /** Origins that replace the broker's origins, keyed by purpose: `{ api: "http://127.0.0.1:4010" }`. */
  readonly origins?: Readonly<Record<string, string>> | undefined
  /**
   * `"allow"`: an origin with `http:` may be on any machine. Default: an origin with `http:` must be on this machine.
   */
  readonly insecureHttp?: "allow" | undefined
}

/**
 * Makes calls to one broker.
 *
 * @category models
 * @since 0.1.0
 */
export interface BrokerClient {
  /**
   * Sends a call that is in the tables. An endpoint with the token `"required"` needs `tokens`. An endpoint with the
   * token `"step"` needs `step`. For `account`, see `Call`.
   */
  readonly call: <Request, Response>(
    endpoint: Endpoint<Request, Response>,
    options: {
      readonly account: string
      readonly request?: Request
      readonly tokens?: Tokens | undefined
      readonly step?: Redacted.Redacted<string> | undefined
      readonly extras?: Extras | undefined
      /** Headers that are added to this call. */
      readonly headers?: Headers | undefined
      /** Query parameters that are added to this call. Secrets stay `Redacted`. */
      readonly query?: Headers | undefined
    }
  ) => Effect.Effect<Response, AuthError.AuthError>
  /**
   * Reads the answer to a call that is not in the tables, such as an order. Returns an `AuthError` for a refusal, and
   * `undefined` otherwise. An answer with HTTP 2xx is a refusal only if a dialect says so. The secrets in `sent` are
   * removed from the broker's messages.
   */
  readonly refusal: (
    answer: Pick<Envelope.Answer, "status" | "headers" | "text">,
    sent?: { readonly tokens?: Tokens | undefined; readonly headers?: Headers | undefined }
  ) => AuthError.AuthError | undefined
  /** The origins of the calls, keyed by purpose. */
  readonly origins: Readonly<Record<string, string>>
  /**
   * Returns the origin of the address in the session's `extras`: see `ToldAddress`. Returns `undefined` if the address
   * is absent or not allowed.
   */
  readonly toldOrigin: (extras: Extras | undefined) => string | undefined
}

/**
 * The name that the error table uses for every call that is not in the tables.
 *
 * @category constants
 * @since 0.1.0
 */
export const otherCall = "request"

/** In characters. A longer text is data, such as an instrument list, and is not searched for a refusal. */
const longestRefusal = 65_536

/**
 * Checks the options that `choices` names. Returns one problem for each value that `choices` does not list. An option
 * that is `undefined` is accepted.
 *
 * @example
 * ```ts
 * import * as BrokerClient from "@auth/broker-core/broker/BrokerClient"
 *
 * BrokerClient.choiceProblems({ probe: ["funds", "banks"] }, { probe: "fund" })
 * // => [{ field: "probe", problem: "is not one of funds, banks" }]
 * ```
 *
 * @category options
 * @since 0.1.0
 */
export const choiceProblems = (choices: Choices, options: object): ReadonlyArray<AuthError.Problem> =>
  Object.entries(choices).flatMap(([field, allowed]) => {
    const value: unknown = Reflect.get(options, field)
    const isAllowed = value === undefined || (Predicate.isString(value) && allowed.includes(value))
    return isAllowed ? [] : [{ field, problem: `is not one of ${allowed.join(", ")}` }]
  })

/**
 * Rejects a `timeout` of zero or NaN, because a login with this `timeout` would be sent, but its answer would not be
 * read.
 */
const readLimits = (
  { broker, choices = {} }: Protocol,
  options: Options
): Effect.Effect<Transport.TransportOptions & { readonly queueTimeout: Duration.Duration }, AuthError.AuthError> => {
  const { maxBodyBytes = 1_048_576, queueTimeout = "10 seconds", timeout = "10 seconds" } = options
  const refused = Problems.refusal(broker, "configuration", [
    ...choiceProblems(choices, options).map(({ field, problem }) => [field, problem] as const),
    ["timeout", Problems.ofDuration(timeout, Duration.millis(1))],
    ["queueTimeout", Problems.ofDuration(queueTimeout, Duration.zero)],
    ["maxBodyBytes", Problems.ofCount(maxBodyBytes)]
  ])
  return refused === undefined
    ? Effect.succeed({
        timeout: Duration.fromInputUnsafe(timeout),
        queueTimeout: Duration.fromInputUnsafe(queueTimeout),
        maxBodyBytes
      })
    : Effect.fail(refused)
}

/**
 * Reads a duration from the options of a broker's layer. Fails with `InvalidRequest` if the value is negative or is
 * not a duration. The error names the option.
 *
 * @example
 * ```ts
 * import * as BrokerClient from "@auth/broker-core/broker/BrokerClient"
 * import * as Effect from "effect/Effect"
 *
 * const program = Effect.gen(function* () {
 *   const error = yield* Effect.flip(BrokerClient.readDuration("tiny", "codeLifetime", NaN))
 *   error.reason.message // => "The request is invalid: codeLifetime must be a duration of zero or more"
 * })
 * ```
 *
 * @category options
 * @since 0.1.0
 */
export const readDuration: (
  broker: string,
  option: string,
  input: Duration.Input
) => Effect.Effect<Duration.Duration, AuthError.AuthError> = durations.read

interface Sent extends SentSecrets.Sent {
  readonly headers: Headers
  readonly query: Headers | undefined
  readonly tokens: Tokens | undefined
  readonly base?: string | undefined
}

/** If the body is not JSON, the content type of the encoding replaces the content type in `headers`. */
const asEncoded = ({ encoding, query }: Endpoint, headers: Headers): Headers => {
  if (encoding.name === "json" || query !== undefined) return headers
  const others = Object.entries(headers).filter(([name]) => name.toLowerCase() !== "content-type")
  return {
    ...Object.fromEntries(others),
    ...(encoding.contentType !== undefined && { "content-type": encoding.contentType })
  }
}

const isRedactedText = (value: unknown): boolean =>
  Redacted.isRedacted(value) && Predicate.isString(Redacted.value(value))

const toProblems = (
  [first = "request", ...others]: ReadonlyArray<string>,
  problem: string
): AuthError.InvalidRequest => {
  const toProblem = (field: string): AuthError.Problem => ({ field, problem })
  return new AuthError.InvalidRequest({ problems: [toProblem(first), ...others.map(toProblem)] })
}

const hasBody = ({ query }: Endpoint, request: unknown): boolean => query === undefined && request !== undefined

/** Loaded late, because most logins do not need Schema. */
const loadSchema = lazyModule(() => import("./internal/bySchema.ts"))

const notLoaded = "it is unusual, and the module that reads such answers could not be loaded"

/** Returns false if only Schema can check the request. */
const isPlain = (shape: Shape | undefined, request: unknown): boolean =>
  shape === undefined || (shape.decode !== undefined && shape.decode(request) !== unsure)

/** Returns `unsure` if only Schema can decode the data. */
const decodePlainly = <Response>(shape: Shape<Schema.Decoder<Response>>, data: unknown): Response | typeof unsure => {
  const value = shape.decode === undefined ? unsure : shape.decode(data)
  return value === absent ? unsure : (value as Response | typeof unsure)
}

const notCarried = "cannot be sent as a form or in a URL: use text, a finite number or a boolean"

const notAllowed = "must be an https address of a known host of this broker: log in again"

const getBodyByFetch =
  "is a GET with a body, which fetch cannot send: use another client, such as NodeHttpClient.layerNodeHttp of @effect/platform-node"

const noGetBody = "cannot be sent with a GET: set query or getBody in the endpoint"

type AnyFiber = Fiber.Fiber<unknown, unknown>

const nowOf = (fiber: AnyFiber): number => fiber.getRef(Clock.Clock).currentTimeMillisUnsafe()

const isSuccess = ({ status }: Envelope.Answer): boolean => status >= 200 && status < 300

/**
 * Returns the reason why a request got no answer. `error` is the HTTP client's error, and `url` is the address of the
 * request. Only codes and numbers are copied from the error, because the rest may contain secrets.
 *
 * @example
 * ```ts
 * import * as BrokerClient from "@auth/broker-core/broker/BrokerClient"
 *
 * const error = Object.assign(new Error(), { code: "ECONNREFUSED" })
 * BrokerClient.unanswered(error, "https://api.example.com/").why // => "network"
 * ```
 *
 * @category errors
 * @since 0.1.0
 */
export const unanswered = (error: unknown, url: string): AuthError.BrokerUnavailable => {
  const { status, systemCode, why } = connectionFault(error, url)
  return new AuthError.BrokerUnavailable({ why: why === "get-body" ? "network" : why, status, systemCode })
}

const transportReason = (failure: Transport.TransportFailure | Redirects.RedirectFollowed): AuthError.Reason => {
  if (failure._tag === "RedirectFollowed") return Redirects.toReason(failure)
  if (failure.why === "get-body") return toProblems(["request"], getBodyByFetch)
  if (failure.why !== "too-large") {
    return new AuthError.BrokerUnavailable({
      why: failure.why,
      status: failure.status,
      systemCode: failure.systemCode
    })
  }
  return new AuthError.MalformedResponse({
    status: failure.status ?? 0,
    problem: "it is larger than the option maxBodyBytes allows",
    excerpt: ""
  })
}

/**
 * Makes the client of one broker from the broker's tables and the origins of one environment. Fails with
 * `InvalidRequest` if an origin or another option is invalid.
 *
 * @example
 * ```ts
 * import * as BrokerClient from "@auth/broker-core/broker/BrokerClient"
 * import * as Endpoint from "@auth/broker-core/broker/Endpoint"
 * import * as Envelope from "@auth/broker-core/broker/Envelope"
 * import * as TestHttp from "@auth/broker-core/testing/TestHttp"
 * import * as Effect from "effect/Effect"
 * import * as Redacted from "effect/Redacted"
 * import * as Shape from "@auth/broker-core/broker/Shape"
 *
 * const login = Endpoint.make({
 *   name: "login",
 *   method: "POST",
 *   path: "/v1/login",
 *   token: "none",
 *   request: Shape.struct({ id: Shape.Text, pin: Shape.Secret }),
 *   response: Shape.struct({ token: Shape.Text })
 * })
 *
 * const protocol: BrokerClient.Protocol = {
 *   broker: "tiny",
 *   headers: () => ({ "content-type": "application/json" }),
 *   dialects: [{ name: "plain", source: "https://api.example.com/docs", read: ({ json }) => Envelope.yes(json) }],
 *   codes: []
 * }
 *
 * const program = Effect.gen(function* () {
 *   const client = yield* BrokerClient.make(protocol, { api: "https://api.example.com" })
 *   const request = { id: "T1", pin: Redacted.make("4711") }
 *   const answer = yield* client.call(login, { account: "T1", request })
 *   answer // => { token: "…" }
 * }).pipe(Effect.provide(TestHttp.layerRespond(() => Promise.resolve(Response.json({ token: "…" })))))
 * ```
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = Effect.fnUntraced(function* (
  protocol: Protocol,
  environment: Readonly<Record<string, string>>,
  options: Options = {}
): Effect.fn.Return<BrokerClient, AuthError.AuthError, HttpClient.HttpClient> {
  const client = yield* EffectKeys.HttpClient
  const origins = { ...environment, ...options.origins }
  const { insecureHttp, origins: own } = options
  yield* checkOrigins(protocol.broker, { environment, origins: own, purposes: protocol.purposes, insecureHttp })
  const { queueTimeout, ...transport } = yield* readLimits(protocol, options)
  const sharing = yield* Sharing
  const limiter = makeLimiter(queueTimeout, sharing && (yield* sharing(protocol)))

  const fail = (endpoint: Endpoint, reason: AuthError.Reason) =>
    Effect.fail(AuthError.make(protocol.broker, endpoint.name, reason))

  const { sign, told } = protocol
  const spanAttributes = { "broker.id": protocol.broker }

  const toldBase = (extras: Extras | undefined): string | undefined => {
    const address = told && extras?.[told.extra]
    return told === undefined || address === undefined ? undefined : allowedAddress(address, told.hosts)
  }

  const isTold = (endpoint: Endpoint, extras: Extras | undefined): boolean =>
    told !== undefined && endpoint.origin === told.origin && extras?.[told.extra] !== undefined

  const baseOf = (endpoint: Endpoint, extras: Extras | undefined): string | undefined =>
    isTold(endpoint, extras) ? toldBase(extras) : origins[endpoint.origin]

  const toldOrigin = (extras: Extras | undefined): string | undefined => {
    const base = toldBase(extras)
    return base === undefined ? undefined : new URL(base).origin
  }

  const write = (endpoint: Endpoint, { base, headers, query, request }: Sent): Transport.WireRequest => ({
    method: endpoint.method,
    url: `${base}${protocol.path?.(endpoint) ?? endpoint.path}`,
    query: query ?? {},
    headers: revealHeaders(headers),
    body: bodyOf(endpoint, request, protocol.emptyBody)
  })

  const send = (fiber: AnyFiber, endpoint: Endpoint, sent: Sent) => {
    const wire = write(endpoint, sent)
    if (sign === undefined) return Transport.send(client, wire, transport, fiber)
    const { body = "", method, url } = wire
    const now = nowOf(fiber)
    return Effect.flatMap(sign({ method, url, body: Redacted.make(body), now, tokens: sent.tokens }), (own) => {
      const headers = { ...wire.headers, ...revealHeaders(own) }
      return Transport.send(client, { ...wire, headers }, transport, fiber)
    })
  }

  const exchange = (fiber: AnyFiber, account: string, endpoint: Endpoint, sent: Sent) => {
    const allowed = () => {
      // The lifetime of a new session starts when the request is sent.
      noteDeparture(fiber.getRef(Departure), nowOf(fiber))
      countRequest(fiber, endpoint)
      return send(fiber, endpoint, sent)
    }
    const attempt = () =>
      limiter.takeNow(account, endpoint, nowOf(fiber))
        ? allowed()
        : Effect.flatMap(limiter.take(account, endpoint), allowed)
    const prepare = Transport.prepare(client, fiber)
    const first = prepare === undefined ? attempt() : Effect.flatMap(prepare, attempt)
    if (!endpoint.safe) return first
    return Effect.catchTag(first, "TransportFailure", (failure) =>
      failure.why === "network"
        ? Effect.catchTag(Effect.suspend(attempt), "RateLimited", () => Effect.fail(failure))
        : Effect.fail(failure)
    )
  }

  const read = <Response>(
    endpoint: Endpoint<unknown, Response>,
    response: Transport.WireResponse,
    sent: Sent
  ): Effect.Effect<Response, AuthError.AuthError> => {
    const answer: Envelope.Answer = { ...response, json: parseJson(response.text, protocol.quirks) }
    const verdict = Envelope.read(protocol.dialects, answer)
    if (verdict?._tag === "Yes" && isSuccess(answer)) {
      const decoded = decodePlainly(endpoint.response, verdict.data)
      return decoded === unsure ? decodeBySchema(endpoint, answer, verdict.data, sent) : Effect.succeed(decoded)
    }
    return Effect.flatMap(Clock.currentTimeMillis, (now) => {
      const { name: operation, token } = endpoint
      const context = { operation, token, now, request: sent.request, secrets: SentSecrets.secretsOf(sent) }
      const reason = reasonFor(protocol.codes, answer, verdict, context)
      return reason === undefined ? malformed(endpoint, answer, problemOf(answer), sent) : fail(endpoint, reason)
    })
  }

  const decodeBySchema = <Response>(
    endpoint: Endpoint<unknown, Response>,
    answer: Envelope.Answer,
    data: unknown,
    sent: Sent
  ): Effect.Effect<Response, AuthError.AuthError> =>
    Effect.matchEffect(loadSchema, {
      onFailure: () => malformed(endpoint, answer, notLoaded, sent),
      onSuccess: (bySchema) =>
        Result.match(bySchema.decode(endpoint, data), {
          onFailure: (fields) =>
            malformed(endpoint, answer, `${fields.join(", ") || "its data"} is not as documented`, sent),
          onSuccess: ({ mended, value }) =>
            mended.length === 0 ? Effect.succeed(value) : Effect.as(logMended(endpoint, mended), value)
        })
    })

  /** Logs only the names of the fields, because a value may be secret. */
  const logMended = ({ name }: Endpoint, fields: ReadonlyArray<string>) =>
    Effect.annotateLogs(Effect.logDebug("Fields of an unexpected type in the answer"), {
      "broker.id": protocol.broker,
      operation: name,
      fields: fields.join(", ")
    })

  const malformed = (endpoint: Endpoint, answer: Envelope.Answer, problem: string, sent: Sent) => {
    const secrets = SentSecrets.secretsOf(sent)
    const reason = new AuthError.MalformedResponse({
      status: answer.status,
      // `problem` may name fields of the answer. The broker could send a secret as the name of a field.
      problem: Redaction.scrub(problem, secrets),
      excerpt: Redaction.excerpt(answer.text, { json: answer.json, secrets })
    })
    return fail(endpoint, reason)
  }

  const call: BrokerClient["call"] = (endpoint, options) => {
    const { request, step, tokens } = options
    if (endpoint.token === "required" && !Redacted.isRedacted(tokens?.access)) {
      return fail(endpoint, new AuthError.SessionExpired({ why: "missing" }))
    }
    if (endpoint.token === "step" && !isRedactedText(step)) {
      return fail(endpoint, toProblems(["token"], "must be Redacted text"))
    }
    if (isPlain(endpoint.request, request)) return callChecked(endpoint, options)
    return Effect.flatMap(Effect.orDie(loadSchema), ({ rejectedFields }) => {
      const rejected = rejectedFields(endpoint, request)
      return rejected.length === 0
        ? callChecked(endpoint, options)
        : fail(endpoint, toProblems(rejected, "is missing, blank or of the wrong type"))
    })
  }

  const callChecked: BrokerClient["call"] = (endpoint, options) => {
    const { account, extras, headers: own, query, request: given, step, tokens } = options
    const base = baseOf(endpoint, extras)
    if (base === undefined) return fail(endpoint, toProblems([`extras.${told?.extra}`], notAllowed))
    const { app } = protocol
    const inBody = endpoint.tokenField === undefined ? undefined : tokens?.access
    const request = complete(endpoint, { app, extras, token: inBody }, given)
    const rejected = unsendableFields(endpoint, request)
    if (rejected.length > 0) return fail(endpoint, toProblems(rejected, notCarried))
    if (endpoint.method === "GET" && endpoint.getBody === undefined && hasBody(endpoint, request)) {
      return fail(endpoint, toProblems(["request"], noGetBody))
    }
    const inHeaders = inBody === undefined || endpoint.tokenToo === "headers" ? tokens : undefined
    const common = protocol.headers({ endpoint, account, tokens: inHeaders, step, extras })
    const headers = asEncoded(endpoint, own === undefined ? common : { ...common, ...own })
    const field = unsendable(step === undefined ? tokens : { ...tokens, step }, headers)
    if (field !== undefined) {
      return Effect.fail(AuthError.invalidRequest(protocol.broker, endpoint.name, field, headerProblem))
    }
    const ownQuery = queryOf(endpoint, request)
    const allQuery = query === undefined ? ownQuery : { ...ownQuery, ...query }
    const sent: Sent = { request, headers, query: allQuery, tokens, step, base }
    const spanName = () => `${protocol.broker}.${endpoint.name}`
    return withSpanWhenTraced(spanName, spanAttributes, (fiber) =>
      Effect.matchEffect(exchange(fiber, account, endpoint, sent), {
        onFailure: (failure) => fail(endpoint, failure._tag === "RateLimited" ? failure : transportReason(failure)),
        onSuccess: (response) => {
          noteAnswer(fiber.getRef(Departure), nowOf(fiber), response.headers["date"])
          return read(endpoint, response, sent)
        }
      })
    )
  }

  const refusal: BrokerClient["refusal"] = (given, sent = {}) => {
    const text = given.text.length > longestRefusal ? "" : given.text
    const answer: Envelope.Answer = { ...given, text, json: parseJson(text, protocol.quirks) }
    const verdict = Envelope.read(protocol.dialects, answer)
    if (isSuccess(answer) && verdict?._tag !== "No") return undefined
    const whole: Sent = { request: undefined, headers: sent.headers ?? {}, query: undefined, tokens: sent.tokens }
    const context = { operation: otherCall, token: "required", now: undefined, request: undefined } as const
    const reason = reasonFor(protocol.codes, answer, verdict, { ...context, secrets: SentSecrets.secretsOf(whole) })
    return reason === undefined ? undefined : AuthError.make(protocol.broker, otherCall, reason)
  }

  return { call, refusal, origins, toldOrigin }
})

const problemOf = ({ json, status, text }: Envelope.Answer): string => {
  if (status === 0 || (status >= 300 && status < 400))
    return "it is a redirect, and a request with credentials follows no redirect"
  if (text.trim() === "") return "it is empty"
  return json === undefined ? "it is not a JSON object or array" : "it indicates neither success nor failure"
}
