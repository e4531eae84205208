/**
 * Session managers for many accounts. Each manager is built when it is first used. With `warm`, a program can log in to
 * all accounts before the market opens.
 *
 * @since 0.1.0
 */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Cause from "effect/Cause"
import * as Random from "effect/Random"
import * as Result from "effect/Result"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import * as AuthError from "../login/AuthError.ts"
import * as Problems from "../broker/internal/problems.ts"
import { delegating } from "./internal/readyEffect.ts"
import { ManagerOwner } from "./internal/managerOwner.ts"
import { close as closeManager, lastUsed, type Self } from "./internal/managerState.ts"
import { open, serviceOf } from "./internal/openManager.ts"
import { sessionOf as sessionOfManager } from "./internal/sessionRequests.ts"
import type { Logout } from "../login/Logout.ts"
import type { Renewal } from "../broker/Renewal.ts"
import type { Session } from "../login/Session.ts"
import type { SessionLock } from "./SessionLock.ts"
import * as SessionManager from "./SessionManager.ts"
import type { SessionStore } from "./SessionStore.ts"

/**
 * What `warm` yields for each account: the result of the account, and the progress over all accounts.
 *
 * @category models
 * @since 0.1.0
 */
export interface Progress<E = never> {
  /** Your name for the account. */
  readonly name: string
  /** The account's session, or the reason why it could not be obtained. */
  readonly outcome: Exit.Exit<Session, E | SessionManager.Failure>
  /** Number of accounts that have a result so far, including this account. */
  readonly done: number
  /** Number of accounts that have failed so far. */
  readonly failed: number
  readonly total: number
}

/**
 * Options of `warm`.
 *
 * @category models
 * @since 0.1.0
 */
export interface WarmOptions {
  /** Maximum number of accounts that log in at the same time. Default: 32. */
  readonly concurrency?: number | undefined
  /** Maximum random delay before `warm` requests the session of an account. Default: 250 milliseconds. */
  readonly jitter?: Duration.Input | undefined
  /**
   * Maximum number of accounts that `warm` starts per second, over all brokers. Default: no limit. Each broker's rate
   * limits apply in addition. With a limit, brokers' firewalls are less likely to block your IP address.
   */
  readonly perSecond?: number | undefined
  /**
   * Time-out for one account. Default: 2 minutes. After this time, the account fails with `BrokerUnavailable`
   * (`time-out`), and the next account starts. The login continues in the background.
   */
  readonly timeout?: Duration.Input | undefined
}

/**
 * Options of `make`. `early`, `renewalTimeout` and `pollInterval` apply to the `SessionManager` of each account.
 *
 * @category models
 * @since 0.1.0
 */
export interface Options extends SessionManager.Options {
  /**
   * An account that is not used for this time is closed. Its stored session is kept, and the next call opens the
   * account again. Closing may be delayed by up to one `pollInterval` plus a quarter of `idle`. Minimum: 1 second.
   * Default: accounts stay open.
   */
  readonly idle?: Duration.Input | undefined
}

/**
 * The services that every layer in the union `Layers` provides.
 *
 * @category models
 * @since 0.1.0
 */
export type Common<Layers extends Layer.Any, Service = Layer.Success<Layers>> = Service extends unknown
  ? [LayersWithout<Layers, Service>] extends [never]
    ? Service
    : never
  : never

type LayersWithout<Layers extends Layer.Any, Service> = Layers extends unknown
  ? Service extends Layer.Success<Layers>
    ? never
    : Layers
  : never

/**
 * Session managers, keyed by your names for the accounts.
 *
 * @category models
 * @since 0.1.0
 */
export interface SessionManagers<in out Services, in out E = never> {
  /**
   * Returns the services of the account, including its `SessionManager`. The first call builds them. If the build
   * fails, the next call tries again.
   */
  readonly services: (
    name: string
  ) => Effect.Effect<Context.Context<Services | SessionManager.SessionManager>, E | AuthError.AuthError>
  /**
   * Returns the manager of the account. Do not keep the manager, because `invalidate` and `idle` close it.
   */
  readonly manager: (name: string) => Effect.Effect<SessionManager.SessionManager["Service"], E | AuthError.AuthError>
  /**
   * Gets a live session of the account. You may keep the returned effect. Each run uses the manager that is open at
   * that time.
   */
  readonly session: (name: string) => Effect.Effect<Session, E | SessionManager.Failure>
  /**
   * Closes the account, for example after its credentials were corrected. The next call for the account calls `lookup`
   * of `make` again. Waiting calls, and later calls to the closed manager, fail with `InvalidRequest`. The stored
   * session stays valid. To end the stored session, log out before you call `invalidate`.
   */
  readonly invalidate: (name: string) => Effect.Effect<void>
  /**
   * Gets a session for each account, and emits each result as soon as it is known. If an account fails or times out,
   * `warm` continues with the other accounts. If an argument is invalid, the stream fails with `InvalidRequest` before
   * any account starts.
   */
  readonly warm: (names: Iterable<string>, options?: WarmOptions) => Stream.Stream<Progress<E>, AuthError.AuthError>
}

interface Ready<Services> {
  readonly name: string
  readonly scope: Scope.Closeable
  readonly self: Self
  readonly session: Effect.Effect<Session, SessionManager.Failure>
  /** The map in the layer's `Context`. The `Context` itself is not kept, to save memory. */
  readonly layerServices: ReadonlyMap<string, unknown>
  /** Made at the first call of `manager` or `services`. */
  manager: SessionManager.SessionManager["Service"] | undefined
  /** Made at the first call of `services`. */
  services: Context.Context<Services | SessionManager.SessionManager> | undefined
  /**
   * Whether `get` has returned this account since the last check for unused accounts. `session` does not call `get` for
   * an open account, so the check also calls `lastUsed`.
   */
  isUsed: boolean
  /** Time of the last check at which `isUsed` was true, in milliseconds since the epoch. */
  usedAt: number
}

/** An account that is being built: first its layer, then its manager. */
interface Attempt<Services, E> {
  readonly end: Deferred.Deferred<Ready<Services>, E | AuthError.AuthError>
  readonly scope: Scope.Closeable
  /** The manager's state. `undefined` until the manager is opened. */
  self: Self | undefined
  fiber: Fiber.Fiber<Ready<Services>, E | AuthError.AuthError> | undefined
}

const invalidatedReason = new AuthError.InvalidRequest({
  problems: [{ field: "account", problem: "was closed by SessionManagers.invalidate" }],
  advice: "Get the account from SessionManagers again. SessionManagers then builds the account again."
})

const idleReason = new AuthError.InvalidRequest({
  problems: [{ field: "account", problem: "was closed after its idle time" }],
  advice: "Get the manager from SessionManagers each time instead of keeping it."
})

const closedReason = new AuthError.InvalidRequest({
  problems: [{ field: "SessionManagers", problem: "is closed: its scope has ended" }],
  advice: "Keep the scope open as long as sessions are needed."
})

/** The layer is closed even if closing the manager fails with a defect. */
const closeParts = (
  { scope, self }: Pick<Attempt<never, never>, "scope" | "self">,
  exit: Exit.Exit<unknown, unknown>
): Effect.Effect<void> =>
  Effect.onExit(self === undefined ? Effect.void : closeManager(self, exit), () => Scope.close(scope, exit))

/** The broker's name in errors if no broker is known. */
const noBroker = "accounts"

const readIdle = (idle: Duration.Input) => {
  const refused = Problems.refusal(noBroker, "configuration", [
    ["idle", Problems.ofDuration(idle, Duration.seconds(1))]
  ])
  return refused === undefined ? Effect.succeed(Duration.toMillis(idle)) : Effect.fail(refused)
}

/** Rejects a string, because a loop over a string yields its characters, not names. */
const isNames = (names: unknown): names is Iterable<string> =>
  typeof names === "object" && names !== null && Symbol.iterator in names

const readWarm = (
  names: Iterable<string>,
  { concurrency = 32, jitter = "250 millis", perSecond, timeout = "2 minutes" }: WarmOptions
) => {
  // A program in plain JavaScript can pass a value that throws when it is read.
  const all = Result.getOrUndefined(Result.try(() => (isNames(names) ? Array.from(new Set(names)) : undefined)))
  const isRate = perSecond === undefined || (Number.isFinite(perSecond) && perSecond > 0)
  const refused = Problems.refusal(noBroker, "warm", [
    ["names", all?.every((name) => typeof name === "string") ? undefined : "is not a list of names"],
    ["concurrency", Problems.ofCount(concurrency)],
    ["jitter", Problems.ofDuration(jitter, Duration.zero)],
    ["perSecond", isRate ? undefined : "is not a number above zero"],
    ["timeout", Problems.ofDuration(timeout, Duration.millis(1))]
  ])
  return refused === undefined
    ? Effect.succeed({ all: all ?? [], concurrency, perSecond, timeout, jitter: Duration.toMillis(jitter) })
    : Effect.fail(refused)
}

/**
 * Makes the managers. `lookup` returns the broker's layer for the name of an account. Each account has its own layer,
 * with its own rate limits. `make` fails with `InvalidRequest` if `idle` is invalid.
 *
 * An account takes about 1 kB of heap, plus its session and the state of its layer. The first call of `manager` or
 * `services` for the account adds another kilobyte. `idle` and `invalidate` free all memory of an account.
 *
 * @example
 * ```ts
 * import * as AngelAuth from "@auth/angel/AngelAuth"
 * import * as SessionManagers from "@auth/broker-core/session/SessionManagers"
 * import * as Vault from "@auth/broker-core/session/Vault"
 * import * as Console from "effect/Console"
 * import * as Effect from "effect/Effect"
 * import * as FetchHttpClient from "effect/http/FetchHttpClient"
 * import * as Layer from "effect/Layer"
 * import * as Redacted from "effect/Redacted"
 * import * as Stream from "effect/Stream"
 *
 * const program = Effect.gen(function* () {
 *   const accounts = yield* SessionManagers.make((name) =>
 *     AngelAuth.layer({
 *       credentials: {
 *         clientCode: name,
 *         pin: Redacted.make("4711"),
 *         apiKey: Redacted.make("demoTrd1"),
 *         totp: Redacted.make("JBSW Y3DP EHPK 3PXP JBSW Y3DP EHPK 3PXP")
 *       }
 *     })
 *   )
 *   yield* Stream.runForEach(accounts.warm(["A123456"]), ({ done, failed, total }) =>
 *     Console.log(`${done} of ${total} accounts are ready, ${failed} failed`)
 *   )
 *   const session = yield* accounts.session("A123456")
 *   session.account.id // => "A123456"
 * }).pipe(Effect.scoped, Effect.provide(Layer.merge(Vault.layerMemory, FetchHttpClient.layer)))
 * ```
 *
 * @category constructors
 * @since 0.1.0
 */
export const make: <Layers extends Layer.Layer<Renewal | Logout, unknown, unknown>>(
  lookup: (name: string) => Layers,
  options?: Options
) => Effect.Effect<
  SessionManagers<Common<Layers>, Layer.Error<Layers>>,
  AuthError.AuthError,
  Layer.Services<Layers> | SessionStore | SessionLock | Scope.Scope
> = (lookup, options) =>
  // The compiler cannot prove that each layer provides `Common<Layers>`.
  makeOf(lookup as never, options)

const makeOf = Effect.fnUntraced(function* <Services, E, R>(
  lookup: (name: string) => Layer.Layer<Services | Renewal | Logout, E, R>,
  { idle, ...options }: Options = {}
): Effect.fn.Return<SessionManagers<Services, E>, AuthError.AuthError, R | SessionStore | SessionLock | Scope.Scope> {
  const idleMillis = idle === undefined ? undefined : yield* readIdle(idle)
  const scope = yield* Effect.scope
  const owner = yield* ManagerOwner
  const context = yield* Effect.context<R | SessionStore | SessionLock>()
  const memoMap = Layer.CurrentMemoMap.forkOrCreate(context)
  // Effect's `LayerMap` is not used. It keeps failures forever, and makes a scope for each lookup, which is too slow.
  const ready = new Map<string, Ready<Services>>()
  const building = new Map<string, Attempt<Services, E>>()

  // The scope interrupts unfinished builds of layers before it runs this finalizer.
  yield* Scope.addFinalizerExit(scope, (exit) =>
    Effect.forEach(Array.from(ready.values()).toReversed(), (account) => Effect.exit(closeParts(account, exit))).pipe(
      // Every account is closed, even if closing another account fails with a defect.
      Effect.flatMap(Exit.asVoidAll)
    )
  )

  const closed = Effect.suspend(() =>
    Effect.fail(AuthError.make(noBroker, "session", owner?.closedBecause ?? closedReason))
  )

  const toReady = (
    name: string,
    services: Context.Context<Services>,
    scope: Scope.Closeable,
    self: Self
  ): Ready<Services> => ({
    name,
    scope,
    self,
    session: sessionOfManager(self),
    layerServices: services.mapUnsafe,
    manager: undefined,
    services: undefined,
    isUsed: true,
    usedAt: -1
  })

  const sessionOf = delegating(({ name, self, session }: Ready<Services>) =>
    self.owner?.closedBecause === undefined ? session : sessionNow(name)
  )

  /** If the build fails, the resources of the attempt are released. The next attempt acquires new resources. */
  const build = (name: string, attempt: Attempt<Services, E>) =>
    Effect.suspend(() => Layer.buildWithMemoMap(lookup(name), memoMap, attempt.scope)).pipe(
      Effect.provideContext(context),
      Effect.flatMap((services) =>
        Effect.map(openManager(services, attempt), (self) => toReady(name, services, attempt.scope, self))
      ),
      Effect.onExit((exit) => (Exit.isSuccess(exit) ? Effect.void : closeParts(attempt, exit)))
    )

  /** Opens the manager directly, because `SessionManager.layer` would need more memory. */
  const openManager = (services: Context.Context<Services | Renewal | Logout>, attempt: Attempt<Services, E>) =>
    Effect.uninterruptible(
      Effect.map(Effect.provideContext(open(options, owner), Context.merge(context, services)), (self) => {
        attempt.self = self
        return self
      })
    )

  /** If the callers are interrupted, the build continues. */
  const startBuild = (name: string) =>
    Effect.uninterruptible(
      Effect.suspend(() => {
        if (scope.state._tag === "Closed") return closed
        const attempt: Attempt<Services, E> = {
          end: Deferred.makeUnsafe(),
          scope: Scope.makeUnsafe(),
          self: undefined,
          fiber: undefined
        }
        building.set(name, attempt)
        return Effect.map(Effect.forkIn(build(name, attempt), scope, { startImmediately: true }), (fiber) => {
          attempt.fiber = fiber
          fiber.addObserver((exit) => {
            if (building.get(name) === attempt) {
              building.delete(name)
              if (Exit.isSuccess(exit)) ready.set(name, exit.value)
            }
            Deferred.doneUnsafe(attempt.end, Exit.hasInterrupts(exit) ? closed : exit)
          })
          return attempt.end
        })
      })
    )

  const get = (name: string): Effect.Effect<Ready<Services>, E | AuthError.AuthError> =>
    Effect.suspend(() => {
      if (scope.state._tag === "Closed") return closed
      const known = ready.get(name)
      if (known !== undefined) {
        known.isUsed = true
        return Effect.succeed(known)
      }
      const attempt = building.get(name)
      return attempt === undefined ? Effect.flatMap(startBuild(name), Deferred.await) : Deferred.await(attempt.end)
    })

  const services = (name: string) =>
    Effect.map(get(name), (account) => {
      account.services ??= Context.add(
        Context.makeUnsafe<Services>(account.layerServices),
        SessionManager.SessionManager,
        managerOf(account)
      )
      return account.services
    })

  const managerOf = (account: Ready<Services>): SessionManager.SessionManager["Service"] =>
    (account.manager ??= serviceOf(account.self, account.session))

  const manager = (name: string) => Effect.map(get(name), managerOf)

  const session = (name: string): Effect.Effect<Session, E | SessionManager.Failure> => {
    const account = ready.get(name)
    return account === undefined ? sessionNow(name) : sessionOf(account)
  }

  const sessionNow = (name: string): Effect.Effect<Session, E | SessionManager.Failure> =>
    Effect.flatMap(get(name), (account) => account.session)

  /** The account is first removed from both maps, so that a call during the closing builds the account again. */
  const close = (name: string, because: AuthError.Reason) =>
    Effect.uninterruptible(
      Effect.suspend(() => {
        const attempt = building.get(name)
        const account = attempt ?? ready.get(name)
        if (account === undefined) return Effect.void
        building.delete(name)
        ready.delete(name)
        if (account.self !== undefined) account.self.owner = { closedBecause: because }
        if (attempt !== undefined)
          Deferred.doneUnsafe(attempt.end, Effect.fail(AuthError.make(noBroker, "session", because)))
        const stopped = attempt?.fiber === undefined ? Effect.void : Fiber.interrupt(attempt.fiber)
        return Effect.andThen(
          stopped,
          Effect.suspend(() => closeParts(account, Exit.void))
        )
      })
    )

  const invalidate = (name: string) => close(name, invalidatedReason)

  const closeIdle = (idleFor: number) =>
    Effect.flatMap(Clock.currentTimeMillis, (now) => {
      const names: Array<string> = []
      for (const [name, account] of ready) {
        if (account.isUsed) {
          account.isUsed = false
          account.usedAt = now
        }
        if (now - Math.max(account.usedAt, lastUsed(account.self, now)) >= idleFor) names.push(name)
      }
      // Each account is closed in its own fiber, so that a slow account does not delay the others.
      return Effect.forEach(names, (name) => Effect.forkIn(close(name, idleReason), scope), { discard: true })
    })

  if (idleMillis !== undefined) {
    yield* Effect.forkIn(
      Effect.forever(Effect.andThen(Effect.sleep(Duration.millis(idleMillis / 4)), closeIdle(idleMillis))),
      scope
    )
  }

  const tooLong = (name: string) =>
    Effect.suspend(() => {
      const reason = new AuthError.BrokerUnavailable({
        why: "time-out",
        advice:
          "The login continues in the background. Ask for the session again in a minute. Meanwhile, check the network and the vault."
      })
      return Effect.fail(AuthError.make(ready.get(name)?.self.account.broker ?? noBroker, "warm", reason))
    })

  const warm: SessionManagers<Services, E>["warm"] = (names, warmOptions = {}) => {
    const warming = Effect.gen(function* () {
      const { all, concurrency, jitter, perSecond, timeout } = yield* readWarm(names, warmOptions)
      const total = all.length
      const gap = perSecond === undefined ? 0 : 1000 / perSecond
      let next = 0
      const turn = Effect.gen(function* () {
        const now = yield* Clock.currentTimeMillis
        const start = Math.max(now, next)
        next = start + gap
        yield* Effect.sleep(Duration.millis(start - now + (yield* Random.next) * jitter))
      })
      const inTime = (name: string) =>
        Effect.timeoutOrElse(session(name), { duration: timeout, orElse: () => tooLong(name) })
      return Stream.fromIterable(all).pipe(
        Stream.mapEffect(
          (name) => Effect.map(Effect.exit(Effect.andThen(turn, inTime(name))), (outcome) => ({ name, outcome })),
          { concurrency, unordered: true }
        ),
        Stream.mapAccum(
          () => ({ done: 0, failed: 0 }),
          (before, { name, outcome }) => {
            const after = {
              done: before.done + 1,
              failed: before.failed + (Exit.isFailure(outcome) ? 1 : 0)
            }
            return [after, [{ name, outcome, total, ...after }]] as const
          }
        )
      )
    })
    return Stream.unwrap(warming)
  }

  return { services, manager, session, invalidate, warm }
})

/**
 * Returns the error of a failed account. Returns `undefined` after a success, a defect or an interruption.
 *
 * @category accessors
 * @since 0.1.0
 */
export const failureOf = <E>({ outcome }: Progress<E>): E | SessionManager.Failure | undefined =>
  Exit.isFailure(outcome) ? Option.getOrUndefined(Cause.findErrorOption(outcome.cause)) : undefined
