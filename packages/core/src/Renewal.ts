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
import type * as Redacted from "effect/Redacted"
import type { Account } from "./Account.ts"
import type { AuthError } from "./AuthError.ts"
import type { Challenge } from "./Challenge.ts"
import * as Login from "./Login.ts"
import { Refresh } from "./Refresh.ts"
import type { Session } from "./Session.ts"
import type { StepUp } from "./StepUp.ts"

/**
 * What keeps an account from being locked.
 *
 * @category models
 * @since 0.1.0
 */
export interface GuardPolicy {
  /** How many refused logins there may be in `within`: fewer than the broker locks the account after. */
  readonly wrongAnswers: number
  /** For how long the broker remembers a refused login. */
  readonly within: Duration.Duration
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
    readonly login: Effect.Effect<Session, AuthError> | undefined
    /** Renews a session without credentials; `undefined` where the broker has no such thing. */
    readonly refresh: ((session: Session) => Effect.Effect<Session, AuthError>) | undefined
    /** How long before its end a session is renewed. Zero where it ends at a daily cut-off. */
    readonly early: Duration.Duration
    readonly guard: GuardPolicy
  }
>()("@auth/broker-core/Renewal") {}

/**
 * Makes the way of a broker's method.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = (options: {
  readonly account: Account
  readonly login?: Effect.Effect<Session, AuthError> | undefined
  readonly refresh?: ((session: Session) => Effect.Effect<Session, AuthError>) | undefined
  /** How long before its end a session is renewed. Not before its end unless said otherwise. */
  readonly early?: Duration.Input | undefined
  /** Refused logins in `within`. 2 unless said otherwise, since no broker here locks an account before the third. */
  readonly wrongAnswers?: number | undefined
  /** For how long the broker remembers a refused login. 24 hours unless said otherwise. */
  readonly within?: Duration.Input | undefined
  /** `"totp"` where a login carries a TOTP code: one login in each period of 30 seconds. */
  readonly codes?: "totp" | undefined
}): Renewal["Service"] => ({
  account: options.account,
  login: options.login,
  refresh: options.refresh,
  early: Duration.fromInputUnsafe(options.early ?? 0),
  guard: {
    wrongAnswers: options.wrongAnswers ?? 2,
    within: Duration.fromInputUnsafe(options.within ?? "24 hours"),
    step: options.codes === "totp" ? Duration.seconds(30) : undefined
  }
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
 * import * as Renewal from "@auth/broker-core/Renewal"
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
  respond: (challenge: Challenge) => Effect.Effect<Redacted.Redacted<string>, AuthError, R>
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
