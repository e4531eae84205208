import * as CodeSource from "@auth/broker-core/login/CodeSource"
import * as Credentials from "@auth/broker-core/broker/Credentials"
import { assert, describe, it } from "@effect/vitest"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import { shown } from "./support.ts"

const fields = {
  clientCode: {
    env: "TINY_CLIENT_CODE",
    description: "Client code",
    secret: false,
    normalize: (value: string) => value.toUpperCase(),
    problem: (value: string) => (value.includes("@") ? "is an email address" : undefined)
  },
  pin: { env: "TINY_PIN", description: "PIN", secret: true },
  app: { env: "TINY_APP", description: "Name of the app", secret: false, optional: true },
  totpSecret: { env: "TINY_TOTP_SECRET", description: "TOTP secret", secret: true, codes: true }
} as const satisfies Credentials.Fields

const valid = { clientCode: "t1", pin: Redacted.make("4711"), totpSecret: Redacted.make("JBSWY3DPEHPK3PXP") }

const check = (input: Readonly<Record<string, unknown>>) => Credentials.check("tiny", fields, input)

const problems = (error: { readonly reason: { readonly _tag: string } }) => {
  const { reason } = error as {
    readonly reason: { readonly problems?: ReadonlyArray<{ field: string; problem: string }> }
  }
  return (reason.problems ?? []).map(({ field, problem }) => `${field} ${problem}`)
}

describe("Credentials.check", () => {
  it.effect("trims and normalizes values, and wraps secrets in Redacted", () =>
    Effect.gen(function* () {
      const values = yield* check({ ...valid, clientCode: " t1\n", pin: Redacted.make(" 4711 "), app: " two " })
      assert.deepStrictEqual([values.clientCode, Redacted.value(values.pin), values.app], ["T1", "4711", "two"])
      assert.isTrue(CodeSource.isCodeSource(values.totpSecret))
      assert.notInclude(shown(values), "4711")
    })
  )

  it.effect("accepts plain text and Redacted text", () =>
    Effect.gen(function* () {
      const values = yield* check({ ...valid, pin: "4711", clientCode: Redacted.make("t1") })
      assert.deepStrictEqual([values.clientCode, Redacted.value(values.pin)], ["T1", "4711"])
    })
  )

  it.effect("omits an undefined, null or empty optional field", () =>
    Effect.gen(function* () {
      for (const app of [undefined, null, "", "  ", Redacted.make("")]) {
        assert.notProperty(yield* check({ ...valid, app }), "app")
      }
    })
  )

  it.effect("accepts a code source, unless its code is empty", () =>
    Effect.gen(function* () {
      const own = CodeSource.fromEffect(() => Effect.succeed(Redacted.make("123456")))
      assert.strictEqual((yield* check({ ...valid, totpSecret: own })).totpSecret, own)
      const empty = CodeSource.fixed(Redacted.make(""))
      assert.deepStrictEqual(problems(yield* Effect.flip(check({ ...valid, totpSecret: empty }))), [
        "totpSecret is empty"
      ])
    })
  )

  const missing = ["clientCode is missing", "pin is missing", "totpSecret is missing"]
  it.effect.each([
    { title: "an input without fields", input: {}, found: missing },
    { title: "null fields", input: { clientCode: null, pin: null, totpSecret: null }, found: missing },
    {
      title: "blank fields",
      input: { ...valid, clientCode: " ", pin: Redacted.make("\n") },
      found: ["clientCode is empty", "pin is empty"]
    },
    {
      title: "fields that are not text",
      input: { clientCode: 1, pin: Redacted.make(4711), totpSecret: {}, app: ["x"] },
      found: ["clientCode must be text", "pin must be text", "app must be text", "totpSecret must be text"]
    },
    {
      title: "fields with different problems",
      input: { clientCode: "d@example.com", totpSecret: Redacted.make("123456") },
      found: [
        "clientCode is an email address",
        "pin is missing",
        "totpSecret is too short for a TOTP secret: use the secret in the QR code, not a code from the app"
      ]
    }
  ])("reports every problem at once for $title", ({ found, input }) =>
    Effect.gen(function* () {
      const error = yield* Effect.flip(check(input))
      assert.deepStrictEqual(
        [error.broker, error.operation, error.reason._tag],
        ["tiny", "credentials", "InvalidRequest"]
      )
      assert.deepStrictEqual(problems(error), found)
      for (const value of ["4711", "d@example.com", "123456"]) assert.notInclude(shown(error), value)
    })
  )
})

describe("Credentials.fromConfig", () => {
  const from = (env: Record<string, string>) =>
    Credentials.fromConfig("tiny", fields).pipe(Effect.provide(ConfigProvider.layer(ConfigProvider.fromEnvRecord(env))))

  const whole = { TINY_CLIENT_CODE: "t1", TINY_PIN: "4711", TINY_TOTP_SECRET: "JBSWY3DPEHPK3PXP" }

  it.effect("reads each field from its variable", () =>
    Effect.gen(function* () {
      const values = yield* from({ ...whole, TINY_APP: "two" })
      assert.deepStrictEqual([values.clientCode, Redacted.value(values.pin), values.app], ["T1", "4711", "two"])
      assert.notProperty(yield* from(whole), "app")
    })
  )

  it.effect("ignores an empty optional variable", () =>
    Effect.gen(function* () {
      assert.notProperty(yield* from({ ...whole, TINY_APP: "" }), "app")
    })
  )

  it.effect("reports all missing variables at once", () =>
    Effect.gen(function* () {
      const error = yield* Effect.flip(from({}))
      assert.deepStrictEqual(problems(error), [
        "clientCode (TINY_CLIENT_CODE) is missing",
        "pin (TINY_PIN) is missing",
        "totpSecret (TINY_TOTP_SECRET) is missing"
      ])
      assert.include(error.remedy, "TINY_PIN")
    })
  )

  it.effect("reports empty and invalid variables in one error", () =>
    Effect.gen(function* () {
      const error = yield* Effect.flip(from({ ...whole, TINY_PIN: "", TINY_CLIENT_CODE: "d@example.com" }))
      assert.deepStrictEqual(problems(error), [
        "clientCode (TINY_CLIENT_CODE) is an email address",
        "pin (TINY_PIN) is missing"
      ])
    })
  )

  it.effect("names the variable if the configuration cannot be read", () =>
    Effect.gen(function* () {
      const broken = ConfigProvider.make(() => Effect.fail(new ConfigProvider.SourceError({ message: "canary" })))
      const error = yield* Effect.flip(
        Credentials.fromConfig("tiny", fields).pipe(Effect.provide(ConfigProvider.layer(broken)))
      )
      assert.deepStrictEqual(problems(error), ["TINY_CLIENT_CODE could not be read from the configuration"])
      assert.notInclude(shown(error), "canary")
    })
  )
})
