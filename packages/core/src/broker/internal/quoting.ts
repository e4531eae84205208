/**
 * Makes text for an error message from an HTML page or from broken JSON. Removes tags and hides the values of secrets.
 */

export const mask = "<redacted>"

/** Matches tags, even if they contain `<redacted>`. Matches each `style` or `script` element as a whole. */
const tags = /<(style|script)[\s\S]*?(<\/\1>|$)|<(?!redacted>)(?:[^<>]+|<redacted>|<)*>?/gi

const secretName =
  /(?:passw(?:or)?d|passphrase|secret|token|otp|pin|jwt|key|session|session_?id|sid|cookie|credential|authorization|auth_?code|signature|checksum)s?(?:[_-]?(?:value|text|\d+))?$/i

const isSecretName = (name: string): boolean => secretName.test(name)

const empty = /^<(?:area|base|br|col|embed|hr|img|input|link|meta|source|track|wbr)\b|\/>$/i

const attribute = /(?:name|key|id|field|label|title)\s*=\s*["']?([\w:.-]{1,80})/gi

const opened = (tag: string): string | undefined => (empty.test(tag) ? undefined : /^<([\w:.-]{1,80})/.exec(tag)?.[1])

const closed = (tag: string): string | undefined => /^<\/([\w:.-]{1,80})/.exec(tag)?.[1]

const holdsSecret = (name: string, tag: string): boolean =>
  isSecretName(name) || Array.from(tag.matchAll(attribute), ([, value = ""]) => value).some(isSecretName)

/**
 * Removes tags. Hides the content of an element if the element's name, or an attribute such as `id`, names a secret. If
 * the end tag of this element is missing, all text after the start tag is hidden.
 */
export const withoutTags = (text: string): string => {
  const kept: Array<string> = []
  let end = 0
  let hiding: string | undefined
  let depth = 0
  const keep = (words: string) => {
    if (words !== "") kept.push(hiding === undefined || words.trim() === "" ? words : mask)
  }
  for (const { 0: whole, index } of text.matchAll(tags)) {
    keep(text.slice(end, index))
    end = index + whole.length
    const tag = whole.length > 500 ? whole.slice(0, 500) : whole
    const name = opened(tag)
    if (hiding === undefined) {
      if (name !== undefined && holdsSecret(name, tag)) [hiding, depth] = [name, 1]
    } else if (name === hiding) depth += 1
    else if (closed(tag) === hiding && --depth === 0) hiding = undefined
  }
  keep(text.slice(end))
  return kept.join(" ").replace(/\s+/g, " ")
}

const entities: Readonly<Record<string, string>> = { quot: '"', apos: "'", amp: "&", lt: "<", gt: ">", colon: ":" }

const characterOf = (code: number): string => (code <= 0x10_ff_ff ? String.fromCodePoint(code) : "")

/** The result may contain escapes, such as `%3D` from `%253D`. */
export const unescaped = (text: string): string =>
  text
    .replace(/&(quot|apos|amp|lt|gt|colon);/gi, (whole, name: string) => entities[name.toLowerCase()] ?? whole)
    .replace(/&#(\d{1,7});/g, (_, digits: string) => characterOf(Number(digits)))
    .replace(/&#x([0-9a-f]{1,6});/gi, (_, digits: string) => characterOf(parseInt(digits, 16)))
    .replace(/\\u00([2-7][0-9a-f])/gi, (_, digits: string) => characterOf(parseInt(digits, 16)))
    .replace(/\\(["'\\/])/g, "$1")
    .replace(/%(2[0-9a-f]|3[a-e])/gi, (_, digits: string) => characterOf(parseInt(digits, 16)))

/** Words that may stand between the name of a secret and its value. */
const links = new Set("id ids is was are were = == => -> : - – of value number no. nr with".split(" "))

/** Words that may follow the name of a secret but are not its value. */
const words = new Set(
  `a about access account after again already an and any api app at authentication authorization bad be because been before
  but by can cannot check configured contact correct could data denied did disabled does empty enter error exceeded exist
  exists expired expiry expires failed failure field for format found from generated generation given has have header if
  in incorrect inactive invalid issued it its limit locked log login logged may mismatch missing must need needed never new
  no not null old on only or out over parameter please provided reached refused rejected required reset response revoked
  sent service session supplied than that the then there this timed timeout to try unauthorized unknown updated used user
  valid validation verification verify when while will wrong yes you your`.split(/\s+/)
)

const punctuation = /^[([{<]+|[.,;:!?)\]}>]+$/g

/** Hides the value after the name of a secret, as in `token abc123` and `token is "abc"`. Too slow for long texts. */
export const withoutNeighbors = (text: string): string => {
  let isNear = false
  let quote: string | undefined
  return text.replace(/[^\s|/#,;&?]+/g, (whole) => {
    if (quote !== undefined) {
      if (whole.includes(quote)) quote = undefined
      return ""
    }
    const { 1: name = "", 2: sign = "" } = /^([^=:>]{1,80})([=:>]+)[^=:>]/.exec(whole) ?? []
    if (isSecretName(name) && !whole.includes(mask)) {
      isNear = false
      return `${name}${sign}${mask}`
    }
    const word = whole.replace(punctuation, "")
    const [first = ""] = word
    if (isNear && links.has(whole.toLowerCase().replace(/(?<=\w)[:=]$/, ""))) return whole
    if (!isNear || words.has(word.toLowerCase()) || whole.includes(mask)) {
      isNear = isSecretName(word.replace(/["'=]+$/, ""))
      return whole
    }
    if (isSecretName(word)) return whole
    isNear = false
    if (/["']/.test(first) && word.indexOf(first, 1) === -1) quote = first
    return word === "" ? whole : mask
  })
}

const opaque = /(?<!\w)(?=\w*\d)(?=\w*[A-Za-z])\w{10,}/g

export const withoutOpaqueWords = (text: string): string => text.replace(opaque, mask)
