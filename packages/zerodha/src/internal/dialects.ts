import * as Envelope from "@auth/broker-core/broker/Envelope"

export const dialects: ReadonlyArray<Envelope.Dialect> = [
  {
    name: "kite",
    source: "Kite Connect 3 documentation, Response structure and Exceptions, as of 2026-11-27",
    read: ({ json, status: http }) => {
      const [status, data] = [Envelope.field(json, "status"), Envelope.field(json, "data")]
      if (status === "success" && data !== undefined) return Envelope.yes(data)
      // An error with HTTP 2xx is not documented. It is treated as a malformed answer.
      return status === "error" && (http < 200 || http > 299)
        ? Envelope.no({ code: Envelope.field(json, "error_type"), message: Envelope.field(json, "message") })
        : undefined
    }
  }
]
