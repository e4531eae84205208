/**
 * Sources of one-time codes. A source can be a TOTP secret, a prompt at the terminal, or an effect that you write.
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
import type * as Terminal from "effect/Terminal"
import * as Account from "./Account.ts"
import * as AuthError from "./AuthError.ts"
import * as durations from "./internal/durations.ts"
import { withoutQuotes } from "./internal/pasted.ts"
import * as EffectKeys from "./internal/effectKeys.ts"
import { maskDestination } from "./internal/maskDestination.ts"
import { timeText } from "./internal/timeText.ts"
import { markQuick } from "./internal/codeSources.ts"
import * as Totp from "./Totp.ts"

const TypeId = "~@auth/broker-core/login/CodeSource"

/**
 * The request that a source receives when a login needs a one-time code.
 *
 * @category models
 * @since 0.1.0
 */
export interface CodeRequest {
  readonly account: Account.Account
  readonly kind: CodeKind
  /** Phone numbers and email addresses to which the broker sent the code. The broker may have masked them. */
  readonly destinations?: ReadonlyArray<string> | undefined
  /** Number of digits. Default: 6. */
  readonly digits?: number | undefined
  /** When a new code can be requested, in milliseconds since the epoch. `undefined` if no new code can be requested. */
  readonly resendAt?: number | undefined
  readonly resendsLeft?: number | undefined
  /** When the code expires, in milliseconds since the epoch. `undefined` if the broker does not say. */
  readonly expiresAt?: number | undefined
  /** Number of codes that can still be tried. `undefined` if unknown. */
  readonly attemptsLeft?: number | undefined
}

/**
 * A source of one-time codes.
 *
 * @category models
 * @since 0.1.0
 */
export interface CodeSource {
  readonly [TypeId]: typeof TypeId
  /**
   * What is wrong with the source, such as an invalid TOTP secret. `undefined` if nothing is wrong. A layer whose
   * credentials contain the source reports the problem when the layer is built.
   */
  readonly problem: string | undefined
  /** The length of a TOTP period. `undefined` if the source has no TOTP secret. */
  readonly period?: Duration.Duration | undefined
  readonly code: (request: CodeRequest) => Effect.Effect<Redacted.Redacted<string>, AuthError.AuthError>
}

const make = (fields: Omit<CodeSource, typeof TypeId>): CodeSource => ({ [TypeId]: TypeId, ...fields })

const broken = (problem: string, field: string): CodeSource =>
  make({
    problem,
    code: ({ account }) => Effect.fail(AuthError.invalidRequest(account.broker, "login", field, problem))
  })

/**
 * Whether a value is a `CodeSource`.
 *
 * @category guards
 * @since 0.1.0
 */
export const isCodeSource = (value: unknown): value is CodeSource => Predicate.hasProperty(value, TypeId)

/**
 * Makes a source that computes codes from a TOTP secret. Each code belongs to one period, usually of 30 seconds. The
 * source reads the time from Effect's `Clock`.
 *
 * If the current period ends within `margin`, the source waits for the next period. Default for `margin`: 2 seconds.
 * The margin is limited to the period minus one second.
 *
 * Brokers refuse a used code. Therefore, the source returns the code of a period only once for each account. A second
 * request in the same period waits for the next period.
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
  const requestedMargin = Option.getOrUndefined(durations.parse(options?.margin ?? "2 seconds"))
  if (Result.isFailure(parsed) || requestedMargin === undefined) {
    const problem = Result.isFailure(parsed)
      ? parsed.failure
      : 'has a margin that is not a duration such as "2 seconds"'
    return broken(problem, "totp")
  }
  const parameters = parsed.success
  const periodMillis = parameters.period * 1000
  // With a margin as long as the period, no code would ever be returned.
  const margin = Math.min(Duration.toMillis(requestedMargin), periodMillis - 1000)
  const lastSteps = new Map<string, number>()
  return make({
    problem: undefined,
    period: Duration.millis(periodMillis),
    code: markQuick(
      Effect.fnUntraced(function* ({ account }: CodeRequest) {
        const key = Account.toKey(account)
        while (true) {
          const now = yield* Clock.currentTimeMillis
          const step = Totp.stepAt(parameters, now)
          const end = (step + 1) * periodMillis
          const last = lastSteps.get(key)
          // If the last used period is ten or more periods in the future, the clock was set back. The last used period
          // is then ignored, because it could block codes for years.
          const used = last !== undefined && last >= step && last - step < 10
          if (!used && end - now > margin) {
            lastSteps.set(key, step)
            return yield* Totp.codeAtStep(parameters, step)
          }
          yield* Effect.sleep(Duration.millis(end - now))
        }
      })
    )
  })
}

/**
 * Makes a source that returns the given code. Use the source for one login. Blanks, invisible characters and pairs of
 * quotation marks around the code are removed.
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
export const fixed = (code: Redacted.Redacted<string>): CodeSource => {
  const given: unknown = Redacted.isRedacted(code) ? Redacted.value(code) : undefined
  if (!Predicate.isString(given)) return broken("must be Redacted text", "code")
  const text = withoutQuotes(given)
  return make({ problem: text === "" ? "is empty" : undefined, code: () => Effect.succeed(Redacted.make(text)) })
}

/**
 * Makes a source from a function that returns an effect. For example, the effect can read the code from a mailbox.
 *
 * The function runs once for each code. If a session manager runs the login and the effect takes longer than five
 * minutes, the login fails with `ActionRequired`.
 *
 * An error of the effect ends the login. The login counts toward the limit on failed logins only if the error's
 * `reason` contains the broker's error code (`code`) or message (`brokerMessage`).
 *
 * @example
 * ```ts
 * import * as CodeSource from "@auth/broker-core/login/CodeSource"
 * import * as Effect from "effect/Effect"
 * import * as Redacted from "effect/Redacted"
 *
 * // A real effect could read a mailbox.
 * const codes = CodeSource.fromEffect(({ kind }) => Effect.succeed(Redacted.make(kind === "otp" ? "123456" : "654321")))
 * ```
 *
 * @category constructors
 * @since 0.1.0
 */
export const fromEffect = (
  code: (request: CodeRequest) => Effect.Effect<Redacted.Redacted<string>, AuthError.AuthError>
): CodeSource => make({ problem: undefined, code })

const maxRetries = 3

const defaultDigits = 6

const plural = (count: number, one: string) => (count === 1 ? `1 ${one}` : `${count} ${one}s`)

const promptText = (request: CodeRequest, now: number): string => {
  const { account, attemptsLeft, destinations = [], expiresAt, kind, resendAt, resendsLeft } = request
  const where = destinations.length === 0 ? "" : ` sent to ${destinations.map(maskDestination).join(", ")}`
  const what = kind === "totp" ? "Code from your authenticator app" : `One-time code${where}`
  const isSent = kind === "otp"
  const wait = resendAt === undefined ? 0 : Math.ceil((resendAt - now) / 1000)
  const facts = [
    `${account.broker} ${account.id}`,
    isSent && expiresAt !== undefined && expiresAt > now ? `valid for ${timeText(expiresAt - now)}` : undefined,
    isSent && resendAt !== undefined && resendsLeft !== 0
      ? `a new code can be sent ${wait > 0 ? `in ${timeText(Duration.seconds(wait))}` : "now"}`
      : undefined,
    attemptsLeft === undefined ? undefined : `${plural(attemptsLeft, "attempt")} left`
  ]
  return `${what} (${facts.filter((fact) => fact !== undefined).join(", ")}): `
}

/** Joins groups of digits, because authenticator apps show codes in groups. */
const withoutGroups = (line: string): string => {
  const joined = line.replace(/[\s-]/g, "")
  return /^\d+$/.test(joined) ? joined : line.trim()
}

/**
 * Makes a source that prompts the user for the code at the terminal. The prompt shows what is known: where the code was
 * sent, how long the code is valid, when a new code can be requested, and how many attempts are left.
 *
 * An input that cannot be a code, such as a wrong number of digits, is not sent to the broker. The prompt asks again,
 * up to three times. After the fourth invalid input, the source fails with `InvalidRequest`. If the user cancels the
 * prompt, or if there is no terminal, the source fails with `ActionRequired`.
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
export const prompt: Effect.Effect<CodeSource, never, Terminal.Terminal> = Effect.map(EffectKeys.Terminal, (terminal) =>
  fromEffect(
    Effect.fnUntraced(function* (request: CodeRequest) {
      const { broker } = request.account
      const noTerminal = () =>
        AuthError.make(broker, "login", new AuthError.ActionRequired({ what: "Enter the one-time code at a terminal" }))
      const digits = request.digits ?? defaultDigits
      let problem = ""
      for (let retries = 0; retries <= maxRetries; retries += 1) {
        const again = retries === 0 ? "" : `The input ${problem}. Nothing was sent. Enter the code again.\n`
        const text = promptText(request, yield* Clock.currentTimeMillis)
        const line = yield* terminal
          .display(`${again}${text}`)
          .pipe(Effect.andThen(terminal.readLine), Effect.mapError(noTerminal))
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
 * How the user gets a one-time code. `totp`: from an authenticator app. `otp`: in an SMS or an email from the broker.
 *
 * @category models
 * @since 0.1.0
 */
export type CodeKind = "totp" | "otp"

interface CodeChallenge extends Omit<CodeRequest, "kind"> {
  readonly kinds: readonly [CodeKind, ...ReadonlyArray<CodeKind>]
}

/**
 * Makes a function that answers a challenge with a code from the given source. Pass this function to
 * `Login.withStepUp` or `Renewal.layerLoginWithStepUp`.
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
  (challenge: CodeChallenge): Effect.Effect<Redacted.Redacted<string>, AuthError.AuthError> => {
    const { account, attemptsLeft, destinations, digits, expiresAt, kinds, resendAt, resendsLeft } = challenge
    return codes.code({ account, attemptsLeft, destinations, digits, expiresAt, kind: kinds[0], resendAt, resendsLeft })
  }

/**
 * Checks that a code has the right number of digits and no other characters. Returns the problem, or `undefined` if
 * there is no problem.
 *
 * @category checks
 * @since 0.1.0
 */
export const shapeProblem = (code: Redacted.Redacted<string>, digits: number): string | undefined => {
  // A source that a user wrote may return a value of any type.
  if (!Redacted.isRedacted(code) || !Predicate.isString(Redacted.value(code))) return "must be Redacted text"
  const text = Redacted.value(code)
  if (text.length === digits && /^\d+$/.test(text)) return undefined
  return looksLikeSecret(code)
    ? "looks like the TOTP secret: pass the secret to CodeSource.totp, which makes the codes"
    : `is not ${digits} digits`
}

/**
 * Whether the text looks like a TOTP secret instead of a code.
 *
 * @category checks
 * @since 0.1.0
 */
export const looksLikeSecret = (code: Redacted.Redacted<string>): boolean =>
  /[A-Za-z]/.test(Redacted.value(code)) && Result.isSuccess(Totp.parse(code))
