/** `login`: logs in, unless the stored session is live. */
import type { Session } from "@auth/broker-core/login/Session"
import * as Expiry from "@auth/broker-core/login/Expiry"
import * as BrowserLogin from "@auth/broker-core/session/BrowserLogin"
import type { CodeQuestion } from "@auth/broker-core/session/Connection"
import * as LoginGuard from "@auth/broker-core/session/LoginGuard"
import { SessionManager } from "@auth/broker-core/session/SessionManager"
import * as RedirectListener from "@auth/node/RedirectListener"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type * as Scope from "effect/Scope"
import * as accounts from "./accounts.ts"
import type { Input } from "./commandTable.ts"
import * as connect from "./connect.ts"
import { type Failure, fail, promised } from "./failure.ts"
import * as homes from "./home.ts"
import { say } from "./output.ts"
import * as prompts from "./prompts.ts"

/** When the session expires, for people. */
export const untilText = ({ expiresAt }: Session): string =>
  expiresAt === undefined ? "with an unknown end" : `until ${Expiry.toIst(expiresAt)}`

const sentTo = ({ destinations }: CodeQuestion): string =>
  destinations.length === 0 ? "" : ` sent to ${destinations.join(" and ")}`

const leftOf = ({ attemptsLeft }: CodeQuestion): string =>
  attemptsLeft === undefined ? "" : `, ${attemptsLeft} ${attemptsLeft === 1 ? "attempt" : "attempts"} left`

const kindOf = ({ kinds }: CodeQuestion): string =>
  kinds[0] === "totp" ? "Code of the authenticator app" : "One-time code"

const resendText = (question: CodeQuestion, now: number): string => {
  if (question.resendAt === undefined) return ""
  const wait = Math.ceil((question.resendAt - now) / 1000)
  return wait > 0 ? `; type r to send it again, in ${wait} s` : "; type r to send it again"
}

/** Asks the person for the code of a second step. */
const askCode = (question: CodeQuestion) =>
  Effect.gen(function* () {
    const ask = yield* prompts.open
    if (question.refused !== undefined) yield* say(`The code was not accepted: ${question.refused.reason.message}`)
    while (true) {
      const now = yield* Clock.currentTimeMillis
      const text = `${kindOf(question)}${sentTo(question)} (${question.digits} digits${leftOf(question)}${resendText(question, now)})`
      const answer = (yield* ask(text, "shown")).trim()
      if (answer !== "r" || question.resendAt === undefined) return answer
      if (question.resendAt > (yield* Clock.currentTimeMillis)) {
        yield* say("The broker does not send the code again yet.")
      } else {
        yield* promised(question.resend)
        yield* say("The broker was asked to send a new code.")
      }
    }
  }).pipe(Effect.scoped)

export const codes = (question: CodeQuestion): Promise<string> =>
  Effect.runPromise(askCode(question), { signal: question.signal })

/** Tells how many failed logins the account has left before nothing is sent any more. */
const tellBudget = (home: homes.Home, { entry, method }: connect.Opened) =>
  Effect.gen(function* () {
    const { refusedAt, unansweredAt } = yield* LoginGuard.make(home.store).memory(entry.account)
    const used = refusedAt.length + unansweredAt.length
    const most = method.renewal?.maxFailures
    if (used > 0 && most !== undefined)
      yield* say(`${used} of ${most} failed logins used. After ${most}, nothing is sent.`)
  }).pipe(Effect.ignore)

const browserLogin = (opened: connect.Opened, { paste }: Input<"login">) => {
  const login = RedirectListener.login()
  const shown = paste
    ? Effect.provideService(login, RedirectListener.Browser, { open: () => Effect.succeed(false) })
    : login
  return promised(() => opened.connection.run(BrowserLogin.run(shown, { byPerson: true })))
}

const start = Effect.fnUntraced(function* (
  opened: connect.Opened,
  input: Input<"login">
): Effect.fn.Return<Session, Failure> {
  const { connection, entry, method } = opened
  const isBrowser = method.capabilities.includes("RedirectLogin")
  if ((input.browser || input.paste) && !isBrowser) {
    return yield* fail("usage", `${entry.name} does not log in through the browser, but with: ${method.title}.`)
  }
  if (!isBrowser) return yield* promised(() => connection.renew())
  // A refresh needs no person.
  const renewed = method.capabilities.includes("Refresh")
    ? yield* Effect.option(promised(() => connection.session()))
    : Option.none<Session>()
  return Option.isSome(renewed) ? renewed.value : yield* browserLogin(opened, input)
})

export const login = Effect.fnUntraced(function* (input: Input<"login">): Effect.fn.Return<void, Failure, Scope.Scope> {
  const home = yield* homes.open(input)
  const entry = yield* accounts.choose(home.store, input.account)
  const opened = yield* connect.open(home, entry, { codes })
  const live = yield* promised(() => opened.connection.run(Effect.flatMap(SessionManager, ({ peek }) => peek)))
  if (Option.isSome(live)) {
    return yield* say(`${entry.name} is logged in ${untilText(live.value)}. No login was sent.`)
  }
  const session = yield* Effect.tapError(start(opened, input), () => tellBudget(home, opened))
  yield* say(`${entry.name} is logged in ${untilText(session)}.`)
}, Effect.scoped)
