/** A minimal, fast `HttpClient` over undici. It sends and reads only text. */
import * as Effect from "effect/Effect"
import * as Headers from "effect/http/Headers"
import * as HttpClient from "effect/http/HttpClient"
import * as HttpClientError from "effect/http/HttpClientError"
import type * as HttpClientRequest from "effect/http/HttpClientRequest"
import type * as HttpClientResponse from "effect/http/HttpClientResponse"
import * as Layer from "effect/Layer"
import { Agent, type Dispatcher, request as send } from "undici"

const failed = (request: HttpClientRequest.HttpClientRequest) => (cause: unknown) =>
  new HttpClientError.HttpClientError({ reason: new HttpClientError.TransportError({ request, cause }) })

const toResponse = (request: HttpClientRequest.HttpClientRequest, answer: Dispatcher.ResponseData) =>
  ({
    request,
    status: answer.statusCode,
    url: request.url,
    headers: Headers.fromInput(answer.headers as Headers.Input),
    text: Effect.tryPromise({ try: () => answer.body.text(), catch: failed(request) })
  }) as HttpClientResponse.HttpClientResponse

export const layerUndici = (connections: number): Layer.Layer<HttpClient.HttpClient> =>
  Layer.sync(HttpClient.HttpClient, () => {
    const dispatcher = new Agent({ connections })
    return HttpClient.make((request, url, signal) =>
      Effect.map(
        Effect.tryPromise({
          try: () =>
            send(url, {
              dispatcher,
              signal,
              method: request.method,
              headers: request.headers,
              body: request.body._tag === "Uint8Array" ? (request.body.text ?? null) : null
            }),
          catch: failed(request)
        }),
        (answer) => toResponse(request, answer)
      )
    )
  })
