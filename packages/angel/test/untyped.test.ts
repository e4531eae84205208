import { assert, describe, it } from "@effect/vitest"
import type { RequestOf } from "@auth/broker-core/broker/BrokerApi"
import * as AngelApi from "@auth/angel/AngelApi"
import type * as Session from "@auth/broker-core/login/Session"
import * as Effect from "effect/Effect"
import { problems, refused, secret } from "./refusing.ts"
import { credentials, loginRequest, reasonOf, session } from "./support.ts"

describe("AngelApi from untyped code:", () => {
  const wrong = "is missing, blank or of the wrong type"
  const rows: ReadonlyArray<readonly [string, unknown, ReadonlyArray<string>]> = [
    ["no argument", undefined, ["request"]],
    ["an empty object", {}, ["clientcode", "password", "totp"]],
    [
      "numbers in place of text",
      { clientcode: 123456, password: 4711, totp: 123456 },
      ["clientcode", "password", "totp"]
    ],
    ["plain text in place of a secret", { ...loginRequest, password: "4711" }, ["password"]],
    ["a blank PIN", { ...loginRequest, password: secret(" ") }, ["password"]],
    ["a Redacted number as TOTP code", { ...loginRequest, totp: secret(123456) }, ["totp"]],
    ["a number in place of the state", { ...loginRequest, state: 7 }, ["state"]]
  ]
  for (const [what, request, fields] of rows) {
    it.effect(`loginByPassword with ${what} sends no request`, () =>
      Effect.gen(function* () {
        const login = Effect.flatMap(AngelApi.AngelApi, (api) =>
          api.loginByPassword(request as RequestOf<AngelApi.AngelApi, "loginByPassword">)
        )
        const error = yield* refused(login, AngelApi.layer({ apiKey: credentials.apiKey }))
        assert.deepStrictEqual(problems(error), Object.fromEntries(fields.map((field) => [field, wrong])))
      })
    )
  }

  for (const [what, given] of [
    ["no session", undefined],
    ["an empty object as session", {}],
    ["a session without tokens", { ...session, tokens: undefined }],
    ["a session whose token is plain text", { ...session, tokens: { access: "text" } }]
  ] as const) {
    for (const name of ["generateTokens", "getProfile", "getRMS", "logout"] as const) {
      it.effect(`${name} with ${what} fails with SessionExpired`, () =>
        Effect.gen(function* () {
          const call = Effect.flatMap(AngelApi.AngelApi, (api) => {
            const other = given as Session.Authorized
            if (name === "generateTokens") return api.generateTokens({ refreshToken: secret("refresh") }, other)
            return name === "logout" ? api.logout({ clientcode: "A123456" }, other) : api[name](other)
          })
          const error = yield* refused(call, AngelApi.layer({ apiKey: credentials.apiKey }))
          assert.strictEqual(reasonOf(error, "SessionExpired").why, "missing")
        })
      )
    }
  }
})
