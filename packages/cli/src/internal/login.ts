import type { QrCode } from "@auth/broker-core/login/QrLogin"
import type { Session } from "@auth/broker-core/login/Session"
import * as AuthError from "@auth/broker-core/login/AuthError"
import * as Expiry from "@auth/broker-core/login/Expiry"
import * as BrowserLogin from "@auth/broker-core/session/BrowserLogin"
import type { CodeQuestion } from "@auth/broker-core/session/Connection"
import { SessionManager } from "@auth/broker-core/session/SessionManager"
import * as RedirectListener from "@auth/node/RedirectListener"
import * as Clock from "effect/Clock"
import * as Config from "effect/Config"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import type * as Scope from "effect/Scope"
import process from "node:process"
import * as accountStatus from "./accountStatus.ts"
import type * as accounts from "./accounts.ts"
import * as connect from "./connect.ts"
import { type Failure, fail, messageOf, promised, translated } from "./failure.ts"
import type * as homes from "./home.ts"
import { say } from "./output.ts"
import * as prompts from "./prompts.ts"
import * as qrImage from "./qrImage.ts"

export const untilText = ({ expiresAt }: Pick<Session, "expiresAt">): string =>
  expiresAt === undefined ? "with an unknown expiry" : `until ${Expiry.toIst(expiresAt)}`

const sentTo = ({ destinations }: CodeQuestion): string =>
  destinations.length === 0 ? "" : ` sent to ${destinations.join(" and ")}`

const leftOf = ({ attemptsLeft }: CodeQuestion): string =>
  attemptsLeft === undefined ? "" : `, ${attemptsLeft} ${attemptsLeft === 1 ? "attempt" : "attempts"} left`

const kindOf = ({ kinds }: CodeQuestion): string =>
  kinds[0] === "totp" ? "Code from the authenticator app" : "One-time code"

const resendText = (question: CodeQuestion, now: number): string => {
  if (question.resendAt === undefined) return ""
  const wait = Math.ceil((question.resendAt - now) / 1000)
  return wait > 0 ? `; type r in ${wait} s to get a new code` : "; type r to get a new code"
}

/** Whether this failure of `resend` has ended the login. After other failures, the previous code may still be valid. */
const hasEnded = (failure: Failure): boolean =>
  failure._tag !== "AuthError" || failure.reason._tag === "ChallengeExpired" || failure.reason._tag === "AccountLocked"

const askCode = (question: CodeQuestion) =>
  Effect.gen(function* () {
    const ask = yield* prompts.open
    if (question.refused !== undefined)
      yield* say(`The code was not accepted: ${translated(question.refused.reason.message)}`)
    while (true) {
      const now = yield* Clock.currentTimeMillis
      const text = `${kindOf(question)}${sentTo(question)} (${question.digits} digits${leftOf(question)}${resendText(question, now)})`
      const answer = (yield* ask(text, "shown")).trim()
      if (answer !== "r" || question.resendAt === undefined) return answer
      if (question.resendAt > (yield* Clock.currentTimeMillis)) {
        yield* say("The broker does not send a new code yet.")
      } else {
        const asked = yield* Effect.result(promised(question.resend))
        if (Result.isSuccess(asked)) yield* say("The broker was asked to send a new code.")
        else if (hasEnded(asked.failure)) return yield* Effect.fail(asked.failure)
        else yield* say(messageOf(asked.failure))
      }
    }
  }).pipe(Effect.scoped)

/** Replaces a `CommandFailed` with an `AuthError`, because the connection omits the text of any other error. */
const noCode =
  ({ account: { broker, id } }: CodeQuestion) =>
  (failure: Failure): Failure =>
    failure._tag === "CommandFailed"
      ? AuthError.make(
          broker,
          "login",
          new AuthError.ActionRequired({ what: `Enter the one-time code of ${id}`, advice: failure.message })
        )
      : failure

export const codes = (question: CodeQuestion): Promise<string> =>
  Effect.runPromise(Effect.mapError(askCode(question), noCode(question)), { signal: question.signal })

export interface How {
  readonly browser: boolean
  readonly paste: boolean
  readonly qr: boolean
}

const tellBudget = (home: homes.Home, { entry, method }: connect.Opened) =>
  Effect.gen(function* () {
    const status = yield* accountStatus.read(home, entry)
    const most = method.renewal?.maxFailures
    if (status.countedAt.length > 0 && most !== undefined)
      yield* say(`${accountStatus.usedText(status)}. After ${most}, no login is sent.`)
  }).pipe(Effect.ignore)

const browserLogin = (opened: connect.Opened, { paste }: How) => {
  const login = RedirectListener.login()
  const shown = paste
    ? Effect.provideService(login, RedirectListener.Browser, { open: () => Effect.succeed(false) })
    : login
  // `Effect.exit` is needed, because a rejected promise does not show whether Ctrl-C interrupted the login.
  return Effect.flatten(promised(() => opened.connection.run(Effect.exit(BrowserLogin.run(shown, { byPerson: true })))))
}

/** White on black, so that a QR code can be scanned in a dark and in a light terminal. */
const onPaper = (line: string): string => `\u001b[97;40m${line}\u001b[0m`

/** The image is secret, so it is not written to a file. */
const showQr = (image: Redacted.Redacted<string>) =>
  Effect.gen(function* () {
    const modules = qrImage.read(Redacted.value(image))
    if (modules === undefined) {
      return yield* fail("answer", "The broker's image cannot be drawn: it is not a QR code in PNG format.")
    }
    const lines = qrImage.draw(modules)
    const columns = process.stderr.columns || 80
    if (columns < modules.length + 4) {
      return yield* fail("person", `The QR code needs ${modules.length + 4} columns, and the terminal has ${columns}.`)
    }
    const noColor = Option.isSome(yield* Effect.option(Config.NonEmptyString("NO_COLOR")))
    yield* Console.error(lines.map((line) => (noColor ? line : onPaper(line))).join("\n"))
    yield* say("Scan the QR code with the broker's mobile app, and approve the login there.")
  })

const qrLogin = ({ connection }: connect.Opened): Effect.Effect<Session, Failure> =>
  Effect.gen(function* () {
    if (!(yield* prompts.isTerminal))
      return yield* fail("person", "A QR code needs a terminal, so that a person can scan it.")
    // The connection does not report why `show` failed.
    let shown: Failure | undefined
    const show = ({ image }: QrCode) =>
      Effect.runPromise(
        Effect.tapError(showQr(image), (error) => {
          shown = error
          return Effect.void
        })
      )
    return yield* Effect.mapError(
      promised(() => connection.loginByQr({ show })),
      (error) => shown ?? error
    )
  })

const start = Effect.fnUntraced(function* (opened: connect.Opened, how: How): Effect.fn.Return<Session, Failure> {
  const { connection, entry, method } = opened
  const isBrowser = method.capabilities.includes("RedirectLogin")
  if ((how.browser || how.paste) && !isBrowser) {
    return yield* fail("usage", `${entry.name} does not log in through the browser, but with: ${method.title}.`)
  }
  const isQr = method.capabilities.includes("QrLogin")
  if (how.qr && !isQr) {
    return yield* fail("usage", `${entry.name} does not log in with a QR code, but with: ${method.title}.`)
  }
  if (isQr) return yield* qrLogin(opened)
  if (!isBrowser) return yield* promised(() => connection.renew())
  // A refresh needs no person, so it is tried before the browser login.
  const renewed = method.capabilities.includes("Refresh")
    ? yield* Effect.option(promised(() => connection.session()))
    : Option.none<Session>()
  return Option.isSome(renewed) ? renewed.value : yield* browserLogin(opened, how)
})

/** `isNew` is false if a live session was already stored. */
export interface LoggedIn {
  readonly session: Session
  readonly isNew: boolean
}

export const logIn = Effect.fnUntraced(function* (
  home: homes.Home,
  entry: accounts.Entry,
  how: How
): Effect.fn.Return<LoggedIn, Failure, Scope.Scope> {
  const opened = yield* connect.open(home, entry, { codes })
  const live = yield* promised(() => opened.connection.run(Effect.flatMap(SessionManager, ({ peek }) => peek)))
  if (Option.isSome(live)) return { session: live.value, isNew: false }
  const session = yield* Effect.tapError(start(opened, how), () => tellBudget(home, opened))
  return { session, isNew: true }
})
