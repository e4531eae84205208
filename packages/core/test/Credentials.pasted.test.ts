import * as Credentials from "@auth/broker-core/broker/Credentials"
import { assert, describe, it } from "@effect/vitest"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import { quoteProblem, withoutQuotes } from "../src/login/internal/pasted.ts"
import { shown } from "./support.ts"

const fields = {
  code: { env: "TINY_CODE", description: "Client code", secret: false },
  password: { env: "TINY_PASSWORD", description: "Password", secret: true, freeText: true },
  app: { env: "TINY_APP", description: "Name of the app", secret: false, optional: true },
  totpSecret: { env: "TINY_TOTP_SECRET", description: "TOTP secret", secret: true, codes: true, optional: true }
} as const satisfies Credentials.Fields

const valid = { code: "T1", password: Redacted.make("canary-word") }

const check = (input: Readonly<Record<string, unknown>>) => Credentials.check("tiny", fields, { ...valid, ...input })

const problemsOf = (error: { readonly reason: object }) =>
  (error.reason as { readonly problems: ReadonlyArray<{ field: string; problem: string }> }).problems.map(
    ({ field, problem }) => `${field} ${problem}`
  )

const pairs: ReadonlyArray<readonly [open: string, close: string]> = [
  ['"', '"'],
  ["'", "'"],
  ["`", "`"],
  ["\u201c", "\u201d"],
  ["\u2018", "\u2019"],
  ["\u201e", "\u201c"],
  ["\u00ab", "\u00bb"],
  ["\u2039", "\u203a"],
  ["\u201c", '"'],
  ["'", "\u2019"],
  ['\\"', '\\"'],
  ['\\\\"', '\\\\"'],
  ["&quot;", "&quot;"],
  ["&#39;", "&#39;"],
  ["&#34;", "&#x27;"],
  ["&ldquo;", "&rdquo;"],
  ["&#8216;", "&#x2019;"],
  ["\uff02", "\uff02"],
  ["\u300c", "\u300d"],
  ["\u301d", "\u301e"],
  ["\u275d", "\u275e"],
  ["\u02bb", "\u02bc"],
  ["\\u0022", "\\u0022"],
  [`"'`, `'"`],
  ['" ', ' "'],
  ['"\u200b', '\u200b"']
]

describe("a credential that is not a password", () => {
  it.effect.each(pairs.map(([open, close]) => ({ open, close })))(
    "is read without the quotation marks $open and $close",
    ({ close, open }) =>
      Effect.gen(function* () {
        for (const around of ["", " ", "\n", "\r\n", "\ufeff", "\u200b", "\0"]) {
          assert.strictEqual((yield* check({ code: `${around}${open}T1${close}${around}` })).code, "T1")
        }
      })
  )

  it.effect.each([
    { given: '"T1', side: "begins" },
    { given: "T1\u201d", side: "ends" },
    { given: "T1\\'", side: "ends" },
    { given: '""T1"', side: "begins" }
  ])("is rejected if its quotation marks are unpaired: $given", ({ given, side }) =>
    Effect.gen(function* () {
      const [problem, ...others] = problemsOf(yield* Effect.flip(check({ code: given })))
      assert.match(problem ?? "", new RegExp(`^code ${side} with a quotation mark \\(`))
      assert.deepStrictEqual(others, [])
    })
  )

  it.effect("is rejected if it contains an invisible character", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(problemsOf(yield* Effect.flip(check({ code: "T\u200b1" }))), [
        "code has an invisible character in it (U+200B): type the value again, or copy it from another place"
      ])
      assert.include(problemsOf(yield* Effect.flip(check({ code: "T\n1" })))[0], "(U+000A)")
    })
  )

  it.effect("keeps an apostrophe between other characters", () =>
    Effect.gen(function* () {
      assert.strictEqual((yield* check({ app: '"Asha\'s app"' })).app, "Asha's app")
    })
  )

  it.effect("is treated as empty if there is nothing between its quotation marks", () =>
    Effect.gen(function* () {
      const values = yield* check({ app: '""', totpSecret: Redacted.make(" '' ") })
      assert.notProperty(values, "app")
      assert.notProperty(values, "totpSecret")
      assert.deepStrictEqual(problemsOf(yield* Effect.flip(check({ code: '" "' }))), ["code is empty"])
    })
  )
})

describe("a password", () => {
  it.effect.each(pairs.map(([open, close]) => ({ open, close })))(
    "is rejected if it is between the quotation marks $open and $close",
    ({ close, open }) =>
      Effect.gen(function* () {
        const error = yield* Effect.flip(check({ password: Redacted.make(` ${open}canary-word${close}\n`) }))
        const [problem, ...others] = problemsOf(error)
        assert.match(problem ?? "", /^password begins and ends with a quotation mark \(.*Credentials\.verbatim/)
        assert.deepStrictEqual(others, [])
        assert.notInclude(shown(error), "canary-word")
      })
  )

  it.effect.each([
    { given: '"canary-word', words: 'begins with a quotation mark (")' },
    { given: "canary-word\u2019", words: "ends with a quotation mark (\u2019)" },
    { given: "canary\u200d-word", words: "has an invisible character in it (U+200D)" },
    { given: "\u200bcanary-word", words: "has an invisible character in it (U+200B)" },
    { given: "canary\u00a0word", words: "has an invisible character in it (U+00A0)" },
    { given: "canary\r\nword", words: "has an invisible character in it (U+000D)" },
    { given: '""', words: "begins and ends with a quotation mark" }
  ])("is rejected because it $words", ({ given, words }) =>
    Effect.gen(function* () {
      const error = yield* Effect.flip(check({ password: Redacted.make(given) }))
      assert.include(problemsOf(error)[0], words)
      assert.notInclude(shown(error), "canary")
    })
  )

  it.effect.each(['ca"nary', "it's", "two words", "\u0915\u0941\u0902\u091c\u0940", "&amp;x", "\\slash\\"])(
    "is accepted, and loses the white space around it: %s",
    (given) =>
      Effect.gen(function* () {
        assert.strictEqual(Redacted.value((yield* check({ password: ` ${given}\r\n` })).password), given)
      })
  )

  it.effect.each(['"canary-word"', " canary-word ", "canary\u200b", "'"])(
    "stays unchanged with `Credentials.verbatim`: %j",
    (given) =>
      Effect.gen(function* () {
        const verbatim = Credentials.verbatim(Redacted.make(given))
        assert.strictEqual(Redacted.value((yield* check({ password: verbatim })).password), given)
        assert.notInclude(shown(verbatim), "canary")
        // A layer checks some values twice.
        const twice = yield* check({ password: (yield* check({ password: verbatim })).password })
        assert.strictEqual(Redacted.value(twice.password), given)
      })
  )

  it.effect("shows only one of its leading backslashes in the error", () =>
    Effect.gen(function* () {
      const error = yield* Effect.flip(check({ password: Redacted.make('\\\\\\\\"canary-word') }))
      assert.include(problemsOf(error)[0], 'begins with a quotation mark (\\"): ')
    })
  )

  it.effect.each([undefined, 4711, "", " "])(
    "is rejected if blank or not text, even with `Credentials.verbatim`: %j",
    (given) =>
      Effect.gen(function* () {
        const error = yield* Effect.flip(check({ password: Credentials.verbatim(Redacted.make(given as string)) }))
        assert.match(problemsOf(error)[0] ?? "", /^password (is missing|is empty|must be text)$/)
      })
  )
})

it.effect("a date is converted to the broker's format even with `Credentials.verbatim`", () =>
  Effect.gen(function* () {
    const dated = {
      date: {
        env: "TINY_DATE",
        description: "Date of birth",
        secret: true,
        normalize: (value: string) => value.replaceAll("-", "/"),
        problem: (value: string) => (/^[\d-/]+$/.test(value) ? undefined : "is not a date")
      }
    } as const
    const date = Credentials.verbatim(Redacted.make("18-10-1988"))
    const values = yield* Credentials.check("tiny", dated, { date })
    assert.strictEqual(Redacted.value(values.date), "18/10/1988")
    const quoted = { date: Credentials.verbatim(Redacted.make('"18-10-1988"')) }
    assert.deepStrictEqual(problemsOf(yield* Effect.flip(Credentials.check("tiny", dated, quoted))), [
      "date is not a date"
    ])
  })
)

it.prop("withoutQuotes is idempotent", [Schema.String], ([some]) => {
  const once = withoutQuotes(`"${some}\u201d`)
  assert.strictEqual(withoutQuotes(once), once)
  assert.isTrue(some.includes(once))
})

it("withoutQuotes and quoteProblem check a long run of one character quickly", () => {
  for (const sign of [" ", "\\", "\u200b", '"', "&"]) {
    const long = `a${sign.repeat(100_000)}b`
    assert.strictEqual(withoutQuotes(long), long)
    assert.isUndefined(quoteProblem(long))
  }
  const marks = '"'.repeat(100_000)
  assert.strictEqual(withoutQuotes(marks), marks)
  assert.isDefined(quoteProblem(marks))
})

describe("the check for text that is not a credential", () => {
  const placeholders = [
    "your_api_key",
    "YOUR-CLIENT-ID",
    "yourApiKey",
    "Your API key here",
    "enter_your_password",
    "<canary>",
    "<your-id>",
    "{{canary}}",
    "${canary}",
    "$(canary)",
    "xxx",
    "XXXX-XXXX-XXXX",
    "****",
    "\u2022\u2022\u2022\u2022",
    "changeme",
    "CHANGE_ME",
    "replace-me",
    "placeholder",
    "null",
    "undefined",
    "[object Object]",
    "<redacted>"
  ]

  it.effect.each(placeholders)("rejects a placeholder in a field that is not a password: %s", (given) =>
    Effect.gen(function* () {
      for (const code of [given, `"${given}"`, ` ${given}\u200b`]) {
        const error = yield* Effect.flip(check({ code, app: code, totpSecret: Redacted.make(code) }))
        assert.lengthOf(problemsOf(error), 3)
        for (const problem of problemsOf(error)) assert.match(problem, /^(code|app|totpSecret) is a placeholder: use/)
        assert.notInclude(shown(error), "canary")
      }
    })
  )

  it.effect.each(placeholders)("accepts a placeholder as a password only with `Credentials.verbatim`: %s", (given) =>
    Effect.gen(function* () {
      const error = yield* Effect.flip(check({ password: Redacted.make(given) }))
      assert.match(problemsOf(error)[0] ?? "", /^password is a placeholder.*or use Credentials\.verbatim/)
      assert.notInclude(shown(error), "canary")
      const values = yield* check({ password: Credentials.verbatim(Redacted.make(given)) })
      assert.strictEqual(Redacted.value(values.password), given)
    })
  )

  it.effect.each([
    "A1<",
    "<A1",
    "<A1> A2>",
    "{A1}",
    "[A1]",
    "A1,",
    "A1;",
    "MY_CODE=A1",
    "export MY_CODE=A1",
    "TINY_CODE=A1",
    "TINY_CODE: A1"
  ])("rejects a value with other text around it: %s", (given) =>
    Effect.gen(function* () {
      const [problem, ...others] = problemsOf(yield* Effect.flip(check({ code: given })))
      assert.match(problem ?? "", /^code .*use only the value/)
      assert.deepStrictEqual(others, [])
    })
  )

  it.effect.each([
    ["TINY_CODE", "is the name of a variable: use the value of the variable"],
    ["$TINY_CODE", "is the name of a variable: use the value of the variable"],
    ["%TINY_CODE%", "is the name of a variable: use the value of the variable"],
    ["A12345\u2026", "was cut off: it ends with an ellipsis"],
    ["A12345...", "was cut off: it ends with an ellipsis"],
    ["A1****45", "is masked: copy the whole value"],
    ["\uff21\uff11", "has characters other than ASCII: type the value again"],
    ["\u0410123456", "has characters other than ASCII: type the value again"],
    ["A".repeat(1_000_000), "is too long: copy only the value"],
    [" ".repeat(1_000_000), "is empty"]
  ] as const)("rejects a variable name or an unusable value: case %#", ([given, problem]) =>
    Effect.gen(function* () {
      assert.deepStrictEqual(problemsOf(yield* Effect.flip(check({ code: given }))), [`code ${problem}`])
    })
  )

  it.effect.each([
    "XX9999",
    "ZZ0001",
    "A123456",
    "MY1234",
    "YOU123",
    "dev_1234",
    "x1",
    "a,b",
    "a<b",
    "TODO1",
    "key-1",
    "aGVsbG8="
  ])("accepts a value such as %s", (given) =>
    Effect.gen(function* () {
      assert.strictEqual((yield* check({ code: given })).code, given)
      assert.strictEqual(Redacted.value((yield* check({ password: Redacted.make(given) })).password), given)
    })
  )

  it.effect.each(["<3canary", "a<b>", "{x", "pass,", "***star", "your dog", "xxL", "Tom & Jerry...", "\uff21\uff11"])(
    "accepts a password such as %s",
    (given) =>
      Effect.gen(function* () {
        assert.strictEqual(Redacted.value((yield* check({ password: Redacted.make(given) })).password), given)
      })
  )
})

describe("a secret that is not a password", () => {
  const key = { key: { env: "TINY_KEY", description: "Key", secret: true } } as const
  it.effect.each(["can ary", "can\u00e4ry", "canary\uff11", "\u{1f680}canary"])(
    "is rejected if not all characters are visible ASCII: %s",
    (given) =>
      Effect.gen(function* () {
        const error = yield* Effect.flip(Credentials.check("tiny", key, { key: Redacted.make(given) }))
        assert.match(problemsOf(error)[0] ?? "", /^key has spaces or other characters/)
        assert.notInclude(shown(error), given)
      })
  )
})

it.effect("an access token may contain a space only directly after the prefix Bearer", () =>
  Effect.gen(function* () {
    const token = { token: Credentials.token("TINY_TOKEN", "Token") }
    for (const given of ["Bearer canary", "canary", '"Bearer canary"']) {
      yield* Credentials.check("tiny", token, { token: Redacted.make(given) })
    }
    for (const given of ["can ary", "Bearer can ary", "Bearer", "canary\u2026"]) {
      const error = yield* Effect.flip(Credentials.check("tiny", token, { token: Redacted.make(given) }))
      assert.match(problemsOf(error)[0] ?? "", /^token (has|is|was)/, given)
      assert.notMatch(shown(error), /canary|can ary/)
    }
  })
)

describe("environment variables", () => {
  const from = (env: Record<string, string>) =>
    Credentials.fromConfig("tiny", fields).pipe(Effect.provide(ConfigProvider.layer(ConfigProvider.fromEnvRecord(env))))

  it.effect("are read without the quotation marks of `docker --env-file`", () =>
    Effect.gen(function* () {
      const values = yield* from({ TINY_CODE: '"T1"', TINY_PASSWORD: "canary-word", TINY_TOTP_SECRET: '""' })
      assert.strictEqual(values.code, "T1")
      assert.notProperty(values, "totpSecret")
    })
  )

  it.effect("are rejected if they contain a password in quotation marks", () =>
    Effect.gen(function* () {
      const error = yield* Effect.flip(from({ TINY_CODE: "T1", TINY_PASSWORD: '"canary-word"' }))
      assert.deepStrictEqual(problemsOf(error), [
        'password (TINY_PASSWORD) begins and ends with a quotation mark ("): remove it, or set BROKER_AUTH_VERBATIM=TINY_PASSWORD if it belongs to the value'
      ])
      assert.notInclude(shown(error), "canary-word")
    })
  )

  it.effect("stay unchanged if BROKER_AUTH_VERBATIM names them", () =>
    Effect.gen(function* () {
      const values = yield* from({
        TINY_CODE: "'T1'",
        TINY_PASSWORD: '"canary-word" ',
        BROKER_AUTH_VERBATIM: "OTHER_PASSWORD, TINY_PASSWORD"
      })
      assert.strictEqual(values.code, "T1")
      assert.strictEqual(Redacted.value(values.password), '"canary-word" ')
    })
  )

  it.effect("are reported as missing if empty, even with BROKER_AUTH_VERBATIM", () =>
    Effect.gen(function* () {
      const error = yield* Effect.flip(
        from({ TINY_CODE: "T1", TINY_PASSWORD: "", BROKER_AUTH_VERBATIM: "TINY_PASSWORD" })
      )
      assert.deepStrictEqual(problemsOf(error), ["password (TINY_PASSWORD) is missing"])
    })
  )
})
