import type * as HttpClientRequest from "effect/http/HttpClientRequest"

const copyOf = <A extends object>(value: A, changes: object): A =>
  Object.assign(Object.create(Object.getPrototypeOf(value) as object) as A, value, changes)

/**
 * Replaces `HttpClientRequest.setHeaders`, whose module also loads Schema and streams. A login needs neither.
 */
export const withHeaders = (
  request: HttpClientRequest.HttpClientRequest,
  headers: Readonly<Record<string, string>>
): HttpClientRequest.HttpClientRequest => {
  const lowerCase = Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]))
  return copyOf(request, { headers: copyOf(request.headers, lowerCase) })
}
