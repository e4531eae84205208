import * as Envelope from "@auth/broker-core/broker/Envelope"
import * as Predicate from "effect/Predicate"

/** `Ok`, `Not ok`, `Not_Ok` and `not_ok` were all seen: only the letters count. */
const lettersOf = (status: unknown): string | undefined =>
  Predicate.isString(status) ? status.toLowerCase().replace(/[^a-z]/g, "") : undefined

const noes: ReadonlySet<string | undefined> = new Set(["notok", "failed", "failure", "fail", "error"])

/** An object, an array of one, an empty array, or nothing at all where there is only a message to tell. */
const resultOf = (json: unknown): unknown => {
  const result = Envelope.field(json, "result")
  const inner: unknown = Array.isArray(result) ? result[0] : result
  return inner === null || inner === "" ? undefined : inner
}

/** The family has hardly any codes, and no field for them: one comes at an end of the message. */
const codeIn = (message: unknown): string | undefined =>
  Predicate.isString(message) ? /^[A-Z]{2}\d{3,4}\b|\b[A-Z]{2}\d{3,4}(?=\W*$)/.exec(message.trim())?.[0] : undefined

/** A refusal: newer answers have `errorCode`, the others a code in the message. */
const no = (json: unknown, message: unknown): Envelope.Verdict => {
  const code = Envelope.field(json, "errorCode")
  return Envelope.no({ code: Predicate.isString(code) && code.trim() !== "" ? code.trim() : codeIn(message), message })
}

/**
 * The ways in which RMoney and its relatives answer. A refusal comes with HTTP 200; only a missing token is told by the
 * status. As of 2026-11-21.
 */
export const dialects: ReadonlyArray<Envelope.Dialect> = [
  {
    name: "access",
    source: "RMoney API documentation for yes; the vendor's back end as other brokers run it for no",
    read: ({ json }) => {
      const said = lettersOf(Envelope.field(json, "status"))
      if (noes.has(said)) return no(json, Envelope.field(json, "message") ?? Envelope.field(json, "emsg"))
      if (said !== "ok") return undefined
      const result = resultOf(json)
      // After a login this is the state of the account, such as ACTIVE: only a failure is an outcome.
      return noes.has(lettersOf(Envelope.field(result, "status")))
        ? no(json, Envelope.field(result, "message") ?? Envelope.field(json, "message"))
        : Envelope.yes(result)
    }
  },
  {
    name: "sso",
    source: "generic product page of the vendor; Alice Blue's clients, alice_blue issue 484 for an Ok that is none",
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
