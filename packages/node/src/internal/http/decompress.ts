import * as Predicate from "effect/Predicate"
import * as Result from "effect/Result"
import * as Zlib from "node:zlib"

type Decode = (bytes: Uint8Array, options: { readonly maxOutputLength: number }) => Uint8Array

/** RFC 9110 requires zlib for `deflate`, but some servers send raw deflate data. The first byte shows the format. */
const inflate: Decode = (bytes, options) =>
  ((bytes[0] ?? 0) & 0x0f) === 8 ? Zlib.inflateSync(bytes, options) : Zlib.inflateRawSync(bytes, options)

const decoders: ReadonlyMap<string, Decode> = new Map<string, Decode>([
  ["identity", (bytes) => bytes],
  ["gzip", Zlib.gunzipSync],
  ["x-gzip", Zlib.gunzipSync],
  ["deflate", inflate],
  ["br", Zlib.brotliDecompressSync]
])

export type Problem = "too-large" | "undecodable"

const problemOf = (error: unknown): Problem =>
  Predicate.isObject(error) && "code" in error && error.code === "ERR_BUFFER_TOO_LARGE" ? "too-large" : "undecodable"

export const decompress = (body: Uint8Array, codings: string, limit: number): Result.Result<Uint8Array, Problem> => {
  const names = codings
    .toLowerCase()
    .split(",")
    .map((name) => name.trim())
    // RFC 9110, section 5.6.1: a list may have empty elements.
    .filter((name) => name !== "")
  // The header lists the codings in the order in which they were applied.
  return names.toReversed().reduce<Result.Result<Uint8Array, Problem>>(
    (bytes, name) =>
      Result.flatMap(bytes, (given) => {
        const decode = decoders.get(name)
        return decode === undefined
          ? Result.fail("undecodable")
          : Result.try({ try: () => decode(given, { maxOutputLength: limit }), catch: problemOf })
      }),
    Result.succeed(body)
  )
}
