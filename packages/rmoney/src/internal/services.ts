import * as AuthError from "@auth/broker-core/login/AuthError"
import type { ResponseOf } from "@auth/broker-core/broker/BrokerApi"
import * as BrokerClient from "@auth/broker-core/broker/BrokerClient"
import type { Challenge } from "@auth/broker-core/login/Challenge"
import * as Checksum from "@auth/broker-core/broker/Checksum"
import * as Expiry from "@auth/broker-core/login/Expiry"
import type * as Method from "@auth/broker-core/broker/Method"
import * as Session from "@auth/broker-core/login/Session"
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Predicate from "effect/Predicate"
import * as Redacted from "effect/Redacted"
import * as RmoneyApi from "../RmoneyApi.ts"
import { broker } from "../RmoneyBroker.ts"
import { environmentName } from "./endpoints.ts"

export type Api = RmoneyApi.RmoneyApi["Service"]

export interface Options extends RmoneyApi.Options, Method.Options {}

export interface CodeOptions {
  /** How long a one-time code is valid. Default: 5 minutes. */
  readonly codeLifetime?: Duration.Input | undefined
  /**
   * Number of wrong codes after which a challenge ends. Default: 3. At other brokers with the same back end, all codes
   * are refused for five minutes after a fourth wrong code.
   */
  readonly codeMisses?: number | undefined
  /**
   * The user id in the requests after the first step. `given`: the configured user id. `answered`: the user id that the
   * first step returned, or the configured user id if the returned id is masked. Default: `answered`.
   */
  readonly laterUserId?: "answered" | "given" | undefined
}

export interface Holder {
  readonly userId: string
  readonly environment: string
  readonly deviceId?: string | undefined
}

/** Makes a device id that looks like a UUID, as in the broker's samples. The same user id gives the same device id. */
const deviceOf = (userId: string): Effect.Effect<string> =>
  Effect.map(Checksum.sha256(["device of ", userId]), (digest) =>
    Redacted.value(digest).replace(/^(.{8})(.{4})(.{4})(.{4})(.{12}).*$/, "$1-$2-$3-$4-$5")
  )

export const makeApi = Effect.fnUntraced(function* (holder: Holder, options: RmoneyApi.Options) {
  const deviceId = holder.deviceId ?? (yield* deviceOf(holder.userId))
  return yield* RmoneyApi.make({ ...options, environment: holder.environment as RmoneyApi.Environment, deviceId })
})

export const accountOf = ({ environment, userId: id }: Holder) => ({ id, environment: environmentName(environment) })

export const family = {
  broker,
  api: RmoneyApi.RmoneyApi,
  expiry: Expiry.jwt,
  logout: ({ logout }: Api, session: Session.Session) => logout?.(session)
} satisfies Method.Family<RmoneyApi.RmoneyApi, Api, Options>

export const familyWithProfile = {
  ...family,
  profile: (api: Api, session: Session.Session) =>
    Effect.map(api.getProfile(session), ({ clientId, clientName: name }) => ({
      ...session.profile,
      id: clientId.trim(),
      ...(name !== undefined && { name })
    }))
} satisfies Method.Family<RmoneyApi.RmoneyApi, Api, Options>

export const fail = (operation: string, reason: AuthError.Reason) =>
  Effect.fail(AuthError.make(broker.id, operation, reason))

/** Returns the user id in the answer, or `known` if that user id is absent, invalid or masked by `*`. */
const canonical = (returned: string | undefined, known: string): string => {
  const id = returned?.trim() ?? ""
  return /^[\x21-\x29\x2b-\x7e]+$/.test(id) ? id : known
}

export const laterId = ({ laterUserId }: CodeOptions, returned: string | undefined, given: string): string =>
  laterUserId === "given" ? given : canonical(returned, given)

/** Trims the text, because the broker's own sample has a blank after a code. */
export const tidy = (given: unknown): Redacted.Redacted<string> => {
  const value = Redacted.isRedacted(given) ? Redacted.value(given) : given
  return Redacted.make(Predicate.isString(value) ? value.trim() : "")
}

type CodeSent = Partial<Omit<ResponseOf<RmoneyApi.RmoneyApi, "otpSend">, "isTOtpAvailable">>

export const challenges = Effect.fnUntraced(function* ({ codeLifetime = "5 minutes", codeMisses = 3 }: CodeOptions) {
  const lifetime = Duration.toMillis(yield* BrokerClient.readDuration(broker.id, "codeLifetime", codeLifetime))
  return (sent: CodeSent, more: Pick<Challenge, "kinds" | "stepToken">) =>
    Effect.map(Clock.currentTimeMillis, (now) => ({
      destinations: [sent.mobileNumber, sent.emailId].filter((destination) => destination !== undefined),
      resendAt: sent.resendOtpAfter === undefined ? undefined : now + sent.resendOtpAfter * 1000,
      resendsLeft: sent.resendOtpCountsLeft,
      expiresAt: now + lifetime,
      attemptsLeft: codeMisses,
      ...more
    }))
})

type LoggedIn = ResponseOf<RmoneyApi.RmoneyApi, "toptVerify">

const exchanges: ReadonlyArray<readonly [keyof LoggedIn["account"], string]> = [
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

const flagOf = (value: string | null | undefined): string | boolean | undefined =>
  value ? ({ Y: true, N: false }[value.toUpperCase()] ?? value) : undefined

/** The session belongs to the user id in the answer, even if the credentials contain an alias, such as a PAN. */
export const toIssue = (
  known: Method.Given<never, never, never>["account"],
  userId: string,
  { account, accessToken: access, userId: returned }: LoggedIn
): Session.Issue => {
  const id = canonical(returned, userId)
  const { clientName, clientType, isDormant, passChangeFlag } = account
  const profile = Session.makeProfile({
    id,
    name: clientName || undefined,
    exchanges: exchanges.filter(([field]) => account[field] === "Y").map(([, exchange]) => exchange),
    // A program should check these flags before it trades.
    flags: { passChangeFlag: flagOf(passChangeFlag), isDormant: flagOf(isDormant), clientType: flagOf(clientType) }
  })
  return { account: { ...known, id }, tokens: { access }, profile }
}
