/**
 * Reads the address of a callback as it arrives: from a browser's address bar, from HTML, from a shell, or from a
 * server behind a proxy.
 */
import * as Result from "effect/Result"

/** Why an address is not read, and what to do where the reason alone does not say it. */
export interface Refusal {
  readonly why: "not-a-url" | "origin"
  readonly advice?: string | undefined
}

/** Name in lower case, and value, in the order of the address. */
export type Pairs = ReadonlyArray<readonly [name: string, value: string]>

const parse = (text: string, base?: URL): URL | undefined =>
  Result.getOrUndefined(Result.try(() => new URL(text, base)))

const decodeOnce = (text: string): string =>
  Result.getOrElse(
    Result.try(() => decodeURIComponent(text)),
    () => text
  )

/** Marks that enclose a copied address. None of them occurs in one, but for the single quote. */
const enclosed = /^["<>“”„«»`\s]+|["<>“”„«»`\s]+$/g
const inSingleQuotes = /^(['‘])([^]*)['’]$/

const mends: ReadonlyArray<(text: string) => string> = [
  (text) => text.replace(/[\u200b-\u200f\u2060\ufeff]/g, ""),
  (text) => text.replace(enclosed, "").replace(inSingleQuotes, "$2").trim(),
  // A line break of a terminal or of a mail, with the indentation after it.
  (text) => text.replace(/[ \t]*[\r\n][\s]*|\t/g, ""),
  (text) => (/^[a-z][a-z\d+.-]*%3a/i.test(text) ? decodeOnce(text) : text),
  // HTML, JSON, and a shell that escapes what is pasted.
  (text) => text.replace(/&(?:amp;)+|&#(?:38|x26);|\\u0026/gi, "&").replace(/\\([?&=#])/g, "$1")
]

/** Without query and fragment. `URL.origin` is "null" for every custom scheme, whatever its host. */
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
    "Complete only what arrives at the redirect URL. If the app has another one at the broker, configure that one to the letter."
  if (!isWeb(url) || !isWeb(registered) || url.username !== "" || url.password !== "") return foreign
  if (url.origin !== registered.origin) {
    const isInner = url.hostname === registered.hostname || innerHost.test(url.hostname)
    return isInner && !innerHost.test(registered.hostname)
      ? "This is the inner address of a server behind a proxy. Rebuild the public address from X-Forwarded-Proto and X-Forwarded-Host of your own proxy, and complete the login with that. The registered redirect URL need not change."
      : foreign
  }
  return url.pathname.replace(/\/$/, "") === registered.pathname.replace(/\/$/, "")
    ? "The paths differ by a slash at the end. Configure the redirect URL as it is registered at the broker, and keep the server from adding or removing the slash."
    : "The path is not the one of the redirect URL. If a proxy changes paths, restore the public one. Otherwise configure the redirect URL as it is registered at the broker, to the letter."
}

/** A broker's own sentence may come as a form writes it. In a token `+` is a character of its own. */
const isSentence = (name: string): boolean => /^(?:error|message|reason|description)/i.test(name)

const decode = (text: string): string => new URLSearchParams(`v=${text.replaceAll("+", "%2B")}`).get("v") ?? ""

const valueOf = (name: string, raw: string): string => {
  const blanks = isSentence(name)
    ? raw.replaceAll("+", " ")
    : raw.replace(/^(?:bearer\+)+/i, (prefix) => prefix.replaceAll("+", " "))
  const once = decode(blanks)
  // No broker has a token with a percent sign in it, so what is still encoded was encoded twice.
  const value = /%[\da-f]{2}/i.test(once) ? decodeOnce(once) : once
  return /^[+\s]*$/.test(value) ? "" : value
}

/** A broker that appends `?code=…` to an address with a query of its own makes a second question mark. */
const pairsOf = (parts: ReadonlyArray<string>): Pairs =>
  parts.map((part) => {
    const end = part.includes("=") ? part.indexOf("=") : part.length
    const name = decode(part.slice(0, end)).toLowerCase()
    return [name, valueOf(name, part.slice(end + 1))] as const
  })

/** Of the fragment, which may have a route before its own query, and of the query. */
const parametersOf = ({ hash, search }: URL): Pairs => {
  const inHash = hash
    .split(/[?&#]/)
    .map((part) => part.replace(/^[/!]+(?=[^/]*=)/, ""))
    .filter((part) => part.includes("="))
  const inQuery = search.split(/[?&]/).filter((part) => part !== "")
  return [...pairsOf(inHash), ...pairsOf(inQuery)]
}

/**
 * The parameters of a callback, and the names that the registered address itself has. A path alone, as in `request.url`
 * of `node:http`, is an address of the registered origin. A query or a code alone is not an address: nothing tells
 * where it arrived.
 */
export const read = (
  callbackUrl: string,
  redirectUrl: string
): Result.Result<{ readonly pairs: Pairs; readonly own: ReadonlySet<string> }, Refusal> => {
  const registered = parse(redirectUrl)
  const text = mends.reduce((mended, mend) => mend(mended), callbackUrl)
  if (registered === undefined) return Result.fail({ why: "not-a-url" })
  if (text.includes(" ")) {
    return Result.fail({
      why: "not-a-url",
      advice:
        "There is a blank in the address. Give the whole address that the browser was sent to, and no other words."
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
