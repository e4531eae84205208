/**
 * A typical program of a user. It logs at every level, prints its errors in every way, and does not delete its files.
 */
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
    if (name.endsWith("quoted")) yield* fake.inject(endpoint, { kind: "quote", as: "page" })
    if (name.endsWith("refused")) yield* fake.inject(endpoint, { kind: "quote", as: "refusal" })
    if (name.endsWith("cut")) yield* fake.inject(endpoint, { kind: "reset" })
    yield* show(name, life(fake, { ...account, ...changes }))
  })

await main([
  attempt("direct, right", direct, "sessionToken"),
  attempt("direct, wrong secret", direct, "sessionToken", { apiSecret: "bad0".repeat(24) }),
  attempt("direct, plain secret", direct, "sessionToken", { apiSecret: "CANARY-plain-secret" }),
  attempt("direct, blank", direct, "sessionToken", { apiKey: " ", apiSecret: "" }),
  attempt("direct, quoted", direct, "sessionToken"),
  attempt("direct, refused", direct, "sessionToken"),
  attempt("direct, cut", direct, "sessionToken"),
  attempt("browser, right", browser, "oauthToken"),
  attempt("browser, quoted", browser, "oauthToken"),
  attempt("browser, refused", browser, "oauthRefresh"),
  attempt("legacy, right", legacy, "login"),
  attempt("legacy, wrong password", legacy, "login", { password: "CANARYno1" }),
  attempt("legacy, quoted", legacy, "login")
])
