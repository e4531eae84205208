import * as BrokerClient from "@auth/broker-core/broker/BrokerClient"
import * as ErrorTable from "@auth/broker-core/broker/ErrorTable"
import * as Decode from "@auth/broker-core/broker/Decode"
import * as Endpoint from "@auth/broker-core/broker/Endpoint"
import * as Envelope from "@auth/broker-core/broker/Envelope"
import { TestHttp } from "@auth/broker-core/testing"
import * as Effect from "effect/Effect"
import * as FetchHttpClient from "effect/http/FetchHttpClient"
import * as Layer from "effect/Layer"
import * as Predicate from "effect/Predicate"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"

// A minimal fake broker.

export const secrets = { pin: "9153", key: "key-canary", access: "access-canary" } as const

const Data = Schema.Struct({ token: Schema.NonEmptyString, list: Schema.optionalKey(Schema.Array(Schema.Finite)) })

/** The client never repeats this call, because `safe` is not set. */
export const login = Endpoint.make({
  name: "login",
  method: "POST",
  path: "/login",
  token: "none",
  request: Schema.Struct({ id: Decode.Text, pin: Decode.Secret }),
  response: Data
})

export const profile = Endpoint.make({
  name: "profile",
  method: "GET",
  path: "/profile",
  token: "required",
  safe: true,
  response: Data
})

const row = (code: string, reason: ErrorTable.ErrorRow["reason"]): ErrorTable.ErrorRow => ({
  code,
  meaning: "made up",
  source: "made up",
  asOf: "2026-11-21",
  reason
})

export const protocol: BrokerClient.Protocol = {
  broker: "tiny",
  headers: ({ tokens }) => ({
    "content-type": "application/json",
    "x-key": Redacted.make(secrets.key),
    ...(tokens && { authorization: Redacted.make(`Bearer ${Redacted.value(tokens.access)}`) })
  }),
  dialects: [
    {
      name: "tiny",
      source: "made up",
      read: ({ json }) => {
        if (!Predicate.hasProperty(json, "ok")) return undefined
        const { code, data, message, ok, support } = json as Record<string, unknown>
        return ok === true
          ? Envelope.yes(data)
          : Envelope.no({ code, message, supportId: Predicate.isString(support) ? support : undefined })
      }
    }
  ],
  codes: [
    row("T9153", ErrorTable.invalidCredentials("pin")),
    row("SLOW", ErrorTable.rateLimited),
    row("TOTP", ErrorTable.invalidCode("totp", ErrorTable.totpHints)),
    row("DENIED", ErrorTable.denied("waf"))
  ]
}

export const tokens = { access: Redacted.make(secrets.access) }

export const loginOptions = { account: "T1", request: { id: "T1", pin: Redacted.make(secrets.pin) } }

export const yes = (data: unknown = { token: "t" }) => Response.json({ ok: true, data })
export const no = (fields: object, init?: ResponseInit) => Response.json({ ok: false, ...fields }, init)

export interface Seen {
  readonly method: string
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

export type Answer = (asked: Seen) => Response | Promise<Response>

/**
 * The fake broker gives `answers` in order, and then repeats the last answer. If `answers` is empty, each call
 * succeeds.
 */
export const connect = Effect.fnUntraced(function* (
  answers: ReadonlyArray<Answer>,
  options: BrokerClient.Options = {},
  changes: Partial<BrokerClient.Protocol> = {}
) {
  const seen: Array<Seen> = []
  const client = yield* BrokerClient.make(
    { ...protocol, ...changes },
    { api: "https://api.tiny.example" },
    options
  ).pipe(
    Effect.provide(
      TestHttp.layerRespond(async (request) => {
        const { headers, method, url } = request
        const asked = { method, url, headers: Object.fromEntries(headers), body: await request.text() }
        seen.push(asked)
        return (answers[seen.length - 1] ?? answers.at(-1) ?? (() => yes()))(asked)
      })
    )
  )
  return {
    seen,
    login: client.call(login, loginOptions),
    profile: client.call(profile, { account: "T1", tokens }),
    client
  }
})

export const overFetch = (origin: string, fetch: typeof globalThis.fetch, options: BrokerClient.Options = {}) =>
  BrokerClient.make(protocol, { api: origin }, options).pipe(
    Effect.provide(FetchHttpClient.layer.pipe(Layer.provide(Layer.succeed(FetchHttpClient.Fetch, fetch))))
  )
