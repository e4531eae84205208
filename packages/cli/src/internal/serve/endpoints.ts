/** The endpoints of `broker-auth serve`, for the router and the OpenAPI document. */
import type { Refusal } from "./problems.ts"

type Json = Readonly<Record<string, unknown>>

const text = (description: string): Json => ({ type: "string", description })

const secret = (description: string): Json => ({ type: "string", format: "password", description })

const instant = (description: string): Json => ({
  type: ["string", "null"],
  format: "date-time",
  description: `${description} ISO 8601 in UTC. null: there is no session, or the time is unknown.`
})

const object = (properties: Readonly<Record<string, Json>>): Json => ({
  type: "object",
  properties,
  required: Object.keys(properties)
})

const holder = { broker: text("Id of the broker, such as angel."), account: text("Id of the account at the broker.") }

const life = {
  issuedAt: instant("When the session began."),
  expiresAt: instant("When the session ends.")
}

export const schemas = {
  Accounts: object({
    accounts: {
      type: "array",
      items: object({
        name: text("The name that the user has given the account."),
        ...holder,
        method: text("The way to log in."),
        session: {
          enum: ["live", "expired", "none"],
          description: "Whether a session is stored, and whether it is live."
        },
        ...life
      })
    }
  }),
  Session: object({
    headers: {
      type: "object",
      additionalProperties: { type: "string" },
      description: "The headers for a call to the broker. They contain secrets."
    },
    token: secret("The access token."),
    feedToken: { type: ["string", "null"], format: "password", description: "The token of the market feed, if any." },
    ...holder,
    ...life
  }),
  DeadToken: object({ token: secret("The access token that the broker has refused.") }),
  Events: {
    type: "string",
    description:
      'Server-sent events, whose data is JSON without secrets. `renewed`: {"account", "broker", "issuedAt", "expiresAt"}. `failed`: {"account", "broker", "error"}; `error` has the same fields as in a Problem. `logged-out`: {"account", "broker"}. `account` is the name that the user has given the account.'
  },
  Document: { type: "object", description: "An OpenAPI 3.1 document." },
  Problem: object({
    error: object({
      reason: text("The kind of the error."),
      message: text("What has happened."),
      remedy: text("What to do now."),
      retryAfter: { type: ["number", "null"], description: "Seconds until the next try, if known." },
      isRetryable: { type: "boolean", description: "Whether the same request may succeed later without a person." }
    })
  })
} as const satisfies Readonly<Record<string, Json>>

export type SchemaName = keyof typeof schemas

export interface Endpoint {
  readonly method: "GET" | "POST"
  readonly path: string
  readonly summary: string
  readonly body?: SchemaName
  readonly answer: { readonly type: "application/json" | "text/event-stream"; readonly schema: SchemaName }
  /** In addition to `commonRefusals`. */
  readonly refusals: ReadonlyArray<Refusal>
  /** Whether the endpoint's handler can fail because of an account or the vault. */
  readonly canFail: boolean
}

const json = (schema: SchemaName) => ({ type: "application/json", schema }) as const

/** `{name}` in a path is the name that the user has given the account. */
export const endpoints = {
  listAccounts: {
    method: "GET",
    path: "/v1/accounts",
    summary: "The accounts, and whether their stored session is live. Sends nothing to a broker.",
    answer: json("Accounts"),
    refusals: [],
    canFail: true
  },
  getSession: {
    method: "GET",
    path: "/v1/accounts/{name}/session",
    summary:
      "A live session. If the stored session has ended, it is renewed first. If only a person can renew it, the answer is an error.",
    answer: json("Session"),
    refusals: ["AccountUnknown"],
    canFail: true
  },
  renewSession: {
    method: "POST",
    path: "/v1/accounts/{name}/renew",
    summary:
      "A session with a new token. The body of the request contains the token that the broker has refused. One renewal serves all callers. If the current session no longer has the refused token, nothing is sent to the broker.",
    body: "DeadToken",
    answer: json("Session"),
    refusals: ["AccountUnknown", "BodyInvalid", "BodyTooLarge"],
    canFail: true
  },
  readEvents: {
    method: "GET",
    path: "/v1/events",
    summary: "Server-sent events about all sessions that programs have requested from this server.",
    answer: { type: "text/event-stream", schema: "Events" },
    refusals: ["StreamsExhausted"],
    canFail: false
  },
  getDocument: {
    method: "GET",
    path: "/v1/openapi.json",
    summary: "The description of this server in OpenAPI 3.1.",
    answer: json("Document"),
    refusals: [],
    canFail: false
  }
} as const satisfies Readonly<Record<string, Endpoint>>

export type EndpointName = keyof typeof endpoints

export const commonRefusals: ReadonlyArray<Refusal> = ["HostRefused", "OriginRefused", "BearerRefused", "Fault"]

export interface Route {
  readonly endpoint: EndpointName
  readonly name: string
}

const patterns = Object.entries(endpoints).map(
  ([name, { method, path }]) =>
    [name as EndpointName, method, new RegExp(`^${path.replaceAll(".", "\\.").replace("{name}", "([^/]+)")}$`)] as const
)

/** `allowed` lists the methods that the path accepts. It is empty if the path is unknown. */
export const routeOf = (method: string, path: string): Route | { readonly allowed: ReadonlyArray<string> } => {
  const allowed: Array<string> = []
  for (const [endpoint, own, pattern] of patterns) {
    const found = pattern.exec(path)
    if (found === null) continue
    if (own === method) return { endpoint, name: found[1] ?? "" }
    allowed.push(own)
  }
  return { allowed }
}
