/**
 * Decoders for the usual data, without Schema. For all other data, they return `unsure`. Then Schema decodes the data
 * or reports the problem.
 */
import * as Predicate from "effect/Predicate"
import * as Redacted from "effect/Redacted"

export const unsure: unique symbol = Symbol("unsure")

/** The result for a field that counts as absent. */
export const absent: unique symbol = Symbol("absent")

/** If a field is missing, its decoder gets `undefined`. */
export type PlainDecoder = (value: unknown) => unknown

export const ifIs =
  (is: (value: unknown) => boolean): PlainDecoder =>
  (value) =>
    is(value) ? value : unsure

/** A decoder is `undefined` if only Schema can decode the field. */
type Fields = Readonly<Record<string, PlainDecoder | undefined>>

export const structOf = (fields: Fields): PlainDecoder | undefined => {
  const parts: Array<readonly [name: string, decode: PlainDecoder]> = []
  for (const [name, decode] of Object.entries(fields)) {
    if (decode === undefined) return undefined
    parts.push([name, decode])
  }
  return (data) => {
    if (!Predicate.isObject(data)) return unsure
    const decoded: Record<string, unknown> = {}
    for (const [name, decode] of parts) {
      const isPresent = Object.hasOwn(data, name)
      const value = isPresent ? decode(Reflect.get(data, name)) : decode(undefined)
      if (value === unsure || (value === undefined && !isPresent)) return unsure
      if (value !== absent) decoded[name] = value
    }
    return decoded
  }
}

export const mapOf =
  (decode: PlainDecoder, to: (value: never) => unknown): PlainDecoder =>
  (data) => {
    const value = decode(data)
    return value === unsure || value === absent ? unsure : to(value as never)
  }

export const listOf =
  (decode: PlainDecoder): PlainDecoder =>
  (data) => {
    if (!Array.isArray(data)) return unsure
    const decoded = data.map(decode)
    return decoded.some((value) => value === unsure || value === absent) ? unsure : decoded
  }

export const isText = (value: unknown): value is string => Predicate.isString(value) && /\S/.test(value)

export const secretOf =
  (decode: PlainDecoder): PlainDecoder =>
  (value) =>
    Redacted.isRedacted(value) && decode(Redacted.value(value)) !== unsure ? value : unsure

export const ifPresent =
  (use: (text: string) => unknown): PlainDecoder =>
  (value) => {
    if (value === undefined || value === null) return absent
    if (!Predicate.isString(value)) return unsure
    return value.trim() === "" ? absent : use(value)
  }

export const countOf = (value: string | number | null): number | undefined => {
  const count = Predicate.isString(value) && value.trim() !== "" ? Number(value) : value
  return Predicate.isNumber(count) && Number.isInteger(count) && count >= 0 && count < 1e6 ? count : undefined
}

export const isYes = (value: string | boolean | null): boolean => /^(?:true|y|yes)$/i.test(String(value).trim())

export const splitList = (value: string | ReadonlyArray<string> | null): ReadonlyArray<string> => {
  const items = Predicate.isString(value) ? value.replace(/[[\]"']/g, "").split(",") : (value ?? [])
  return items.map((item) => item.trim()).filter((item) => item !== "")
}
