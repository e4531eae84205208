/** The canary test searches this program's output and files for secrets. */
import * as AngelAuth from "@auth/angel/AngelAuth"
import { FakeAngel } from "@auth/angel/msw"
import * as Login from "@auth/broker-core/login/Login"
import * as Logout from "@auth/broker-core/login/Logout"
import * as Refresh from "@auth/broker-core/login/Refresh"
import { TestHttp } from "@auth/broker-core/testing"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import { main, show, tell } from "../../../tools/canary/program.ts"

const account: FakeAngel.Account = {
  ...FakeAngel.demoAccount,
  pin: "8305",
  apiKey: "CANARYtrd",
  totpSecret: "CANARYTOTPSECRET"
}

const attempt = (name: string, changes: Partial<Record<"pin" | "apiKey" | "totpSecret", string>>) =>
  Effect.gen(function* () {
    const values = { ...account, ...changes }
    const fake = yield* FakeAngel.make({ accounts: [account] })
    if (name === "request quoted in an HTML page") yield* fake.inject("loginByPassword", { kind: "quote", as: "page" })
    if (name === "request quoted in a refusal") yield* fake.inject("loginByPassword", { kind: "quote", as: "refusal" })
    if (name === "connection cut") yield* fake.inject("loginByPassword", { kind: "reset" })
    const layer = AngelAuth.layer({
      credentials: {
        clientCode: values.clientCode,
        pin: Redacted.make(values.pin),
        apiKey: Redacted.make(values.apiKey),
        totp: Redacted.make(values.totpSecret)
      }
    }).pipe(Layer.provide(TestHttp.layerFake(fake)))
    const life = Effect.gen(function* () {
      const session = yield* Login.session
      yield* Effect.logTrace("logged in", session)
      const renewed = yield* Refresh.refresh(session)
      yield* Effect.logInfo("renewed", renewed)
      return yield* Logout.logout(renewed)
    })
    yield* show(name, Effect.provide(life, layer))
    for (const { body } of yield* fake.journal) tell(/"totp":"(\d{6})"/.exec(body)?.[1])
  })

await main([
  attempt("valid credentials", {}),
  attempt("wrong PIN", { pin: "1111" }),
  attempt("wrong API key", { apiKey: "CANARYno1" }),
  attempt("blank PIN and API key", { pin: " ", apiKey: "" }),
  attempt("TOTP secret that is not base32", { totpSecret: "CANARY-8-IS-NO-BASE32" }),
  attempt("request quoted in an HTML page", {}),
  attempt("request quoted in a refusal", {}),
  attempt("connection cut", {})
])
