import { assert, describe, it } from "@effect/vitest"
import * as AngelApi from "@auth/angel/AngelApi"
import * as AngelAuth from "@auth/angel/AngelAuth"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import { layerAnswer, loginRequest, printed, reasonOf } from "./support.ts"

// The broker's answer can repeat secrets from the request.
const pin = "8305"
const apiKey = "canaryKey"
const access = "canaryAccess"

const session = AngelAuth.fromTokens({ userId: "A123456", accessToken: Redacted.make(access), issuedAt: 0 })

const login = (password = pin) =>
  Effect.flatMap(AngelApi.AngelApi, (api) =>
    api.loginByPassword({ ...loginRequest, password: Redacted.make(password) })
  )
const profile = Effect.flatMap(AngelApi.AngelApi, (api) => api.getProfile(session))

const answered = (body: string, call: Effect.Effect<unknown, Parameters<typeof reasonOf>[0], AngelApi.AngelApi>) =>
  Effect.flip(Effect.provide(call, layerAnswer(body, undefined, { apiKey: Redacted.make(apiKey) })))

const service = (message: string, code = "AB9999") =>
  JSON.stringify({ status: false, message, errorcode: code, data: null })

const spellings: Readonly<Record<string, (secret: string) => string>> = {
  unchanged: (secret) => secret,
  "in upper case": (secret) => secret.toUpperCase(),
  "in base64": (secret) => Buffer.from(secret).toString("base64"),
  "in base64url": (secret) => Buffer.from(secret).toString("base64url"),
  "in hexadecimal": (secret) => Buffer.from(secret).toString("hex"),
  "inside a URL": (secret) => encodeURIComponent(secret),
  "inside an HTML page": (secret) => secret.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(`"`, "&quot;"),
  "inside a JSON string": (secret) => JSON.stringify(secret).slice(1, -1)
}

describe("an error of AngelApi", () => {
  for (const [how, spell] of Object.entries(spellings)) {
    it.effect(`hides secrets that the broker repeats ${how}`, () =>
      Effect.gen(function* () {
        const password = `p&s<w"d${pin}`
        const sent = [password, apiKey].map(spell)
        const loginError = yield* answered(service(`no ${sent.join(" and ")}`), login(password))
        const profileError = yield* answered(service(`no ${spell(access)}`), profile)
        const shown = printed([loginError, profileError])
        for (const secret of [...sent, spell(access)]) assert.notInclude(shown.toLowerCase(), secret.toLowerCase())
        assert.include(shown, "AB9999")
      })
    )
  }

  it.effect("hides a field name that equals the API key or the token", () =>
    Effect.gen(function* () {
      const yes = JSON.stringify({ status: true, data: { [apiKey]: 1, [access]: 2 } })
      assert.notInclude(printed(yield* answered(yes, login())), apiKey)
      assert.notInclude(printed(yield* answered(yes, profile)), access)
    })
  )

  it.effect("hides a support id that equals the PIN", () =>
    Effect.gen(function* () {
      const error = yield* answered(`<title>Request Rejected</title>Your support ID is: ${pin}`, login())
      assert.strictEqual(reasonOf(error, "PermissionDenied").why, "waf")
      assert.notInclude(printed(error), pin)
    })
  )

  it.effect("shows the code AB1050 even if the PIN is 1050", () =>
    Effect.gen(function* () {
      const error = yield* answered(service("Invalid totp", "AB1050"), login("1050"))
      assert.strictEqual(reasonOf(error, "InvalidStepUpCode").code, "AB1050")
    })
  )
})
