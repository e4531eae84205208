import * as SessionManager from "@auth/broker-core/session/SessionManager"
import { TestHttp } from "@auth/broker-core/testing"
import * as Vault from "@auth/broker-core/session/Vault"
import * as VaultKey from "@auth/broker-core/session/VaultKey"
import { FakeSamco } from "@auth/samco/msw"
import * as SamcoOAuth from "@auth/samco/SamcoOAuth"
import { LoginPage, Simulator } from "@auth/simulator"
import { assert, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import { serve } from "./webLogin.ts"

const demo = FakeSamco.demoAccount
const key = VaultKey.fromText(Redacted.make("ab".repeat(32)), "the key of a test")

/** Starts one process of the app, with its own layers. Returns its address. */
const startApp = Effect.fnUntraced(function* (simulator: Simulator.Info) {
  const layer = SessionManager.layer().pipe(
    Layer.provideMerge(
      SamcoOAuth.layer({
        origins: { api: simulator.origins["https://tradeapi.samco.in"] ?? "" },
        credentials: { userId: demo.userId, apiKey: Redacted.make(demo.apiKey), redirectUrl: demo.redirectUrl }
      })
    ),
    Layer.provide(Vault.layerMemory),
    Layer.provideMerge(Layer.effect(VaultKey.VaultKey, key)),
    Layer.provide(TestHttp.layerLateFetch)
  )
  const services = yield* Layer.build(layer)
  const port = yield* Effect.provideContext(serve({ redirectUrl: demo.redirectUrl, port: 0 }), services)
  return `http://127.0.0.1:${port}`
})

const get = (url: string, cookie = "") => Effect.promise(() => fetch(url, { redirect: "manual", headers: { cookie } }))

/** Opens `/login`, and submits the broker's login page. */
const browse = Effect.fnUntraced(function* (app: string) {
  const response = yield* get(`${app}/login`)
  assert.strictEqual(response.status, 302)
  const setCookie = response.headers.get("set-cookie") ?? ""
  const page = Redacted.make(response.headers.get("location") ?? "")
  const address = new URL(Redacted.value(yield* LoginPage.submit(page, { apiSecret: demo.apiSecret })))
  return { setCookie, cookie: setCookie.split(";")[0] ?? "", callback: address.pathname + address.search }
})

it.live("logs a user in through the broker's page, and then redirects to an address without the code", () =>
  Effect.gen(function* () {
    const app = yield* startApp(yield* Simulator.make({ brokers: ["samco"] }))
    const { callback, cookie, setCookie } = yield* browse(app)
    for (const attribute of ["HttpOnly", "SameSite=Lax", "Secure", "Path=/callback", "Max-Age=600"]) {
      assert.include(setCookie, `; ${attribute}`)
    }
    assert.isBelow(setCookie.length, 1100)
    const completed = yield* get(app + callback, cookie)
    assert.strictEqual(completed.status, 303)
    assert.strictEqual(completed.headers.get("location"), "/")
    assert.include(completed.headers.get("set-cookie") ?? "", "broker_login=; Path=/callback; Max-Age=0")
    const home = yield* get(`${app}/`)
    assert.strictEqual(yield* Effect.promise(() => home.text()), `Logged in as ${demo.userId}`)
    const again = yield* get(app + callback, cookie)
    assert.strictEqual(again.status, 400)
    assert.include(yield* Effect.promise(() => again.text()), "completed before")
  }).pipe(Effect.provide(TestHttp.layerLateFetch))
)

it.live("completes a login that another process has started", () =>
  Effect.gen(function* () {
    const simulator = yield* Simulator.make({ brokers: ["samco"] })
    const first = yield* startApp(simulator)
    const second = yield* startApp(simulator)
    const { callback, cookie } = yield* browse(first)
    assert.strictEqual((yield* get(second + callback, cookie)).status, 303)
  }).pipe(Effect.provide(TestHttp.layerLateFetch))
)

it.live("refuses a callback without its cookie, or with the cookie of another login", () =>
  Effect.gen(function* () {
    const app = yield* startApp(yield* Simulator.make({ brokers: ["samco"] }))
    const mine = yield* browse(app)
    const other = yield* browse(app)
    for (const cookie of ["", "broker_login=AAAA", other.cookie]) {
      const response = yield* get(app + mine.callback, cookie)
      assert.strictEqual(response.status, 400)
      const text = yield* Effect.promise(() => response.text())
      assert.include(text, "Begin")
      assert.notInclude(text, new URLSearchParams(mine.callback.split("?")[1]).get("code") ?? "")
    }
    assert.strictEqual((yield* get(app + mine.callback, mine.cookie)).status, 303)
  }).pipe(Effect.provide(TestHttp.layerLateFetch))
)
