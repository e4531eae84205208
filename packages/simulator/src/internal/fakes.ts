import {
  type Fault,
  type FakeAccount,
  type FakeBroker,
  type JournalEntry,
  JournalLimit
} from "@auth/broker-core/testing/FakeBroker"
import * as Totp from "@auth/broker-core/login/Totp"
import * as Clock from "effect/Clock"
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import type * as Scope from "effect/Scope"
import { getResponse, type RequestHandler } from "msw"
import { SimulatorError } from "../SimulatorError.ts"
import { type BrokerId, brokers } from "./brokers.ts"
import { runAhead } from "./clock.ts"
import { lastInstant } from "./limits.ts"
import { makeReplaceable, type Replaceable } from "./replaceable.ts"
import * as Seed from "./seed.ts"
import * as Snapshot from "./snapshot.ts"

export interface TotpCode {
  readonly code: string
  readonly validForSeconds: number
}

/** The fakes of the brokers that the simulator serves. The fakes share one clock. */
export interface Fakes {
  readonly served: ReadonlyArray<FakeBroker>
  readonly respond: (broker: FakeBroker, request: Request) => Effect.Effect<Response, unknown>
  readonly clock: Clock.Clock
  readonly ahead: Effect.Effect<number>
  readonly advance: (duration: Duration.Input) => Effect.Effect<void, SimulatorError>
  readonly journal: (broker?: string) => Effect.Effect<ReadonlyArray<JournalEntry>, SimulatorError>
  readonly journalDropped: (broker?: string) => Effect.Effect<number, SimulatorError>
  readonly inject: (
    broker: string,
    endpoint: string,
    fault: Fault,
    times?: number
  ) => Effect.Effect<void, SimulatorError>
  readonly codes: (broker: string, account: string) => Effect.Effect<ReadonlyArray<string>, SimulatorError>
  readonly totp: (broker: string, account: string) => Effect.Effect<TotpCode, SimulatorError>
  readonly reset: Effect.Effect<void>
  readonly snapshot: Effect.Effect<unknown>
  readonly restore: (snapshot: unknown) => Effect.Effect<void, SimulatorError>
  readonly seed: (seed: Seed.Seed) => Effect.Effect<void, SimulatorError>
}

const refuse = (message: string) => Effect.fail(new SimulatorError({ message }))

const unknown = (what: string, name: string, known: ReadonlyArray<string>) =>
  refuse(`There is no ${what} ${JSON.stringify(name)}: use one of ${known.join(", ")}.`)

const accountId = (broker: FakeBroker, account: FakeAccount): string =>
  account[brokers[broker.broker as BrokerId].descriptor.accountField] ?? ""

const totpOf = Effect.fnUntraced(function* (account: FakeAccount, now: number) {
  const secret = account["totpSecret"]
  if (secret === undefined || secret === "") {
    return yield* refuse("This account has no TOTP secret: if its broker sends codes, GET /codes returns them.")
  }
  const parsed = Totp.parse(Redacted.make(secret))
  if (Result.isFailure(parsed)) return yield* refuse(`The account's totpSecret ${parsed.failure}.`)
  const totp = parsed.success
  const step = Totp.stepAt(totp, now)
  const code = Redacted.value(yield* Totp.codeAtStep(totp, step))
  return { code, validForSeconds: Math.ceil((step + 1) * totp.period - now / 1000) }
})

/** When the scope closes, all sleeps are interrupted: a delayed answer must not outlive the simulator. */
const sleepWithin = Effect.fnUntraced(function* (
  base: Clock.Clock
): Effect.fn.Return<Clock.Clock["sleep"], never, Scope.Scope> {
  const ended = yield* Deferred.make<never>()
  yield* Effect.addFinalizer(() => Deferred.interrupt(ended))
  return (duration) => Effect.raceFirst(base.sleep(duration), Deferred.await(ended))
})

export const makeFakes = Effect.fnUntraced(function* (
  ids: ReadonlyArray<BrokerId>,
  options: {
    readonly overrides: Partial<Record<BrokerId, Effect.Effect<FakeBroker>>>
    readonly seed: Seed.Seed | undefined
    readonly journalLimit: number
  }
): Effect.fn.Return<Fakes, SimulatorError, Scope.Scope> {
  const { overrides, seed: first } = options
  let ahead = 0
  const base = yield* Clock.Clock
  const clock = runAhead(base, () => ahead)
  const fakesClock = runAhead(base, () => ahead, yield* sleepWithin(base))
  const handlers = new Map<FakeBroker, Array<RequestHandler>>()
  const replaceables: Array<readonly [BrokerId, Replaceable]> = []
  const checkServed = (seed: Seed.Seed) => {
    const absent = Object.keys(seed.brokers).find((id) => !ids.includes(id as BrokerId))
    return absent === undefined
      ? Effect.void
      : refuse(`brokers.${absent}: this simulator does not serve this broker. It serves only ${ids.join(", ")}.`)
  }
  const underLimits = (make: Effect.Effect<FakeBroker>) =>
    make.pipe(Effect.provideService(Clock.Clock, fakesClock), Effect.provideService(JournalLimit, options.journalLimit))
  if (first !== undefined) yield* checkServed(first)
  for (const id of ids) {
    const make =
      first?.brokers[id] === undefined ? (overrides[id] ?? brokers[id].descriptor.make({})) : Seed.makeFake(first, id)
    const replaceable = makeReplaceable(yield* underLimits(make))
    replaceables.push([id, replaceable])
    const { fake } = replaceable
    handlers.set(fake, [...brokers[id].handlers(fake)])
  }
  const served = Array.from(handlers.keys())

  const find = (id: string) => {
    const fake = served.find(({ broker }) => broker === id)
    if (fake !== undefined) return Effect.succeed(fake)
    return unknown(
      "broker",
      id,
      served.map(({ broker }) => broker)
    )
  }

  const servedOf = (broker: string | undefined) =>
    broker === undefined ? Effect.succeed(served) : Effect.map(find(broker), (fake) => [fake])

  const findAccount = Effect.fnUntraced(function* (id: string, name: string) {
    const fake = yield* find(id)
    const account = fake.accounts.find((candidate) => accountId(fake, candidate) === name)
    if (account !== undefined) return { fake, account }
    return yield* unknown(
      "account",
      name,
      fake.accounts.map((candidate) => accountId(fake, candidate))
    )
  })

  return {
    served,
    clock,
    ahead: Effect.sync(() => ahead),
    respond: (fake, request) =>
      Effect.map(
        Effect.tryPromise(() => getResponse(handlers.get(fake) ?? [], request)),
        (response) => response ?? new Response("The fake has no handler for this request.\n", { status: 404 })
      ),
    advance: (duration) =>
      Effect.suspend(() => {
        const millis = Math.round(Duration.toMillis(duration))
        if (!(millis >= 0)) return refuse("The clock cannot go back: use a positive duration, or reset.")
        if (clock.currentTimeMillisUnsafe() + millis > lastInstant)
          return refuse("The clock cannot go beyond the year 9999: use a shorter duration, or reset.")
        ahead += millis
        return Effect.void
      }),
    journal: (broker) =>
      servedOf(broker).pipe(
        Effect.flatMap(Effect.forEach((fake) => fake.journal)),
        Effect.map((journals) => journals.flat().sort((left, right) => left.at - right.at))
      ),
    journalDropped: (broker) =>
      servedOf(broker).pipe(
        Effect.flatMap(Effect.forEach((fake) => fake.journalDropped)),
        Effect.map((counts) => counts.reduce((sum, count) => sum + count, 0))
      ),
    inject: Effect.fnUntraced(function* (broker, endpoint, fault, times) {
      const fake = yield* find(broker)
      const known = [...fake.endpoints, "*"]
      if (!known.includes(endpoint)) return yield* unknown("endpoint", endpoint, known)
      return yield* fake.inject(endpoint, fault, times)
    }),
    codes: (broker, account) => Effect.flatMap(findAccount(broker, account), ({ fake }) => fake.codes(account)),
    totp: (broker, account) =>
      Effect.flatMap(findAccount(broker, account), (found) => totpOf(found.account, clock.currentTimeMillisUnsafe())),
    reset: Effect.suspend(() => {
      ahead = 0
      return Effect.forEach(served, (fake) => fake.reset, { discard: true })
    }),
    snapshot: Effect.suspend(() => Snapshot.take(served, ahead)),
    restore: (input) =>
      Snapshot.restore(served, input, (millis) => {
        ahead = millis
      }),
    seed: Effect.fnUntraced(function* (seed) {
      yield* checkServed(seed)
      ahead = 0
      for (const [id, { replace }] of replaceables) yield* replace(yield* underLimits(Seed.makeFake(seed, id)))
    })
  }
})
