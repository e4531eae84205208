import * as Account from "@auth/broker-core/login/Account"
import * as AuthError from "@auth/broker-core/login/AuthError"
import { Authorize } from "@auth/broker-core/login/Authorize"
import type { Challenge } from "@auth/broker-core/login/Challenge"
import * as Checksum from "@auth/broker-core/broker/Checksum"
import * as Credentials from "@auth/broker-core/broker/Credentials"
import * as Expiry from "@auth/broker-core/login/Expiry"
import * as Logout from "@auth/broker-core/login/Logout"
import type * as Session from "@auth/broker-core/login/Session"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Predicate from "effect/Predicate"
import * as Redacted from "effect/Redacted"
import * as RmoneyApi from "../RmoneyApi.ts"
import { broker } from "../RmoneyBroker.ts"
import { environmentName, environmentText, noHost } from "./endpoints.ts"

type Api = RmoneyApi.RmoneyApi["Service"]

/** What the layers may be told beside their credentials. */
export interface Options extends RmoneyApi.Options {
  /** Your name for the app, if you have several for one account. */
  readonly app?: string | undefined
  /** When a session ends. The token's own end unless said otherwise. */
  readonly expiry?: Expiry.Expiry | undefined
}

export const documentedExpiry = Expiry.jwt

/** Credentials and the choice of the environment, checked together so that all that is wrong is named at once. */
export const check = <F extends Credentials.Fields>(
  fields: F,
  input: { readonly [K in keyof F]?: unknown },
  options: Options
) => Credentials.check(broker.id, fields, { ...input, environment: environmentText({ ...options }) })

/** The same from the configuration. An environment that is given as an option is not looked for. */
export const fromConfig = <F extends Credentials.Fields>(fields: F, options: Options) => {
  if (environmentText(options) === "none") return Credentials.fromConfig(broker.id, fields)
  const { environment: _, ...others } = fields
  // The one field that is left out is added again, so that what comes back has the fields that went in.
  return Effect.map(
    Credentials.fromConfig(broker.id, others),
    (values) => ({ ...values, environment: environmentText(options) }) as unknown as Credentials.Values<F>
  )
}

/** The choice as it was read from text that has been checked. */
const fromText = (text: string): RmoneyApi.Environment => {
  const known = { uat: "uat", production: "production" } as const
  return known[text.toLowerCase() as keyof typeof known] ?? { production: text }
}

/** The options with an environment that came from the configuration. */
export const withEnvironment = <O extends Options>(options: O, environment: string): O =>
  environmentText(options) === "none" ? { ...options, environment: fromText(environment) } : options

/** A device id in the form of the samples. The same user has the same one at every login, on every run. */
const deviceOf = (userId: string): Effect.Effect<string> =>
  Effect.map(Checksum.sha256(["device of ", userId]), (digest) =>
    Redacted.value(digest).replace(/^(.{8})(.{4})(.{4})(.{4})(.{12}).*$/, "$1-$2-$3-$4-$5")
  )

/** The calls of a layer, which knows its hosts when it is built. */
export const makeApi = Effect.fnUntraced(function* (
  options: Options,
  values: { readonly userId: string; readonly deviceId?: string | undefined },
  origin: "api" | "openApi"
) {
  const deviceId = values.deviceId ?? (yield* deviceOf(values.userId))
  const api = yield* RmoneyApi.make({ ...options, deviceId })
  if (api.origins[origin] !== undefined) return api
  return yield* Effect.fail(AuthError.invalidRequest(broker.id, "configuration", "environment", noHost))
})

export const accountOf = (
  options: Options,
  values: { readonly userId: string; readonly environment: string }
): Account.Account =>
  Account.make({
    broker: broker.id,
    environment: environmentName(values.environment),
    app: options.app,
    id: values.userId
  })

/** The user id that the broker goes by. Its documents call it masked in one place; a masked one, with `*`, is of no use. */
export const canonical = (told: string | undefined, known: string): string =>
  told !== undefined && /^[\x21-\x29\x2b-\x7e]+$/.test(told) ? told : known

/** The user id of the steps after the first. */
export const laterId = (
  options: { readonly laterUserId?: "answered" | "given" | undefined },
  told: string | undefined,
  given: string
): string => (options.laterUserId === "given" ? given : canonical(told, given))

/** `AAAAA9999A`: five letters, four digits, a letter. */
export const panProblem = (pan: string): string | undefined =>
  /^[A-Z]{5}\d{4}[A-Z]$/.test(pan) ? undefined : "is not a PAN: five letters, four digits and a letter"

/** A challenge's fields, as an answer that sent a code tells them. */
export const toChallenge = (
  sent: RmoneyApi.CodeSent,
  options: {
    readonly now: number
    readonly kinds: Challenge["kinds"]
    readonly lifetime: number
    readonly stepToken: Redacted.Redacted<string>
    readonly resendsLeft?: number | undefined
  }
): Omit<Challenge, "id" | "account"> => ({
  kinds: options.kinds,
  destinations: [sent.mobileNumber, sent.emailId].filter((destination) => destination !== undefined),
  resendAt: sent.resendOtpAfter === undefined ? undefined : options.now + sent.resendOtpAfter * 1000,
  resendsLeft: sent.resendOtpCountsLeft ?? options.resendsLeft,
  expiresAt: options.now + options.lifetime,
  stepToken: options.stepToken
})

/**
 * Without the white space that codes are pasted with: the broker's own sample has a blank behind one. Programs without
 * types give numbers, and `undefined`, which are no code at all.
 */
export const tidy = (given: unknown): Redacted.Redacted<string> => {
  const value = Redacted.isRedacted(given) ? Redacted.value(given) : given
  return Redacted.make(Predicate.isString(value) ? value.trim() : "")
}

const exchanges: ReadonlyArray<readonly [RmoneyApi.AccountField, string]> = [
  ["allowNseCash", "NSE"],
  ["allowNseFo", "NFO"],
  ["allowNseCurrency", "CDS"],
  ["allowNSEYComm", "NSE_COM"],
  ["allowBseCash", "BSE"],
  ["allowBseFo", "BFO"],
  ["allowBseCurrency", "BCD"],
  ["allowBseYComm", "BSE_COM"],
  ["allowMcxComm", "MCX"],
  ["allowNcdex", "NCDEX"]
]

/** What a program should look at before it trades. */
const flags = ["passChangeFlag", "isDormant", "clientType"] as const

const flagOf = (value: string): string | boolean => ({ Y: true, N: false })[value.toUpperCase()] ?? value

const toProfile = (id: string, { account }: RmoneyApi.LoginResponse): Session.UserProfile => ({
  id,
  ...(account.clientName ? { name: account.clientName } : {}),
  exchanges: exchanges.filter(([field]) => account[field] === "Y").map(([, exchange]) => exchange),
  flags: Object.fromEntries(
    flags.flatMap((name) => {
      const value = account[name]
      return value ? [[name, flagOf(value)] as const] : []
    })
  )
})

/** What a login handed out. The account is the one that the broker names, not the alias that somebody typed. */
export const toIssue = (account: Account.Account, userId: string, response: RmoneyApi.LoginResponse): Session.Issue => {
  const id = canonical(response.userId, userId)
  return { account: { ...account, id }, tokens: { access: response.accessToken }, profile: toProfile(id, response) }
}

/** Whether the broker named the account that the layer is for. */
export const sameClient = (told: string | undefined, userId: string): boolean =>
  told === undefined || told.trim().toLowerCase() === userId.toLowerCase()

/** What every layer with a session has. */
export const common = (api: Api) => {
  const { logout } = api
  return Context.make(
    Logout.Logout,
    Logout.make(broker.id, (session) =>
      logout === undefined
        ? Effect.succeed({ _tag: "LocalOnly", account: session.account, why: "no-such-call" } as const)
        : Logout.revoke(session, logout(session))
    )
  ).pipe(
    Context.add(Authorize, {
      headers: (session) => api.headers(session),
      refusal: (answer, session) => api.refusal(answer, session),
      origins: Array.from(new Set(Object.values(api.origins)))
    }),
    Context.add(RmoneyApi.RmoneyApi, api)
  )
}

export const fail = (operation: string, reason: AuthError.Reason) =>
  Effect.fail(AuthError.make(broker.id, operation, reason))
