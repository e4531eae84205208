import type * as AuthError from "@auth/broker-core/login/AuthError"
import * as RedirectLogin from "@auth/broker-core/login/RedirectLogin"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import { shown } from "./support.ts"

const state = "0123456789abcdef0123456789abcdef"
const registered = "https://app.example/callback"

const parse = (
  callbackUrl: string,
  redirectUrl = registered,
  options: Partial<Parameters<typeof RedirectLogin.parseCallback>[0]> = {}
) =>
  RedirectLogin.parseCallback({
    broker: "tiny",
    request: { url: Redacted.make("https://login.example/?api_key=key"), state: Redacted.make(state), redirectUrl },
    callbackUrl: Redacted.make(callbackUrl),
    state: "required",
    ...options
  })

const codeIn = (callbackUrl: string, redirectUrl?: string) =>
  Effect.map(
    Effect.flatMap(parse(callbackUrl, redirectUrl), (parameters) =>
      RedirectLogin.requireParameter("tiny", parameters, "code")
    ),
    Redacted.value
  )

const refusal = <A>(effect: Effect.Effect<A, AuthError.AuthError>) =>
  Effect.map(Effect.flip(effect), (error) => {
    assert.notInclude(shown(error), "canary")
    assert.notInclude(shown(error), state)
    const { reason } = error
    if (reason._tag !== "RedirectRejected") return assert.fail(reason._tag)
    return reason
  })

const codePoint = (sign: string) => `U+${sign.codePointAt(0)?.toString(16).toUpperCase().padStart(4, "0")}`

const query = `code=canary&state=${state}`

describe("RedirectLogin.parseCallback", () => {
  it.effect.each([
    ["a second question mark", `${registered}?app=1?${query}`],
    ["two consecutive question marks", `${registered}??${query}`],
    ["a question mark after an ampersand", `${registered}?app=1&?${query}`],
    ["&amp; instead of &", `${registered}?code=canary&amp;state=${state}`],
    ["&amp;amp; instead of &", `${registered}?code=canary&amp;amp;state=${state}`],
    ["&#38; instead of &", `${registered}?code=canary&#38;state=${state}`],
    ["&#x26; instead of &", `${registered}?code=canary&#x26;state=${state}`],
    ["\\u0026 instead of &", `${registered}?code=canary\\u0026state=${state}`],
    ["the backslashes that a shell adds", `${registered}\\?code\\=canary\\&state\\=${state}`],
    ["parameters in the fragment", `${registered}#${query}`],
    ["one parameter in the query and one in the fragment", `${registered}?state=${state}#code=canary`],
    ["a fragment that begins with a slash", `${registered}#/${query}`],
    ["parameters after a hash route", `${registered}#/done?${query}`],
    ["a hash route with a second question mark", `${registered}#/done?a=1?${query}`],
    ["an empty fragment", `${registered}?${query}#`],
    ["a fragment that some login pages add", `${registered}?${query}#_=_`],
    ["a host in capitals", `https://APP.Example/callback?${query}`],
    ["a scheme in capitals", `HTTPS://app.example/callback?${query}`],
    ["the default port", `https://app.example:443/callback?${query}`],
    ["line breaks inside", `https://app.example/callback?code=can\n  ary&state=\r\n${state}`],
    ["surrounding blanks", `\t ${registered}?${query} \n`],
    ["surrounding quotes", `"${registered}?${query}"`],
    ["surrounding single quotes", `'${registered}?${query}'`],
    ["surrounding typographic quotes", `“${registered}?${query}”`],
    ["surrounding angle brackets", `<${registered}?${query}>`],
    ["surrounding quotes and blanks", ` "${registered}?${query}" \n`],
    ["a leading byte order mark", `\ufeff${registered}?${query}`],
    ["zero-width characters inside", `\u200b${registered}?code=can\u200bary&state=${state}\u200b`],
    ["percent-encoding of the whole address", encodeURIComponent(`${registered}?${query}`)],
    ["two percent-encodings of the whole address", encodeURIComponent(encodeURIComponent(`${registered}?${query}`))],
    ...["\u00ad", "\u061c", "\u202a", "\u202c", "\u2066", "\u2069", "\ufe0f", "\u180e", "\u3164", "\0"].flatMap(
      (sign) => [
        [`${codePoint(sign)} inside`, `${registered}?co${sign}de=can${sign}ary${sign}&state=${state}${sign}`] as const,
        [`surrounding ${codePoint(sign)}`, `${sign}"${sign}${registered}?${query}${sign}"${sign}`] as const
      ]
    ),
    ...["\u200b", "\u00ad", "\u202c", "\u2069", "\u00a0", "\u3000", "\t", "\n"].map(
      (sign) =>
        [
          `a percent-encoded ${codePoint(sign)} after each value`,
          `${registered}?code=canary${encodeURIComponent(sign)}&state=${state}${encodeURIComponent(sign)}`
        ] as const
    ),
    ["a percent-encoded U+200B inside the code", `${registered}?code=can%E2%80%8Bary&state=${state}`],
    ["surrounding Unicode blanks", `\u00a0\u3000${registered}?${query}\u3000\u00a0`],
    ["Unicode line breaks inside", `https://app.example/callback?code=can\u2028ary&state=\u2029${state}`],
    ["surrounding &quot;", `&quot;${registered}?${query}&quot;`],
    ["surrounding full-width quotes", `\uff02${registered}?${query}\uff02`],
    ["no origin, as in a request to a server", `/callback?${query}`]
  ] as const)("accepts a callback with %s", ([, url]) =>
    Effect.gen(function* () {
      assert.strictEqual(yield* codeIn(url), "canary")
    })
  )

  it.effect.each([
    ["an unencoded +", "ab+cd/ef==", "ab+cd/ef=="],
    ["an encoded +", "ab%2Bcd", "ab+cd"],
    ["a blank", "ab%20cd", "ab cd"],
    ["characters encoded twice", "ab%252Bcd%253D%253D", "ab+cd=="],
    ["a percent sign that encodes nothing", "100%zz", "100%zz"],
    ["Bearer at the start", "Bearer+ab+cd", "Bearer ab+cd"],
    ["Bearer twice at the start", "Bearer+bearer+ab+cd", "Bearer bearer ab+cd"]
  ] as const)("decodes a code that contains %s", ([, sent, expected]) =>
    Effect.gen(function* () {
      assert.strictEqual(yield* codeIn(`${registered}?code=${sent}&state=${state}`), expected)
    })
  )

  it.effect.each([
    ["a custom scheme", "myapp://cb", `myapp://cb?${query}`],
    ["a custom scheme and a path", "myapp://cb/done", `MYAPP://CB/done?${query}`],
    ["a custom scheme and no path, if the callback has the path /", "myapp://cb", `myapp://cb/?${query}`],
    ["a custom scheme and no host", "com.example.app:/cb", `com.example.app:/cb?${query}`],
    ["no path", "https://app.example", `https://app.example/?${query}`],
    ["a query", `${registered}?app=1`, `${registered}?app=1?${query}`],
    ["a query that repeats a name", `${registered}?a=1&a=2`, `${registered}?a=1&a=2&${query}`],
    ["a state", `${registered}?state=mine`, `${registered}?state=mine&${query}`],
    ["a code", `${registered}?code=1&a=2`, `${registered}?code=1&a=2&${query}`],
    ["a STATE", `${registered}?STATE=mine`, `${registered}?STATE=mine&${query}`],
    ["an error parameter", `${registered}?error=none`, `${registered}?error=none&${query}`],
    ["a state that the broker replaces", `${registered}?state=mine`, `${registered}?${query}`],
    ["a loopback address", "http://127.0.0.1:3000/callback", `/callback?${query}`]
  ] as const)("accepts a callback for a redirect URL with %s", ([, redirectUrl, url]) =>
    Effect.gen(function* () {
      assert.strictEqual(yield* codeIn(url, redirectUrl), "canary")
    })
  )
  it.effect.each([
    ["an internal address behind a proxy", `http://10.0.0.5:3000/callback?${query}`, "origin", /X-Forwarded-Proto/],
    ["a loopback address behind a proxy", `http://localhost:3000/callback?${query}`, "origin", /X-Forwarded-Host/],
    ["a service name behind a proxy", `http://web:8080/callback?${query}`, "origin", /proxy/],
    ["an internal IPv6 address behind a proxy", `http://[fd00::5]:3000/callback?${query}`, "origin", /proxy/],
    ["an internal host name behind a proxy", `http://web.internal/callback?${query}`, "origin", /proxy/],
    ["an http address behind a proxy that terminates TLS", `http://app.example/callback?${query}`, "origin", /proxy/],
    ["an internal port behind a proxy", `http://app.example:3000/callback?${query}`, "origin", /proxy/],
    ["an additional slash at the end", `${registered}/?${query}`, "origin", /slash at the end/],
    ["another path", `https://app.example/other?${query}`, "origin", /path/],
    ["a relative address with another path", `/other?${query}`, "origin", /path/],
    ["another host", `https://evil.example/callback?${query}`, "origin", /redirect URL/],
    ["another host without a scheme", `//evil.example/callback?${query}`, "origin", /redirect URL/],
    ["another host after a backslash", `/\\evil.example/callback?${query}`, "origin", /redirect URL/],
    ["an address with a user name", `https://canary@app.example/callback?${query}`, "origin", /redirect URL/],
    ["a blob URL of the same origin", `blob:${registered}?${query}`, "origin", /redirect URL/],
    ["a query without an address", `?${query}`, "not-a-url", /whole address/],
    ["parameters without an address", query, "not-a-url", /whole address/],
    ["a code without an address", "canary", "not-a-url", /whole address/],
    ["an address without a scheme", `app.example/callback?${query}`, "not-a-url", /whole address/],
    ["an address with a blank", `${registered}?code=can ary&state=${state}`, "not-a-url", /blank/],
    ["an address with a no-break space", `${registered}?code=can\u00a0ary&state=${state}`, "not-a-url", /blank/],
    ["an address with an ideographic space", `${registered}?code=canary\u3000&state=${state}`, "not-a-url", /blank/],
    ["two addresses on two lines", `${registered}?${query}\n${registered}?${query}`, "not-a-url", /twice/],
    ["two adjacent addresses", `${registered}?${query}${registered}?${query}`, "not-a-url", /twice/],
    ["an HTML link", `<a href="${registered}?${query}">here</a>`, "not-a-url", /blank/],
    ["text longer than any address", `${registered}?${query}&x=${"y".repeat(1_000_000)}`, "not-a-url", /longer/],
    ["an address followed by words", `${registered}?${query} is what I see`, "not-a-url", /blank/],
    ["an address with two codes", `${registered}?${query}&code=other`, "repeated", /once/],
    ["an address with the parameters code and CODE", `${registered}?${query}&CODE=other`, "repeated", /once/],
    ["an address with a second code in the fragment", `${registered}?${query}#code=other`, "repeated", /once/],
    ["an address with a code and an empty code", `${registered}?${query}&code=`, "repeated", /once/],
    ["an address without a code", `${registered}?state=${state}`, "missing-token", /Begin the login again/],
    [
      "an address whose code is only plus signs",
      `${registered}?code=+++&state=${state}`,
      "missing-token",
      /Begin the login again/
    ]
  ] as const)("rejects %s, and names the remedy", ([, url, why, remedy]) =>
    Effect.gen(function* () {
      const reason = yield* refusal(codeIn(url))
      assert.strictEqual(reason.why, why)
      assert.match(reason.remedy, remedy)
    })
  )

  it.effect("ignores the redirect URL's own code", () =>
    Effect.gen(function* () {
      const url = `${registered}?code=canary`
      assert.strictEqual((yield* refusal(codeIn(`${url}&state=${state}`, url))).why, "missing-token")
      assert.strictEqual(yield* codeIn(`${url}&${query}`, url), "canary")
    })
  )

  it.effect.each(["optional", "none"] as const)(
    "ignores the redirect URL's own state if the option `state` is %j",
    (rule) =>
      Effect.gen(function* () {
        const url = `${registered}?state=mine`
        const parameters = yield* parse(`${url}&code=canary`, url, { state: rule })
        assert.deepStrictEqual(Array.from(parameters.keys()), ["code"])
      })
  )

  it.effect("ignores the redirect URL's own outcome parameter", () =>
    Effect.gen(function* () {
      const url = `${registered}?status=success`
      const outcome = { parameter: "status", success: "success" }
      assert.strictEqual(
        (yield* refusal(parse(`${url}&status=cancelled&state=${state}`, url, { outcome }))).why,
        "denied"
      )
      assert.strictEqual((yield* parse(`${url}&status=success&${query}`, url, { outcome })).size, 3)
    })
  )

  it.effect("rejects a callback without the redirect URL's user name", () =>
    Effect.gen(function* () {
      const { remedy } = yield* refusal(codeIn(`${registered}?${query}`, "https://user@app.example/callback"))
      assert.match(remedy, /configure exactly that URL/)
    })
  )

  it.effect.each([
    ["another host", "myapp://cb", `myapp://evil/?${query}`],
    ["another host and the registered host as the path", "myapp://cb", `myapp://evil/cb?${query}`],
    ["the registered host as a path", "myapp://cb", `myapp:/cb?${query}`],
    ["the registered host as an opaque path", "myapp://cb", `myapp:cb?${query}`],
    ["another path", "myapp://cb/done", `myapp://cb/other?${query}`],
    ["another port", "myapp://cb", `myapp://cb:1/?${query}`],
    ["another scheme", "myapp://cb", `evil://cb?${query}`],
    ["the scheme https", "myapp://cb", `https://cb/?${query}`]
  ] as const)("rejects a callback with %s if the redirect URL has a custom scheme", ([, redirectUrl, url]) =>
    Effect.gen(function* () {
      assert.strictEqual((yield* refusal(codeIn(url, redirectUrl))).why, "origin")
    })
  )

  it.effect("rejects another loopback host without mentioning a proxy", () =>
    Effect.gen(function* () {
      const { remedy } = yield* refusal(
        codeIn(`http://localhost:3000/callback?${query}`, "http://127.0.0.1:3000/callback")
      )
      assert.notInclude(remedy, "proxy")
      assert.include(remedy, "redirect URL")
    })
  )
})

it.effect("RedirectLogin.parseCallback accepts the redirect URL as a parameter's value", () =>
  Effect.gen(function* () {
    assert.strictEqual(yield* codeIn(`${registered}?${query}&redirect_uri=${registered}`), "canary")
  })
)

it.effect("RedirectLogin.parseCallback reports the missing scheme of localhost:3000/callback", () =>
  Effect.gen(function* () {
    const reason = yield* refusal(codeIn(`localhost:3000/callback?${query}`, "http://localhost:3000/callback"))
    assert.strictEqual(reason.why, "not-a-url")
    assert.match(reason.remedy, /whole address, which begins with http:\/\//)
  })
)

it.effect("RedirectLogin.parseCallback quickly rejects up to a megabyte of one repeated sign", () =>
  Effect.gen(function* () {
    for (const sign of [" ", "\t", "\n", '"', "<", "'", "&amp;", "&quot;", "%25", "?", "#", "=", "\u200b", "\\", "+"]) {
      for (const length of [20_000, 1_000_000]) {
        const long = sign.repeat(length / sign.length)
        yield* Effect.flip(parse(`${registered}?code=canary${long}x`))
        yield* Effect.flip(parse(`x${long}x`))
        yield* Effect.flip(parse(`https%3A${long}x`))
      }
    }
  })
)

const Part = Schema.Literals([
  "app.example",
  "evil.example",
  "cb",
  "evil",
  "callback",
  "/",
  "//",
  "\\",
  "@",
  ":",
  "..",
  "?",
  "#",
  "%2f",
  "&amp;",
  "\t",
  "\n",
  " ",
  '"',
  "http",
  "https",
  "myapp",
  ":443",
  ":8443",
  "code=a",
  `state=${state}`
])

it.effect.prop(
  "RedirectLogin.parseCallback accepts only relative addresses and addresses with the redirect URL's origin",
  {
    redirectUrl: Schema.Literals([registered, "myapp://cb/callback"]),
    start: Schema.Literals(["", registered, "/callback", "//app.example/callback", "https:app.example/callback"]),
    parts: Schema.Array(Part),
    end: Schema.Literals(["", `?${query}`])
  },
  ({ end, parts, redirectUrl, start }) =>
    Effect.gen(function* () {
      const url = start + parts.join("") + end
      const exit = yield* Effect.exit(parse(url, redirectUrl))
      if (Exit.isFailure(exit)) return
      const expected =
        redirectUrl === registered
          ? /^["\s<]*(?:(?:https:)?[/\\]*app\.example(?::443)?[/\\]|[/\\](?![/\\]))/i
          : /^["\s<]*(?:myapp:\/\/cb\/|[/\\](?![/\\]))/i
      assert.match(url.replace(/[\t\n]/g, ""), expected)
    }),
  { arbitrary: { runs: 500 } }
)

it.effect.prop(
  "RedirectLogin.parseCallback accepts only the redirect URL's scheme, host, port and path",
  {
    redirectUrl: Schema.Literals([registered, "myapp://cb/callback", "http://127.0.0.1:3000/callback"]),
    scheme: Schema.Literals(["https", "http", "myapp", "evil"]),
    host: Schema.Literals(["app.example", "evil.example", "cb", "app.example.evil.example", "127.0.0.1"]),
    port: Schema.Literals(["", ":3000", ":8443"]),
    path: Schema.Literals(["/callback", "/callback/", "/Callback", "/", "/callback/x", "/x/callback"])
  },
  ({ host, path, port, redirectUrl, scheme }) =>
    Effect.gen(function* () {
      const address = `${scheme}://${host}${port}${path}`
      const exit = yield* Effect.exit(parse(`${address}?${query}`, redirectUrl))
      assert.strictEqual(Exit.isSuccess(exit), address === redirectUrl)
    }),
  { arbitrary: { runs: 500 } }
)
