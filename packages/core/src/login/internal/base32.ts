/** A shared secret in base32, RFC 4648. */
import * as Result from "effect/Result"

const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"

/** RFC 4226 wants 128 bits; brokers hand out 80. What is shorter is a code or a slip. */
const fewestBytes = 10

const tooShort = "is too short for a TOTP secret: give the secret behind the QR code, not a code from the app"

const notBase32 = "is not base32: only the letters A to Z and the digits 2 to 7 occur in one"

const hexadecimal =
  "looks like hexadecimal, not base32: give the secret in base32, or the otpauth:// address behind the QR code"

const base64 =
  "mixes capital and small letters, as base64 does: give the secret in base32 and in capitals, or the otpauth:// address behind the QR code"

const separators = /[\s\p{Pd}\p{Default_Ignorable_Code_Point}]+/gu

/** Words of base32's own letters, as stand beside a secret on a page. Read along with it they would give wrong codes. */
const words = /(?:^|\s)(?:secret|key|setup|code|manual|entry|totp|otp|token|seed|your|the|is|for|account)(?:\s|$)/i

const isHex = (symbols: string): boolean => /^(?:0x)?[0-9a-f]{20,}$/i.test(symbols)

/** Base32 comes in capitals, in small letters, or as a phone's keyboard writes words. */
const isOneCase = (group: string): boolean => /^(?:[A-Z]?[^A-Z]*|[^a-z]*)$/.test(group)

const looksLikeBase64 = (text: string): boolean =>
  /^[\w+/\s-]+=*$/.test(text) && /[A-Za-z]/.test(text) && text.split(/[\s-]+/).some((group) => !isOneCase(group))

/** What the text is instead, where it has characters that base32 lacks. */
const otherEncoding = (text: string, symbols: string): string => {
  if (isHex(symbols)) return hexadecimal
  return looksLikeBase64(text) || /^[\w+/]*[+/][\w+/]*=*$/.test(symbols) ? base64 : notBase32
}

/**
 * Also a text of base32's own characters may be of another encoding: hexadecimal of 20 digits or more that lacks 0, 1, 8
 * and 9, or base64 that has letters alone. To read those as base32 would give wrong codes.
 */
const ambiguity = (text: string, symbols: string): string | undefined => {
  if (words.test(text)) return "has words beside the secret: give the secret alone"
  if (looksLikeBase64(text)) return base64
  const isBoth = isHex(symbols) && symbols.length % 2 === 0 && /\d/.test(symbols) && /[a-f]/i.test(symbols)
  return isBoth ? hexadecimal.replace("looks like hexadecimal, not base32", "may be hexadecimal or base32") : undefined
}

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

/**
 * The bytes of a secret with or without blanks, dashes, padding and capitals. `certain` is set where another encoding is
 * out of the question, as in an otpauth address. The failure says what is wrong, without the secret.
 */
export const decode = (text: string, options?: { readonly certain: true }): Result.Result<Uint8Array, string> => {
  const symbols = text.replace(separators, "").replace(/(?:=|%3d)+$/i, "")
  if (/^\d{1,10}$/.test(symbols)) return Result.fail(tooShort)
  // Checked before the capitals: other scripts have letters that turn into these.
  if (!/^[A-Za-z2-7]*$/.test(symbols)) return Result.fail(otherEncoding(text.trim(), symbols))
  const problem = options === undefined ? ambiguity(text.trim(), symbols) : undefined
  if (problem !== undefined) return Result.fail(problem)
  const bytes = decodeSymbols(symbols.toUpperCase())
  return bytes.length < fewestBytes ? Result.fail(tooShort) : Result.succeed(bytes)
}
