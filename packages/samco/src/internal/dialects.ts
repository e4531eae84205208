import * as Envelope from "@auth/broker-core/broker/Envelope"
import * as Predicate from "effect/Predicate"

const saysYes = (status: unknown): boolean => Predicate.isString(status) && /^success$/i.test(status.trim())

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  Predicate.isObject(value) && !Array.isArray(value)

const no = (json: unknown): Envelope.Verdict =>
  Envelope.no({
    code: Envelope.field(json, "errorCode"),
    message: Envelope.field(json, "statusMessage") ?? Envelope.field(json, "message")
  })

const read = (json: unknown, data: unknown): Envelope.Verdict | undefined => {
  const status = Envelope.field(json, "status")
  if (!Predicate.isString(status)) return undefined
  return saysYes(status) ? Envelope.yes(data) : no(json)
}

export const validationErrors = "validationErrors"

/**
 * The formats of Samco's answers, as of 2026-11-21. `login` and other calls from before OAuth can fail with
 * HTTP 200.
 */
export const dialects: ReadonlyArray<Envelope.Dialect> = [
  {
    name: "validation",
    source: "Samco Trade API documentation v3.2, Login Code Validation: a list of faults and no statusMessage",
    read: ({ json }) => {
      const faults = Envelope.field(json, validationErrors)
      if (!Array.isArray(faults) || faults.length === 0 || saysYes(Envelope.field(json, "status"))) return undefined
      return Envelope.no({
        code: Envelope.field(json, "errorCode") ?? validationErrors,
        message: faults.filter(Predicate.isString).join(" ")
      })
    }
  },
  {
    name: "nested",
    source: "Samco Trade API documentation v3.2, OAuth 2.1 flow: fields are in data, message replaces statusMessage",
    read: ({ json }) => {
      const data = Envelope.field(json, "data")
      return isRecord(json) && isRecord(data) ? read(json, { ...json, ...data }) : undefined
    }
  },
  {
    name: "flat",
    source: "Samco Trade API documentation v3.2, Generate Session Token: the fields are next to statusMessage",
    read: ({ json }) => read(json, json)
  },
  {
    // This format is an assumption: the documentation shows no answer to a failed OAuth call.
    name: "code-only",
    source: "Samco Trade API documentation v3.2, OAuth 2.1 flow, table of error codes",
    read: ({ json }) => (Predicate.isString(Envelope.field(json, "errorCode")) ? no(json) : undefined)
  }
]
