/** Makes the HTTP client for the requests that `sendPlainly` of `client.ts` does not send. */
import { AnswerLimit } from "@auth/broker-core/broker/AnswerLimit"
import * as Effect from "effect/Effect"
import type * as Fiber from "effect/Fiber"
import * as HttpClient from "effect/http/HttpClient"
import type * as HttpClientError from "effect/http/HttpClientError"
import type * as HttpClientRequest from "effect/http/HttpClientRequest"
import type * as HttpClientResponse from "effect/http/HttpClientResponse"
import * as Url from "effect/http/Url"
import * as Result from "effect/Result"
import * as Tracer from "effect/Tracer"
import { BufferedResponse } from "./bufferedResponse.ts"
import { defaultHeaders, type Limits, type Transport, type WireRequest } from "./exchange.ts"
import * as faults from "./faults.ts"
import { bodyOf } from "./requestBody.ts"

const cannotParse = "the URL cannot be parsed"

type Run = (
  request: HttpClientRequest.HttpClientRequest,
  url: URL,
  fiber: Fiber.Fiber<unknown, unknown>
) => Effect.Effect<HttpClientResponse.HttpClientResponse, HttpClientError.HttpClientError>

const problemOf = ({ password, protocol, username }: URL): string | undefined => {
  if (protocol !== "https:" && protocol !== "http:") return "the URL must begin with https: or http:"
  return username === "" && password === "" ? undefined : "the URL must not contain a user name or a password"
}

const wireOf = (
  { headers, method }: HttpClientRequest.HttpClientRequest,
  { origin, pathname, search }: URL,
  body: WireRequest["body"]
): WireRequest => ({ origin, path: pathname + search, method, headers: { ...defaultHeaders, ...headers }, body })

const exchange = (
  transport: Transport,
  limits: Limits,
  request: HttpClientRequest.HttpClientRequest,
  url: URL,
  wire: WireRequest
) =>
  Effect.callback<HttpClientResponse.HttpClientResponse, HttpClientError.HttpClientError>((resume) => {
    const sent = transport.send(wire, limits, {
      onAnswer: (answer) => resume(Effect.succeed(new BufferedResponse(request, url, answer, limits.maxBodyBytes))),
      onError: (error) => resume(Effect.fail(faults.transportError(request, error)))
    })
    return Effect.sync(() => sent.cancel())
  })

const runWith =
  (transport: Transport, limits: Limits): Run =>
  (request, url, fiber) => {
    const problem = problemOf(url)
    if (problem !== undefined) return Effect.fail(faults.invalidUrl(request, problem))
    const maxBodyBytes = fiber.getRef(AnswerLimit) ?? limits.maxBodyBytes
    const own = maxBodyBytes === limits.maxBodyBytes ? limits : { ...limits, maxBodyBytes }
    const body = bodyOf(request)
    if (body !== undefined) return exchange(transport, own, request, url, wireOf(request, url, body))
    return Effect.fail(faults.encodeError(request, "this client sends only text and bytes as a body"))
  }

/**
 * Like `HttpClient.make`, but without a span or an abort signal. This client reads each answer completely, so it needs
 * no check for unread answers.
 */
const untraced = (run: Run): HttpClient.HttpClient =>
  HttpClient.makeWith<never, never, HttpClientError.HttpClientError, never>(
    Effect.flatMap((request) =>
      Effect.withFiber((fiber) => {
        const url = Url.make(request.url, request.urlParams, undefined)
        if (Result.isFailure(url)) return Effect.fail(faults.invalidUrl(request, cannotParse))
        // For a call with credentials, `@auth/broker-core` sets `TracerDisabledWhen` to a function that throws if a
        // redirect leads to another origin. The result of the function is not needed.
        if (!fiber.getRef(Tracer.DisablePropagation)) fiber.getRef(HttpClient.TracerDisabledWhen)(request)
        return run(request, url.success, fiber)
      })
    ),
    Effect.succeed
  )

/**
 * If the URL cannot be parsed, this client replaces the error of `HttpClient.make`, because that error contains the
 * secrets of the request.
 */
const traced = (run: Run): HttpClient.HttpClient =>
  HttpClient.transform(
    HttpClient.make((request, url, _, fiber) => run(request, url, fiber)),
    (sent, request) =>
      Effect.mapError(sent, (error) =>
        error.reason._tag === "InvalidUrlError" && error.reason.request === request
          ? faults.invalidUrl(request, cannotParse)
          : error
      )
  )

export const make = (transport: Transport, limits: Limits, tracing: "effect" | undefined): HttpClient.HttpClient =>
  (tracing === "effect" ? traced : untraced)(runWith(transport, limits))
