/**
 * Parses a callback URL. The URL may have been copied from a browser, from HTML or from a shell, or may come from a
 * server behind a proxy.
 */
import * as Result from "effect/Result"

/**
 * Why a URL is rejected. `advice` says what to do now. It is absent if the general remedy of the reason is sufficient.
 */
export interface Refusal {
  readonly why: "not-a-url" | "origin"
  readonly advice?: string | undefined
}

/**
 * The names and values of a URL's parameters: first those of the fragment, then those of the query. The names are in
 * lower case.
 */
export type Pairs = ReadonlyArray<readonly [name: string, value: string]>

const parse = (text: string, base?: URL): URL | undefined =>
  Result.getOrUndefined(Result.try(() => new URL(text, base)))

const decodeOnce = (text: string): string =>
  Result.getOrElse(
    Result.try(() => decodeURIComponent(text)),
    () => text
  )

/**
 * Matches quotation marks, angle brackets and blanks around a copied URL. Single quotes are removed only in pairs,
 * because a URL may contain a single quote.
 */
const enclosed = /^["<>“”„«»`\s]+|["<>“”„«»`\s]+$/g
const inSingleQuotes = /^(['‘])([^]*)['’]$/

const repairs: ReadonlyArray<(text: string) => string> = [
  (text) => text.replace(/[\u200b-\u200f\u2060\ufeff]/g, ""),
  (text) => text.replace(enclosed, "").replace(inSingleQuotes, "$2").trim(),
  // Removes the line breaks that a terminal or an email program has added, and the blanks next to them. Also removes
  // tabs.
  (text) => text.replace(/[ \t]*[\r\n][\s]*|\t/g, ""),
  (text) => (/^[a-z][a-z\d+.-]*%3a/i.test(text) ? decodeOnce(text) : text),
  // Removes the escapes of HTML, of JSON, and of shells that escape pasted text.
  (text) => text.replace(/&(?:amp;)+|&#(?:38|x26);|\\u0026/gi, "&").replace(/\\([?&=#])/g, "$1")
]

/**
 * Returns the URL without query and fragment. `URL.origin` is not used, because it is "null" for every custom scheme.
 */
const placeOf = (url: URL): string => {
  const { host, href, password, pathname, protocol, username } = url
  if (!href.startsWith(`${protocol}//`)) return `${protocol}${pathname}`
  const user = username === "" && password === "" ? "" : `${username}:${password}@`
  return `${protocol}//${user}${host.toLowerCase()}${pathname || "/"}`
}

const innerHost =
  /^(?:localhost|127\.[\d.]+|10\.[\d.]+|192\.168\.[\d.]+|169\.254\.[\d.]+|172\.(?:1[6-9]|2\d|3[01])\.[\d.]+|0\.0\.0\.0|\[(?:::1?|f[cd][\da-f]*:.*|fe[89ab][\da-f]*:.*)\]|[^.:]+|.+\.(?:local|internal|localhost|lan|svc|test))$/i

const isWeb = ({ protocol }: URL): boolean => protocol === "https:" || protocol === "http:"

const adviceFor = (url: URL, registered: URL): string => {
  const foreign =
    "Complete the login only with a callback to the redirect URL. If another redirect URL is registered at the broker, configure exactly that URL."
  if (!isWeb(url) || !isWeb(registered) || url.username !== "" || url.password !== "") return foreign
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

/**
 * Whether a parameter contains a message from the broker. In a message, `+` may stand for a blank. In a token, `+` is a
 * normal character.
 */
const isSentence = (name: string): boolean => /^(?:error|message|reason|description)/i.test(name)

const decode = (text: string): string => new URLSearchParams(`v=${text.replaceAll("+", "%2B")}`).get("v") ?? ""

const valueOf = (name: string, raw: string): string => {
  const blanks = isSentence(name)
    ? raw.replaceAll("+", " ")
    : raw.replace(/^(?:bearer\+)+/i, (prefix) => prefix.replaceAll("+", " "))
  const once = decode(blanks)
  // No broker's token contains a percent sign. So if the decoded value still contains an escape, it was encoded twice.
  const value = /%[\da-f]{2}/i.test(once) ? decodeOnce(once) : once
  return /^[+\s]*$/.test(value) ? "" : value
}

/** Splits each parameter into its name and its value. */
const pairsOf = (parts: ReadonlyArray<string>): Pairs =>
  parts.map((part) => {
    const end = part.includes("=") ? part.indexOf("=") : part.length
    const name = decode(part.slice(0, end)).toLowerCase()
    return [name, valueOf(name, part.slice(end + 1))] as const
  })

/**
 * Returns the parameters of the fragment and of the query. The fragment may contain a route and a question mark before
 * its parameters. The query may contain a second question mark, because a broker may append `?code=…` to a redirect URL
 * that already has a query.
 */
const parametersOf = ({ hash, search }: URL): Pairs => {
  const inHash = hash
    .split(/[?&#]/)
    .map((part) => part.replace(/^[/!]+(?=[^/]*=)/, ""))
    .filter((part) => part.includes("="))
  const inQuery = search.split(/[?&]/).filter((part) => part !== "")
  return [...pairsOf(inHash), ...pairsOf(inQuery)]
}

/**
 * Parses a callback URL. Returns its parameters, and the names of the parameters in the registered redirect URL. If the
 * text is only a path and a query, as in `request.url` of `node:http`, it is completed with the registered origin. A
 * query without a path, and a code without a URL, are rejected, because they do not show where the callback arrived.
 */
export const read = (
  callbackUrl: string,
  redirectUrl: string
): Result.Result<{ readonly pairs: Pairs; readonly own: ReadonlySet<string> }, Refusal> => {
  const registered = parse(redirectUrl)
  const text = repairs.reduce((repaired, repair) => repair(repaired), callbackUrl)
  if (registered === undefined) return Result.fail({ why: "not-a-url" })
  if (text.includes(" ")) {
    return Result.fail({
      why: "not-a-url",
      advice:
        "The address contains a blank. Pass the whole address that the browser was redirected to, and no other text."
    })
  }
  const url = text.startsWith("/") && isWeb(registered) ? parse(text, registered) : parse(text)
  if (url === undefined) return Result.fail({ why: "not-a-url" })
  if (placeOf(url) !== placeOf(registered)) return Result.fail({ why: "origin", advice: adviceFor(url, registered) })
  return Result.succeed({
    pairs: parametersOf(url),
    own: new Set(parametersOf(registered).map(([name]) => name))
  })
}
