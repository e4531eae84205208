import { Renewal } from "@auth/broker-core/broker/Renewal"
import type { Session } from "@auth/broker-core/login/Session"
import { Profile } from "@auth/broker-core/login/Profile"
import * as LoginGuard from "@auth/broker-core/session/LoginGuard"
import { SessionManager } from "@auth/broker-core/session/SessionManager"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import type * as connect from "../connect.ts"
import { type Failure, forPerson, promised, translated } from "../failure.ts"
import type { Home } from "../home.ts"
import { untilText } from "../login.ts"
import { type Finding, fine, ofFailure, problem, withProgress } from "./finding.ts"

const settled = (
  check: Finding["check"],
  { loaded }: connect.Opened,
  finding: Effect.Effect<Finding, Failure>
): Effect.Effect<Finding> =>
  Effect.catch(finding, (failure) => Effect.succeed(ofFailure(check, failure, loaded.broker)))

type Refusal = Effect.Error<ReturnType<LoginGuard.LoginGuard["Service"]["check"]>>

/** Omits the sentence "Nothing was sent", because this check does not try to log in. */
const saidBy = ({ reason }: Refusal): readonly [what: string, remedy: string] => [
  reason._tag === "ActionRequired" ? reason.what : reason.message,
  translated(reason.remedy).replace(/^Nothing was sent\. /, "")
]

/** Sends nothing, and records nothing. */
export const checkGuard = (home: Home, opened: connect.Opened): Effect.Effect<Finding> => {
  const { connection, entry } = opened
  const { broker, method, name } = entry
  const guard = LoginGuard.make(home.store)
  const found = Effect.gen(function* () {
    const { credentials, guard: policy } = yield* promised(() => connection.run(Renewal))
    const counted = yield* guard.countedAt(entry.account, policy)
    const used = `${counted.length} of ${policy.maxFailures} allowed login failures`
    const check = (byPerson: boolean) => Effect.result(guard.check(entry.account, policy, { credentials, byPerson }))
    const blocked = yield* check(true)
    if (Result.isFailure(blocked)) {
      const [what, remedy] = saidBy(blocked.failure)
      const commands = `broker-auth add ${broker} --method ${method} --name ${name} --replace. To allow logins again, run broker-auth guard reset ${name}`
      return problem(
        "login guard",
        ["budget-spent", "person"],
        `no login is sent (${used}). ${what}`,
        `${remedy} To correct credentials, run ${commands}`
      )
    }
    const paused = yield* check(false)
    if (Result.isSuccess(paused)) return fine("login guard", used)
    const [what, remedy] = saidBy(paused.failure)
    return problem(
      "login guard",
      ["paused", "person"],
      `programs send no login for now. ${what}`,
      `${remedy} To log in anyway, run broker-auth login ${name}`
    )
  })
  return settled("login guard", opened, found)
}

const liveSession = ({ connection }: connect.Opened) =>
  promised(() => connection.run(Effect.flatMap(SessionManager, ({ peek }) => peek)))

const replaceText = ({ entry: { name }, method }: connect.Opened): string =>
  method.renewal === undefined || method.renewal.by.length === 0
    ? `Get a new one: broker-auth logout ${name}, then broker-auth login ${name}`
    : `Get a new one: broker-auth renew ${name}`

const askBroker = (opened: connect.Opened, session: Session): Effect.Effect<Finding, Failure> =>
  Effect.gen(function* () {
    const { connection } = opened
    const { profile } = yield* promised(() => connection.run(Profile))
    yield* promised(() => connection.run(profile(session)))
    return fine("session", `the broker accepts it; live ${untilText(session)}`)
  }).pipe(
    withProgress("Asking the broker about the stored session…"),
    Effect.catch((failure) => {
      const finding = ofFailure("session", failure, opened.loaded.broker)
      return Effect.succeed(
        finding.problem?.cause === "dead-session" ? { ...finding, remedy: replaceText(opened) } : finding
      )
    })
  )

export const checkSession = (opened: connect.Opened, isReachable: boolean): Effect.Effect<Finding> => {
  const { entry, method } = opened
  const found = Effect.gen(function* () {
    const live = yield* liveSession(opened)
    if (Option.isNone(live)) return fine("session", "not logged in", `Log in: broker-auth login ${entry.name}`)
    if (!isReachable) return fine("session", "stored, and not checked, because the broker cannot be reached")
    if (!method.capabilities.includes("Profile")) {
      return fine(
        "session",
        `stored, live ${untilText(live.value)}; this way to log in has no call that checks a session`
      )
    }
    return yield* askBroker(opened, live.value)
  })
  return settled("session", opened, found)
}

/** Causes of the problems that a login can solve. */
const solvable: ReadonlySet<string | undefined> = new Set(["dead-session", "paused"])

/**
 * Whether there is a problem that a login cannot solve. If so, `doctor` sends no login, because the login guard could
 * count a failure.
 */
export const forbidsLogin = (findings: ReadonlyArray<Finding>): boolean =>
  findings.some(({ problem }) => problem !== undefined && !solvable.has(problem.cause))

export const checkLogin = (opened: connect.Opened, findings: ReadonlyArray<Finding>): Effect.Effect<Finding> => {
  const { connection, entry, method } = opened
  const log = `broker-auth login ${entry.name}`
  const found = Effect.gen(function* () {
    if (forbidsLogin(findings)) {
      return fine("login", "not sent, because of the problems above", "Solve them, and run the command again.")
    }
    if (method.capabilities.includes("RedirectLogin") || method.capabilities.includes("QrLogin")) {
      return fine("login", `not sent, because a person has to log in: ${method.title}`, `Log in: ${log}`)
    }
    const isDead = findings.some(({ problem }) => problem?.cause === "dead-session")
    if (!isDead && Option.isSome(yield* liveSession(opened))) {
      return fine("login", "not sent, because the stored session is live")
    }
    const session = yield* withProgress("Sending one login…")(
      Effect.mapError(
        promised(() => connection.renew()),
        (failure) => forPerson(failure, entry.name)
      )
    )
    return fine("login", `the broker accepts it; ${entry.name} is logged in ${untilText(session)}`)
  })
  return settled("login", opened, found)
}
