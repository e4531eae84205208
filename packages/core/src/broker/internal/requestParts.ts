import * as Predicate from "effect/Predicate"
import * as Redacted from "effect/Redacted"
import type { AppFields, Endpoint } from "../Endpoint.ts"

type Fields = Readonly<Record<string, unknown>>

export const formType = "application/x-www-form-urlencoded"

/** Half of a surrogate pair. UTF-8 cannot carry it, and an encoder would send another character for it. */
const halfCharacter = /\p{Surrogate}/u

const bare = (value: unknown): unknown => (Redacted.isRedacted(value) ? Redacted.value(value) : value)

const textOf = (value: unknown): string | undefined => {
  const inner = bare(value)
  if (Predicate.isString(inner)) return halfCharacter.test(inner) ? undefined : inner
  return Predicate.isBoolean(inner) || (Predicate.isNumber(inner) && Number.isFinite(inner)) ? String(inner) : undefined
}

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

/** What is sent of a request, with the fields of the app before its own. */
export const complete = ({ app, body }: Endpoint, given: AppFields = {}, request: unknown): unknown => {
  const ofApp: Record<string, AppFields[string]> = {}
  for (const name of app) {
    const value = given[name]
    if (value !== undefined) ofApp[name] = value
  }
  if (body !== undefined) return body(request, ofApp)
  return app.length === 0 ? request : { ...ofApp, ...(request as object) }
}

/** What of the request is text in the end, as the fields of a form or the parameters of an address are. */
const travelling = ({ app, encoding, query }: Endpoint, request: unknown): Fields | "not fields" => {
  if (query !== undefined) {
    const fields = { ...(request as object) } as Fields
    return Object.fromEntries([...app, ...Object.values(query)].map((field) => [field, fields[field]]))
  }
  if (encoding === "json" || request === undefined) return {}
  return isRecord(request) ? request : "not fields"
}

/** Names of the fields that neither a form nor an address can carry. An absent field is left out. */
export const uncarried = (endpoint: Endpoint, request: unknown): ReadonlyArray<string> => {
  const fields = travelling(endpoint, request)
  if (fields === "not fields") return ["request"]
  return Object.keys(fields).filter((name) => fields[name] !== undefined && textOf(fields[name]) === undefined)
}

const parameterOf = (value: unknown): string | Redacted.Redacted<string> => {
  const text = textOf(value) ?? ""
  return Redacted.isRedacted(value) ? Redacted.make(text) : text
}

/** The parameters of the address, where the row has any. */
export const queryOf = ({ app, query }: Endpoint, request: unknown): AppFields | undefined => {
  if (query === undefined) return undefined
  const fields = { ...(request as object) } as Fields
  const named = [...app.map((name) => [name, name] as const), ...Object.entries(query)]
  const present = named.filter(([, field]) => fields[field] !== undefined)
  return Object.fromEntries(present.map(([name, field]) => [name, parameterOf(fields[field])]))
}

/** The body, as the row encodes it. Some brokers want an empty object of a call that has nothing to say. */
export const bodyOf = (
  { encoding, method, query, token }: Endpoint,
  request: unknown,
  emptyBody: "none" | "object" | undefined
): string | undefined => {
  if (query !== undefined || method === "GET") return undefined
  const isEmpty = request === undefined || (isRecord(request) && Object.keys(request).length === 0)
  if (isEmpty && token === "required") return emptyBody === "object" ? "{}" : undefined
  if (request === undefined) return undefined
  if (encoding === "json") return JSON.stringify(reveal(request))
  const fields = Object.entries(request as Fields).filter(([, value]) => value !== undefined)
  return new URLSearchParams(fields.map(([name, value]) => [name, textOf(value) ?? ""])).toString()
}
