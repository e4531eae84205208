import * as Envelope from "@auth/broker-core/broker/Envelope"
import * as Predicate from "effect/Predicate"

const saysYes = (status: unknown): boolean =>
  status === true || (Predicate.isString(status) && /^(?:true|success)$/i.test(status.trim()))

const dataOf = (json: unknown): unknown => {
  const data = Envelope.field(json, "data")
  return data === null || data === "" || data === "null" ? undefined : data
}

const read = (json: unknown, outcome: "status" | "success", isExpected: (value: unknown) => boolean) => {
  const value = Envelope.field(json, outcome)
  if (!isExpected(value)) return undefined
  if (saysYes(value)) return Envelope.yes(dataOf(json))
  const code = Envelope.field(json, "errorcode") || Envelope.field(json, "errorCode")
  return Envelope.no({ code, message: Envelope.field(json, "message") })
}

const supportId = (text: string): string | undefined => /support id is:?\s*(?:<[^>]*>\s*)*(\d{4,40})/i.exec(text)?.[1]

/** The formats of SmartAPI's answers, as of 2026-11-21. */
export const dialects: ReadonlyArray<Envelope.Dialect> = [
  {
    name: "service",
    source: "login and user services, codes AB…: SmartAPI forum post 18722",
    read: ({ json }) => read(json, "status", Predicate.isBoolean)
  },
  {
    name: "documented",
    source: 'status and data as text: SmartAPI documentation, "Response structure"',
    read: ({ json }) => read(json, "status", Predicate.isString)
  },
  {
    name: "gateway",
    source: "API gateway, codes AG… and AB1006: SmartAPI forum topics 4243 and 4933, smartapi-python pull request 46",
    read: ({ json }) => read(json, "success", Predicate.isNotUndefined)
  },
  {
    name: "rate-limit",
    source: "HTTP 403 with plain text: SmartAPI forum topics 3396 and 5071",
    read: ({ json, text }) =>
      json === undefined && /exceeding access rate/i.test(text)
        ? Envelope.no({ message: "Access denied because of exceeding access rate" })
        : undefined
  },
  {
    name: "waf",
    source: 'firewall page with HTTP 200 or 403, and "not found" with HTTP 404: SmartAPI forum topic 5400, post 18654',
    read: ({ json, status, text }) => {
      if (json !== undefined) return undefined
      if (/request rejected|support id is/i.test(text)) {
        return Envelope.no({ message: "Request Rejected", supportId: supportId(text) })
      }
      return status === 404 && /^\s*not found\s*$/i.test(text) ? Envelope.no({ message: "not found" }) : undefined
    }
  }
]
