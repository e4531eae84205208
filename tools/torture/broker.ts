/** Simulates a broker for programs in other processes, and records the requests and the issued tokens. */
import { FakeAngel } from "@auth/angel/msw"
import * as Expiry from "@auth/broker-core/login/Expiry"
import type { FakeBroker, Fault, JournalEntry } from "@auth/broker-core/testing/FakeBroker"
import { FakeSamco } from "@auth/samco/msw"
import * as Simulator from "@auth/simulator/Simulator"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Redacted from "effect/Redacted"
import * as Scope from "effect/Scope"
import { createHash } from "node:crypto"
import type { BrokerId } from "./protocol.ts"

interface Kind {
  readonly make: Effect.Effect<FakeBroker>
  readonly origin: string
  readonly login: string
  /** Endpoints that return a session: logins and refreshes. */
  readonly exchanges: ReadonlyArray<string>
  /** The token fields of an answer. The first field contains the access token. */
  readonly tokens: ReadonlyArray<string>
  /** The secret fields of an account. */
  readonly secrets: ReadonlyArray<string>
  readonly tokenOf: (headers: Readonly<Record<string, string>>) => string | undefined
  /** Time of day in IST at which all sessions end. */
  readonly cutOff: "00:00" | "08:00"
  readonly hasTotp: boolean
}

const kinds: Readonly<Record<BrokerId, Kind>> = {
  angel: {
    make: FakeAngel.make(),
    origin: "https://apiconnect.angelone.in",
    login: "loginByPassword",
    exchanges: ["loginByPassword", "generateTokens"],
    tokens: ["jwtToken", "refreshToken", "feedToken"],
    secrets: ["pin", "totpSecret", "apiKey"],
    tokenOf: ({ authorization }) => authorization?.replace(/^Bearer /, ""),
    cutOff: "00:00",
    hasTotp: true
  },
  samco: {
    make: FakeSamco.make(),
    origin: "https://tradeapi.samco.in",
    login: "sessionToken",
    exchanges: ["sessionToken"],
    tokens: ["sessionToken"],
    secrets: ["apiKey", "apiSecret", "password", "secretApiKey"],
    tokenOf: (headers) => headers["x-session-token"],
    cutOff: "08:00",
    hasTotp: false
  }
}

export const brokerIds: ReadonlyArray<BrokerId> = ["samco", "angel"]

/** Programs report this digest instead of the token. */
export const digestOf = (token: string): string => createHash("sha256").update(token).digest("hex")

export interface Broker {
  readonly id: BrokerId
  readonly origin: string
  readonly account: Readonly<Record<string, string>>
  readonly hasTotp: boolean
  readonly loginEndpoint: string
  /** The time of the broker's clock, in milliseconds. */
  readonly now: () => number
  /** Offset of the broker's clock from the machine's clock, in milliseconds. */
  readonly ahead: () => number
  readonly advance: (millis: number) => Promise<void>
  /** Sets the clock to `after` milliseconds after the next cut-off. Default: 1. */
  readonly advanceToCutOff: (after?: number) => Promise<void>
  /** Sets the clock to `leftMillis` before the end of a TOTP period. */
  readonly advanceInPeriod: (leftMillis: number) => Promise<void>
  readonly inject: (endpoint: string, fault: Fault, times?: number) => Promise<void>
  readonly journal: () => Promise<ReadonlyArray<JournalEntry>>
  /** Login and refresh requests, including requests without an answer. */
  readonly exchanges: () => Promise<ReadonlyArray<JournalEntry>>
  /** Digests of the issued access tokens, from the oldest to the newest. */
  readonly issued: () => ReadonlyArray<string>
  /** Digests of the access tokens that successful logout and refresh requests contained. */
  readonly ended: () => Promise<ReadonlySet<string>>
  /** All issued tokens, and all secrets of the account. */
  readonly secrets: () => ReadonlyArray<string>
  readonly stop: () => Promise<void>
}

/** Length of a TOTP period, in milliseconds. */
const period = 30_000

const isDone = ({ status }: JournalEntry) => status >= 200 && status < 300

const findTexts = (value: unknown, names: ReadonlyArray<string>): ReadonlyArray<readonly [string, string]> =>
  typeof value !== "object" || value === null
    ? []
    : Object.entries(value).flatMap(([name, field]: readonly [string, unknown]) =>
        typeof field === "string" && names.includes(name) ? [[name, field] as const] : findTexts(field, names)
      )

const parse = (text: string): unknown => {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

const recorded = (make: Effect.Effect<FakeBroker>, hear: (text: string) => void): Effect.Effect<FakeBroker> =>
  Effect.map(make, (fake) => ({
    ...fake,
    respond: async (request) => {
      const response = await fake.respond(request)
      if (response.ok) hear(await response.clone().text())
      return response
    }
  }))

/** The broker's clock starts at 12:00 IST, so that no run reaches a cut-off by chance. */
export const startBroker = async (id: BrokerId): Promise<Broker> => {
  const kind = kinds[id]
  const issued: Array<string> = []
  const tokens = new Set<string>()
  const hear = (text: string) => {
    for (const [name, token] of findTexts(parse(text), kind.tokens)) {
      tokens.add(token)
      if (name === kind.tokens[0]) issued.push(digestOf(token))
    }
  }
  const scope = await Effect.runPromise(Scope.make())
  const simulator = await Effect.runPromise(
    Scope.provide(
      Simulator.make({ brokers: [id], fakes: { [id]: recorded(kind.make, hear) }, journalLimit: 1_000_000 }),
      scope
    )
  )
  const account = simulator.brokers[id]?.accounts[0] ?? {}
  let ahead = 0
  const now = () => simulator.clock.currentTimeMillisUnsafe()
  const advance = async (millis: number) => {
    const whole = Math.round(millis)
    await Effect.runPromise(simulator.advance(whole))
    ahead += whole
  }
  const endAfter = (at: number, time: "00:00" | "08:00" | "12:00") =>
    Expiry.dailyAt(time)({ issuedAt: at, accessToken: Redacted.make("") })?.at ?? at
  const journal = () => Effect.runPromise(simulator.journal(id))
  const exchanges = async () => (await journal()).filter(({ endpoint }) => kind.exchanges.includes(endpoint))
  await advance(endAfter(now(), "12:00") - now())
  return {
    id,
    origin: simulator.origins[kind.origin] ?? "",
    account,
    hasTotp: kind.hasTotp,
    loginEndpoint: kind.login,
    now,
    ahead: () => ahead,
    advance,
    advanceToCutOff: (after = 1) => advance(endAfter(now(), kind.cutOff) + after - now()),
    advanceInPeriod: (left) => advance((2 * period - left - (now() % period)) % period),
    inject: (endpoint, fault, times) => Effect.runPromise(simulator.inject(id, endpoint, fault, times)),
    journal,
    exchanges,
    issued: () => issued,
    ended: async () => {
      const entries = (await journal()).filter(
        (entry) => isDone(entry) && (entry.endpoint === "logout" || entry.endpoint === "generateTokens")
      )
      return new Set(entries.flatMap(({ headers }) => kind.tokenOf(headers) ?? []).map(digestOf))
    },
    secrets: () => [...tokens, ...kind.secrets.flatMap((name) => account[name] ?? [])],
    stop: () => Effect.runPromise(Scope.close(scope, Exit.void))
  }
}
