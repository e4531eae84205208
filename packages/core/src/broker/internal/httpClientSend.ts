import * as Effect from "effect/Effect"
import * as Headers from "effect/http/Headers"
import * as HttpBody from "effect/http/HttpBody"
import type * as HttpClient from "effect/http/HttpClient"
import type * as HttpClientError from "effect/http/HttpClientError"
import * as HttpClientRequest from "effect/http/HttpClientRequest"
import type * as HttpClientResponse from "effect/http/HttpClientResponse"
import * as UrlParams from "effect/http/UrlParams"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import { exceeds } from "./bodySize.ts"
import { connectionFault } from "./connectionFault.ts"
import * as RedirectGuard from "./redirectGuard.ts"
import type { RedirectFollowed } from "./redirects.ts"
import { systemCode } from "./systemCode.ts"
import { tooLarge, TransportFailure, withLength, type WireRequest, type WireResponse } from "./wire.ts"

const toFailure = (error: HttpClientError.HttpClientError) =>
  error.response !== undefined && systemCode(error) === "ERR_BODY_TOO_LARGE"
    ? tooLarge(error.response.status)
    : new TransportFailure(connectionFault(error, error.request.url))

const readBody = (
  response: HttpClientResponse.HttpClientResponse,
  headers: WireResponse["headers"],
  limit: number
): Effect.Effect<string, TransportFailure> => {
  const announced = Number(headers["content-length"] || "unknown")
  if (announced > limit) return Effect.fail(tooLarge(response.status))
  // The `content-length` of a compressed body is the compressed size, so `readStream` checks the decompressed size.
  if (announced >= 0 && headers["content-encoding"] === undefined) {
    const text = Effect.mapError(response.text, toFailure)
    // The client may return more bytes than the server announces.
    return Effect.filterOrFail(
      text,
      (whole) => !exceeds(whole, limit),
      () => tooLarge(response.status)
    )
  }
  return readStream(response, limit)
}

const readStream = Effect.fnUntraced(function* (response: HttpClientResponse.HttpClientResponse, limit: number) {
  const decoder = new TextDecoder()
  let text = ""
  let size = 0
  yield* Stream.runForEach(response.stream, (chunk) => {
    size += chunk.byteLength
    if (size > limit) return Effect.fail(tooLarge(response.status))
    text += decoder.decode(chunk, { stream: true })
    return Effect.void
  }).pipe(
    Effect.catchTag("HttpClientError", (error) =>
      error.reason._tag === "EmptyBodyError" ? Effect.void : Effect.fail(toFailure(error))
    )
  )
  return text + decoder.decode()
})

const toHttpRequest = (wire: WireRequest) => {
  const { body, headers, method, query, url } = wire
  return Object.entries(query).reduce(
    (request, [name, value]) => HttpClientRequest.setUrlParam(request, name, value),
    HttpClientRequest.makeWith(
      method,
      url,
      UrlParams.empty,
      Option.none(),
      Headers.fromInput(withLength(wire)),
      body === undefined ? HttpBody.empty : HttpBody.text(body, headers["content-type"] ?? "application/json")
    )
  )
}

/** What a browser's `fetch` with `redirect: "manual"` returns for a redirect. */
const redirected: WireResponse = { status: 0, headers: {}, text: "" }

export const execute = (
  client: HttpClient.HttpClient,
  request: WireRequest,
  maxBodyBytes: number
): Effect.Effect<WireResponse, TransportFailure | RedirectFollowed> =>
  RedirectGuard.execute(client, toHttpRequest(request), maxBodyBytes).pipe(
    Effect.catchTag("HttpClientError", (error) => Effect.fail(toFailure(error))),
    Effect.flatMap((response) => {
      // The headers are read once, because Effect's client for `fetch` builds them at each access.
      const { headers, status } = response
      return Effect.map(readBody(response, headers, maxBodyBytes), (text): WireResponse => ({
        status,
        headers,
        text
      }))
    }),
    Effect.catchTag("RedirectStopped", () => Effect.succeed(redirected))
  )
