import * as Redaction from "@auth/broker-core/broker/Redaction"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Headers from "effect/http/Headers"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"

const secrets = (...values: ReadonlyArray<string>) => values.map((value) => Redacted.make(value))

describe("Redaction.scrub without given secrets", () => {
  it.each([
    [`{"password":"canary"}`, `{"password":<redacted>}`],
    [`{"pin": 4711, "name": "Demo"}`, `{"pin": <redacted>, "name": "Demo"}`],
    [`{"jwtToken" : "can\\"ary", "a": 1}`, `{"jwtToken" : <redacted>, "a": 1}`],
    [`{"refreshToken":"canary that breaks o`, `{"refreshToken":<redacted>`],
    [`{'totp': 'canary'}`, `{'totp': <redacted>}`],
    ["user=A1&passwd=canary&x=1", "user=A1&passwd=<redacted>&x=1"],
    ["api_key=canary;apikey: canary", "api_key=<redacted>;apikey: <redacted>"],
    ["X-PrivateKey: canary", "X-PrivateKey: <redacted>"],
    ["client_secret=canary", "client_secret=<redacted>"],
    ["OTP: 123456 is wrong", "OTP: <redacted> is wrong"],
    ["auth_code=canary", "auth_code=<redacted>"],
    ["Authorization: Bearer canary", "Authorization: <redacted>"],
    ["authorization: Basic Y2FuYXJ5", "authorization: <redacted>"],
    ["sent bearer canary, refused", "sent Bearer <redacted>, refused"],
    ["token eyJhbGciOiJIUzUxMiJ9.e30.c2ln is old", "token <redacted> is old"],
    ["session 4a5b6c7d8e9f0a1b2c3d4e5f6a7b is over", "session <redacted> is over"],
    ["hash q83vEjRWeJCrze8SNFZ4kA== differs", "hash <redacted> differs"]
  ])("removes the secret from %s", (text, clean) => assert.strictEqual(Redaction.scrub(text), clean))

  it.each([
    "Invalid totp",
    "AB1050: the token has expired",
    "Your support ID is: 4285926532837493018285926",
    "thequickbrownfoxjumpsoverthelazydog",
    "Access denied because of exceeding access rate",
    "https://smartapi.angelone.in/docs",
    ""
  ])("does not change %j", (text) => assert.strictEqual(Redaction.scrub(text), text))
})

describe("a broker's text", () => {
  const unsafe = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u
  it.each([
    ["a line break", "denied\nINFO login ok", "denied INFO login ok"],
    ["a carriage return", "denied\r\nINFO", "denied INFO"],
    ["a tab", "a\tb", "a b"],
    ["an escape sequence", "\u001b[2Jcleared", "\ufffd[2Jcleared"],
    ["an escape sequence that begins with U+009B", "\u009b2Jcleared", "\ufffd2Jcleared"],
    ["a bell and a delete", "\u0007x\u007f", "\ufffdx\ufffd"],
    ["NUL", "a\u0000b", "a\ufffdb"],
    ["line and paragraph separators", "a\u2028b\u2029c\u0085d", "a b c d"],
    ["a direction override", "a\u202egpj.exe", "agpj.exe"],
    ["direction embeddings", "\u202aa\u202bb\u202cc\u202dd", "abcd"],
    ["direction isolates", "\u2066a\u2067b\u2068c\u2069", "abc"],
    ["direction marks", "a\u200e\u200f\u061cb", "ab"],
    ["zero-width characters", "a\u200b\u200c\u200d\u2060\ufeffb", "ab"],
    ["invisible tags", "a\u{e0041}b", "ab"],
    ["lone surrogates", "a\ud83d b\ude00", "a\ufffd b\ufffd"]
  ])("with %s is made safe for logs and terminals", (_, text, clean) => {
    assert.strictEqual(Redaction.scrub(text), clean)
    assert.notMatch(Redaction.excerpt(text), unsafe)
    assert.notMatch(Redaction.excerpt(JSON.stringify({ [text]: text })), unsafe)
  })

  it("with Hindi, Tamil and emoji is not changed", () =>
    assert.strictEqual(Redaction.scrub("पिन गलत है · தவறு · ₹ 😀"), "पिन गलत है · தவறு · ₹ 😀"))

  it("does not show a secret if invisible characters split it", () => {
    assert.strictEqual(Redaction.scrub("PIN 4\u200b7\u202e11 is", secrets("4711")), "PIN <redacted> is")
    assert.strictEqual(
      Redaction.excerpt("code 4\u200b7\u202e11 is", { secrets: secrets("4711") }),
      "code <redacted> is"
    )
  })

  it("is not cut inside an emoji", () => assert.notMatch(Redaction.excerpt(`${"x ".repeat(99)}y😀 more`), unsafe))
})

describe("Redaction.scrub with given secrets", () => {
  const secret = `p"ä/ß&<1> é`
  it.each([
    ["in plain text", secret],
    ["with capital letters", secret.replace("ä", "Ä").replace("p", "P")],
    ["in JSON", JSON.stringify(secret).slice(1, -1)],
    ["in a URL", encodeURIComponent(secret)],
    ["in a URL in lower case", encodeURIComponent(secret).toLowerCase()],
    ["in a form body", new URLSearchParams({ "": secret }).toString().slice(1)],
    [
      "in HTML",
      secret.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll(`"`, "&quot;")
    ],
    ["in hexadecimal", Buffer.from(secret).toString("hex").toUpperCase()],
    ["in base64", Buffer.from(secret).toString("base64")],
    ["in base64 for URLs", Buffer.from(secret).toString("base64url")]
  ])("removes a secret %s", (_, spelled) =>
    assert.strictEqual(Redaction.scrub(`[${spelled}] [x]`, secrets(secret)).replaceAll("=", ""), "[<redacted>] [x]")
  )

  it("removes every occurrence of every secret", () =>
    assert.strictEqual(
      Redaction.scrub("4711 A1 4711 x-y", secrets("4711", "x-y")),
      "<redacted> A1 <redacted> <redacted>"
    ))

  it.each([
    ["PIN1", "UElOMQ", "50494e31"],
    ["???", "Pz8/", "3f3f3f"],
    ["???", "Pz8_", "%3F%3F%3F"]
  ])("removes the secret %s encoded as %s or %s", (short, one, other) =>
    assert.strictEqual(Redaction.scrub(`[${one}] [${other}]`, secrets(short)), "[<redacted>] [<redacted>]")
  )

  it.each([
    ["abc", "xxabcyy"],
    ["abc", "abcyy"],
    ["abc", "xxabc"]
  ])("leaves no remainder of the overlapping secrets %s and %s", (one, other) => {
    for (const both of [secrets(one, other), secrets(other, one)]) {
      assert.strictEqual(Redaction.scrub(`1 ${other} 2 ${one} 3`, both), "1 <redacted> 2 <redacted> 3")
    }
  })

  it("removes a secret with special characters of regular expressions", () =>
    assert.strictEqual(Redaction.scrub("a.*[b] $&1 aXXb", secrets(".*[b]", "$&1")), "a<redacted> <redacted> aXXb"))

  it("ignores a secret of two characters", () =>
    assert.strictEqual(Redaction.scrub("a1 b a1", secrets("a1", "")), "a1 b a1"))

  it("removes a secret with a lone surrogate", () =>
    assert.strictEqual(Redaction.scrub("x \ud800abc y", secrets("\ud800abc")), "x <redacted> y"))

  it.prop(
    "removes any secret from any text",
    [Schema.String, Schema.String.check(Schema.isMinLength(3)), Schema.String],
    ([before, value, after]) => {
      // Skips a value that could overlap with the mask `<redacted>`.
      if (/[<>]/.test(value) || "redacted".includes(value.toLowerCase())) return
      const clean = Redaction.scrub(`${before}${value}${after}`, secrets(value))
      const untouched = Redaction.scrub(`${before}\u0000${after}`)
      assert.isTrue(!clean.includes(value) || untouched.includes(value) || `${before}\u0000${after}`.includes(value))
    }
  )
})

describe("Redaction.scrub and Redaction.excerpt", () => {
  it.each([
    ["of one letter", "a"],
    ["of letters with dashes", "a-"],
    ["of digits", "1"],
    ["of spaces", " "],
    ["of quotation marks", `"`],
    ["of backslashes in a value", `token:"\\`],
    ["of the word password", "password "],
    ["of the word password with many spaces", "password            "],
    ["of beginnings of a token", "eyJ"],
    ["of beginnings of a token with a dot", "eyJ."],
    ["of the word bearer", "bearer "],
    ["of beginnings of a secret", "canar"],
    ["of unclosed tags", "<a "],
    ["of unclosed scripts", "<script "],
    ["of closing script tags", "</script>"],
    ["of secrets inside tags", "<canary"],
    ["of elements that hold a secret", "<token>x"],
    ["of nested elements", "<token><a>"],
    ["of attributes", `<a name="token" `],
    ["of entities", "&amp;"],
    ["of beginnings of entities", "&#0"],
    ["of escaped tags", "&lt;a&gt;"],
    ["of line breaks", "\n"],
    ["of escape characters", "\u001b"],
    ["of lone surrogates", "\ud800"],
    ["of percent-encoded quotation marks", "%22"],
    ["of the words token and x", "token x "]
  ])("take less than two CPU seconds for a megabyte %s", (_, unit) => {
    const text = unit.repeat(Math.ceil(1_000_000 / unit.length))
    const began = process.threadCpuUsage()
    Redaction.scrub(text, secrets("canary"))
    Redaction.excerpt(text, { secrets: secrets("canary") })
    const { system, user } = process.threadCpuUsage(began)
    assert.isBelow((system + user) / 1000, 2000)
  })
  it.each([
    ["an unclosed value", `token:"`, "a"],
    ["one long word", "", "a1"],
    ["many dots", "eyJ", ".a"],
    ["many beginnings of tags", "", "<a"]
  ])("do not crash for twenty megabytes with %s", (_, begin, unit) => {
    const text = `4711 ${begin}${unit.repeat(20_000_000 / unit.length)}`
    assert.isTrue(Redaction.scrub(text, secrets("4711")).startsWith("<redacted> "))
    assert.isTrue(Redaction.excerpt(text, { secrets: secrets("4711") }).startsWith("<redacted>"))
  })
})

describe("Redaction.excerpt of JSON", () => {
  const key = "canaryKey1"
  it.each([
    [
      `{"status":true,"data":{"jwtToken":"canary"},"n":1,"none":null}`,
      `{"status":boolean,"data":{"jwtToken":string(6)},"n":number,"none":null}`
    ],
    [`[{"pin":"canary"},2]`, "array(2)"],
    [`"canary"`, "string(6)"],
    ["4711", "number"],
    ["{}", "{}"],
    [`{"a":{"b":{"c":{"d":"canary"}}}}`, `{"a":{"b":{"c":object}}}`],
    [`{"canary with blanks":1,"":2,"x\\"y":3,"__proto__":4}`, `{"…":number,"…":number,"…":number,"__proto__":number}`],
    [`{"eyJhbGciOiJIUzUxMiJ9":1,"q83vEjRWeJCrze8SNFZ4kA12":1}`, `{"…":number,"…":number}`],
    [`{"${key}":1}`, `{"<redacted>":number}`],
    [`{"${"k".repeat(41)}":1}`, `{"…":number}`]
  ])("shows types in place of the values in %s", (text, outline) =>
    assert.strictEqual(Redaction.excerpt(text, { secrets: secrets(key) }), outline)
  )

  it("shows the names and types of parsed JSON", () =>
    assert.strictEqual(Redaction.excerpt("\ufeff{…}", { json: { a: "canary" } }), `{"a":string(6)}`))

  it("shows the first fields of JSON with many fields", () => {
    const many = Object.fromEntries(Array.from({ length: 5000 }, (_, index) => [`field${index}`, "canary"]))
    const text = Redaction.excerpt(JSON.stringify(many))
    assert.isAtMost(text.length, 201)
    assert.match(text, /^\{"field0":string\(6\),.*…$/)
  })

  it("shows the length of a long text instead of the text", () =>
    assert.strictEqual(Redaction.excerpt(JSON.stringify({ name: "canary ".repeat(1000) })), `{"name":string(7000)}`))

  it("shows three levels of JSON with a hundred thousand levels", () => {
    const deep = `${`{"a":`.repeat(100_000)}1${"}".repeat(100_000)}`
    assert.strictEqual(Redaction.excerpt(deep), `{"a":{"a":{"a":object}}}`)
  })
})

describe("Redaction.excerpt of text that is not JSON", () => {
  it.each([
    ["tag", "<html><body><h1>Request\n  Rejected</h1></body></html>", "Request Rejected"],
    [
      "script",
      "<script>var token = 'canary'</script>Down<style>.canary{}</style> for maintenance",
      "Down for maintenance"
    ],
    ["truncated script", "Down<script>var x = 'canary", "Down"],
    ["tag, but keeps the words apart", "no<br>token<p>yes", "no token yes"],
    ["truncated tag", `Down<input value="canary`, "Down"],
    ["attribute", `<input name="pin" value="canary">Wrong`, "Wrong"],
    ["secret inside a tag", `<input value="ca<n>ary1">Wrong PIN ca<n>ary1`, "Wrong PIN <redacted>"],
    ["secret with HTML characters", `<b>ca<n>ary1</b> no`, "<redacted> no"],
    [
      "secret in truncated JSON",
      `{"status":true,"data":{"jwtToken":"canary`,
      `{"status":true,"data":{"jwtToken":<redacted>`
    ],
    ["white space at the ends", "  \n ", ""]
  ])("contains no %s", (_, text, shown) =>
    assert.strictEqual(Redaction.excerpt(text, { secrets: secrets("ca<n>ary1") }), shown)
  )

  it.each([
    ["an element", "<r><accessToken>abc123</accessToken><code>7</code></r>", "<redacted> 7"],
    ["an element with a namespace", `<ns:jwt xsi:type="string">abc</ns:jwt> no`, "<redacted> no"],
    ["nested elements", "<token><value>abc</value>x<token>y</token>z</token> no", /^(<redacted> )+no$/],
    ["the element pin with the inner element pincode", "<pin><pincode>1</pincode>4711</pin> no", /^(<redacted> )+no$/],
    ["the element <a> with the stray end tag </abbr>", `<a id="token">1</abbr>4711</a> no`, /^(<redacted> )+no$/],
    ["an element with a blank in the end tag", "<pin>4711</pin > no", "<redacted> no"],
    ["a truncated element", "no <pin>4711", "no <redacted>"],
    ["character data", "<token><![CDATA[abc123]]></token> no", "no"],
    ["an element whose attribute names the secret", `<field name="feedToken">abc</field> no`, "<redacted> no"],
    ["cells of a table", "<td>Token</td><td>abc123</td> no", "Token <redacted> no"],
    ["escaped JSON", "&quot;token&quot;:&quot;abc&quot; no", `"token":<redacted> no`],
    ["numerically escaped JSON", "&#34;token&#x22; : &#39;abc&#39; no", `"token" : <redacted> no`],
    ["JSON escaped twice", "&amp;quot;token&amp;quot;:&amp;quot;abc&amp;quot; no", `"token":<redacted> no`],
    ["escaped XML", "&lt;accessToken&gt;abc&lt;/accessToken&gt; no", "<redacted> no"],
    ["nested JSON", `{"x":"{\\"token\\":\\"abc\\"}`, /^(?!.*abc)/],
    ["JSON in an address", "?q=%22token%22%3A%22abc%22%20no", `?q="token":<redacted> no`],
    ["JSON with Unicode escapes", String.raw`x \u0022token\u0022:\u0022abc\u0022 no`, `x "token":<redacted> no`],
    [
      "the fields sessionId, jwt and signature",
      `"sessionId":"abc","jwt":"abc","signature":'abc' no`,
      /^(?!.*abc).*no$/
    ],
    ["a one-time code", "otp 123456 no", "otp <redacted> no"],
    ["bare text", "token abc123 no", "token <redacted> no"],
    [
      "bare text with a word between the name and the secret",
      "Your token is abc123, no",
      "Your token is <redacted>, no"
    ],
    ["bare text in capitals", "ACCESS TOKEN ABCDEF12 no", "ACCESS TOKEN <redacted> no"],
    ["bare text with an arrow", "token => abc no", "token => <redacted> no"],
    ["bare text in quotation marks", `token "abc" no`, "token <redacted> no"],
    ["bare text in brackets", "token (abc) no", "token <redacted> no"],
    ["a session id in bare text", "Session id: abc123 no", "Session id: <redacted> no"],
    ["a parameter", "?x=1&sid=abc no", /^(?!.*abc)/],
    [
      "text with =, : or > between the name and the secret",
      "sid=abc key:def sessionKey>ghi no",
      "sid=<redacted> key:<redacted> sessionKey><redacted> no"
    ],
    ["bare letters", "token kjhgfd no", "token <redacted> no"],
    ["two tokens separated by a colon", "token abc:def no", "token <redacted> no"],
    ["an opaque word", "for 4a5b6c7d8e9f no", "for <redacted> no"],
    ["an opaque word of 19 characters", "for aB3aB3aB3aB3aB3aB3a no", "for <redacted> no"]
  ])("removes a short secret written as %s", (_, text, quoted) => {
    const excerpt = Redaction.excerpt(text)
    if (quoted instanceof RegExp) assert.match(excerpt, quoted)
    else assert.strictEqual(excerpt, quoted)
  })

  it.each([
    "Invalid token",
    "token expired, please log in",
    "The token has expired",
    "Wrong PIN or password",
    "Error 502 Bad Gateway nginx/1.24.0",
    "AB1050: the token is invalid",
    "Down for maintenance from 27-Nov-2026 22:00 to 23:30 IST"
  ])("keeps %j", (text) => assert.strictEqual(Redaction.excerpt(text), text))

  it("is cut after 200 characters", () => {
    const text = Redaction.excerpt("word ".repeat(2000))
    assert.strictEqual(text, `${"word ".repeat(40)}…`)
  })

  it.each([
    ["character 4096 of the text", 4096, " "],
    ["the end of the excerpt", 200, "x "]
  ])("shows no part of a secret near %s", (_, edge, filler) => {
    for (const secret of ["canary-4711", "can ary 4711"]) {
      for (let shift = -secret.length - 2; shift <= 2; shift += 1) {
        const before = filler.repeat(edge).slice(0, edge + shift)
        const text = Redaction.excerpt(`${before}${secret} and more`.padEnd(9000, " tail"), {
          secrets: secrets(secret)
        })
        assert.notMatch(text, /can/)
      }
    }
  })

  it("shows no part of a token near character 4096 of the text", () => {
    for (let length = 4060; length < 4100; length += 1) {
      const text = Redaction.excerpt(`eyJ${"a".repeat(length)} 4a5b6c7d8e9f0a1b2c3d4e5f6a7b tail`.padEnd(9000, " tail"))
      assert.notMatch(text, /4a5/)
    }
  })
})

it.effect("Redaction.layerHeaders adds names to Effect's redacted header names", () =>
  Effect.gen(function* () {
    const before = yield* Headers.CurrentRedactedNames
    const names = yield* Effect.provide(Headers.CurrentRedactedNames, Redaction.layerHeaders(["X-PrivateKey"]))
    assert.deepStrictEqual(names, [...before, "x-privatekey"])
    assert.include(names, "authorization")
    const headers = Headers.fromInput({ "X-PrivateKey": "canary", authorization: "canary", accept: "text/plain" })
    assert.notInclude(JSON.stringify(Headers.redact(headers, names)), "canary")
  })
)
