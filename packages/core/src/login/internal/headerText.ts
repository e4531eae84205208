import * as Predicate from "effect/Predicate"
import * as Redacted from "effect/Redacted"

/**
 * Matches characters that RFC 9110, section 5.5, does not allow in a header. If the value of a header contained such a
 * character, the HTTP client would fail with an error that contains the whole value.
 */
const forbidden = /[^\t\x20-\x7e\x80-\xff]/

/** Matches characters that do not belong to a token: blanks, control characters, and non-ASCII characters. */
const foreign = /[^\x21-\x7e]/

export const headerProblem =
  "has a blank, a line break or another character that is not allowed there: copy the whole value again"

const unsendableIn = (what: string, values: object | undefined, pattern: RegExp): string | undefined => {
  if (!Predicate.isObject(values)) return undefined
  for (const name in values) {
    const value: unknown = Reflect.get(values, name)
    const text: unknown = Redacted.isRedacted(value) ? Redacted.value(value) : value
    if (typeof text === "string" && pattern.test(text)) return `${what}.${name}`
  }
  return undefined
}

export const unsendable = (tokens: object | undefined, headers?: object): string | undefined =>
  unsendableIn("tokens", tokens, foreign) ?? unsendableIn("headers", headers, forbidden)
