/**
 * Where one-time codes come from: a TOTP secret, a person, or an effect of your own.
 *
 * @since 0.1.0
 */
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Predicate from "effect/Predicate"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import * as Terminal from "effect/Terminal"
import * as Account from "./Account.ts"
import * as AuthError from "./AuthError.ts"
import * as durations from "./internal/durations.ts"
import { withoutQuotes } from "./internal/pasted.ts"
import { timeText } from "./internal/timeText.ts"
import * as Totp from "./Totp.ts"

const TypeId = "~@auth/broker-core/login/CodeSource"

/**
 * What a code is wanted for.
 *
 * @category models
 * @since 0.1.0
 */
export interface CodeRequest {
  readonly account: Account.Account
  readonly kind: CodeKind
  /** Where the broker sent the code to, masked by it. */
  readonly destinations?: ReadonlyArray<string> | undefined
  /** How many digits the code has. Default: 6. */
  readonly digits?: number | undefined
  /** Earliest instant for a resend, milliseconds since the epoch; `undefined` if it cannot be resent. */
  readonly resendAt?: number | undefined
  readonly resendsLeft?: number | undefined
  /** When the code ends, milliseconds since the epoch; `undefined` if the broker does not say. */
  readonly expiresAt?: number | undefined
  /** How many wrong codes the broker still takes, the last of which ends the login; `undefined` if that is not known. */
  readonly attemptsLeft?: number | undefined
}

/**
 * Gives a code when one is wanted.
 *
 * @category models
 * @since 0.1.0
 */
export interface CodeSource {
  readonly [TypeId]: typeof TypeId
  /** What is wrong with the source itself, found when a layer is built: `undefined` if nothing is. */
  readonly problem: string | undefined
  /** How long a code is good for, where the codes are those of a TOTP secret. */
  readonly period?: Duration.Duration | undefined
  readonly code: (request: CodeRequest) => Effect.Effect<Redacted.Redacted<string>, AuthError.AuthError>
}

const make = (fields: Omit<CodeSource, typeof TypeId>): CodeSource => ({ [TypeId]: TypeId, ...fields })

/**
 * @category guards
 * @since 0.1.0
 */
export const isCodeSource = (value: unknown): value is CodeSource => Predicate.hasProperty(value, TypeId)

/**
 * Codes of a TOTP secret. In the last `margin` of a period (2 seconds unless said otherwise) it waits for the next
 * one, since a code must still be good when it arrives; and it never gives the same period's code twice for an
 * account, since brokers refuse a code that was used. The clock is Effect's `Clock`.
 *
 * @example
 * ```ts
 * import * as CodeSource from "@auth/broker-core/login/CodeSource"
 * import * as Redacted from "effect/Redacted"
 *
 * const codes = CodeSource.totp(Redacted.make("JBSW Y3DP EHPK 3PXP"))
 * codes.problem // => undefined
 * ```
 *
 * @category constructors
 * @since 0.1.0
 */
export const totp = (
  secret: Redacted.Redacted<string>,
  options?: { readonly margin?: Duration.Input | undefined }
): CodeSource => {
  const parsed = Totp.parse(secret)
  const asked = Option.getOrUndefined(durations.parse(options?.margin ?? "2 seconds"))
  if (Result.isFailure(parsed) || asked === undefined) {
    const problem = Result.isFailure(parsed) ? parsed.failure : 'has a margin that is no span such as "2 seconds"'
    return make({
      problem,
      code: ({ account }) => Effect.fail(AuthError.invalidRequest(account.broker, "login", "totp", problem))
    })
  }
  const parameters = parsed.success
  const periodMillis = parameters.period * 1000
  // A margin as long as the period would wait for ever: its first second always stays open.
  const margin = Math.min(Duration.toMillis(asked), periodMillis - 1000)
  const lastSteps = new Map<string, number>()
  return make({
    problem: undefined,
    period: Duration.millis(periodMillis),
    code: Effect.fnUntraced(function* ({ account }: CodeRequest) {
      const key = Account.toKey(account)
      while (true) {
        const now = yield* Clock.currentTimeMillis
        const step = Totp.stepAt(parameters, now)
        const end = (step + 1) * periodMillis
        const last = lastSteps.get(key)
        // A step far ahead of the clock was taken before the clock was set back: it must not block for years.
        const used = last !== undefined && last >= step && last - step < 10
        if (!used && end - now > margin) {
          lastSteps.set(key, step)
          return yield* Totp.codeAtStep(parameters, step)
        }
        yield* Effect.sleep(Duration.millis(end - now))
      }
    })
  })
}

/**
 * One code that you have at hand, without blanks and quotation marks around it. It is good for a single login.
 *
 * @example
 * ```ts
 * import * as CodeSource from "@auth/broker-core/login/CodeSource"
 * import * as Redacted from "effect/Redacted"
 *
 * const codes = CodeSource.fixed(Redacted.make("123456"))
 * ```
 *
 * @category constructors
 * @since 0.1.0
 */
export const fixed = (code: Redacted.Redacted<string>): CodeSource =>
  make({
    problem: withoutQuotes(Redacted.value(code)) === "" ? "is empty" : undefined,
    code: () => Effect.sync(() => Redacted.make(withoutQuotes(Redacted.value(code))))
  })

/**
 * Codes from an effect of your own: a mailbox, a message queue, a hardware key.
 *
 * @example
 * ```ts
 * import * as CodeSource from "@auth/broker-core/login/CodeSource"
 * import * as Effect from "effect/Effect"
 * import * as Redacted from "effect/Redacted"
 *
 * // Such as a mailbox that is looked into.
 * const codes = CodeSource.fromEffect(({ kind }) => Effect.succeed(Redacted.make(kind === "otp" ? "123456" : "654321")))
 * ```
 *
 * @category constructors
 * @since 0.1.0
 */
export const fromEffect = (
  code: (request: CodeRequest) => Effect.Effect<Redacted.Redacted<string>, AuthError.AuthError>
): CodeSource => make({ problem: undefined, code })

/** How often the terminal asks again after a text that cannot be a code. */
const asksAgain = 3

const usualDigits = 6

const plural = (count: number, one: string) => (count === 1 ? `1 ${one}` : `${count} ${one}s`)

/** Brokers mask destinations. One that is not masked is, except for its end. */
const masked = (destination: string): string => {
  const text = destination.replace(/\p{C}/gu, "").trim()
  if (/[*•#]|x{3}/i.test(text)) return text
  const [name = "", host] = text.split("@")
  return host === undefined ? `xxxx${text.slice(-4)}` : `${name.slice(0, 1)}xxxx@${host}`
}

/** What the person needs to know of the code: all that the challenge says. */
const promptText = (request: CodeRequest, now: number): string => {
  const { account, attemptsLeft, destinations = [], expiresAt, kind, resendAt, resendsLeft } = request
  const where = destinations.length === 0 ? "" : ` sent to ${destinations.map(masked).join(", ")}`
  const what = kind === "totp" ? "Code from your authenticator app" : `One-time code${where}`
  const isSent = kind === "otp"
  const wait = resendAt === undefined ? 0 : Math.ceil((resendAt - now) / 1000)
  const facts = [
    `${account.broker} ${account.id}`,
    isSent && expiresAt !== undefined && expiresAt > now ? `good for ${timeText(expiresAt - now)}` : undefined,
    isSent && resendAt !== undefined && resendsLeft !== 0
      ? `a new one can be sent ${wait > 0 ? `in ${timeText(Duration.seconds(wait))}` : "now"}`
      : undefined,
    attemptsLeft === undefined ? undefined : `${plural(attemptsLeft, "attempt")} left`
  ]
  return `${what} (${facts.filter((fact) => fact !== undefined).join(", ")}): `
}

/** People type a code in groups, as their app shows it. */
const withoutGroups = (line: string): string => {
  const joined = line.replace(/[\s-]/g, "")
  return /^\d+$/.test(joined) ? joined : line.trim()
}

/**
 * Asks the person at the terminal. The prompt shows what is known of the code: where it was sent, how long it is good,
 * when another can be sent, and how many attempts are left.
 *
 * A text that cannot be a code, such as an empty line or five digits, is asked for again, three times. Nothing is sent
 * meanwhile, so the code that the broker sent stays good. After that it fails with `InvalidRequest`, and with
 * `ActionRequired` if the person leaves the prompt or there is no terminal.
 *
 * @example
 * ```ts
 * import * as AngelAuth from "@auth/angel/AngelAuth"
 * import * as CodeSource from "@auth/broker-core/login/CodeSource"
 * import * as Effect from "effect/Effect"
 * import * as Layer from "effect/Layer"
 * import * as Redacted from "effect/Redacted"
 *
 * const Angel = Layer.unwrap(
 *   Effect.map(CodeSource.prompt, (totp) =>
 *     AngelAuth.layer({
 *       credentials: {
 *         clientCode: "A123456",
 *         pin: Redacted.make("4711"),
 *         apiKey: Redacted.make("demoTrd1"),
 *         totp
 *       }
 *     })
 *   )
 * )
 * ```
 *
 * @category constructors
 * @since 0.1.0
 */
export const prompt: Effect.Effect<CodeSource, never, Terminal.Terminal> = Effect.map(Terminal.Terminal, (terminal) =>
  fromEffect(
    Effect.fnUntraced(function* (request: CodeRequest) {
      const { broker } = request.account
      const left = () =>
        AuthError.make(broker, "login", new AuthError.ActionRequired({ what: "Enter the one-time code at a terminal" }))
      const digits = request.digits ?? usualDigits
      let problem = ""
      for (let asked = 0; asked <= asksAgain; asked += 1) {
        const again = asked === 0 ? "" : `The text ${problem}. Nothing was sent. Enter the code again.\n`
        const text = promptText(request, yield* Clock.currentTimeMillis)
        const line = yield* terminal
          .display(`${again}${text}`)
          .pipe(Effect.andThen(terminal.readLine), Effect.mapError(left))
        const code = Redacted.make(withoutGroups(line))
        const found = shapeProblem(code, digits)
        if (found === undefined) return code
        problem = Redacted.value(code) === "" ? "is empty" : found
      }
      return yield* Effect.fail(
        AuthError.make(
          broker,
          "login",
          new AuthError.InvalidRequest({
            problems: [{ field: "code", problem }],
            advice: `Nothing was sent. Log in again, and enter the ${digits} digits of the code.`
          })
        )
      )
    })
  )
)

/**
 * How a one-time code reaches the holder.
 *
 * @category models
 * @since 0.1.0
 */
export type CodeKind = "totp" | "otp"

/** What a challenge says of the code that it wants. */
interface Asked extends Omit<CodeRequest, "kind"> {
  readonly kinds: readonly [CodeKind, ...ReadonlyArray<CodeKind>]
}

/**
 * Answers a challenge with the code of a source: for `Login.withStepUp` and `Renewal.layerLoginWithStepUp`. The source
 * gets everything that the challenge says of the code.
 *
 * @example
 * ```ts
 * import * as CodeSource from "@auth/broker-core/login/CodeSource"
 * import * as Login from "@auth/broker-core/login/Login"
 * import * as Effect from "effect/Effect"
 *
 * const session = Effect.flatMap(CodeSource.prompt, (codes) => Login.withStepUp(CodeSource.respond(codes)))
 * ```
 *
 * @category combinators
 * @since 0.1.0
 */
export const respond =
  (codes: CodeSource) =>
  (challenge: Asked): Effect.Effect<Redacted.Redacted<string>, AuthError.AuthError> => {
    const { account, attemptsLeft, destinations, digits, expiresAt, kinds, resendAt, resendsLeft } = challenge
    return codes.code({ account, attemptsLeft, destinations, digits, expiresAt, kind: kinds[0], resendAt, resendsLeft })
  }

/**
 * What is wrong with a code, before it is sent: `undefined` if it has the right shape.
 *
 * @category checks
 * @since 0.1.0
 */
export const shapeProblem = (code: Redacted.Redacted<string>, digits: number): string | undefined => {
  // An effect of somebody else's may give anything.
  if (!Redacted.isRedacted(code) || !Predicate.isString(Redacted.value(code))) return "must be Redacted text"
  if (new RegExp(`^\\d{${digits}}$`).test(Redacted.value(code))) return undefined
  return looksLikeSecret(code)
    ? "looks like the TOTP secret: give the secret to CodeSource.totp, which makes the codes"
    : `is not ${digits} digits`
}

/**
 * Whether somebody gave the secret behind the QR code where a code was wanted.
 *
 * @category checks
 * @since 0.1.0
 */
export const looksLikeSecret = (code: Redacted.Redacted<string>): boolean =>
  /[A-Za-z]/.test(Redacted.value(code)) && Result.isSuccess(Totp.parse(code))
