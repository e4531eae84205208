import * as Totp from "@auth/broker-core/login/Totp"
import type * as Angel from "@auth/angel/msw"
import type * as Motilal from "@auth/motilal/msw"
import type * as Rmoney from "@auth/rmoney/msw"
import type * as Rupeezy from "@auth/rupeezy/msw"
import type * as Samco from "@auth/samco/msw"
import type * as Zerodha from "@auth/zerodha/msw"
import * as Duration from "effect/Duration"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import type { BrokerId } from "./brokers.ts"

/** What a field must be. The message never has the value, which may be a secret. */
const is = (expected: string, fits: (value: unknown) => boolean) => ({
  expected,
  schema: Schema.Unknown.check(Schema.makeFilter((value: unknown) => fits(value) || `must be ${expected}`))
})

export type Rule = ReturnType<typeof is>

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
  accept: oneOf("any-with-json", "exact"),
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

/** What the fields of an account must be, by broker and field. */
export const accountRules: Readonly<Record<BrokerId, Readonly<Record<string, Rule>>>> = {
  angel: angelAccount,
  motilal: motilalAccount,
  rupeezy: rupeezyAccount,
  samco: samcoAccount,
  rmoney: rmoneyAccount,
  zerodha: zerodhaAccount
}

/** What the switches of a fake must be, by broker and switch. */
export const switchRules: Readonly<Record<BrokerId, Readonly<Record<string, Rule>>>> = {
  angel: angelSwitches,
  motilal: motilalSwitches,
  rupeezy: rupeezySwitches,
  samco: samcoSwitches,
  rmoney: rmoneySwitches,
  zerodha: zerodhaSwitches
}
