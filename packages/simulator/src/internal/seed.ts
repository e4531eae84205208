import * as Angel from "@auth/angel/msw"
import type { FakeBroker } from "@auth/broker-core/testing/FakeBroker"
import * as Totp from "@auth/broker-core/login/Totp"
import * as Motilal from "@auth/motilal/msw"
import * as Rmoney from "@auth/rmoney/msw"
import * as Rupeezy from "@auth/rupeezy/msw"
import * as Samco from "@auth/samco/msw"
import * as Zerodha from "@auth/zerodha/msw"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as SchemaIssue from "effect/SchemaIssue"
import { SimulatorError } from "../SimulatorError.ts"
import type { BrokerId } from "./brokers.ts"

/** What a field must be. The message never has the value, which may be a secret. */
const is = (expected: string, fits: (value: unknown) => boolean) =>
  Schema.Unknown.check(Schema.makeFilter((value: unknown) => fits(value) || `must be ${expected}`))

type Rule = ReturnType<typeof is>

const matches = (expected: string, pattern: RegExp) =>
  is(expected, (value) => typeof value === "string" && pattern.test(value))

const oneOf = (...values: ReadonlyArray<string | number>) =>
  is(values.map((value) => JSON.stringify(value)).join(" or "), (value) => values.some((known) => known === value))

const isWebAddress = (value: unknown): boolean => {
  if (typeof value !== "string" || !URL.canParse(value)) return false
  const { hash, password, protocol, username } = new URL(value)
  return /^https?:$/.test(protocol) && username === "" && password === "" && hash === ""
}

const isDuration = (value: unknown): boolean =>
  (typeof value === "string" || typeof value === "number") &&
  Option.exists(
    Duration.fromInput(value as Duration.Input),
    (duration) => Duration.isFinite(duration) && Duration.toMillis(duration) > 0
  )

const text = matches("text without blanks at its ends", /^\S(?:.*\S)?$/)
const optionalText = matches("text, or empty", /^(?:\S(?:.*\S)?)?$/)
const id = matches("capital letters and digits", /^[A-Z0-9]+$/)
const hex = matches("hexadecimal digits", /^[0-9a-f]+$/i)
const pan = matches("five letters, four digits and a letter", /^[A-Z]{5}\d{4}[A-Z]$/)
const mobile = matches("ten digits", /^\d{10}$/)
const email = matches("an e-mail address", /^[^\s@]+@[^\s@]+$/)
const count = is(
  "a whole number between 1 and 1000",
  (value) => Number.isInteger(value) && Math.abs(Number(value) - 500.5) < 500
)
const timeOfDay = matches("a time such as 06:00", /^(?:[01]\d|2[0-3]):[0-5]\d$/)
const duration = is('a duration: "8 hours", or a number of milliseconds', isDuration)
const redirectUrl = is("an http or https address without user and fragment", isWebAddress)
const totpSecret = is(
  "a Base32 secret, or empty",
  (value) => value === "" || (typeof value === "string" && Result.isSuccess(Totp.parse(Redacted.make(value))))
)
const ip = oneOf("registered", "unregistered")
const tokenEnd = oneOf("in-token", "absent")
const reusedCode = oneOf("refused", "accepted")

type Rules<Fields> = Readonly<Record<keyof Fields, Rule>>

const angelAccount: Rules<Angel.FakeAngel.Account> = {
  clientCode: id,
  pin: matches("four digits", /^\d{4}$/),
  totpSecret,
  apiKey: text,
  publisherKey: text,
  redirectUrl,
  name: text,
  email,
  mobile,
  state: oneOf("active", "blocked"),
  ip
}

const angelSwitches: Rules<Angel.FakeAngel.Switches> = {
  reusedCode,
  refreshedTokens: oneOf("die", "live"),
  tokenEnd,
  publisherRefreshToken: oneOf("sent", "absent")
}

const motilalAccount: Rules<Motilal.FakeMotilal.Account> = {
  userId: id,
  password: text,
  apiKey: text,
  apiSecret: text,
  secondFactor: matches("a date of birth as dd/mm/yyyy", /^\d\d\/\d\d\/\d{4}$/),
  pan,
  totpSecret,
  redirectUrl,
  name: text,
  role: oneOf("investor", "dealer"),
  client: optionalText,
  state: oneOf("active", "not-live", "no-consent", "pan-not-linked"),
  ip
}

const motilalSwitches: Rules<Motilal.FakeMotilal.Switches> = {
  refusals: oneOf("each", "FAILURE", "ERROR"),
  loginWithoutSecret: oneOf("refused", "accepted"),
  unverified: oneOf("MO1097", "MO8003", "MO1100"),
  maxSessions: count,
  reusedCode,
  otpType: oneOf("either", "text", "number"),
  portalState: oneOf("echoed", "dropped"),
  addressCheck: oneOf("orders", "all"),
  writing: oneOf("json", "typographic-quotes", "trailing-bytes"),
  sourceId: oneOf("any-case", "upper-case"),
  identity: oneOf("lenient", "strict"),
  limit: oneOf("two-a-second", "none")
}

const rupeezyAccount: Rules<Rupeezy.FakeRupeezy.Account> = {
  clientCode: id,
  password: text,
  totpSecret,
  applicationId: text,
  apiKey: text,
  redirectUrl,
  name: text,
  email,
  mobile,
  userCode: text,
  state: oneOf("active", "blocked"),
  whitelist: oneOf("listed", "unlisted"),
  ip
}

const rupeezySwitches: Rules<Rupeezy.FakeRupeezy.Switches> = {
  refusedLogin: oneOf(200, 400, 401),
  reusedCode,
  lockAfter: count,
  tokenEnd,
  lifetime: duration,
  earlierSessions: oneOf("live", "die"),
  loggedOutTokens: oneOf("die", "live"),
  deadToken: oneOf(401, 403),
  cbParam: oneOf("echoed", "dropped"),
  authCode: oneOf("single-use", "reusable"),
  authCodeLifetime: duration,
  exchangeKey: oneOf("optional", "required"),
  funds: oneOf("segments", "combined", "enveloped"),
  logoutResponse: oneOf("null", "text"),
  profileCall: oneOf("absent", "present")
}

const samcoAccount: Rules<Samco.FakeSamco.Account> = {
  userId: id,
  name: text,
  apiKey: hex,
  apiSecret: hex,
  redirectUrl,
  appName: text,
  app: oneOf("active", "inactive"),
  password: text,
  yob: matches("a year of four digits", /^\d{4}$/),
  secretApiKey: text,
  accessToken: text,
  state: oneOf("active", "blocked", "dormant"),
  subscription: oneOf("active", "none"),
  appSignIn: oneOf("done", "needed"),
  ip: oneOf("registered", "unregistered", "unregistered-server"),
  primaryIp: text,
  secondaryIp: optionalText
}

const samcoSwitches: Rules<Samco.FakeSamco.Switches> = {
  refreshAfterEnd: oneOf("works", "refused"),
  refreshedToken: oneOf("dies", "lives"),
  tokenEnd,
  legacyFailures: oneOf(200, 401),
  oauthFailures: oneOf(200, 400),
  oauthFailureBody: oneOf("code-and-text", "text", "code"),
  accessToken: oneOf("required", "ignored"),
  codeExchange: oneOf("alone", "concurrent"),
  authenticate: oneOf("json", "redirect")
}

const rmoneyAccount: Rules<Rmoney.FakeRmoney.Account> = {
  userId: id,
  password: text,
  pan,
  email,
  mobile,
  name: text,
  totpSecret,
  totp: oneOf("enabled", "disabled"),
  vendor: text,
  appCode: text,
  apiSecret: text,
  redirectUrl,
  deviceId: text,
  accessToken: text,
  state: oneOf("active", "barred", "unapproved", "unlisted", "totp-first"),
  passChangeFlag: oneOf("Y", "N"),
  isDormant: oneOf("Y", "N")
}

const rmoneySwitches: Rules<Rmoney.FakeRmoney.Switches> = {
  stepToken: oneOf("checked", "ignored"),
  stepHeader: oneOf("either", "bare", "three-part"),
  codeSent: oneOf("with-password", "on-demand"),
  result: oneOf("object", "array"),
  userIds: oneOf("canonical", "masked"),
  lockAfter: oneOf(4, 5),
  tokenEnd,
  state: oneOf("echoed", "dropped"),
  callback: oneOf("query", "hash"),
  qrPending: oneOf("empty-token", "no-result"),
  image: oneOf("bare", "data-uri"),
  logout: oneOf("absent", "get", "post")
}

const zerodhaAccount: Rules<Zerodha.FakeZerodha.Account> = {
  userId: id,
  password: text,
  totpSecret,
  apiKey: text,
  apiSecret: text,
  redirectUrl,
  name: text,
  email,
  state: oneOf("active", "blocked"),
  app: oneOf("enabled", "disabled"),
  ip: oneOf("registered", "unregistered", "none"),
  platform: oneOf("approved", "ordinary")
}

const zerodhaSwitches: Rules<Zerodha.FakeZerodha.Switches> = {
  wrongChecksum: oneOf("TokenException", "InputException"),
  refusedExchange: oneOf("uses-up", "keeps"),
  requestTokenLifetime: duration,
  cancelled: oneOf("status", "with-pairs"),
  dailyEnd: timeOfDay,
  earlierSessions: oneOf("die", "live"),
  refreshToken: oneOf("rotates", "stays"),
  refreshAfterEnd: oneOf("works", "refused"),
  holder: oneOf("usual", "old", "with-picture")
}

const optional = (rules: Readonly<Record<string, Rule>>) =>
  Schema.Struct(Object.fromEntries(Object.entries(rules).map(([name, rule]) => [name, Schema.optionalKey(rule)])))

type Account = Readonly<Record<string, unknown>>

const brokerSeed = (
  account: Readonly<Record<string, Rule>>,
  idField: string,
  switches: Readonly<Record<string, Rule>>
) => {
  const distinct = Schema.makeFilter((accounts: ReadonlyArray<Account>) => {
    if (accounts.length === 0) return "must have at least one account"
    const ids = accounts.map((one) => one[idField])
    return new Set(ids).size === ids.length || `must not have two accounts with the same ${idField}`
  })
  const { [idField]: idRule, ...others } = account
  const one = Schema.Struct({ [idField]: idRule ?? text, ...optional(others).fields })
  return Schema.Struct({
    accounts: Schema.optionalKey(Schema.Array(one).check(distinct as never)),
    switches: Schema.optionalKey(optional(switches))
  })
}

const Seed = Schema.Struct({
  brokers: Schema.Struct({
    angel: Schema.optionalKey(brokerSeed(angelAccount, "clientCode", angelSwitches)),
    motilal: Schema.optionalKey(brokerSeed(motilalAccount, "userId", motilalSwitches)),
    rupeezy: Schema.optionalKey(brokerSeed(rupeezyAccount, "clientCode", rupeezySwitches)),
    samco: Schema.optionalKey(brokerSeed(samcoAccount, "userId", samcoSwitches)),
    rmoney: Schema.optionalKey(brokerSeed(rmoneyAccount, "userId", rmoneySwitches)),
    zerodha: Schema.optionalKey(brokerSeed(zerodhaAccount, "userId", zerodhaSwitches))
  })
})

/** A seed that was checked. */
export interface Seed {
  readonly brokers: {
    readonly [Id in BrokerId]?: {
      readonly accounts?: ReadonlyArray<Account>
      readonly switches?: Readonly<Record<string, unknown>>
    }
  }
}

const leafMessages: Readonly<Record<string, string>> = {
  MissingKey: "is missing",
  UnexpectedKey: "is not known here",
  InvalidType: "must be an object, or a list where the seed has several"
}

/** The messages have paths and rules, never values. */
const toIssues = SchemaIssue.makeFormatterStandardSchemaV1({
  leafHook: (issue) => leafMessages[issue._tag] ?? "is not valid"
})

const toPath = (path: ReadonlyArray<unknown>): string =>
  path.reduce<string>((sum, part) => {
    if (typeof part === "number") return `${sum}[${part}]`
    return sum === "" ? String(part) : `${sum}.${String(part)}`
  }, "") || "seed"

/** Checks a seed. The error has each path and what is expected there. */
export const read = (input: unknown): Effect.Effect<Seed, SimulatorError> =>
  Schema.decodeUnknownEffect(Seed)(input, { errors: "all", onExcessProperty: "error" }).pipe(
    Effect.mapError(
      (error) =>
        new SimulatorError({
          message: toIssues(error.issue)
            .issues.map(({ message, path = [] }) => `${toPath(path)}: ${message}`)
            .join("; ")
        })
    )
  )

/** Reads and checks the text of a seed file. */
export const parse = (json: string): Effect.Effect<Seed, SimulatorError> =>
  Effect.flatMap(
    Effect.try({
      try: () => JSON.parse(json) as unknown,
      // The parser's own message quotes the text, which has secrets.
      catch: () => new SimulatorError({ message: 'seed: must be JSON, as {"brokers": {"angel": {"accounts": […]}}}' })
    }),
    read
  )

const demoAccounts: Readonly<Record<BrokerId, ReadonlyArray<object>>> = {
  angel: [Angel.FakeAngel.demoAccount],
  motilal: [Motilal.FakeMotilal.demoAccount],
  rupeezy: [Rupeezy.FakeRupeezy.demoAccount],
  samco: [Samco.FakeSamco.demoAccount],
  rmoney: [Rmoney.FakeRmoney.demoAccount, Rmoney.FakeRmoney.demoTotpAccount],
  zerodha: [Zerodha.FakeZerodha.demoAccount]
}

/** The accounts of a simulator without a seed, as a seed. */
export const demo = (ids: ReadonlyArray<BrokerId>) => ({
  brokers: Object.fromEntries(ids.map((broker) => [broker, { accounts: demoAccounts[broker], switches: {} }]))
})

const makers: { readonly [Id in BrokerId]: (options: never) => Effect.Effect<FakeBroker> } = {
  angel: Angel.FakeAngel.make,
  motilal: Motilal.FakeMotilal.make,
  rupeezy: Rupeezy.FakeRupeezy.make,
  samco: Samco.FakeSamco.make,
  rmoney: Rmoney.FakeRmoney.make,
  zerodha: Zerodha.FakeZerodha.make
}

/** The fake of a broker as the seed describes it. Fields that an account lacks are those of the demo account. */
export const makeFake = ({ brokers }: Seed, broker: BrokerId): Effect.Effect<FakeBroker> => {
  const { accounts, switches } = brokers[broker] ?? {}
  const [base = {}] = demoAccounts[broker]
  const options = {
    ...switches,
    ...(accounts === undefined ? {} : { accounts: accounts.map((account) => ({ ...base, ...account })) })
  }
  return makers[broker](options as never)
}
