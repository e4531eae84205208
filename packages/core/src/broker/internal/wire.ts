import * as Data from "effect/Data"
import type * as Redacted from "effect/Redacted"
import type { ConnectionFault } from "./connectionFault.ts"

/** Contains secrets as plain text, so use this type only where a request is made and sent. */
export interface WireRequest {
  readonly method: "GET" | "POST" | "PUT" | "DELETE"
  readonly url: string
  /** The query is not part of `url`, because a client may show the URL, and a parameter may be secret. */
  readonly query: Readonly<Record<string, string | Redacted.Redacted<string>>>
  readonly headers: Record<string, string>
  readonly body: string | undefined
}

export interface WireResponse {
  readonly status: number
  readonly headers: Readonly<Record<string, string | undefined>>
  readonly text: string
}

/** Does not contain the HTTP client's error, because that error contains the request with its body. */
export class TransportFailure extends Data.TaggedError("TransportFailure")<{
  readonly why: ConnectionFault["why"] | "time-out" | "too-large"
  readonly status?: number
  readonly systemCode?: string | undefined
}> {}

export const tooLarge = (status: number) => new TransportFailure({ why: "too-large", status })

/**
 * By default, `node:http` sends the body of a GET request without `content-length` and without chunked encoding. A
 * server cannot read that body.
 */
export const withLength = ({ body, headers, method }: WireRequest): Record<string, string> =>
  method === "GET" && body !== undefined
    ? { ...headers, "content-length": String(new TextEncoder().encode(body).byteLength) }
    : headers
