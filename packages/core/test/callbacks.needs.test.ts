import * as BrokerApi from "@auth/broker-core/broker/BrokerApi"
import type { Broker } from "@auth/broker-core/broker/Broker"
import { twoPerDay } from "@auth/broker-core/broker/Broker"
import * as Credentials from "@auth/broker-core/broker/Credentials"
import * as Expiry from "@auth/broker-core/login/Expiry"
import * as Method from "@auth/broker-core/broker/Method"
import * as RedirectLogin from "@auth/broker-core/login/RedirectLogin"
import { TestHttp } from "@auth/broker-core/testing"
import { assert, describe, it } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as TestClock from "effect/testing/TestClock"
import { protocol, yes } from "./tiny.ts"

class TinyApi extends Context.Service<TinyApi, BrokerApi.BrokerApi<object>>()("test/TinyApi") {}

const credentials = {
  id: Credentials.plain("TINY_ID", "Id of the account"),
  redirectUrl: Credentials.plain("TINY_REDIRECT_URL", "Redirect URL of the app")
}

const redirectUrl = "https://app.example.com/cb"

const broker: Broker = {
  id: "tiny",
  title: "Tiny",
  methods: [
    {
      id: "browser",
      layer: "TinyAuth",
      title: "Browser",
      capabilities: ["RedirectLogin", "Logout", "Authorize"],
      credentials,
      expiry: "A day",
      renewal: { ...twoPerDay("made up"), by: [], when: "made up" }
    }
  ],
  environments: { production: { api: "https://api.tiny.example", login: "https://login.tiny.example" } },
  secretHeaders: [],
  documentation: [],
  assumptions: [],
  verifiedOn: "2026-11-27"
}

interface Given {
  readonly state?: "required" | "none"
  readonly names?: ReadonlyArray<string>
  readonly read?: "json"
}

const layer = ({ names = ["code"], read, state = "none" }: Given) =>
  Method.redirect(
    { broker, api: TinyApi, expiry: Expiry.after("1 day") },
    {
      id: "browser",
      credentials,
      api: () => BrokerApi.make({}, protocol, broker.environments["production"] ?? {}, {}),
      account: ({ id }) => id,
      redirectUrl: (values) => values.redirectUrl,
      page: ({ api, state: value }) =>
        RedirectLogin.page(`${api.origins["login"]}/connect`, { state: state === "none" ? undefined : value }),
      state: () => state,
      carries: "token",
      receive: (parameters) =>
        read === "json"
          ? Effect.map(RedirectLogin.jsonParameter("tiny", parameters, names), (session) => ({
              code: Redacted.make((session as { readonly token: string }).token)
            }))
          : Effect.map(RedirectLogin.requireParameter("tiny", parameters, names), (code) => ({ code })),
      exchange: ({ code }) => Effect.succeed({ tokens: { access: code } })
    }
  )
    .layer({ credentials: { id: "T1", redirectUrl } })
    .pipe(Layer.provide(TestHttp.layerRespond(() => Promise.resolve(yes({})))))

const access = ({ tokens }: { readonly tokens: { readonly access: Redacted.Redacted<string> } }) =>
  Redacted.value(tokens.access)

const complete = (given: Given, callback: Redacted.Redacted<string>) =>
  Effect.gen(function* () {
    const redirect = yield* RedirectLogin.RedirectLogin
    return access(yield* redirect.complete(yield* redirect.begin, callback))
  }).pipe(Effect.provide(layer(given)))

describe("a callback", () => {
  it.effect.each([
    ["code", "code=abc"],
    ["request_code", "request_code=abc"],
    ["REQUEST_CODE", "REQUEST_CODE=abc"],
    ["request_code, if the parameter code is empty", "code=&request_code=abc"]
  ])("is accepted with its code in the parameter %s", ([, query]) =>
    Effect.gen(function* () {
      const callback = Redacted.make(`${redirectUrl}?${query}`)
      assert.strictEqual(yield* complete({ names: ["code", "request_code"] }, callback), "abc")
    })
  )

  it.effect("is accepted as a form", () =>
    Effect.gen(function* () {
      const callback = RedirectLogin.fromForm(redirectUrl, Redacted.make("API_Session=a%2Bb%2F%3D&other=x+y"))
      assert.strictEqual(yield* complete({ names: ["API_Session"] }, callback), "a+b/=")
      const none = RedirectLogin.fromForm(redirectUrl, Redacted.make(""))
      const error = yield* Effect.flip(complete({ names: ["API_Session"] }, none))
      assert.propertyVal(error.reason, "why", "missing-token")
    })
  )

  it.effect.each([
    ["JSON", encodeURIComponent(`{"token":"abc"}`)],
    ["JSON inside a JSON string", encodeURIComponent(JSON.stringify(`{"token":"abc"}`))],
    ["JSON that is percent-encoded twice", encodeURIComponent(encodeURIComponent(`{"token":"abc"}`))]
  ])("is accepted if the parameter `session` is %s", ([, value]) =>
    Effect.gen(function* () {
      const callback = Redacted.make(`${redirectUrl}?session=${value}`)
      assert.strictEqual(yield* complete({ names: ["session"], read: "json" }, callback), "abc")
    })
  )

  it.effect.each(["{", "1e", "%7B%7B", '"{"'])("is rejected if the parameter `session` is invalid JSON: %j", (value) =>
    Effect.gen(function* () {
      const callback = Redacted.make(`${redirectUrl}?session=${encodeURIComponent(value)}`)
      const error = yield* Effect.flip(complete({ names: ["session"], read: "json" }, callback))
      assert.propertyVal(error.reason, "why", "missing-token")
    })
  )
})

describe("a callback without a state", () => {
  const callback = Redacted.make(`${redirectUrl}?code=abc`)

  it.effect("completes only the newest request", () =>
    Effect.gen(function* () {
      const redirect = yield* RedirectLogin.RedirectLogin
      const first = yield* redirect.begin
      const second = yield* redirect.begin
      assert.strictEqual(Redacted.value(second.url), "https://login.tiny.example/connect")
      const error = yield* Effect.flip(redirect.complete(first, callback))
      assert.propertyVal(error.reason, "why", "state")
      assert.strictEqual(access(yield* redirect.complete(second, callback)), "abc")
    }).pipe(Effect.provide(layer({})))
  )

  it.effect("is rejected if the request is five minutes old", () =>
    Effect.gen(function* () {
      const redirect = yield* RedirectLogin.RedirectLogin
      const request = yield* redirect.begin
      yield* TestClock.adjust("5 minutes")
      const error = yield* Effect.flip(redirect.complete(request, callback))
      assert.propertyVal(error.reason, "why", "state")
    }).pipe(Effect.provide(layer({})))
  )

  it.effect("is rejected if the login method requires a state", () =>
    Effect.gen(function* () {
      const error = yield* Effect.flip(complete({ state: "required" }, callback))
      assert.propertyVal(error.reason, "why", "state")
    })
  )
})
