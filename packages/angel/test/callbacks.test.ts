import { assert, describe, it } from "@effect/vitest"
import * as AngelPublisher from "@auth/angel/AngelPublisher"
import { FakeAngel } from "@auth/angel/msw"
import type { RedirectRejected } from "@auth/broker-core/login/AuthError"
import * as Profile from "@auth/broker-core/login/Profile"
import * as RedirectLogin from "@auth/broker-core/login/RedirectLogin"
import type { FakeBroker } from "@auth/broker-core/testing/FakeBroker"
import * as TestHttp from "@auth/broker-core/testing/TestHttp"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as TestClock from "effect/testing/TestClock"
import { codeNow, morning, printed, reasonOf } from "./support.ts"

const demo = FakeAngel.demoAccount
const other: FakeAngel.Account = { ...demo, clientCode: "B654321", redirectUrl: "https://app.example.com/callback" }

const layer = (fake: FakeBroker) =>
  AngelPublisher.layer({
    credentials: {
      clientCode: demo.clientCode,
      apiKey: Redacted.make(demo.publisherKey),
      redirectUrl: demo.redirectUrl
    }
  }).pipe(Layer.provide(TestHttp.layerFake(fake)))

const browse = Effect.fnUntraced(function* (fake: FakeBroker, page: string, account = demo) {
  const body = new URLSearchParams({ clientcode: account.clientCode, pin: account.pin, totp: yield* codeNow(account) })
  const response = yield* Effect.promise(() => fake.respond(new Request(page, { method: "POST", body })))
  return new URL(response.headers.get("location") ?? "")
})

const begun = Effect.fnUntraced(function* (options?: Parameters<typeof FakeAngel.make>[0], account = demo) {
  yield* TestClock.setTime(morning)
  const fake = yield* FakeAngel.make(options)
  const redirect = yield* Effect.provide(RedirectLogin.RedirectLogin, layer(fake))
  const request = yield* redirect.begin
  const callback = yield* browse(fake, Redacted.value(request.url), account)
  return { callback, fake, redirect, request }
})

const without = (name: string) => (url: URL) => (url.searchParams.delete(name), url.href)
const having = (name: string, value: string) => (url: URL) => (url.searchParams.set(name, value), url.href)

const forged: ReadonlyArray<readonly [string, (url: URL) => string, RedirectRejected["why"]]> = [
  ["an empty address", () => "", "not-a-url"],
  ["an address that is not a URL", () => "the browser said no", "not-a-url"],
  ["only a query", (url) => url.search, "not-a-url"],
  ["two auth_tokens", (url) => `${url.href}&auth_token=other`, "repeated"],
  ["another host", (url) => url.href.replace("app.example.com", "app.example.net"), "origin"],
  [
    "a host that begins with the registered host",
    (url) => url.href.replace("app.example.com", "app.example.com.evil.net"),
    "origin"
  ],
  [
    "the registered host as a user name",
    (url) => url.href.replace("app.example.com", "app.example.com@evil.net"),
    "origin"
  ],
  ["another port", (url) => url.href.replace("app.example.com", "app.example.com:8443"), "origin"],
  ["the scheme http", (url) => url.href.replace("https:", "http:"), "origin"],
  ["another path", (url) => url.href.replace("/callback", "/elsewhere"), "origin"],
  ["a trailing slash", (url) => url.href.replace("/callback", "/callback/"), "origin"],
  ["the broker's host", (url) => `https://smartapi.angelone.in/publisher-login/undefined${url.search}`, "origin"],
  ["a wrong state", having("state", "0".repeat(32)), "state"],
  ["a longer state", (url) => `${url.href}0`, "state"],
  ["no state", without("state"), "state"],
  ["an empty state", having("state", ""), "state"],
  ["a parameter named error", having("error", "access_denied"), "denied"],
  ["no auth_token", without("auth_token"), "missing-token"],
  ["an empty auth_token", having("auth_token", ""), "missing-token"],
  ["a blank auth_token", having("auth_token", " "), "missing-token"]
]

describe("a browser login", () => {
  for (const [what, forge, why] of forged) {
    it.effect(`rejects a callback with ${what}, and sends no request`, () =>
      Effect.gen(function* () {
        const { callback, fake, redirect, request } = yield* begun()
        const before = (yield* fake.journal).length
        const token = callback.searchParams.get("auth_token") ?? ""
        const error = yield* Effect.flip(redirect.complete(request, Redacted.make(forge(callback))))
        assert.strictEqual(reasonOf(error, "RedirectRejected").why, why)
        assert.isNotEmpty(error.remedy)
        assert.notInclude(printed(error), token)
        assert.notInclude(printed(error), Redacted.value(request.state))
        assert.strictEqual((yield* fake.journal).length, before)
      })
    )
  }

  it.effect("accepts a callback with only a path and a query", () =>
    Effect.gen(function* () {
      const { callback, redirect, request } = yield* begun()
      const session = yield* redirect.complete(request, Redacted.make(callback.pathname + callback.search))
      assert.strictEqual(session.profile?.id, demo.clientCode)
    })
  )

  it.effect("rejects a callback with the token of another account", () =>
    Effect.gen(function* () {
      const { callback, redirect, request } = yield* begun({ accounts: [demo, other] }, other)
      const error = yield* Effect.flip(redirect.complete(request, Redacted.make(callback.href)))
      assert.strictEqual(reasonOf(error, "RedirectRejected").why, "other-account")
      assert.notInclude(printed(error), other.clientCode)
    })
  )

  it.effect("fails with SessionExpired if the broker does not know the token", () =>
    Effect.gen(function* () {
      const { callback, redirect, request } = yield* begun()
      callback.searchParams.set("auth_token", "undefined")
      const error = yield* Effect.flip(redirect.complete(request, Redacted.make(callback.href)))
      assert.strictEqual(reasonOf(error, "SessionExpired").why, "invalid")
    })
  )

  it.effect("accepts upper-case parameter names, and removes Bearer from tokens", () =>
    Effect.gen(function* () {
      const { callback, fake, redirect, request } = yield* begun()
      const tokens = Object.fromEntries(callback.searchParams)
      const search = new URLSearchParams({ STATE: tokens["state"] ?? "" })
      for (const name of ["auth_token", "refresh_token", "feed_token"]) {
        search.set(name.toUpperCase(), `Bearer bearer ${tokens[name]}`)
      }
      const session = yield* redirect.complete(request, Redacted.make(`${demo.redirectUrl}?${search}`))
      assert.strictEqual(Redacted.value(session.tokens.access), tokens["auth_token"])
      assert.strictEqual(session.tokens.refresh && Redacted.value(session.tokens.refresh), tokens["refresh_token"])
      assert.strictEqual(session.tokens.feed && Redacted.value(session.tokens.feed), tokens["feed_token"])
      const profile = yield* Effect.provide(Profile.profile(session), layer(fake))
      assert.strictEqual(profile.id, demo.clientCode)
    })
  )

  it.effect("accepts an absent refresh token and an empty feed token", () =>
    Effect.gen(function* () {
      const { callback, redirect, request } = yield* begun({ publisherRefreshToken: "absent" })
      callback.searchParams.set("feed_token", "")
      const session = yield* redirect.complete(request, Redacted.make(callback.href))
      assert.deepStrictEqual(Object.keys(session.tokens), ["access"])
      assert.strictEqual(session.profile?.name, demo.name)
      assert.strictEqual(session.method, "publisher")
    })
  )
})
