/** A program as users write them: it logs at every level, prints its errors in every way, and leaves its files behind. */
import { inspect } from "node:util"
import * as Login from "@auth/broker-core/Login"
import * as Logout from "@auth/broker-core/Logout"
import * as Profile from "@auth/broker-core/Profile"
import { TestHttp } from "@auth/broker-core/testing"
import type { Fault } from "@auth/broker-core/testing/FakeBroker"
import { FakeMotilal } from "@auth/motilal/msw"
import * as MotilalAuth from "@auth/motilal/MotilalAuth"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as Redacted from "effect/Redacted"
import * as References from "effect/References"

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
  quoted: ["authdirectapi", { kind: "quote", as: "page" }],
  refused: ["authdirectapi", { kind: "quote", as: "refusal" }],
  cut: ["authdirectapi", { kind: "reset" }],
  "second exchange quoted": ["getaccesstoken", { kind: "quote", as: "json" }],
  "code quoted": ["verifyotp", { kind: "quote", as: "page" }]
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
        yield* Effect.logInfo("a code is wanted", challenge)
        console.log(challenge, JSON.stringify(challenge))
        return Redacted.make((yield* fake.codes(account.userId)).at(-1) ?? "")
      })
    const life = Effect.gen(function* () {
      const session = yield* Login.withStepUp(respond)
      yield* Effect.logTrace("logged in", session)
      yield* Effect.logDebug("holder", yield* Profile.profile(session))
      return yield* Logout.logout(session)
    }).pipe(Effect.withSpan(name), Effect.provide(layer))
    const exit = yield* Effect.exit(Effect.tapError(life, (error) => Effect.logError("failed", error)))
    console.log(name, exit, inspect(exit, { depth: 20, showHidden: true }), JSON.stringify(exit))
    if (exit._tag === "Failure") {
      console.error(Cause.pretty(exit.cause))
      for (const reason of exit.cause.reasons) if (reason._tag === "Fail") console.error(reason.error)
    }
    for (const { body, headers } of yield* fake.journal) {
      const { authorization, accesstoken } = headers
      const sent = [...body.matchAll(/"(?:totp|otp|password)":"([^"]+)"/g)].map(([, value]) => value)
      // Only the test that started this program reads this channel.
      for (const value of [...sent, authorization, accesstoken]) if (value) process.send?.(value)
    }
  })

const attempts = Effect.forEach(
  [
    attempt("right", {}),
    attempt("by SMS", { totpSecret: undefined }),
    attempt("wrong password", { password: "CANARYno1" }),
    attempt("wrong key", { apiKey: "CANARYno2" }),
    attempt("wrong birthday", { secondFactor: "28/02/1984" }),
    attempt("no such day", { secondFactor: "30/02/1984" }),
    attempt("blank", { password: " ", apiKey: "" }),
    attempt("not base32", { totpSecret: "CANARY-8-IS-NO-BASE32" }),
    attempt("quoted", {}),
    attempt("refused", {}),
    attempt("cut", {}),
    attempt("second exchange quoted", {}),
    attempt("code quoted", { totpSecret: undefined })
  ],
  (effect) => effect
)

Effect.runPromise(
  attempts.pipe(
    Effect.provide(Logger.layer([Logger.consolePretty(), Logger.consoleJson, Logger.consoleLogFmt])),
    Effect.provideService(References.MinimumLogLevel, "Trace")
  )
).catch((error: unknown) => {
  console.error(error)
  process.exitCode = 1
})
