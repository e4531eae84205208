/**
 * The contract of session stores and of session locks, as test cases for any test runner.
 *
 * @since 0.1.0
 */
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Redacted from "effect/Redacted"
import type * as Scope from "effect/Scope"
import * as Account from "../login/Account.ts"
import type { SessionLock } from "../session/SessionLock.ts"
import type { SessionStore, Slot } from "../session/SessionStore.ts"
import type { VaultError } from "../session/VaultError.ts"
import { type Case, ensure, same } from "./contract/subject.ts"

/**
 * `make` makes a new storage. Each run of `open` must open this storage as a separate program would.
 *
 * @category models
 * @since 0.1.0
 */
export interface Subject<A> {
  readonly make: Effect.Effect<{ readonly open: Effect.Effect<A, VaultError, Scope.Scope> }, VaultError, Scope.Scope>
}

type Store = SessionStore["Service"]
type Lock = SessionLock["Service"]

const account = Account.make({ broker: "tiny", id: "T1" })
const other = Account.make({ broker: "tiny", id: "T2" })

/** Account ids that look alike or contain possible separators. */
const lookAlikes = ["a", "A", "a/b", "a%2Fb", "a:b", "a{b}", "a b", "..", "a\u0000b", "ä", "a\u0308", "session/a"]

const bytesOf = (text: string) => Redacted.make(new TextEncoder().encode(text))

const read = Effect.fnUntraced(function* (store: Store, of = account, slot: Slot = "session") {
  const entry = yield* store.get(of, slot)
  return entry && [entry.version, new TextDecoder().decode(Redacted.value(entry.value))]
})

const openings = <A>(subject: Subject<A>, count: number) =>
  Effect.flatMap(subject.make, ({ open }) => Effect.all(Array.from({ length: count }, () => open)))

const pair = <A>(subject: Subject<A>) => Effect.flatMap(subject.make, ({ open }) => Effect.all([open, open]))

const opened = <A>(subject: Subject<A>): Effect.Effect<A, VaultError, Scope.Scope> =>
  Effect.flatMap(subject.make, ({ open }) => open)

const increment = Effect.fnUntraced(function* (store: Store) {
  while (true) {
    const [version = 0, count = 0] = ((yield* read(store)) ?? []).map(Number)
    if (yield* store.put(account, "session", bytesOf(String(count + 1)), version)) return
  }
})

const race = Effect.fnUntraced(function* (stores: ReadonlyArray<Store>, round: number) {
  const won = yield* Effect.forEach(
    stores,
    (store, index) => store.put(account, "session", bytesOf(`${round}/${index}`), round),
    { concurrency: "unbounded" }
  )
  yield* same(won.filter(Boolean).length, 1, `number of writers that succeeded in round ${round}`)
  for (const store of stores) yield* same(yield* read(store), [round + 1, `${round}/${won.indexOf(true)}`], "entry")
})

/**
 * The cases that every session store must pass. Run each case in its own scope, in real time.
 *
 * @category cases
 * @since 0.1.0
 */
export const storeCases = (subject: Subject<Store>): ReadonlyArray<Case> => [
  {
    name: "describes where entries are stored",
    run: Effect.flatMap(opened(subject), ({ describe }) => ensure(describe.length > 5, "the description is too short"))
  },
  {
    name: "has no entry before the first write",
    run: Effect.gen(function* () {
      const store = yield* opened(subject)
      yield* same(yield* read(store), undefined, "entry")
    })
  },
  {
    name: "returns all stored bytes to another program",
    run: Effect.gen(function* () {
      const [one, two] = yield* pair(subject)
      const all = Uint8Array.from({ length: 70_000 }, (_, index) => (index * 31 + (index >> 8)) & 0xff)
      yield* same(yield* one.put(account, "session", Redacted.make(all), 0), true, "whether the bytes were written")
      const entry = yield* two.get(account, "session")
      const found = entry === undefined ? [] : Array.from(Redacted.value(entry.value))
      yield* ensure(
        found.length === all.length && found.every((byte, index) => byte === all[index]),
        "the bytes have changed"
      )
      yield* same(
        yield* two.put(account, "session", Redacted.make(new Uint8Array(0)), 1),
        true,
        "whether an empty value was written"
      )
      yield* same(yield* read(one), [2, ""], "the entry with an empty value")
    })
  },
  {
    name: "counts versions from one",
    run: Effect.gen(function* () {
      const store = yield* opened(subject)
      for (const version of [0, 1, 2, 3]) {
        yield* same(
          yield* store.put(account, "session", bytesOf(`${version}`), version),
          true,
          "whether the value was written"
        )
        yield* same(yield* read(store), [version + 1, `${version}`], "entry")
      }
    })
  },
  {
    name: "refuses a write with a wrong expected version",
    run: Effect.gen(function* () {
      const store = yield* opened(subject)
      yield* same(
        yield* store.put(account, "session", bytesOf("early"), 1),
        false,
        "whether a value was written although the expected version does not exist"
      )
      yield* same(yield* read(store), undefined, "entry")
      yield* store.put(account, "session", bytesOf("first"), 0)
      yield* store.put(account, "session", bytesOf("second"), 1)
      for (const expected of [0, 1, 3, 20]) {
        yield* same(
          yield* store.put(account, "session", bytesOf("late"), expected),
          false,
          `whether a value was written with the expected version ${expected}`
        )
      }
      yield* same(yield* read(store), [2, "second"], "entry")
    })
  },
  {
    name: "stores `session` and `guard` separately",
    run: Effect.gen(function* () {
      const store = yield* opened(subject)
      yield* store.put(account, "session", bytesOf("session"), 0)
      yield* same(yield* read(store, account, "guard"), undefined, "guard")
      yield* store.put(account, "guard", bytesOf("guard"), 0)
      yield* store.put(account, "guard", bytesOf("guard again"), 1)
      yield* same(yield* read(store, account, "session"), [1, "session"], "session")
      yield* same(yield* read(store, account, "guard"), [2, "guard again"], "guard")
    })
  },
  {
    name: "does not confuse accounts with similar ids",
    run: Effect.gen(function* () {
      const store = yield* opened(subject)
      const accounts = lookAlikes.flatMap((id) => [
        Account.make({ broker: "tiny", id }),
        Account.make({ broker: "tiny", id, app: "second" }),
        Account.make({ broker: "tiny", id, environment: "uat" })
      ])
      for (const [index, one] of accounts.entries()) {
        yield* same(
          yield* store.put(one, "session", bytesOf(`${index}`), 0),
          true,
          `whether the entry of ${Account.toKey(one)} was written`
        )
      }
      for (const [index, one] of accounts.entries()) yield* same(yield* read(store, one), [1, `${index}`], "entry")
    })
  },
  {
    name: "lets exactly one of several concurrent writers succeed",
    run: Effect.gen(function* () {
      const stores = yield* openings(subject, 8)
      for (let round = 0; round < 20; round += 1) yield* race(stores, round)
    })
  },
  {
    name: "loses no write if concurrent writers retry",
    run: Effect.gen(function* () {
      const stores = yield* openings(subject, 4)
      const writers = stores.flatMap((store) => Array.from({ length: 5 }, () => increment(store)))
      yield* Effect.all(writers, { concurrency: "unbounded" })
      yield* same(
        yield* Effect.forEach(stores, (store) => read(store)),
        stores.map(() => [20, "20"]),
        "versions and numbers in the stores"
      )
    })
  }
]

/** Long enough for a fiber to acquire a free lock. */
const grace = Effect.sleep("150 millis")

const occupy = Effect.fnUntraced(function* (lock: Lock, of = account) {
  const entered = yield* Deferred.make<number>()
  const leave = yield* Deferred.make<void, string>()
  const fiber = yield* Effect.forkChild(
    lock.withLock(of, ({ fence }) => Effect.andThen(Deferred.succeed(entered, fence), Deferred.await(leave))),
    { startImmediately: true }
  )
  const fence = yield* Effect.raceFirst(Deferred.await(entered), Effect.andThen(Fiber.join(fiber), Effect.never))
  return { fence, fiber, leave }
})

const enter = (lock: Lock) => lock.withLock(account, ({ fence }) => Effect.succeed(fence))

const freedAfter = (
  subject: Subject<Lock>,
  end: (holder: Effect.Success<ReturnType<typeof occupy>>) => Effect.Effect<unknown>
) =>
  Effect.gen(function* () {
    const locks = yield* pair(subject)
    for (const lock of locks) {
      const holder = yield* occupy(lock)
      const waiting = yield* Effect.forEach(locks, (next) => Effect.forkChild(enter(next)))
      yield* end(holder)
      yield* Fiber.await(holder.fiber)
      const fences = yield* Effect.forEach(waiting, Fiber.join)
      yield* ensure(
        fences.every((fence) => fence > holder.fence),
        `the fences ${fences.join()} must be larger than ${holder.fence}`
      )
    }
  })

/**
 * The cases that every session lock must pass. Run each case in its own scope, in real time.
 *
 * @category cases
 * @since 0.1.0
 */
export const lockCases = (subject: Subject<Lock>): ReadonlyArray<Case> => [
  {
    name: "describes where the lock is",
    run: Effect.flatMap(opened(subject), ({ describe }) => ensure(describe.length > 5, "the description is too short"))
  },
  {
    name: "has only one holder at a time",
    run: Effect.gen(function* () {
      const locks = yield* openings(subject, 3)
      let inside = 0
      const visit = Effect.gen(function* () {
        inside += 1
        const together = inside
        yield* Effect.sleep("1 millis")
        yield* same([together, inside], [1, 1], "number of fibers that hold the lock")
        inside -= 1
      })
      const again = (lock: Lock) =>
        Effect.repeat(
          lock.withLock(account, () => visit),
          { times: 2 }
        )
      const visits = Array.from({ length: 4 }, () => locks.map(again))
      yield* Effect.all(visits.flat(), { concurrency: "unbounded" })
    })
  },
  {
    name: "can be held for more than a second",
    run: Effect.gen(function* () {
      const locks = yield* pair(subject)
      const { fiber, leave } = yield* occupy(locks[0])
      let entered = 0
      const count = () => Effect.sync(() => (entered += 1))
      const waiting = yield* Effect.forEach(locks, (lock) => Effect.forkChild(lock.withLock(account, count)))
      for (let times = 0; times < 8; times += 1) yield* grace
      yield* same(entered, 0, "number of fibers that acquired the lock while it was held")
      yield* Deferred.succeed(leave, undefined)
      yield* Fiber.join(fiber)
      yield* Effect.forEach(waiting, (one) => Fiber.join(one))
      yield* same(entered, locks.length, "number of fibers that acquired the lock after its release")
    })
  },
  {
    name: "is acquired by one program's fibers in the order of their requests",
    run: Effect.gen(function* () {
      const lock = yield* opened(subject)
      const { leave } = yield* occupy(lock)
      const order: Array<number> = []
      const waiting = yield* Effect.forEach([0, 1, 2, 3, 4], (index) =>
        Effect.forkChild(
          lock.withLock(account, () => Effect.sync(() => order.push(index))),
          { startImmediately: true }
        )
      )
      yield* Deferred.succeed(leave, undefined)
      yield* Effect.forEach(waiting, Fiber.join)
      yield* same(order, [0, 1, 2, 3, 4], "order in which the fibers acquired the lock")
    })
  },
  {
    name: "is released when the protected effect succeeds",
    run: freedAfter(subject, ({ leave }) => Deferred.succeed(leave, undefined))
  },
  {
    name: "is released when the protected effect fails",
    run: freedAfter(subject, ({ leave }) => Deferred.fail(leave, "no"))
  },
  {
    name: "is released when the protected effect ends with a defect",
    run: freedAfter(subject, ({ leave }) => Deferred.die(leave, "a bug"))
  },
  {
    name: "is released when the protected effect is interrupted",
    run: freedAfter(subject, ({ fiber }) => Fiber.interrupt(fiber))
  },
  {
    name: "is not acquired by an interrupted fiber",
    run: Effect.gen(function* () {
      const [one, two] = yield* pair(subject)
      const { fiber, leave } = yield* occupy(one)
      let entered = 0
      const count = () => Effect.sync(() => (entered += 1))
      const given = yield* Effect.forEach([one, two], (lock) => Effect.forkChild(lock.withLock(account, count)))
      yield* grace
      yield* Effect.forEach(given, Fiber.interrupt)
      yield* Deferred.succeed(leave, undefined)
      yield* Fiber.join(fiber)
      yield* Effect.forEach([one, two], enter)
      yield* same(entered, 0, "number of interrupted fibers that acquired the lock")
    })
  },
  {
    name: "gives each new holder a larger fence",
    run: Effect.gen(function* () {
      const locks = yield* openings(subject, 3)
      const turns = Array.from({ length: 5 }, () => locks).flat()
      const fences = yield* Effect.forEach(turns, enter)
      yield* ensure(
        fences.every((fence, index) => Number.isSafeInteger(fence) && fence > (fences[index - 1] ?? 0)),
        `the fences ${fences.join()} must be integers and must increase`
      )
    })
  },
  {
    name: "has a `check` that succeeds for the holder",
    run: Effect.gen(function* () {
      const lock = yield* opened(subject)
      yield* lock.withLock(account, ({ check }) => Effect.andThen(check, Effect.andThen(grace, check)))
    })
  },
  {
    name: "does not block other accounts",
    run: Effect.gen(function* () {
      const locks = yield* pair(subject)
      const held = yield* occupy(locks[0])
      for (const lock of locks) {
        const { fiber, leave } = yield* occupy(lock, other)
        yield* Deferred.succeed(leave, undefined)
        yield* Fiber.join(fiber)
      }
      yield* Deferred.succeed(held.leave, undefined)
      yield* Fiber.join(held.fiber)
    })
  },
  {
    name: "returns the result or failure of the protected effect",
    run: Effect.gen(function* () {
      const lock = yield* opened(subject)
      const events: Array<string> = []
      const answer = yield* lock
        .withLock(account, () =>
          Effect.as(
            Effect.addFinalizer(() => Effect.sync(() => events.push("closed"))),
            "answer"
          )
        )
        .pipe(Effect.tap(Effect.sync(() => events.push("left"))), Effect.scoped)
      yield* same(
        [answer, events],
        ["answer", ["left", "closed"]],
        "the result of the effect, and the order of the events"
      )
      const exit = yield* Effect.exit(lock.withLock(account, () => Effect.fail("refused")))
      yield* ensure(
        Exit.isFailure(exit) && JSON.stringify(exit).includes("refused"),
        "the failure of the protected effect is lost"
      )
    })
  }
]
