import type * as HttpClientRequest from "effect/http/HttpClientRequest"

const copyOf = <A extends object>(value: A, changes: object): A =>
  Object.assign(Object.create(Object.getPrototypeOf(value) as object) as A, value, changes)

/**
 * Like `HttpClientRequest.setHeaders`. That function is not imported, because its module also loads Schema and streams,
 * which a program that only logs in does not need.
 */
export const withHeaders = (
  request: HttpClientRequest.HttpClientRequest,
  headers: Readonly<Record<string, string>>
): HttpClientRequest.HttpClientRequest => {
  const lowerCase = Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]))
  return copyOf(request, { headers: copyOf(request.headers, lowerCase) })
}
