import * as Predicate from "effect/Predicate"
import * as Redacted from "effect/Redacted"
import type { AppFields, Endpoint } from "../Endpoint.ts"
import { textOf } from "../Encoding.ts"

type Fields = Readonly<Record<string, unknown>>

const bare = (value: unknown): unknown => (Redacted.isRedacted(value) ? Redacted.value(value) : value)

const isRecord = (value: unknown): value is Fields => {
  if (!Predicate.isObject(value) || Redacted.isRedacted(value)) return false
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === Object.prototype || prototype === null
}

export const reveal = (value: unknown): unknown => {
  if (Redacted.isRedacted(value)) return Redacted.value(value)
  if (Array.isArray(value)) return value.map(reveal)
  if (!Predicate.isObject(value)) return value
  const revealed: Record<string, unknown> = {}
  for (const [key, field] of Object.entries(value)) revealed[key] = reveal(field)
  return revealed
}

/** Written for speed, because every call sends headers. */
export const revealHeaders = (headers: AppFields): Record<string, string> => {
  const revealed: Record<string, string> = {}
  for (const name in headers) {
    const value = headers[name]
    if (value !== undefined) revealed[name] = Redacted.isRedacted(value) ? Redacted.value(value) : value
  }
  return revealed
}

const pick = (names: ReadonlyArray<string>, given: AppFields): Record<string, AppFields[string]> => {
  const found: Record<string, AppFields[string]> = {}
  for (const name of names) {
    const value = given[name]
    if (value !== undefined) found[name] = value
  }
  return found
}

/** The values that are added to a request. `token` is set only if the endpoint has a `tokenField`. */
export interface Given {
  readonly app: AppFields | undefined
  readonly extras: AppFields | undefined
  readonly token: Redacted.Redacted<string> | undefined
}

/**
 * Adds the given values to the request. If the endpoint has no `body` function, the order of the fields is: app,
 * session, request, token.
 */
export const complete = (endpoint: Endpoint, { app = {}, extras = {}, token }: Given, request: unknown): unknown => {
  const { body, tokenField } = endpoint
  const addsNothing = endpoint.app.length === 0 && endpoint.session.length === 0 && tokenField === undefined
  if (addsNothing && body === undefined) return request
  const before = { ...pick(endpoint.app, app), ...pick(endpoint.session, extras) }
  const own =
    body !== undefined
      ? body(request, before)
      : Object.keys(before).length === 0
        ? request
        : { ...before, ...(request as object) }
  return tokenField === undefined || token === undefined ? own : { ...(own as object), [tokenField]: token }
}

/** Only a JSON request may be a value without named fields, such as an array. */
const fieldsOf = ({ app, encoding, query, session }: Endpoint, request: unknown): Fields | "not fields" => {
  if (query !== undefined) {
    const fields = { ...(request as object) } as Fields
    return Object.fromEntries([...app, ...session, ...Object.values(query)].map((field) => [field, fields[field]]))
  }
  if (request === undefined) return {}
  if (isRecord(request)) return request
  return encoding.name === "json" ? { request } : "not fields"
}

export const unsendableFields = (endpoint: Endpoint, request: unknown): ReadonlyArray<string> => {
  const fields = fieldsOf(endpoint, request)
  if (fields === "not fields") return ["request"]
  const carries =
    endpoint.query === undefined ? endpoint.encoding.carries : (value: unknown) => textOf(value) !== undefined
  return Object.keys(fields).filter((name) => fields[name] !== undefined && !carries(bare(fields[name]), name))
}

const parameterOf = (value: unknown): string | Redacted.Redacted<string> => {
  const text = textOf(value) ?? ""
  return Redacted.isRedacted(value) ? Redacted.make(text) : text
}

export const queryOf = ({ app, query, session }: Endpoint, request: unknown): AppFields | undefined => {
  if (query === undefined) return undefined
  const fields = { ...(request as object) } as Fields
  const named = [...[...app, ...session].map((name) => [name, name] as const), ...Object.entries(query)]
  const present = named.filter(([, field]) => fields[field] !== undefined)
  return Object.fromEntries(present.map(([name, field]) => [name, parameterOf(fields[field])]))
}

export const bodyOf = (
  { encoding, query, token }: Endpoint,
  request: unknown,
  emptyBody: "none" | "object" | undefined
): string | undefined => {
  if (query !== undefined) return undefined
  const isEmpty = request === undefined || (isRecord(request) && Object.keys(request).length === 0)
  if (isEmpty && token === "required") return emptyBody === "object" ? "{}" : undefined
  return request === undefined ? undefined : encoding.write(reveal(request) as Fields)
}
