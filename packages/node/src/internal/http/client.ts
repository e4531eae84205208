import * as PlainHttp from "@auth/broker-core/broker/PlainHttp"
import type * as HttpClient from "effect/http/HttpClient"
import * as Result from "effect/Result"
import { defaultHeaders, type Limits, type Transport } from "./exchange.ts"
import { plainAnswerOf } from "./plainAnswer.ts"

/** Matches addresses that do not need the `URL` parser. */
const plainAddress = /^(https?:\/\/[\w.-]+(?::\d{1,5})?)(\/[!-"$-~]*)$/

const partsOf = (url: string): readonly [origin: string, path: string] => {
  const [, origin, path] = plainAddress.exec(url) ?? []
  if (origin !== undefined && path !== undefined) return [origin, path]
  const { origin: parsed, pathname, search } = new URL(url)
  return [parsed, pathname + search]
}

export const sendPlainly =
  (transport: Transport, { bodyTimeout, headersTimeout }: Limits): PlainHttp.Send =>
  ({ body = null, headers, maxBodyBytes, method, url }, { onAnswer, onError }) => {
    const [origin, path] = partsOf(url)
    const request = { origin, path, method, headers: { ...defaultHeaders, ...headers }, body }
    const sent = transport.send(
      request,
      { maxBodyBytes, headersTimeout, bodyTimeout },
      {
        onAnswer: (answer) =>
          Result.match(plainAnswerOf(answer, maxBodyBytes), { onSuccess: onAnswer, onFailure: onError }),
        onError
      }
    )
    return () => sent.cancel()
  }

export const fromTransport = (
  transport: Transport,
  limits: Limits,
  tracing: "effect" | undefined
): HttpClient.HttpClient => {
  const send = tracing === "effect" ? undefined : sendPlainly(transport, limits)
  return PlainHttp.makeClient({
    find: () => send,
    load: () => import("./execute.ts").then(({ make }) => make(transport, limits, tracing))
  })
}
