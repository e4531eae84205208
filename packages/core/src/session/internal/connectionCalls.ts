import * as Context from "effect/Context"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as HttpClient from "effect/http/HttpClient"
import * as Option from "effect/Option"
import * as Predicate from "effect/Predicate"
import * as Redacted from "effect/Redacted"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import type { Account } from "../../login/Account.ts"
import * as AuthError from "../../login/AuthError.ts"
import type { Authorize } from "../../login/Authorize.ts"
import type { LogoutReceipt } from "../../login/Logout.ts"
import { Profile } from "../../login/Profile.ts"
import { QrLogin, type QrCode } from "../../login/QrLogin.ts"
import { type AuthorizationRequest, RedirectLogin } from "../../login/RedirectLogin.ts"
import { isSession, type Session, type UserProfile } from "../../login/Session.ts"
import { Renewal } from "../../broker/Renewal.ts"
import * as AuthorizedClient from "../AuthorizedClient.ts"
import * as LoginGuard from "../LoginGuard.ts"
import * as SealedRequest from "../SealedRequest.ts"
import * as SessionManager from "../SessionManager.ts"
import { SessionStore } from "../SessionStore.ts"
import { VaultKey } from "../VaultKey.ts"
import { addressOf, holds } from "./argumentChecks.ts"
import * as connectionRun from "./connectionRun.ts"
import * as fetches from "./fetch.ts"
import * as qrSession from "./qrSession.ts"

/**
 * The services that a connection's function `run` provides to its effect.
 *
 * @category models
 * @since 0.1.0
 */
export type ConnectionServices<Services> =
  | Services
  | Authorize
  | SessionManager.SessionManager
  | SessionStore
  | VaultKey
  | HttpClient.HttpClient

/**
 * The events of a connection. The type of each property is the type of the listener's argument.
 *
 * - `renewed`: there is a new session.
 * - `failed`: a renewal failed.
 * - `needs-person`: a renewal failed, and a retry does not help. The error's `remedy` says what a person has to do.
 * - `logged-out`: this program or another program has logged out.
 *
 * @category models
 * @since 0.1.0
 */
export interface Events {
  readonly renewed: Session
  readonly failed: SessionManager.Failure
  readonly "needs-person": SessionManager.Failure
  readonly "logged-out": Account
}

/**
 * A browser login that has begun and is not completed yet.
 *
 * @category models
 * @since 0.1.0
 */
export interface PendingLogin {
  /**
   * The address of the broker's login page. It contains the API key, so do not log it. Open it in the browser, or
   * redirect the browser to it.
   */
  readonly url: Redacted.Redacted<string>
  /** A random text. If the callback contains it, the callback belongs to this login. */
  readonly state: Redacted.Redacted<string>
  /** Where the broker redirects the browser after the login. */
  readonly redirectUrl: string
  /**
   * Encrypts this login, and returns a text for a cookie or a cache. `resumeLogin` continues the login from this text.
   * The text expires after `lifetime`. Default: 10 minutes.
   */
  readonly seal: (options?: { readonly lifetime?: Duration.Input | undefined }) => Promise<string>
  /**
   * Completes the login, and stores the session. `callbackUrl` is the address that the browser was redirected to.
   *
   * If the session cannot be stored, call `complete` again. After a success, each further call fails with
   * `InvalidStepUpCode`. If `logout` is called during `complete`, the new session is ended at the broker. `complete`
   * then fails with `SessionExpired`.
   */
  readonly complete: (callbackUrl: string | URL | Redacted.Redacted<string>) => Promise<Session>
}

/**
 * Options of `loginByQr`.
 *
 * @category models
 * @since 0.1.0
 */
export interface QrOptions {
  /** Shows the QR code to the user. If the QR code expires, the function is called again with a new QR code. */
  readonly show: (code: QrCode) => void | Promise<void>
  /** When this signal is aborted, the login ends. */
  readonly signal?: AbortSignal | undefined
}

/**
 * The functions that a connection has with every login method. They reject with an `AuthError` or a `VaultError`. These
 * errors have `reason`, `message`, `remedy` and `isRetryable`. `call` and `run` also reject with any other error of
 * your effect. If a signal aborts a call, the promise rejects with the signal's reason.
 *
 * @category models
 * @since 0.1.0
 */
export interface Calls<Services> {
  readonly account: Account
  /**
   * Returns a live session. Sources, in this order: memory, the vault, the broker. The tokens are `Redacted`.
   * `Connection.reveal` returns the text of a token.
   */
  readonly session: () => Promise<Session>
  /**
   * Like the standard `fetch`, but adds the session to requests to the broker's origins. Requests to other origins are
   * sent without the session. Redirects from the broker are not followed. A request that gets no answer fails with
   * `BrokerUnavailable`.
   *
   * If the broker refuses the token, the session is renewed once. A `GET`, `HEAD` or `OPTIONS` request is then sent
   * again. Any other request, such as an order, is not sent again, and fails with `SessionExpired`.
   */
  readonly fetch: (input: fetches.FetchInput, init?: fetches.FetchInit) => Promise<Response>
  /**
   * Runs typed calls to the broker with a live session. Example: `call(AngelApi, (api, session) =>
   * api.getRMS(session))`. If the broker refuses the token, the session is renewed once. The calls then run again
   * only if all their requests are safe to repeat.
   */
  readonly call: <Id extends Services, Api, A, E>(
    api: Context.Key<Id, Api>,
    use: (api: Api, session: Session) => Effect.Effect<A, E>
  ) => Promise<A>
  /**
   * Returns a session other than `rejected`. Sources, in this order: memory, the vault, the broker. Default for
   * `rejected`: the current session. Without `rejected`, `renew` gets a session even after a logout.
   */
  readonly renew: (rejected?: Session) => Promise<Session>
  /** Ends the session at the broker, and deletes it from memory and from the vault. */
  readonly logout: () => Promise<LogoutReceipt>
  /**
   * Removes the stored records that can prevent a login:
   *
   * - The failed logins, and the pause after a failed login.
   * - The record that the broker has refused this connection's credentials.
   * - The record that the broker has locked the account.
   *
   * Call this function only after a person has checked or corrected the credentials, or has unlocked the account. To
   * log in at once, call `renew` afterwards. Error messages call this function `LoginGuard.reset`.
   */
  readonly resetLoginGuard: () => Promise<void>
  /**
   * The changes of the session until the connection is closed. Read them in a loop: `for await (const change of
   * connection.changes)`.
   */
  readonly changes: AsyncIterable<SessionManager.SessionChange>
  /** Runs an effect with the services of the connection. */
  readonly run: <A, E>(
    effect: Effect.Effect<A, E, ConnectionServices<Services>>,
    options?: { readonly signal?: AbortSignal | undefined }
  ) => Promise<A>
  /**
   * Calls `listener` each time the event `name` occurs. Errors of the listener are logged. Returns a function that
   * removes the listener.
   */
  readonly on: <Name extends keyof Events>(name: Name, listener: (event: Events[Name]) => void) => () => void
}

/**
 * The additional function of a connection whose layer provides `Profile`.
 *
 * @category models
 * @since 0.1.0
 */
export interface ProfileCalls {
  /** Gets the user's profile from the broker. */
  readonly profile: () => Promise<UserProfile>
}

/**
 * The additional functions of a connection whose login method is a browser login.
 *
 * @category models
 * @since 0.1.0
 */
export interface RedirectCalls {
  /** Begins a browser login. */
  readonly beginLogin: () => Promise<PendingLogin>
  /**
   * Continues a browser login from the text that `seal` returned. The text may come from another process that has the
   * same `VaultKey`.
   */
  readonly resumeLogin: (sealed: string | undefined) => Promise<PendingLogin>
}

/**
 * The additional function of a connection whose login method is a QR login.
 *
 * @category models
 * @since 0.1.0
 */
export interface QrCalls {
  /**
   * Shows a QR code, and replaces it when it expires. After the user has scanned the QR code, the session is stored and
   * returned. Fails with `ChallengeExpired` after five minutes. If `logout` is called during the login, the new session
   * is ended at the broker. `loginByQr` then fails with `SessionExpired`.
   */
  readonly loginByQr: (options: QrOptions) => Promise<Session>
}

/**
 * The functions of a connection whose layer provides the services `Services`.
 *
 * @category models
 * @since 0.1.0
 */
export type CallsOf<Services> = Calls<Services> &
  (Profile extends Services ? ProfileCalls : unknown) &
  (RedirectLogin extends Services ? RedirectCalls : unknown) &
  (QrLogin extends Services ? QrCalls : unknown)

const eventNames: ReadonlyArray<keyof Events> = ["renewed", "failed", "needs-person", "logged-out"]

const eventsOf = (change: SessionManager.SessionChange): Partial<Events> => {
  switch (change._tag) {
    case "LoggedOut":
      return { "logged-out": change.account }
    case "RenewalFailed":
      return change.error.isRetryable
        ? { failed: change.error }
        : { failed: change.error, "needs-person": change.error }
    default:
      return { renewed: change.session }
  }
}

const callListener = <A>(listener: (event: A) => unknown, event: A) =>
  Effect.forkChild(
    Effect.catchCause(
      Effect.promise(() => new Promise((resolve) => resolve(listener(event)))),
      (cause) => Effect.logError("A listener of the connection failed.", cause)
    ),
    { startImmediately: true }
  )

export const fromServices = <Services>(
  services: Context.Context<ConnectionServices<Services>>,
  life: connectionRun.Life
): Effect.Effect<CallsOf<Services>, never, Scope.Scope> =>
  Effect.gen(function* () {
    const all = services as Context.Context<unknown>
    const manager = Context.getUnsafe(all, SessionManager.SessionManager)
    const key = Context.getUnsafe(all, VaultKey)
    const store = Context.getUnsafe(all, SessionStore)
    const { account } = manager
    const { broker } = account
    const client = yield* Effect.provideContext(AuthorizedClient.make, services)
    const getSession = yield* Effect.provideContext(SessionManager.sessionPromise, services)
    const scope = yield* Effect.scope

    const { attempt, reject, run, runLogout, wrong } = connectionRun.make(broker, life, all)
    const requireEffect = <A, E>(effect: Effect.Effect<A, E>): Effect.Effect<A, E | AuthError.AuthError> => {
      if (holds(() => Effect.isEffect(effect))) return effect
      // If `use` is async, `effect` is a promise. Without a handler, its rejection would end the program.
      Promise.resolve(effect).catch(() => undefined)
      return Effect.fail(
        wrong(
          "call",
          "use",
          "does not return an Effect: return the Effect that the API's function returns, and do not use async"
        )
      )
    }
    const pendingLogin = (redirect: RedirectLogin["Service"], request: AuthorizationRequest): PendingLogin => {
      // The session that could not be stored. The next `complete` stores this session, and does not send the callback
      // again.
      let unsaved: Session | undefined
      const complete = (callbackUrl: Redacted.Redacted<string>) =>
        Effect.suspend(() => {
          let session = unsaved
          unsaved = undefined
          const exchange = Effect.tap(
            session === undefined ? redirect.complete(request, callbackUrl) : Effect.succeed(session),
            (got) => Effect.sync(() => (session = got))
          )
          return Effect.tapError(manager.adoptFrom(exchange), (error) =>
            Effect.sync(() => {
              if (!AuthError.isAuthError(error)) unsaved = session
            })
          )
        })
      return {
        ...request,
        seal: (options) =>
          attempt("seal", () => {
            const { lifetime } = { ...options }
            return run("seal", SealedRequest.seal(request, key, { account, lifetime }))
          }),
        complete: (callbackUrl) =>
          attempt("complete", () => {
            const address = addressOf(callbackUrl)
            return address === undefined
              ? reject(
                  "complete",
                  "callbackUrl",
                  "is not an address: pass the address that the browser was redirected to"
                )
              : run("complete", complete(address))
          })
      }
    }

    const profileCalls = (profile: Profile["Service"]): ProfileCalls => ({
      profile: () =>
        run(
          "profile",
          manager.withSession((session) => profile.profile(session))
        )
    })
    const redirectCalls = (redirect: RedirectLogin["Service"]): RedirectCalls => ({
      beginLogin: () =>
        run(
          "begin",
          Effect.map(redirect.begin, (request) => pendingLogin(redirect, request))
        ),
      resumeLogin: (sealed) =>
        run(
          "resume",
          Effect.map(SealedRequest.open(sealed, key, { account }), (request) => pendingLogin(redirect, request))
        )
    })
    const qrCalls = (qr: QrLogin["Service"]): QrCalls => ({
      loginByQr: (options) =>
        attempt("loginByQr", () => {
          const { show, signal } = { ...options }
          if (!Predicate.isFunction(show)) {
            return reject("loginByQr", "show", "is not a function: pass a function that shows the QR code")
          }
          return run("loginByQr", manager.adoptFrom(qrSession.poll(qr, broker, show)), signal)
        })
    })

    const listeners = new Map<keyof Events, Set<(event: never) => void>>()
    let isListening = false
    const listen = () => {
      if (isListening) return
      isListening = true
      const forward = Stream.runForEach(manager.changes, (change) =>
        Effect.forEach(Object.entries(eventsOf(change)), ([name, event]) =>
          Effect.forEach(Array.from(listeners.get(name as keyof Events) ?? []), (listener) =>
            callListener(listener, event as never)
          )
        )
      )
      Effect.runForkWith(all as Context.Context<never>)(Effect.forkIn(forward, scope, { startImmediately: true }))
    }

    const fetch = fetches.make(broker, client, (effect, signal) => run("fetch", effect, signal))
    const calls: Calls<Services> = {
      account,
      session: () => (life.isClosed() ? run("session", manager.session) : getSession()),
      fetch: (input, init) => attempt("fetch", () => fetch(input, init)),
      call: (api, use) =>
        attempt("call", () => {
          const service = Context.isKey(api) ? Context.getOption(all, api) : Option.none()
          if (Option.isNone(service)) {
            return reject("call", "api", "is not a service of the layer: pass a service such as AngelApi.AngelApi")
          }
          if (!Predicate.isFunction(use)) return reject("call", "use", "is not a function")
          return run(
            "call",
            manager.withSession((session) => requireEffect(use(service.value, session)))
          )
        }),
      renew: (rejected) =>
        attempt("renew", () =>
          rejected === undefined || (isSession(rejected) && Redacted.isRedacted({ ...rejected.tokens }.access))
            ? run("renew", manager.renew(rejected))
            : reject("renew", "session", "is not a session: pass the session that session() returned, or nothing")
        ),
      logout: () => runLogout(manager.logout),
      resetLoginGuard: () => {
        const { credentials } = Context.getUnsafe(all, Renewal)
        return run("resetLoginGuard", LoginGuard.make(store).reset(account, { credentials }))
      },
      changes: Stream.toAsyncIterableWith(manager.changes, all as Context.Context<never>),
      run: (effect, options) =>
        attempt("run", () =>
          Effect.isEffect(effect)
            ? run("run", Effect.provideContext(effect, services), options?.signal)
            : reject("run", "effect", "is not an Effect")
        ),
      on: (name, listener) => {
        if (!eventNames.includes(name)) {
          throw wrong("on", "name", `is not the name of an event: use ${eventNames.join(", ")}`)
        }
        if (!Predicate.isFunction(listener)) throw wrong("on", "listener", "is not a function")
        // With a new function for each call of `on`, a listener that is added twice is called twice.
        const registered = (event: never) => listener(event)
        const known = listeners.get(name) ?? new Set()
        listeners.set(name, known.add(registered))
        listen()
        return () => void known.delete(registered)
      }
    }
    const [profile, redirect, qr] = [
      Context.getOrUndefined(all, Profile),
      Context.getOrUndefined(all, RedirectLogin),
      Context.getOrUndefined(all, QrLogin)
    ]
    return {
      ...calls,
      ...(profile !== undefined && profileCalls(profile)),
      ...(redirect !== undefined && redirectCalls(redirect)),
      ...(qr !== undefined && qrCalls(qr))
    } as CallsOf<Services>
  })
