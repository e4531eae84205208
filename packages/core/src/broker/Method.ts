/**
 * Makes the layers of a login method from the broker's description (`Broker`) and a few functions. The layers provide
 * only the services that the login method supports.
 *
 * @since 0.1.0
 */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as HttpClient from "effect/http/HttpClient"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Predicate from "effect/Predicate"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import * as Semaphore from "effect/Semaphore"
import * as Account from "../login/Account.ts"
import * as AuthError from "../login/AuthError.ts"
import { Authorize } from "../login/Authorize.ts"
import type { Broker, Method as Description } from "./Broker.ts"
import type { Common } from "./BrokerApi.ts"
import * as CodeSource from "../login/CodeSource.ts"
import * as Credentials from "./Credentials.ts"
import { totpCodeFrom } from "../login/internal/codeSources.ts"
import * as durations from "../login/internal/durations.ts"
import type { Expiry } from "../login/Expiry.ts"
import * as Login from "../login/Login.ts"
import * as Logout from "../login/Logout.ts"
import * as Profile from "../login/Profile.ts"
import * as QrLogin from "../login/QrLogin.ts"
import * as RedirectLogin from "../login/RedirectLogin.ts"
import * as Refresh from "../login/Refresh.ts"
import { report } from "../login/internal/loginAttempt.ts"
import * as Renewal from "./Renewal.ts"
import * as Session from "../login/Session.ts"
import * as StepUp from "../login/StepUp.ts"

/**
 * Options of every login method.
 *
 * @category models
 * @since 0.1.0
 */
export interface Options {
  /** Your name for the API key, if you have several API keys for one account. Default: `"default"`. */
  readonly app?: string | undefined
  /** When a session expires. Default: as the broker documents. */
  readonly expiry?: Expiry | undefined
  /**
   * How early a session manager renews a session, and how many failed logins it allows. Default: the values in the
   * broker's description (`Broker`).
   */
  readonly renewal?: Renewal.Options | undefined
}

/**
 * The common part of all login methods of a broker. `logout` and `profile` are absent if the broker has no such call.
 *
 * @category models
 * @since 0.1.0
 */
export interface Family<Tag, Api extends Common, O extends Options> {
  readonly broker: Broker
  /** The service of the typed calls. */
  readonly api: Context.Key<Tag, Api>
  /** When a session expires, as the broker documents. */
  readonly expiry: Expiry
  /**
   * `"at-login"`: the answer to a login contains the origin for later calls. Default: the answer contains no origin.
   */
  readonly tellsOrigin?: "at-login"
  /** Converts the id of an account to the broker's spelling. Default: the id is not changed. */
  readonly accountId?: (id: string) => string
  /** Returns the rule for the expiry of a session. Default: the option `expiry`, or else `expiry` of this family. */
  readonly expiryOf?: (options: O) => Effect.Effect<Expiry, AuthError.AuthError>
  /** Ends a session at the broker. Returns `undefined` if the broker has no logout call for these options. */
  readonly logout?: (
    api: Api,
    session: Session.Session,
    options: O
  ) => Effect.Effect<unknown, AuthError.AuthError> | undefined
  readonly profile?: (
    api: Api,
    session: Session.Session,
    options: O
  ) => Effect.Effect<Session.UserProfile, AuthError.AuthError>
}

/** The argument of the functions in the spec of a login method, such as `signIn` and `refresh`. */
export interface Given<Api, F extends Credentials.Fields, O> {
  readonly api: Api
  readonly credentials: Credentials.Values<F>
  readonly options: O
  readonly account: Account.Account
  readonly expiry: Expiry
  /** Gets a one-time code of six digits. `undefined` if the credentials contain no source of codes. */
  readonly code: Effect.Effect<Redacted.Redacted<string>, AuthError.AuthError> | undefined
}

interface Spec<Api, F extends Credentials.Fields, O> {
  /** The id of the login method in the broker's description (`Broker`). */
  readonly id: string
  /** The fields of the credentials. A function, if the fields depend on the options. */
  readonly credentials: F | ((options: O) => F)
  readonly api: (
    credentials: Credentials.Values<F>,
    options: O
  ) => Effect.Effect<Api, AuthError.AuthError, HttpClient.HttpClient>
  /** Returns the account's id at the broker, and the environment if the environment is not production. */
  readonly account: (
    credentials: Credentials.Values<F>,
    options: O
  ) => string | { readonly id: string; readonly environment: string | undefined }
  /** Renews a session by its refresh token. Absent if the broker has no refresh. */
  readonly refresh?: (
    given: Given<Api, F, O> & { readonly session: Session.Session; readonly refreshToken: Redacted.Redacted<string> }
  ) => Effect.Effect<Session.Issue, AuthError.AuthError>
  /**
   * Whether a refresh can also renew a session that has ended at the daily cut-off. Default: the value in the broker's
   * description (`Broker`).
   */
  readonly afterCutOff?: (options: O) => boolean
}

/**
 * Describes a login that sends credentials in one call, with or without a one-time code from an authenticator app.
 *
 * @category models
 * @since 0.1.0
 */
export interface LoginSpec<Api, F extends Credentials.Fields, O> extends Spec<Api, F, O> {
  /** Logs in. `code` is a one-time code of six digits, or empty if the credentials contain no source of codes. */
  readonly signIn: (
    given: Omit<Given<Api, F, O>, "code"> & { readonly code: Redacted.Redacted<string> }
  ) => Effect.Effect<Session.Issue, AuthError.AuthError>
  /** Runs when the layer is built, and returns a check. The check runs before each login of a session manager. */
  readonly before?: (given: Given<Api, F, O>) => Effect.Effect<Effect.Effect<void, AuthError.AuthError>>
}

/**
 * A login on the broker's page in a browser.
 *
 * @category models
 * @since 0.1.0
 */
export interface RedirectSpec<
  Api,
  F extends Credentials.Fields,
  O,
  Received extends RedirectLogin.Received
> extends Spec<Api, F, O> {
  readonly redirectUrl: (credentials: Credentials.Values<F>) => string
  /** The address of the broker's page. */
  readonly page: (given: Given<Api, F, O> & { readonly state: Redacted.Redacted<string> }) => Redacted.Redacted<string>
  /**
   * How the state in the callback is checked. A state that differs from the state of the request is always rejected.
   * - `required`: the callback must contain the state, except if `outcome` shows that the login did not succeed.
   * - `optional`: the state may be missing.
   * - `none`: the broker does not return the state. Only the newest request can be completed, and only within five
   *   minutes after `begin`.
   */
  readonly state: (options: O) => "required" | "optional" | "none"
  /** The name of the callback's parameter that contains the state. Default: `state`. */
  readonly stateParameter?: string
  /** The callback's parameter that says whether the login succeeded. Default: there is no such parameter. */
  readonly outcome?: RedirectLogin.Outcome
  /**
   * Returns the reason of the error if the callback says that the login failed or was denied. Default:
   * `RedirectRejected` (`denied`).
   */
  readonly refusal?: (
    parameters: RedirectLogin.CallbackParameters,
    state: Redacted.Redacted<string>
  ) => AuthError.Reason
  /** Content of the callback: the token itself, or a code that works only once. */
  readonly carries: "token" | "code"
  readonly receive: (
    parameters: RedirectLogin.CallbackParameters,
    given: Given<Api, F, O>
  ) => Effect.Effect<Received, AuthError.AuthError>
  readonly exchange: (received: Received, given: Given<Api, F, O>) => Effect.Effect<Session.Issue, AuthError.AuthError>
}

/**
 * Options of a login by QR code.
 *
 * @category models
 * @since 0.1.0
 */
export interface QrOptions extends Options {
  /** How long a QR code is valid. Default: as the broker documents. */
  readonly codeLifetime?: Duration.Input | undefined
}

/**
 * A login by a QR code that the broker's app scans.
 *
 * @category models
 * @since 0.1.0
 */
export interface QrSpec<Api, F extends Credentials.Fields, O> extends Spec<Api, F, O> {
  /** How long a QR code is valid, as the broker documents. */
  readonly lifetime: Duration.Input
  /** Requests a QR code. */
  readonly begin: (given: Given<Api, F, O>) => Effect.Effect<Omit<QrLogin.QrCode, "expiresAt">, AuthError.AuthError>
  /** Polls a QR code. Returns `undefined` as long as the user has not scanned the QR code. */
  readonly poll: (
    code: QrLogin.QrCode,
    given: Given<Api, F, O>
  ) => Effect.Effect<Session.Issue | undefined, AuthError.AuthError>
}

type Present<T, Name extends string, Service> =
  T extends Readonly<Record<Name, (...args: never) => unknown>> ? Service : never

/**
 * The layers of one method, for one account.
 *
 * @category models
 * @since 0.1.0
 */
export interface Layers<Services, F extends Credentials.Fields, O> {
  /**
   * A layer with the credentials that the program passes. The credentials are checked when the layer is built, before
   * anything is sent.
   */
  readonly layer: (
    options: O & { readonly credentials: Credentials.Input<F> }
  ) => Layer.Layer<Services, AuthError.AuthError, HttpClient.HttpClient>
  /**
   * A layer with the credentials from the configuration. If several fields are missing or wrong, one error names all of
   * them.
   */
  readonly layerConfig: (options?: O) => Layer.Layer<Services, AuthError.AuthError, HttpClient.HttpClient>
}

/**
 * The layers of a login method.
 *
 * @category models
 * @since 0.1.0
 */
export interface Method<Services, F extends Credentials.Fields, O> extends Layers<Services, F, O> {
  /** Makes a session from tokens that another program obtained. The session expires as the broker documents. */
  readonly fromTokens: (given: ForeignTokens) => Session.Session
}

/**
 * Tokens that another program obtained. If a token starts with `Bearer `, this prefix is removed. `refreshToken`,
 * `feedToken` and `loginToken` count as absent if they are blank.
 *
 * @category models
 * @since 0.1.0
 */
export interface ForeignTokens {
  /** Id of the account at the broker. */
  readonly userId: string
  readonly accessToken: Redacted.Redacted<string>
  readonly refreshToken?: Redacted.Redacted<string> | undefined
  readonly feedToken?: Redacted.Redacted<string> | undefined
  /** The token that the login exchanged for the access token, if the broker requires this exchange. */
  readonly loginToken?: Redacted.Redacted<string> | undefined
  readonly environment?: string | undefined
  readonly app?: string | undefined
  /** When the tokens were issued, in milliseconds since the epoch. */
  readonly issuedAt: number
}

type Shared<Tag, Fam, S> =
  | Tag
  | Authorize
  | Renewal.Renewal
  | Logout.Logout
  | Present<Fam, "profile", Profile.Profile>
  | Present<S, "refresh", Refresh.Refresh>

const fieldsOf = <Api, F extends Credentials.Fields, O>(
  { credentials }: Pick<Spec<Api, F, O>, "credentials">,
  options: O
): F => (typeof credentials === "function" ? credentials(options) : credentials)

/**
 * Runs effects one after another. A broker may refuse to exchange a code or a refresh token while another exchange is
 * in progress.
 */
type Exclusive = <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R>

/** The parts that differ between login methods. */
interface Own<Services> {
  readonly services: Context.Context<Services>
  readonly ways?: Pick<
    Parameters<typeof Renewal.fromDescription>[1],
    "login" | "resume" | "refresh" | "codes" | "afterCutOff" | "credentials"
  >
}

const describe = (
  broker: Broker,
  id: string
): Description & { readonly renewal: NonNullable<Description["renewal"]> } => {
  const found = broker.methods.find((method) => method.id === id)
  if (found?.renewal === undefined) throw new Error(`the descriptor of ${broker.id} has no method ${id} with a renewal`)
  return { ...found, renewal: found.renewal }
}

/**
 * Parses the durations once for all accounts of a method. Keeps an invalid duration, so that the layer can report it.
 */
const withDurations = (renewal: NonNullable<Description["renewal"]>): NonNullable<Description["renewal"]> => {
  const parse = (input: Duration.Input) => Option.getOrElse(Duration.fromInput(input), () => input)
  return {
    ...renewal,
    ...(renewal.early !== undefined && { early: parse(renewal.early) }),
    window: parse(renewal.window)
  }
}

const codesOf = (fields: Credentials.Fields, values: Readonly<Record<string, unknown>>) => {
  const name = Object.keys(fields).find((key) => fields[key]?.codes === true)
  return name === undefined ? undefined : (values[name] as CodeSource.CodeSource | undefined)
}

/** Fails with `other` if the broker returned the tokens of another account. */
const sameAccount = (
  account: Account.Account,
  issue: Effect.Effect<Session.Issue, AuthError.AuthError>,
  other: AuthError.AuthError
): Effect.Effect<Session.Issue, AuthError.AuthError> =>
  Effect.flatMap(issue, (issued) => {
    const { id } = issued.profile ?? account
    return id.trim().toUpperCase() === account.id.trim().toUpperCase() ? Effect.succeed(issued) : Effect.fail(other)
  })

const codeOf = (
  account: Account.Account,
  codes: CodeSource.CodeSource | undefined
): Given<never, never, never>["code"] =>
  codes === undefined
    ? undefined
    : Effect.flatMap(totpCodeFrom(account, codes), (code) => {
        const problem = CodeSource.shapeProblem(code, 6)
        return problem === undefined
          ? Effect.succeed(code)
          : Effect.fail(AuthError.invalidRequest(account.broker, "login", "totp", problem))
      })

const sentByClient = report(({ byClient }) => byClient)

/** The services that every login method of the broker provides. */
const common = <Tag, Api extends Common, O extends Options>(
  family: Family<Tag, Api, O>,
  api: Api,
  options: O
): Context.Context<Tag | Authorize | Logout.Logout> => {
  const { api: tag, broker, logout, profile } = family
  const shared = Context.make(tag, api).pipe(
    Context.add(Authorize, {
      headers: (session) => api.headers(session),
      refusal: (answer, session) => api.refusal(answer, session),
      origins: Array.from(new Set(Object.values(api.origins))),
      ...(family.tellsOrigin === "at-login" && { toldOrigin: (session) => api.toldOrigin(session) })
    }),
    Context.add(
      Logout.Logout,
      Logout.make(broker.id, (session) => {
        const call = logout?.(api, session, options)
        return call === undefined
          ? Effect.succeed({ _tag: "LocalOnly", account: session.account, why: "no-such-call" })
          : Logout.revoke(session, call)
      })
    )
  )
  if (profile === undefined) return shared
  return Context.add(
    shared,
    Profile.Profile,
    Profile.make(broker.id, (session) => profile(api, session, options))
  )
}

const copyOption = (name: string, value: unknown): unknown =>
  Predicate.isObject(value) && (name === "credentials" || Object.getPrototypeOf(value) === Object.prototype)
    ? { ...value }
    : value

/**
 * A layer reads its options only when it is built. A program may reuse one options object, and change its fields for
 * each account. Without the copy, all layers would then be built for the last account.
 */
const copyOptions = <O>(options: O): O =>
  Result.getOrElse(
    Result.try(() => {
      if (!Predicate.isObject(options)) return {} as O
      const fields = Object.entries(options).map(([name, value]) => [name, copyOption(name, value)])
      return Object.assign(Object.create(Object.getPrototypeOf(options)), Object.fromEntries(fields)) as O
    }),
    () => options
  )

const layersOf = <Api, F extends Credentials.Fields, O extends object, Services>(
  broker: Broker,
  spec: Pick<Spec<Api, F, O>, "credentials">,
  assemble: (
    credentials: Credentials.Values<F>,
    options: O
  ) => Effect.Effect<Context.Context<Services>, AuthError.AuthError, HttpClient.HttpClient>
): Layers<Services, F, O> => ({
  layer: (given) => {
    const options = copyOptions(given)
    return Layer.effectContext(
      Effect.suspend(() => {
        const fields = fieldsOf(spec, options)
        const values = { ...options.credentials, ...Credentials.fromOptions(fields, options) }
        return Effect.flatMap(Credentials.check(broker.id, fields, values), (checked) => assemble(checked, options))
      })
    )
  },
  layerConfig: (given = {} as O) => {
    const options = copyOptions(given)
    return Layer.effectContext(
      Effect.suspend(() =>
        Effect.flatMap(Credentials.fromConfig(broker.id, fieldsOf(spec, options), options), (values) =>
          assemble(values, options)
        )
      )
    )
  }
})

/**
 * Makes the layers of a method that returns no session, such as account recovery. The layers provide the services
 * that `build` returns, and the typed calls.
 *
 * @category constructors
 * @since 0.1.0
 */
export const withoutSession = <Tag, Api extends Common, O extends object, F extends Credentials.Fields, Services>(
  family: { readonly broker: Broker; readonly api: Context.Key<Tag, Api> },
  spec: Pick<Spec<Api, F, O>, "credentials" | "api" | "account">,
  build: (
    given: Pick<Given<Api, F, O>, "api" | "credentials" | "options" | "account">
  ) => Effect.Effect<Context.Context<Services>, AuthError.AuthError>
): Layers<Services | Tag, F, O> =>
  layersOf(family.broker, spec, (credentials, options) =>
    Effect.gen(function* () {
      const api = yield* spec.api(credentials, options)
      const account = accountOf(family.broker, spec.account(credentials, options), undefined)
      return Context.add(yield* build({ api, credentials, options, account }), family.api, api)
    })
  )

const accountOf = (
  { id: broker }: Broker,
  holder: ReturnType<Spec<never, never, never>["account"]>,
  app: string | undefined
): Account.Account => Account.make({ broker, app, ...(typeof holder === "string" ? { id: holder } : holder) })

/**
 * Makes a login method that provides the services that `build` returns.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = <
  Tag,
  Api extends Common,
  O extends Options,
  F extends Credentials.Fields,
  Services,
  Fam extends { readonly profile?: unknown },
  S extends { readonly refresh?: unknown }
>(
  family: Family<Tag, Api, O> & Fam,
  spec: Spec<Api, F, O> & S,
  build: (given: Given<Api, F, O>, exclusively: Exclusive) => Effect.Effect<Own<Services>, AuthError.AuthError>
): Method<Services | Shared<Tag, Fam, S>, F, O> => {
  const { broker } = family
  const renewals = withDurations(describe(broker, spec.id).renewal)

  const assemble = Effect.fnUntraced(function* (credentials: Credentials.Values<F>, options: O) {
    const api = yield* spec.api(credentials, options)
    const account = accountOf(broker, spec.account(credentials, options), options.app)
    const expiry = family.expiryOf === undefined ? (options.expiry ?? family.expiry) : yield* family.expiryOf(options)
    const code = codeOf(account, codesOf(fieldsOf(spec, options), credentials))
    const given = { api, credentials, options, account, expiry, code }
    // Made at the first exchange: many accounts never need a semaphore.
    let permit: Semaphore.Semaphore | undefined
    const exclusively: Exclusive = (exchange) => (permit ??= Semaphore.makeUnsafe(1)).withPermit(exchange)
    const { services, ways = {} } = yield* build(given, exclusively)
    const refresh = refreshOf(given, exclusively)
    const afterCutOff = spec.afterCutOff === undefined ? renewals.afterCutOff : spec.afterCutOff(options)
    const own = { account, credentials, refresh: refresh?.refresh, afterCutOff }
    const renewal = yield* Renewal.fromDescription(renewals, { ...own, ...ways }, options.renewal)
    const all = Context.merge(common(family, api, options), Context.add(services, Renewal.Renewal, renewal))
    return (refresh === undefined ? all : Context.add(all, Refresh.Refresh, refresh)) as Context.Context<
      Services | Shared<Tag, Fam, S>
    >
  })

  const refreshOf = (given: Given<Api, F, O>, exclusively: Exclusive): Refresh.Refresh["Service"] | undefined => {
    const { refresh } = spec
    if (refresh === undefined) return undefined
    return Refresh.make(broker.id, (session) => {
      const refreshToken = session.tokens.refresh
      if (refreshToken === undefined) {
        const reason = new AuthError.SessionExpired({ why: "refresh-invalid" })
        return Effect.fail(AuthError.make(broker.id, "refresh", reason))
      }
      const { account, method } = session
      const refreshed = refresh({ ...given, session, refreshToken })
      const other = AuthError.make(broker.id, "refresh", new AuthError.SessionExpired({ why: "refresh-invalid" }))
      return exclusively(
        Session.issue({ account, method, expiry: given.expiry }, sameAccount(account, refreshed, other))
      )
    })
  }

  const fromTokens = ({ app, environment, issuedAt, userId, ...given }: ForeignTokens): Session.Session =>
    Session.make({
      account: Account.make({ broker: broker.id, environment, app, id: family.accountId?.(userId) ?? userId }),
      method: spec.id,
      tokens: Session.makeTokens({
        access: given.accessToken,
        refresh: given.refreshToken,
        feed: given.feedToken,
        login: given.loginToken
      }),
      issuedAt,
      expiry: family.expiry
    })
  return { ...layersOf(broker, spec, assemble), fromTokens }
}

/**
 * Makes a login method that logs in by one call, with or without a one-time code from an authenticator app.
 *
 * @category constructors
 * @since 0.1.0
 */
export const login = <
  Tag,
  Api extends Common,
  O extends Options,
  F extends Credentials.Fields,
  Fam extends { readonly profile?: unknown },
  S extends { readonly refresh?: unknown }
>(
  family: Family<Tag, Api, O> & Fam,
  spec: LoginSpec<Api, F, O> & S
): Method<Login.Login | Shared<Tag, Fam, S>, F, O> =>
  make<Tag, Api, O, F, Login.Login, Fam, S>(family, spec, (given) => {
    const codes = codesOf(fieldsOf(spec, given.options), given.credentials)
    const code = given.code ?? Effect.succeed(Redacted.make(""))
    const sign = Effect.flatMap(code, (made) =>
      Session.issue({ ...given, method: spec.id }, spec.signIn({ ...given, code: made }))
    )
    const signIn = Effect.andThen(sentByClient, sign)
    const services = Context.make(Login.Login, { login: Effect.map(signIn, Login.authenticated) })
    const before = spec.before === undefined ? Effect.succeed(Effect.void) : spec.before(given)
    return Effect.map(before, (check) => ({ services, ways: { login: Effect.andThen(check, signIn), codes } }))
  })

/** Maximum time between `begin` and the callback if the broker does not return the state. */
const pendingMillis = 300_000

/**
 * Makes a login method in which the user logs in on the broker's page in a browser.
 *
 * @category constructors
 * @since 0.1.0
 */
export const redirect = <
  Tag,
  Api extends Common,
  O extends Options,
  F extends Credentials.Fields,
  Received extends RedirectLogin.Received,
  Fam extends { readonly profile?: unknown },
  S extends { readonly refresh?: unknown }
>(
  family: Family<Tag, Api, O> & Fam,
  spec: RedirectSpec<Api, F, O, Received> & S
): Method<RedirectLogin.RedirectLogin | Shared<Tag, Fam, S>, F, O> =>
  make<Tag, Api, O, F, RedirectLogin.RedirectLogin, Fam, S>(family, spec, (given, exclusively) => {
    const { broker } = family
    const { refusal } = spec
    const redirectUrl = spec.redirectUrl(given.credentials)
    const stateRule = spec.state(given.options)
    const newest = { state: Redacted.make(""), until: -Infinity }
    const isNewest = (state: Redacted.Redacted<string>, now: number): boolean =>
      Redacted.value(newest.state) === Redacted.value(state) && now < newest.until
    const notNewest = AuthError.make(broker.id, "complete", new AuthError.RedirectRejected({ why: "state" }))
    const begun = (state: Redacted.Redacted<string>) =>
      Effect.map(Clock.currentTimeMillis, (now) => {
        Object.assign(newest, { state, until: now + pendingMillis })
        return { url: spec.page({ ...given, state }), state, redirectUrl }
      })
    const service = RedirectLogin.make<Received>(broker.id, {
      begin: Effect.flatMap(RedirectLogin.makeState, begun),
      receive: (request, callbackUrl) => {
        const parsed = RedirectLogin.parseCallback({
          broker: broker.id,
          request,
          callbackUrl,
          state: stateRule,
          stateParameter: spec.stateParameter,
          outcome: spec.outcome,
          ...(refusal !== undefined && { refusal: (parameters) => refusal(parameters, request.state) })
        })
        const received = Effect.flatMap(parsed, (parameters) => spec.receive(parameters, given))
        if (stateRule !== "none") return received
        return Effect.flatMap(Clock.currentTimeMillis, (now) =>
          isNewest(request.state, now) ? received : Effect.fail(notNewest)
        )
      },
      exchange: (received) => {
        const other = AuthError.make(broker.id, "complete", new AuthError.RedirectRejected({ why: "other-account" }))
        const exchanged = sameAccount(given.account, spec.exchange(received, given), other)
        return exclusively(Session.issue({ ...given, method: spec.id }, exchanged))
      },
      carries: spec.carries
    })
    return Effect.succeed({ services: Context.make(RedirectLogin.RedirectLogin, service) })
  })

/**
 * Makes a login method in which the user scans a QR code with the broker's app. In two cases, a poll fails with
 * `ChallengeExpired` and sends nothing:
 * - The QR code has expired.
 * - The broker has already returned tokens to a poll with the same `QrCode` object.
 *
 * @category constructors
 * @since 0.1.0
 */
export const qr = <
  Tag,
  Api extends Common,
  O extends QrOptions,
  F extends Credentials.Fields,
  Fam extends { readonly profile?: unknown },
  S extends { readonly refresh?: unknown }
>(
  family: Family<Tag, Api, O> & Fam,
  spec: QrSpec<Api, F, O> & S
): Method<QrLogin.QrLogin | Shared<Tag, Fam, S>, F, O> =>
  make<Tag, Api, O, F, QrLogin.QrLogin, Fam, S>(family, spec, (given) =>
    Effect.gen(function* () {
      const { account, expiry, options } = given
      const { id: broker } = family.broker
      const readLifetime = durations.read(broker, "codeLifetime", options.codeLifetime ?? spec.lifetime)
      const lifetime = Duration.toMillis(yield* readLifetime)
      const toError = (reason: AuthError.Reason) => AuthError.make(broker, "poll", reason)
      const other = toError(new AuthError.RedirectRejected({ why: "other-account" }))
      const scanned = new WeakSet<QrLogin.QrCode>()

      const begin = Effect.gen(function* () {
        const now = yield* Clock.currentTimeMillis
        return { ...(yield* spec.begin(given)), expiresAt: now + lifetime }
      })

      const poll = Effect.fnUntraced(function* (code: QrLogin.QrCode) {
        const now = yield* Clock.currentTimeMillis
        const why = scanned.has(code) ? "used" : now >= code.expiresAt ? "timed-out" : undefined
        if (why !== undefined) return yield* toError(new AuthError.ChallengeExpired({ why }))
        const [answer, issuedAt] = yield* Session.withDeparture(spec.poll(code, given))
        if (answer === undefined) return Option.none<Session.Session>()
        scanned.add(code)
        const issued = yield* sameAccount(account, Effect.succeed(answer), other)
        return Option.some(Session.make({ account, method: spec.id, expiry, issuedAt, ...issued }))
      })
      return { services: Context.make(QrLogin.QrLogin, QrLogin.make(broker, { begin, poll })) }
    })
  )

/**
 * The functions of a login that can need a second step. If a second step is needed, `login` returns a challenge.
 *
 * @category models
 * @since 0.1.0
 */
export interface Steps {
  readonly login: Login.Login["Service"]["login"]
  readonly verify: StepUp.StepUp["Service"]["verify"]
  readonly resend: StepUp.StepUp["Service"]["resend"]
  /** Continues a login from the progress that `LoginProgress.keep` stored. */
  readonly resume?: NonNullable<Renewal.Renewal["Service"]["resume"]>
}

/**
 * Makes a login method whose second step is a one-time code. If the broker sends the code by SMS, a person enters it.
 * If the code comes from an authenticator app, the layer can compute the code from the TOTP secret.
 *
 * @category constructors
 * @since 0.1.0
 */
export const stepUp = <
  Tag,
  Api extends Common,
  O extends Options,
  F extends Credentials.Fields,
  Fam extends { readonly profile?: unknown },
  S extends { readonly refresh?: unknown }
>(
  family: Family<Tag, Api, O> & Fam,
  spec: Spec<Api, F, O> & S,
  build: (given: Given<Api, F, O>) => Effect.Effect<Steps, AuthError.AuthError>
): Method<Login.Login | StepUp.StepUp | Shared<Tag, Fam, S>, F, O> =>
  make<Tag, Api, O, F, Login.Login | StepUp.StepUp, Fam, S>(family, spec, (given) =>
    Effect.gen(function* () {
      const { resend, resume, verify, ...own } = yield* build(given)
      const login = Effect.andThen(sentByClient, own.login)
      const { account, credentials, options } = given
      const codes = codesOf(fieldsOf(spec, options), credentials)
      return {
        services: Context.make(Login.Login, { login }).pipe(
          Context.add(StepUp.StepUp, StepUp.make(family.broker.id, { verify, resend }))
        ),
        ways: { login: yield* Renewal.answering({ account, login, verify, codes }), resume, codes }
      }
    })
  )
