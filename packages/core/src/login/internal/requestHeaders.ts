import type * as HttpClientRequest from "effect/http/HttpClientRequest"

const copyOf = <A extends object>(value: A, changes: object): A =>
  Object.assign(Object.create(Object.getPrototypeOf(value) as object) as A, value, changes)

/**
 * Like `HttpClientRequest.setHeaders`, which would also load Schema and streams. A program that has a request has loaded
 * them, but a program that only logs in does not need them.
 */
export const withHeaders = (
  request: HttpClientRequest.HttpClientRequest,
  headers: Readonly<Record<string, string>>
): HttpClientRequest.HttpClientRequest => {
  const lowerCase = Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]))
  return copyOf(request, { headers: copyOf(request.headers, lowerCase) })
}
