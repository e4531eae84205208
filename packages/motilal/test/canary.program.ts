/** The canary test searches this program's output and files for secrets. */
import * as Login from "@auth/broker-core/login/Login"
import * as Logout from "@auth/broker-core/login/Logout"
import * as Profile from "@auth/broker-core/login/Profile"
import { TestHttp } from "@auth/broker-core/testing"
import type { Fault } from "@auth/broker-core/testing/FakeBroker"
import { FakeMotilal } from "@auth/motilal/msw"
import * as MotilalAuth from "@auth/motilal/MotilalAuth"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import { main, show, tell } from "../../../tools/canary/program.ts"

const account: FakeMotilal.Account = {
  ...FakeMotilal.demoAccount,
  password: "CANARYpassword8305",
  apiKey: "CANARYkey",
  apiSecret: "CANARYappsecret",
  secondFactor: "29/02/1984",
  pan: "CNRYX8305Y",
  totpSecret: "CANARYTOTPSECRET"
}

interface Changes extends Partial<Record<"password" | "apiKey" | "apiSecret" | "secondFactor", string>> {
  readonly totpSecret?: string | undefined
}

const faults: Readonly<Record<string, readonly [endpoint: string, fault: Fault]>> = {
  "request quoted in an HTML page": ["authdirectapi", { kind: "quote", as: "page" }],
  "request quoted in a refusal": ["authdirectapi", { kind: "quote", as: "refusal" }],
  "connection cut": ["authdirectapi", { kind: "reset" }],
  "getaccesstoken request quoted in JSON": ["getaccesstoken", { kind: "quote", as: "json" }],
  "SMS code quoted in an HTML page": ["verifyotp", { kind: "quote", as: "page" }]
}

const attempt = (name: string, changes: Changes) =>
  Effect.gen(function* () {
    const values = { ...account, ...changes }
    const fake = yield* FakeMotilal.make({ accounts: [account] })
    const fault = faults[name]
    if (fault !== undefined) yield* fake.inject(...fault)
    const layer = MotilalAuth.layer({
      credentials: {
        userId: values.userId,
        password: Redacted.make(values.password),
        apiKey: Redacted.make(values.apiKey),
        apiSecret: Redacted.make(values.apiSecret),
        secondFactor: Redacted.make(values.secondFactor),
        totp: values.totpSecret === undefined ? undefined : Redacted.make(values.totpSecret)
      }
    }).pipe(Layer.provide(TestHttp.layerFake(fake)))
    const respond = (challenge: unknown) =>
      Effect.gen(function* () {
        yield* Effect.logInfo("code required", challenge)
        console.log(challenge, JSON.stringify(challenge))
        return Redacted.make((yield* fake.codes(account.userId)).at(-1) ?? "")
      })
    const life = Effect.gen(function* () {
      const session = yield* Login.withStepUp(respond)
      yield* Effect.logTrace("logged in", session)
      yield* Effect.logDebug("holder", yield* Profile.profile(session))
      return yield* Logout.logout(session)
    })
    yield* show(name, Effect.provide(life, layer))
    for (const { body, headers } of yield* fake.journal) {
      const { authorization, accesstoken } = headers
      const sent = [...body.matchAll(/"(?:totp|otp|password)":"([^"]+)"/g)].map(([, value]) => value)
      for (const value of [...sent, authorization, accesstoken]) tell(value)
    }
  })

await main([
  attempt("valid credentials", {}),
  attempt("login by SMS", { totpSecret: undefined }),
  attempt("wrong password", { password: "CANARYno1" }),
  attempt("wrong API key", { apiKey: "CANARYno2" }),
  attempt("wrong date of birth", { secondFactor: "28/02/1984" }),
  attempt("date of birth that does not exist", { secondFactor: "30/02/1984" }),
  attempt("blank password and API key", { password: " ", apiKey: "" }),
  attempt("TOTP secret that is not base32", { totpSecret: "CANARY-8-IS-NO-BASE32" }),
  attempt("request quoted in an HTML page", {}),
  attempt("request quoted in a refusal", {}),
  attempt("connection cut", {}),
  attempt("getaccesstoken request quoted in JSON", {}),
  attempt("SMS code quoted in an HTML page", { totpSecret: undefined })
])
