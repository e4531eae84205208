/**
 * Many accounts: a session manager for each, made when it is first asked for, and all of them logged in before the
 * market opens.
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
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import * as AuthError from "../login/AuthError.ts"
import * as Problems from "../broker/internal/problems.ts"
import { delegating } from "./internal/readyEffect.ts"
import { Tenancy } from "./internal/tenancy.ts"
import type { Logout } from "../login/Logout.ts"
import type { Renewal } from "../broker/Renewal.ts"
import type { Session } from "../login/Session.ts"
import type { SessionLock } from "./SessionLock.ts"
import * as SessionManager from "./SessionManager.ts"
import type { SessionStore } from "./SessionStore.ts"

/**
 * How far the accounts are.
 *
 * @category models
 * @since 0.1.0
 */
export interface Progress<E = never> {
  /** The account that is done, by your name for it. */
  readonly name: string
  /** A session, or why there is none. */
  readonly outcome: Exit.Exit<Session, E | SessionManager.Failure>
  /** How many accounts are done, this one included. */
  readonly done: number
  /** How many of them have no session. */
  readonly failed: number
  readonly total: number
}

/**
 * How the accounts are warmed.
 *
 * @category models
 * @since 0.1.0
 */
export interface WarmOptions {
  /** How many accounts log in at the same time. 32 unless said otherwise. */
  readonly concurrency?: number | undefined
  /** Each account waits up to this long before it begins, so that they do not all call in one instant. 250 ms unless said otherwise. */
  readonly jitter?: Duration.Input | undefined
  /**
   * How many accounts begin in a second at most, over all brokers. Each account keeps its broker's limits in any case;
   * this is for an address that the broker's firewall shall not take notice of. Not limited unless said otherwise.
   */
  readonly perSecond?: number | undefined
  /**
   * How long an account may take before another has its place. It fails with `BrokerUnavailable` (`time-out`) then, while
   * its login goes on by itself. 2 minutes unless said otherwise, since a login may wait for another program's, and for
   * the next TOTP code.
   */
  readonly timeout?: Duration.Input | undefined
}

/**
 * What may be set. `early`, `renewalTimeout` and `pollInterval` are those of each account's `SessionManager`.
 *
 * @category models
 * @since 0.1.0
 */
export interface Options extends SessionManager.Options {
  /**
   * An account that is asked for nothing for this long is closed, and built anew when it is next asked for. Its stored
   * session is kept. Closed up to a quarter of this and one `pollInterval` later. Default: accounts stay open.
   */
  readonly idle?: Duration.Input | undefined
}

/**
 * What every layer of a union provides, such as `Renewal` where accounts are of several brokers. A service that only
 * some of them provide is not among it.
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
 * Session managers by your names for the accounts.
 *
 * @category models
 * @since 0.1.0
 */
export interface SessionManagers<in out Services, in out E = never> {
  /** The services of the account, its `SessionManager` among them. Built when first asked for, and again after a failure. */
  readonly services: (
    name: string
  ) => Effect.Effect<Context.Context<Services | SessionManager.SessionManager>, E | AuthError.AuthError>
  /** The manager of the account. `invalidate` and `idle` close it: ask for it each time instead of keeping it. */
  readonly manager: (name: string) => Effect.Effect<SessionManager.SessionManager["Service"], E | AuthError.AuthError>
  /** A live session of the account. The effect may be kept and run again: it gets the account that is current then. */
  readonly session: (name: string) => Effect.Effect<Session, E | SessionManager.Failure>
  /**
   * Closes the account's layer. The next call for the account asks `lookup` again, for example for corrected credentials.
   * Callers that wait for the account or its session fail with `InvalidRequest`, and so does a manager that was kept.
   * The stored session stays valid: log out first to end it. Does nothing if the account is not open.
   */
  readonly invalidate: (name: string) => Effect.Effect<void>
  /**
   * Gets a session for each account, and tells of each as it is done. One that fails or hangs does not hold the
   * others. An account that is named twice is warmed once. What cannot be meant, such as one name in the place of a
   * list or no account in a second, fails with `InvalidRequest` before any account begins.
   */
  readonly warm: (names: Iterable<string>, options?: WarmOptions) => Stream.Stream<Progress<E>, AuthError.AuthError>
}

interface Ready<Services> {
  readonly name: string
  readonly services: Context.Context<Services | SessionManager.SessionManager>
  readonly manager: SessionManager.SessionManager["Service"]
  readonly scope: Scope.Closeable
  readonly tenancy: Tenancy
  /** Whether the account was asked for by its name since it was last checked for being idle. */
  isAsked: boolean
  /** When it was, as of that check. Milliseconds since the epoch. */
  askedAt: number
}

/** A build that is not done yet. */
interface Attempt<Services, E> {
  readonly end: Deferred.Deferred<Ready<Services>, E | AuthError.AuthError>
  readonly scope: Scope.Closeable
  readonly tenancy: Tenancy
  fiber: Fiber.Fiber<Ready<Services>, E | AuthError.AuthError> | undefined
}

const invalidatedReason = new AuthError.InvalidRequest({
  problems: [{ field: "account", problem: "was closed by SessionManagers.invalidate" }],
  advice: "Ask SessionManagers for the account again: it is built anew."
})

const idleReason = new AuthError.InvalidRequest({
  problems: [{ field: "account", problem: "was closed after its idle time" }],
  advice: "Ask SessionManagers for the account each time instead of keeping its manager."
})

const closedReason = new AuthError.InvalidRequest({
  problems: [{ field: "SessionManagers", problem: "is closed: its scope has ended" }],
  advice: "Keep the scope open as long as sessions are needed."
})

/** Errors that are of no broker are named after what they are of. */
const noBroker = "accounts"

const readIdle = (idle: Duration.Input) => {
  const refused = Problems.refusal(noBroker, "configuration", [
    ["idle", Problems.ofDuration(idle, Duration.seconds(1))]
  ])
  return refused === undefined ? Effect.succeed(Duration.toMillis(idle)) : Effect.fail(refused)
}

/** A text is a list of its letters, for JavaScript. */
const isNames = (names: unknown): names is Iterable<string> =>
  typeof names === "object" && names !== null && Symbol.iterator in names

/** The names, each once, and the options, or what is wrong with them. */
const readWarm = (
  names: Iterable<string>,
  { concurrency = 32, jitter = "250 millis", perSecond, timeout = "2 minutes" }: WarmOptions
) => {
  const all = isNames(names) ? Array.from(new Set(names)) : undefined
  const isRate = perSecond === undefined || (Number.isFinite(perSecond) && perSecond > 0)
  const refused = Problems.refusal(noBroker, "warm", [
    ["names", all?.every((name) => typeof name === "string") ? undefined : "is no list of names"],
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
 * Makes the managers. `lookup` gives the broker's layer of an account; each account has a layer of its own, and with it
 * its own limits and lock. The layers may be of several brokers: then `services` has what all of them provide. An `idle`
 * that is no duration fails with `InvalidRequest`.
 *
 * An account that holds a session costs about 10 kB of the heap, without what its layer keeps beside it. `idle` and
 * `invalidate` free that.
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
  // What all layers provide is what each provides, which the compiler cannot follow.
  makeOf(lookup as never, options)

const makeOf = Effect.fnUntraced(function* <Services, E, R>(
  lookup: (name: string) => Layer.Layer<Services | Renewal | Logout, E, R>,
  { idle, ...options }: Options = {}
): Effect.fn.Return<SessionManagers<Services, E>, AuthError.AuthError, R | SessionStore | SessionLock | Scope.Scope> {
  const idleMillis = idle === undefined ? undefined : yield* readIdle(idle)
  const scope = yield* Effect.scope
  const context = yield* Effect.context<R | SessionStore | SessionLock>()
  const memoMap = Layer.CurrentMemoMap.forkOrCreate(context)
  // Effect's LayerMap keeps a failure for ever, and costs a fiber's scope each time; a session is asked for before every
  // call to a broker.
  const ready = new Map<string, Ready<Services>>()
  const underWay = new Map<string, Attempt<Services, E>>()

  const closed = Effect.suspend(() => Effect.fail(AuthError.make(noBroker, "session", closedReason)))

  const toReady = (
    name: string,
    services: Context.Context<Services | SessionManager.SessionManager>,
    { scope, tenancy }: Attempt<Services, E>
  ): Ready<Services> => {
    const manager = Context.get(services, SessionManager.SessionManager)
    return { name, services, manager, scope, tenancy, isAsked: true, askedAt: -Infinity }
  }

  const sessionOf = delegating(({ manager, name, tenancy }: Ready<Services>) =>
    tenancy.closedBecause === undefined ? manager.session : sessionNow(name)
  )

  /** In a scope of its own, which an attempt that fails takes with it: the next begins anew. */
  const build = (name: string, attempt: Attempt<Services, E>) =>
    Effect.suspend(() =>
      Layer.buildWithMemoMap(Layer.provideMerge(SessionManager.layer(options), lookup(name)), memoMap, attempt.scope)
    ).pipe(
      Effect.onExit((exit) => (Exit.isSuccess(exit) ? Effect.void : Scope.close(attempt.scope, exit))),
      Effect.provideContext(Context.add(context, Tenancy, attempt.tenancy)),
      Effect.map((services) => toReady(name, services, attempt))
    )

  /** One attempt for all who wait for it, which goes on if they are interrupted. */
  const begin = (name: string) =>
    Effect.uninterruptible(
      Effect.suspend(() => {
        if (scope.state._tag === "Closed") return closed
        const attempt: Attempt<Services, E> = {
          end: Deferred.makeUnsafe(),
          scope: Scope.forkUnsafe(scope),
          tenancy: { lastAsked: () => -Infinity, closedBecause: undefined },
          fiber: undefined
        }
        underWay.set(name, attempt)
        return Effect.map(Effect.forkIn(build(name, attempt), scope, { startImmediately: true }), (fiber) => {
          attempt.fiber = fiber
          fiber.addObserver((exit) => {
            if (underWay.get(name) === attempt) {
              underWay.delete(name)
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
        known.isAsked = true
        return Effect.succeed(known)
      }
      const attempt = underWay.get(name)
      return attempt === undefined ? Effect.flatMap(begin(name), Deferred.await) : Deferred.await(attempt.end)
    })

  const services = (name: string) => Effect.map(get(name), ({ services }) => services)

  const manager = (name: string) => Effect.map(get(name), ({ manager }) => manager)

  const session = (name: string): Effect.Effect<Session, E | SessionManager.Failure> => {
    const account = ready.get(name)
    return account === undefined ? sessionNow(name) : sessionOf(account)
  }

  const sessionNow = (name: string): Effect.Effect<Session, E | SessionManager.Failure> =>
    Effect.flatMap(get(name), ({ manager }) => manager.session)

  /** Takes the account out at once, and then closes it: a call in the meantime builds it anew. */
  const close = (name: string, because: AuthError.Reason) =>
    Effect.uninterruptible(
      Effect.suspend(() => {
        const attempt = underWay.get(name)
        const account = attempt ?? ready.get(name)
        if (account === undefined) return Effect.void
        underWay.delete(name)
        ready.delete(name)
        account.tenancy.closedBecause = because
        if (attempt !== undefined)
          Deferred.doneUnsafe(attempt.end, Effect.fail(AuthError.make(noBroker, "session", because)))
        const stopped = attempt?.fiber === undefined ? Effect.void : Fiber.interrupt(attempt.fiber)
        return Effect.andThen(stopped, Scope.close(account.scope, Exit.void))
      })
    )

  const invalidate = (name: string) => close(name, invalidatedReason)

  const closeIdle = (idleFor: number) =>
    Effect.flatMap(Clock.currentTimeMillis, (now) => {
      const names: Array<string> = []
      for (const [name, account] of ready) {
        if (account.isAsked) {
          account.isAsked = false
          account.askedAt = now
        }
        if (now - Math.max(account.askedAt, account.tenancy.lastAsked(now)) >= idleFor) names.push(name)
      }
      // An account whose closing takes its time does not delay the others.
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
          "The login goes on by itself: ask for the session in a while. Check the network and the vault meanwhile."
      })
      return Effect.fail(AuthError.make(ready.get(name)?.manager.account.broker ?? noBroker, "warm", reason))
    })

  const warm: SessionManagers<Services, E>["warm"] = (names, warmOptions = {}) => {
    const warming = Effect.gen(function* () {
      const { all, concurrency, jitter, perSecond, timeout } = yield* readWarm(names, warmOptions)
      const total = all.length
      const began = yield* Clock.currentTimeMillis
      const turnOf = Effect.fnUntraced(function* (index: number) {
        const turn = perSecond === undefined ? 0 : began + (index * 1000) / perSecond - (yield* Clock.currentTimeMillis)
        yield* Effect.sleep(Duration.millis(Math.max(0, turn) + (yield* Random.next) * jitter))
      })
      const inTime = (name: string) =>
        Effect.timeoutOrElse(session(name), { duration: timeout, orElse: () => tooLong(name) })
      return Stream.fromIterable(all.entries()).pipe(
        Stream.mapEffect(
          ([index, name]) =>
            Effect.map(Effect.exit(Effect.andThen(turnOf(index), inTime(name))), (outcome) => ({ name, outcome })),
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
 * The failure of an account that could not be warmed, or `undefined` if it has a session.
 *
 * @category accessors
 * @since 0.1.0
 */
export const failureOf = <E>({ outcome }: Progress<E>): E | SessionManager.Failure | undefined =>
  Exit.isFailure(outcome) ? Option.getOrUndefined(Cause.findErrorOption(outcome.cause)) : undefined
