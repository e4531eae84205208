/** Decodes TOTP secrets in base32 (RFC 4648). */
import * as Result from "effect/Result"

const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"

/** RFC 4226 requires 128 bits, but brokers issue secrets of 80 bits. */
const minBytes = 10

const tooShort = "is too short for a TOTP secret: use the secret in the QR code, not a code from the app"

const incomplete =
  "has a length that base32 cannot have, so characters are missing or were added: copy the whole secret again"

const notBase32 = "is not base32, which has only the letters A to Z and the digits 2 to 7"

const hexadecimal =
  "looks like hexadecimal, not base32: use the secret in base32, or the otpauth:// address in the QR code"

const base64 =
  "mixes capital and small letters, like base64: use the secret in base32 and in capitals, or the otpauth:// address in the QR code"

const separators = /[\s\p{Pd}\p{Default_Ignorable_Code_Point}]+/gu

/** Matches words that may stand next to a secret on a page. Some of these words are valid base32. */
const words =
  /(?:^|[\s\p{Pd}])(?:secret|key|setup|code|manual|entry|totp|otp|token|seed|your|the|is|for|account)(?:[\s\p{Pd}]|$)/iu

export const wordsProblem = "has words next to the secret: use the secret alone"

const isHex = (symbols: string): boolean => /^(?:0x)?[0-9a-f]{20,}$/i.test(symbols)

/** The first letter may be a capital, because the keyboards of phones capitalize it. */
const isOneCase = (group: string): boolean => /^(?:[A-Z]?[^A-Z]*|[^a-z]*)$/.test(group)

const looksLikeBase64 = (text: string): boolean => {
  const visible = text.replace(/\p{Default_Ignorable_Code_Point}/gu, "")
  const groups = visible.replace(/=+$/, "").split(/[\s\p{Pd}]+/u)
  return groups.every((group) => /^[\w+/]*$/.test(group)) && /[A-Za-z]/.test(text) && !groups.every(isOneCase)
}

const otherEncoding = (text: string, symbols: string): string => {
  if (isHex(symbols)) return hexadecimal
  return looksLikeBase64(text) || /^[\w+/]*[+/][\w+/]*=*$/.test(symbols) ? base64 : notBase32
}

/**
 * Mixed upper and lower case is a sign of base64. A hexadecimal text without the digits 0, 1, 8 and 9 has only base32
 * characters.
 */
const ambiguity = (text: string, symbols: string): string | undefined => {
  if (words.test(text)) return wordsProblem
  if (looksLikeBase64(text)) return base64
  const isBoth = isHex(symbols) && symbols.length % 2 === 0 && /\d/.test(symbols) && /[a-f]/i.test(symbols)
  return isBoth ? hexadecimal.replace("looks like hexadecimal, not base32", "may be hexadecimal or base32") : undefined
}

/** The lengths, modulo 8, that no complete base32 text has (RFC 4648, section 6). */
const impossible: ReadonlySet<number> = new Set([1, 3, 6])

const decodeSymbols = (symbols: string): Uint8Array => {
  const bytes = new Uint8Array(Math.floor((symbols.length * 5) / 8))
  let buffer = 0
  let bits = 0
  let length = 0
  for (const symbol of symbols) {
    buffer = ((buffer << 5) | alphabet.indexOf(symbol)) & 0xfff
    bits += 5
    if (bits < 8) continue
    bits -= 8
    bytes[length] = (buffer >> bits) & 0xff
    length += 1
  }
  return bytes
}

/** Set `certain` for an otpauth address: its secret is always base32. Failures do not contain the secret. */
export const decode = (text: string, options?: { readonly certain: true }): Result.Result<Uint8Array, string> => {
  const symbols = text.replace(separators, "").replace(/(?:=|%3d)+$/i, "")
  if (/^\d{1,10}$/.test(symbols)) return Result.fail(tooShort)
  // `toUpperCase` converts some other letters, such as ß, to A to Z. So the characters are checked first.
  if (!/^[A-Za-z2-7]*$/.test(symbols)) return Result.fail(otherEncoding(text.trim(), symbols))
  const problem = options === undefined ? ambiguity(text.trim(), symbols) : undefined
  if (problem !== undefined) return Result.fail(problem)
  const bytes = decodeSymbols(symbols.toUpperCase())
  if (bytes.length < minBytes) return Result.fail(tooShort)
  return impossible.has(symbols.length % 8) ? Result.fail(incomplete) : Result.succeed(bytes)
}
