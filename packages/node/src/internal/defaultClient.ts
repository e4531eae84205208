/** The HTTP client of a connection whose option `client` is not set. */
import { AnswerLimit } from "@auth/broker-core/broker/AnswerLimit"
import * as FetchClient from "@auth/broker-core/broker/FetchClient"
import * as PlainHttp from "@auth/broker-core/broker/PlainHttp"
import type { AuthError } from "@auth/broker-core/login/AuthError"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as FetchHttpClient from "effect/http/FetchHttpClient"
import * as HttpClient from "effect/http/HttpClient"
import type * as HttpClientError from "effect/http/HttpClientError"
import * as Layer from "effect/Layer"
import * as NodeHttpClient from "../NodeHttpClient.ts"
import { isFetchOfNode } from "./fetchOfNode.ts"
import { globalDispatcher } from "./http/builtinDispatcher.ts"

/** The program may replace the global `fetch`. Effect's client would always use the `fetch` that it read first. */
const fetchOfNow: typeof globalThis.fetch = (input, init) => globalThis.fetch(input, init)

const streamingLayer = Layer.provide(FetchClient.layer, Layer.succeed(FetchHttpClient.Fetch, fetchOfNow))

/**
 * `NodeHttpClient` sends a request if both conditions are met:
 *
 * - The global `fetch` is Node's own, and its dispatcher is found.
 * - The request limits the size of its answer, as the requests of a login do. Other requests may get an endless
 *   answer, and `NodeHttpClient` would wait for the end of this answer.
 *
 * The global `fetch` sends all other requests.
 */
export const layer: Layer.Layer<HttpClient.HttpClient, AuthError> = Layer.effect(
  HttpClient.HttpClient,
  Effect.gen(function* () {
    const whole = yield* NodeHttpClient.make()
    const streaming = Context.get(yield* Layer.build(streamingLayer), HttpClient.HttpClient)
    const isWhole = () => isFetchOfNode() && globalDispatcher() !== undefined
    const client = HttpClient.makeWith<never, never, HttpClientError.HttpClientError, never>(
      Effect.flatMap((request) =>
        Effect.withFiber((fiber) =>
          fiber.getRef(AnswerLimit) !== undefined && isWhole() ? whole.execute(request) : streaming.execute(request)
        )
      ),
      Effect.succeed
    )
    return PlainHttp.addSend(client, (fiber) => PlainHttp.sendOf(isWhole() ? whole : streaming, fiber))
  })
)
