/**
 * Time-based one-time codes, RFC 6238.
 *
 * @since 0.1.0
 */
import * as Mac from "effect/crypto/Mac"
import * as SecureRandom from "effect/crypto/SecureRandom"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"

/**
 * @category models
 * @since 0.1.0
 */
export type Algorithm = "SHA1" | "SHA256" | "SHA512"

/**
 * A shared secret and how codes are made of it.
 *
 * @category models
 * @since 0.1.0
 */
export interface Totp {
  readonly key: Redacted.Redacted<Uint8Array>
  readonly algorithm: Algorithm
  readonly digits: number
  /** Seconds. */
  readonly period: number
}

/**
 * @category constructors
 * @since 0.1.0
 */
export const make = (options: {
  readonly key: Redacted.Redacted<Uint8Array>
  readonly algorithm?: Algorithm | undefined
  readonly digits?: number | undefined
  readonly period?: number | undefined
}): Totp => ({
  key: options.key,
  algorithm: options.algorithm ?? "SHA1",
  digits: options.digits ?? 6,
  period: options.period ?? 30
})

const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"

/** RFC 4226 wants 128 bits; brokers hand out 80. What is shorter is a code or a slip. */
const fewestBytes = 10

const tooShort = "is too short for a TOTP secret: give the secret behind the QR code, not a code from the app"

const decodeBase32 = (text: string): Result.Result<Uint8Array, string> => {
  const symbols = text.replace(/[\s-]/g, "").replace(/=+$/, "").toUpperCase()
  if (/^\d{1,10}$/.test(symbols)) return Result.fail(tooShort)
  const bytes = new Uint8Array(Math.floor((symbols.length * 5) / 8))
  let buffer = 0
  let bits = 0
  let length = 0
  for (const symbol of symbols) {
    const value = alphabet.indexOf(symbol)
    if (value === -1) return Result.fail("is not base32: only the letters A to Z and the digits 2 to 7 occur in one")
    buffer = ((buffer << 5) | value) & 0xfff
    bits += 5
    if (bits < 8) continue
    bits -= 8
    bytes[length] = (buffer >> bits) & 0xff
    length += 1
  }
  return bytes.length < fewestBytes ? Result.fail(tooShort) : Result.succeed(bytes)
}

const algorithms: Readonly<Record<string, Algorithm>> = { SHA1: "SHA1", SHA256: "SHA256", SHA512: "SHA512" }

const positive = (text: string | null, fallback: number): number | undefined => {
  if (text === null) return fallback
  const value = Number(text)
  return Number.isInteger(value) && value > 0 && value <= 300 ? value : undefined
}

const parseUri = (text: string): Result.Result<Totp, string> => {
  const url = Result.getOrUndefined(Result.try(() => new URL(text)))
  if (url === undefined || url.host.toLowerCase() !== "totp") return Result.fail("is not an otpauth://totp/ address")
  const algorithm = algorithms[(url.searchParams.get("algorithm") ?? "SHA1").toUpperCase().replace("-", "")]
  const digits = positive(url.searchParams.get("digits"), 6)
  const period = positive(url.searchParams.get("period"), 30)
  if (algorithm === undefined) return Result.fail("names an algorithm that TOTP does not have")
  if (digits === undefined || digits < 6 || digits > 8) return Result.fail("names a number of digits other than 6 to 8")
  if (period === undefined) return Result.fail("names a period that is not a number of seconds")
  const secret = url.searchParams.get("secret")?.trim()
  if (!secret) return Result.fail("has no secret in it: give the whole address behind the QR code")
  return Result.map(decodeBase32(secret), (key) => make({ key: Redacted.make(key), algorithm, digits, period }))
}

/**
 * Reads a secret as people have it: base32 with or without spaces, dashes, padding and capitals, or the whole
 * `otpauth://` address behind the QR code. The failure says what is wrong, without the secret.
 *
 * @example
 * ```ts
 * import * as Totp from "@auth/broker-core/login/Totp"
 * import * as Redacted from "effect/Redacted"
 * import * as Result from "effect/Result"
 *
 * Result.isSuccess(Totp.parse(Redacted.make("jbsw y3dp ehpk 3pxp"))) // => true
 * Result.isSuccess(Totp.parse(Redacted.make("123456"))) // => false
 * ```
 *
 * @category parsing
 * @since 0.1.0
 */
export const parse = (secret: Redacted.Redacted<string>): Result.Result<Totp, string> => {
  const text = Redacted.value(secret).trim()
  if (text === "") return Result.fail("is empty")
  if (/^otpauth:/i.test(text)) return parseUri(text)
  return Result.map(decodeBase32(text), (key) => make({ key: Redacted.make(key) }))
}

/**
 * The number of the period that an instant (milliseconds since the epoch) lies in.
 *
 * @category codes
 * @since 0.1.0
 */
export const stepAt = (totp: Totp, now: number): number => Math.floor(now / 1000 / totp.period)

const macs: Readonly<Record<Algorithm, Mac.Algorithm>> = {
  SHA1: Mac.hmacSha1,
  SHA256: Mac.hmacSha256,
  SHA512: Mac.hmacSha512
}

const webCrypto = Mac.layerWebCrypto.pipe(Layer.provide(SecureRandom.layerWebCrypto))

const sign = (totp: Totp, message: Uint8Array) =>
  Effect.flatMap(Mac.Mac, (mac) =>
    Effect.flatMap(Mac.key(macs[totp.algorithm], Redacted.value(totp.key)), (key) => mac.sign(key, message))
  )

/**
 * The code of a period, RFC 6238 over RFC 4226. It uses the `Mac` service if there is one, else WebCrypto.
 *
 * @category codes
 * @since 0.1.0
 */
export const codeAtStep = Effect.fnUntraced(function* (totp: Totp, step: number) {
  const counter = new Uint8Array(8)
  new DataView(counter.buffer).setBigUint64(0, BigInt(step))
  const mac = yield* Effect.serviceOption(Mac.Mac)
  const signed = Option.isSome(mac)
    ? Effect.provideService(sign(totp, counter), Mac.Mac, mac.value)
    : Effect.provide(sign(totp, counter), webCrypto)
  // The key is not empty and WebCrypto knows the three hashes, so a failure here is a fault of the runtime.
  const digest = yield* Effect.orDie(signed)
  const offset = (digest.at(-1) ?? 0) & 0xf
  const truncated = new DataView(digest.buffer, digest.byteOffset).getUint32(offset) & 0x7fffffff
  return Redacted.make(String(truncated % 10 ** totp.digits).padStart(totp.digits, "0"))
})
