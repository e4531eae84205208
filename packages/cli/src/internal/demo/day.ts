/** The steps of the demo: a trading day, from 09:00 until shortly after midnight. */
import * as Expiry from "@auth/broker-core/login/Expiry"
import * as Login from "@auth/broker-core/login/Login"
import * as Logout from "@auth/broker-core/login/Logout"
import * as Profile from "@auth/broker-core/login/Profile"
import { RedirectLogin } from "@auth/broker-core/login/RedirectLogin"
import type { Session } from "@auth/broker-core/login/Session"
import { StepUp } from "@auth/broker-core/login/StepUp"
import { AuthorizedClient } from "@auth/broker-core/session/AuthorizedClient"
import * as SessionManager from "@auth/broker-core/session/SessionManager"
import * as Vault from "@auth/broker-core/session/Vault"
import * as LoginPage from "@auth/simulator/LoginPage"
import { Simulator } from "@auth/simulator/Simulator"
import * as SimulatorClock from "@auth/simulator/SimulatorClock"
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import { inspect } from "node:util"
import { type CommandFailed, fail } from "../failure.ts"
import { untilText } from "../login.ts"
import { line } from "../output.ts"
import { heading, refused, step } from "./print.ts"
import type { Program } from "./programs.ts"

/** Lag of the slow clock in `failures`, in milliseconds. */
const lateBy = 240_000

const requestsAtOnce = 1000
const callsAtOnce = 20

const atOnce = <A, E, R>(count: number, effect: Effect.Effect<A, E, R>) =>
  Effect.all(
    Array.from({ length: count }, () => effect),
    { concurrency: "unbounded" }
  )

const manager = SessionManager.SessionManager

const renew = Effect.flatMap(manager, ({ renew }) => renew())

const describe = (session: Session): string => `valid ${untilText(session)}, token ${inspect(session.tokens.access)}`

const sending = Effect.fnUntraced(function* <A, E, R>(
  { id }: Program,
  expected: number,
  effect: Effect.Effect<A, E, R>
) {
  const { journal } = yield* Simulator
  const count = Effect.map(Effect.orDie(journal(id)), ({ length }) => length)
  const before = yield* count
  const exit = yield* Effect.exit(effect)
  const sent = (yield* count) - before
  if (sent === expected) return yield* exit
  const failure = Exit.isFailure(exit) ? ` ${Cause.pretty(exit.cause)}` : ""
  return yield* fail("defect", `The broker received ${sent} requests instead of ${expected}.${failure}`)
})

const requestProfile = (
  { broker: { title }, method: { capabilities } }: Program,
  session: Session,
  name = "request the profile"
) =>
  capabilities.includes("Profile")
    ? step(title, name, Profile.profile(session), ({ name: user = session.account.id }) => `the user is ${user}`)
    : Effect.void

const browse = Effect.fnUntraced(function* ({ account, form, id }: Program) {
  const simulator = yield* Simulator
  const redirect = yield* RedirectLogin
  const request = yield* redirect.begin
  const { code } = yield* simulator.totp(id, account["userId"] ?? "")
  const callback = yield* LoginPage.submit(request.url, form(account, code))
  const session = yield* redirect.complete(request, callback)
  yield* Effect.flatMap(manager, ({ adopt }) => adopt(session))
  return session
})

const morning = Effect.fnUntraced(function* (program: Program) {
  const { broker, method } = program
  const login = method.capabilities.includes("Login") ? SessionManager.session : browse(program)
  const session = yield* step(broker.title, `log in (${method.title})`, login, describe)
  yield* requestProfile(program, session)
  if (!method.capabilities.includes("Refresh")) return
  yield* step(broker.title, "renew the session", renew, () => "refreshed without a login")
})

/** Runs in the second process, with the sessions that the first process stored in the vault. */
export const startAgain = (programs: ReadonlyArray<Program>) =>
  Effect.forEach(
    programs,
    (program) =>
      SessionManager.session.pipe(
        Effect.flatMap((session) => requestProfile(program, session, "request the profile with the stored session")),
        Effect.provide(program.running)
      ),
    { discard: true }
  )

const bySms = Effect.fnUntraced(function* ({ broker: { title }, first, id, layer }: Program) {
  const simulator = yield* Simulator
  const services = yield* Layer.build(layer({ ...first, totp: "disabled" }))
  const ask = Effect.flatMap(Login.login, (outcome) =>
    outcome._tag === "StepUpRequired"
      ? Effect.succeed(outcome.challenge)
      : fail("defect", `${title} did not ask for a code.`)
  )
  const challenge = yield* step(
    title,
    "log in without an authenticator",
    Effect.provideContext(ask, services),
    ({ destinations }) =>
      ["a code was sent", ...(destinations.length === 0 ? [] : [destinations.join(", ")])].join(" to ")
  )
  const verify = (code: string) =>
    Effect.provideContext(
      Effect.flatMap(StepUp, (stepUp) => stepUp.verify(challenge, Redacted.make(code))),
      services
    )
  yield* refused(title, "answer with a wrong code", "InvalidStepUpCode", verify("000000"))
  const codes = yield* Effect.orDie(simulator.codes(id, challenge.account.id))
  yield* step(title, "answer with the code", verify(codes.at(-1) ?? ""), describe)
}, Effect.scoped)

const failures = Effect.fnUntraced(function* (program: Program) {
  const { account, broker, id, layer } = program
  const slow = yield* SimulatorClock.make(() => -lateBy)
  const { inject } = yield* Simulator
  const late = Effect.provideService(Login.session, Clock.Clock, slow)
  yield* refused(
    broker.title,
    "log in on a machine whose clock is slow",
    "InvalidStepUpCode",
    Effect.provide(late, layer(account))
  )
  yield* Effect.orDie(inject(id, "*", { kind: "reset" }))
  yield* refused(
    broker.title,
    "log in over a failing network, without a second try",
    "BrokerUnavailable",
    sending(program, 1, Effect.provide(Login.session, layer(account)))
  )
})

/** The wrong PIN is not sent again, because the broker could lock the account. */
const wrongPin = (program: Program) => {
  const { account, broker, layer } = program
  const services = SessionManager.layer().pipe(
    Layer.provide(layer({ ...account, pin: "0000" })),
    Layer.provide(Vault.layerMemory)
  )
  return Effect.gen(function* () {
    yield* refused(broker.title, "log in with a wrong PIN", "InvalidCredentials", renew)
    yield* refused(broker.title, "log in with the same PIN again", "ActionRequired", sending(program, 0, renew))
  }).pipe(Effect.provide(services))
}

const earlyEnd = Effect.fnUntraced(function* (program: Program) {
  const { broker, origins } = program
  const session = yield* SessionManager.session
  yield* step(broker.title, "another program logs out", Logout.logout(session), () => "this program is not notified")
  const funds = Effect.flatMap(AuthorizedClient, (client) => client.get(`${origins["api"]}/v2/user/funds`))
  // Each call is sent twice: with the old token, and again with the new token. One login serves all calls.
  const calls = sending(program, 2 * callsAtOnce + 1, atOnce(callsAtOnce, funds))
  yield* step(
    broker.title,
    `make ${callsAtOnce} calls at once`,
    calls,
    (answers) => `${answers.filter(({ status }) => status === 200).length} succeeded, after a single login`
  )
})

const logout = ({ broker: { title } }: Program) =>
  step(
    title,
    "log out",
    Effect.flatMap(manager, ({ logout }) => logout),
    ({ _tag }) =>
      _tag === "Revoked"
        ? "the broker revoked the session"
        : "the session is deleted here; the broker has no call that ends it"
  )

const midnight = Effect.fnUntraced(function* (program: Program) {
  const requests = sending(program, 1, atOnce(requestsAtOnce, SessionManager.session))
  yield* step(
    program.broker.title,
    `request a session ${requestsAtOnce} times at once`,
    requests,
    () => "a single login served all requests"
  )
  yield* logout(program)
})

const act = Effect.fnUntraced(function* (time: Parameters<typeof Expiry.dailyAt>[0], title: string) {
  const { advance } = yield* Simulator
  const now = yield* Clock.currentTimeMillis
  const end = Expiry.dailyAt(time)({ issuedAt: now, accessToken: Redacted.make("") })
  yield* Effect.orDie(advance(Duration.millis((end?.at ?? now) - now)))
  yield* heading(`${Expiry.toIst(yield* Clock.currentTimeMillis)}  ${title}`)
})

/** `secondProcess` runs `startAgain` in another process. */
export const day = Effect.fnUntraced(function* <E, R>(
  programs: ReadonlyArray<Program>,
  secondProcess: Effect.Effect<void, E, R>
) {
  const each = <E2, R2>(chosen: ReadonlyArray<Program>, scene: (program: Program) => Effect.Effect<void, E2, R2>) =>
    Effect.forEach(chosen, scene, { discard: true })
  const started =
    <E2, R2>(scene: (program: Program) => Effect.Effect<unknown, E2, R2>) =>
    (program: Program) =>
      Effect.asVoid(Effect.provide(scene(program), program.running))
  const angel = programs.filter(({ id }) => id === "angel")
  const others = programs.filter(({ id }) => id !== "angel")
  const rupeezy = programs.filter(({ id }) => id === "rupeezy")

  yield* act("09:00", "Before the market opens, each program logs in")
  yield* each(programs, started(morning))

  yield* act("09:02", "All programs are stopped, and start again in another process")
  yield* programs.reduce<Effect.Effect<void, E | CommandFailed, R | Simulator>>(
    (restart, program) => sending(program, program.method.capabilities.includes("Profile") ? 1 : 0, restart),
    secondProcess
  )
  yield* line("    The sessions were in the vault, so no program logged in again.")

  yield* act("09:05", "Users log in with a code by SMS")
  yield* each(
    programs.filter(({ method }) => method.capabilities.includes("StepUp")),
    bySms
  )

  yield* act("09:10", "Logins fail, and each error says what to do")
  yield* each(angel, failures)

  yield* act("09:15", "A wrong PIN is sent only once, so that the broker does not lock the account")
  yield* each(angel, wrongPin)

  yield* act("11:00", "A session ends early, and many calls need a new one")
  yield* each(rupeezy, started(earlyEnd))

  yield* act("15:30", "The market has closed, and most programs log out")
  yield* each(others, started(logout))

  yield* act("00:05", "After midnight, the session has expired, and a new one is needed")
  yield* each(angel, started(midnight))
})
