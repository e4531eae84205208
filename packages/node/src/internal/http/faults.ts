/** Makes the errors of the client. They contain no header, no body and no query. */
import * as Headers from "effect/http/Headers"
import * as HttpBody from "effect/http/HttpBody"
import * as HttpClientError from "effect/http/HttpClientError"
import * as HttpClientRequest from "effect/http/HttpClientRequest"
import type * as HttpClientResponse from "effect/http/HttpClientResponse"
import * as UrlParams from "effect/http/UrlParams"
import * as Option from "effect/Option"
import * as Predicate from "effect/Predicate"

/** The facts of a failed connection. */
interface Facts {
  code?: string
  syscall?: string
  hostname?: string
  address?: string
  port?: number
  errors?: ReadonlyArray<ConnectionError>
}

/**
 * The cause of a failed exchange. It has only the facts of the original error: parser errors of undici and Node contain
 * a part of the answer, and other errors may contain the request.
 */
export class ConnectionError extends Error {
  override readonly name = "ConnectionError"

  constructor(message: string, facts: Facts) {
    super(message)
    Object.assign(this, facts)
  }
}

const shape = {
  code: /^[A-Z][A-Z0-9_]{2,60}$/,
  syscall: /^[a-z]{2,20}$/,
  hostname: /^[\w.:-]{1,255}$/,
  address: /^[\w.:/-]{1,255}$/
}

const proxyAnswer = /^Proxy response \(\d{3}\) !== 200 when HTTP Tunneling/

const factsOf = (error: object): Facts => {
  const facts: Facts = {}
  for (const name of ["code", "syscall", "hostname", "address"] as const) {
    const value: unknown = Reflect.get(error, name)
    if (Predicate.isString(value) && shape[name].test(value)) facts[name] = value
  }
  // undici does not set a code if the answer does not begin as HTTP.
  if (Reflect.get(error, "name") === "HTTPParserError") facts.code ??= "HPE_INVALID"
  const port: unknown = Reflect.get(error, "port")
  if (Predicate.isNumber(port)) facts.port = port
  return facts
}

const messageOf = (error: object, { address, code, hostname, port, syscall }: Facts): string => {
  const message: unknown = Reflect.get(error, "message")
  const proxy = Predicate.isString(message) ? proxyAnswer.exec(message)?.[0] : undefined
  if (proxy !== undefined) return proxy
  const place = hostname ?? (address === undefined || port === undefined ? address : `${address}:${port}`)
  return [syscall, code, place].filter(Predicate.isNotUndefined).join(" ") || "the connection failed"
}

/** Copies the facts of an error. If the error has no code, copies the facts of its cause. */
export const toConnectionError = (error: unknown, depth = 0): ConnectionError => {
  if (!Predicate.isObject(error)) return new ConnectionError("the connection failed", {})
  const facts = factsOf(error)
  const cause: unknown = Reflect.get(error, "cause")
  if (facts.code === undefined && Predicate.isObject(cause) && depth < 5) return toConnectionError(cause, depth + 1)
  // Node tries several addresses of a host, and reports one error for each of them.
  const several: unknown = Reflect.get(error, "errors")
  if (Array.isArray(several) && depth < 5) facts.errors = several.map((one) => toConnectionError(one, depth + 1))
  return new ConnectionError(messageOf(error, facts), facts)
}

/** Returns a copy of the request that has only the method and the address. */
export const bare = ({ method, url }: HttpClientRequest.HttpClientRequest): HttpClientRequest.HttpClientRequest =>
  HttpClientRequest.makeWith(
    method,
    url.replace(/[?#].*$/s, ""),
    UrlParams.empty,
    Option.none(),
    Headers.empty,
    HttpBody.empty
  )

/** The codes of time-outs, with a description of each. */
const timeouts: Readonly<Record<string, string>> = {
  UND_ERR_HEADERS_TIMEOUT: "no answer came within the time-out of the client",
  UND_ERR_BODY_TIMEOUT: "the answer stopped in the middle, and no more of it came within the time-out of the client",
  UND_ERR_CONNECT_TIMEOUT: "no connection was made within the time-out of the client"
}

/** The request was not answered completely. */
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

/** The answer has arrived, but its body cannot be read. `response` must contain no header and no body. */
export const decodeError = (response: HttpClientResponse.HttpClientResponse, description: string, code?: string) =>
  new HttpClientError.HttpClientError({
    reason: new HttpClientError.DecodeError({
      request: response.request,
      response,
      description,
      ...(code !== undefined && { cause: new ConnectionError(description, { code }) })
    })
  })
