/**
 * Logs in to one account, with the credentials that were given to the broker's layer.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type * as Redacted from "effect/Redacted"
import * as AuthError from "./AuthError.ts"
import { codeFrom } from "./internal/codeSources.ts"
import { asking } from "./internal/loginAttempt.ts"
import type { Challenge } from "./Challenge.ts"
import type { Session } from "./Session.ts"
import { StepUp } from "./StepUp.ts"

/**
 * Result of a login: a session, or a challenge for a one-time code.
 *
 * @category models
 * @since 0.1.0
 */
export type LoginOutcome =
  | { readonly _tag: "Authenticated"; readonly session: Session }
  | { readonly _tag: "StepUpRequired"; readonly challenge: Challenge }

/**
 * Makes the result of a login that has returned a session.
 *
 * @category constructors
 * @since 0.1.0
 */
export const authenticated = (session: Session): LoginOutcome => ({ _tag: "Authenticated", session })

/**
 * Makes the result of a login that needs a one-time code.
 *
 * @category constructors
 * @since 0.1.0
 */
export const stepUpRequired = (challenge: Challenge): LoginOutcome => ({ _tag: "StepUpRequired", challenge })

/**
 * Logs in to one account. A login is sent once, and is never retried automatically.
 *
 * @category services
 * @since 0.1.0
 */
export class Login extends Context.Service<
  Login,
  { readonly login: Effect.Effect<LoginOutcome, AuthError.AuthError> }
>()("@auth/broker-core/login/Login") {}

/**
 * Logs in. Most brokers return a session. Some brokers return a challenge.
 *
 * @category accessors
 * @since 0.1.0
 */
export const login: Effect.Effect<LoginOutcome, AuthError.AuthError, Login> = Effect.flatMap(
  Login,
  (service) => service.login
)

/**
 * Logs in, and returns the session. If the broker returns a challenge, `session` fails with `ActionRequired`. Use
 * `withStepUp` to answer challenges.
 *
 * @example
 * ```ts
 * import * as AngelAuth from "@auth/angel/AngelAuth"
 * import * as FetchClient from "@auth/broker-core/broker/FetchClient"
 * import * as Login from "@auth/broker-core/login/Login"
 * import * as Effect from "effect/Effect"
 * import * as Layer from "effect/Layer"
 *
 * const Angel = AngelAuth.layerConfig().pipe(Layer.provide(FetchClient.layer))
 *
 * const program = Effect.gen(function* () {
 *   const session = yield* Login.session
 *   session.account.broker // => "angel"
 * }).pipe(Effect.provide(Angel))
 * ```
 *
 * @category accessors
 * @since 0.1.0
 */
export const session: Effect.Effect<Session, AuthError.AuthError, Login> = Effect.flatMap(login, (outcome) =>
  outcome._tag === "Authenticated"
    ? Effect.succeed(outcome.session)
    : Effect.fail(
        AuthError.make(
          outcome.challenge.account.broker,
          "login",
          new AuthError.ActionRequired({ what: "Answer the broker's step-up challenge with Login.withStepUp" })
        )
      )
)

/**
 * Logs in. Answers a challenge once, with the code that `respond` returns.
 *
 * @example
 * ```ts
 * import * as CodeSource from "@auth/broker-core/login/CodeSource"
 * import * as Login from "@auth/broker-core/login/Login"
 * import * as Effect from "effect/Effect"
 *
 * // Asks at the terminal for the code that the broker has sent.
 * const session = Effect.gen(function* () {
 *   const codes = yield* CodeSource.prompt
 *   return yield* Login.withStepUp(CodeSource.respond(codes))
 * })
 * ```
 *
 * @category accessors
 * @since 0.1.0
 */
export const withStepUp = <E, R>(
  respond: (challenge: Challenge) => Effect.Effect<Redacted.Redacted<string>, E, R>
): Effect.Effect<Session, AuthError.AuthError | E, Login | StepUp | R> =>
  Effect.flatMap(login, (outcome) =>
    outcome._tag === "Authenticated"
      ? Effect.succeed(outcome.session)
      : Effect.flatMap(asking(codeFrom(outcome.challenge.account, () => respond(outcome.challenge))), (code) =>
          Effect.flatMap(StepUp, (stepUp) => stepUp.verify(outcome.challenge, code))
        )
  )
