/** `login`: logs in to one account or to all accounts, and reports the results. */
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import type * as Scope from "effect/Scope"
import * as Semaphore from "effect/Semaphore"
import * as ExitCode from "../ExitCode.ts"
import * as accounts from "./accounts.ts"
import * as brokers from "./brokers.ts"
import type { Input } from "./commandTable.ts"
import * as connect from "./connect.ts"
import { CommandFailed, fail, type Failure, messageOf } from "./failure.ts"
import * as homes from "./home.ts"
import { type How, logIn, untilText } from "./login.ts"
import * as notify from "./notify.ts"
import * as output from "./output.ts"
import * as Progress from "./progress.ts"
import * as prompts from "./prompts.ts"
import * as references from "./references.ts"
import * as summary from "./summary.ts"

const { say } = output

const methodOf = ({ broker, folder, method }: accounts.Entry) =>
  Effect.match(brokers.loadBroker(broker, folder), {
    onFailure: () => undefined,
    onSuccess: ({ methods }) => methods.find(({ id }) => id === method)
  })

/**
 * After these failure reasons, a login that needs a person has the state `person`. After other reasons, such as
 * `AccountLocked`, the login has the state `failed`.
 */
const endedByLogin: ReadonlySet<string> = new Set(["ActionRequired", "RedirectRejected", "ChallengeExpired"])

const isForPerson = (failure: Failure): boolean =>
  failure._tag === "CommandFailed"
    ? failure.code === "person"
    : failure._tag === "AuthError" && endedByLogin.has(failure.reason._tag)

const failedOutcome = (entry: accounts.Entry, failure: Failure): Effect.Effect<summary.Outcome> =>
  Effect.map(methodOf(entry), (method) => ({
    name: entry.name,
    broker: entry.broker,
    state: isForPerson(failure) && method !== undefined && connect.needsPerson(method, entry) ? "person" : "failed",
    failure
  }))

const inOutcome = ({ broker, name }: accounts.Entry, expiresAt: number | undefined): summary.Outcome => ({
  name,
  broker,
  state: "in",
  expiresAt
})

const report = Effect.fnUntraced(function* (
  outcomes: ReadonlyArray<summary.Outcome>,
  input: Input<"login">,
  target: notify.Target | undefined
) {
  const code = summary.codeOf(outcomes)
  if (input.json) yield* output.json(summary.toJson(outcomes))
  if (target === undefined) return code
  const isDelivered = yield* notify.send(target, summary.toJson(outcomes))
  return code ?? (isDelivered ? undefined : ExitCode.table.notification.code)
})

const loginOne = Effect.fnUntraced(function* (
  input: Input<"login">,
  target: notify.Target | undefined
): Effect.fn.Return<number | undefined, Failure, Scope.Scope> {
  const home = yield* homes.open(input)
  const entry = yield* accounts.choose(home.store, input.account)
  const result = yield* Effect.result(Effect.scoped(logIn(home, entry, input)))
  if (Result.isFailure(result)) {
    const { failure } = result
    if (failure._tag === "CommandFailed" && failure.code === "usage") return yield* Effect.fail(failure)
    yield* report([yield* failedOutcome(entry, failure)], input, target)
    return yield* Effect.fail(failure)
  }
  const { isNew, session } = result.success
  yield* say(`${entry.name} is logged in ${untilText(session)}.${isNew ? "" : " No login was sent."}`)
  return yield* report([inOutcome(entry, session.expiresAt)], input, target)
})

const atOnce = 6

/** If more logins to one broker ran at once, the broker's firewall could block the address of this machine. */
const atOncePerBroker = 2

/** Converts a defect to a failure. A defect would end the logins of all accounts, but a failure ends only one login. */
const faultOf = (defect: unknown): CommandFailed =>
  new CommandFailed({
    code: "defect",
    message: `This is a fault of the command (${defect instanceof Error ? defect.name : typeof defect}). Please report it.`
  })

const groupsOf = (list: ReadonlyArray<accounts.Entry>): ReadonlyArray<ReadonlyArray<accounts.Entry>> =>
  Array.from(new Set(list.map(({ broker }) => broker)), (broker) => list.filter((entry) => entry.broker === broker))

type Done = Map<string, summary.Outcome>

const renewEach = Effect.fnUntraced(function* (home: homes.Home, list: ReadonlyArray<accounts.Entry>, done: Done) {
  const progress = yield* Progress.open(list.length)
  const running = yield* Semaphore.make(atOnce)
  const opening = yield* Semaphore.make(1)

  // Accounts are opened one at a time, because the programs that read secrets may ask questions.
  const open = (entry: accounts.Entry) => {
    const opened = connect.open(home, entry)
    return Semaphore.withPermit(
      opening,
      Object.values(entry.values).some(references.runsProgram) ? progress.hidden(opened) : opened
    )
  }
  const outcomeOf = (entry: accounts.Entry): Effect.Effect<summary.Outcome> =>
    Effect.flatMap(open(entry), connect.session).pipe(
      Effect.scoped,
      Effect.catchDefect((defect) => Effect.fail(faultOf(defect))),
      Effect.matchEffect({
        onFailure: (failure) => failedOutcome(entry, failure),
        onSuccess: ({ expiresAt }) => Effect.succeed(inOutcome(entry, expiresAt))
      })
    )
  const renew = (entry: accounts.Entry) =>
    Effect.gen(function* () {
      yield* progress.begin(entry.name)
      const outcome = yield* outcomeOf(entry)
      done.set(entry.name, outcome)
      yield* progress.end(outcome)
    }).pipe(Semaphore.withPermit(running))
  yield* Effect.forEach(
    groupsOf(list),
    (group) => Effect.forEach(group, renew, { concurrency: atOncePerBroker, discard: true }),
    { concurrency: "unbounded", discard: true }
  )
}, Effect.scoped)

const stopped = (total: number, done: Done): Effect.Effect<void> => {
  const count = Array.from(done.values()).filter(({ state }) => state === "in").length
  return say(`Stopped. ${count} of ${total} accounts are logged in, and stay logged in.`)
}

/** For each account, tries to get a session without the help of a person. */
const renewAll = (home: homes.Home, list: ReadonlyArray<accounts.Entry>) =>
  Effect.suspend(() => {
    const done: Done = new Map()
    return renewEach(home, list, done).pipe(
      Effect.onInterrupt(() => stopped(list.length, done)),
      Effect.map(() => list.flatMap(({ name }) => done.get(name) ?? []))
    )
  })

/** `none`: skip this account and all later accounts. */
type Wish = "now" | "skip" | "none"

const wishes = new Map<string, Wish>([
  ["s", "skip"],
  ["q", "none"]
])

const askWhether = (name: string, title: string): Effect.Effect<Wish> =>
  Effect.flatMap(prompts.open, (ask) =>
    ask(`${name} needs a person (${title}). Press Enter to log in now, s to skip it, q to skip all`, "shown")
  ).pipe(
    Effect.scoped,
    Effect.map((answer) => wishes.get(answer.trim().toLowerCase()) ?? "now"),
    Effect.catch(() => Effect.succeed("none" as const))
  )

const byPerson = (home: homes.Home, entry: accounts.Entry, how: How): Effect.Effect<summary.Outcome> =>
  Effect.scoped(logIn(home, entry, how)).pipe(
    Effect.catchDefect((defect) => Effect.fail(faultOf(defect))),
    Effect.matchEffect({
      onFailure: (failure) =>
        Effect.andThen(say(`${entry.name}: ${messageOf(failure, entry.name)}`), failedOutcome(entry, failure)),
      onSuccess: ({ session }) =>
        Effect.as(say(`${entry.name} is logged in ${untilText(session)}.`), inOutcome(entry, session.expiresAt))
    })
  )

const askAll = Effect.fnUntraced(function* (
  home: homes.Home,
  list: ReadonlyArray<accounts.Entry>,
  outcomes: ReadonlyArray<summary.Outcome>,
  how: How
) {
  const after: Array<summary.Outcome> = []
  let isAsking = true
  for (const outcome of outcomes) {
    const entry = list.find(({ name }) => name === outcome.name)
    const method = entry === undefined ? undefined : yield* methodOf(entry)
    if (!isAsking || outcome.state !== "person" || entry === undefined || method === undefined) {
      after.push(outcome)
      continue
    }
    const answer = yield* askWhether(entry.name, method.title)
    isAsking = answer !== "none"
    const isBrowser = method.capabilities.includes("RedirectLogin")
    after.push(answer === "now" ? yield* byPerson(home, entry, { ...how, paste: how.paste && isBrowser }) : outcome)
  }
  return after
})

const loginAll = Effect.fnUntraced(function* (
  input: Input<"login">,
  target: notify.Target | undefined
): Effect.fn.Return<number | undefined, Failure, Scope.Scope> {
  if (input.account !== undefined) return yield* fail("usage", "Name an account, or use --all, but not both.")
  if (input.browser || input.qr) return yield* fail("usage", "--browser and --qr are for one account, not for --all.")
  const home = yield* homes.open(input)
  const list = yield* accounts.list(home.store)
  if (list.length === 0) return yield* accounts.none
  const renewed = yield* renewAll(home, list)
  const outcomes = (yield* prompts.isTerminal) ? yield* askAll(home, list, renewed, input) : renewed
  for (const line of summary.linesOf(outcomes)) yield* say(line)
  return yield* report(outcomes, input, target)
})

export const login = (input: Input<"login">): Effect.Effect<number | undefined, Failure> =>
  Effect.gen(function* () {
    const target = input.notify === undefined ? undefined : yield* notify.targetOf(input.notify)
    return yield* input.all ? loginAll(input, target) : loginOne(input, target)
  }).pipe(Effect.scoped)
