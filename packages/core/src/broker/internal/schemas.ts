/**
 * This module is the argument of `Shape.toSchema`. `Schema` contains only some parts of `effect/Schema`, so that a
 * bundler can drop the rest of `effect/Schema`.
 */
import * as All from "effect/Schema"
export * as Decode from "../Decode.ts"

export const Schema: Pick<
  typeof All,
  | "Boolean"
  | "Finite"
  | "isPattern"
  | "Literals"
  | "NonEmptyString"
  | "NullOr"
  | "optionalKey"
  | "Record"
  | "Redacted"
  | "String"
  | "Struct"
  | "UndefinedOr"
  | "Union"
  | "Unknown"
> = {
  Boolean: All.Boolean,
  Finite: All.Finite,
  isPattern: All.isPattern,
  Literals: All.Literals,
  NonEmptyString: All.NonEmptyString,
  NullOr: All.NullOr,
  optionalKey: All.optionalKey,
  Record: All.Record,
  Redacted: All.Redacted,
  String: All.String,
  Struct: All.Struct,
  UndefinedOr: All.UndefinedOr,
  Union: All.Union,
  Unknown: All.Unknown
}
