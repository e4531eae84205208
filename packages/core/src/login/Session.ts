/**
 * A session: the tokens of one account, and their expiry.
 *
 * @since 0.1.0
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Predicate from "effect/Predicate"
import * as Redacted from "effect/Redacted"
import type { Account } from "./Account.ts"
import * as AuthError from "./AuthError.ts"
import type { Expiry, ExpirySource } from "./Expiry.ts"
import { Departure } from "./internal/departure.ts"
import { headerProblem, unsendable } from "./internal/headerText.ts"
import { withoutQuotes } from "./internal/pasted.ts"

const TypeId = "~@auth/broker-core/login/Session"

/**
 * The tokens of a session. Every broker issues an access token. The other tokens depend on the broker.
 *
 * @category models
 * @since 0.1.0
 */
export interface Tokens {
  readonly access: Redacted.Redacted<string>
  /** The token that renews the session without a login. */
  readonly refresh?: Redacted.Redacted<string>
  /** The token for the market feed. */
  readonly feed?: Redacted.Redacted<string>
  /** The token that the login exchanged for the access token. */
  readonly login?: Redacted.Redacted<string>
}

/**
 * Values from the login that later calls need besides the tokens, such as a server id. No value is secret.
 *
 * @category models
 * @since 0.1.0
 */
export type Extras = Readonly<Record<string, string>>

/**
 * The broker's data about the account holder. Only `id` is always present.
 *
 * @category models
 * @since 0.1.0
 */
export interface UserProfile {
  readonly id: string
  readonly name?: string
  readonly email?: string
  readonly mobile?: string
  readonly exchanges?: ReadonlyArray<string>
  readonly products?: ReadonlyArray<string>
  /** Other data that depends on the broker, such as `passwordChangeDue`. */
  readonly flags?: Readonly<Record<string, string | boolean>>
}

/**
 * Makes a profile from a broker's fields. Omits fields and flags that are `undefined`.
 *
 * @example
 * ```ts
 * import * as Session from "@auth/broker-core/login/Session"
 *
 * Session.makeProfile({ id: "A123456", name: undefined, exchanges: ["NSE"] }) // => { id: "A123456", exchanges: ["NSE"] }
 * ```
 *
 * @category constructors
 * @since 0.1.0
 */
export const makeProfile = ({
  flags,
  ...fields
}: { readonly [K in keyof Omit<UserProfile, "flags">]: UserProfile[K] | undefined } & {
  readonly id: string
  readonly flags?: Readonly<Record<string, string | boolean | undefined>> | undefined
}): UserProfile => ({
  ...(withoutUndefined(fields) as Omit<UserProfile, "flags">),
  ...(flags === undefined ? {} : { flags: withoutUndefined(flags) })
})

const withoutUndefined = <A>(fields: Readonly<Record<string, A | undefined>>): Readonly<Record<string, A>> =>
  Object.fromEntries(Object.entries(fields).filter((entry): entry is [string, A] => entry[1] !== undefined))

/**
 * A session: the tokens of one account, and their expiry.
 *
 * @category models
 * @since 0.1.0
 */
export interface Session {
  readonly [TypeId]: typeof TypeId
  readonly account: Account
  /** The id of the login method, such as `"totp"`. */
  readonly method: string
  readonly tokens: Tokens
  /** Milliseconds since the epoch. */
  readonly issuedAt: number
  /** Milliseconds since the epoch. `undefined` if unknown. */
  readonly expiresAt: number | undefined
  readonly expirySource: ExpirySource
  /** The profile, if the login returned it. */
  readonly profile: UserProfile | undefined
  readonly extras?: Extras
}

/** Does not copy an object that is already frozen, so sessions share the object that `Account.make` returned. */
const frozen = <A extends object>(fields: A): A => (Object.isFrozen(fields) ? fields : Object.freeze({ ...fields }))

/** A session is frozen, because all callers share the same object. */
class SessionImpl implements Session {
  readonly [TypeId] = TypeId
  readonly account: Account
  readonly method: string
  readonly tokens: Tokens
  readonly issuedAt: number
  readonly expiresAt: number | undefined
  readonly expirySource: ExpirySource
  readonly profile: UserProfile | undefined
  declare readonly extras?: Extras
  constructor(fields: Omit<Session, typeof TypeId>) {
    this.account = frozen(fields.account)
    this.method = fields.method
    this.tokens = frozen(fields.tokens)
    this.issuedAt = fields.issuedAt
    this.expiresAt = fields.expiresAt
    this.expirySource = fields.expirySource
    this.profile = fields.profile && frozen(fields.profile)
    if (fields.extras !== undefined) this.extras = frozen(fields.extras)
    Object.freeze(this)
  }
}

/**
 * Whether a value is a `Session`.
 *
 * @category guards
 * @since 0.1.0
 */
export const isSession = (value: unknown): value is Session => Predicate.hasProperty(value, TypeId)

/**
 * Makes a session from tokens that were issued at `issuedAt` (milliseconds since the epoch).
 *
 * @example
 * ```ts
 * import * as Account from "@auth/broker-core/login/Account"
 * import * as Expiry from "@auth/broker-core/login/Expiry"
 * import * as Session from "@auth/broker-core/login/Session"
 * import * as Redacted from "effect/Redacted"
 *
 * const session = Session.make({
 *   account: Account.make({ broker: "angel", id: "A123456" }),
 *   method: "totp",
 *   tokens: { access: Redacted.make("eyJ…") },
 *   issuedAt: Date.UTC(2026, 0, 1),
 *   expiry: Expiry.dailyAt("00:00")
 * })
 * session.expiresAt // => Date.UTC(2026, 0, 1, 18, 30)
 * String(session.tokens.access) // => "<redacted>"
 * ```
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = (options: {
  readonly account: Account
  readonly method: string
  readonly tokens: Tokens
  readonly issuedAt: number
  readonly expiry: Expiry
  readonly expiresIn?: Parameters<Expiry>[0]["expiresIn"]
  readonly expiresAt?: Parameters<Expiry>[0]["expiresAt"]
  readonly profile?: UserProfile | undefined
  readonly extras?: Extras | undefined
}): Session => {
  const { expiresAt, expiresIn, issuedAt } = options
  const end = options.expiry({ issuedAt, accessToken: options.tokens.access, expiresIn, expiresAt })
  return new SessionImpl({
    account: options.account,
    method: options.method,
    tokens: options.tokens,
    issuedAt: options.issuedAt,
    expiresAt: end?.at,
    expirySource: end?.source ?? "unknown",
    profile: options.profile,
    ...(options.extras !== undefined && { extras: options.extras })
  })
}

/**
 * Makes a session from all its fields, for example from a store. Unlike `make`, `restore` does not compute the expiry.
 *
 * @category constructors
 * @since 0.1.0
 */
export const restore = (fields: Omit<Session, typeof TypeId>): Session => new SessionImpl(fields)

/**
 * The result of a call that issues tokens.
 *
 * @category models
 * @since 0.1.0
 */
export interface Issue {
  /** Set this field only if the account is not known before the broker's answer. */
  readonly account?: Account
  readonly tokens: Tokens
  /** The lifetime of the tokens, if the broker returns a lifetime. */
  readonly expiresIn?: Parameters<Expiry>[0]["expiresIn"]
  /** When the tokens expire, if the broker returns a point in time. Milliseconds since the epoch. */
  readonly expiresAt?: Parameters<Expiry>[0]["expiresAt"]
  readonly profile?: UserProfile | undefined
  readonly extras?: Extras | undefined
}

/**
 * Runs a call. Returns its result and the time of its first request, in milliseconds since the epoch. Only requests of
 * `BrokerClient` count. Without a request, the time is the start of the call.
 *
 * @category combinators
 * @since 0.1.0
 */
export const withDeparture = <A, E, R>(call: Effect.Effect<A, E, R>): Effect.Effect<readonly [A, number], E, R> =>
  afterDeparture(call, undefined, (value, departedAt) => [value, departedAt] as const)

/** `use` gets `fields` as an argument, so `issue` passes the same function for all accounts. */
const afterDeparture = <A, E, R, B, F>(
  call: Effect.Effect<A, E, R>,
  fields: F,
  use: (value: A, departedAt: number, fields: F) => B
): Effect.Effect<B, E, R> =>
  Effect.withFiber((fiber) => {
    const outer = fiber.getRef(Departure)
    const began = fiber.getRef(Clock.Clock).currentTimeMillisUnsafe()
    const departure: Departure = { at: undefined, outer }
    return Effect.map(Effect.provideService(call, Departure, departure), (value) =>
      use(value, departure.at ?? began, fields)
    )
  })

/**
 * Runs a call that issues tokens, and makes the session. `issuedAt` is the time that `withDeparture` returns. The
 * expiry is computed from `issuedAt`.
 *
 * @category constructors
 * @since 0.1.0
 */
export const issue = <E, R>(fields: IssueFields, call: Effect.Effect<Issue, E, R>): Effect.Effect<Session, E, R> =>
  afterDeparture(call, fields, fromIssue)

interface IssueFields {
  readonly account: Account
  readonly method: string
  readonly expiry: Expiry
}

const fromIssue = (issued: Issue, issuedAt: number, fields: IssueFields): Session =>
  make({ ...fields, ...issued, issuedAt })

/**
 * Whether the session has expired at `now`. A session whose expiry is unknown counts as not expired.
 *
 * @category predicates
 * @since 0.1.0
 */
export const isExpired = (session: Session, now: number): boolean =>
  session.expiresAt !== undefined && now >= session.expiresAt

/**
 * Returns the session without its refresh token. Use this function after the broker has refused the refresh token.
 *
 * @category converting
 * @since 0.1.0
 */
export const withoutRefreshToken = (session: Session): Session => {
  const { refresh: _, ...tokens } = session.tokens
  return new SessionImpl({ ...session, tokens })
}

/**
 * Returns the session with an unknown expiry. Use this function if the broker accepts the access token after
 * `expiresAt`.
 *
 * @category converting
 * @since 0.1.0
 */
export const withUnknownEnd = (session: Session): Session =>
  new SessionImpl({ ...session, expiresAt: undefined, expirySource: "unknown" })

/**
 * The fields that a call needs from a session.
 *
 * @category models
 * @since 0.1.0
 */
export type Authorized = Pick<Session, "account" | "tokens" | "extras">

/**
 * Returns the fields that a call needs from a session. In the result, `account` is the account's id. If the argument is
 * not a session, the fields of the result are `undefined`. A call that needs a session but gets no `tokens` sends
 * nothing and fails with `SessionExpired`.
 *
 * @category converting
 * @since 0.1.0
 */
export const authorizedBy = (
  session: Authorized
): { readonly account: string; readonly tokens: Tokens; readonly extras: Extras | undefined } => {
  const { account, extras, tokens } = { ...session }
  return { account: { ...account }.id, tokens, extras }
}

const hasAccess = (tokens: Tokens | undefined): boolean => {
  const { access } = { ...tokens }
  const text: unknown = Redacted.isRedacted(access) ? Redacted.value(access) : undefined
  return Predicate.isString(text) && text !== ""
}

/**
 * Checks the account and the tokens of a session. Fails with:
 *
 * - `SessionExpired` (`why` is `missing`) if the account is missing, or the access token is missing or empty.
 * - `InvalidRequest` if a token contains a blank, a control character or a non-ASCII character.
 *
 * @category guards
 * @since 0.1.0
 */
export const required = (
  broker: string,
  operation: string,
  session: Session
): Effect.Effect<Session, AuthError.AuthError> => {
  const { account, tokens } = { ...session }
  if (!Predicate.isObject(account) || !hasAccess(tokens)) {
    return Effect.fail(AuthError.make(broker, operation, new AuthError.SessionExpired({ why: "missing" })))
  }
  const field = unsendable(tokens)
  return field === undefined
    ? Effect.succeed(session)
    : Effect.fail(AuthError.invalidRequest(broker, operation, field, headerProblem))
}

/**
 * Returns `false` for quotation marks, blanks, control characters and non-ASCII characters. Also returns `false` for
 * `&` and the backslash, because `bareToken` removes `&quot;` and `\"` like quotation marks.
 */
const isTokenEnd = (code: number): boolean =>
  code > 0x20 && code < 0x7f && code !== 0x22 && code !== 0x26 && code !== 0x27 && code !== 0x5c && code !== 0x60

/** A fast check that `bareToken` can return the token unchanged. Most tokens pass it. */
const isBare = (text: string): boolean =>
  isTokenEnd(text.charCodeAt(0)) && isTokenEnd(text.charCodeAt(text.length - 1)) && !/^bearer/i.test(text)

/**
 * Removes all `Bearer ` prefixes from a token. Removes blanks, invisible characters and pairs of quotation marks around
 * the token. Returns an empty token if nothing remains, or if the argument is not `Redacted` text.
 *
 * @example
 * ```ts
 * import * as Session from "@auth/broker-core/login/Session"
 * import * as Redacted from "effect/Redacted"
 *
 * Redacted.value(Session.bareToken(Redacted.make("Bearer bearer eyJ…"))) // => "eyJ…"
 * ```
 *
 * @category converting
 * @since 0.1.0
 */
export const bareToken = (token: Redacted.Redacted<string>): Redacted.Redacted<string> => {
  const text: unknown = Redacted.isRedacted(token) ? Redacted.value(token) : undefined
  if (!Predicate.isString(text)) return Redacted.make("")
  if (isBare(text)) return token
  let bare = text
  for (let before: string | undefined; bare !== before;) {
    before = bare
    bare = withoutQuotes(before).replace(/^(?:bearer(?:\s+|$))+/i, "")
  }
  return bare === text ? token : Redacted.make(bare)
}

/**
 * Makes the tokens of a session from values of a broker or another program. Applies `bareToken` to each token. Omits
 * empty tokens other than the access token.
 *
 * @example
 * ```ts
 * import * as Session from "@auth/broker-core/login/Session"
 * import * as Redacted from "effect/Redacted"
 *
 * const tokens = Session.makeTokens({ access: Redacted.make("Bearer eyJ…"), refresh: Redacted.make(" ") })
 * Redacted.value(tokens.access) // => "eyJ…"
 * tokens.refresh // => undefined
 * ```
 *
 * @category constructors
 * @since 0.1.0
 */
export const makeTokens = ({
  access,
  ...given
}: {
  readonly access: Redacted.Redacted<string>
  readonly refresh?: Redacted.Redacted<string> | undefined
  readonly feed?: Redacted.Redacted<string> | undefined
  readonly login?: Redacted.Redacted<string> | undefined
}): Tokens => {
  const tokens: { -readonly [Name in keyof Tokens]: Tokens[Name] } = { access: bareToken(access) }
  for (const name of optionalTokens) {
    const token = given[name] && bareToken(given[name])
    if (token !== undefined && Redacted.value(token) !== "") tokens[name] = token
  }
  return tokens
}

const optionalTokens = ["refresh", "feed", "login"] as const
