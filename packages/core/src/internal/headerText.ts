import * as Redacted from "effect/Redacted"

/** RFC 9110, section 5.5: visible characters, blanks and Latin-1. Anything else breaks the header, or the request. */
const fieldValue = /^[\t\u0020-\u007e\u0080-\u00ff]*$/

/** What is wrong with a value as that of a header, without the value. */
export const headerProblem = (value: string | Redacted.Redacted<string>): string | undefined =>
  fieldValue.test(Redacted.isRedacted(value) ? Redacted.value(value) : value)
    ? undefined
    : "has a line break or another character that no header can carry: copy it again"
