import * as Envelope from "@auth/broker-core/broker/Envelope"
import * as Predicate from "effect/Predicate"

/** `Ok`, `Not ok`, `Not_Ok` and `not_ok` were all seen, so only the letters are compared. */
const lettersOf = (status: unknown): string | undefined =>
  Predicate.isString(status) ? status.toLowerCase().replace(/[^a-z]/g, "") : undefined

const noes: ReadonlySet<string | undefined> = new Set(["notok", "failed", "failure", "fail", "error"])

/** The result is an object or an array of one. Answers with only a message have an empty array or no result. */
const resultOf = (json: unknown): unknown => {
  const result = Envelope.field(json, "result")
  const inner: unknown = Array.isArray(result) ? result[0] : result
  return inner === null || inner === "" ? undefined : inner
}

/** This back end has few codes and no field for them: a code is the first or last word of the message. */
const codeIn = (message: unknown): string | undefined =>
  Predicate.isString(message) ? /^[A-Z]{2}\d{3,4}\b|\b[A-Z]{2}\d{3,4}(?=\W*$)/.exec(message.trim())?.[0] : undefined

/** Newer refusals have `errorCode`, the others a code in the message. */
const no = (json: unknown, message: unknown): Envelope.Verdict => {
  const code = Envelope.field(json, "errorCode")
  return Envelope.no({ code: Predicate.isString(code) && code.trim() !== "" ? code.trim() : codeIn(message), message })
}

/**
 * Dialects of RMoney and of other brokers with its back end. Refusals have HTTP 200; only for a missing token, the status
 * is an error. As of 2026-11-21.
 */
export const dialects: ReadonlyArray<Envelope.Dialect> = [
  {
    name: "access",
    source: "RMoney API documentation for yes; the same back end at other brokers for no",
    read: ({ json }) => {
      const said = lettersOf(Envelope.field(json, "status"))
      if (noes.has(said)) return no(json, Envelope.field(json, "message") ?? Envelope.field(json, "emsg"))
      if (said !== "ok") return undefined
      const result = resultOf(json)
      // After a login, this is the state of the account, such as ACTIVE. Only a failure word is a refusal.
      return noes.has(lettersOf(Envelope.field(result, "status")))
        ? no(json, Envelope.field(result, "message") ?? Envelope.field(json, "message"))
        : Envelope.yes(result)
    }
  },
  {
    name: "sso",
    source:
      "generic product page of the vendor; Alice Blue's clients; alice_blue issue 484 for an Ok that is a refusal",
    read: ({ json }) => {
      const said = lettersOf(Envelope.field(json, "stat"))
      const message = Envelope.field(json, "emsg")
      if (noes.has(said)) return no(json, message ?? Envelope.field(json, "message"))
      if (said !== "ok") return undefined
      const isRefusal = Predicate.isString(message) && message.trim() !== "" && !Envelope.field(json, "userSession")
      return isRefusal ? no(json, message) : Envelope.yes(json)
    }
  },
  {
    name: "unauthorized",
    source: "filter of the vendor's back end: HTTP 401 with plain text",
    read: ({ json, status, text }) =>
      json === undefined && status === 401 && /^\s*unauthorized\s*$/i.test(text) ? no(json, "Unauthorized") : undefined
  }
]
