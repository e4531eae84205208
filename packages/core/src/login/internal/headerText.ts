import * as Predicate from "effect/Predicate"
import * as Redacted from "effect/Redacted"

/**
 * Matches characters that RFC 9110, section 5.5, does not allow in a header. A value is checked before the HTTP client
 * gets it, because the HTTP client would reject it with an error that contains the whole value.
 */
const forbidden = /[^\t\x20-\x7e\x80-\xff]/

const isHeaderText = (text: string): boolean => !forbidden.test(text)

export const headerProblem =
  "has a line break or another character that is not allowed in an HTTP header: copy the whole value again"

const unsendableIn = (what: string, values: object | undefined): string | undefined => {
  if (!Predicate.isObject(values)) return undefined
  for (const name in values) {
    const value: unknown = Reflect.get(values, name)
    const text: unknown = Redacted.isRedacted(value) ? Redacted.value(value) : value
    if (typeof text === "string" && !isHeaderText(text)) return `${what}.${name}`
  }
  return undefined
}

/** Returns the name of the first token or header whose value contains a character that is not allowed in a header. */
export const unsendable = (tokens: object | undefined, headers?: object): string | undefined =>
  unsendableIn("tokens", tokens) ?? unsendableIn("headers", headers)
