/**
 * Defines how a session is renewed. If a `Renewal` has a refresh and a login, the refresh is tried first. If it has
 * neither, a person has to log in.
 *
 * The layer of each login method provides a `Renewal`. The layers of this module replace this `Renewal`.
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
import { type CodeSource, isCodeSource } from "../login/CodeSource.ts"
import { refusalOf } from "./internal/guardNumbers.ts"
import { totpCodeFrom } from "../login/internal/codeSources.ts"
import * as Login from "../login/Login.ts"
import type { LoginProgress } from "./LoginProgress.ts"
import { Refresh } from "../login/Refresh.ts"
import type { Session } from "../login/Session.ts"
import type { StepUp } from "../login/StepUp.ts"

/**
 * The limits of `LoginGuard`, which stops further logins before the broker locks the account.
 *
 * @category models
 * @since 0.1.0
 */
export interface GuardPolicy {
  /**
   * After this number of failed logins within `window`, no further login is sent. `LoginGuard.countedAt` says which
   * logins count. A whole number from 1 to 100. It must be smaller than the number of refused logins that lock the
   * account.
   */
  readonly maxFailures: number
  /** How long a failed login counts towards `maxFailures`. Finite and above zero. */
  readonly window: Duration.Duration
  /** The period of the TOTP codes. At most one login is sent in each period. `undefined` if no TOTP code is sent. */
  readonly step: Duration.Duration | undefined
}

/**
 * Defines how a `SessionManager` renews the session of an account.
 *
 * @category services
 * @since 0.1.0
 */
export class Renewal extends Context.Service<
  Renewal,
  {
    readonly account: Account
    /** Logs in with the credentials, and returns the session. `undefined` if only a person can log in. */
    readonly login: Effect.Effect<Session, AuthError.AuthError> | undefined
    /** Continues a login of several steps from the progress that `LoginProgress.keep` stored. */
    readonly resume?: ((progress: LoginProgress) => Effect.Effect<Session, AuthError.AuthError>) | undefined
    /** Renews a session with one of its tokens. `undefined` if sessions are not renewed in this way. */
    readonly refresh: ((session: Session) => Effect.Effect<Session, AuthError.AuthError>) | undefined
    /** Whether a refresh can also renew a session that has ended at the daily cut-off. Default: `false`. */
    readonly afterCutOff?: boolean | undefined
    /** See `early` of `SessionManager.Options`. If `early` is zero, a session is renewed only after its expiry. */
    readonly early: Duration.Duration
    readonly guard: GuardPolicy
    /** The source of the TOTP codes that `login` sends. `undefined` if `make` received `"totp"` or no `codes`. */
    readonly codes?: CodeSource | undefined
    /** The credentials that `login` sends. They are compared with credentials that the broker accepted or refused. */
    readonly credentials?: Redacted.Redacted<string> | undefined
  }
>()("@auth/broker-core/broker/Renewal") {}

const defaultStep = Duration.seconds(30)

const stepOf = (codes: "totp" | CodeSource | undefined): Duration.Duration | undefined => {
  if (codes === undefined) return undefined
  return (codes === "totp" ? undefined : codes.period) ?? defaultStep
}

/** Shared by all renewals without the option `window`, to save memory. */
const defaultWindow = Duration.hours(24)

const inOneText = (credentials: Readonly<Record<string, unknown>>): Redacted.Redacted<string> => {
  const fields = Object.entries(credentials)
    .map(([name, value]) => [name, Redacted.isRedacted(value) ? Redacted.value(value) : value] as const)
    .filter(([, value]) => Predicate.isString(value))
    .toSorted(([one], [other]) => (one < other ? -1 : 1))
  return Redacted.make(JSON.stringify(fields))
}

/**
 * Makes the renewal of a login method. Fails with `InvalidRequest` if `early`, `maxFailures` or `window` is invalid.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = (options: {
  readonly account: Account
  readonly login?: Effect.Effect<Session, AuthError.AuthError> | undefined
  readonly resume?: ((progress: LoginProgress) => Effect.Effect<Session, AuthError.AuthError>) | undefined
  readonly refresh?: ((session: Session) => Effect.Effect<Session, AuthError.AuthError>) | undefined
  /** Whether a refresh can also renew a session that has ended at the daily cut-off. Default: `false`. */
  readonly afterCutOff?: boolean | undefined
  /** See `early` of `SessionManager.Options`. Default: zero, so a session is renewed only after it has expired. */
  readonly early?: Duration.Input | undefined
  /**
   * After this number of failed logins within `window`, no further login is sent. Default: 2. No broker in this
   * repository is known to lock an account after two refused logins.
   */
  readonly maxFailures?: number | undefined
  /** How long a failed login counts towards `maxFailures`. Default: 24 hours. */
  readonly window?: Duration.Input | undefined
  /**
   * The source of the TOTP codes that `login` sends, or `"totp"` for codes with a period of 30 seconds. At most one
   * login is sent in each period.
   */
  readonly codes?: "totp" | CodeSource | undefined
  /**
   * The credentials that `login` sends, keyed by field. They are compared with credentials that the broker accepted or
   * refused. Default: no credentials are compared.
   */
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
      early: Duration.fromInputUnsafe(options.early ?? Duration.zero),
      guard: {
        maxFailures: options.maxFailures ?? 2,
        window: Duration.fromInputUnsafe(options.window ?? defaultWindow),
        step: stepOf(options.codes)
      },
      ...(isCodeSource(options.codes) ? { codes: options.codes } : {}),
      ...(options.resume === undefined ? {} : { resume: options.resume }),
      ...(options.credentials === undefined ? {} : { credentials: inOneText(options.credentials) })
    })
  })

/**
 * Options that replace the fields of the same names in the broker's description (`Broker`).
 *
 * @category models
 * @since 0.1.0
 */
export interface Options {
  /** See `early` of `SessionManager.Options`. */
  readonly early?: Duration.Input | undefined
  /** After this number of failed logins within `window`, no further login is sent. A whole number from 1 to 100. */
  readonly maxFailures?: number | undefined
  /** How long a failed login counts towards `maxFailures`. */
  readonly window?: Duration.Input | undefined
}

/**
 * Makes the renewal of a login method. By default, `early`, `maxFailures` and `window` come from the broker's
 * description (`Broker`). Fails with `InvalidRequest` if an option is invalid.
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
 *   const byPerson = { ...twoPerDay("No limit is documented"), by: [], when: "A person logs in again in the browser" }
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
    /** Replaces `afterCutOff` of the broker's description. */
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
        what: `Set a source for the broker's one-time codes: ${why}`,
        advice:
          "If the account has TOTP, give the layer the TOTP secret. Otherwise provide Renewal.layerLoginWithStepUp, " +
          "which asks your program for the code. If the program uses Connection.open, set its option `codes` instead."
      })
    )
  )

/**
 * Makes a login that answers the broker's challenge with a TOTP code from `codes`. The login fails with
 * `ActionRequired` in these cases:
 * - `codes` is `undefined`.
 * - In the challenge of an earlier login, TOTP was not the first of the `kinds`.
 * - In the challenge of the current login, TOTP is not the first of the `kinds`.
 *
 * In the first two cases, nothing is sent to the broker. So the broker sends no code by SMS or email.
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
      "the broker requires a code by SMS or email, not a code from an authenticator app"
    )
    if (codes === undefined)
      return unanswerable(account, "without a TOTP secret, the broker sends the codes by SMS or email")
    const answer = (challenge: Challenge) =>
      challenge.kinds[0] === "totp"
        ? Effect.flatMap(totpCodeFrom(account, codes), (code) => verify(challenge, code))
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
 * Renews a session only by a login, even if the broker supports a refresh.
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
 * Renews a session only by a login. If the broker returns a challenge, the challenge is answered once, with the code
 * from `respond`. In a session manager, `respond` must return the code within five minutes.
 *
 * @example
 * ```ts
 * import * as Renewal from "@auth/broker-core/broker/Renewal"
 * import * as MotilalAuth from "@auth/motilal/MotilalAuth"
 * import * as Effect from "effect/Effect"
 * import * as Layer from "effect/Layer"
 * import * as Redacted from "effect/Redacted"
 *
 * // A real program could read the code from a mailbox.
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
 * Renews a session only by a refresh. If the broker refuses the refresh, a person has to log in.
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
 * Renews a session by a refresh. If the broker refuses the refresh, or if no refresh is possible, a login renews the
 * session.
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
