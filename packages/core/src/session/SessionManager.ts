/**
 * The session of one account, always live: kept over restarts, renewed once however many ask, shared with other
 * programs through the store.
 *
 * @since 0.1.0
 */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Scope from "effect/Scope"
import type * as Stream from "effect/Stream"
import type { Account } from "../login/Account.ts"
import type { AuthError } from "../login/AuthError.ts"
import { bounded } from "./internal/bounded.ts"
import * as durations from "../login/internal/durations.ts"
import type * as sessionChange from "./internal/sessionChange.ts"
import * as Cached from "./internal/cachedSession.ts"
import { adopt } from "./internal/adoption.ts"
import { freshExit, peek, renew, sessionOf } from "./internal/sessionRequests.ts"
import { logout } from "./internal/logout.ts"
import { changes, close, lastAsked, type Self } from "./internal/managerState.ts"
import { found } from "./internal/readyEffect.ts"
import { Tenancy } from "./internal/tenancy.ts"
import { withSession as withSessionOf } from "./internal/sessionUse.ts"
import { Logout, type LogoutReceipt } from "../login/Logout.ts"
import { Profile } from "../login/Profile.ts"
import { Renewal } from "../broker/Renewal.ts"
import type * as Session from "../login/Session.ts"
import { SessionLock } from "./SessionLock.ts"
import { SessionStore } from "./SessionStore.ts"

/**
 * Why there is no session: the broker's or the vault's reason.
 *
 * @category errors
 * @since 0.1.0
 */
export type Failure = Cached.Failure

/**
 * What happened to the session.
 *
 * @category models
 * @since 0.1.0
 */
export type SessionChange = sessionChange.SessionChange

/**
 * Gives the session of one account. It is open as long as the scope of its layer: once that has closed, every call fails
 * with `InvalidRequest`, those that wait at that moment too.
 *
 * @category services
 * @since 0.1.0
 */
export class SessionManager extends Context.Service<
  SessionManager,
  {
    readonly account: Account
    /**
     * A live session: from memory, from the store, or else from the broker. After `logout`, here or in another program,
     * it fails with `SessionExpired` (`logged-out`) until `renew` or `adopt`; a program started later logs in anew.
     */
    readonly session: Effect.Effect<Session.Session, Failure>
    /** The session that is held or stored, if it lives. The broker is not asked. */
    readonly peek: Effect.Effect<Option.Option<Session.Session>, Failure>
    /**
     * Another session than `dead`, or than the one that is held: the one that somebody else got meanwhile, or else a
     * new one from the broker. Without `dead` it logs in again after a logout, and does not wait after a failure.
     */
    readonly renew: (dead?: Session.Session) => Effect.Effect<Session.Session, Failure>
    /**
     * Runs an effect with a live session. If it fails with `SessionExpired` since the broker refuses the token, the
     * session is renewed once, for all callers. The effect runs again only if each request that it had sent is safe to
     * repeat: a call that is marked `safe` in the broker's table, or a `GET`, `HEAD`, `OPTIONS` or `replayable` request of
     * `AuthorizedClient` or `Authorize.request`. Otherwise it fails with `SessionExpired` after the renewal, and the next
     * call has the new session. Requests sent in other ways are not seen: place no orders with them in here. A new
     * token that is refused too is not renewed again for ten minutes.
     */
    readonly withSession: <A, E, R>(
      use: (session: Session.Session) => Effect.Effect<A, E, R>
    ) => Effect.Effect<A, E | Failure, R>
    /** Keeps a session that was got in another way, such as a browser login. */
    readonly adopt: (session: Session.Session) => Effect.Effect<void, Failure>
    /**
     * Ends the session at the broker and forgets it. A pending renewal does not bring it back, here or in another
     * program that shares the store; one that holds the session learns of it when it next looks into the store, or when
     * the broker refuses the token. If the broker's call fails, the session is forgotten all the same.
     */
    readonly logout: Effect.Effect<LogoutReceipt, Failure>
    /**
     * The broker took an order, or another call that must not be sent twice, with this session. A session that replaced a
     * refused one is under suspicion until then. `AuthorizedClient` and `withSession` tell it by themselves.
     */
    readonly accepted: (session: Session.Session) => void
    /** The held session as a value, if it needs no renewal at `now` (milliseconds since the epoch). */
    readonly freshUnsafe: (now: number) => Exit.Exit<Session.Session> | undefined
    /** What happens from now on, until the manager's scope closes. A slow reader misses the oldest changes. */
    readonly changes: Stream.Stream<SessionChange>
  }
>()("@auth/broker-core/session/SessionManager") {}

/**
 * What may be set.
 *
 * @category models
 * @since 0.1.0
 */
export interface Options {
  /** How long before its end a session is renewed, in the place of the broker's own. */
  readonly early?: Duration.Input | undefined
  /**
   * How long an early renewal is waited for before the token that still lives is handed out. 2 seconds unless said
   * otherwise.
   */
  readonly renewalTimeout?: Duration.Input | undefined
  /**
   * How often the store is looked into while a session is held and asked for, to learn of what other programs have done:
   * a newer session, or a logout. 30 seconds unless said otherwise.
   */
  readonly pollInterval?: Duration.Input | undefined
}

/**
 * Makes the manager of the account that the broker's layer is bound to. Options that cannot be meant fail with
 * `InvalidRequest`.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = Effect.fnUntraced(function* (
  options: Options = {}
): Effect.fn.Return<SessionManager["Service"], AuthError, Renewal | Logout | SessionStore | SessionLock | Scope.Scope> {
  const renewal = yield* Renewal
  const { logout: revoke } = yield* Logout
  const { early = renewal.early, pollInterval = "30 seconds", renewalTimeout = "2 seconds" } = options
  const { broker } = renewal.account
  const scope = Scope.makeUnsafe()
  const tenancy = yield* Tenancy
  const self: Self = {
    account: renewal.account,
    renewal,
    revoke,
    store: bounded(yield* SessionStore),
    lock: yield* SessionLock,
    profile: Option.getOrUndefined(yield* Effect.serviceOption(Profile))?.profile,
    scope,
    early: yield* durations.read(broker, "early", early),
    renewalTimeout: yield* durations.read(broker, "renewalTimeout", renewalTimeout),
    pollInterval: Duration.toMillis(yield* durations.read(broker, "pollInterval", pollInterval)),
    state: Cached.makeState(),
    isClosed: false,
    askedAt: yield* Clock.currentTimeMillis,
    tenancy,
    trial: undefined,
    hub: undefined
  }
  if (tenancy !== undefined) tenancy.lastAsked = (now) => lastAsked(self, now)
  yield* Effect.addFinalizer((exit) => Effect.andThen(close(self), Scope.close(scope, exit)))
  return {
    account: self.account,
    session: sessionOf(self),
    peek: peek(self),
    renew: (dead) => renew(self, dead),
    withSession: (use) => withSessionOf(self, use),
    adopt: (given) => adopt(self, given),
    logout: logout(self),
    accepted: (session) => void (self.state.proven = session),
    freshUnsafe: (now) => freshExit(self, now),
    changes: changes(self)
  }
})

/**
 * The manager of the account that the broker's layer is bound to.
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
 * Runs an effect with a live session of the account. If the broker refuses the token, the session is renewed once, and
 * the effect runs again if each request that it had sent is safe to repeat. See `withSession` of the service.
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
 * Gives a function for programs without Effect: a promise of a live session. It costs no fiber while one is held. The
 * promises reject once the manager's scope has closed: a `ManagedRuntime` keeps it open until `dispose`.
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
    // Who asks while another waits gets that one's promise: a fiber each would cost them several times the wait.
    let asked: Promise<Session.Session> | undefined
    const ask = () => {
      let over = false
      const end = Effect.sync(() => {
        over = true
        asked = undefined
      })
      const promise = run(Effect.ensuring(session, end))
      if (!over) asked = promise
      return promise
    }
    // And who asks for a session that is held gets the promise that was given for it before.
    let given: { readonly fresh: Exit.Exit<Session.Session>; readonly promise: Promise<Session.Session> } | undefined
    return () => {
      const fresh = freshUnsafe(clock.currentTimeMillisUnsafe())
      if (fresh !== undefined && fresh === given?.fresh) return given.promise
      given = undefined
      if (fresh === undefined || Exit.isFailure(fresh)) return asked ?? ask()
      const promise = Promise.resolve(fresh.value)
      given = { fresh, promise }
      return promise
    }
  }
)
