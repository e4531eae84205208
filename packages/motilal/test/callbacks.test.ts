import { assert, describe, it } from "@effect/vitest"
import type { RedirectRejected } from "@auth/broker-core/login/AuthError"
import * as Profile from "@auth/broker-core/login/Profile"
import * as RedirectLogin from "@auth/broker-core/login/RedirectLogin"
import * as TestHttp from "@auth/broker-core/testing/TestHttp"
import type { FakeMotilal } from "@auth/motilal/msw"
import * as MotilalPortal from "@auth/motilal/MotilalPortal"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import { browse, codeNow, credentials, demo, printed, reasonOf, serve } from "./support.ts"

const other: FakeMotilal.Account = { ...demo, userId: "BB018", secondFactor: "01/01/1980" }

const begun = Effect.fnUntraced(function* (
  switches: Parameters<typeof serve>[0] = {},
  options: MotilalPortal.Options = {},
  account: FakeMotilal.Account = demo
) {
  const fake = yield* serve({ accounts: [demo, other], ...switches })
  const layer = MotilalPortal.layer({
    ...options,
    credentials: { ...credentials, redirectUrl: demo.redirectUrl }
  }).pipe(Layer.provide(TestHttp.layerLateFetch))
  const services = yield* Layer.build(layer)
  const { begin, complete } = yield* Effect.provideContext(RedirectLogin.RedirectLogin, services)
  const request = yield* begin
  const { location } = yield* browse(Redacted.value(request.url), {
    userid: account.userId,
    password: account.password,
    "2FA": account.secondFactor,
    totp: yield* codeNow()
  })
  const callback = new URL(location ?? "")
  const completed = (url: string) => complete(request, Redacted.make(url))
  return { callback, completed, fake, request, services }
})

const having = (name: string, value: string) => (url: URL) => (url.searchParams.set(name, value), url.href)

const forged: ReadonlyArray<readonly [string, (url: URL) => string, RedirectRejected["why"]]> = [
  ["another host", (url) => url.href.replace("app.example.com", "app.example.com.evil.net"), "origin"],
  ["the scheme http", (url) => url.href.replace("https:", "http:"), "origin"],
  ["another path", (url) => url.href.replace("/callback", "/elsewhere"), "origin"],
  ["a wrong state", having("state", "0".repeat(32)), "state"],
  ["an empty state", having("state", ""), "state"],
  ["a parameter named error", having("error", "access_denied"), "denied"],
  ["no token", (url) => (url.searchParams.delete("authtoken"), url.href), "missing-token"],
  ["a blank token", having("authtoken", " \t"), "missing-token"],
  ["only the word Bearer as its token", having("authtoken", "Bearer "), "missing-token"]
]

describe("a callback of a browser login", () => {
  it.effect("gives a session with a profile, the login token and an access token", () =>
    Effect.gen(function* () {
      const { callback, completed, fake, services } = yield* begun()
      const session = yield* completed(callback.href)
      assert.deepStrictEqual([session.method, session.account.id], ["portal", "AA017"])
      assert.strictEqual(session.profile?.name, "DEMO TRADER")
      const { access, login = Redacted.make("") } = session.tokens
      assert.strictEqual(Redacted.value(login), callback.searchParams.get("authtoken"))
      assert.notStrictEqual(Redacted.value(access), Redacted.value(login))
      assert.strictEqual((yield* Effect.provideContext(Profile.profile(session), services)).id, "AA017")
      const asked = (yield* fake.journal).map(({ endpoint }) => endpoint)
      assert.deepStrictEqual(asked, ["portal-login", "portal-login", "getaccesstoken", "getprofile", "getprofile"])
    })
  )

  it.effect('contains the access token if the option `generation` is "v3"', () =>
    Effect.gen(function* () {
      const { callback, completed } = yield* begun({}, { generation: "v3" })
      const { tokens } = yield* completed(callback.href)
      assert.strictEqual(Redacted.value(tokens.access), callback.searchParams.get("authtoken"))
      assert.isUndefined(tokens.login)
    })
  )

  for (const [what, forge, why] of forged) {
    it.effect(`is rejected without a call to the broker if it has ${what}`, () =>
      Effect.gen(function* () {
        const { callback, completed, fake } = yield* begun()
        const token = callback.searchParams.get("authtoken") ?? ""
        const error = yield* Effect.flip(completed(forge(callback)))
        assert.strictEqual(reasonOf(error, "RedirectRejected").why, why)
        assert.notInclude(printed(error), token)
        assert.strictEqual((yield* fake.journal).length, 2)
      })
    )
  }

  it.effect("is rejected without ending the login if its token has a line break", () =>
    Effect.gen(function* () {
      const { callback, completed, fake } = yield* begun()
      const good = callback.href
      const error = yield* Effect.flip(completed(having("authtoken", "a_M\r\nx: y")(callback)))
      assert.strictEqual(reasonOf(error, "InvalidRequest").field, "callbackUrl")
      assert.strictEqual((yield* fake.journal).length, 2)
      assert.strictEqual((yield* completed(good)).method, "portal")
    })
  )

  it.effect("may contain its token in the parameter AuthToken, after the word Bearer", () =>
    Effect.gen(function* () {
      const { callback, completed } = yield* begun()
      const token = callback.searchParams.get("authtoken") ?? ""
      callback.searchParams.delete("authtoken")
      callback.searchParams.set("AuthToken", `Bearer ${token}`)
      const { tokens } = yield* completed(callback.href)
      assert.strictEqual(Redacted.value(tokens.login ?? tokens.access), token)
    })
  )

  it.effect("is accepted by default if it has no state", () =>
    Effect.gen(function* () {
      const { callback, completed } = yield* begun({ portalState: "dropped" })
      assert.isNull(callback.searchParams.get("state"))
      assert.strictEqual((yield* completed(callback.href)).account.id, "AA017")
    })
  )

  it.effect('is rejected if it has no state and the option `state` is "required"', () =>
    Effect.gen(function* () {
      const { callback, completed, fake } = yield* begun({ portalState: "dropped" }, { state: "required" })
      assert.strictEqual(reasonOf(yield* Effect.flip(completed(callback.href)), "RedirectRejected").why, "state")
      assert.strictEqual((yield* fake.journal).length, 2)
    })
  )

  it.effect("is rejected if its token belongs to another account", () =>
    Effect.gen(function* () {
      const { callback, completed } = yield* begun({}, {}, other)
      const error = yield* Effect.flip(completed(callback.href))
      assert.strictEqual(reasonOf(error, "RedirectRejected").why, "other-account")
    })
  )

  it.effect("causes SessionExpired if its token has expired", () =>
    Effect.gen(function* () {
      const { callback, completed, fake } = yield* begun()
      yield* fake.advance("1 day")
      const error = yield* Effect.flip(completed(callback.href))
      assert.deepStrictEqual([error.operation, reasonOf(error, "SessionExpired").code], ["getaccesstoken", "MO8002"])
    })
  )
})

describe("the portal of the fake", () => {
  const page = `https://invest.motilaloswal.com/OpenAPI/Login.aspx?apikey=${demo.apiKey}`
  const filled = Effect.map(codeNow(), (totp) => ({
    userid: " aa017 ",
    password: demo.password,
    "2FA": demo.pan.toLowerCase(),
    totp
  }))

  it.effect("accepts a lower-case PAN, and a lower-case user id between spaces", () =>
    Effect.gen(function* () {
      yield* serve()
      assert.match((yield* browse(page, yield* filled)).location ?? "", /authtoken=[0-9a-f]{32}_M$/)
    })
  )

  for (const [field, code] of [
    ["password", "MO1000"],
    ["2FA", "MO1007"],
    ["totp", "MO1093"]
  ] as const) {
    it.effect(`shows the form with the error code ${code} after a wrong ${field}`, () =>
      Effect.gen(function* () {
        yield* serve()
        const { html, location } = yield* browse(page, { ...(yield* filled), [field]: "000000" })
        assert.isNull(location)
        assert.include(html, code)
        assert.include(html, "<form")
      })
    )
  }

  for (const [state, cause] of [
    ["not-live", "MO1006"],
    ["no-consent", "MO1092"],
    ["pan-not-linked", "Not a valid account number"]
  ] as const) {
    it.effect(`refuses an account with the state ${state}`, () =>
      Effect.gen(function* () {
        yield* serve({ accounts: [{ ...demo, state }] })
        const { html, location } = yield* browse(page, yield* filled)
        assert.isNull(location)
        assert.include(html, `Login failed (${cause})`)
      })
    )
  }

  it.effect("refuses a form with a wrong page id", () =>
    Effect.gen(function* () {
      yield* serve()
      const { html, location } = yield* browse(page, { ...(yield* filled), page: "0000000000000000" })
      assert.isNull(location)
      assert.include(html, "Authorization is Invalid In Header Parameter")
    })
  )

  it.effect("refuses an unknown API key", () =>
    Effect.gen(function* () {
      yield* serve()
      const response = yield* Effect.promise(() => fetch(page.replace(demo.apiKey, "badkey7")))
      assert.strictEqual(response.status, 400)
    })
  )
})
