/**
 * How the body of a call is written. Each row of a table names its encoding. The encoding sets the content type.
 *
 * @since 0.1.0
 */
import * as Predicate from "effect/Predicate"
import * as Redacted from "effect/Redacted"

type Fields = Readonly<Record<string, unknown>>

/**
 * An encoding. `write` gets the fields with their secrets unwrapped. The text that it returns is signed and sent.
 *
 * @category models
 * @since 0.1.0
 */
export interface Encoding {
  readonly name: string
  /** If `undefined`, no content type is sent. */
  readonly contentType: string | undefined
  /** Whether the encoding can carry the value of a field. If the value is secret, it is already unwrapped. */
  readonly carries: (value: unknown) => boolean
  readonly write: (fields: Fields) => string
}

/** Half of a surrogate pair. UTF-8 cannot carry it, and an encoder would send another character instead. */
const halfCharacter = /\p{Surrogate}/u

const bare = (value: unknown): unknown => (Redacted.isRedacted(value) ? Redacted.value(value) : value)

/**
 * The text of a value that a form or a URL can carry: text, a finite number or a boolean. `undefined` for any other
 * value.
 *
 * @category converting
 * @since 0.1.0
 */
export const textOf = (value: unknown): string | undefined => {
  const inner = bare(value)
  if (Predicate.isString(inner)) return halfCharacter.test(inner) ? undefined : inner
  return Predicate.isBoolean(inner) || (Predicate.isNumber(inner) && Number.isFinite(inner)) ? String(inner) : undefined
}

const present = (fields: Fields) => Object.entries(fields).filter(([, value]) => value !== undefined)

/**
 * JSON, with the fields in the order in which they are given and no spaces.
 *
 * @category encodings
 * @since 0.1.0
 */
export const json: Encoding = {
  name: "json",
  contentType: "application/json",
  carries: () => true,
  write: (fields) => JSON.stringify(fields)
}

/**
 * A form. It carries text, finite numbers and booleans.
 *
 * @category encodings
 * @since 0.1.0
 */
export const form: Encoding = {
  name: "form",
  contentType: "application/x-www-form-urlencoded",
  carries: (value) => textOf(value) !== undefined,
  write: (fields) => new URLSearchParams(present(fields).map(([name, value]) => [name, textOf(value) ?? ""])).toString()
}

/**
 * JSON after `jData=`, as the Noren family of brokers requires it. The fields in `beside`, such as the token `jKey`,
 * follow the JSON as `&jKey=…`. With `percent`, the JSON is percent-encoded, as in a form.
 *
 * @example
 * ```ts
 * import * as Encoding from "@auth/broker-core/broker/Encoding"
 *
 * const noren = Encoding.jData({ beside: ["jKey"] })
 * noren.write({ uid: "FA0001", jKey: "token" }) // => 'jData={"uid":"FA0001"}&jKey=token'
 * ```
 *
 * @category encodings
 * @since 0.1.0
 */
export const jData = ({
  beside = [],
  contentType,
  percent
}: {
  readonly beside?: ReadonlyArray<string>
  readonly contentType?: string
  readonly percent?: "encoded"
} = {}): Encoding => ({
  name: "jData",
  contentType,
  carries: () => true,
  write: (fields) => {
    const inside = Object.fromEntries(present(fields).filter(([name]) => !beside.includes(name)))
    const text = JSON.stringify(inside)
    const others = present(fields).filter(([name]) => beside.includes(name))
    const parts = others.map(([name, value]) => `&${name}=${encodeURIComponent(textOf(value) ?? "")}`)
    return `jData=${percent === "encoded" ? encodeURIComponent(text) : text}${parts.join("")}`
  }
})
