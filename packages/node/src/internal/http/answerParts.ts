import * as Result from "effect/Result"
import { decompress, type Problem } from "./decompress.ts"
import type { WireAnswer } from "./exchange.ts"

const decoder = new TextDecoder()

export const textOf = (bytes: Uint8Array): string => decoder.decode(bytes)

const isList = (value: string | ReadonlyArray<string>): value is ReadonlyArray<string> => typeof value !== "string"

export const writeHeaders = <T extends Record<string, string>>(given: WireAnswer["headers"], target: T): T => {
  const headers: Record<string, string> = target
  for (const name in given) {
    const value = given[name]
    if (value !== undefined) headers[name] = isList(value) ? value.join(", ") : value
  }
  return target
}

/** `limit` is the maximum number of bytes after decompression. */
export const bytesOf = (
  { body, headers, isTooLarge }: WireAnswer,
  limit: number
): Result.Result<Uint8Array, Problem> => {
  if (isTooLarge) return Result.fail("too-large")
  const coding = headers["content-encoding"]
  return coding === undefined || body.byteLength === 0 ? Result.succeed(body) : decompress(body, String(coding), limit)
}
