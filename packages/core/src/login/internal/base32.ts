/** A shared secret in base32, RFC 4648. */
import * as Result from "effect/Result"

const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"

/** RFC 4226 requires 128 bits, but brokers issue secrets of 80 bits. A shorter text is a code or a mistake. */
const minBytes = 10

const tooShort = "is too short for a TOTP secret: use the secret of the QR code, not a code from the app"

const notBase32 = "is not base32, which has only the letters A to Z and the digits 2 to 7"

const hexadecimal =
  "looks like hexadecimal, not base32: use the secret in base32, or the otpauth:// address of the QR code"

const base64 =
  "mixes capital and small letters, like base64: use the secret in base32 and in capitals, or the otpauth:// address of the QR code"

const separators = /[\s\p{Pd}\p{Default_Ignorable_Code_Point}]+/gu

/**
 * Words next to a secret on a page. They are valid base32, and would give wrong codes if they were read as part of the
 * secret.
 */
const words = /(?:^|\s)(?:secret|key|setup|code|manual|entry|totp|otp|token|seed|your|the|is|for|account)(?:\s|$)/i

const isHex = (symbols: string): boolean => /^(?:0x)?[0-9a-f]{20,}$/i.test(symbols)

/** Base32 may be in capitals, in small letters, or capitalized by a phone's keyboard. */
const isOneCase = (group: string): boolean => /^(?:[A-Z]?[^A-Z]*|[^a-z]*)$/.test(group)

const looksLikeBase64 = (text: string): boolean =>
  /^[\w+/\s-]+=*$/.test(text) && /[A-Za-z]/.test(text) && text.split(/[\s-]+/).some((group) => !isOneCase(group))

/** Describes a text with characters that are not base32. */
const otherEncoding = (text: string, symbols: string): string => {
  if (isHex(symbols)) return hexadecimal
  return looksLikeBase64(text) || /^[\w+/]*[+/][\w+/]*=*$/.test(symbols) ? base64 : notBase32
}

/**
 * Rejects a text that has only base32 characters but may have another encoding. The text may be hexadecimal, if it has
 * at least 20 digits and none of them is 0, 1, 8 or 9. It may be base64, if it has only letters. Reading such a text as
 * base32 would give wrong codes.
 */
const ambiguity = (text: string, symbols: string): string | undefined => {
  if (words.test(text)) return "has words next to the secret: use the secret alone"
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
 * Decodes a secret with or without blanks, dashes, padding and capitals. Set `certain` if the text cannot have another
 * encoding, for example in an otpauth address. The failure describes the problem, without the secret.
 */
export const decode = (text: string, options?: { readonly certain: true }): Result.Result<Uint8Array, string> => {
  const symbols = text.replace(separators, "").replace(/(?:=|%3d)+$/i, "")
  if (/^\d{1,10}$/.test(symbols)) return Result.fail(tooShort)
  // This check is before `toUpperCase`, because `toUpperCase` converts some letters of other scripts to A to Z.
  if (!/^[A-Za-z2-7]*$/.test(symbols)) return Result.fail(otherEncoding(text.trim(), symbols))
  const problem = options === undefined ? ambiguity(text.trim(), symbols) : undefined
  if (problem !== undefined) return Result.fail(problem)
  const bytes = decodeSymbols(symbols.toUpperCase())
  return bytes.length < minBytes ? Result.fail(tooShort) : Result.succeed(bytes)
}
