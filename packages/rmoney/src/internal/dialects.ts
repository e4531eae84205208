import * as Envelope from "@auth/broker-core/broker/Envelope"
import * as Predicate from "effect/Predicate"

/** The spellings `Ok`, `Not ok`, `Not_Ok` and `not_ok` were observed, so only the letters are compared. */
const lettersOf = (status: unknown): string | undefined =>
  Predicate.isString(status) ? status.toLowerCase().replace(/[^a-z]/g, "") : undefined

const noes: ReadonlySet<string | undefined> = new Set(["notok", "failed", "failure", "fail", "error"])

/**
 * The result is an object or an array with one object. If an answer has only a message, its array is empty or absent.
 */
const resultOf = (json: unknown): unknown => {
  const result = Envelope.field(json, "result")
  const inner: unknown = Array.isArray(result) ? result[0] : result
  return inner === null || inner === "" ? undefined : inner
}

/** The back end sends few error codes and has no field for them. A code is the first or last word of the message. */
const codeIn = (message: unknown): string | undefined =>
  Predicate.isString(message) ? /^[A-Z]{2}\d{3,4}\b|\b[A-Z]{2}\d{3,4}(?=\W*$)/.exec(message.trim())?.[0] : undefined

/** Newer refusals have the field `errorCode`. Older refusals may have a code in the message. */
const no = (json: unknown, message: unknown): Envelope.Verdict => {
  const code = Envelope.field(json, "errorCode")
  return Envelope.no({ code: Predicate.isString(code) && code.trim() !== "" ? code.trim() : codeIn(message), message })
}

/**
 * The formats of answers of RMoney and of other brokers with the same back end. A refusal has HTTP 200. Only the
 * refusal of a token has an HTTP error status. As of 2026-11-21.
 */
export const dialects: ReadonlyArray<Envelope.Dialect> = [
  {
    name: "access",
    source: "success: RMoney API documentation; refusal: other brokers with the same back end",
    read: ({ json }) => {
      const said = lettersOf(Envelope.field(json, "status"))
      if (noes.has(said)) return no(json, Envelope.field(json, "message") ?? Envelope.field(json, "emsg"))
      if (said !== "ok") return undefined
      const result = resultOf(json)
      // After a login, this field is the state of the account, such as ACTIVE. Only the known words mean a refusal.
      return noes.has(lettersOf(Envelope.field(result, "status")))
        ? no(json, Envelope.field(result, "message") ?? Envelope.field(json, "message"))
        : Envelope.yes(result)
    }
  },
  {
    name: "sso",
    source:
      "generic page of the back-end product; Alice Blue's clients; alice_blue issue 484 for a refusal with the status Ok",
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
    source: "authentication filter of the back-end software: HTTP 401 with plain text",
    read: ({ json, status, text }) =>
      json === undefined && status === 401 && /^\s*unauthorized\s*$/i.test(text) ? no(json, "Unauthorized") : undefined
  }
]
