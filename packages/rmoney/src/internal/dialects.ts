import * as Envelope from "@auth/broker-core/broker/Envelope"
import * as Predicate from "effect/Predicate"

/** The spelling of a status varies, as in `Not ok`, `Not_Ok` and `not_ok`, so only the letters are compared. */
const lettersOf = (status: unknown): string | undefined =>
  Predicate.isString(status) ? status.toLowerCase().replace(/[^a-z]/g, "") : undefined

const refusalWords: ReadonlySet<string | undefined> = new Set(["notok", "failed", "failure", "fail", "error"])

/** `result` is an object or an array with one object. In an answer with only a message, `result` is empty or absent. */
const resultOf = (json: unknown): unknown => {
  const result = Envelope.field(json, "result")
  const inner: unknown = Array.isArray(result) ? result[0] : result
  return inner === null || inner === "" ? undefined : inner
}

/** Without the field `errorCode`, the error code is the first or last word of the message. */
const codeIn = (message: unknown): string | undefined =>
  Predicate.isString(message) ? /^[A-Z]{2}\d{3,4}\b|\b[A-Z]{2}\d{3,4}(?=\W*$)/.exec(message.trim())?.[0] : undefined

const no = (json: unknown, message: unknown): Envelope.Verdict => {
  const code = Envelope.field(json, "errorCode")
  return Envelope.no({ code: Predicate.isString(code) && code.trim() !== "" ? code.trim() : codeIn(message), message })
}

/**
 * The formats of the back end's answers, as of 2026-11-21. The refusal of a token has HTTP 401. Every other refusal has
 * HTTP 200.
 */
export const dialects: ReadonlyArray<Envelope.Dialect> = [
  {
    name: "access",
    source: "success: RMoney API documentation; refusal: other brokers with the same back end",
    read: ({ json }) => {
      const word = lettersOf(Envelope.field(json, "status"))
      if (refusalWords.has(word)) return no(json, Envelope.field(json, "message") ?? Envelope.field(json, "emsg"))
      if (word !== "ok") return undefined
      const result = resultOf(json)
      // After a login, `result.status` is the state of the account, such as `ACTIVE`.
      return refusalWords.has(lettersOf(Envelope.field(result, "status")))
        ? no(json, Envelope.field(result, "message") ?? Envelope.field(json, "message"))
        : Envelope.yes(result)
    }
  },
  {
    name: "sso",
    source:
      "https://ninjafox.codifi.in/Authentication, the general documentation of the back-end software; the open-source " +
      "clients of the broker Alice Blue, which has the same back end; for a refusal with the status Ok: " +
      "https://github.com/krishnavelu/alice_blue/issues/484",
    read: ({ json }) => {
      const word = lettersOf(Envelope.field(json, "stat"))
      const message = Envelope.field(json, "emsg")
      if (refusalWords.has(word)) return no(json, message ?? Envelope.field(json, "message"))
      if (word !== "ok") return undefined
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
