import * as Base64 from "effect/encoding/Base64"
import * as Result from "effect/Result"

/** Words that occur in secret headers, but are not secrets. */
const plain = new Set(
  "token bearer basic digest apikey api_key api-key key jwt session path httponly secure".split(" ")
)

/** A password may contain colons, so the list also has the whole text after the first colon. */
const around = (text: string): ReadonlyArray<string> => [text, text.slice(text.indexOf(":") + 1), ...text.split(":")]

/** Returns an empty list if the word cannot be the base64 text of a Basic header. */
const decoded = (word: string): ReadonlyArray<string> => {
  if (!/^[\w+/-]{8,}={0,2}$/.test(word)) return []
  const text = Result.getOrElse(Base64.decodeString(word.replaceAll("-", "+").replaceAll("_", "/")), () => "")
  // If the bytes are not UTF-8, the text contains U+FFFD.
  return /^[^\p{Cc}\ufffd]*:[^\p{Cc}\ufffd]*$/u.test(text) ? around(text) : []
}

/**
 * Returns the secret parts of a header's value, because a broker's answer may repeat only one part. For example, the
 * parts of `token abcd:efgh` are `abcd:efgh`, `abcd` and `efgh`. Parts with fewer than four characters are omitted.
 */
export const secretParts = (value: string): ReadonlyArray<string> => {
  const parts = new Set<string>()
  for (const word of value.split(/[\s,;"']+/)) {
    const text = word.replace(/^[\w-]+=(?=[^=])/, "")
    for (const part of [...around(text), ...decoded(text)]) {
      if (part.length >= 4 && !plain.has(part.toLowerCase())) parts.add(part)
    }
  }
  return Array.from(parts)
}
