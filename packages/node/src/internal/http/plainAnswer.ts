/** Makes the answers of `PlainHttp`. */
import type * as PlainHttp from "@auth/broker-core/broker/PlainHttp"
import * as Result from "effect/Result"
import { decompress } from "./decompress.ts"
import type { WireAnswer } from "./exchange.ts"
import { ConnectionError } from "./faults.ts"

const decoder = new TextDecoder()

const isText = (value: string | ReadonlyArray<string> | undefined): value is string | undefined => !Array.isArray(value)

/** Joins the values of repeated headers. */
const headersOf = (given: WireAnswer["headers"]): PlainHttp.Answer["headers"] => {
  const headers: Record<string, string | undefined> = {}
  for (const name in given) {
    const value = given[name]
    headers[name] = isText(value) ? value : value.join(", ")
  }
  return headers
}

/** Fails if the body cannot be decompressed. */
export const plainAnswerOf = (
  { body, headers: given, isTooLarge, status }: WireAnswer,
  limit: number
): Result.Result<PlainHttp.Answer, ConnectionError> => {
  const headers = headersOf(given)
  const coding = headers["content-encoding"]
  const tooLarge = () => Result.succeed({ status, headers, text: "", isTooLarge: true })
  if (isTooLarge) return tooLarge()
  if (coding === undefined || body.byteLength === 0) {
    return Result.succeed({ status, headers, text: decoder.decode(body), isTooLarge: false })
  }
  const decoded = decompress(body, coding, limit)
  if (Result.isSuccess(decoded)) {
    return Result.succeed({ status, headers, text: decoder.decode(decoded.success), isTooLarge: false })
  }
  return decoded.failure === "too-large"
    ? tooLarge()
    : Result.fail(new ConnectionError("the body is not compressed", {}))
}
