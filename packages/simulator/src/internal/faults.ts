import type { Fault } from "@auth/broker-core/testing/FakeBroker"
import * as Effect from "effect/Effect"
import * as Predicate from "effect/Predicate"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { validateHeaderName, validateHeaderValue } from "node:http"
import { SimulatorError } from "../SimulatorError.ts"
import * as Input from "./input.ts"
import { faultTimes } from "./limits.ts"

/** The HTTP statuses that the class `Response` accepts. */
const Status = Schema.Int.check(Schema.isBetween({ minimum: 200, maximum: 599 }))

const isHeader = ([name, value]: readonly [string, string]): boolean =>
  Result.isSuccess(
    Result.try(() => {
      validateHeaderName(name)
      validateHeaderValue(name, value)
    })
  )

const Headers = Schema.Record(Schema.String, Schema.String).check(
  Schema.makeFilter(
    (headers: Readonly<Record<string, string>>) =>
      Object.entries(headers).every(isHeader) || "has a name or a value that is not valid in HTTP"
  )
)

interface Row {
  readonly fields: Schema.Struct.Fields
  /** An example of the field `fault` in the body of `POST /faults`. */
  readonly sample: string
  /** What the broker does. */
  readonly does: string
}

/** A fault without fields can be written as the name of its kind, such as `"waf"`. */
export const table = {
  waf: { fields: {}, sample: '"waf"', does: "returns the answer of its firewall" },
  "rate-limit": { fields: {}, sample: '"rate-limit"', does: "returns the answer of its rate limiter" },
  truncated: { fields: {}, sample: '"truncated"', does: "processes the request, and sends only part of the answer" },
  reset: { fields: {}, sample: '"reset"', does: "resets the connection, and does not process the request" },
  lost: { fields: {}, sample: '"lost"', does: "processes the request, and resets the connection instead of answering" },
  status: {
    fields: { status: Status },
    sample: '{"kind": "status", "status": 503}',
    does: "returns this status, 200 to 599, with an empty body"
  },
  answer: {
    fields: { status: Status, body: Schema.String, headers: Schema.optionalKey(Headers) },
    sample: '{"kind": "answer", "status": 200, "body": "…", "headers": {"content-type": "text/plain"}}',
    does: "returns this answer; `headers` is optional"
  },
  latency: {
    fields: { duration: Input.Duration },
    sample: '{"kind": "latency", "duration": "3 seconds"}',
    does: "waits before it processes the request"
  }
} satisfies { readonly [Kind in Exclude<Fault["kind"], "quote">]: Row }

const isKind = (kind: unknown): kind is keyof typeof table => Predicate.isString(kind) && Object.hasOwn(table, kind)

/** The body of `POST /faults`. `read` decodes the field `fault`. */
export const Order = Schema.Struct({
  broker: Schema.String,
  endpoint: Schema.String,
  fault: Schema.Unknown,
  times: Schema.optionalKey(Schema.Int.check(Schema.isBetween(faultTimes)))
})

export const read = Effect.fnUntraced(function* (input: unknown): Effect.fn.Return<Fault, SimulatorError> {
  const value = Predicate.isString(input) ? { kind: input } : input
  const kind = Predicate.hasProperty(value, "kind") ? value.kind : undefined
  if (!isKind(kind)) {
    const given = JSON.stringify(kind ?? input)
    const message = `There is no fault ${given}: use one of ${Object.keys(table).join(", ")}.`
    return yield* Effect.fail(new SimulatorError({ message }))
  }
  const { fields, sample } = table[kind]
  return (yield* Input.decode(Schema.Struct({ kind: Schema.String, ...fields }), value, sample)) as Fault
})
