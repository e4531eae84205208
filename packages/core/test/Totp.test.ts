import * as Totp from "@auth/broker-core/login/Totp"
import { assert, describe, it } from "@effect/vitest"
import * as Mac from "effect/crypto/Mac"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"

// RFC 6238, Appendix B. The key repeats 1234567890 until it is as long as the hash.
const seed = (length: number) => Redacted.make(new TextEncoder().encode("1234567890".repeat(7).slice(0, length)))

const algorithms = { SHA1: seed(20), SHA256: seed(32), SHA512: seed(64) } as const

const vectors: ReadonlyArray<readonly [seconds: number, SHA1: string, SHA256: string, SHA512: string]> = [
  [59, "94287082", "46119246", "90693936"],
  [1_111_111_109, "07081804", "68084774", "25091201"],
  [1_111_111_111, "14050471", "67062674", "99943326"],
  [1_234_567_890, "89005924", "91819424", "93441116"],
  [2_000_000_000, "69279037", "90698825", "38618901"],
  [20_000_000_000, "65353130", "77737706", "47863826"]
]

describe("Totp.codeAtStep (RFC 6238, Appendix B)", () => {
  const rows = vectors.flatMap(([seconds, SHA1, SHA256, SHA512]) =>
    Object.entries({ SHA1, SHA256, SHA512 }).map(([algorithm, code]) => ({
      algorithm: algorithm as Totp.Algorithm,
      code,
      seconds
    }))
  )
  it.effect.each(rows)("returns $code for $algorithm at Unix time $seconds", ({ algorithm, code, seconds }) =>
    Effect.gen(function* () {
      const totp = Totp.make({ key: algorithms[algorithm], algorithm, digits: 8 })
      const given = yield* Totp.codeAtStep(totp, Totp.stepAt(totp, seconds * 1000))
      assert.strictEqual(Redacted.value(given), code)
    })
  )
})

const parse = (text: string) => Totp.parse(Redacted.make(text))

const success = (text: string) => {
  const totp = Result.getOrThrow(parse(text))
  return { ...totp, key: Array.from(Redacted.value(totp.key)) }
}

const hello = success("JBSWY3DPEHPK3PXP")

describe("Totp.parse", () => {
  it.each([
    ["with spaces", "JBSW Y3DP EHPK 3PXP"],
    ["with dashes", "JBSW-Y3DP-EHPK-3PXP"],
    ["in lower case", "jbswy3dpehpk3pxp"],
    ["with padding", "JBSWY3DPEHPK3PXP===="],
    ["with line breaks", "\r\n JBSWY3DP\nEHPK3PXP \n"],
    ["with no-break spaces", "JBSW\u00a0Y3DP\u00a0EHPK\u00a03PXP"],
    ["in an otpauth address", "otpauth://totp/Angel:A123456?secret=JBSWY3DPEHPK3PXP&issuer=Angel"],
    ["in an otpauth address in capitals", "OTPAUTH://TOTP/x?secret=jbswy3dpehpk3pxp"],
    [
      "in an otpauth address with explicit defaults",
      "otpauth://totp/x?secret=JBSW%20Y3DP%20EHPK%203PXP&digits=6&period=30"
    ]
  ])("accepts a secret %s", (_, text) => assert.deepStrictEqual(success(text), hello))

  it("decodes a secret as base32 (RFC 4648)", () =>
    assert.deepStrictEqual(hello, {
      key: [0x48, 0x65, 0x6c, 0x6c, 0x6f, 0x21, 0xde, 0xad, 0xbe, 0xef],
      algorithm: "SHA1",
      digits: 6,
      period: 30
    }))

  it.each([
    ["SHA-1", { algorithm: "SHA1" }],
    ["sha256", { algorithm: "SHA256" }],
    ["SHA-512", { algorithm: "SHA512" }]
  ] as const)("accepts the algorithm %s in an otpauth address", (name, { algorithm }) =>
    assert.strictEqual(success(`otpauth://totp/x?secret=JBSWY3DPEHPK3PXP&algorithm=${name}`).algorithm, algorithm)
  )

  it("reads 8 digits and a period of 60 seconds from an otpauth address", () => {
    const { digits, period } = success("otpauth://totp/x?secret=JBSWY3DPEHPK3PXP&digits=8&period=60")
    assert.deepStrictEqual({ digits, period }, { digits: 8, period: 60 })
  })
  const uri = (query: string) => `otpauth://totp/x?secret=JBSWY3DPEHPK3PXP&${query}`
  it.each([
    ["empty text", "", /^is empty$/],
    ["blank text", " \n ", /^is empty$/],
    ["a code instead of the secret", "492039", /^is too short/],
    ["a code whose digits are all base32", "234567", /^is too short/],
    ["a secret with a digit that is not base32", "JBSWY3DPEHPK3PX1", /^is not base32/],
    ["a web address", "https://example.com/?secret=JBSWY3DPEHPK3PXP", /^is a web address/],
    ["a secret of 15 characters", "JBSWY3DPEHPK3PX", /^is too short/],
    ["a counter-based secret", "otpauth://hotp/x?secret=JBSWY3DPEHPK3PXP&counter=1", /counter-based/],
    ["a truncated address", "otpauth:", /^is not an otpauth:\/\/totp/],
    ["an address without a secret", "otpauth://totp/Angel:A123456?issuer=Angel", /^has no secret/],
    ["an address with an unknown algorithm", uri("algorithm=MD5"), /algorithm/],
    ["an address with digits=5", uri("digits=5"), /digits/],
    ["an address with digits=six", uri("digits=six"), /digits/],
    ["an address with a period of 0 seconds", uri("period=0"), /period/],
    ["an address with a period of 86,400 seconds", uri("period=86400"), /period/]
  ])("rejects %s and hides the secret", (_, text, problem) => {
    const failure = Result.getOrThrow(Result.flip(parse(text)))
    assert.match(failure, problem)
    assert.notInclude(failure.toUpperCase(), "JBSWY3DP")
  })
})

it.effect("Totp.codeAtStep uses the provided `Mac` service", () =>
  Effect.gen(function* () {
    const totp = Totp.make({ key: algorithms.SHA1 })
    // RFC 4226: the last byte of the tag gives an offset, here 0. The code is computed from the four bytes at this
    // offset. The highest bit of the four bytes is ignored.
    const tag = Uint8Array.from([0x80, 0, 0, 7, ...Array.from({ length: 15 }, () => 0), 0])
    const mac = Mac.Mac.of({
      generateKey: () => Effect.die("not used"),
      sign: () => Effect.succeed(tag),
      verify: () => Effect.die("not used")
    })
    const code = yield* Totp.codeAtStep(totp, 1).pipe(Effect.provideService(Mac.Mac, mac))
    assert.strictEqual(Redacted.value(code), "000007")
  })
)

it("Totp.stepAt advances at the start of each period", () => {
  const totp = Totp.make({ key: algorithms.SHA1 })
  assert.deepStrictEqual(
    [29_999, 30_000, 59_999, 60_000].map((now) => Totp.stepAt(totp, now)),
    [0, 1, 1, 2]
  )
})
