import * as Account from "@auth/broker-core/login/Account"
import type * as AuthError from "@auth/broker-core/login/AuthError"
import * as Expiry from "@auth/broker-core/login/Expiry"
import * as RedirectLogin from "@auth/broker-core/login/RedirectLogin"
import * as Session from "@auth/broker-core/login/Session"
import * as SealedRequest from "@auth/broker-core/session/SealedRequest"
import * as VaultKey from "@auth/broker-core/session/VaultKey"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Base64Url from "effect/encoding/Base64Url"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import * as TestClock from "effect/testing/TestClock"
import { shown } from "./support.ts"

const account = Account.make({ broker: "tiny", id: "T1" })
const state = "0123456789abcdef0123456789abcdef"
const request: RedirectLogin.AuthorizationRequest = {
  url: Redacted.make(`https://login.example/?api_key=canary&state=${state}&redirect_url=${"x".repeat(200)}`),
  state: Redacted.make(state),
  redirectUrl: "https://app.example/callback"
}
const keyOf = (text: string) => VaultKey.fromText(Redacted.make(text.repeat(32)), "the key of a test")
const sealed = (options: { readonly lifetime?: "1 hour" } = {}) =>
  Effect.gen(function* () {
    const key = yield* keyOf("ab")
    return { key, text: yield* SealedRequest.seal(request, key, { account, ...options }) }
  })

const refusal = <A>(effect: Effect.Effect<A, AuthError.AuthError>) =>
  Effect.map(Effect.flip(effect), (error) => {
    assert.notInclude(shown(error), "canary")
    assert.notInclude(shown(error), state)
    const { reason } = error
    if (reason._tag === "RedirectRejected") {
      assert.match(reason.remedy, /Begin the login again/)
      return reason.why
    }
    return error.message
  })

describe("a sealed request", () => {
  it.effect("hides its content, and opens as the original request", () =>
    Effect.gen(function* () {
      const { key, text } = yield* sealed()
      assert.match(text, /^[\w-]+$/)
      assert.isBelow(text.length, 1024)
      const bytes = Buffer.from(text, "base64url").toString("latin1")
      for (const secret of ["canary", state, "app.example"]) assert.notInclude(bytes, secret)
      const opened = yield* SealedRequest.open(text, key, { account })
      assert.strictEqual(Redacted.value(opened.url), Redacted.value(request.url))
      assert.strictEqual(Redacted.value(opened.state), state)
      assert.strictEqual(opened.redirectUrl, request.redirectUrl)
      assert.notInclude(JSON.stringify(opened), state)
    })
  )

  it.effect("is a different text after each sealing", () =>
    Effect.gen(function* () {
      assert.notStrictEqual((yield* sealed()).text, (yield* sealed()).text)
    })
  )

  it.effect("can be opened with a copy of the key", () =>
    Effect.gen(function* () {
      const { text } = yield* sealed()
      const opened = yield* SealedRequest.open(text, yield* keyOf("ab"), { account })
      assert.strictEqual(Redacted.value(opened.state), state)
    })
  )

  it.effect("can be opened for ten minutes by default", () =>
    Effect.gen(function* () {
      const { key, text } = yield* sealed()
      yield* TestClock.adjust("599 seconds")
      yield* SealedRequest.open(text, key, { account })
      yield* TestClock.adjust("1 second")
      assert.strictEqual(yield* refusal(SealedRequest.open(text, key, { account })), "request-expired")
    })
  )

  it.effect("can be opened until its `lifetime` has passed", () =>
    Effect.gen(function* () {
      const { key, text } = yield* sealed({ lifetime: "1 hour" })
      yield* TestClock.adjust("59 minutes")
      yield* SealedRequest.open(text, key, { account })
      yield* TestClock.adjust("1 minute")
      assert.strictEqual(yield* refusal(SealedRequest.open(text, key, { account })), "request-expired")
    })
  )

  it.effect("cannot be opened if it was sealed an hour in the future", () =>
    Effect.gen(function* () {
      yield* TestClock.setTime(3_600_000)
      const { key, text } = yield* sealed()
      yield* TestClock.setTime(0)
      assert.strictEqual(yield* refusal(SealedRequest.open(text, key, { account })), "request-expired")
    })
  )

  it.effect("cannot be opened for another account or with another key", () =>
    Effect.gen(function* () {
      const { key, text } = yield* sealed()
      for (const other of [{ id: "T2" }, { environment: "uat" }, { app: "two" }, { broker: "other" }]) {
        const opened = SealedRequest.open(text, key, { account: { ...account, ...other } })
        assert.strictEqual(yield* refusal(opened), "request-changed")
      }
      const opened = SealedRequest.open(text, yield* keyOf("cd"), { account })
      assert.strictEqual(yield* refusal(opened), "request-changed")
    })
  )

  it.effect("cannot be opened if any byte is changed, removed or added", () =>
    Effect.gen(function* () {
      const { key, text } = yield* sealed()
      const bytes = Result.getOrThrow(Base64Url.decode(text))
      for (let index = 0; index < bytes.length; index += 1) {
        const changed = bytes.map((byte, at) => (at === index ? byte ^ 1 : byte))
        const opened = SealedRequest.open(Base64Url.encode(changed), key, { account })
        assert.strictEqual(yield* refusal(opened), "request-changed", `with byte ${index} changed`)
      }
      for (const damaged of [text.slice(4), text.slice(0, -4), `${text}AAAA`, "%%%", "AAAA", "x".repeat(100_000)]) {
        assert.strictEqual(yield* refusal(SealedRequest.open(damaged, key, { account })), "request-changed")
      }
    })
  )

  it.effect("cannot be opened if missing, and the error mentions cookies", () =>
    Effect.gen(function* () {
      const key = yield* keyOf("ab")
      for (const nothing of [undefined, ""]) {
        const error = yield* Effect.flip(SealedRequest.open(nothing, key, { account }))
        assert.include(error.remedy, "cookies")
      }
    })
  )

  it.effect("needs an encryption key, a valid lifetime and a valid request", () =>
    Effect.gen(function* () {
      const key = yield* keyOf("ab")
      const plaintext: VaultKey.Key = { _tag: "Plaintext", describe: "none" }
      assert.include(yield* refusal(SealedRequest.seal(request, plaintext, { account })), "key must be")
      assert.include(yield* refusal(SealedRequest.open("AAAA", plaintext, { account })), "key must be")
      for (const lifetime of [0, -1, Number.NaN, Number.POSITIVE_INFINITY]) {
        assert.include(yield* refusal(SealedRequest.seal(request, key, { account, lifetime })), "lifetime must be")
      }
      for (const nothing of [undefined, null, "text", {}, JSON.parse(JSON.stringify(request))]) {
        assert.include(
          yield* refusal(SealedRequest.seal(nothing as never, key, { account })),
          "must be the request that `begin` of `RedirectLogin` returned"
        )
      }
    })
  )

  it.effect("can complete only one login, even with a new `RedirectLogin`", () =>
    Effect.gen(function* () {
      let sent = 0
      const layer = () =>
        RedirectLogin.make("tiny", {
          begin: Effect.map(RedirectLogin.makeState, (fresh) => ({ ...request, state: fresh })),
          receive: (begun, callbackUrl) =>
            RedirectLogin.parseCallback({ broker: "tiny", request: begun, callbackUrl, state: "required" }).pipe(
              Effect.flatMap((parameters) => RedirectLogin.requireParameter("tiny", parameters, "code")),
              Effect.map((code) => ({ code }))
            ),
          exchange: () =>
            Session.issue(
              { account, method: "browser", expiry: Expiry.dailyAt("00:00") },
              Effect.sync(() => {
                sent += 1
                return { tokens: { access: Redacted.make("access") } }
              })
            )
        })
      const key = yield* keyOf("ab")
      const begun = yield* layer().begin
      const text = yield* SealedRequest.seal(begun, key, { account })
      const callback = Redacted.make(`${begun.redirectUrl}?code=c1&state=${Redacted.value(begun.state)}`)
      const complete = Effect.suspend(() =>
        Effect.flatMap(SealedRequest.open(text, key, { account }), (opened) => layer().complete(opened, callback))
      )
      yield* complete
      assert.include(yield* refusal(complete), "A callback of this browser login was used before, so nothing was sent")
      assert.strictEqual(sent, 1)
    })
  )
})
