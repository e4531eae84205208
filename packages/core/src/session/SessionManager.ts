/**
 * Keeps the session of one account live. The session is stored, so it remains after a restart, and other programs can
 * use it too. If the session must be renewed, one renewal runs for all callers.
 *
 * @since 0.1.0
 */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import type * as Option from "effect/Option"
import * as Scope from "effect/Scope"
import type * as Stream from "effect/Stream"
import type { Account } from "../login/Account.ts"
import type { AuthError } from "../login/AuthError.ts"
import type * as sessionChange from "./internal/sessionChange.ts"
import { close } from "./internal/managerState.ts"
import { open, serviceOf } from "./internal/openManager.ts"
import { found } from "./internal/readyEffect.ts"
import { ManagerOwner } from "./internal/managerOwner.ts"
import type { Logout, LogoutReceipt } from "../login/Logout.ts"
import type { Renewal } from "../broker/Renewal.ts"
import type * as Session from "../login/Session.ts"
import type { SessionLock } from "./SessionLock.ts"
import type { SessionStore } from "./SessionStore.ts"

/**
 * The errors of a session manager: the errors of the broker and the errors of the vault.
 *
 * @category errors
 * @since 0.1.0
 */
export type Failure = sessionChange.Failure

/**
 * A change of the session.
 *
 * @category models
 * @since 0.1.0
 */
export type SessionChange = sessionChange.SessionChange

/**
 * Manages the session of one account. After the manager's scope has closed, every call fails with `InvalidRequest`. If
 * the scope closes while a call waits for a renewal, the call fails in the same way.
 *
 * @category services
 * @since 0.1.0
 */
export class SessionManager extends Context.Service<
  SessionManager,
  {
    readonly account: Account
    /**
     * Returns a live session from memory, otherwise from the store, otherwise from the broker. After a logout by any
     * program, `session` fails with `SessionExpired` (`logged-out`). To get a session again, call `adopt`, `adoptFrom`,
     * or `renew` without an argument. A program that starts after the logout logs in again.
     */
    readonly session: Effect.Effect<Session.Session, Failure>
    /** The cached or stored session, if it is live. Sends nothing to the broker. */
    readonly peek: Effect.Effect<Option.Option<Session.Session>, Failure>
    /**
     * Returns a session other than `rejected`. If another program has already stored a new session, `renew` returns
     * that session. Otherwise, `renew` gets a new session from the broker. Default for `rejected`: the cached session,
     * or the stored session if none is cached. Without `rejected`, `renew` gets a session even after a logout. For some
     * time after a failed renewal, only `renew` without `rejected` starts a renewal.
     */
    readonly renew: (rejected?: Session.Session) => Effect.Effect<Session.Session, Failure>
    /**
     * Runs an effect with a live session. If the effect fails with `SessionExpired` because the broker refused the
     * token, the session is renewed once for all callers. Then:
     *
     * - If every request of the effect is safe to repeat, the effect runs again.
     * - If a request is not safe to repeat, or if `withSession` noticed no request, the effect does not run again.
     *   `withSession` fails with `SessionExpired`, and the next call uses the new session.
     *
     * `withSession` notices only these requests:
     *
     * - Calls of endpoints. A call is safe to repeat if the broker's package marks its endpoint as `safe` (see
     *   `Endpoint`).
     * - Requests of `AuthorizedClient` and `Authorize.request`. A request is safe to repeat if its method is `GET`,
     *   `HEAD` or `OPTIONS`, or if it is marked `replayable`. A request whose body is a stream is never safe to repeat.
     *
     * Inside the effect, send each order as one of these requests. An order that `withSession` does not notice could be
     * placed twice.
     *
     * There are two kinds of effects: effects whose requests are all safe to repeat, and all other effects. If the
     * broker also refuses the new session, `withSession` renews that session only in two cases, because too many logins
     * could lock the account:
     *
     * - The new session is at least ten minutes old.
     * - Another effect of the same kind has already sent requests with the new session and succeeded.
     */
    readonly withSession: <A, E, R>(
      use: (session: Session.Session) => Effect.Effect<A, E, R>
    ) => Effect.Effect<A, E | Failure, R>
    /**
     * Stores a session that the manager did not obtain itself, such as the session of a browser login. If the store
     * fails, `adopt` fails, but later calls of `session` try again to store the session. `adopt` stores nothing and
     * fails with `SessionExpired` (`logged-out`) in two cases:
     *
     * - A logout has already ended the same session object.
     * - `logout` is called in this program while `adopt` runs, before the session is stored.
     */
    readonly adopt: (session: Session.Session) => Effect.Effect<void, Failure>
    /**
     * Runs a login, such as a login in the browser, and stores its session. If this program calls `logout` before the
     * session is stored, `adoptFrom` ends the session at the broker and stores nothing. `adoptFrom` then fails with
     * `SessionExpired` (`logged-out`).
     */
    readonly adoptFrom: <E, R>(
      login: Effect.Effect<Session.Session, E, R>
    ) => Effect.Effect<Session.Session, E | Failure, R>
    /**
     * Ends the session at the broker, and deletes it from memory and from the store. The session is deleted even if the
     * broker's logout call fails. If the session cannot be deleted from the store, `logout` fails with the store's
     * error. A renewal that runs during the logout, in any program, does not bring the session back. If the store is in
     * Redis, other programs notice the logout within a second. With another store, they notice the logout at their next
     * check (see `pollInterval`), or when the broker refuses the token.
     */
    readonly logout: Effect.Effect<LogoutReceipt, Failure>
    /**
     * Records that the broker has accepted an order, or another call that must not be sent twice, with this session. If
     * the broker refuses this session later, the record lets the manager replace the session at once. Without the
     * record, the manager may delay the replacement. `AuthorizedClient` and `withSession` make the record
     * automatically.
     */
    readonly accepted: (session: Session.Session) => void
    /**
     * Returns the cached session without running an effect. `now` is the current time, in milliseconds since the epoch.
     * Returns `undefined` if no session is cached, if the cached session must be renewed, or if the store must be read
     * first.
     */
    readonly freshUnsafe: (now: number) => Exit.Exit<Session.Session> | undefined
    /**
     * The changes of the session that happen after a reader starts the stream. The stream ends when the manager's scope
     * closes. If a reader is more than 256 changes behind, it misses the oldest changes.
     */
    readonly changes: Stream.Stream<SessionChange>
  }
>()("@auth/broker-core/session/SessionManager") {}

/**
 * Options of a session manager.
 *
 * @category models
 * @since 0.1.0
 */
export interface Options {
  /**
   * How long before its expiry a session can be renewed. The renewal becomes due at a random time between `early` and
   * half of `early` before the expiry. The next call of `session` then renews the session. If `early` is longer than
   * half of the session's lifetime, half of the lifetime is used. If `early` is zero, a session is renewed only after
   * its expiry. A session that ends at a daily cut-off is renewed only after the cut-off. Default: the option
   * `renewal.early` of the broker's layer, otherwise the value in the broker's description (`Broker`).
   */
  readonly early?: Duration.Input | undefined
  /**
   * Maximum time that a call of `session` or `withSession` waits for a renewal while the current session is still live.
   * After this time, the call uses the current session. Default: 2 seconds.
   */
  readonly renewalTimeout?: Duration.Input | undefined
  /**
   * When this time has passed since the last check, the next call that uses the cached session checks for newer
   * sessions and logouts by other programs. Default: 30 seconds.
   *
   * If the store reports its changes (see `Changes` of `SessionStore`), a check reads the store only after a change, or
   * if the last read is an hour old. With any other store, each check reads the store.
   */
  readonly pollInterval?: Duration.Input | undefined
}

/**
 * Makes the manager for the account of the broker's layer. Fails with `InvalidRequest` if an option is invalid.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = (
  options: Options = {}
): Effect.Effect<SessionManager["Service"], AuthError, Renewal | Logout | SessionStore | SessionLock | Scope.Scope> =>
  Effect.uninterruptible(
    Effect.gen(function* () {
      const self = yield* open(options, yield* ManagerOwner)
      // `Effect.addFinalizer` is not used, because it retains the context of this fiber for each account.
      yield* Scope.addFinalizerExit(yield* Effect.scope, (exit) => close(self, exit))
      return serviceOf(self)
    })
  )

/**
 * The manager for the account of the broker's layer.
 *
 * @example
 * ```ts
 * import * as AngelAuth from "@auth/angel/AngelAuth"
 * import * as SessionManager from "@auth/broker-core/session/SessionManager"
 * import * as Vault from "@auth/broker-core/session/Vault"
 * import * as Effect from "effect/Effect"
 * import * as FetchHttpClient from "effect/http/FetchHttpClient"
 * import * as Layer from "effect/Layer"
 *
 * const Sessions = SessionManager.layer().pipe(
 *   Layer.provide(AngelAuth.layerConfig()),
 *   Layer.provide([Vault.layerMemory, FetchHttpClient.layer])
 * )
 *
 * const program = Effect.gen(function* () {
 *   const session = yield* SessionManager.session
 *   session.account.broker // => "angel"
 * }).pipe(Effect.provide(Sessions))
 * ```
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = (
  options: Options = {}
): Layer.Layer<SessionManager, AuthError, Renewal | Logout | SessionStore | SessionLock> =>
  Layer.effect(SessionManager, make(options))

/**
 * A live session of the account.
 *
 * @category accessors
 * @since 0.1.0
 */
export const session: Effect.Effect<Session.Session, Failure, SessionManager> = found(
  (fiber) => Context.getOrUndefined(fiber.context, SessionManager)?.session,
  Effect.flatMap(SessionManager, (manager) => manager.session)
)

/**
 * Runs an effect with a live session of the account. If the broker refuses the token, the session is renewed: see
 * `withSession` of the service.
 *
 * @example
 * ```ts
 * import * as AngelApi from "@auth/angel/AngelApi"
 * import * as AngelAuth from "@auth/angel/AngelAuth"
 * import * as SessionManager from "@auth/broker-core/session/SessionManager"
 * import * as Vault from "@auth/broker-core/session/Vault"
 * import * as Effect from "effect/Effect"
 * import * as FetchHttpClient from "effect/http/FetchHttpClient"
 * import * as Layer from "effect/Layer"
 *
 * const Angel = SessionManager.layer().pipe(
 *   Layer.provideMerge(AngelAuth.layerConfig()),
 *   Layer.provide([Vault.layerMemory, FetchHttpClient.layer])
 * )
 *
 * const program = Effect.gen(function* () {
 *   const api = yield* AngelApi.AngelApi
 *   const funds = yield* SessionManager.withSession((session) => api.getRMS(session))
 *   typeof funds.net // => "string"
 * }).pipe(Effect.provide(Angel))
 * ```
 *
 * @category combinators
 * @since 0.1.0
 */
export const withSession = <A, E, R>(
  use: (session: Session.Session) => Effect.Effect<A, E, R>
): Effect.Effect<A, E | Failure, R | SessionManager> =>
  Effect.flatMap(SessionManager, (manager) => manager.withSession(use))

/**
 * Makes a function for programs without Effect. The function returns a promise of a live session. After the manager's
 * scope has closed, each new promise rejects. A `ManagedRuntime` keeps the scope open until `dispose` is called.
 *
 * @example
 * ```ts
 * import * as AngelAuth from "@auth/angel/AngelAuth"
 * import * as SessionManager from "@auth/broker-core/session/SessionManager"
 * import * as Vault from "@auth/broker-core/session/Vault"
 * import * as FetchHttpClient from "effect/http/FetchHttpClient"
 * import * as Layer from "effect/Layer"
 * import * as ManagedRuntime from "effect/ManagedRuntime"
 *
 * const runtime = ManagedRuntime.make(
 *   SessionManager.layer().pipe(
 *     Layer.provide(AngelAuth.layerConfig()),
 *     Layer.provide([Vault.layerMemory, FetchHttpClient.layer])
 *   )
 * )
 * const getSession = await runtime.runPromise(SessionManager.sessionPromise)
 * const session = await getSession()
 * session.account.broker // => "angel"
 * await runtime.dispose()
 * ```
 *
 * @category accessors
 * @since 0.1.0
 */
export const sessionPromise: Effect.Effect<() => Promise<Session.Session>, never, SessionManager> = Effect.gen(
  function* () {
    const { freshUnsafe, session } = yield* SessionManager
    const clock = yield* Clock.Clock
    const run = Effect.runPromiseWith(yield* Effect.context<never>())
    // Callers that wait at the same time share one promise, because a fiber for each caller would cost much more time.
    let pending: Promise<Session.Session> | undefined
    const start = () => {
      let isDone = false
      const end = Effect.sync(() => {
        isDone = true
        pending = undefined
      })
      const promise = run(Effect.ensuring(session, end))
      if (!isDone) pending = promise
      return promise
    }
    let cached: { readonly fresh: Exit.Exit<Session.Session>; readonly promise: Promise<Session.Session> } | undefined
    return () => {
      const fresh = freshUnsafe(clock.currentTimeMillisUnsafe())
      if (fresh !== undefined && fresh === cached?.fresh) return cached.promise
      cached = undefined
      if (fresh === undefined || Exit.isFailure(fresh)) return pending ?? start()
      const promise = Promise.resolve(fresh.value)
      cached = { fresh, promise }
      return promise
    }
  }
)
