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
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Cause from "effect/Cause"
import * as Random from "effect/Random"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import * as AuthError from "./AuthError.ts"
import * as Problems from "./internal/problems.ts"
import type { Logout } from "./Logout.ts"
import type { Renewal } from "./Renewal.ts"
import type { Session } from "./Session.ts"
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
 * Session managers by your names for the accounts.
 *
 * @category models
 * @since 0.1.0
 */
export interface SessionManagers<in out Services, in out E = never> {
  /** The account's services, its `SessionManager` among them, made once and kept; after a failure, when next asked for. */
  readonly services: (
    name: string
  ) => Effect.Effect<Context.Context<Services | SessionManager.SessionManager>, E | AuthError.AuthError>
  readonly manager: (name: string) => Effect.Effect<SessionManager.SessionManager["Service"], E | AuthError.AuthError>
  /** A live session of the account. */
  readonly session: (name: string) => Effect.Effect<Session, E | SessionManager.Failure>
  /**
   * Gets a session for each account, and tells of each as it is done. One that fails or hangs does not hold the
   * others. An account that is named twice is warmed once. What cannot be meant, such as one name in the place of a
   * list or no account in a second, fails with `InvalidRequest` before any account begins.
   */
  readonly warm: (names: Iterable<string>, options?: WarmOptions) => Stream.Stream<Progress<E>, AuthError.AuthError>
}

interface Ready<Services> {
  readonly services: Context.Context<Services | SessionManager.SessionManager>
  readonly manager: SessionManager.SessionManager["Service"]
}

/** Errors that are of no broker are named after what they are of. */
const noBroker = "accounts"

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
 * its own limits and lock.
 *
 * @example
 * ```ts
 * import * as AngelAuth from "@auth/angel/AngelAuth"
 * import * as SessionManagers from "@auth/broker-core/SessionManagers"
 * import * as Vault from "@auth/broker-core/Vault"
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
export const make = Effect.fnUntraced(function* <Services, E, R>(
  lookup: (name: string) => Layer.Layer<Services | Renewal | Logout, E, R>,
  options: SessionManager.Options = {}
): Effect.fn.Return<
  SessionManagers<Services | Renewal | Logout, E>,
  never,
  R | SessionStore | SessionLock | Scope.Scope
> {
  const scope = yield* Effect.scope
  const context = yield* Effect.context<R | SessionStore | SessionLock>()
  const memoMap = Layer.CurrentMemoMap.forkOrCreate(context)
  // Effect's LayerMap keeps a failure for ever, and costs a fiber's scope each time; a session is asked for before every
  // call to a broker.
  const ready = new Map<string, Ready<Services | Renewal | Logout>>()
  const underWay = new Map<string, Deferred.Deferred<Ready<Services | Renewal | Logout>, E | AuthError.AuthError>>()

  /** In a scope of its own, which an attempt that fails takes with it: the next begins anew. */
  const build = (name: string) =>
    Effect.flatMap(Scope.fork(scope), (own) =>
      Effect.suspend(() =>
        Layer.buildWithMemoMap(Layer.provideMerge(SessionManager.layer(options), lookup(name)), memoMap, own)
      ).pipe(
        Effect.onExit((exit) => (Exit.isSuccess(exit) ? Effect.void : Scope.close(own, exit))),
        Effect.provideContext(context),
        Effect.map((services) => ({ services, manager: Context.get(services, SessionManager.SessionManager) }))
      )
    )

  /** One attempt for all who wait for it, which goes on if they are interrupted. */
  const begin = (name: string) =>
    Effect.uninterruptible(
      Effect.suspend(() => {
        const end = Deferred.makeUnsafe<Ready<Services | Renewal | Logout>, E | AuthError.AuthError>()
        underWay.set(name, end)
        return Effect.map(Effect.forkIn(build(name), scope, { startImmediately: true }), (fiber) => {
          fiber.addObserver((exit) => {
            underWay.delete(name)
            if (Exit.isSuccess(exit)) ready.set(name, exit.value)
            Deferred.doneUnsafe(end, exit)
          })
          return end
        })
      })
    )

  const get = (name: string) =>
    Effect.suspend(() => {
      const known = ready.get(name)
      if (known !== undefined) return Effect.succeed(known)
      const attempt = underWay.get(name)
      return attempt === undefined ? Effect.flatMap(begin(name), Deferred.await) : Deferred.await(attempt)
    })

  const services = (name: string) => Effect.map(get(name), ({ services }) => services)

  const manager = (name: string) => Effect.map(get(name), ({ manager }) => manager)

  const session = (name: string): Effect.Effect<Session, E | SessionManager.Failure> =>
    ready.get(name)?.manager.session ?? Effect.flatMap(get(name), ({ manager }) => manager.session)

  const tooLong = (name: string) =>
    Effect.suspend(() => {
      const reason = new AuthError.BrokerUnavailable({
        why: "time-out",
        advice:
          "The login goes on by itself: ask for the session in a while. Check the network and the vault meanwhile."
      })
      return Effect.fail(AuthError.make(ready.get(name)?.manager.account.broker ?? noBroker, "warm", reason))
    })

  const warm: SessionManagers<Services | Renewal | Logout, E>["warm"] = (names, warmOptions = {}) => {
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

  return { services, manager, session, warm }
})

/**
 * The failure of an account that could not be warmed, or `undefined` if it has a session.
 *
 * @category accessors
 * @since 0.1.0
 */
export const failureOf = <E>({ outcome }: Progress<E>): E | SessionManager.Failure | undefined =>
  Exit.isFailure(outcome) ? Option.getOrUndefined(Cause.findErrorOption(outcome.cause)) : undefined
