import type * as HttpClientRequest from "effect/http/HttpClientRequest"
import type { WireRequest } from "./exchange.ts"

const ofRaw = (body: unknown): WireRequest["body"] | undefined => {
  if (typeof body === "string" || body instanceof Uint8Array) return body
  if (body instanceof ArrayBuffer) return new Uint8Array(body)
  return body instanceof URLSearchParams ? body.toString() : undefined
}

/** Returns `undefined` for a stream, a blob or a `FormData`. */
export const bodyOf = ({ body }: HttpClientRequest.HttpClientRequest): WireRequest["body"] | undefined => {
  if (body._tag === "Uint8Array") return body.text ?? body.body
  if (body._tag === "Empty") return null
  return body._tag === "Raw" ? ofRaw(body.body) : undefined
}
