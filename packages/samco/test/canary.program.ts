/** The canary test searches this program's output and files for secrets. */
import * as Login from "@auth/broker-core/login/Login"
import * as Logout from "@auth/broker-core/login/Logout"
import * as RedirectLogin from "@auth/broker-core/login/RedirectLogin"
import * as Refresh from "@auth/broker-core/login/Refresh"
import { TestHttp } from "@auth/broker-core/testing"
import type { FakeBroker } from "@auth/broker-core/testing/FakeBroker"
import { FakeSamco } from "@auth/samco/msw"
import * as SamcoAuth from "@auth/samco/SamcoAuth"
import * as SamcoLegacy from "@auth/samco/SamcoLegacy"
import * as SamcoOAuth from "@auth/samco/SamcoOAuth"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import { main, show, tell } from "../../../tools/canary/program.ts"

const account: FakeSamco.Account = {
  ...FakeSamco.demoAccount,
  apiKey: "c0ffee0ac0ffee1bc0ffee2cc0ffee3dc0ffee4ec0ffee5f",
  apiSecret: "dec0de00dec0de01dec0de02dec0de03dec0de04dec0de05dec0de06dec0de07dec0de08dec0de09dec0de0adec0de0b",
  password: "CANARYpw1",
  accessToken: "CANARYaccess"
}

type Values = typeof account

const direct = (fake: FakeBroker, values: Values) =>
  Effect.gen(function* () {
    const session = yield* Login.session
    tell(Redacted.value(session.tokens.access))
    yield* Effect.logTrace("logged in", session)
    return yield* Logout.logout(session)
  }).pipe(
    Effect.provide(
      SamcoAuth.layer({
        credentials: {
          userId: values.userId,
          apiKey: Redacted.make(values.apiKey),
          apiSecret: Redacted.make(values.apiSecret)
        }
      }).pipe(Layer.provide(TestHttp.layerFake(fake)))
    )
  )

const legacy = (fake: FakeBroker, values: Values) =>
  Effect.gen(function* () {
    const session = yield* Login.session
    tell(Redacted.value(session.tokens.access))
    yield* Effect.logDebug("logged in", session)
    return yield* Logout.logout(session)
  }).pipe(
    Effect.provide(
      SamcoLegacy.layer({
        credentials: {
          userId: values.userId,
          password: Redacted.make(values.password),
          accessToken: Redacted.make(values.accessToken)
        }
      }).pipe(Layer.provide(TestHttp.layerFake(fake)))
    )
  )

const submit = (fake: FakeBroker, { url }: RedirectLogin.AuthorizationRequest) =>
  Effect.promise(async () => {
    const body = new URLSearchParams({ apiSecret: account.apiSecret })
    const response = await fake.respond(new Request(Redacted.value(url), { method: "POST", body }))
    const location = response.headers.get("location") ?? ""
    tell(new URL(location).searchParams.get("code"))
    tell(new URL(location).searchParams.get("state"))
    return Redacted.make(location)
  })

const browser = (fake: FakeBroker, values: Values) =>
  Effect.gen(function* () {
    const redirect = yield* RedirectLogin.RedirectLogin
    const request = yield* redirect.begin
    yield* Effect.logInfo("begun", request)
    const callback = yield* submit(fake, request)
    const session = yield* redirect.complete(request, callback)
    yield* Effect.logTrace("logged in", session)
    const replay = yield* Effect.flip(redirect.complete(request, callback))
    yield* Effect.logWarning("not twice", replay)
    const renewed = yield* Refresh.refresh(session)
    for (const { tokens } of [session, renewed]) {
      for (const token of [tokens.access, tokens.refresh]) tell(token && Redacted.value(token))
    }
    return yield* Logout.logout(renewed)
  }).pipe(
    Effect.provide(
      SamcoOAuth.layer({
        credentials: {
          userId: values.userId,
          apiKey: Redacted.make(values.apiKey),
          redirectUrl: values.redirectUrl
        }
      }).pipe(Layer.provide(TestHttp.layerFake(fake)))
    )
  )

type Life = (fake: FakeBroker, values: Values) => Effect.Effect<unknown, unknown>

const attempt = (name: string, life: Life, endpoint: string, changes: Partial<Values> = {}) =>
  Effect.gen(function* () {
    const fake = yield* FakeSamco.make({ accounts: [account] })
    if (name.endsWith("HTML page that quotes the request")) yield* fake.inject(endpoint, { kind: "quote", as: "page" })
    if (name.endsWith("refusal that quotes the request")) yield* fake.inject(endpoint, { kind: "quote", as: "refusal" })
    if (name.endsWith("connection cut")) yield* fake.inject(endpoint, { kind: "reset" })
    yield* show(name, life(fake, { ...account, ...changes }))
  })

await main([
  attempt("key and secret: valid credentials", direct, "sessionToken"),
  attempt("key and secret: wrong secret", direct, "sessionToken", { apiSecret: "bad0".repeat(24) }),
  attempt("key and secret: secret in plain text", direct, "sessionToken", { apiSecret: "CANARY-plain-secret" }),
  attempt("key and secret: blank credentials", direct, "sessionToken", { apiKey: " ", apiSecret: "" }),
  attempt("key and secret: HTML page that quotes the request", direct, "sessionToken"),
  attempt("key and secret: refusal that quotes the request", direct, "sessionToken"),
  attempt("key and secret: connection cut", direct, "sessionToken"),
  attempt("browser login: valid credentials", browser, "oauthToken"),
  attempt("browser login: HTML page that quotes the request", browser, "oauthToken"),
  attempt("browser login, refresh: refusal that quotes the request", browser, "oauthRefresh"),
  attempt("legacy login: valid credentials", legacy, "login"),
  attempt("legacy login: wrong password", legacy, "login", { password: "CANARYno1" }),
  attempt("legacy login: HTML page that quotes the request", legacy, "login")
])
