/** Logins, renewals and logouts from the page of `broker-auth open`. */
import type { QrCode } from "@auth/broker-core/login/QrLogin"
import type { Session } from "@auth/broker-core/login/Session"
import * as BrowserLogin from "@auth/broker-core/session/BrowserLogin"
import type { CodeQuestion } from "@auth/broker-core/session/Connection"
import { SessionManager } from "@auth/broker-core/session/SessionManager"
import * as RedirectListener from "@auth/node/RedirectListener"
import * as Clock from "effect/Clock"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Queue from "effect/Queue"
import * as Redacted from "effect/Redacted"
import type * as Scope from "effect/Scope"
import type * as connect from "../connect.ts"
import type { Entry } from "../accounts.ts"
import { type Failure, fail, isFailure, messageOf, promised, Rejected, translated } from "../failure.ts"
import * as qrImage from "../qrImage.ts"
import type { Step } from "./rows.ts"

export interface Handlers {
  readonly answer?: (text: Redacted.Redacted<string>) => void
  readonly resend?: Effect.Effect<void>
}

export type Show = (step: Step, handlers?: Handlers) => void

export const busy = (text: string): Step => ({ _tag: "busy", text, canCancel: false })

export const waiting = (text: string): Step => ({ _tag: "busy", text, canCancel: true })

const textOf = ({ destinations, digits, kinds }: CodeQuestion): string =>
  kinds[0] === "totp"
    ? `Enter the ${digits}-digit code from the authenticator app.`
    : `Enter the ${digits}-digit one-time code${destinations.length === 0 ? "" : ` that was sent to ${destinations.join(" and ")}`}.`

export const askCode = (show: Show, question: CodeQuestion): Effect.Effect<string> =>
  Effect.gen(function* () {
    const answered = yield* Deferred.make<string>()
    let isOpen = true
    const close = () => {
      isOpen = false
    }
    const stepOf = (problem: string | null) =>
      ({
        _tag: "code",
        text: textOf(question),
        digits: question.digits,
        attemptsLeft: question.attemptsLeft ?? null,
        expiresAt: question.expiresAt ?? null,
        resendAt: question.resendAt ?? null,
        problem
      }) as const
    const answer = (text: Redacted.Redacted<string>) => {
      close()
      show(busy("Sending the code to the broker."))
      Deferred.doneUnsafe(answered, Effect.succeed(Redacted.value(text)))
    }
    // A request for a new code can end after the question has ended.
    const ask = (asked: Step): void => {
      if (isOpen) show(asked, { answer, resend })
    }
    const resend: Effect.Effect<void> = Effect.gen(function* () {
      if (question.resendAt === undefined || (yield* Clock.currentTimeMillis) < question.resendAt) return
      ask({ ...stepOf("A new code is being requested."), resendAt: null })
      const problem = yield* Effect.match(promised(question.resend), {
        onFailure: (failure) => messageOf(failure),
        onSuccess: () => "A new code was requested. Enter the new code."
      })
      ask(stepOf(problem))
    })
    ask(stepOf(question.refused === undefined ? null : `${translated(question.refused.reason.message)}.`))
    return yield* Effect.ensuring(Deferred.await(answered), Effect.sync(close))
  })

const withSignal = <A>(call: (signal: AbortSignal) => Promise<A>): Effect.Effect<A, Failure> =>
  Effect.catch(
    Effect.tryPromise({ try: call, catch: (error) => new Rejected({ error }) }),
    ({ error }): Effect.Effect<never, Failure> => (isFailure(error) ? Effect.fail(error) : Effect.die(error))
  )

const browserLogin = ({ connection, loaded }: connect.Opened, show: Show): Effect.Effect<Session, Failure> =>
  Effect.gen(function* () {
    const pasted = yield* Queue.unbounded<Option.Option<Redacted.Redacted<string>>>()
    let step: Extract<Step, { readonly _tag: "browser" }> = {
      _tag: "browser",
      text: `Log in on the page of ${loaded.broker.title}.`,
      url: "",
      paste: false,
      problem: null
    }
    let texts = 0
    const answer = (text: Redacted.Redacted<string>) => {
      show(busy("Checking the address."))
      Queue.offerUnsafe(pasted, Option.some(text))
    }
    const change = (next: Partial<typeof step>) => {
      step = { ...step, ...next }
      show(step, step.paste ? { answer } : {})
    }
    const login = RedirectListener.login().pipe(
      Effect.provideService(RedirectListener.Browser, {
        open: (url) => Effect.sync(() => change({ url })).pipe(Effect.as(true))
      }),
      Effect.provideService(RedirectListener.UserTerminal, {
        isTerminal: Effect.succeed(true),
        // The first text after the call of `lines` is an instruction for a terminal. Each later text says what is wrong
        // with the pasted address.
        show: (text) =>
          Effect.sync(() => {
            if (!step.paste) return
            texts += 1
            if (texts > 1) change({ problem: text.replace(/:$/, ".") })
          }),
        lines: Effect.sync(() => {
          change({
            paste: true,
            text: `Log in on the page of ${loaded.broker.title}. Then copy the whole address of the page that the browser shows, and paste it here.`
          })
          return Queue.take(pasted)
        })
      })
    )
    // If the login ends with an interruption, `Effect.exit` keeps the interruption. Without `Effect.exit`, the promise
    // would reject, and `withSignal` would report a defect.
    return yield* Effect.flatten(
      withSignal((signal) => connection.run(Effect.exit(BrowserLogin.run(login, { byPerson: true })), { signal }))
    )
  })

const stepOfQr = ({ expiresAt, image }: QrCode): Effect.Effect<Step, Failure> => {
  const modules = qrImage.read(Redacted.value(image))
  return modules === undefined
    ? fail("answer", "The broker's image cannot be drawn: it is not a QR code in PNG format.")
    : Effect.succeed({
        _tag: "qr",
        text: "Scan the QR code with the broker's mobile app, and approve the login there.",
        modules: modules.map((row) => row.map((isDark) => (isDark ? "1" : "0")).join("")),
        expiresAt
      })
}

const qrLogin = ({ connection }: connect.Opened, show: Show): Effect.Effect<Session, Failure> =>
  Effect.suspend(() => {
    // Keeps the failure of `draw`, because `loginByQr` does not report why `draw` failed.
    let failed: Failure | undefined
    const draw = (code: QrCode) =>
      Effect.runPromise(
        Effect.map(
          Effect.tapError(stepOfQr(code), (error) => Effect.sync(() => void (failed = error))),
          (step) => show(step)
        )
      )
    return Effect.mapError(
      withSignal((signal) => connection.loginByQr({ show: draw, signal })),
      (error) => failed ?? error
    )
  })

/** Runs a browser login as soon as no other login uses the same port for its redirect URL. */
export type InTurn = <A>(
  opened: connect.Opened,
  show: Show,
  login: Effect.Effect<A, Failure>
) => Effect.Effect<A, Failure>

export interface Parts {
  readonly open: (entry: Entry, options?: connect.Options) => Effect.Effect<connect.Opened, Failure, Scope.Scope>
  readonly inTurn: InTurn
}

const codesOf = (show: Show): connect.Options => ({
  codes: (question) => Effect.runPromise(askCode(show, question), { signal: question.signal })
})

const liveOf = ({ connection }: connect.Opened) =>
  promised(() => connection.run(Effect.flatMap(SessionManager, ({ peek }) => peek)))

const newSession = ({ connection }: connect.Opened): Effect.Effect<Session, Failure> =>
  promised(() => connection.renew())

/** Gets a new session, even if the stored session is live. */
export const login = ({ inTurn, open }: Parts, entry: Entry, show: Show): Effect.Effect<void, Failure> =>
  Effect.gen(function* () {
    const opened = yield* open(entry, codesOf(show))
    const { connection, method } = opened
    if (method.capabilities.includes("QrLogin")) return yield* qrLogin(opened, show)
    if (!method.capabilities.includes("RedirectLogin")) return yield* newSession(opened)
    // A refresh needs no person, so it is tried before the browser login. While a session is live, no refresh is tried,
    // because `connection.session` could return the live session.
    const refreshed =
      Option.isNone(yield* liveOf(opened)) && method.capabilities.includes("Refresh")
        ? yield* Effect.option(promised(() => connection.session()))
        : Option.none<Session>()
    return Option.isSome(refreshed) ? refreshed.value : yield* inTurn(opened, show, browserLogin(opened, show))
  }).pipe(Effect.scoped, Effect.asVoid)

export const renew = ({ open }: Parts, entry: Entry, show: Show): Effect.Effect<void, Failure> =>
  Effect.flatMap(open(entry, codesOf(show)), newSession).pipe(Effect.scoped, Effect.asVoid)

export const logout = ({ open }: Parts, entry: Entry): Effect.Effect<void, Failure> =>
  Effect.flatMap(open(entry), ({ connection }) => promised(() => connection.logout())).pipe(
    Effect.scoped,
    Effect.asVoid
  )
