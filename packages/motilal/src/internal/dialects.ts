import * as Envelope from "@auth/broker-core/broker/Envelope"
import * as Predicate from "effect/Predicate"

const statusOf = (json: unknown): string | undefined => {
  const status = Envelope.field(json, "status")
  return Predicate.isString(status) && status.trim() !== "" ? status.trim().toUpperCase() : undefined
}

const refusal = (name: string, source: string, says: (status: string) => boolean): Envelope.Dialect => ({
  name,
  source,
  read: ({ json }) => {
    const status = statusOf(json)
    return status !== undefined && says(status)
      ? Envelope.no({ code: Envelope.field(json, "errorcode"), message: Envelope.field(json, "message") })
      : undefined
  }
})

/**
 * The formats of answers, as of 2026-11-21. `success` returns the whole answer, because the documentation shows the
 * tokens next to `status`, not in `data`.
 */
export const dialects: ReadonlyArray<Envelope.Dialect> = [
  {
    name: "success",
    source: 'Motilal OpenAPI documentation, "Responses Format" and the samples of each call',
    read: ({ json }) => (statusOf(json) === "SUCCESS" ? Envelope.yes(json) : undefined)
  },
  refusal("failure", 'Motilal OpenAPI documentation: data is the text "null"', (status) => status === "FAILURE"),
  refusal("error", "seen in production with MO1007, not documented", (status) => status === "ERROR"),
  refusal("other", "any other status, such as FAILED in the official SDKs", () => true)
]
