import * as Envelope from "@auth/broker-core/broker/Envelope"
import * as Predicate from "effect/Predicate"

/** The value of `status`, in capitals; `undefined` if there is none. */
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
 * Values of `status` in the broker's answers. Only `SUCCESS` means success, and only with the token of the call. Tokens
 * are beside `status`, not in `data`. As of 2026-11-21.
 */
export const dialects: ReadonlyArray<Envelope.Dialect> = [
  {
    name: "success",
    source: 'Motilal OpenAPI documentation, "Responses Format" and the samples of each call',
    read: ({ json }) => (statusOf(json) === "SUCCESS" ? Envelope.yes(json) : undefined)
  },
  refusal(
    "failure",
    'Motilal OpenAPI documentation, "Failed Response": data is the text "null"',
    (status) => status === "FAILURE"
  ),
  refusal("error", "seen in production with MO1007, documented nowhere", (status) => status === "ERROR"),
  refusal("other", "any other word, such as the FAILED of the official SDKs", () => true)
]
