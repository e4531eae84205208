import type * as PlainHttp from "@auth/broker-core/broker/PlainHttp"
import * as Result from "effect/Result"
import { bytesOf, textOf, writeHeaders } from "./answerParts.ts"
import { ConnectionError } from "./connectionError.ts"
import type { WireAnswer } from "./exchange.ts"

export const plainAnswerOf = (answer: WireAnswer, limit: number): Result.Result<PlainHttp.Answer, ConnectionError> => {
  const { status } = answer
  const headers = writeHeaders(answer.headers, {})
  const bytes = bytesOf(answer, limit)
  if (Result.isSuccess(bytes))
    return Result.succeed({ status, headers, text: textOf(bytes.success), isTooLarge: false })
  return bytes.failure === "too-large"
    ? Result.succeed({ status, headers, text: "", isTooLarge: true })
    : Result.fail(
        new ConnectionError("the body cannot be decompressed with the method in the header content-encoding", {})
      )
}
