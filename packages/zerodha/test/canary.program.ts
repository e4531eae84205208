/** The canary test searches this program's output and files for secrets. */
import * as Logout from "@auth/broker-core/login/Logout"
import * as Profile from "@auth/broker-core/login/Profile"
import * as RedirectLogin from "@auth/broker-core/login/RedirectLogin"
import * as Refresh from "@auth/broker-core/login/Refresh"
import { TestHttp } from "@auth/broker-core/testing"
import type { FakeBroker } from "@auth/broker-core/testing/FakeBroker"
import { FakeZerodha } from "@auth/zerodha/msw"
import * as ZerodhaPlatform from "@auth/zerodha/ZerodhaPlatform"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import { main, show, tell } from "../../../tools/canary/program.ts"
import { browse } from "./support.ts"

const account: FakeZerodha.Account = {
  ...FakeZerodha.demoAccount,
  apiKey: "canarykey0000001",
  apiSecret: "CANARYsecret0000000000000000001x",
  password: "CANARY-password",
  platform: "approved"
}

type Values = typeof account

const browser = (fake: FakeBroker, values: Values) =>
  Effect.gen(function* () {
    const redirect = yield* RedirectLogin.RedirectLogin
    const request = yield* redirect.begin
    yield* Effect.logInfo("begun", request)
    const callback = yield* browse(fake, request, account)
    const { searchParams } = new URL(Redacted.value(callback))
    tell(searchParams.get("request_token"))
    tell(searchParams.get("state"))
    const session = yield* redirect.complete(request, callback)
    yield* Effect.logTrace("logged in", session)
    const replay = yield* Effect.flip(redirect.complete(request, callback))
    yield* Effect.logWarning("not twice", replay)
    yield* Effect.logDebug("profile", yield* Profile.profile(session))
    const renewed = yield* Refresh.refresh(session)
    for (const { tokens } of [session, renewed]) {
      for (const token of [tokens.access, tokens.refresh]) tell(token && Redacted.value(token))
    }
    return yield* Logout.logout(renewed)
  }).pipe(
    Effect.provide(
      ZerodhaPlatform.layer({
        credentials: {
          userId: values.userId,
          apiKey: Redacted.make(values.apiKey),
          apiSecret: Redacted.make(values.apiSecret),
          redirectUrl: values.redirectUrl
        }
      }).pipe(Layer.provide(TestHttp.layerFake(fake)))
    )
  )

const attempt = (name: string, endpoint: string, changes: Partial<Values> = {}) =>
  Effect.gen(function* () {
    const fake = yield* FakeZerodha.make({ accounts: [account] })
    if (name.endsWith("page that quotes the request")) yield* fake.inject(endpoint, { kind: "quote", as: "page" })
    if (name.endsWith("refusal that quotes the request")) yield* fake.inject(endpoint, { kind: "quote", as: "refusal" })
    if (name.endsWith("connection cut")) yield* fake.inject(endpoint, { kind: "reset" })
    yield* show(name, browser(fake, { ...account, ...changes }))
  })

await main([
  attempt("valid credentials", "sessionToken"),
  attempt("wrong secret", "sessionToken", { apiSecret: "CANARY-other-secret" }),
  attempt("blank credentials", "sessionToken", { apiKey: " ", apiSecret: "" }),
  attempt("exchange: page that quotes the request", "sessionToken"),
  attempt("exchange: refusal that quotes the request", "sessionToken"),
  attempt("exchange: connection cut", "sessionToken"),
  attempt("refresh: page that quotes the request", "refreshToken"),
  attempt("refresh: refusal that quotes the request", "refreshToken"),
  attempt("logout: refusal that quotes the request", "deleteSession"),
  attempt("logout: connection cut", "deleteSession")
])
