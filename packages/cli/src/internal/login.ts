/** `login`: logs in, unless the stored session is live. */
import type { QrCode } from "@auth/broker-core/login/QrLogin"
import type { Session } from "@auth/broker-core/login/Session"
import * as Expiry from "@auth/broker-core/login/Expiry"
import * as BrowserLogin from "@auth/broker-core/session/BrowserLogin"
import type { CodeQuestion } from "@auth/broker-core/session/Connection"
import * as LoginGuard from "@auth/broker-core/session/LoginGuard"
import { SessionManager } from "@auth/broker-core/session/SessionManager"
import * as RedirectListener from "@auth/node/RedirectListener"
import * as Clock from "effect/Clock"
import * as Config from "effect/Config"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import type * as Scope from "effect/Scope"
import process from "node:process"
import * as ExitCode from "../ExitCode.ts"
import * as accounts from "./accounts.ts"
import type { Input } from "./commandTable.ts"
import * as connect from "./connect.ts"
import { codeOf, type Failure, fail, messageOf, promised, translated } from "./failure.ts"
import * as homes from "./home.ts"
import { say } from "./output.ts"
import * as prompts from "./prompts.ts"
import * as qrImage from "./qrImage.ts"

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
    if (question.refused !== undefined)
      yield* say(`The code was not accepted: ${translated(question.refused.reason.message)}`)
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
  // With its exit, so that Ctrl-C at the prompt for the address stays an interruption.
  return Effect.flatten(promised(() => opened.connection.run(Effect.exit(BrowserLogin.run(shown, { byPerson: true })))))
}

/** Colours of paper, so that the code is right in terminals with a dark or a light background. */
const onPaper = (line: string): string => `\u001b[97;40m${line}\u001b[0m`

/** Shows a QR code on standard error. The image is a secret of this login: it is not written to a file. */
const showQr = (image: Redacted.Redacted<string>) =>
  Effect.gen(function* () {
    const modules = qrImage.read(Redacted.value(image))
    if (modules === undefined) {
      return yield* fail("answer", "The broker's image cannot be drawn: it is no QR code in PNG format.")
    }
    const lines = qrImage.draw(modules)
    const columns = process.stderr.columns || 80
    if (columns < modules.length + 4) {
      return yield* fail("person", `The QR code needs ${modules.length + 4} columns, and the terminal has ${columns}.`)
    }
    const noColor = Option.isSome(yield* Effect.option(Config.NonEmptyString("NO_COLOR")))
    yield* Console.error(lines.map((line) => (noColor ? line : onPaper(line))).join("\n"))
    yield* say("Scan the QR code with the mobile app of the broker, and approve the login there.")
  })

const qrLogin = ({ connection }: connect.Opened): Effect.Effect<Session, Failure> =>
  Effect.gen(function* () {
    if (!(yield* prompts.isTerminal))
      return yield* fail("person", "A QR code needs a terminal, so that a person can scan it.")
    // A connection reports a failure of `show` without its reason.
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

const start = Effect.fnUntraced(function* (
  opened: connect.Opened,
  input: Input<"login">
): Effect.fn.Return<Session, Failure> {
  const { connection, entry, method } = opened
  const isBrowser = method.capabilities.includes("RedirectLogin")
  if ((input.browser || input.paste) && !isBrowser) {
    return yield* fail("usage", `${entry.name} does not log in through the browser, but with: ${method.title}.`)
  }
  const isQr = method.capabilities.includes("QrLogin")
  if (input.qr && !isQr) {
    return yield* fail("usage", `${entry.name} does not log in with a QR code, but with: ${method.title}.`)
  }
  if (isQr) return yield* qrLogin(opened)
  if (!isBrowser) return yield* promised(() => connection.renew())
  // A refresh needs no person.
  const renewed = method.capabilities.includes("Refresh")
    ? yield* Effect.option(promised(() => connection.session()))
    : Option.none<Session>()
  return Option.isSome(renewed) ? renewed.value : yield* browserLogin(opened, input)
})

const loginOne = Effect.fnUntraced(function* (input: Input<"login">): Effect.fn.Return<void, Failure, Scope.Scope> {
  const home = yield* homes.open(input)
  const entry = yield* accounts.choose(home.store, input.account)
  const opened = yield* connect.open(home, entry, { codes })
  const live = yield* promised(() => opened.connection.run(Effect.flatMap(SessionManager, ({ peek }) => peek)))
  if (Option.isSome(live)) {
    return yield* say(`${entry.name} is logged in ${untilText(live.value)}. No login was sent.`)
  }
  const session = yield* Effect.tapError(start(opened, input), () => tellBudget(home, opened))
  yield* say(`${entry.name} is logged in ${untilText(session)}.`)
})

/** Number of accounts that log in at the same time. */
const atOnce = 4

/** The outcome of one account. `failure` is absent if its session is live. */
interface Outcome {
  readonly name: string
  readonly text: string
  readonly failure: Failure | undefined
}

const needsPerson = (failure: Failure): boolean => codeOf(failure) === ExitCode.table.person.code

const liveSession = (home: homes.Home, entry: accounts.Entry): Effect.Effect<Outcome> =>
  Effect.match(
    Effect.scoped(Effect.flatMap(connect.open(home, entry), (opened) => promised(() => opened.connection.session()))),
    {
      onFailure: (failure) => ({
        name: entry.name,
        text: needsPerson(failure) ? `needs a person: broker-auth login ${entry.name}` : messageOf(failure),
        failure
      }),
      onSuccess: (session) => ({ name: entry.name, text: `logged in ${untilText(session)}`, failure: undefined })
    }
  )

const barWidth = 20

/** Shows the progress: a bar that moves at a terminal, otherwise one line for each account. */
const progressOf = (total: number) => {
  const { isTTY } = process.stderr
  let done = 0
  const show = ({ name, text }: Outcome) =>
    Effect.suspend(() => {
      done += 1
      if (!isTTY) return say(`${name}: ${text}`)
      const filled = Math.floor((done / total) * barWidth)
      const bar = `[${"#".repeat(filled)}${" ".repeat(barWidth - filled)}] ${done}/${total}`
      return Effect.sync(() => void process.stderr.write(`\r${bar}`))
    })
  return { show, close: Effect.sync(() => void (isTTY && process.stderr.write("\n"))) }
}

const loginAll = Effect.fnUntraced(function* (
  input: Input<"login">
): Effect.fn.Return<number | undefined, Failure, Scope.Scope> {
  if (input.account !== undefined) return yield* fail("usage", "Name an account, or use --all, but not both.")
  const home = yield* homes.open(input)
  const list = yield* accounts.list(home.store)
  if (list.length === 0) return yield* accounts.none
  const progress = progressOf(list.length)
  const outcomes = yield* Effect.forEach(list, (entry) => Effect.tap(liveSession(home, entry), progress.show), {
    concurrency: atOnce
  }).pipe(Effect.ensuring(progress.close))
  const failed = outcomes.flatMap(({ failure, ...outcome }) => (failure === undefined ? [] : [{ ...outcome, failure }]))
  yield* say(`${list.length - failed.length} of ${list.length} accounts are logged in.`)
  for (const { name, text } of failed) yield* say(`  ${name}: ${text}`)
  const [first] = failed
  if (first === undefined) return undefined
  return failed.some(({ failure }) => needsPerson(failure)) ? ExitCode.table.person.code : codeOf(first.failure)
})

export const login = (input: Input<"login">): Effect.Effect<number | void, Failure> =>
  Effect.scoped(input.all ? loginAll(input) : loginOne(input))
