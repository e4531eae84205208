import * as CodeSource from "@auth/broker-core/login/CodeSource"
import * as Totp from "@auth/broker-core/login/Totp"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"

const parse = (text: string) => Totp.parse(Redacted.make(text))

const read = (text: string) => {
  const totp = parse(text)
  assert(Result.isSuccess(totp), Result.isFailure(totp) ? totp.failure : "")
  return { ...totp.success, key: Array.from(Redacted.value(totp.success.key)) }
}

const plain = read("JBSWY3DPEHPK3PXP")
const of256 = { ...plain, algorithm: "SHA256", digits: 8 }
const secret = "secret=JBSWY3DPEHPK3PXP"
const totp = `otpauth://totp/Angel:A123456?${secret}`

describe("Totp.parse with an otpauth address", () => {
  it.each([
    ["in capitals", `OTPAUTH://TOTP/ANGEL:A123456?SECRET=JBSWY3DPEHPK3PXP`],
    ["in mixed case", `OtpAuth://Totp/x?Secret=jbswY3dpehpk3pxp&Issuer=x`],
    ["with empty parameters", `${totp}&algorithm=&digits=&period=&counter=&issuer=`],
    ["with parameters without a value", `${totp}&algorithm&digits&period&`],
    ["with an additional empty secret", `otpauth://totp/x?secret=&${secret}`],
    ["with the same secret twice", `${totp}&SECRET=jbsw%20y3dp-ehpk+3pxp====`],
    [
      "that repeats a parameter with an equivalent value",
      `${totp}&digits=6&digits=06&algorithm=SHA1&algorithm=HMAC-SHA-1`
    ],
    ["with plus signs for blanks", "otpauth://totp/My+Broker?secret=JBSW+Y3DP+EHPK+3PXP&issuer=My+Broker"],
    ["that contains blanks", "otpauth://totp/My Broker?secret=JBSW Y3DP EHPK 3PXP"],
    ["with padding", `${totp}====&issuer=x`],
    ["with encoded padding", `${totp}%3D%3D%3d%3d`],
    ["with a fragment", `${totp}#fragment`],
    ["without a label", `otpauth://totp?${secret}`],
    ["with an empty label", `otpauth://totp/?${secret}`],
    ["with special characters in the issuer", `${totp}&issuer=A%26B%20%C3%A9%20%22x%22%20100%%20\u0905/?:@`],
    ["with an issuer that is a number", `${totp}&issuer=360`],
    ["with an image and a color", `${totp}&image=https%3A%2F%2Fexample.com%2Fa.png&color=FF0000&lock=true&foo=bar`],
    ["in quotes", `"${totp}"`],
    ["in typographic quotes", `\u201c${totp}\u201d`],
    ["in escaped quotes", `\\"${totp}\\"`],
    ["in angle brackets", `<${totp}>`],
    ["that contains line breaks", "otpauth://totp/Angel:\r\nA123456?secret=JBSWY3DP\nEHPK3PXP\n&issuer=An\ngel\n"],
    ["with line breaks inside words", "otp\nauth://to\ntp/x?sec\nret=JBSWY3DPEHPK3PXP"],
    ["with invisible characters", `\ufeff${totp.replace("secret=", "secret=\u200b")}\u200e`],
    ["with the prefix of a QR code program", `QR-Code:${totp}\n`],
    ["that is percent-encoded completely", encodeURIComponent(totp)],
    ["with an encoded question mark", totp.replace("?", "%3F")],
    ["with its slashes escaped", totp.replaceAll("/", "\\/")],
    ["with quotes around a value", 'otpauth://totp/x?secret="JBSWY3DPEHPK3PXP"&digits=%226%22&issuer=x'],
    ["with the type totp as a parameter", `${totp}&type=totp`]
  ])("accepts an address %s", (_, text) => assert.deepStrictEqual(read(text), plain))

  it.each([
    ["copied out of HTML", `${totp}&amp;algorithm=SHA256&amp;digits=8`],
    ["copied out of HTML that was escaped twice", `${totp}&amp;amp;algorithm=SHA256&amp;amp;digits=8`],
    ["with numeric character references", `${totp}&#38;algorithm=SHA256&#x26;digits=8`],
    ["copied out of JSON", `${totp}\\u0026algorithm\\u003dSHA256\\u0026digits=8`],
    ["copied out of a shell", `${totp.replace("?", "\\?")}\\&algorithm=SHA256\\&digits=8`],
    ["with parameter names in capitals", `${totp}&ALGORITHM=SHA256&DIGITS=8`],
    ["that is percent-encoded completely", encodeURIComponent(`${totp}&algorithm=SHA256&digits=8`)],
    ["with percent-encoded parameter names and values", `${totp}&%61lgorithm=SHA%32%356&digits=%38`]
  ])("reads the parameters of an address %s", (_, text) => assert.deepStrictEqual(read(text), of256 as never))

  const spellings = {
    SHA1: ["SHA1", "sha1", "SHA-1", "HmacSHA1", "hmac-sha1", "HMAC_SHA_1", "Sha%201", "HMAC+SHA1", "HmacWithSHA1"],
    SHA256: ["SHA256", "sha256", "SHA-256", "HmacSHA256", "hmac-sha-256", "SHA_256", "SHA2-256", "Hmac SHA 256"],
    SHA512: ["SHA512", "sha-512", "HMACSHA512", "HmacSha512", "SHA2-512"]
  }
  it.each(Object.entries(spellings).flatMap(([name, all]) => all.map((spelling) => [spelling, name] as const)))(
    "reads the algorithm %s as %s",
    (spelling, name) => assert.strictEqual(read(`${totp}&algorithm=${spelling}`).algorithm, name)
  )

  it.each([6, 7, 8])("accepts codes of %d digits", (digits) =>
    assert.strictEqual(read(`${totp}&digits=${digits}`).digits, digits)
  )
  it.each([1, 15, 30, 60, 300])("accepts a period of %d seconds", (period) =>
    assert.strictEqual(read(`${totp}&period=${period}`).period, period)
  )

  // RFC 6238, Appendix B: the seeds in base32, and the codes 59 seconds after the epoch.
  const seeds = [
    ["SHA1", "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ", "94287082"],
    ["SHA256", "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQGEZA", "46119246"],
    [
      "SHA512",
      "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQGEZDGNA",
      "90693936"
    ]
  ] as const
  it.effect.each(seeds.map(([algorithm, seed, code]) => ({ algorithm, seed, code })))(
    "reads the seed of RFC 6238 for $algorithm",
    ({ algorithm, code, seed }) =>
      Effect.gen(function* () {
        const address = `&quot;OTPAUTH://TOTP/RFC?SECRET=${seed}&amp;Algorithm=hmac-${algorithm}&amp;Digits=8&amp;Period=&quot;`
        const given = Result.getOrThrow(parse(address))
        assert.strictEqual(Redacted.value(yield* Totp.codeAtStep(given, Totp.stepAt(given, 59_000))), code)
      })
  )
  it.each([
    ["a counter-based account", `otpauth://hotp/x?${secret}&counter=1`, /counter-based.*HOTP/],
    ["a counter-based account in capitals", `OTPAUTH://HOTP/x?SECRET=JBSWY3DPEHPK3PXP`, /counter-based.*HOTP/],
    ["the parameter `counter`", `${totp}&counter=0`, /counter/],
    ["the parameter `type=hotp`", `${totp}&type=hotp`, /HOTP/],
    ["an unknown type", `otpauth://steam/x?${secret}`, /^is not an otpauth:\/\/totp\//],
    ["a missing type", `otpauth://?${secret}`, /^is not an otpauth:\/\/totp\//],
    ["the parameter `encoder`", `${totp}&encoder=steam`, /"encod"/],
    [
      "an export of several accounts",
      "otpauth-migration://offline?data=CjEKCkhlbGxvId6tvu8",
      /export.*otpauth-migration/
    ],
    [
      "an export of several accounts, in capitals and quotes",
      '"OTPAUTH-MIGRATION://OFFLINE?DATA=x"',
      /otpauth-migration/
    ],
    [
      "a percent-encoded export of several accounts",
      encodeURIComponent("otpauth-migration://offline?data=abc"),
      /otpauth-migration/
    ],
    ["the web address of a QR code image", `https://example.com/chart?chl=${encodeURIComponent(totp)}`, /web address/],
    ["a web address", "http://example.com/", /web address/],
    ["a data URL of an image", "data:image/png;base64,iVBORw0KGgo", /another kind of address/],
    ["a scheme other than otpauth", "steam://JBSWY3DPEHPK3PXP", /another kind of address/],
    ["two addresses", `${totp}\n${totp}`, /more than one otpauth/],
    ["text before the address", `My account: ${totp}`, /text before/],
    ["a part of an address", `${secret}&digits=8`, /part of an otpauth address/],
    ["a part of an address, in capitals", "?SECRET=JBSWY3DPEHPK3PXP", /part of an otpauth address/],
    ["two different secrets", `${totp}&secret=GEZDGNBVGY3TQOJQ`, /two different values for secret/],
    ["two different algorithms", `${totp}&algorithm=SHA1&Algorithm=SHA256`, /two different values for algorithm/],
    ["two different values of `digits`", `${totp}&digits=6&amp;digits=8`, /two different values for digits/],
    ["two different periods", `${totp}&period=30&period=60`, /two different values for period/],
    ["the algorithm MD5", `${totp}&algorithm=MD5`, /algorithm.*MD5/],
    ["the algorithm SHA-3", `${totp}&algorithm=SHA3-256`, /algorithm.*SHA3-256/],
    ["the algorithm SHA-2 without a length", `${totp}&algorithm=SHA2`, /algorithm/],
    ["the algorithm SHA-512/256", `${totp}&algorithm=SHA512%2F256`, /algorithm/],
    ["`digits` in Devanagari", `${totp}&digits=\u096c`, /digits/],
    ["codes of five digits", `${totp}&digits=5`, /digits/],
    ["codes of nine digits", `${totp}&digits=9`, /digits/],
    ["`digits` with a decimal point", `${totp}&digits=6.0`, /digits/],
    ["a hexadecimal value of `digits`", `${totp}&digits=0x6`, /digits/],
    ["a period with a unit", `${totp}&period=30s`, /period/],
    ["a period of zero", `${totp}&period=0`, /period/],
    ["a negative period", `${totp}&period=-30`, /period/],
    ["a misspelled parameter `algorithm`", `${totp}&algorithim=SHA256`, /"alg"/],
    ["a misspelled parameter `period`", `${totp}&peroid=60`, /number/],
    ["another name for `period`", `${totp}&timestep=60`, /"time"|"step"/],
    ["another name for `algorithm`", `${totp}&hash=SHA256`, /"hash"/],
    ["an HTML ampersand without its semicolon", `${totp}&ampalgorithm=SHA256`, /"alg"/],
    ["encoded ampersands between the parameters", `${totp}%26algorithm=SHA256%26digits%3D8`, /encoded/],
    ["an encoded `&digits=` in the issuer", `${totp}&issuer=x%26digits%3D8`, /encoded/],
    ["semicolons between the parameters", `${totp};algorithm=SHA256`, /encoded/],
    ["a second question mark", `otpauth://totp/x?issuer=y?${secret}`, /encoded/],
    ["an unencoded # before a parameter", `${totp}&issuer=No #1&algorithm=SHA256`, /#/],
    ["an unencoded # in the label", `otpauth://totp/No #1?${secret}`, /#/],
    ["an invalid percent-encoding in the secret", "otpauth://totp/x?secret=JBSW%ZZY3DPEHPK3PXP", /percent/],
    ["a missing secret", "otpauth://totp/x?issuer=y", /^has no secret/],
    ["a secret with a missing character", "otpauth://totp/x?secret=JBSWY3DPEHPK3PXPJBSWY3", /missing/],
    ["an empty secret", "otpauth://totp/x?secret=%20&issuer=y", /^has no secret/],
    ["a quotation mark at only one end", `"${totp}`, /begins with a quotation mark \("\)/]
  ])("rejects %s", (_, text, problem) => {
    const failure = Result.getOrThrow(Result.flip(parse(text)))
    assert.match(failure, problem)
    assert.notMatch(failure, /JBSW|GEZD|A123456/i)
  })

  it("accepts a secret that looks hexadecimal", () => {
    assert.strictEqual(read("otpauth://totp/x?secret=abcdef234567abcdef234567abcdef23").key.length, 20)
  })
})

describe("Totp.parse", () => {
  it.prop("never throws, and never quotes the secret or the account", [Schema.String, Schema.String], ([one, two]) => {
    for (const text of [
      one,
      `otpauth://totp/${one}?${two}`,
      `${totp}&${one}=${two}`,
      `otpauth://totp/x?secret=${one}&${two}`
    ]) {
      const result = parse(text)
      assert.notMatch(Result.isFailure(result) ? result.failure : "", /JBSW|A123456/)
    }
  })

  it("is fast for a text that repeats one string 20,000 times", () => {
    for (const sign of ["otpauth://", "%26", "&amp;", "&", "=", "#", "?", " ", "A", "secret=", "\\"]) {
      parse(sign.repeat(20_000))
      assert.isTrue(Result.isFailure(parse(`otpauth://totp/x?issuer=${sign.repeat(20_000)}`)), sign)
    }
  })
})

describe("Totp.parse without an address", () => {
  it.each([
    ["in quotes", '"JBSWY3DPEHPK3PXP"'],
    ["in typographic quotes", "\u2018JBSW Y3DP EHPK 3PXP\u2019"],
    ["with invisible characters", "\u200bJBSW\u200bY3DP\u00adEHPK\u20603PXP\ufeff"],
    ["in capitalized groups", "Jbsw y3dp ehpk 3pxp"],
    ["with percent-encoded padding", "JBSWY3DPEHPK3PXP%3D%3d"],
    ["with a trailing carriage return", "JBSWY3DPEHPK3PXP\r"],
    ["with typographic dashes", "JBSW\u2013Y3DP\u2011EHPK\u20143PXP"]
  ])("accepts a secret %s", (_, text) => assert.deepStrictEqual(read(text), plain))

  it.each([
    ["hexadecimal", "48656c6c6f21deadbeef48656c6c6f21deadbeef", /hexadecimal/],
    ["hexadecimal in capitals and groups", "4865 6C6C 6F21 DEAD BEEF 4865 6C6C", /hexadecimal/],
    ["hexadecimal with digits only", "3132333435363738393031323334353637383930", /hexadecimal/],
    ["hexadecimal with 0x", "0x48656c6c6f21deadbeef", /hexadecimal/],
    ["a secret that could be hexadecimal or base32", "abcdef234567abcdef234567abcdef23", /hexadecimal/],
    ["base64", "SGVsbG8h3q2+7w==", /base64/],
    ["base64 with letters only", "SGVsbGhJcVdDbXlPcGFz", /base64/],
    ["letters of mixed case around an en dash", "abCDefGHijKLm–nOPqrST2345", /base64/],
    ["letters of mixed case around an invisible character", "abCDefGHijKLm\u200bnOPqrST2345", /base64/],
    ["base64url", "SGVsbG8h3q2-7w_SGVsbG8h3q", /base64/],
    ["a label before the secret", "Key: JBSWY3DPEHPK3PXP", /words next to.*alone/],
    ["a label of several words before the secret", "TOTP secret key : JBSW Y3DP EHPK 3PXP", /words next to/],
    ["a label in German before the secret", "Schl\u00fcssel: JBSWY3DPEHPK3PXP", /words next to/],
    ["a label with a full-width colon before the secret", "Key\uff1aJBSWY3DPEHPK3PXP", /words next to/],
    ["a label on a separate line", "Secret:\nJBSWY3DPEHPK3PXP", /words next to/],
    ["a label with a colon directly before the secret", "secret:JBSWY3DPEHPK3PXP", /words next to/],
    ["a label with a dash before the secret", "Setup-JBSWY3DPEHPK3PXP", /words next to/],
    ...[17, 19, 22, 25, 27, 30, 33].map((length): [string, string, RegExp] => [
      `a secret of ${length} characters`,
      "JBSWY3DPEHPK3PXP".repeat(3).slice(0, length),
      /missing/
    ]),
    ["a placeholder", "your-totp-secret", /^is a placeholder/],
    ["a placeholder that is base32", "YOURTOTPSECRETHERE", /^is a placeholder/],
    ["a row of X, which is base32", "XXXX XXXX XXXX XXXX", /^is a placeholder/],
    ["a secret of 15 characters with padding", "JBSWY3DPEHPK3PX=====", /too short/],
    ["a secret of 17 characters with padding", "JBSWY3DPEHPK3PXPA=======", /missing/],
    ["a secret of 30 characters and an invisible character", "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3P\u200b", /missing/],
    ["the digit 0", "JBSWY3DPEHPK3PX0", /^is not base32/],
    ["the digit 1", "JBSWY3DPEHPK3PX1", /^is not base32/],
    ["the digit 8", "JBSWY3DPEHPK3PX8", /^is not base32/],
    ["full-width letters", "\uff2a\uff22SWY3DPEHPK3PXP", /^is not base32/],
    ["an ellipsis", "JBSWY3DPEHPK3PXP\u2026", /^is not base32/],
    ["a megabyte of base32", "JBSWY3DP".repeat(131_072), /too long/],
    ["a word before the secret", "secret JBSWY3DPEHPK3PXP", /words next to/],
    ["several words before the secret", "Your Key JBSWY3DPEHPK3PXP", /words next to/],
    ["words before the secret, on a separate line", "Setup key\nJBSW Y3DP EHPK 3PXP", /words next to/],
    ["padding in the middle", "JBSWY3DP==EHPK3PXP", /^is not base32/],
    ["a quotation mark at one end", "JBSWY3DPEHPK3PXP'", /ends with a quotation mark \('\)/],
    ["letters of another script", "\u0410BSWY3DPEHPK3PXP", /^is not base32/],
    ["quotation marks around nothing", '""', /^is empty$/]
  ] as ReadonlyArray<[string, string, RegExp]>)("rejects %s", (_, text, problem) => {
    const failure = Result.getOrThrow(Result.flip(parse(text)))
    assert.match(failure, problem)
    assert.notMatch(failure, /4865|SGVs|JBSW|abcdef/i)
  })

  it.each([null, undefined, 5, "JBSWY3DPEHPK3PXP", Redacted.make(null), Redacted.make(5)])(
    "rejects an argument that is not Redacted text: %j",
    (wrong) => {
      assert.deepStrictEqual(Totp.parse(wrong as never), Result.fail("must be Redacted text"))
      assert.strictEqual(CodeSource.totp(wrong as never).problem, "must be Redacted text")
      assert.strictEqual(CodeSource.fixed(wrong as never).problem, "must be Redacted text")
    }
  )

  it.each([16, 18, 20, 21, 23, 24, 26, 29, 32])("accepts a secret of %d characters", (length) =>
    assert.strictEqual(read("JBSWY3DPEHPK3PXP".repeat(2).slice(0, length)).key.length, Math.floor((length * 5) / 8))
  )
})
