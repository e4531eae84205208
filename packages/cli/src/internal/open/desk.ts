/** The accounts on the page of `broker-auth open`, and their running actions. */
import type { VaultError } from "@auth/broker-core/session/VaultError"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as FiberMap from "effect/FiberMap"
import * as Option from "effect/Option"
import * as PubSub from "effect/PubSub"
import * as Queue from "effect/Queue"
import * as Redacted from "effect/Redacted"
import type * as Scope from "effect/Scope"
import * as Semaphore from "effect/Semaphore"
import * as Stream from "effect/Stream"
import * as accounts from "../accounts.ts"
import * as accountStatus from "../accountStatus.ts"
import * as connect from "../connect.ts"
import { type Failure, messageOf, onlyPersonLogsIn, translated } from "../failure.ts"
import type { Home } from "../home.ts"
import * as references from "../references.ts"
import * as coalesced from "../serve/coalesced.ts"
import { problemOf } from "../serve/problems.ts"
import * as logins from "./logins.ts"
import * as rows from "./rows.ts"

/**
 * `ready` is sent after the rows of all accounts. `trouble` says why the accounts cannot be read, or is `null` when the
 * accounts can be read again.
 */
export type Change =
  | { readonly _tag: "account"; readonly row: rows.Row }
  | { readonly _tag: "removed"; readonly name: string }
  | { readonly _tag: "ready"; readonly names: ReadonlyArray<string> }
  | { readonly _tag: "trouble"; readonly trouble: rows.Trouble | null }

export const actions = ["login", "renew", "logout"] as const

export type Action = (typeof actions)[number]

/**
 * - `accepted`: the result of the action follows as a change.
 * - `unknown`: `start` found no account with this name.
 * - `busy`: an action of the account is already running.
 * - `nothing`: no action is running, or the request does not apply to the current step of the action.
 */
export type Accepted = "accepted" | "unknown" | "busy" | "nothing"

export interface Desk {
  /** First the current state, as changes. Then each later change. */
  readonly changes: Stream.Stream<Change>
  readonly start: (name: string, action: Action) => Effect.Effect<Accepted, VaultError>
  /** Logs in to each account that has no live session. Logins that need a person run one after the other. */
  readonly startAll: Effect.Effect<void, VaultError>
  readonly cancel: (name: string) => Effect.Effect<Accepted>
  readonly answer: (name: string, text: Redacted.Redacted<string>) => Effect.Effect<Accepted>
  readonly resend: (name: string) => Effect.Effect<Accepted>
}

/** How often the vault is read while a page is open, to find changes by other programs. */
const pollInterval = "2 seconds"

/** Maximum number of logins that `startAll` runs at the same time. Logins that need a person are not counted. */
const atOnce = 6

/**
 * Like `atOnce`, but for one broker. If more logins ran at the same time, the broker's firewall might block this
 * machine's address.
 */
const atOncePerBroker = 2

const keptChanges = 1024

interface Doing {
  readonly step: rows.Step
  readonly handlers: logins.Handlers
}

const texts: Readonly<Record<Action, string>> = {
  login: "Logging in.",
  renew: "Getting a new session.",
  logout: "Logging out."
}

const troubleOf = (cause: Cause.Cause<Failure>, name: string): rows.Trouble => {
  const failure = Option.getOrUndefined(Cause.findErrorOption(cause))
  if (failure === undefined) return { message: "The command has a fault", remedy: "Please report it." }
  if (onlyPersonLogsIn(failure)) return { message: `${name} needs a person to log in`, remedy: "Use Log in." }
  const { message, remedy } = problemOf(failure, name)
  return { message, remedy }
}

const semaphoreOf = (all: Map<string, Semaphore.Semaphore>, key: string, permits: number): Semaphore.Semaphore => {
  const found = all.get(key) ?? Semaphore.makeUnsafe(permits)
  all.set(key, found)
  return found
}

const loopback: ReadonlySet<string> = new Set(["127.0.0.1", "localhost", "[::1]"])

/** The port of this machine that a login in the browser needs. */
const portOf = ({ entry, method }: connect.Opened): Effect.Effect<string | undefined, Failure> => {
  const { env } = method.credentials["redirectUrl"] ?? {}
  const given = env === undefined ? undefined : entry.values[env]
  if (given === undefined) return Effect.succeed(undefined)
  return Effect.map(references.resolve(given), (value) => {
    const address = Redacted.value(value).trim()
    if (!URL.canParse(address)) return undefined
    const { hostname, port, protocol } = new URL(address)
    return protocol === "http:" && loopback.has(hostname) ? port : undefined
  })
}

/** `isWatched` says whether a page is open. */
export const make = Effect.fnUntraced(function* (
  home: Home,
  isWatched: () => boolean
): Effect.fn.Return<Desk, never, Scope.Scope> {
  const published = yield* PubSub.sliding<Change>(keptChanges)
  const running = yield* FiberMap.make<string, void>()
  const signals = yield* Queue.sliding<void>(1)
  const [persons, others] = [Semaphore.makeUnsafe(1), Semaphore.makeUnsafe(atOnce)]
  const opening = Semaphore.makeUnsafe(1)
  const ports = new Map<string, Semaphore.Semaphore>()
  const brokers = new Map<string, Semaphore.Semaphore>()
  const doing = new Map<string, Doing>()
  const failures = new Map<string, rows.Trouble>()
  const shown = new Map<string, { readonly row: rows.Row; readonly json: string }>()
  let trouble: rows.Trouble | null = null

  const changed = () => void Queue.offerUnsafe(signals, undefined)
  const list = accounts.reader(home.store)
  const publish = (change: Change) => void PubSub.publishUnsafe(published, change)

  const remove = Effect.fnUntraced(function* (name: string) {
    shown.delete(name)
    failures.delete(name)
    publish({ _tag: "removed", name })
    yield* FiberMap.remove(running, name)
  })

  const read = Effect.gen(function* () {
    const entries = yield* list
    for (const entry of entries) {
      const status = yield* accountStatus.read(home, entry)
      const { name } = entry
      const row = rows.make(home, status, {
        failure: failures.get(name) ?? null,
        step: doing.get(name)?.step ?? null
      })
      const json = JSON.stringify(row)
      if (shown.get(name)?.json === json) continue
      shown.set(name, { row, json })
      publish({ _tag: "account", row })
    }
    const names = new Set(entries.map(({ name }) => name))
    for (const name of Array.from(shown.keys())) if (!names.has(name)) yield* remove(name)
    return entries
  })

  const tell = (next: rows.Trouble | null) =>
    Effect.sync(() => {
      if (next?.message === trouble?.message) return
      trouble = next
      publish({ _tag: "trouble", trouble })
    })

  const refresh = yield* coalesced.make(
    read.pipe(
      Effect.tap(() => tell(null)),
      Effect.tapError((error) => tell({ message: messageOf(error), remedy: translated(error.reason.remedy) }))
    )
  )

  yield* Effect.forkScoped(
    Effect.forever(
      Effect.gen(function* () {
        const isSignal = Option.isSome(yield* Effect.timeoutOption(Queue.take(signals), pollInterval))
        if (isSignal || isWatched()) yield* Effect.ignore(refresh)
      })
    )
  )

  const showOf =
    (name: string): logins.Show =>
    (step, handlers = {}) => {
      doing.set(name, { step, handlers })
      changed()
    }

  const inTurn: logins.InTurn = (opened, show, login) =>
    Effect.flatMap(portOf(opened), (port) => {
      if (port === undefined) return login
      show(logins.waiting("Waiting until another login on the same port of this machine has ended."))
      return semaphoreOf(ports, port, 1).withPermit(login)
    })

  const parts: logins.Parts = {
    inTurn,
    // Opening an account can run programs that ask the user questions (see `references`). Two programs must not ask at
    // the same time.
    open: (entry, options) => opening.withPermit(connect.open(home, entry, options))
  }

  const runs: Readonly<Record<Action, (entry: accounts.Entry, show: logins.Show) => Effect.Effect<void, Failure>>> = {
    login: (entry, show) => logins.login(parts, entry, show),
    renew: (entry, show) => logins.renew(parts, entry, show),
    logout: (entry) => logins.logout(parts, entry)
  }

  const run = (entry: accounts.Entry, action: Action): Effect.Effect<void> => {
    const { name } = entry
    return Effect.suspend(() => {
      failures.delete(name)
      const showStep = showOf(name)
      let isOver = false
      const show: logins.Show = (step, handlers) => {
        if (!isOver) showStep(step, handlers)
      }
      show(logins.busy(texts[action]))
      return Effect.ensuring(
        runs[action](entry, show),
        Effect.sync(() => {
          isOver = true
        })
      )
    }).pipe(
      Effect.exit,
      Effect.map((exit) => {
        if (Exit.isFailure(exit) && !Cause.hasInterruptsOnly(exit.cause)) {
          failures.set(name, troubleOf(exit.cause, name))
        }
      })
    )
  }

  const forked = (name: string, effect: Effect.Effect<void>) =>
    FiberMap.run(
      running,
      name,
      Effect.ensuring(
        effect,
        Effect.sync(() => {
          doing.delete(name)
          changed()
        })
      )
    )

  const start: Desk["start"] = Effect.fnUntraced(function* (name, action) {
    const entry = (yield* list).find((known) => known.name === name)
    if (entry === undefined) return "unknown"
    if (doing.has(name)) return "busy"
    yield* forked(name, run(entry, action))
    return "accepted"
  })

  const startAll = Effect.gen(function* () {
    for (const entry of yield* list) {
      const status = yield* accountStatus.read(home, entry)
      if (status.state === "live" || doing.has(entry.name)) continue
      showOf(entry.name)(logins.waiting("Waiting for its turn."))
      const login = run(entry, "login")
      const isForPerson = status.method !== undefined && connect.needsPerson(status.method, entry)
      const perBroker = semaphoreOf(brokers, entry.broker, atOncePerBroker)
      yield* forked(
        entry.name,
        isForPerson ? persons.withPermit(login) : perBroker.withPermit(others.withPermit(login))
      )
    }
  })

  const withHandlers = (
    name: string,
    use: (handlers: logins.Handlers) => Effect.Effect<unknown> | undefined
  ): Effect.Effect<Accepted> =>
    Effect.suspend(() => {
      const found = doing.get(name)
      const effect = found === undefined ? undefined : use(found.handlers)
      return effect === undefined ? Effect.succeed("nothing") : Effect.as(effect, "accepted")
    })

  const changes = Stream.unwrap(
    Effect.gen(function* () {
      yield* Effect.ignore(refresh)
      const subscription = yield* PubSub.subscribe(published)
      const current: ReadonlyArray<Change> = [
        ...Array.from(shown.values(), ({ row }): Change => ({ _tag: "account", row })),
        { _tag: "ready", names: Array.from(shown.keys()) },
        ...(trouble === null ? [] : [{ _tag: "trouble", trouble } as const])
      ]
      return Stream.concat(Stream.fromIterable(current), Stream.fromSubscription(subscription))
    })
  )

  return {
    changes,
    start,
    startAll,
    cancel: (name) =>
      Effect.suspend(() => {
        const step = doing.get(name)?.step
        return step === undefined || (step._tag === "busy" && !step.canCancel)
          ? Effect.succeed("nothing")
          : Effect.as(FiberMap.remove(running, name), "accepted")
      }),
    answer: (name, text) =>
      withHandlers(name, ({ answer }) => (answer === undefined ? undefined : Effect.sync(() => answer(text)))),
    resend: (name) => withHandlers(name, ({ resend }) => resend)
  }
})
