/**
 * How a dead session becomes a live one: a refresh, a login, or a refresh and else a login.
 *
 * Every broker's layer provides the way that suits its method; the layers here choose another.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Predicate from "effect/Predicate"
import * as Redacted from "effect/Redacted"
import * as Ref from "effect/Ref"
import type { Account } from "../login/Account.ts"
import * as AuthError from "../login/AuthError.ts"
import type { Renewal as Description } from "./Broker.ts"
import type { Challenge } from "../login/Challenge.ts"
import type { CodeSource } from "../login/CodeSource.ts"
import { refusalOf } from "./internal/guardNumbers.ts"
import * as Login from "../login/Login.ts"
import type { LoginProgress } from "./LoginProgress.ts"
import { Refresh } from "../login/Refresh.ts"
import type { Session } from "../login/Session.ts"
import type { StepUp } from "../login/StepUp.ts"

/**
 * What keeps an account from being locked.
 *
 * @category models
 * @since 0.1.0
 */
export interface GuardPolicy {
  /** How many refused logins there may be in `window`: fewer than the broker locks the account after, from 1 to 100. */
  readonly maxFailures: number
  /** For how long the broker remembers a refused login: more than nothing, and not for ever. */
  readonly window: Duration.Duration
  /** At most one login in each such span, where a login carries a TOTP code. */
  readonly step: Duration.Duration | undefined
}

/**
 * What a `SessionManager` needs to know of an account and its method.
 *
 * @category services
 * @since 0.1.0
 */
export class Renewal extends Context.Service<
  Renewal,
  {
    readonly account: Account
    /** Gets a session from the credentials; `undefined` where only a person can log in. */
    readonly login: Effect.Effect<Session, AuthError.AuthError> | undefined
    /** Goes on with a login that was kept by `LoginProgress.keep`, where a login has several exchanges. */
    readonly resume?: ((progress: LoginProgress) => Effect.Effect<Session, AuthError.AuthError>) | undefined
    /** Renews a session without credentials; `undefined` where the broker has no such thing. */
    readonly refresh: ((session: Session) => Effect.Effect<Session, AuthError.AuthError>) | undefined
    /** Whether a refresh also renews a session that a daily cut-off has ended. It does not unless this says so. */
    readonly afterCutOff?: boolean | undefined
    /** How long before its end a session is renewed. Zero where it ends at a daily cut-off. */
    readonly early: Duration.Duration
    readonly guard: GuardPolicy
    /** What `login` sends, to know it again after the broker refused or accepted it. */
    readonly credentials?: Redacted.Redacted<string> | undefined
  }
>()("@auth/broker-core/broker/Renewal") {}

const stepOf = (codes: "totp" | CodeSource | undefined): Duration.Duration | undefined => {
  if (codes === undefined) return undefined
  return (codes === "totp" ? undefined : codes.period) ?? Duration.seconds(30)
}

const inOneText = (credentials: Readonly<Record<string, unknown>>): Redacted.Redacted<string> => {
  const fields = Object.entries(credentials)
    .map(([name, value]) => [name, Redacted.isRedacted(value) ? Redacted.value(value) : value] as const)
    .filter(([, value]) => Predicate.isString(value))
    .toSorted(([one], [other]) => (one < other ? -1 : 1))
  return Redacted.make(JSON.stringify(fields))
}

/**
 * Makes the way of a broker's method. Numbers that cannot be fail with `InvalidRequest`.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = (options: {
  readonly account: Account
  readonly login?: Effect.Effect<Session, AuthError.AuthError> | undefined
  readonly resume?: ((progress: LoginProgress) => Effect.Effect<Session, AuthError.AuthError>) | undefined
  readonly refresh?: ((session: Session) => Effect.Effect<Session, AuthError.AuthError>) | undefined
  /** Whether a refresh also renews a session that a daily cut-off has ended. */
  readonly afterCutOff?: boolean | undefined
  /** How long before its end a session is renewed. Not before its end unless said otherwise. */
  readonly early?: Duration.Input | undefined
  /** Refused logins in `window`. 2 unless said otherwise, since no broker here locks an account before the third. */
  readonly maxFailures?: number | undefined
  /** For how long the broker remembers a refused login. 24 hours unless said otherwise. */
  readonly window?: Duration.Input | undefined
  /** Where a login carries a TOTP code, one login is sent in each of its periods: 30 seconds for `"totp"`. */
  readonly codes?: "totp" | CodeSource | undefined
  /** The credentials of `login` by field: text and `Redacted` text count. Default: none are known again. */
  readonly credentials?: Readonly<Record<string, unknown>> | undefined
}): Effect.Effect<Renewal["Service"], AuthError.AuthError> =>
  Effect.suspend(() => {
    const refused = refusalOf(options.account.broker, options)
    if (refused !== undefined) return Effect.fail(refused)
    return Effect.succeed({
      account: options.account,
      login: options.login,
      refresh: options.refresh,
      ...(options.afterCutOff === undefined ? {} : { afterCutOff: options.afterCutOff }),
      early: Duration.fromInputUnsafe(options.early ?? 0),
      guard: {
        maxFailures: options.maxFailures ?? 2,
        window: Duration.fromInputUnsafe(options.window ?? "24 hours"),
        step: stepOf(options.codes)
      },
      ...(options.resume === undefined ? {} : { resume: options.resume }),
      ...(options.credentials === undefined ? {} : { credentials: inOneText(options.credentials) })
    })
  })

/**
 * What a user may set in the place of the broker's descriptor, whose numbers are seldom certain.
 *
 * @category models
 * @since 0.1.0
 */
export interface Options {
  /** How long before its end a session is renewed. */
  readonly early?: Duration.Input | undefined
  /** How many refused logins there may be in `window`: a whole number from 1 to 100. */
  readonly maxFailures?: number | undefined
  /** For how long a refused login counts. */
  readonly window?: Duration.Input | undefined
}

/**
 * The way of a method, with the numbers of its broker's descriptor where the user sets no others. It fails with
 * `InvalidRequest` if what the user sets cannot be.
 *
 * @example
 * ```ts
 * import { twoPerDay } from "@auth/broker-core/broker/Broker"
 * import * as Account from "@auth/broker-core/login/Account"
 * import * as Renewal from "@auth/broker-core/broker/Renewal"
 * import * as Effect from "effect/Effect"
 *
 * const program = Effect.gen(function* () {
 *   const account = Account.make({ broker: "angel", id: "A123456" })
 *   const byPerson = { ...twoPerDay("No lock-out is documented"), by: [], when: "A person logs in by browser again" }
 *   const renewal = yield* Renewal.fromDescription(byPerson, { account })
 *   renewal.guard.maxFailures // => 2
 *   renewal.login // => undefined
 * })
 * ```
 *
 * @category constructors
 * @since 0.1.0
 */
export const fromDescription = (
  description: Description,
  ways: {
    readonly account: Account
    readonly login?: Effect.Effect<Session, AuthError.AuthError> | undefined
    readonly resume?: ((progress: LoginProgress) => Effect.Effect<Session, AuthError.AuthError>) | undefined
    readonly refresh?: ((session: Session) => Effect.Effect<Session, AuthError.AuthError>) | undefined
    /** What the layer was told where the descriptor leaves it open. */
    readonly afterCutOff?: boolean | undefined
    readonly codes?: "totp" | CodeSource | undefined
    readonly credentials?: Readonly<Record<string, unknown>> | undefined
  },
  { early = description.early, window = description.window, maxFailures = description.maxFailures }: Options = {}
): Effect.Effect<Renewal["Service"], AuthError.AuthError> =>
  make({
    afterCutOff: description.afterCutOff,
    codes: description.codes,
    ...ways,
    early,
    maxFailures,
    window
  })

const unanswerable = (account: Account, why: string) =>
  Effect.fail(
    AuthError.make(
      account.broker,
      "login",
      new AuthError.ActionRequired({
        what: `Say where the broker's one-time codes come from: ${why}`,
        advice:
          "Give the layer the TOTP secret if the account has TOTP, or provide Renewal.layerLoginWithStepUp, " +
          "which asks your program for the code."
      })
    )
  )

/**
 * A login that answers its challenge by itself, with the TOTP codes of `codes`, where the broker takes such a code.
 *
 * Where nothing could answer, nothing is sent, since each login has the broker send an SMS that nobody reads: not
 * without `codes`, and not again once the broker has asked for another kind of code. It fails with `ActionRequired` then,
 * which names `layerLoginWithStepUp`.
 *
 * @example
 * ```ts
 * import * as Account from "@auth/broker-core/login/Account"
 * import * as Renewal from "@auth/broker-core/broker/Renewal"
 * import * as Effect from "effect/Effect"
 *
 * const program = Effect.gen(function* () {
 *   const account = Account.make({ broker: "tiny", id: "T1" })
 *   const login = yield* Renewal.answering({ account, login: Effect.never, verify: () => Effect.never, codes: undefined })
 *   const error = yield* Effect.flip(login)
 *   error.reason._tag // => "ActionRequired"
 * })
 * ```
 *
 * @category constructors
 * @since 0.1.0
 */
export const answering = (options: {
  readonly account: Account
  readonly login: Login.Login["Service"]["login"]
  readonly verify: StepUp["Service"]["verify"]
  readonly codes: CodeSource | undefined
}): Effect.Effect<Effect.Effect<Session, AuthError.AuthError>> =>
  Effect.map(Ref.make(false), (refusesTotp) => {
    const { account, codes, login, verify } = options
    const other = unanswerable(
      account,
      "it asks for one that it sends by SMS or mail, not for that of an authenticator"
    )
    if (codes === undefined) return unanswerable(account, "without a TOTP secret it sends one by SMS or mail")
    const answer = (challenge: Challenge) =>
      challenge.kinds[0] === "totp"
        ? Effect.flatMap(codes.code({ account, kind: "totp" }), (code) => verify(challenge, code))
        : Effect.andThen(Ref.set(refusesTotp, true), other)
    return Effect.flatMap(Ref.get(refusesTotp), (refuses) =>
      refuses
        ? other
        : Effect.flatMap(login, (outcome) =>
            outcome._tag === "Authenticated" ? Effect.succeed(outcome.session) : answer(outcome.challenge)
          )
    )
  })

/**
 * Renews by logging in, also where the broker would refresh.
 *
 * @category layers
 * @since 0.1.0
 */
export const layerLogin: Layer.Layer<Renewal, never, Renewal | Login.Login> = Layer.effect(
  Renewal,
  Effect.gen(function* () {
    const own = yield* Renewal
    const login = yield* Login.Login
    return {
      ...own,
      refresh: undefined,
      login: Effect.provideService(Login.session, Login.Login, login)
    }
  })
)

/**
 * Renews by logging in and answering the broker's challenge with what `respond` gives, once.
 *
 * @example
 * ```ts
 * import * as Renewal from "@auth/broker-core/broker/Renewal"
 * import * as MotilalAuth from "@auth/motilal/MotilalAuth"
 * import * as Effect from "effect/Effect"
 * import * as Layer from "effect/Layer"
 * import * as Redacted from "effect/Redacted"
 *
 * // Such as a mailbox that is looked into.
 * const Motilal = Renewal.layerLoginWithStepUp(() => Effect.succeed(Redacted.make("1234"))).pipe(
 *   Layer.provideMerge(MotilalAuth.layerConfig())
 * )
 * ```
 *
 * @category layers
 * @since 0.1.0
 */
export const layerLoginWithStepUp = <R = never>(
  respond: (challenge: Challenge) => Effect.Effect<Redacted.Redacted<string>, AuthError.AuthError, R>
): Layer.Layer<Renewal, never, Renewal | Login.Login | StepUp | R> =>
  Layer.effect(
    Renewal,
    Effect.gen(function* () {
      const own = yield* Renewal
      const context = yield* Effect.context<Login.Login | StepUp | R>()
      return { ...own, refresh: undefined, login: Effect.provideContext(Login.withStepUp(respond), context) }
    })
  )

/**
 * Renews by a refresh alone. When that is refused, a person has to log in.
 *
 * @category layers
 * @since 0.1.0
 */
export const layerRefresh: Layer.Layer<Renewal, never, Renewal | Refresh> = Layer.effect(
  Renewal,
  Effect.gen(function* () {
    const own = yield* Renewal
    const { refresh } = yield* Refresh
    return { ...own, login: undefined, refresh }
  })
)

/**
 * Renews by a refresh, and by a login where that is refused or cannot help.
 *
 * @category layers
 * @since 0.1.0
 */
export const layerRefreshOrLogin: Layer.Layer<Renewal, never, Renewal | Refresh | Login.Login> = Layer.effect(
  Renewal,
  Effect.gen(function* () {
    const own = yield* Renewal
    const { refresh } = yield* Refresh
    const login = yield* Login.Login
    return { ...own, refresh, login: Effect.provideService(Login.session, Login.Login, login) }
  })
)
