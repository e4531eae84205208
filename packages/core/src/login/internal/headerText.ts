import * as Redacted from "effect/Redacted"

/** RFC 9110, section 5.5: a client refuses other characters, and its error shows the whole value. */
const forbidden = /[^\t\x20-\x7e\x80-\xff]/

const isHeaderText = (text: string): boolean => !forbidden.test(text)

export const headerProblem =
  "has a line break or another character that no HTTP header can carry: copy it again, in one piece"

const unsendableIn = (what: string, values: object): string | undefined => {
  const found = Object.entries(values).find(([, value]) => {
    const text: unknown = Redacted.isRedacted(value) ? Redacted.value(value) : value
    return typeof text === "string" && !isHeaderText(text)
  })
  return found === undefined ? undefined : `${what}.${found[0]}`
}

/** Name of the first of the tokens, or else of the headers, that no header can carry. */
export const unsendable = (tokens: object, headers: object = {}): string | undefined =>
  unsendableIn("tokens", tokens) ?? unsendableIn("headers", headers)
