import { assert, describe, it } from "@effect/vitest"
import { Login, RedirectLogin } from "@auth/broker-core"
import { BrokerTests, TestHttp } from "@auth/broker-core/testing"
import type * as RmoneyApi from "@auth/rmoney/RmoneyApi"
import * as RmoneySso from "@auth/rmoney/RmoneySso"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import { calls, demo, layer, layerApi, newestCode, printed, serve } from "./support.ts"

describe("RMoney requests", () => {
  for (const [endpoint, call] of Object.entries(calls).filter(([name]) => name !== "getProfile")) {
    it.effect(`are not sent again to ${endpoint} after the connection was cut`, () =>
      Effect.gen(function* () {
        const fake = yield* serve({ logout: "get" })
        yield* fake.inject(endpoint, { kind: "reset" })
        const logoutCall = { method: "GET", path: "/auth/logout" } as const
        const error = yield* call.pipe(Effect.flip, Effect.provide(layerApi({ logoutCall })))
        assert.strictEqual(error.reason._tag, "BrokerUnavailable")
        assert.lengthOf(yield* fake.journal, 1)
      })
    )
  }

  it.effect("contain the headers that `stepHeader` makes from a step token", () =>
    Effect.gen(function* () {
      const fake = yield* serve()
      const stepHeader = ({ token }: RmoneyApi.StepToken) => ({
        "x-step": `made.of.${Array.from(Redacted.value(token)).toReversed().join("")}`
      })
      yield* fake.inject("otpSend", { kind: "quote", as: "refusal" })
      const error = yield* (calls["otpSend"] ?? Effect.void).pipe(Effect.flip, Effect.provide(layerApi({ stepHeader })))
      assert.strictEqual((yield* BrokerTests.sent(fake))[0]?.headers["x-step"], "made.of.TSET0A0FO0PETS")
      assert.notInclude(printed(error), "TSET0A0FO0PETS")
    })
  )

  it.effect("contain no Authorization header for a step token if `stepHeader` is a function", () =>
    Effect.gen(function* () {
      const fake = yield* serve()
      const stepHeader = ({ source, token, userId }: RmoneyApi.StepToken) => ({
        "x-step": `${userId}/${source}/${Redacted.value(token)}`
      })
      yield* fake.inject("otpSend", { kind: "quote", as: "refusal" })
      const error = yield* (calls["otpSend"] ?? Effect.void).pipe(Effect.flip, Effect.provide(layerApi({ stepHeader })))
      const [request] = yield* BrokerTests.sent(fake)
      assert.strictEqual(request?.headers["x-step"], "TEST101/WEB/STEP0OF0A0TEST")
      assert.notProperty(request?.headers, "authorization")
      assert.notInclude(String(error), "STEP0OF0A0TEST")
    })
  )

  it.effect("after the first login step contain the user id that the broker returned", () =>
    Effect.gen(function* () {
      const fake = yield* serve()
      yield* Login.withStepUp(() => newestCode(fake)).pipe(Effect.provide(layer({ userId: demo.email })))
      const [first, second] = yield* fake.journal
      assert.include(first?.body, `"userId":"${demo.email}"`)
      assert.include(second?.body, `"userId":"${demo.userId}"`)
      assert.match(second?.headers["authorization"] ?? "", /^Bearer [A-Z0-9]{256}$/)
    })
  )

  it.effect("contain a device id derived from the user id if `deviceId` is undefined", () =>
    Effect.gen(function* () {
      const fake = yield* serve()
      for (const userId of ["TEST101", "TEST101", "TEST102"]) {
        yield* Effect.exit(Login.login).pipe(Effect.provide(layer({ userId, deviceId: undefined })))
      }
      const devices = (yield* fake.journal).map(({ body }) => /"deviceId":"([^"]*)"/.exec(body)?.[1] ?? "")
      for (const device of devices)
        assert.match(device, /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/)
      assert.strictEqual(devices[0], devices[1])
      assert.notStrictEqual(devices[0], devices[2])
    })
  )

  const sso = {
    userId: demo.userId,
    appCode: Redacted.make(demo.appCode),
    apiSecret: Redacted.make(demo.apiSecret),
    redirectUrl: demo.redirectUrl
  }

  for (const [environment, page] of [
    ["uat", "https://webuat.rmoneyindia.co.in/"],
    ["production", "https://weblive.rmoneyindia.net/"]
  ] as const) {
    it.effect(`for the login page of ${environment} contain the app code and the state`, () =>
      Effect.gen(function* () {
        const request = yield* Effect.flatMap(RedirectLogin.RedirectLogin, ({ begin }) => begin).pipe(
          Effect.provide(
            RmoneySso.layer({ environment, credentials: sso }).pipe(Layer.provide(TestHttp.layerLateFetch))
          )
        )
        const state = Redacted.value(request.state)
        assert.match(state, /^[0-9a-f]{32}$/)
        assert.strictEqual(Redacted.value(request.url), `${page}?appcode=demoApp101&state=${state}`)
      })
    )
  }

  it.effect("to vendorGetUserDetails contain the SHA-256 of user id, auth code and API secret", () =>
    Effect.gen(function* () {
      const fake = yield* serve()
      yield* Effect.gen(function* () {
        const redirect = yield* RedirectLogin.RedirectLogin
        const request = yield* redirect.begin
        const callback = `${demo.redirectUrl}?authCode=59E4VTFKINI13OBAWOS3&userId=TEST101`
        yield* Effect.exit(redirect.complete(request, Redacted.make(callback)))
      }).pipe(
        Effect.provide(
          RmoneySso.layer({ environment: "production", credentials: sso }).pipe(Layer.provide(TestHttp.layerLateFetch))
        )
      )
      // printf %s TEST10159E4VTFKINI13OBAWOS3demo-secret-101 | sha256sum
      const checkSum = "615364266b655578c2392f88ad2771fb9a43b92d23007a3109342f6274d283a0"
      assert.deepStrictEqual(
        (yield* BrokerTests.sent(fake)).map(({ body }) => body),
        [`{"checkSum":"${checkSum}"}`]
      )
    })
  )
})
