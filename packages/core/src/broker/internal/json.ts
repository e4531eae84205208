import * as Result from "effect/Result"

export type Quirk = "smart-quotes" | "trailing-bytes"

const parseStrictly = (text: string): unknown => Result.getOrUndefined(Result.try(() => JSON.parse(text) as unknown))

const endOfFirstValue = (text: string): number | undefined => {
  let depth = 0
  let inString = false
  for (let index = 0; index < text.length; index += 1) {
    const character = text[index]
    if (inString) {
      if (character === "\\") index += 1
      else if (character === '"') inString = false
      continue
    }
    if (character === '"') inString = true
    else if (character === "{" || character === "[") depth += 1
    else if (character === "}" || character === "]") {
      depth -= 1
      if (depth === 0) return index + 1
    }
  }
  return undefined
}

/** Curly quotation marks must be replaced first, because `endOfFirstValue` recognizes only straight quotation marks. */
const mends: ReadonlyArray<readonly [Quirk, (text: string) => string]> = [
  ["smart-quotes", (text) => text.replace(/[\u201c\u201d\u201e\u201f]/g, '"')],
  ["trailing-bytes", (text) => text.slice(0, endOfFirstValue(text))]
]

const parseMended = (text: string, quirks: ReadonlyArray<Quirk>): unknown =>
  parseStrictly(mends.reduce((mended, [quirk, mend]) => (quirks.includes(quirk) ? mend(mended) : mended), text))

/** A byte order mark, which JSON does not allow, is removed. */
export const parseJson = (body: string, quirks: ReadonlyArray<Quirk> = []): unknown => {
  const text = body.charCodeAt(0) === 0xfeff ? body.slice(1) : body
  const first = text.trimStart()[0]
  // A broker's JSON answer is always an object or an array.
  if (first !== "{" && first !== "[") return undefined
  const strict = parseStrictly(text)
  if (strict !== undefined) return strict
  // An unneeded repair can change correct text, such as a curly quotation mark in a string. So each repair is tried
  // alone first.
  for (const defects of [...quirks.map((quirk) => [quirk]), quirks]) {
    const value = parseMended(text, defects)
    if (value !== undefined) return value
  }
  return undefined
}
