/**
 * Describes the data of requests and answers for the tables of endpoints.
 *
 * Most shapes decode the usual answers without `effect/Schema`. So most logins load a quarter less code. For all other
 * data, a shape makes its schema. The schema decodes the data, or reports the problem.
 *
 * @since 0.1.0
 */
import * as Predicate from "effect/Predicate"
import * as Redacted from "effect/Redacted"
import type * as Schema from "effect/Schema"
import * as plain from "./internal/plainDecoder.ts"
import type * as schemas from "./internal/schemas.ts"

const { absent, unsure } = plain

const TypeId = "~@auth/broker-core/broker/Shape"

/**
 * The argument of `toSchema`: the module `Decode`, and the parts of `effect/Schema` that tables of endpoints usually
 * need. A table that needs other parts can contain a schema instead of a shape.
 *
 * @category models
 * @since 0.1.0
 */
export type Schemas = typeof schemas

/**
 * A shape. `S` is the type of its schema.
 *
 * @category models
 * @since 0.1.0
 */
export interface Shape<out S = unknown> {
  readonly [TypeId]: typeof TypeId
  readonly toSchema: (schemas: Schemas) => S
  /** Decodes the usual data without the schema. Absent if only the schema can decode the data. */
  readonly decode: plain.PlainDecoder | undefined
}

/**
 * A shape, or a schema. A schema decodes all data with `effect/Schema`.
 *
 * @category models
 * @since 0.1.0
 */
export type Input = Shape<Schema.Decoder<unknown>> | Schema.Decoder<unknown>

/**
 * The schema of a shape.
 *
 * @category models
 * @since 0.1.0
 */
export type SchemaOf<S> = S extends Shape<infer Made> ? Made : S

/**
 * The decoded value of a shape or of a schema.
 *
 * @category models
 * @since 0.1.0
 */
export type TypeOf<S> = SchemaOf<S> extends { readonly Type: infer A } ? A : never

/**
 * Whether a value is a `Shape`.
 *
 * @category guards
 * @since 0.1.0
 */
export const isShape = (value: unknown): value is Shape => Predicate.hasProperty(value, TypeId)

const from = <S>(toSchema: (schemas: Schemas) => S, decode: plain.PlainDecoder | undefined): Shape<S> => ({
  [TypeId]: TypeId,
  toSchema,
  decode
})

const ifKnown = (
  { decode }: Shape,
  use: (decode: plain.PlainDecoder) => plain.PlainDecoder
): plain.PlainDecoder | undefined => (decode === undefined ? undefined : use(decode))

/**
 * Makes a shape. `is` must return `true` only for a value that the schema accepts and returns unchanged. Without `is`,
 * the schema decodes all data.
 *
 * @example
 * ```ts
 * import * as Shape from "@auth/broker-core/broker/Shape"
 *
 * const pan = /^[A-Z]{5}\d{4}[A-Z]$/
 * const Pan = Shape.make(
 *   ({ Schema }) => Schema.String.check(Schema.isPattern(pan)),
 *   (value) => typeof value === "string" && pan.test(value)
 * )
 * Shape.isShape(Pan) // => true
 * ```
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = <S>(toSchema: (schemas: Schemas) => S, is?: (value: unknown) => boolean): Shape<S> =>
  from(toSchema, is && plain.ifIs(is))

/**
 * Returns a shape unchanged. For a schema, returns a shape that decodes all data with the schema.
 *
 * @category constructors
 * @since 0.1.0
 */
export const fromInput = <S>(input: S): Shape<SchemaOf<S>> =>
  (isShape(input) ? input : make(() => input)) as Shape<SchemaOf<S>>

/**
 * The fields of a struct: shapes or schemas.
 *
 * @category models
 * @since 0.1.0
 */
export type Fields = Readonly<Record<string, unknown>>

/**
 * The schemas of the fields of a struct.
 *
 * @category models
 * @since 0.1.0
 */
export type SchemasOf<F> = { readonly [Name in keyof F]: Extract<SchemaOf<F[Name]>, Schema.Top> }

/**
 * The shape of an object.
 *
 * @category models
 * @since 0.1.0
 */
export interface Struct<F extends Fields> extends Shape<Schema.Struct<SchemasOf<F>>> {
  readonly fields: F
}

/**
 * An object. Decoding drops each field that is not in `fields`.
 *
 * @example
 * ```ts
 * import * as Endpoint from "@auth/broker-core/broker/Endpoint"
 * import * as Shape from "@auth/broker-core/broker/Shape"
 *
 * const login = Endpoint.make({
 *   name: "login",
 *   method: "POST",
 *   path: "/v1/login",
 *   token: "none",
 *   request: Shape.struct({ id: Shape.Text, pin: Shape.Secret }),
 *   response: Shape.struct({ token: Shape.requiredSecret, ...Shape.each(Shape.text, "name", "email") })
 * })
 * login.token // => "none"
 * ```
 *
 * @category constructors
 * @since 0.1.0
 */
export const struct = <const F extends Fields>(fields: F): Struct<F> => {
  const shapes = Object.entries(fields).map(([name, field]) => [name, fromInput(field)] as const)
  const schemasOf = (given: Schemas) =>
    Object.fromEntries(shapes.map(([name, shape]) => [name, shape.toSchema(given)])) as SchemasOf<F>
  const decode = plain.structOf(Object.fromEntries(shapes.map(([name, shape]) => [name, shape.decode])))
  return { ...from((given) => given.Schema.Struct(schemasOf(given)), decode), fields }
}

/**
 * Returns one field for each name. All fields have the same shape.
 *
 * @example
 * ```ts
 * import * as Shape from "@auth/broker-core/broker/Shape"
 *
 * const Holder = Shape.struct({ id: Shape.Text, ...Shape.each(Shape.text, "name", "email") })
 * Object.keys(Holder.fields) // => ["id", "name", "email"]
 * ```
 *
 * @category constructors
 * @since 0.1.0
 */
export const each = <S, const Names extends ReadonlyArray<string>>(
  shape: S,
  ...names: Names
): { readonly [Name in Names[number]]: S } =>
  Object.fromEntries(names.map((name) => [name, shape])) as { readonly [Name in Names[number]]: S }

/**
 * Text that may be empty.
 *
 * @category fields
 * @since 0.1.0
 */
export const string = make(({ Schema }) => Schema.String, Predicate.isString)

/**
 * True or false.
 *
 * @category fields
 * @since 0.1.0
 */
export const boolean = make(({ Schema }) => Schema.Boolean, Predicate.isBoolean)

/**
 * A finite number.
 *
 * @category fields
 * @since 0.1.0
 */
export const finite = make(({ Schema }) => Schema.Finite, Number.isFinite)

/**
 * Any data.
 *
 * @category fields
 * @since 0.1.0
 */
export const unknown = make(
  ({ Schema }) => Schema.Unknown,
  () => true
)

/**
 * One of the given texts.
 *
 * @category fields
 * @since 0.1.0
 */
export const literals = <const L extends ReadonlyArray<string>>(texts: L) =>
  make(
    ({ Schema }) => Schema.Literals(texts),
    (value) => texts.some((text) => text === value)
  )

/**
 * Text that is not blank.
 *
 * @category fields
 * @since 0.1.0
 */
export const Text = make(({ Decode }) => Decode.Text, plain.isText)

/**
 * Secret text in an answer, not wrapped in `Redacted`. To wrap the text, use `map`.
 *
 * @category fields
 * @since 0.1.0
 */
export const SecretText = make(({ Decode }) => Decode.SecretText, plain.isText)

/**
 * Secret text in an answer. The text must match the pattern, and is not wrapped in `Redacted`.
 *
 * @category fields
 * @since 0.1.0
 */
export const secretMatching = (pattern: RegExp) =>
  make(
    ({ Schema }) => Schema.String.annotate({ format: "password" }).check(Schema.isPattern(pattern)),
    (value) => Predicate.isString(value) && pattern.test(value)
  )

/**
 * A secret in a request. It must not be blank.
 *
 * @category fields
 * @since 0.1.0
 */
export const Secret = from(({ Decode }) => Decode.Secret, plain.secretOf(plain.ifIs(plain.isText)))

/**
 * Text that the broker may omit. If it is null or blank, it counts as absent.
 *
 * @category fields
 * @since 0.1.0
 */
export const text = from(
  ({ Decode }) => Decode.text,
  plain.ifPresent((found) => found)
)

/**
 * A required secret that must not be blank, such as the access token.
 *
 * @category fields
 * @since 0.1.0
 */
export const requiredSecret = from(
  ({ Decode }) => Decode.requiredSecret,
  (value) => (plain.isText(value) ? Redacted.make(value) : unsure)
)

/**
 * A secret that the broker may omit. If it is null or blank, it counts as absent.
 *
 * @category fields
 * @since 0.1.0
 */
export const secret = from(
  ({ Decode }) => Decode.secret,
  plain.ifPresent((found) => Redacted.make(found))
)

/**
 * A count, for example of seconds or attempts. The broker may send it as a number or as text, or may omit it. A number
 * or text that is not a whole number from 0 to 999,999 counts as absent.
 *
 * @category fields
 * @since 0.1.0
 */
export const count = from(
  ({ Decode }) => Decode.count,
  (value) =>
    value === undefined || value === null || Predicate.isString(value) || Number.isFinite(value)
      ? (plain.countOf((value ?? null) as string | number | null) ?? absent)
      : unsure
)

/**
 * A flag. The broker may send a boolean or text. The texts `true`, `yes` and `y` mean true, in upper or lower case. Any
 * other text, null and a missing flag mean false.
 *
 * @category fields
 * @since 0.1.0
 */
export const flag = from(
  ({ Decode }) => Decode.flag,
  (value) =>
    value === undefined || value === null || Predicate.isBoolean(value) || Predicate.isString(value)
      ? plain.isYes(value ?? null)
      : unsure
)

/**
 * A list of texts. The broker may send an array, or one text with commas between the items. Brackets and quotation
 * marks in the text are ignored. Blank items are dropped. If the list is omitted or null, the result is an empty list.
 *
 * @category fields
 * @since 0.1.0
 */
export const list = from(
  ({ Decode }) => Decode.list,
  (value) => {
    if (value === undefined || value === null || Predicate.isString(value)) return plain.splitList(value ?? null)
    return Array.isArray(value) && value.every(Predicate.isString) ? plain.splitList(value) : unsure
  }
)

/**
 * A list of values with the same shape. If the list is omitted or null, the result is an empty list.
 *
 * @category combinators
 * @since 0.1.0
 */
export const items = <A, I>(shape: Shape<Schema.Codec<A, I>>) =>
  from(
    (given) => given.Decode.items(shape.toSchema(given)),
    ifKnown(shape, (decode) => {
      const decodeList = plain.listOf(decode)
      return (value) => (value === undefined || value === null ? [] : decodeList(value))
    })
  )

/**
 * A field that may be missing.
 *
 * @category combinators
 * @since 0.1.0
 */
export const optionalKey = <S extends Schema.Constraint>(shape: Shape<S>) =>
  from(
    (given) => given.Schema.optionalKey(shape.toSchema(given)),
    ifKnown(shape, (decode) => (value) => (value === undefined ? absent : decode(value)))
  )

/**
 * A value that may be null.
 *
 * @category combinators
 * @since 0.1.0
 */
export const nullOr = <S extends Schema.Constraint>(shape: Shape<S>) =>
  from(
    (given) => given.Schema.NullOr(shape.toSchema(given)),
    ifKnown(shape, (decode) => (value) => (value === null ? null : decode(value)))
  )

/**
 * A value that may be `undefined`, for example because the answer contains no data.
 *
 * @category combinators
 * @since 0.1.0
 */
export const undefinedOr = <S extends Schema.Constraint>(shape: Shape<S>) =>
  from(
    (given) => given.Schema.UndefinedOr(shape.toSchema(given)),
    ifKnown(shape, (decode) => (value) => (value === undefined ? undefined : decode(value)))
  )

/**
 * A value that the broker may omit or set to null. Null counts as absent.
 *
 * @category combinators
 * @since 0.1.0
 */
export const optional = <A, I>(shape: Shape<Schema.Codec<A, I>>) =>
  from(
    (given) => given.Decode.optional(shape.toSchema(given)),
    ifKnown(shape, (decode) => (value) => (value === undefined || value === null ? absent : decode(value)))
  )

/**
 * Data that has one of the given shapes. Only the first shape can decode data without the schema. So put the most
 * common shape first.
 *
 * @category combinators
 * @since 0.1.0
 */
export const union = <const Members extends readonly [Shape<Schema.Top>, ...ReadonlyArray<Shape<Schema.Top>>]>(
  members: Members
) =>
  from(
    (given) =>
      given.Schema.Union(
        members.map((member) => member.toSchema(given)) as unknown as {
          readonly [Index in keyof Members]: Extract<SchemaOf<Members[Index]>, Schema.Top>
        }
      ),
    members[0].decode
  )

/**
 * Converts a decoded answer with the function `to`. If `to` returns `undefined`, decoding fails.
 *
 * @category combinators
 * @since 0.1.0
 */
export const map = <A, I, B>(shape: Shape<Schema.Codec<A, I>>, to: (value: A) => B) =>
  from(
    (given) => given.Decode.map(shape.toSchema(given), to),
    // If `to` returns `undefined`, the schema decodes the answer again and reports the problem.
    ifKnown(shape, (decode) => plain.mapOf(decode, (value: never) => to(value) ?? unsure))
  )

/**
 * Like `map`, but `to` may return `undefined`. Use `mapMaybe` if an answer may have no result yet, such as the answer
 * to a poll.
 *
 * @category combinators
 * @since 0.1.0
 */
export const mapMaybe = <A, I, B>(shape: Shape<Schema.Codec<A, I>>, to: (value: A) => B | undefined) =>
  from(
    (given) => given.Decode.mapMaybe(shape.toSchema(given), to),
    ifKnown(shape, (decode) => plain.mapOf(decode, to))
  )

/**
 * Adds fields that are computed from the answer.
 *
 * @category combinators
 * @since 0.1.0
 */
export const extend = <A extends object, I, B extends object>(
  shape: Shape<Schema.Codec<A, I>>,
  more: (value: A) => B
) => map(shape, (value): A & B => ({ ...value, ...more(value) }))

/**
 * Checks that the answer has the documented shape, and discards the answer.
 *
 * @category combinators
 * @since 0.1.0
 */
export const discard = <A, I>(shape: Shape<Schema.Codec<A, I>>) =>
  from(
    (given) => given.Decode.discard(shape.toSchema(given)),
    ifKnown(shape, (decode) => plain.mapOf(decode, () => undefined))
  )
