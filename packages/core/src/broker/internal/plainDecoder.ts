/**
 * Decoders without Schema for the answers that brokers usually send. For all other data, they return `unsure`. Schema
 * then decodes the data, or reports the problem. For each login, Schema would take ten times as long as these decoders.
 */
import * as Predicate from "effect/Predicate"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as SchemaAST from "effect/SchemaAST"

/** The result for data that only Schema can decode. */
export const unsure: unique symbol = Symbol("unsure")

/** The result for a field that counts as absent. */
export const absent: unique symbol = Symbol("absent")

/** Decodes a value. The value of a field that is missing is `undefined`. */
export type PlainDecoder = (value: unknown) => unknown

const decoders = new WeakMap<object, PlainDecoder>()

/** Adds a decoder to a schema. Both must give the same result for each value for which the decoder is not `unsure`. */
export const addPlain = <S extends object>(schema: S, decoder: PlainDecoder): S => {
  decoders.set(schema, decoder)
  return schema
}

addPlain(Schema.String, (value) => (Predicate.isString(value) ? value : unsure))

type Fields = Readonly<Record<string, object>>

const isBareStruct = (schema: object): schema is { readonly fields: Fields } => {
  if (!("fields" in schema) || !("ast" in schema) || !SchemaAST.isAST(schema.ast)) return false
  const { ast } = schema
  return (
    SchemaAST.isObjects(ast) &&
    ast.checks === undefined &&
    ast.encoding === undefined &&
    ast.annotations === undefined &&
    ast.indexSignatures.length === 0
  )
}

const isOptionalKey = (schema: object): schema is { readonly schema: object } =>
  "schema" in schema &&
  Predicate.isObjectKeyword(schema.schema) &&
  "ast" in schema &&
  SchemaAST.isAST(schema.ast) &&
  SchemaAST.isOptional(schema.ast)

const fieldDecoder = (field: object): PlainDecoder | undefined => {
  const own = decoders.get(field)
  if (own !== undefined || !isOptionalKey(field)) return own
  const decode = decoders.get(field.schema)
  return decode === undefined ? undefined : (value) => (value === undefined ? absent : decode(value))
}

const structDecoder = (fields: Fields): PlainDecoder | undefined => {
  const parts: Array<readonly [name: string, decode: PlainDecoder]> = []
  for (const [name, field] of Object.entries(fields)) {
    const decode = fieldDecoder(field)
    if (decode === undefined) return undefined
    parts.push([name, decode])
  }
  return (data) => {
    if (!Predicate.isObject(data)) return unsure
    const decoded: Record<string, unknown> = {}
    for (const [name, decode] of parts) {
      const value = Object.hasOwn(data, name) ? decode(Reflect.get(data, name)) : decode(undefined)
      if (value === unsure) return unsure
      if (value !== absent) decoded[name] = value
    }
    return decoded
  }
}

/** The decoder of a schema: the one that was added to it, or one that is made of the decoders of its fields. */
export const plainOf = (schema: object): PlainDecoder | undefined =>
  decoders.get(schema) ?? (isBareStruct(schema) ? structDecoder(schema.fields) : undefined)

/** Makes a decoder that converts the result of another decoder. Returns `unsure` for data that cannot be converted. */
export const mapPlain = (schema: object, to: (value: never) => unknown): PlainDecoder => {
  const decode = plainOf(schema)
  if (decode === undefined) return () => unsure
  return (data) => {
    const value = decode(data)
    if (value === unsure || value === absent) return unsure
    return to(value as never) ?? unsure
  }
}

const isText = (value: unknown): value is string => Predicate.isString(value) && /\S/.test(value)

/** Decodes with the plain decoder of a schema. If the schema has no plain decoder, or if the result is `unsure`, uses `otherwise`. */
export const decoderOf = <A>(
  schema: object,
  otherwise: (data: unknown) => Result.Result<A, Schema.SchemaError>
): ((data: unknown) => Result.Result<A, Schema.SchemaError>) => {
  const plain = plainOf(schema)
  if (plain === undefined) return otherwise
  return (data) => {
    const value = plain(data)
    return value === unsure || value === absent ? otherwise(data) : Result.succeed(value as A)
  }
}

/** Checks with the plain decoder of a schema. If the schema has no plain decoder, or if the result is `unsure`, uses `otherwise`. */
export const checkOf = (schema: object, otherwise: (value: unknown) => boolean): ((value: unknown) => boolean) => {
  const plain = plainOf(schema)
  if (plain === undefined) return otherwise
  return (value) => plain(value) !== unsure || otherwise(value)
}

/** Text that is not blank. */
export const plainText: PlainDecoder = (value) => (isText(value) ? value : unsure)

/** A secret that is not blank, before it is sent. */
export const plainSecret: PlainDecoder = (value) =>
  Redacted.isRedacted(value) && isText(Redacted.value(value)) ? value : unsure
