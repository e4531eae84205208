/**
 * Checks requests and decodes answers with Schema. A call loads this module only if the function `decode` of a shape is
 * missing or does not accept the data.
 */
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as SchemaIssue from "effect/SchemaIssue"
import type { Endpoint } from "../Endpoint.ts"
import type { Shape } from "../Shape.ts"
import * as schemas from "./schemas.ts"
import { mend } from "./tolerance.ts"

type Codec = Schema.Codec<unknown, unknown>

const made = new WeakMap<Shape, Codec>()

export const schemaOf = (shape: Shape<Schema.Decoder<unknown>>): Codec => {
  const found = made.get(shape) ?? (shape.toSchema(schemas) as Codec)
  made.set(shape, found)
  return found
}

const formatIssue = SchemaIssue.makeFormatterStandardSchemaV1()

const pathsOf = (issue: SchemaIssue.Issue): ReadonlyArray<string> =>
  Array.from(new Set(formatIssue(issue).issues.map(({ path = [] }) => path.map(String).join("."))))

export const rejectedFields = ({ request: shape }: Endpoint, request: unknown): ReadonlyArray<string> => {
  if (shape === undefined) return []
  const checked = Schema.decodeUnknownResult(Schema.toType(schemaOf(shape)), { errors: "all" })(request)
  return Result.isSuccess(checked)
    ? []
    : pathsOf(checked.failure.issue).map((field) => field.replace(/\.value$/, "") || "request")
}

/** Decoded data, and the paths of the fields that `mend` removed or changed. */
export interface Decoded<Response> {
  readonly value: Response
  readonly mended: ReadonlyArray<string>
}

/**
 * The error lists the path of the first wrong field. If that field is a union, the list can have several paths. If the
 * data as a whole has the wrong type, the list is empty.
 */
export const decode = <Response>(
  { essential, response: shape }: Endpoint<unknown, Response>,
  data: unknown
): Result.Result<Decoded<Response>, ReadonlyArray<string>> => {
  const schema = schemaOf(shape) as Schema.Codec<Response, unknown>
  const decodeData = Schema.decodeUnknownResult(schema)
  const asSent = decodeData(data)
  if (Result.isSuccess(asSent)) return Result.succeed({ value: asSent.success, mended: [] })
  const mended = mend(Schema.toEncoded(schema), essential, data)
  const decoded = mended.fields.length === 0 ? asSent : decodeData(mended.data)
  return Result.isSuccess(decoded)
    ? Result.succeed({ value: decoded.success, mended: mended.fields })
    : Result.fail(pathsOf(decoded.failure.issue).filter((path) => path !== ""))
}
