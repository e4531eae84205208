/** The canary test searches this program's output and files for secrets. */
import * as Login from "@auth/broker-core/login/Login"
import * as Logout from "@auth/broker-core/login/Logout"
import * as Profile from "@auth/broker-core/login/Profile"
import * as RedirectLogin from "@auth/broker-core/login/RedirectLogin"
import { TestHttp } from "@auth/broker-core/testing"
import type { FakeBroker } from "@auth/broker-core/testing/FakeBroker"
import { FakeRupeezy } from "@auth/rupeezy/msw"
import * as RupeezyAuth from "@auth/rupeezy/RupeezyAuth"
import * as RupeezyPartner from "@auth/rupeezy/RupeezyPartner"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import { main, show, tell } from "../../../tools/canary/program.ts"

const account: FakeRupeezy.Account = {
  ...FakeRupeezy.demoAccount,
  password: "CANARY-password",
  apiKey: "CANARY-key",
  totpSecret: "CANARYTOTPSECRET"
}

type Changes = Partial<Record<"password" | "apiKey" | "totpSecret", string>>

const misbehave = (name: string, fake: FakeBroker) => {
  const endpoint = name.startsWith("browser") ? "createSession" : "login"
  if (name.endsWith("quoted in an HTML page")) return fake.inject(endpoint, { kind: "quote", as: "page" })
  if (name.endsWith("quoted in a refusal")) return fake.inject(endpoint, { kind: "quote", as: "refusal" })
  return name.endsWith("connection cut") ? fake.inject(endpoint, { kind: "reset" }) : Effect.void
}

const credentialsOf = ({ apiKey, password, totpSecret, ...values }: FakeRupeezy.Account) => ({
  clientCode: values.clientCode,
  applicationId: values.applicationId,
  redirectUrl: values.redirectUrl,
  password: Redacted.make(password),
  apiKey: Redacted.make(apiKey),
  totp: Redacted.make(totpSecret)
})

const withPassword = Effect.gen(function* () {
  const session = yield* Login.session
  yield* Effect.logTrace("logged in", session)
  yield* Effect.logInfo("profile", yield* Profile.profile(session))
  return yield* Logout.logout(session)
})

const throughBrowser = (fake: FakeBroker) =>
  Effect.gen(function* () {
    const redirect = yield* RedirectLogin.RedirectLogin
    const request = yield* redirect.begin
    yield* Effect.logTrace("begun", request)
    const { page, callback } = yield* visit(fake, Redacted.value(request.url))
    yield* Effect.logTrace("visited", page, callback)
    const session = yield* redirect.complete(request, callback)
    yield* Effect.logTrace("logged in", session)
    return yield* Logout.logout(session)
  })

const visit = Effect.fnUntraced(function* (fake: FakeBroker, url: string) {
  const { codeOf } = yield* Effect.promise(() => import("./support.ts"))
  const totp = yield* codeOf(account)
  const { clientCode: client_code, password } = account
  const body = new URLSearchParams({ client_code, password, totp, consent: "given" })
  const response = yield* Effect.promise(() => fake.respond(new Request(url, { method: "POST", body })))
  const location = response.headers.get("location") ?? ""
  tell(new URL(location).searchParams.get("auth"))
  return { page: response.status, callback: Redacted.make(location) }
})

const attempt = (name: string, changes: Changes = {}) =>
  Effect.gen(function* () {
    const credentials = credentialsOf({ ...account, ...changes })
    const fake = yield* FakeRupeezy.make({ accounts: [account] })
    yield* misbehave(name, fake)
    const http = TestHttp.layerFake(fake)
    const life = name.startsWith("browser")
      ? Effect.provide(throughBrowser(fake), Layer.provide(RupeezyPartner.layer({ credentials }), http))
      : Effect.provide(withPassword, Layer.provide(RupeezyAuth.layer({ credentials }), http))
    yield* show(name, life)
    for (const { body, endpoint } of yield* fake.journal) {
      if (endpoint === "login") tell((JSON.parse(body) as Record<string, unknown>)["totp"])
      if (endpoint === "createSession") tell((JSON.parse(body) as Record<string, unknown>)["checksum"])
    }
  })

await main([
  attempt("valid credentials"),
  attempt("wrong password", { password: "CANARY-wrong" }),
  attempt("wrong API key", { apiKey: "CANARY-badkey7" }),
  attempt("blank password and API key", { password: " ", apiKey: "" }),
  attempt("TOTP secret that is not base32", { totpSecret: "CANARY-8-IS-NO-BASE32" }),
  attempt("request quoted in an HTML page"),
  attempt("request quoted in a refusal"),
  attempt("connection cut"),
  attempt("browser login"),
  attempt("browser login, wrong API key", { apiKey: "CANARY-badkey7" }),
  attempt("browser login, request quoted in an HTML page"),
  attempt("browser login, request quoted in a refusal"),
  attempt("browser login, connection cut")
])
