/**
 * The maximum size of an answer, for HTTP clients that read the whole body before they return the response.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"

/**
 * The maximum size in bytes of the answer to the current request. The value is the option `maxBodyBytes` of the
 * broker's layer. For a program's own requests through an authorized client, the value is `undefined`, because the
 * answers may be large. An example is a list of instruments.
 *
 * An HTTP client that reads the whole body before it returns the response must check the limit. If the body is larger,
 * the request or every read of the body must fail. The error must be an `HttpClientError` with a `response`. The cause
 * of the error must have the code `ERR_BODY_TOO_LARGE`.
 *
 * @example
 * ```ts
 * import { AnswerLimit } from "@auth/broker-core/broker/AnswerLimit"
 * import * as Effect from "effect/Effect"
 *
 * const program = Effect.gen(function* () {
 *   const limit = yield* AnswerLimit
 *   limit // => undefined
 * })
 * ```
 *
 * @category references
 * @since 0.1.0
 */
export const AnswerLimit: Context.Reference<number | undefined> = Context.Reference<number | undefined>(
  "@auth/broker-core/broker/AnswerLimit",
  { defaultValue: () => undefined }
)
