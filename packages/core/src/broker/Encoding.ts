/**
 * Encodings of the body of a call: JSON, a form, or `jData`.
 *
 * @since 0.1.0
 */
import * as Predicate from "effect/Predicate"
import * as Redacted from "effect/Redacted"

type Fields = Readonly<Record<string, unknown>>

/**
 * An encoding. `write` gets the fields without `Redacted` wrappers, and returns the text of the body.
 *
 * @category models
 * @since 0.1.0
 */
export interface Encoding {
  readonly name: string
  /**
   * The content type of the body. If `contentType` is `undefined`, no content type is sent. For the encoding `json`,
   * the content type in `headers` of `BrokerClient.Protocol` is sent instead.
   */
  readonly contentType: string | undefined
  /**
   * Whether the encoding can carry the value of the field `name`. The value itself is never `Redacted`, but parts of it
   * may be.
   */
  readonly carries: (value: unknown, name: string) => boolean
  readonly write: (fields: Fields) => string
}

/** Matches half of a surrogate pair. UTF-8 cannot represent it, so an encoder would send another character instead. */
const halfCharacter = /\p{Surrogate}/u

const bare = (value: unknown): unknown => (Redacted.isRedacted(value) ? Redacted.value(value) : value)

/**
 * Returns a value as text for a form or a URL. The value may be text, a finite number or a boolean, and may be wrapped
 * in `Redacted`. Returns `undefined` for any other value, and for text with half of a surrogate pair.
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

/** `JSON.stringify` would replace numbers that are not finite, and leave out functions. */
const isJson = (value: unknown): boolean => {
  const inner = bare(value)
  if (Predicate.isNumber(inner)) return Number.isFinite(inner)
  if (Predicate.isObjectOrArray(inner)) return Object.values(inner).every(isJson)
  return inner === undefined || inner === null || Predicate.isString(inner) || Predicate.isBoolean(inner)
}

/**
 * Writes the fields as JSON, in their order and without spaces.
 *
 * @category encodings
 * @since 0.1.0
 */
export const json: Encoding = {
  name: "json",
  contentType: "application/json",
  carries: isJson,
  write: (fields) => JSON.stringify(fields)
}

/**
 * Writes the fields as a form (`a=1&b=2`). The values may be text, finite numbers and booleans.
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
 * Writes the fields as JSON after `jData=`, as the trading platform Noren requires. The fields listed in `beside` are
 * written after the JSON, for example as `&jKey=…`. If `percent` is `"encoded"`, the JSON is percent-encoded.
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
  carries: (value, name) => (beside.includes(name) ? textOf(value) !== undefined : isJson(value)),
  write: (fields) => {
    const inside = Object.fromEntries(present(fields).filter(([name]) => !beside.includes(name)))
    const text = JSON.stringify(inside)
    const others = present(fields).filter(([name]) => beside.includes(name))
    const parts = others.map(([name, value]) => `&${name}=${encodeURIComponent(textOf(value) ?? "")}`)
    return `jData=${percent === "encoded" ? encodeURIComponent(text) : text}${parts.join("")}`
  }
})
