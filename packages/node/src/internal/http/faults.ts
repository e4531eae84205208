/** Makes the errors of `NodeHttpClient`. They contain no header, no body and no query. */
import * as Headers from "effect/http/Headers"
import * as HttpBody from "effect/http/HttpBody"
import * as HttpClientError from "effect/http/HttpClientError"
import * as HttpClientRequest from "effect/http/HttpClientRequest"
import type * as HttpClientResponse from "effect/http/HttpClientResponse"
import * as UrlParams from "effect/http/UrlParams"
import * as Option from "effect/Option"
import * as Predicate from "effect/Predicate"
import * as Result from "effect/Result"
import { ConnectionError, toConnectionError } from "./connectionError.ts"

/** Without the query, the fragment, the user name and the password. */
const bareUrl = (url: string): string => {
  const parsed = Result.getOrUndefined(Result.try(() => new URL(url)))
  if (parsed?.username === "" && parsed.password === "") return url.replace(/[?#].*$/s, "")
  // In an invalid URL, the user name and the password may be anywhere before the last `@`.
  if (parsed === undefined) return url.replace(/^.*@/s, "").replace(/[?#].*$/s, "")
  return `${parsed.protocol}//${parsed.host}${parsed.pathname}`
}

export const bare = ({ method, url }: HttpClientRequest.HttpClientRequest): HttpClientRequest.HttpClientRequest =>
  HttpClientRequest.makeWith(method, bareUrl(url), UrlParams.empty, Option.none(), Headers.empty, HttpBody.empty)

const timeouts: Readonly<Record<string, string>> = {
  UND_ERR_HEADERS_TIMEOUT: "no answer came within the client's time-out",
  UND_ERR_BODY_TIMEOUT: "the answer stopped in the middle, and no more of it came within the client's time-out",
  UND_ERR_CONNECT_TIMEOUT: "no connection was made within the client's time-out"
}

export const transportError = (request: HttpClientRequest.HttpClientRequest, error: unknown) => {
  const cause = toConnectionError(error)
  const code: unknown = Reflect.get(cause, "code")
  const description = (Predicate.isString(code) ? timeouts[code] : undefined) ?? cause.message
  return new HttpClientError.HttpClientError({
    reason: new HttpClientError.TransportError({ request: bare(request), cause, description })
  })
}

export const invalidUrl = (request: HttpClientRequest.HttpClientRequest, description: string) =>
  new HttpClientError.HttpClientError({
    reason: new HttpClientError.InvalidUrlError({ request: bare(request), description })
  })

export const encodeError = (request: HttpClientRequest.HttpClientRequest, description: string) =>
  new HttpClientError.HttpClientError({
    reason: new HttpClientError.EncodeError({ request: bare(request), description })
  })

/** `response` must contain no header and no body. */
export const decodeError = (response: HttpClientResponse.HttpClientResponse, description: string, code?: string) =>
  new HttpClientError.HttpClientError({
    reason: new HttpClientError.DecodeError({
      request: response.request,
      response,
      description,
      ...(code !== undefined && { cause: new ConnectionError(description, { code }) })
    })
  })
