/**
 * Finds out whether the broker's answer reports success or a refusal. The envelope is the part of an answer around the
 * data, such as a status and a code. A dialect is one form of envelope. A broker may use several dialects.
 *
 * @since 0.1.0
 */
import * as Predicate from "effect/Predicate"

/**
 * An answer from the broker. `text` is its body, and `json` is the parsed body.
 *
 * @category models
 * @since 0.1.0
 */
export interface Answer {
  readonly status: number
  /** The names are in lower case. */
  readonly headers: Readonly<Record<string, string | undefined>>
  readonly text: string
  /** `undefined` if the body is not JSON. */
  readonly json: unknown
}

/**
 * Says whether an answer reports success. `Yes` has the data of the answer. `No` may have the broker's code, message
 * and support id.
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
 * One form of envelope. `read` returns the verdict, or `undefined` if the answer is in another dialect.
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
 * Returns a field of a value, or `undefined` if the value does not have the field.
 *
 * @category reading
 * @since 0.1.0
 */
export const field = (value: unknown, name: string): unknown =>
  Predicate.hasProperty(value, name) ? value[name] : undefined

/**
 * Makes the verdict that an answer reports success.
 *
 * @category verdicts
 * @since 0.1.0
 */
export const yes = (data: unknown): Verdict => ({ _tag: "Yes", data })

/**
 * Makes the verdict that an answer reports a refusal. A `code` or `message` counts as absent unless it is a number or
 * text. Blank text also counts as absent.
 *
 * @category verdicts
 * @since 0.1.0
 */
export const no = (fields: {
  readonly code?: unknown
  readonly message?: unknown
  readonly supportId?: string | undefined
}): Verdict => ({ _tag: "No", code: textOf(fields.code), message: textOf(fields.message), supportId: fields.supportId })

const textOf = (value: unknown): string | undefined => {
  const text = Predicate.isString(value) ? value.trim() : Predicate.isNumber(value) ? String(value) : ""
  return text === "" ? undefined : text
}

/**
 * Returns the verdict of the first dialect that recognizes the answer, or `undefined` if no dialect does.
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

/**
 * Describes a dialect for `byFields`. Each path starts at the top of the answer.
 *
 * @category models
 * @since 0.1.0
 */
export interface Fields {
  readonly name: string
  readonly source: string
  /** The path of the field that decides between yes and no, such as `["stat"]` or `["body", "Status"]`. */
  readonly status: ReadonlyArray<string>
  /** Values that mean yes. Only the letters and digits of text are compared, and case is ignored. */
  readonly yes: ReadonlyArray<string | number | boolean>
  /** Values that mean no. Default: all values that do not mean yes. */
  readonly no?: ReadonlyArray<string | number | boolean>
  /** The path of the data. Default: the whole answer. */
  readonly data?: ReadonlyArray<string>
  readonly code?: ReadonlyArray<string>
  readonly message?: ReadonlyArray<string>
  /**
   * Answers that report success, but ask the user to do something, such as to set a new password. If the value at the
   * path `field` equals `is`, the verdict is `No` with `code`.
   */
  readonly asks?: ReadonlyArray<{
    readonly field: ReadonlyArray<string>
    readonly is: string | number | boolean
    readonly code: string
  }>
}

const at = (json: unknown, path: ReadonlyArray<string>): unknown => path.reduce(field, json)

const normalized = (value: unknown): unknown =>
  Predicate.isString(value) ? value.toLowerCase().replace(/[^\p{L}\p{N}]/gu, "") : value

/**
 * Makes a dialect from a description of the fields. An answer is in another dialect in two cases:
 * - The field at the path `status` is absent or null.
 * - `no` is set, and neither `yes` nor `no` contains the value of the field.
 *
 * @example
 * ```ts
 * import * as Envelope from "@auth/broker-core/broker/Envelope"
 *
 * const dialect = Envelope.byFields({
 *   name: "noren",
 *   source: "https://api.example.com/docs#answers",
 *   status: ["stat"],
 *   yes: ["Ok"],
 *   message: ["emsg"]
 * })
 *
 * dialect.read({ status: 200, headers: {}, text: "", json: { stat: "Not_Ok", emsg: "No such user" } })
 * // => { _tag: "No", code: undefined, message: "No such user", supportId: undefined }
 * ```
 *
 * @category constructors
 * @since 0.1.0
 */
export const byFields = (fields: Fields): Dialect => ({
  name: fields.name,
  source: fields.source,
  read: ({ json }) => {
    const status = at(json, fields.status)
    if (status === undefined || status === null) return undefined
    const isOneOf = (words: ReadonlyArray<string | number | boolean>) =>
      words.some((word) => normalized(word) === normalized(status))
    const message = fields.message && at(json, fields.message)
    if (isOneOf(fields.yes)) {
      const asked = fields.asks?.find((ask) => normalized(at(json, ask.field)) === normalized(ask.is))
      return asked === undefined
        ? yes(fields.data === undefined ? json : at(json, fields.data))
        : no({ code: asked.code, message })
    }
    if (fields.no !== undefined && !isOneOf(fields.no)) return undefined
    return no({ code: fields.code && at(json, fields.code), message })
  }
})
