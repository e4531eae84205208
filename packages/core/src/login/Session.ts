/**
 * A live session: the tokens of one account, and when they end.
 *
 * @since 0.1.0
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Predicate from "effect/Predicate"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import * as SchemaTransformation from "effect/SchemaTransformation"
import type { Account } from "./Account.ts"
import * as AuthError from "./AuthError.ts"
import type { Expiry, ExpirySource } from "./Expiry.ts"
import { Departure } from "./internal/departure.ts"
import { headerProblem, unsendable } from "./internal/headerText.ts"

const TypeId = "~@auth/broker-core/login/Session"

/**
 * The secrets of a session. Every broker has an access token; the others are what this broker gives beside it.
 *
 * @category models
 * @since 0.1.0
 */
export interface Tokens {
  readonly access: Redacted.Redacted<string>
  /** Renews the session without a login, where the broker allows that. */
  readonly refresh?: Redacted.Redacted<string>
  /** Opens the market feed. */
  readonly feed?: Redacted.Redacted<string>
  /** The first of two tokens, at brokers whose access token comes by a second exchange. */
  readonly login?: Redacted.Redacted<string>
}

/**
 * What a broker says about the account's holder. Only `id` is always there.
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
  /** What only this broker tells, such as `passwordChangeDue`. */
  readonly flags?: Readonly<Record<string, string | boolean>>
}

/**
 * A profile from what a broker told. Fields that are `undefined` are left out, and so are flags.
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
 * A live session. It cannot exist without an access token.
 *
 * @category models
 * @since 0.1.0
 */
export interface Session {
  readonly [TypeId]: typeof TypeId
  readonly account: Account
  /** The method that made it, an id of the broker's descriptor: `"totp"`. */
  readonly method: string
  readonly tokens: Tokens
  /** Milliseconds since the epoch. */
  readonly issuedAt: number
  /** Milliseconds since the epoch; `undefined` if the broker does not let it be known. */
  readonly expiresAt: number | undefined
  readonly expirySource: ExpirySource
  /** What the login told of the holder. */
  readonly profile: UserProfile | undefined
}

class SessionImpl implements Session {
  readonly [TypeId] = TypeId
  readonly account: Account
  readonly method: string
  readonly tokens: Tokens
  readonly issuedAt: number
  readonly expiresAt: number | undefined
  readonly expirySource: ExpirySource
  readonly profile: UserProfile | undefined
  constructor(fields: Omit<Session, typeof TypeId>) {
    this.account = fields.account
    this.method = fields.method
    this.tokens = fields.tokens
    this.issuedAt = fields.issuedAt
    this.expiresAt = fields.expiresAt
    this.expirySource = fields.expirySource
    this.profile = fields.profile
  }
}

/**
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
  readonly profile?: UserProfile | undefined
}): Session => {
  const end = options.expiry({
    issuedAt: options.issuedAt,
    accessToken: options.tokens.access,
    expiresIn: options.expiresIn
  })
  return new SessionImpl({
    account: options.account,
    method: options.method,
    tokens: options.tokens,
    issuedAt: options.issuedAt,
    expiresAt: end?.at,
    expirySource: end?.source ?? "unknown",
    profile: options.profile
  })
}

/**
 * What a call that issues tokens came to.
 *
 * @category models
 * @since 0.1.0
 */
export interface Issue {
  /** The account, where it is the broker who says which one has logged in. */
  readonly account?: Account
  readonly tokens: Tokens
  readonly expiresIn?: Parameters<Expiry>[0]["expiresIn"]
  readonly profile?: UserProfile | undefined
}

/**
 * Runs a call, and tells when its first request left, in milliseconds since the epoch: the wait for a rate limit is
 * over then. If nothing is sent, it is when the call began.
 *
 * @category combinators
 * @since 0.1.0
 */
export const withDeparture = <A, E, R>(call: Effect.Effect<A, E, R>): Effect.Effect<readonly [A, number], E, R> =>
  Effect.flatMap(Effect.all([Clock.currentTimeMillis, Departure]), ([began, outer]) => {
    const departure: Departure = { at: undefined }
    return Effect.map(Effect.provideService(call, Departure, departure), (value) => {
      if (outer !== undefined) {
        outer.at ??= departure.at
        outer.date = departure.date ?? outer.date
        outer.answeredAt = departure.answeredAt ?? outer.answeredAt
      }
      return [value, departure.at ?? began] as const
    })
  })

/**
 * Runs a call that issues tokens, and makes the session. Its life is counted from when the request leaves: a token
 * issued just before a cut-off must not be taken for one of the day after, nor one that a rate limit kept until after it
 * for one of the day before.
 *
 * @category constructors
 * @since 0.1.0
 */
export const issue = <E, R>(
  fields: { readonly account: Account; readonly method: string; readonly expiry: Expiry },
  call: Effect.Effect<Issue, E, R>
): Effect.Effect<Session, E, R> =>
  Effect.map(withDeparture(call), ([issued, issuedAt]) => make({ ...fields, ...issued, issuedAt }))

/**
 * Whether the session is over at `now`. One whose end is unknown is not: the broker will say so.
 *
 * @category predicates
 * @since 0.1.0
 */
export const isExpired = (session: Session, now: number): boolean =>
  session.expiresAt !== undefined && now >= session.expiresAt

/**
 * The session without its refresh token: the broker has refused that one.
 *
 * @category converting
 * @since 0.1.0
 */
export const withoutRefreshToken = (session: Session): Session => {
  const { refresh: _, ...tokens } = session.tokens
  return new SessionImpl({ ...session, tokens })
}

/**
 * The session with an unknown end: the broker accepts its token although that is over by its own word.
 *
 * @category converting
 * @since 0.1.0
 */
export const withUnknownEnd = (session: Session): Session =>
  new SessionImpl({ ...session, expiresAt: undefined, expirySource: "unknown" })

/**
 * What a call needs of a session.
 *
 * @category models
 * @since 0.1.0
 */
export type Authorized = Pick<Session, "account" | "tokens">

/**
 * The account and the tokens for a call. A program without types may give no session at all: then there are none, and
 * the call fails with `SessionExpired` before anything is sent.
 *
 * @category converting
 * @since 0.1.0
 */
export const authorizedBy = (session: Authorized): { readonly account: string; readonly tokens: Tokens } => {
  const { account, tokens } = { ...session }
  return { account: { ...account }.id, tokens }
}

/**
 * The session, if it is one: what a program without types gives may not be. It fails with `SessionExpired` (`missing`)
 * then, and with `InvalidRequest` if a token has a character that no header can carry.
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
  if (!Predicate.isObject(account) || !Redacted.isRedacted({ ...tokens }.access)) {
    return Effect.fail(AuthError.make(broker, operation, new AuthError.SessionExpired({ why: "missing" })))
  }
  const field = unsendable(tokens)
  return field === undefined
    ? Effect.succeed(session)
    : Effect.fail(AuthError.invalidRequest(broker, operation, field, headerProblem))
}

/**
 * A token without the `Bearer ` prefixes that other programs store it with, however many there are.
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
export const bareToken = (token: Redacted.Redacted<string>): Redacted.Redacted<string> =>
  Redacted.make(
    Redacted.value(token)
      .trim()
      .replace(/^(?:bearer\s+)+/i, "")
  )

/**
 * Tokens as a broker or another program gives them, without `Bearer ` prefixes. A blank token counts as absent.
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
  const others: Record<string, Redacted.Redacted<string>> = {}
  for (const [name, token] of Object.entries(given)) {
    const bare = token && bareToken(token)
    if (bare !== undefined && Redacted.value(bare) !== "") others[name] = bare
  }
  return { access: bareToken(access), ...others }
}

const Secret = Schema.RedactedFromValue(Schema.NonEmptyString)

const Encoded = Schema.Struct({
  account: Schema.Struct({
    broker: Schema.String,
    environment: Schema.String,
    app: Schema.String,
    id: Schema.String
  }),
  method: Schema.String,
  tokens: Schema.Struct({
    access: Secret,
    refresh: Schema.optionalKey(Secret),
    feed: Schema.optionalKey(Secret),
    login: Schema.optionalKey(Secret)
  }),
  issuedAt: Schema.Finite,
  expiresAt: Schema.optional(Schema.Finite),
  expirySource: Schema.Literals(["jwt", "expires-in", "daily-cut-off", "lifetime", "unknown"]),
  profile: Schema.optional(
    Schema.Struct({
      id: Schema.String,
      name: Schema.optionalKey(Schema.String),
      email: Schema.optionalKey(Schema.String),
      mobile: Schema.optionalKey(Schema.String),
      exchanges: Schema.optionalKey(Schema.Array(Schema.String)),
      products: Schema.optionalKey(Schema.Array(Schema.String)),
      flags: Schema.optionalKey(Schema.Record(Schema.String, Schema.Union([Schema.String, Schema.Boolean])))
    })
  )
})

/**
 * A session as JSON and back. The JSON holds the tokens in clear: it is for a store that encrypts.
 *
 * @category schemas
 * @since 0.1.0
 */
export const SessionFromJson: Schema.Codec<Session, string> = Schema.fromJsonString(
  Encoded.pipe(
    Schema.decodeTo(
      Schema.declare(isSession, { expected: "Session" }),
      SchemaTransformation.transform({
        decode: (fields) => new SessionImpl({ ...fields, expiresAt: fields.expiresAt, profile: fields.profile }),
        encode: ({ account, expiresAt, expirySource, issuedAt, method, profile, tokens }) => ({
          account,
          method,
          tokens,
          issuedAt,
          expiresAt,
          expirySource,
          profile
        })
      })
    )
  )
)
