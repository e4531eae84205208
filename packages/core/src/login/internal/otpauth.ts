/**
 * Parses the address that a QR code for TOTP contains: `otpauth://totp/label?secret=…`. Also accepts an address that
 * was changed by exporting or copying.
 */
import * as Result from "effect/Result"
import { withoutQuotes } from "./pasted.ts"

/** Parameters that are not in the address have their default values. */
export interface Parameters {
  readonly secret: string
  readonly algorithm: "SHA1" | "SHA256" | "SHA512"
  readonly digits: number
  /** In seconds. */
  readonly period: number
}

type Name = "secret" | "algorithm" | "digits" | "period" | "counter" | "type"

const names: ReadonlySet<string> = new Set<Name>(["secret", "algorithm", "digits", "period", "counter", "type"])

const isName = (name: string): name is Name => names.has(name)

const whole = "use the whole otpauth://totp/ address"

const migration =
  "is an export of several accounts (otpauth-migration://): use the secret or the otpauth://totp/ address of the broker account"

const webAddress = `is a web address: ${whole} in the QR code`

const counterBased = "is for counter-based codes (HOTP): set up TOTP at the broker, and use the secret for TOTP"

const encodedSeparator =
  "has an encoded or doubled separator, or a semicolon, before a parameter: use the address exactly as in the QR code"

/** Does not match spaces, because labels may contain spaces. */
const invisible = /[\t\n\r\p{Cc}\p{Default_Ignorable_Code_Point}]+/gu

const decoded = (text: string): string | undefined =>
  Result.getOrUndefined(Result.try(() => decodeURIComponent(text.replaceAll("+", " "))))

/**
 * Decodes only the percent escapes of ASCII characters, so no escape makes this function fail. Never use the result as
 * part of the secret.
 */
const withoutEscapes = (text: string): string =>
  text.replace(/%([0-7][0-9a-f])/gi, (_, digits: string) => String.fromCodePoint(parseInt(digits, 16)))

/** Removes the escapes that HTML, JSON and shells add to separators. */
const unescaped = (text: string): string =>
  text
    .replace(/&(?:amp;|#0*38;|#x0*26;)+/gi, "&")
    .replace(/&(?:equals|#0*61|#x0*3d);/gi, "=")
    .replace(/\\u00(26|3d|3f|2f)/gi, (_, digits: string) => String.fromCodePoint(parseInt(digits, 16)))
    .replaceAll("\\", "")

const normalized = (text: string): string | undefined => {
  const bare = text
    .replace(invisible, "")
    .replace(/^<\s*(.*?)\s*>$/, "$1")
    .replace(/^QR-?Code:\s*/i, "")
  const address = unescaped(/^otpauth[\w-]*%3a/i.test(bare) ? (decoded(bare.replaceAll("+", "%2B")) ?? bare) : bare)
  return address.includes("?") || !/%3f/i.test(address) ? address : decoded(address.replaceAll("+", "%2B"))
}

/** Matches a label before a secret, such as `Key:`, but not the start of an address, such as `otpauth:`. */
const label = /^(?!\s*<?\s*(?:otpauth[\w-]*|https?|data|mailto|tel|urn):)[\p{L}\d\s()._/-]{1,60}[:\uff1a](?!\/\/)/iu

export const isLabelled = (text: string): boolean => {
  const bare = text.replace(invisible, "")
  return label.test(bare) && !/otpauth|:\/\//i.test(bare)
}

export const isAddress = (text: string): boolean => {
  const bare = text.replace(invisible, "")
  return /otpauth|^\s*<?\s*[a-z][a-z0-9+.-]*:/i.test(bare) || /(?:^|[?&\s;])secret\s*[=:]/i.test(bare)
}

const kindProblem = (address: string): string | undefined => {
  if (/^otpauth-migration:/i.test(address)) return migration
  if (/^https?:/i.test(address)) return webAddress
  if (/otpauth[\w-]*:\/\/.*otpauth[\w-]*:\/\//i.test(address)) return "has more than one otpauth address: use one"
  if (/^otpauth:/i.test(address)) {
    const kind = /^otpauth:\/*([^/?#]*)/i.exec(address)?.[1]?.toLowerCase()
    if (kind === "hotp") return counterBased
    return kind === "totp" ? undefined : "is not an otpauth://totp/ address"
  }
  if (/otpauth[\w-]*:/i.test(address)) return `has text before the otpauth address: ${whole}`
  if (/^[a-z][a-z0-9+.-]*:\/\/|^(?:data|mailto|tel|urn):/i.test(address)) return `is another kind of address: ${whole}`
  return `is part of an otpauth address: ${whole}`
}

const nested = /[&?;]\s*(?:amp;)?(?:secret|algorithm|digits|period|counter)\s*=/i

/** Matches the names of parameters that never affect the codes. */
const harmless = /^(?:issuer|image|icon|logo|colou?r|lock|label|name|account|accountname|user|username|email)$/

/** Matches names of unknown parameters that may affect the codes. */
const meaningful =
  /alg|hash|digest|sha\d|hmac|digit|length|size|period|step|interval|time|epoch|offset|counter|encod|type|otp|secret|key|seed|^pin$/

const isCodeValue = (value: string): boolean => {
  if (/^\d{1,3}$/.test(value)) {
    const number = Number(value)
    return (number >= 6 && number <= 8) || (number >= 10 && number % 5 === 0)
  }
  return algorithmOf(value) !== undefined || foreign.test(compact(value))
}

const otherProblem = (name: string, value: string): string | undefined => {
  if (harmless.test(name)) return undefined
  const part = meaningful.exec(name)?.[0]
  const known = "only secret, algorithm, digits and period are known"
  if (part !== undefined) return `has a parameter with "${part}" in its name, which may change the codes: ${known}`
  return isCodeValue(value.trim())
    ? `has an unknown parameter with a number or an algorithm, which may change the codes: ${known}`
    : undefined
}

type Given = Partial<Record<Name, string>>

const canonical = (name: Name, value: string): string => {
  if (name === "secret")
    return value
      .replace(/[\s\p{Pd}]+/gu, "")
      .replace(/=+$/, "")
      .toUpperCase()
  if (name === "algorithm") return algorithmOf(value) ?? value.trim()
  return name === "type" ? value.trim().toLowerCase() : value.trim().replace(/^0+(?=\d)/, "")
}

const readQuery = (query: string): Result.Result<Given, string> => {
  const given: Given = {}
  for (const part of query.split("&")) {
    const [before = "", ...after] = part.split("=")
    const name = withoutEscapes(before).trim().toLowerCase()
    const text = after.join("=")
    if (nested.test(withoutEscapes(text))) return Result.fail(encodedSeparator)
    if (!isName(name)) {
      const problem = otherProblem(name, withoutEscapes(text))
      if (problem !== undefined) return Result.fail(problem)
      continue
    }
    const raw = decoded(text)
    if (raw === undefined) return Result.fail(`has an invalid percent escape in the parameter ${name}: ${whole}`)
    const value = withoutQuotes(raw.replace(invisible, ""))
    if (value === "") continue
    const earlier = given[name]
    if (earlier !== undefined && canonical(name, earlier) !== canonical(name, value)) {
      return Result.fail(`has two different values for ${name}: use the address exactly as in the QR code`)
    }
    given[name] = value
  }
  return Result.succeed(given)
}

const compact = (value: string): string => value.toUpperCase().replace(/[\s_-]+/g, "")

const algorithmOf = (value: string): Parameters["algorithm"] | undefined => {
  const length = /^(?:HMAC)?(?:WITH)?SHA(?:2(?=256|512))?(1|256|512)$/.exec(compact(value))?.[1]
  return length === undefined ? undefined : (`SHA${length}` as Parameters["algorithm"])
}

/** Matches names of algorithms that TOTP does not support. An error may show these names: they are not secret. */
const foreign = /^(?:HMAC)?(?:MD[245]|SHA2?|SHA224|SHA384|SHA3(?:224|256|384|512)?|SM3|RIPEMD160|BLAKE[23][BS]?)$/

const wholeNumber = (text: string, least: number, most: number): number | undefined => {
  const value = /^[0-9]{1,4}$/.test(text) ? Number(text) : undefined
  return value === undefined || value < least || value > most ? undefined : value
}

const shownNumber = (text: string): string => (/^-?[0-9]{1,4}$/.test(text) ? ` (${text})` : "")

const interpret = ({ algorithm = "SHA1", counter, digits = "6", period = "30", secret, type }: Given) => {
  const fail = (problem: string): Result.Result<Parameters, string> => Result.fail(problem)
  if (type !== undefined && type.toLowerCase() !== "totp") {
    return fail(type.toLowerCase() === "hotp" ? counterBased : "has a code type other than TOTP")
  }
  if (counter !== undefined) return fail("has a counter, which only counter-based codes (HOTP) have")
  const hash = algorithmOf(algorithm)
  if (hash === undefined) {
    const shown = foreign.test(compact(algorithm)) ? ` (${algorithm})` : ""
    return fail(`has an algorithm that TOTP does not support${shown}: it supports SHA1, SHA256 and SHA512`)
  }
  const length = wholeNumber(digits, 6, 8)
  if (length === undefined) return fail(`has a number of digits other than 6 to 8${shownNumber(digits)}`)
  const seconds = wholeNumber(period, 1, 300)
  if (seconds === undefined) {
    return fail(`has a period that is not a whole number of seconds from 1 to 300${shownNumber(period)}`)
  }
  if (secret === undefined) return fail("has no secret: use the whole address in the QR code")
  return Result.succeed<Parameters>({ secret, algorithm: hash, digits: length, period: seconds })
}

/** The failure contains neither the secret nor the account. */
export const parse = (text: string): Result.Result<Parameters, string> => {
  const address = normalized(text)
  if (address === undefined) return Result.fail(`has an invalid percent escape: ${whole}`)
  const problem = kindProblem(address.trim())
  if (problem !== undefined) return Result.fail(problem)
  const [before = "", ...fragment] = address.split("#")
  if (/[?&]\s*[^=&]+=/.test(fragment.join("#"))) {
    return Result.fail("has a raw # before a parameter: write it as %23, or use the secret alone")
  }
  const [, ...query] = before.split("?")
  return Result.flatMap(readQuery(query.join("?")), interpret)
}
