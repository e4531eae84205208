import { createHash } from "node:crypto"
import { assert, describe, it } from "@effect/vitest"
import { RedirectLogin } from "@auth/broker-core"
import { FakeRupeezy } from "@auth/rupeezy/msw"
import type * as RupeezyPartner from "@auth/rupeezy/RupeezyPartner"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import { browse, partnerLayer, serve } from "./support.ts"

const demo = FakeRupeezy.demoAccount

describe("requests of the browser login:", () => {
  const begun = (options?: RupeezyPartner.Options, applicationId = demo.applicationId) =>
    Effect.flatMap(RedirectLogin.RedirectLogin, ({ begin }) => begin).pipe(
      Effect.provide(partnerLayer({ applicationId }, options))
    )

  for (const [state, more] of [
    [undefined, (own: string) => `&cb_param=${own}`],
    ["required", (own: string) => `&cb_param=${own}`],
    ["not-sent", () => ""]
  ] as const) {
    it.effect(
      `the login URL has ${state === "not-sent" ? "no cb_param" : "a cb_param"} ${state === undefined ? "by default" : `if the option state is "${state}"`}`,
      () =>
        Effect.gen(function* () {
          const request = yield* begun({ state })
          const own = Redacted.value(request.state)
          assert.match(own, /^[0-9a-f]{32}$/)
          assert.strictEqual(Redacted.value(request.url), `https://flow.rupeezy.in?applicationId=dev_1234${more(own)}`)
          assert.strictEqual(request.redirectUrl, demo.redirectUrl)
        })
    )
  }

  it.effect("the login URL encodes special characters in the application id", () =>
    Effect.gen(function* () {
      const request = yield* begun({ state: "not-sent" }, "a&b=c#d")
      assert.strictEqual(Redacted.value(request.url), "https://flow.rupeezy.in?applicationId=a%26b%3Dc%23d")
    })
  )

  it.effect("the checksum is the SHA-256 of application id, auth code and API key", () =>
    Effect.gen(function* () {
      const fake = yield* serve()
      yield* Effect.gen(function* () {
        const redirect = yield* RedirectLogin.RedirectLogin
        const request = yield* redirect.begin
        yield* redirect.complete(request, yield* browse(demo, request.url))
      }).pipe(Effect.provide(partnerLayer()))
      const last = (yield* fake.journal).at(-1)
      assert.isDefined(last)
      const { body, headers } = last
      const { token } = JSON.parse(body) as { readonly token: string }
      const checksum = createHash("sha256").update(`dev_1234${token}demo-api-key`).digest("hex")
      assert.strictEqual(body, `{"checksum":"${checksum}","applicationId":"dev_1234","token":"${token}"}`)
      assert.strictEqual(headers["x-api-key"], "demo-api-key")
      assert.notProperty(headers, "authorization")
    })
  )

  it.effect("the checksum equals the output of sha256sum", () =>
    Effect.gen(function* () {
      // printf 'dev_1234auth.of.a.testdemo-api-key' | sha256sum
      const vector = "74fd4a3f81821ce935a0f4f2468c2cd199b1ae452069bb36b54eece0b61db41b"
      const fake = yield* serve()
      yield* Effect.gen(function* () {
        const redirect = yield* RedirectLogin.RedirectLogin
        const callback = Redacted.make(`${demo.redirectUrl}?auth=auth.of.a.test`)
        yield* Effect.exit(redirect.complete(yield* redirect.begin, callback))
      }).pipe(Effect.provide(partnerLayer()))
      assert.include((yield* fake.journal)[0]?.body, `"checksum":"${vector}"`)
    })
  )
})
