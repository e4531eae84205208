/**
 * How a broker says yes and no. A broker speaks several dialects; each is a function from the answer to a verdict.
 *
 * @since 0.1.0
 */
import * as Predicate from "effect/Predicate"

/**
 * An answer, with its body as text and, if it is JSON, as a value.
 *
 * @category models
 * @since 0.1.0
 */
export interface Answer {
  readonly status: number
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string | undefined>>
  readonly text: string
  /** `undefined` if the body is not JSON. */
  readonly json: unknown
}

/**
 * What an answer says: yes, with the data inside; or no, with the broker's code and message.
 *
 * @category models
 * @since 0.1.0
 */
export type Verdict =
  | { readonly _tag: "Yes"; readonly data: unknown }
  | {
      readonly _tag: "No"
      readonly code?: string | undefined
      readonly message?: string | undefined
      readonly supportId?: string | undefined
    }

/**
 * One way in which a broker answers. `read` gives `undefined` for an answer in another dialect.
 *
 * @example
 * ```ts
 * import * as Envelope from "@auth/broker-core/broker/Envelope"
 *
 * const plain: Envelope.Dialect = {
 *   name: "plain",
 *   source: "https://api.example.com/docs#answers",
 *   read: ({ json }) => {
 *     const status = Envelope.field(json, "status")
 *     if (status === "ok") return Envelope.yes(Envelope.field(json, "data"))
 *     return status === "error" ? Envelope.no({ code: Envelope.field(json, "code") }) : undefined
 *   }
 * }
 *
 * plain.read({ status: 200, headers: {}, text: "", json: { status: "error", code: 7 } })
 * // => { _tag: "No", code: "7", message: undefined, supportId: undefined }
 * ```
 *
 * @category models
 * @since 0.1.0
 */
export interface Dialect {
  readonly name: string
  /** Where the dialect is documented or was seen. */
  readonly source: string
  readonly read: (answer: Answer) => Verdict | undefined
}

/**
 * A field of a value of any kind. `undefined` if the value has no such field.
 *
 * @category reading
 * @since 0.1.0
 */
export const field = (value: unknown, name: string): unknown =>
  Predicate.hasProperty(value, name) ? value[name] : undefined

/**
 * @category verdicts
 * @since 0.1.0
 */
export const yes = (data: unknown): Verdict => ({ _tag: "Yes", data })

/**
 * @category verdicts
 * @since 0.1.0
 */
export const no = (fields: {
  readonly code?: unknown
  readonly message?: unknown
  readonly supportId?: string | undefined
}): Verdict => ({ _tag: "No", code: textOf(fields.code), message: textOf(fields.message), supportId: fields.supportId })

// Codes come as text or as numbers; what is neither tells nothing.
const textOf = (value: unknown): string | undefined => {
  const text = Predicate.isString(value) ? value.trim() : Predicate.isNumber(value) ? String(value) : ""
  return text === "" ? undefined : text
}

/**
 * The first dialect that the answer is in.
 *
 * @category reading
 * @since 0.1.0
 */
export const read = (dialects: ReadonlyArray<Dialect>, answer: Answer): Verdict | undefined => {
  for (const dialect of dialects) {
    const verdict = dialect.read(answer)
    if (verdict !== undefined) return verdict
  }
  return undefined
}
