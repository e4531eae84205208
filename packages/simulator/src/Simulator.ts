/**
 * A simulator of stock brokers, for tests. It serves fakes of the brokers' HTTP APIs on loopback. The simulator's
 * accounts are not real.
 *
 * @since 0.1.0
 */
import {
  type FakeAccount,
  type FakeBroker,
  type Fault,
  type JournalEntry,
  JournalLimit
} from "@auth/broker-core/testing/FakeBroker"
import type * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Deferred from "effect/Deferred"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import * as table from "./internal/brokers.ts"
import { control } from "./internal/control.ts"
import * as Fakes from "./internal/fakes.ts"
import * as Seed from "./internal/seed.ts"
import { isHostName, isOriginName } from "./internal/guard.ts"
import { isJournalLimit, largestJournal } from "./internal/limits.ts"
import { listen } from "./internal/server.ts"
import { SimulatorError } from "./SimulatorError.ts"

/**
 * The id of a broker that the simulator can serve.
 *
 * @category models
 * @since 0.1.0
 */
export type BrokerId = table.BrokerId

/**
 * The ids of all brokers that the simulator can serve.
 *
 * @category models
 * @since 0.1.0
 */
export const brokerIds: ReadonlyArray<BrokerId> = table.brokerIds

/**
 * The addresses of a simulator and every credential of its accounts: the output of `broker-auth-simulator --json`.
 *
 * @category models
 * @since 0.1.0
 */
export interface Info {
  /** Address of the control port, where HTTP requests control the simulator. */
  readonly control: string
  /** The simulator's addresses, keyed by the origin of the real broker. */
  readonly origins: Readonly<Record<string, string>>
  readonly brokers: Readonly<Record<string, { readonly accounts: ReadonlyArray<FakeAccount> }>>
}

/**
 * A TOTP code of an account, and the number of seconds until the code expires.
 *
 * @category models
 * @since 0.1.0
 */
export type TotpCode = Fakes.TotpCode

/**
 * Options of a simulator.
 *
 * @category models
 * @since 0.1.0
 */
export interface Options {
  /** The brokers to serve. Default: all brokers. */
  readonly brokers?: ReadonlyArray<BrokerId> | undefined
  /** The control port. The ports after it serve the brokers' origins. Default: free ports. */
  readonly port?: number | undefined
  /**
   * Accounts and switches of the brokers, as in a seed file. A switch is an option of a fake. Example:
   * `{ brokers: { angel: { accounts: [{ clientCode: "B1" }] } } }`. For a broker in the seed, `fakes` is ignored.
   */
  readonly seed?: unknown
  /** Fakes to serve instead of the default fakes, such as `{ angel: FakeAngel.make({ reusedCode: "accepted" }) }`. */
  readonly fakes?: Partial<Record<BrokerId, Effect.Effect<FakeBroker>>> | undefined
  /** Number of requests that the journal keeps for each broker, from 1 to 1,000,000. Default: 10,000. */
  readonly journalLimit?: number | undefined
  /**
   * Further names that the `Host` header may contain, such as `simulator.test`. The names 127.0.0.1, localhost and
   * [::1] are always allowed. Default: no further names.
   */
  readonly allowHosts?: ReadonlyArray<string> | undefined
  /** Origins whose web pages may send requests to the simulator, such as `http://127.0.0.1:3000`. Default: none. */
  readonly allowOrigins?: ReadonlyArray<string> | undefined
}

/**
 * A running simulator, with the functions of its control port.
 *
 * @category services
 * @since 0.1.0
 */
export class Simulator extends Context.Service<
  Simulator,
  Info & {
    /** The brokers' clock: this program's time, plus the durations that `advance` has added. */
    readonly clock: Clock.Clock
    /** Advances the brokers' clock. */
    readonly advance: (duration: Duration.Input) => Effect.Effect<void, SimulatorError>
    /** The requests in the journal, sorted by time. Without `broker`: the requests to all brokers. */
    readonly journal: (broker?: BrokerId) => Effect.Effect<ReadonlyArray<JournalEntry>, SimulatorError>
    /**
     * Number of requests that the full journal has dropped since the last `reset`, `seed` or `restore`. Without
     * `broker`: the sum for all brokers.
     */
    readonly journalDropped: (broker?: BrokerId) => Effect.Effect<number, SimulatorError>
    /**
     * Injects a fault into the next `times` requests to an endpoint. The endpoint `"*"` means any endpoint. Default for
     * `times`: 1.
     */
    readonly inject: (
      broker: BrokerId,
      endpoint: string,
      fault: Fault,
      times?: number
    ) => Effect.Effect<void, SimulatorError>
    /** The codes that the broker would have sent by SMS or email, newest last. */
    readonly codes: (broker: BrokerId, account: string) => Effect.Effect<ReadonlyArray<string>, SimulatorError>
    /** The account's current TOTP code. */
    readonly totp: (broker: BrokerId, account: string) => Effect.Effect<TotpCode, SimulatorError>
    /**
     * Replaces the accounts and switches with those of `seed`, clears all other state, and resets the clock. A broker
     * that is not in `seed` gets its demo accounts.
     */
    readonly seed: (seed: unknown) => Effect.Effect<void, SimulatorError>
    /**
     * Takes a snapshot: a JSON value with the clock, the sessions, the tokens, the codes, and the numbers of wrong
     * passwords and wrong codes.
     */
    readonly snapshot: Effect.Effect<unknown>
    /** Restores a snapshot that was taken with the same brokers and accounts. Clears the journal and the faults. */
    readonly restore: (snapshot: unknown) => Effect.Effect<void, SimulatorError>
    /** Clears sessions, journal and faults, and resets the clock. */
    readonly reset: Effect.Effect<void>
  }
>()("@auth/simulator/Simulator") {}

const highestPort = 65_535

const checkPort = (port: number, origins: number) => {
  const fits = Number.isInteger(port) && port >= 0 && port + origins <= highestPort
  return fits
    ? Effect.void
    : Effect.fail(
        new SimulatorError({
          message: `Port ${port} is not valid: it and the ${origins} ports after it must be between 1 and ${highestPort}. 0 selects free ports.`
        })
      )
}

const checkJournalLimit = (limit: number) =>
  isJournalLimit(limit)
    ? Effect.void
    : Effect.fail(
        new SimulatorError({
          message: `journalLimit must be a whole number from 1 to ${largestJournal}, not ${limit}.`
        })
      )

const checkAllowed = ({ allowHosts = [], allowOrigins = [] }: Options) => {
  const host = allowHosts.find((value) => !isHostName(value))
  if (host !== undefined) {
    return Effect.fail(
      new SimulatorError({ message: `${JSON.stringify(host)} is not a host name: use a name such as simulator.test.` })
    )
  }
  const origin = allowOrigins.find((value) => !isOriginName(value))
  return origin === undefined
    ? Effect.void
    : Effect.fail(
        new SimulatorError({
          message: `${JSON.stringify(origin)} is not an origin: use an origin such as http://127.0.0.1:3000.`
        })
      )
}

/**
 * Serves the fakes on 127.0.0.1 until the scope closes.
 *
 * @example
 * ```ts
 * import * as AngelAuth from "@auth/angel/AngelAuth"
 * import * as Login from "@auth/broker-core/login/Login"
 * import * as Simulator from "@auth/simulator/Simulator"
 * import * as Effect from "effect/Effect"
 * import * as FetchHttpClient from "effect/http/FetchHttpClient"
 * import * as Layer from "effect/Layer"
 * import * as Redacted from "effect/Redacted"
 *
 * const program = Effect.gen(function* () {
 *   const simulator = yield* Simulator.make()
 *   const Angel = AngelAuth.layer({
 *     origins: { api: simulator.origins["https://apiconnect.angelone.in"] ?? "" },
 *     credentials: {
 *       clientCode: "A123456",
 *       pin: Redacted.make("4711"),
 *       apiKey: Redacted.make("demoTrd1"),
 *       totp: Redacted.make("JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP")
 *     }
 *   }).pipe(Layer.provide(FetchHttpClient.layer))
 *   yield* Login.session.pipe(Effect.provide(Angel))
 *   return (yield* simulator.journal()).length // => 1
 * })
 *
 * Effect.runPromise(Effect.scoped(program))
 * ```
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = Effect.fnUntraced(function* (
  options: Options = {}
): Effect.fn.Return<Simulator["Service"], SimulatorError, Scope.Scope> {
  const seed = options.seed === undefined ? undefined : yield* Seed.read(options.seed)
  const journalLimit = options.journalLimit ?? (yield* JournalLimit)
  yield* checkJournalLimit(journalLimit)
  const fakes = yield* Fakes.makeFakes(options.brokers ?? table.brokerIds, {
    overrides: options.fakes ?? {},
    seed,
    journalLimit
  })
  const pairs = fakes.served.flatMap((fake) => fake.origins.map((origin) => ({ fake, origin })))
  const port = options.port ?? 0
  yield* checkPort(port, pairs.length)
  yield* checkAllowed(options)
  const allowed = { allowHosts: options.allowHosts ?? [], allowOrigins: options.allowOrigins ?? [] }

  const ready = yield* Deferred.make<Info>()
  const respond = control({ ...fakes, info: Deferred.await(ready) })
  const guard = { kind: "control", loginPages: [], ...allowed } as const
  const address = yield* listen({ origin: "http://control", port, respond, guard })
  const origins: Record<string, string> = {}
  for (const [index, { fake, origin }] of pairs.entries()) {
    origins[origin] = yield* listen({
      origin,
      guard: { kind: "broker", loginPages: table.loginPagesOf(fake.broker, origin), ...allowed },
      port: port === 0 ? 0 : port + 1 + index,
      respond: (request) => fakes.respond(fake, request)
    })
  }
  const brokers = Object.fromEntries(
    fakes.served.map((fake) => {
      // This is a getter, because a new seed changes the accounts.
      const described = {
        get accounts() {
          return fake.accounts
        }
      }
      return [fake.broker, described]
    })
  )
  const info: Info = { control: address, origins, brokers }
  yield* Deferred.succeed(ready, info)

  return {
    ...info,
    clock: fakes.clock,
    advance: fakes.advance,
    journal: fakes.journal,
    journalDropped: fakes.journalDropped,
    inject: fakes.inject,
    codes: fakes.codes,
    totp: fakes.totp,
    seed: (input) => Effect.flatMap(Seed.read(input), fakes.seed),
    snapshot: fakes.snapshot,
    restore: fakes.restore,
    reset: fakes.reset
  }
})

/**
 * Runs a simulator until the layer's scope closes.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = (options: Options = {}): Layer.Layer<Simulator, SimulatorError> =>
  Layer.effect(Simulator, make(options))
