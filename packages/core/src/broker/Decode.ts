/**
 * Schemas for the fields of requests and answers. Tables of endpoints usually use `Shape` instead.
 *
 * @since 0.1.0
 */
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import * as SchemaGetter from "effect/SchemaGetter"
import { countOf, isYes, splitList } from "./internal/plainDecoder.ts"

const noEncoding = SchemaGetter.forbiddenEncoding

const present = (value: string | null): Option.Option<string> =>
  value === null || value.trim() === "" ? Option.none() : Option.some(value)

const MaybeText = Schema.optionalKey(Schema.NullOr(Schema.String))

const MaybeSecretText = Schema.optionalKey(Schema.NullOr(Schema.String.annotate({ format: "password" })))

/**
 * Text that the broker may omit. If it is null or blank, it counts as absent.
 *
 * @example
 * ```ts
 * import * as Decode from "@auth/broker-core/broker/Decode"
 * import * as Schema from "effect/Schema"
 *
 * const decode = Schema.decodeUnknownSync(Schema.Struct({ name: Decode.text, email: Decode.text }))
 * decode({ name: "DEMO TRADER", email: " " }) // => { name: "DEMO TRADER" }
 * ```
 *
 * @category schemas
 * @since 0.1.0
 */
export const text = MaybeText.pipe(
  Schema.decodeTo(Schema.optionalKey(Schema.String), {
    decode: SchemaGetter.transformOptional(Option.flatMap(present)),
    encode: noEncoding
  })
)

const notBlank = Schema.isPattern(/\S/)

/**
 * Text that is not blank.
 *
 * @category schemas
 * @since 0.1.0
 */
export const Text = Schema.String.check(notBlank)

/**
 * Secret text in an answer, not wrapped in `Redacted`. To wrap the text, use `map`.
 *
 * @category schemas
 * @since 0.1.0
 */
export const SecretText = Schema.String.annotate({ format: "password" }).check(notBlank)

/**
 * A secret in a request. It must not be blank.
 *
 * @category schemas
 * @since 0.1.0
 */
export const Secret = Schema.Redacted(SecretText)

// With `Schema.Redacted`, decoding would unwrap the secret, check it again, and put it in a second `Redacted`.
const RedactedText = Schema.declare(Redacted.isRedacted as (value: unknown) => value is Redacted.Redacted<string>)

/**
 * A required secret that must not be blank, such as the access token.
 *
 * @category schemas
 * @since 0.1.0
 */
export const requiredSecret = SecretText.pipe(
  Schema.decodeTo(RedactedText, {
    decode: SchemaGetter.transform((value) => Redacted.make(value)),
    encode: noEncoding
  })
)

/**
 * A secret that the broker may omit. If it is null or blank, it counts as absent.
 *
 * @category schemas
 * @since 0.1.0
 */
export const secret = MaybeSecretText.pipe(
  Schema.decodeTo(Schema.optionalKey(RedactedText), {
    decode: SchemaGetter.transformOptional((value: Option.Option<string | null>) =>
      Option.map(Option.flatMap(value, present), (found) => Redacted.make(found))
    ),
    encode: noEncoding
  })
)

/**
 * A count, for example of seconds or attempts. The broker may send it as a number or as text, or may omit it. A number
 * or text that is not a whole number from 0 to 999,999 counts as absent.
 *
 * @example
 * ```ts
 * import * as Decode from "@auth/broker-core/broker/Decode"
 * import * as Schema from "effect/Schema"
 *
 * const decode = Schema.decodeUnknownSync(Schema.Struct({ left: Decode.count }))
 * decode({ left: "4" }) // => { left: 4 }
 * decode({ left: "four" }) // => {}
 * ```
 *
 * @category schemas
 * @since 0.1.0
 */
export const count = Schema.optionalKey(Schema.NullOr(Schema.Union([Schema.Finite, Schema.String]))).pipe(
  Schema.decodeTo(Schema.optionalKey(Schema.Finite), {
    decode: SchemaGetter.transformOptional((value: Option.Option<string | number | null>) =>
      Option.fromUndefinedOr(countOf(Option.getOrNull(value)))
    ),
    encode: noEncoding
  })
)

/**
 * A flag. The broker may send a boolean or text. The texts `true`, `yes` and `y`, in upper or lower case, mean true.
 * Any other text, null and a missing flag mean false.
 *
 * @example
 * ```ts
 * import * as Decode from "@auth/broker-core/broker/Decode"
 * import * as Schema from "effect/Schema"
 *
 * const decode = Schema.decodeUnknownSync(Schema.Struct({ enabled: Decode.flag }))
 * decode({ enabled: "Y" }) // => { enabled: true }
 * decode({}) // => { enabled: false }
 * ```
 *
 * @category schemas
 * @since 0.1.0
 */
export const flag = Schema.optionalKey(Schema.NullOr(Schema.Union([Schema.Boolean, Schema.String]))).pipe(
  Schema.decodeTo(Schema.Boolean, {
    decode: SchemaGetter.transformOptional((value: Option.Option<string | boolean | null>) =>
      Option.some(isYes(Option.getOrNull(value)))
    ),
    encode: noEncoding
  })
)

/**
 * A list of texts. The broker may send an array, or one text with commas between the items. Brackets and quotation
 * marks in this text are removed. Blank items are dropped. If the list is omitted or null, the result is an empty list.
 *
 * @example
 * ```ts
 * import * as Decode from "@auth/broker-core/broker/Decode"
 * import * as Schema from "effect/Schema"
 *
 * const decode = Schema.decodeUnknownSync(Schema.Struct({ exchanges: Decode.list }))
 * decode({ exchanges: '["NSE", "BSE"]' }) // => { exchanges: ["NSE", "BSE"] }
 * decode({}) // => { exchanges: [] }
 * ```
 *
 * @category schemas
 * @since 0.1.0
 */
export const list = Schema.optionalKey(Schema.NullOr(Schema.Union([Schema.Array(Schema.String), Schema.String]))).pipe(
  Schema.decodeTo(Schema.Array(Schema.String), {
    decode: SchemaGetter.transformOptional((value: Option.Option<string | ReadonlyArray<string> | null>) =>
      Option.some(splitList(Option.getOrNull(value)))
    ),
    encode: noEncoding
  })
)

/**
 * A list of values with the same schema. If the list is omitted or null, the result is an empty list.
 *
 * @category schemas
 * @since 0.1.0
 */
export const items = <A, I>(schema: Schema.Codec<A, I>) =>
  Schema.optionalKey(Schema.NullOr(Schema.Array(schema))).pipe(
    Schema.decodeTo(Schema.Array(Schema.toType(schema)), {
      decode: SchemaGetter.transformOptional((value: Option.Option<ReadonlyArray<A> | null>) =>
        Option.some(Option.getOrNull(value) ?? [])
      ),
      encode: noEncoding
    })
  )

/**
 * Converts a decoded answer with the function `to`.
 *
 * @category schemas
 * @since 0.1.0
 */
export const map = <A, I, B>(schema: Schema.Codec<A, I>, to: (value: A) => B) =>
  schema.pipe(
    Schema.decodeTo(
      Schema.declare((value): value is B => value !== undefined, { expected: "a value" }),
      { decode: SchemaGetter.transform(to), encode: noEncoding }
    )
  )

/**
 * Like `map`, but `to` may return `undefined`. Use `mapMaybe` if an answer may have no result yet, such as the answer
 * to a poll.
 *
 * @category schemas
 * @since 0.1.0
 */
export const mapMaybe = <A, I, B>(schema: Schema.Codec<A, I>, to: (value: A) => B | undefined) =>
  schema.pipe(
    Schema.decodeTo(Schema.UndefinedOr(Schema.declare((value): value is B => value !== undefined)), {
      decode: SchemaGetter.transform(to),
      encode: noEncoding
    })
  )

/**
 * Adds fields to a decoded answer. The function `more` computes the fields from the answer.
 *
 * @category schemas
 * @since 0.1.0
 */
export const extend = <A extends object, I, B extends object>(schema: Schema.Codec<A, I>, more: (value: A) => B) =>
  map(schema, (value): A & B => ({ ...value, ...more(value) }))

/**
 * A value that the broker may omit or set to null. Null counts as absent.
 *
 * @category schemas
 * @since 0.1.0
 */
export const optional = <A, I>(schema: Schema.Codec<A, I>) =>
  Schema.optionalKey(Schema.NullOr(schema)).pipe(
    Schema.decodeTo(Schema.optionalKey(Schema.toType(schema)), {
      decode: SchemaGetter.transformOptional((value: Option.Option<A | null>) =>
        Option.filter(value, (found): found is A => found !== null)
      ),
      encode: noEncoding
    })
  )

/**
 * Checks that the answer has the documented shape, and discards the answer.
 *
 * @category schemas
 * @since 0.1.0
 */
export const discard = <A, I>(schema: Schema.Codec<A, I>) =>
  schema.pipe(Schema.decodeTo(Schema.Void, { decode: SchemaGetter.transform(() => undefined), encode: noEncoding }))
