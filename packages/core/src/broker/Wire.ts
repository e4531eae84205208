/**
 * What brokers put into their answers, and what it means: text that may be absent, lists that may be text.
 *
 * @since 0.1.0
 */
import * as Predicate from "effect/Predicate"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"

/**
 * Text that a broker may leave out or set to null.
 *
 * @category schemas
 * @since 0.1.0
 */
export const Maybe = Schema.optionalKey(Schema.NullOr(Schema.String))

/**
 * A list that a broker may leave out, set to null, or send as the text of one.
 *
 * @category schemas
 * @since 0.1.0
 */
export const List = Schema.optionalKey(Schema.NullOr(Schema.Union([Schema.Array(Schema.String), Schema.String])))

/**
 * A field of a value of any kind: `undefined` where there is none.
 *
 * @category reading
 * @since 0.1.0
 */
export const field = (value: unknown, name: string): unknown =>
  Predicate.hasProperty(value, name) ? value[name] : undefined

/**
 * Absent, null and blank text all mean that there is nothing.
 *
 * @example
 * ```ts
 * import * as Wire from "@auth/broker-core/broker/Wire"
 *
 * Wire.present(" ") // => undefined
 * Wire.present("DEMO TRADER") // => "DEMO TRADER"
 * ```
 *
 * @category reading
 * @since 0.1.0
 */
export const present = (value: string | null | undefined): string | undefined =>
  value === null || value === undefined || value.trim() === "" ? undefined : value

/**
 * The same for a secret.
 *
 * @category reading
 * @since 0.1.0
 */
export const secret = (value: string | null | undefined): Redacted.Redacted<string> | undefined => {
  const text = present(value)
  return text === undefined ? undefined : Redacted.make(text)
}

/**
 * The items of a list, also where it came as text with commas, brackets and quotes.
 *
 * @example
 * ```ts
 * import * as Wire from "@auth/broker-core/broker/Wire"
 *
 * Wire.list(`[ "NSE", "BSE" ]`) // => ["NSE", "BSE"]
 * Wire.list(null) // => []
 * ```
 *
 * @category reading
 * @since 0.1.0
 */
export const list = (value: string | ReadonlyArray<string> | null | undefined): ReadonlyArray<string> => {
  const items = Predicate.isString(value) ? value.replace(/[[\]"']/g, "").split(",") : (value ?? [])
  return items.map((item) => item.trim()).filter((item) => item !== "")
}
