/**
 * Time-based one-time codes (TOTP), as defined by RFC 6238.
 *
 * @since 0.1.0
 */
import * as Mac from "effect/crypto/Mac"
import * as SecureRandom from "effect/crypto/SecureRandom"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Predicate from "effect/Predicate"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import * as base32 from "./internal/base32.ts"
import * as otpauth from "./internal/otpauth.ts"
import { placeholderProblem, quoteProblem, withoutQuotes } from "./internal/pasted.ts"

/**
 * The hash function of the codes.
 *
 * @category models
 * @since 0.1.0
 */
export type Algorithm = "SHA1" | "SHA256" | "SHA512"

/**
 * A TOTP secret, and the parameters of its codes.
 *
 * @category models
 * @since 0.1.0
 */
export interface Totp {
  readonly key: Redacted.Redacted<Uint8Array>
  readonly algorithm: Algorithm
  readonly digits: number
  /** In seconds. */
  readonly period: number
}

/**
 * Makes a TOTP secret from its bytes. Defaults: `SHA1`, 6 digits, and a period of 30 seconds.
 *
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

/** High, because an `otpauth` address may contain a long `image`. */
const maxLength = 32_768

/**
 * Parses a TOTP secret. The text can be:
 *
 * - The secret in base32, in upper or lower case, with or without spaces, dashes and padding.
 * - The whole `otpauth://totp/` address in the QR code.
 *
 * Line breaks, invisible characters, and quotation marks around the text are removed. In an address, separators that
 * HTML, JSON or a shell has escaped are decoded: `&amp;` becomes `&`.
 *
 * The parser does not guess. For example, it fails in these cases:
 *
 * - The secret is not valid base32.
 * - The address is for counter-based codes (HOTP), or exports several accounts.
 * - The address has an unknown algorithm, or an unknown parameter that may affect the codes.
 *
 * The failure describes the problem, but does not contain the secret.
 *
 * @example
 * ```ts
 * import * as Totp from "@auth/broker-core/login/Totp"
 * import * as Redacted from "effect/Redacted"
 * import * as Result from "effect/Result"
 *
 * Result.isSuccess(Totp.parse(Redacted.make("jbsw y3dp ehpk 3pxp"))) // => true
 * Result.isSuccess(Totp.parse(Redacted.make("OTPAUTH://TOTP/x?SECRET=JBSWY3DPEHPK3PXP&amp;digits=8"))) // => true
 * Result.isSuccess(Totp.parse(Redacted.make("123456"))) // => false
 * ```
 *
 * @category parsing
 * @since 0.1.0
 */
export const parse = (secret: Redacted.Redacted<string>): Result.Result<Totp, string> => {
  const given: unknown = Redacted.isRedacted(secret) ? Redacted.value(secret) : undefined
  if (!Predicate.isString(given)) return Result.fail("must be Redacted text")
  if (given.length > maxLength) return Result.fail("is too long for a TOTP secret: copy only the secret")
  const text = withoutQuotes(given)
  if (text === "") return Result.fail("is empty")
  const quote = quoteProblem(text)
  if (quote !== undefined) return Result.fail(`${quote}: copy the whole value again`)
  if (otpauth.isLabelled(text)) return Result.fail(base32.wordsProblem)
  const placeholder = otpauth.isAddress(text) ? undefined : placeholderProblem(text)
  if (placeholder !== undefined) return Result.fail(placeholder)
  if (!otpauth.isAddress(text)) return Result.map(base32.decode(text), (key) => make({ key: Redacted.make(key) }))
  return Result.flatMap(otpauth.parse(text), ({ secret: symbols, ...parameters }) =>
    Result.map(base32.decode(symbols, { certain: true }), (key) => make({ ...parameters, key: Redacted.make(key) }))
  )
}

/**
 * Returns the number of the TOTP period that contains `now`. `now` is in milliseconds since the epoch.
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
 * Computes the code for a TOTP period, as defined by RFC 6238 and RFC 4226. Uses the `Mac` service of the context. If
 * the context has no `Mac`, uses WebCrypto.
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
  // A failure means that the runtime has a fault, or that `make` got an empty key.
  const digest = yield* Effect.orDie(signed)
  const offset = (digest.at(-1) ?? 0) & 0xf
  const truncated = new DataView(digest.buffer, digest.byteOffset).getUint32(offset) & 0x7fffffff
  return Redacted.make(String(truncated % 10 ** totp.digits).padStart(totp.digits, "0"))
})
