import * as Envelope from "@auth/broker-core/broker/Envelope"
import * as Predicate from "effect/Predicate"

const says = (json: unknown, word: "success" | "error"): boolean => {
  const status = Envelope.field(json, "status")
  return Predicate.isString(status) && status.trim().toLowerCase() === word
}

const segments = ["nse", "mcx", "exchange_combined"]

/** Answers of Rupeezy's API, as of 2026-11-21. The answer to a refused login is unknown. Its HTTP status may be 200. */
export const dialects: ReadonlyArray<Envelope.Dialect> = [
  {
    name: "address",
    source:
      "HTTP 403 IP_NOT_ALLOWED on order calls: report of an integrator; the field that contains this code is not known",
    read: ({ json, status, text }) =>
      status === 403 && /\bIP_NOT_ALLOWED\b/.test(text)
        ? Envelope.no({ code: "IP_NOT_ALLOWED", message: Envelope.field(json, "message") })
        : undefined
  },
  {
    name: "service",
    source:
      'Vortex documentation, "Authentication"; failures: the mocks and the type OrderResponse of @rupeezy/jsvortex 2.0.2',
    read: ({ json }) => {
      if (says(json, "error"))
        return Envelope.no({ code: Envelope.field(json, "code"), message: Envelope.field(json, "message") })
      const data = Envelope.field(json, "data")
      return says(json, "success") && data !== undefined ? Envelope.yes(data) : undefined
    }
  },
  {
    name: "acknowledgement",
    source: "logout: the mocks of @rupeezy/jsvortex 2.0.2",
    read: ({ json }) => (says(json, "success") ? Envelope.yes(json) : undefined)
  },
  {
    name: "bare",
    source: "funds, which have no envelope: the mocks of @rupeezy/jsvortex 2.0.2, and the Go SDK",
    read: ({ json }) =>
      Envelope.field(json, "status") === undefined &&
      segments.some((segment) => Predicate.isObject(Envelope.field(json, segment)))
        ? Envelope.yes(json)
        : undefined
  }
]
