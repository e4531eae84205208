import { assert, describe, it } from "@effect/vitest"
import * as AngelApi from "@auth/angel/AngelApi"
import * as AngelAuth from "@auth/angel/AngelAuth"
import * as AngelPublisher from "@auth/angel/AngelPublisher"
import * as CodeSource from "@auth/broker-core/login/CodeSource"
import * as Login from "@auth/broker-core/login/Login"
import * as Effect from "effect/Effect"
import { namesEveryProblem, type WrongCredentials } from "../../../tools/vitest/brokers.ts"
import { demo, problems, refused, secret, told } from "./refusing.ts"
import { credentials } from "./support.ts"

const { empty, mail, missing, needsHost, noRedacted, noText, notBase32, pasted } = told

const publisher = {
  clientCode: demo.clientCode,
  apiKey: secret(demo.publisherKey),
  redirectUrl: demo.redirectUrl
}

const wrongCredentials: ReadonlyArray<WrongCredentials> = [
  ["no credentials", undefined, { clientCode: missing, pin: missing, apiKey: missing, totp: missing }],
  ["an empty object", {}, { clientCode: missing, pin: missing, apiKey: missing, totp: missing }],
  [
    "null in every field",
    { clientCode: null, pin: null, apiKey: null, totp: null },
    { clientCode: missing, pin: missing, apiKey: missing, totp: missing }
  ],
  [
    "blank values in every field",
    { clientCode: " ", pin: secret(""), apiKey: secret("\n"), totp: secret("\t \u00a0") },
    { clientCode: empty, pin: empty, apiKey: empty, totp: empty }
  ],
  [
    "numbers in place of text",
    { clientCode: 123456, pin: 4711, apiKey: secret(1), totp: 123456 },
    { clientCode: noText, pin: noText, apiKey: noText, totp: noText }
  ],
  ["a Redacted undefined as the PIN", { ...credentials, pin: secret(undefined) }, { pin: missing }],
  ["an email address as the client code", { ...credentials, clientCode: "demo@example.com" }, { clientCode: mail }],
  ["a client code with a space", { ...credentials, clientCode: "A12 3456" }, { clientCode: "has white space inside" }],
  ["a TOTP secret that is not base32", { ...credentials, totp: secret("JBSW!3DPEHPK3PXP") }, { totp: notBase32 }],
  [
    "a one-time code in place of the TOTP secret (valid base32)",
    { ...credentials, totp: secret("234567") },
    { totp: pasted }
  ],
  [
    "a one-time code in place of the TOTP secret (not valid base32)",
    { ...credentials, totp: secret("018949") },
    { totp: pasted }
  ],
  [
    "an otpauth address without a secret",
    { ...credentials, totp: secret("otpauth://totp/Angel?issuer=Angel") },
    {
      totp: "has no secret: use the whole address in the QR code"
    }
  ],
  ["a blank code in CodeSource.fixed", { ...credentials, totp: CodeSource.fixed(secret(" ")) }, { totp: empty }],
  [
    "a blank code in CodeSource.fixed and a blank PIN",
    { ...credentials, pin: secret(""), totp: CodeSource.fixed(secret("")) },
    { pin: empty, totp: empty }
  ],
  [
    "an API key with a euro sign",
    { ...credentials, apiKey: secret(`${demo.apiKey}\u20ac`) },
    { apiKey: "has spaces or other characters that a key cannot have" }
  ],
  ...[
    "abcd",
    "471",
    "47111",
    "\u096a\u096d\u0967\u0967",
    "\u0664\u0667\u0661\u0661",
    "\uff14\uff17\uff11\uff11",
    "47 1",
    "-471"
  ].map((pin): WrongCredentials => [
    `the PIN ${pin}`,
    { ...credentials, pin: secret(pin) },
    { pin: "must be four digits, 0 to 9: the PIN that opens the mobile app, not the web password" }
  ]),
  [
    "the web password as the PIN",
    { ...credentials, pin: secret("MyWebPassword1!") },
    { pin: "must be four digits, 0 to 9: the PIN that opens the mobile app, not the web password" }
  ],
  [
    "an API key on two lines",
    { ...credentials, apiKey: secret(`${demo.apiKey}\nX-Other: 1`) },
    { apiKey: "has spaces or other characters that a key cannot have" }
  ]
]

const wrongRedirects: ReadonlyArray<WrongCredentials> = [
  ["no credentials", undefined, { clientCode: missing, apiKey: missing, redirectUrl: missing }],
  [
    "an http redirect URL",
    { ...publisher, redirectUrl: "http://app.example.com/callback" },
    { redirectUrl: needsHost }
  ],
  [
    "the redirect host localhost",
    { ...publisher, redirectUrl: "https://localhost/callback" },
    { redirectUrl: needsHost }
  ],
  [
    "the redirect host localhost and a port",
    { ...publisher, redirectUrl: "https://LOCALHOST:8443/" },
    { redirectUrl: needsHost }
  ],
  [
    "the redirect host localhost and a user name",
    { ...publisher, redirectUrl: "https://me@localhost/callback" },
    { redirectUrl: needsHost }
  ],
  [
    "the redirect host localhost with a dot at the end",
    { ...publisher, redirectUrl: "https://localhost./callback" },
    { redirectUrl: needsHost }
  ],
  [
    "an IP address as the redirect host",
    { ...publisher, redirectUrl: "https://203.0.113.7/callback" },
    { redirectUrl: needsHost }
  ],
  [
    "a hexadecimal IP address as the redirect host",
    { ...publisher, redirectUrl: "https://0x7f.1/" },
    { redirectUrl: needsHost }
  ],
  [
    "an IPv6 address as the redirect host",
    { ...publisher, redirectUrl: "https://[::1]:8443/cb" },
    { redirectUrl: needsHost }
  ],
  ["the redirect scheme myapp", { ...publisher, redirectUrl: "myapp://callback" }, { redirectUrl: needsHost }],
  [
    "a redirect URL without a scheme",
    { ...publisher, redirectUrl: "app.example.com/callback" },
    { redirectUrl: "is not an address" }
  ]
]

describe("invalid credentials", () => {
  namesEveryProblem(wrongCredentials, (given) => refused(Login.session, AngelAuth.layer({ credentials: given })))

  namesEveryProblem(
    wrongRedirects,
    (given) => refused(AngelApi.AngelApi, AngelPublisher.layer({ credentials: given })),
    "a browser login with "
  )

  for (const [what, given] of [
    ["the options are undefined", undefined],
    ["the options have no API key", {}],
    ["the API key is blank", { apiKey: secret(" ") }],
    ["the API key is not Redacted", { apiKey: 7 }]
  ] as const) {
    it.effect(`AngelApi.layer reports the field apiKey if ${what}`, () =>
      Effect.gen(function* () {
        const layer = AngelApi.layer(given as unknown as AngelApi.Options)
        assert.hasAllKeys(problems(yield* refused(AngelApi.AngelApi, layer)), ["apiKey"])
      })
    )
  }
})

describe("a login with an invalid one-time code", () => {
  for (const [what, code, expected] of [
    ["has five digits", CodeSource.fixed(secret("12345")), "is not 6 digits"],
    ["has seven digits", CodeSource.fixed(secret("1234567")), "is not 6 digits"],
    ["has a letter", CodeSource.fixed(secret("12345a")), "is not 6 digits"],
    ["has Devanagari digits", CodeSource.fixed(secret("१२३४५६")), "is not 6 digits"],
    [
      "is the TOTP secret",
      CodeSource.fixed(secret(demo.totpSecret)),
      "looks like the TOTP secret: pass the secret to CodeSource.totp, which makes the codes"
    ],
    ["is empty text from an effect", CodeSource.fromEffect(() => Effect.succeed(secret(""))), "is not 6 digits"],
    [
      "is a Redacted number from an untyped effect",
      CodeSource.fromEffect(() => Effect.succeed(secret(123456))),
      noRedacted
    ],
    ["is plain text from an untyped effect", CodeSource.fromEffect(() => Effect.succeed("12345" as never)), noRedacted],
    ["is undefined from an untyped effect", CodeSource.fromEffect(() => Effect.succeed(undefined as never)), noRedacted]
  ] as const) {
    it.effect(`sends no request if the code ${what}`, () =>
      Effect.gen(function* () {
        const layer = AngelAuth.layer({ credentials: { ...credentials, totp: code } })
        assert.deepStrictEqual(problems(yield* refused(Login.session, layer)), { totp: expected })
      })
    )
  }
})
