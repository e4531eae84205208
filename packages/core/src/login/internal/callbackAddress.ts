/** Parses a callback URL. Repairs what chat programs, HTML, shells and terminals change in a copied URL. */
import * as Result from "effect/Result"
import { withoutQuotes } from "./pasted.ts"

/** Without `advice`, the user gets the remedy of `RedirectRejected` for `why`. */
export interface Refusal {
  readonly why: "not-a-url" | "origin"
  readonly advice?: string | undefined
}

/** The parameters of the fragment, then the parameters of the query. The names are in lower case. */
export type Pairs = ReadonlyArray<readonly [name: string, value: string]>

const parse = (text: string, base?: URL): URL | undefined =>
  Result.getOrUndefined(Result.try(() => new URL(text, base)))

const decodeOnce = (text: string): string =>
  Result.getOrElse(
    Result.try(() => decodeURIComponent(text)),
    () => text
  )

/**
 * Does not match single quotes, because a URL may end with one. Without the lookbehind, a search in many consecutive
 * blanks would take quadratic time.
 */
const enclosed = /^["<>“”„«»`\s]+|(?<!["<>“”„«»`\s])["<>“”„«»`\s]+$/g

/** Removes the invisible characters that chat programs and PDF files add. No URL and no token contains them. */
const withoutInvisible = (text: string): string => text.replace(/\p{Default_Ignorable_Code_Point}/gu, "")

const decodeWhole = (text: string): string => {
  let decoded = text
  for (let times = 0; times < 3 && /^[a-z][a-z\d+.-]*%(?:25)*3a/i.test(decoded); times += 1)
    decoded = decodeOnce(decoded)
  return decoded
}

const repairs: ReadonlyArray<(text: string) => string> = [
  // Removes control characters, except tabs and line breaks, which the third repair removes.
  (text) => withoutInvisible(text).replace(/[^\P{Cc}\t\n\r]/gu, ""),
  (text) => withoutQuotes(text.replace(enclosed, "")).replace(enclosed, ""),
  // Removes tabs, line breaks, and the blanks next to line breaks. Terminals and email programs add line breaks.
  (text) => text.replace(/(?<!\s)\s*[\r\n\u2028\u2029]\s*|\t/g, ""),
  decodeWhole,
  // Removes the escapes of HTML, JSON and shells.
  (text) => text.replace(/&(?:amp;)+|&#(?:38|x26);|\\u0026/gi, "&").replace(/\\([?&=#])/g, "$1")
]

/** Most web servers refuse longer URLs by default. */
const maxLength = 32_768

const hasUser = ({ password, username }: URL): boolean => username !== "" || password !== ""

/** `URL.origin` is not used, because it is "null" for every custom scheme. */
const placeOf = (url: URL): string => {
  const { host, href, password, pathname, protocol, username } = url
  if (!href.startsWith(`${protocol}//`)) return `${protocol}${pathname}`
  const user = hasUser(url) ? `${username}:${password}@` : ""
  return `${protocol}//${user}${host.toLowerCase()}${pathname || "/"}`
}

const innerHost =
  /^(?:localhost|127\.[\d.]+|10\.[\d.]+|192\.168\.[\d.]+|169\.254\.[\d.]+|172\.(?:1[6-9]|2\d|3[01])\.[\d.]+|0\.0\.0\.0|\[(?:::1?|f[cd][\da-f]*:.*|fe[89ab][\da-f]*:.*)\]|[^.:]+|.+\.(?:local|internal|localhost|lan|svc|test))$/i

const isWeb = ({ protocol }: URL): boolean => protocol === "https:" || protocol === "http:"

const adviceFor = (url: URL, registered: URL): string => {
  const foreign =
    "Complete the login only with a callback to the redirect URL. If another redirect URL is registered at the broker, configure exactly that URL."
  if (!isWeb(url) || !isWeb(registered) || hasUser(url) || hasUser(registered)) return foreign
  if (url.origin !== registered.origin) {
    const isInner = url.hostname === registered.hostname || innerHost.test(url.hostname)
    return isInner && !innerHost.test(registered.hostname)
      ? "This is the internal address of a server behind a proxy. Rebuild the public address from the headers X-Forwarded-Proto and X-Forwarded-Host that your own proxy sets, and complete the login with that address. Do not change the registered redirect URL."
      : foreign
  }
  return url.pathname.replace(/\/$/, "") === registered.pathname.replace(/\/$/, "")
    ? "The paths differ by a slash at the end. Configure the redirect URL exactly as it is registered at the broker, and do not let the server add or remove the slash."
    : "The path is not the path of the redirect URL. If a proxy changes paths, restore the public path. Otherwise configure the redirect URL exactly as it is registered at the broker."
}

/** In a message, `+` may stand for a blank. In a token, `+` is a normal character. */
const isSentence = (name: string): boolean => /^(?:error|message|reason|description)/i.test(name)

const decode = (text: string): string =>
  withoutInvisible(new URLSearchParams(`v=${text.replaceAll("+", "%2B")}`).get("v") ?? "").trim()

const valueOf = (name: string, raw: string): string => {
  const blanks = isSentence(name)
    ? raw.replaceAll("+", " ")
    : raw.replace(/^(?:bearer\+)+/i, (prefix) => prefix.replaceAll("+", " "))
  const once = decode(blanks)
  // No broker's token contains a percent sign. A decoded value that still contains an escape was encoded twice.
  const value = /%[\da-f]{2}/i.test(once) ? withoutInvisible(decodeOnce(once)).trim() : once
  return /^[+\s]*$/.test(value) ? "" : value
}

const pairsOf = (parts: ReadonlyArray<string>): Pairs =>
  parts.map((part) => {
    const end = part.includes("=") ? part.indexOf("=") : part.length
    const name = decode(part.slice(0, end)).toLowerCase()
    return [name, valueOf(name, part.slice(end + 1))] as const
  })

/**
 * A fragment may contain a route before its parameters, such as `#/login?code=…`. A query may contain a second question
 * mark, because a broker may append `?code=…` to a redirect URL with a query.
 */
const parametersOf = ({ hash, search }: URL): Pairs => {
  const inHash = hash
    .split(/[?&#]/)
    .map((part) => part.replace(/^[/!]+(?=[^/]*=)/, ""))
    .filter((part) => part.includes("="))
  const inQuery = search.split(/[?&]/).filter((part) => part !== "")
  return [...pairsOf(inHash), ...pairsOf(inQuery)]
}

/** Removes the redirect URL's own parameters. The broker's parameters stay, even if they have the same names. */
const without = (own: Pairs, pairs: Pairs): Pairs => {
  const rest = [...own]
  return pairs.filter(([name, value]) => {
    const at = rest.findIndex((pair) => pair[0] === name && pair[1] === value)
    if (at >= 0) rest.splice(at, 1)
    return at < 0
  })
}

/**
 * Whether the text begins with the registered address and contains that address again. A copy directly after `=` does
 * not count, because it is the value of a parameter.
 */
const isDoubled = (text: string, registered: URL): boolean => {
  const [lower, place] = [text.toLowerCase(), placeOf(registered).toLowerCase()]
  if (!lower.startsWith(place)) return false
  for (let at = lower.indexOf(place, 1); at > 0; at = lower.indexOf(place, at + 1)) {
    if (lower[at - 1] !== "=") return true
  }
  return false
}

const formProblem = (text: string, registered: URL): string | undefined => {
  if (text.length > maxLength) return "The text is longer than any callback. Pass only the address."
  if (/\s/.test(text)) {
    return "The address contains a blank. Pass the whole address that the browser was redirected to, and no other text."
  }
  if (isWeb(registered) && text.toLowerCase().startsWith(registered.host)) {
    return `The address has no scheme. Pass the whole address, which begins with ${registered.protocol}//.`
  }
  return isDoubled(text, registered)
    ? "The text contains the address twice. Pass the whole address only once."
    : undefined
}

/**
 * Returns the parameters that the broker added to the redirect URL. A path, as in `request.url` of `node:http`, is
 * completed with the registered origin. A query or a code alone is rejected, because it does not show where the
 * callback arrived.
 */
export const read = (callbackUrl: string, redirectUrl: string): Result.Result<Pairs, Refusal> => {
  const registered = parse(redirectUrl)
  if (registered === undefined) return Result.fail({ why: "not-a-url" })
  const text = repairs.reduce((repaired, repair) => repair(repaired), callbackUrl)
  const advice = formProblem(text, registered)
  if (advice !== undefined) return Result.fail({ why: "not-a-url", advice })
  const url = text.startsWith("/") && isWeb(registered) ? parse(text, registered) : parse(text)
  if (url === undefined) return Result.fail({ why: "not-a-url" })
  if (placeOf(url) !== placeOf(registered)) return Result.fail({ why: "origin", advice: adviceFor(url, registered) })
  return Result.succeed(without(parametersOf(registered), parametersOf(url)))
}

/** A code or token has only visible ASCII characters. Quotation marks and angle brackets come from HTML. */
export const tokenProblem = (text: string): string | undefined => {
  if (/(?:\.{3}|\u2026)$/.test(text)) return "contains a code or token that was cut off: it ends with an ellipsis"
  return /^[\x21\x23-\x3b\x3d\x3f-\x7e]+$/.test(text)
    ? undefined
    : "contains a code or token with a character that does not belong there, such as a blank or a quotation mark"
}
