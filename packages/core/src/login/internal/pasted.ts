/** Removes quotation marks around a pasted value, and describes mistakes in a value, such as a placeholder. */

const signs = String.raw`["'\u0060\u00b4\u00ab\u00bb\u02b9-\u02bc\u2018-\u201f\u2032-\u2036\u2039\u203a\u275b-\u275e\u300c-\u300f\u301d-\u301f\uff02\uff07]`

const entities = String.raw`&(?:quot|apos|[lr][dsa]quo|[bs]dquo|sbquo|#0*(?:3[49]|82(?:1[6-9]|2[0-3]))|#x0*(?:2[27]|201[89a-f]));`

const mark = String.raw`(?:\\*${signs}|${entities}|\\u00(?:22|27))`

// Without the lookbehinds, a search in many consecutive backslashes or blanks would take quadratic time.
const firstMark = new RegExp(`^${mark}`, "i")
const lastMark = new RegExp(String.raw`(?<!\\)${mark}$`, "i")

const ignorable = String.raw`[\s\p{Cc}\p{Default_Ignorable_Code_Point}]`
const aroundValue = new RegExp(`^${ignorable}+|(?<!${ignorable})${ignorable}+$`, "gu")

const withoutAround = (text: string): string => text.replace(aroundValue, "")

/** Without this limit, a long text of quotation marks would take quadratic time. */
const maxPairs = 8

/** A quotation mark at only one end is kept. A text in more than `maxPairs` pairs of quotation marks keeps all of them. */
export const withoutQuotes = (text: string): string => {
  const outer = withoutAround(text)
  let inner = outer
  for (let pairs = 0; pairs < maxPairs; pairs += 1) {
    const open = firstMark.exec(inner)?.[0]
    const rest = open === undefined ? inner : inner.slice(open.length)
    const close = lastMark.exec(rest)?.[0]
    if (open === undefined || close === undefined) return inner
    inner = withoutAround(rest.slice(0, rest.length - close.length))
  }
  return outer
}

/** Keeps one backslash before a quotation mark. Other backslashes may belong to the value, which may be a secret. */
const shown = (found: string | undefined): string | undefined => found?.replace(/^\\+/, "\\")

/** The description shows only the quotation marks, because the text may be a secret. */
export const quoteProblem = (text: string): string | undefined => {
  const inner = withoutAround(text)
  const open = shown(firstMark.exec(inner)?.[0])
  const close = shown(lastMark.exec(inner)?.[0])
  if (open !== undefined && close !== undefined) {
    return `begins and ends with a quotation mark (${open === close ? open : `${open} and ${close}`})`
  }
  if (open !== undefined) return `begins with a quotation mark (${open})`
  return close === undefined ? undefined : `ends with a quotation mark (${close})`
}

const hidden = /(?! )[\s\p{Cc}\p{Default_Ignorable_Code_Point}]/u

export const invisibleProblem = (text: string): string | undefined => {
  const found = hidden.exec(text)?.[0].codePointAt(0)
  if (found === undefined) return undefined
  return `has an invisible character in it (U+${found.toString(16).toUpperCase().padStart(4, "0")})`
}

const parts = String.raw`(?:api|app|application|client|user|login|account|broker|vendor|device|partner|access|secret|key|token|pass|word|pin|code|id|name|number|redirect|url|totp|otp|value|own|real)`

/** For example `your_api_key`, `YOUR-CLIENT-ID-HERE`, `enter your password` and `changeme`. */
const words = new RegExp(
  String.raw`^(?:(?:enter|insert|put|paste|type|use|set|replace|with)[\s_-]*)*(?:your(?:[\s_-]*${parts})+|change[\s_-]?(?:me|this|it)|replace[\s_-]?(?:me|this)|(?:your[\s_-]*)?placeholder|fix[\s_-]?me|to[\s_-]?do|tbd|n/a|null|undefined|\[object object\])(?:[\s_-]*here)?$`,
  "i"
)

/** `<…>`, `{{…}}`, or a variable that was not replaced, such as `${ANGEL_PIN}`. */
const template = /^(?:<[^<>]*>|\{\{.*\}\}|\$\{.*\}|\$\(.*\))$/s

/** For example `xxxx`, `xxxx-xxxx` and `****`. */
const filler = /^(?:x[x\s_-]{2,}|[*.#?_•●-][*.#?\s_•●-]{2,})$/i

export const placeholderProblem = (text: string, variable?: string): string | undefined => {
  if (variable !== undefined && text.replace(/^\$/, "").replace(/^%(.*)%$/, "$1") === variable) {
    return "is the name of a variable: use the value of the variable"
  }
  if (variable !== undefined && new RegExp(String.raw`^(?:export\s+|set\s+)?${variable}\s*[=:]`).test(text)) {
    return "begins with the name of a variable: use only the value"
  }
  return words.test(text) || template.test(text) || filler.test(text)
    ? "is a placeholder: use the value of your own account or app"
    : undefined
}

export const additionProblem = (text: string): string | undefined => {
  if (/^[<>]|[<>]$/.test(text)) return "has an angle bracket: use only the value, without brackets"
  if (/^(?:\{.*\}|\[.*\])$/s.test(text)) return "is between brackets: use only the value, without brackets"
  if (/[,;]$/.test(text)) return "ends with a comma or semicolon: use only the value"
  if (/^(?:export\s+)?[A-Z][A-Z0-9]*_[A-Z0-9_]*=[^=]/.test(text)) {
    return "begins with the name of a variable: use only the value"
  }
  if (/(?:\.{3}|\u2026)$/.test(text)) return "was cut off: it ends with an ellipsis"
  return /\*{3}|[•●]{2}/.test(text) ? "is masked: copy the whole value" : undefined
}
