/**
 * Logging in to Motilal Oswal with password, date of birth or PAN, and a one-time code.
 *
 * @since 0.1.0
 */
import * as Account from "@auth/broker-core/Account"
import * as AuthError from "@auth/broker-core/AuthError"
import type { Authorize } from "@auth/broker-core/Authorize"
import * as BrokerClient from "@auth/broker-core/BrokerClient"
import * as Challenge from "@auth/broker-core/Challenge"
import * as CodeSource from "@auth/broker-core/CodeSource"
import * as Credentials from "@auth/broker-core/Credentials"
import * as Expiry from "@auth/broker-core/Expiry"
import * as Login from "@auth/broker-core/Login"
import * as LoginProgress from "@auth/broker-core/LoginProgress"
import type { Logout } from "@auth/broker-core/Logout"
import type { Profile } from "@auth/broker-core/Profile"
import * as Renewal from "@auth/broker-core/Renewal"
import * as Session from "@auth/broker-core/Session"
import * as StepUp from "@auth/broker-core/StepUp"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as HttpClient from "effect/http/HttpClient"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Predicate from "effect/Predicate"
import * as Redacted from "effect/Redacted"
import * as MotilalApi from "./MotilalApi.ts"
import { broker, credentials as strictFields, lenientCredentials, renewals } from "./MotilalBroker.ts"
import * as services from "./internal/services.ts"

/**
 * What a login needs.
 *
 * @category models
 * @since 0.1.0
 */
export interface MotilalCredentials {
  /** Such as `AA017`. */
  readonly userId: string
  readonly password: Redacted.Redacted<string>
  /** API key of your app; not its secret. */
  readonly apiKey: Redacted.Redacted<string>
  /** API secret of your app: needed but for generations `v4` and `v3`. */
  readonly apiSecret?: Redacted.Redacted<string> | undefined
  /**
   * The date of birth, as text (`dd/mm/yyyy`, `dd-mm-yyyy`, `yyyy-mm-dd`) or as a `Date` at midnight (UTC or India), or
   * the PAN. Needed but for a dealer.
   */
  readonly secondFactor?: Redacted.Redacted<string> | Redacted.Redacted<Date> | undefined
  /** The TOTP secret, or another source of codes. Without it the broker sends a code by SMS and mail. */
  readonly totp?: Redacted.Redacted<string> | CodeSource.CodeSource | undefined
}

/**
 * What may be set beside the credentials.
 *
 * @category models
 * @since 0.1.0
 */
export interface Options extends Omit<MotilalApi.Options, "apiKey" | "apiSecret"> {
  /** Your name for the API key, if you have several for one account. */
  readonly app?: string | undefined
  /** When a session ends. 06:00 IST, or after 24 hours if that is earlier, unless said otherwise. */
  readonly expiry?: Expiry.Expiry | undefined
  /** How long to wait before a code by SMS may be sent again. 30 seconds unless said otherwise. */
  readonly resendAfter?: Duration.Input | undefined
  /** For a dealer, who names the client: a dealer needs no date of birth or PAN. */
  readonly dealer?: services.Dealer | undefined
  /** When a session manager renews, and how many refused logins it allows, in the place of the descriptor's numbers. */
  readonly renewal?: Renewal.Options | undefined
}

/**
 * The services of this method.
 *
 * @category models
 * @since 0.1.0
 */
export type Services =
  | Login.Login
  | StepUp.StepUp
  | Logout
  | Profile
  | Authorize
  | Renewal.Renewal
  | MotilalApi.MotilalApi

const method = "password"

const indianOffset = 19_800_000

/** The day of a `Date`: people make them at midnight in UTC or at home. Any other instant is shown as one. */
const textOfDate = (date: Date): string => {
  const instant = Option.getOrUndefined(DateTime.make(date))
  if (instant === undefined) return "not a date"
  const millis = DateTime.toEpochMillis(instant)
  const offset = [0, indianOffset].find((candidate) => (millis + candidate) % 86_400_000 === 0)
  return offset === undefined
    ? DateTime.formatIso(instant)
    : DateTime.formatIso(DateTime.makeUnsafe(millis + offset)).slice(0, 10)
}

const withoutDates = (given: unknown): unknown => {
  const inner = Redacted.isRedacted(given) ? Redacted.value(given) : given
  return Predicate.isDate(inner) ? Redacted.make(textOfDate(inner)) : given
}

/** What must be given depends on the generation and on who logs in, so the types leave it open. */
const fieldsFor = (options: Options): typeof lenientCredentials => {
  const secret = (options.generation ?? "v7") === "v7" ? { apiSecret: strictFields.apiSecret } : {}
  const factor = options.dealer === undefined ? { secondFactor: strictFields.secondFactor } : {}
  return { ...lenientCredentials, ...secret, ...factor } as typeof lenientCredentials
}

type Checked = Credentials.Values<typeof lenientCredentials>

/** The end of what a challenge may lead to: the login's token is counted from the login, not from its code. */
const notAfter =
  (end: number | undefined): Expiry.Expiry =>
  () =>
    end === undefined ? undefined : { at: end, source: "lifetime" }

/** The code that goes along with the password, if the account has a source of them. */
const codeFor = Effect.fnUntraced(function* (account: Account.Account, codes: CodeSource.CodeSource) {
  const totp = yield* codes.code({ account, kind: "totp" })
  const problem = CodeSource.shapeProblem(totp, 6)
  return problem === undefined
    ? totp
    : yield* Effect.fail(AuthError.invalidRequest(broker.id, "login", "totp", problem))
})

const make = Effect.fnUntraced(function* (
  { apiKey, apiSecret, password, secondFactor, totpSecret: codes, userId }: Checked,
  options: Options
): Effect.fn.Return<Context.Context<Services>, AuthError.AuthError, HttpClient.HttpClient> {
  yield* services.refuseSameKeys(apiKey, apiSecret)
  const dealer = yield* services.checkDealer(options.dealer)
  const api = yield* MotilalApi.make({ ...options, apiKey, apiSecret })
  const { app, environment, expiry = services.documentedExpiry } = options
  const account = Account.make({ broker: broker.id, environment, app, id: userId })
  const ledger = yield* Challenge.makeLedger(account)
  const resendAfter = Duration.toMillis(
    yield* BrokerClient.readDuration(broker.id, "resendAfter", options.resendAfter ?? "30 seconds")
  )
  const hash = yield* MotilalApi.passwordHash(password, apiKey)

  const challengeOf = (authToken: Redacted.Redacted<string>, sentAt: number, expiresAt: number | undefined) => ({
    kinds: ["otp"] as const,
    // Mobile and mail of the account, but the broker does not say which.
    destinations: [],
    resendAt: sentAt + resendAfter,
    resendsLeft: undefined,
    expiresAt,
    stepToken: authToken
  })

  const login = Effect.gen(function* () {
    const totp = codes === undefined ? undefined : yield* codeFor(account, codes)
    const [{ AuthToken, isAuthTokenVerified }, issuedAt] = yield* Session.withDeparture(
      api.authdirectapi({
        userid: userId,
        password: hash,
        ...(secondFactor === undefined ? {} : { "2FA": secondFactor }),
        ...(totp === undefined ? {} : { totp })
      })
    )
    // Where the broker does not say, a login without a code is one that waits for a code, as in the official samples.
    if (isAuthTokenVerified === "FALSE" || (isAuthTokenVerified === undefined && totp === undefined)) {
      const end = expiry({ issuedAt, accessToken: AuthToken })?.at
      return Login.stepUpRequired(yield* ledger.open(challengeOf(AuthToken, yield* Clock.currentTimeMillis, end)))
    }
    yield* keep(AuthToken, issuedAt, expiry)
    const tokens = yield* services.exchange(api, account, AuthToken)
    return Login.authenticated(Session.make({ account, method, expiry, issuedAt, tokens }))
  })

  /** Each login opens another session at the broker, and only 06:00 IST ends them: the exchange alone is repeated. */
  const keep = (authToken: Redacted.Redacted<string>, issuedAt: number, ends: Expiry.Expiry) =>
    api.generation === "v7"
      ? LoginProgress.keep({ token: authToken, issuedAt, endsAt: ends({ issuedAt, accessToken: authToken })?.at })
      : Effect.void

  const resume = ({ endsAt, issuedAt, token }: LoginProgress.LoginProgress) =>
    Effect.map(services.exchange(api, account, token), (tokens) =>
      Session.make({ account, method, expiry: Expiry.earliest(expiry, notAfter(endsAt)), issuedAt, tokens })
    )

  const waiting = (challenge: Challenge.Challenge) => ({ account, tokens: { access: challenge.stepToken } })

  const verify = (challenge: Challenge.Challenge, code: Redacted.Redacted<string>) =>
    Session.issue(
      { account, method, expiry: Expiry.earliest(expiry, notAfter(challenge.expiresAt)) },
      // The exchange is not part of the answer: a code that was accepted is used up, whatever comes after it.
      ledger.answer(challenge, code, { digits: 6, send: api.verifyotp({ otp: code }, waiting(challenge)) }).pipe(
        Effect.andThen(
          Effect.flatMap(Clock.currentTimeMillis, (now) =>
            keep(challenge.stepToken, now, Expiry.earliest(expiry, notAfter(challenge.expiresAt)))
          )
        ),
        Effect.andThen(services.exchange(api, account, challenge.stepToken)),
        Effect.map((tokens) => ({ tokens }))
      )
    )

  const resend = (challenge: Challenge.Challenge) =>
    ledger.resend(
      challenge,
      Effect.andThen(
        api.resendotp(waiting(challenge)),
        Effect.map(Clock.currentTimeMillis, (now) => challengeOf(challenge.stepToken, now, challenge.expiresAt))
      )
    )

  const renewal = yield* Renewal.fromDescription(
    renewals.password,
    {
      account,
      login: yield* Renewal.answering({ account, login, verify, codes }),
      resume,
      codes,
      credentials: { apiKey, apiSecret, password, secondFactor, userId }
    },
    options.renewal
  )

  return services
    .common(api, dealer)
    .pipe(
      Context.add(Login.Login, { login }),
      Context.add(StepUp.StepUp, StepUp.make(broker.id, { verify, resend })),
      Context.add(Renewal.Renewal, renewal)
    )
})

/**
 * Everything that this method can do, for one account. Credentials are checked when the layer is built, before
 * anything is sent. If the second exchange fails after a login that went well, the error's operation is
 * `getaccesstoken`: the login was accepted, and nothing was sent again.
 *
 * @example
 * ```ts
 * import * as MotilalAuth from "@auth/motilal/MotilalAuth"
 * import * as Login from "@auth/broker-core/Login"
 * import * as Effect from "effect/Effect"
 * import * as FetchHttpClient from "effect/http/FetchHttpClient"
 * import * as Layer from "effect/Layer"
 * import * as Redacted from "effect/Redacted"
 *
 * const Motilal = MotilalAuth.layer({
 *   credentials: {
 *     userId: "AA017",
 *     password: Redacted.make("demo-password"),
 *     apiKey: Redacted.make("demoMotilalKey1"),
 *     apiSecret: Redacted.make("demo-motilal-secret"),
 *     secondFactor: Redacted.make("18/10/1988"),
 *     totp: Redacted.make("JBSW Y3DP EHPK 3PXP JBSW Y3DP EHPK 3PXP")
 *   }
 * }).pipe(Layer.provide(FetchHttpClient.layer))
 *
 * const program = Login.session.pipe(Effect.provide(Motilal))
 * ```
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = (
  options: Options & { readonly credentials: MotilalCredentials }
): Layer.Layer<Services, AuthError.AuthError, HttpClient.HttpClient> =>
  Layer.effectContext(
    Effect.suspend(() => {
      const { secondFactor, totp, ...given } = { ...options.credentials }
      const input = { ...given, secondFactor: withoutDates(secondFactor), totpSecret: totp }
      return Effect.flatMap(Credentials.check(broker.id, fieldsFor(options), input), (values) => make(values, options))
    })
  )

/**
 * The same with credentials from the configuration: `MOTILAL_USER_ID`, `MOTILAL_PASSWORD`, `MOTILAL_API_KEY`,
 * `MOTILAL_API_SECRET`, `MOTILAL_SECOND_FACTOR` and, if there is one, `MOTILAL_TOTP_SECRET`. All that is missing or
 * wrong is named at once.
 *
 * @category layers
 * @since 0.1.0
 */
export const layerConfig = (options: Options = {}): Layer.Layer<Services, AuthError.AuthError, HttpClient.HttpClient> =>
  Layer.effectContext(
    Effect.suspend(() =>
      Effect.flatMap(Credentials.fromConfig(broker.id, fieldsFor(options)), (values) => make(values, options))
    )
  )

/**
 * A session from tokens that another program got. Without an access token of its own it is one of the generations
 * that have a single token.
 *
 * @category constructors
 * @since 0.1.0
 */
export const fromTokens = (options: {
  readonly userId: string
  /** The `AuthToken` of the login. */
  readonly authToken: Redacted.Redacted<string>
  /** The `accesstoken` of the second exchange. */
  readonly accessToken?: Redacted.Redacted<string> | undefined
  readonly environment?: MotilalApi.Environment | undefined
  readonly app?: string | undefined
  /** When the login was, milliseconds since the epoch. */
  readonly issuedAt: number
}): Session.Session => {
  const authToken = Session.bareToken(options.authToken)
  return Session.make({
    account: Account.make({
      broker: broker.id,
      environment: options.environment,
      app: options.app,
      id: options.userId.trim().toUpperCase()
    }),
    method,
    tokens:
      options.accessToken === undefined
        ? { access: authToken }
        : { access: Session.bareToken(options.accessToken), login: authToken },
    issuedAt: options.issuedAt,
    expiry: services.documentedExpiry
  })
}
