import { assert, describe, it } from "@effect/vitest"
import type { FakeBroker } from "@auth/broker-core/testing/FakeBroker"
import * as Effect from "effect/Effect"
import { ask, bearer, begin, type Changed, demo, loggedIn, paths } from "./asking.ts"
import { codeNow } from "./support.ts"

describe("FakeAngel: paths", () => {
  it.effect("loginByMpin is refused by the firewall", () =>
    Effect.gen(function* () {
      const { headers, status, text } = yield* ask(yield* begin(), { path: paths.loginByMpin })
      assert.strictEqual(status, 200)
      assert.include(headers.get("content-type") ?? "", "text/html")
      assert.match(text, /Request Rejected[\s\S]*Your support ID is: \d{18,20}/)
    })
  )

  for (const [path, method] of [
    ["/rest/nowhere", "GET"],
    [paths.getProfile, "POST"],
    ["/", "GET"]
  ] as const) {
    it.effect(`${method} ${path} gives HTTP 404 and a journal entry`, () =>
      Effect.gen(function* () {
        const fake = yield* begin()
        const { status, text } = yield* ask(fake, { path, method })
        assert.deepStrictEqual([status, text], [404, "not found"])
        const [entry] = yield* fake.journal
        assert.deepStrictEqual([entry?.endpoint, entry?.status], ["unknown", 404])
      })
    )
  }

  it.effect("generateTokens is accepted with a double slash in its path", () =>
    Effect.gen(function* () {
      const { fake, tokens } = yield* loggedIn()
      const { says } = yield* ask(fake, {
        path: paths.generateTokens.replace("v1/", "v1//"),
        headers: bearer(tokens.jwtToken),
        body: { refreshToken: tokens.refreshToken }
      })
      assert.strictEqual(says, true)
    })
  )

  it.effect("the market feed explains a refusal in the header x-error-message", () =>
    Effect.gen(function* () {
      const { fake, tokens } = yield* loggedIn()
      const right = {
        authorization: tokens.jwtToken,
        "x-api-key": demo.apiKey,
        "x-client-code": demo.clientCode,
        "x-feed-token": tokens.feedToken
      }
      const feed = (headers: Changed, query = "") =>
        Effect.map(
          ask(fake, {
            origin: "https://smartapisocket.angelone.in",
            path: `/smart-stream${query}`,
            method: "GET",
            headers
          }),
          ({ headers: got, status }) => [status, got.get("x-error-message")]
        )
      assert.deepStrictEqual(yield* feed(right), [426, null])
      assert.deepStrictEqual(yield* feed({ ...right, authorization: "x" }), [401, "Invalid Auth token"])
      assert.deepStrictEqual(yield* feed({ ...right, "x-client-code": "x" }), [401, "Invalid Client Code"])
      assert.deepStrictEqual(yield* feed({ ...right, "x-api-key": "x" }), [401, "Invalid API Key"])
      assert.deepStrictEqual(yield* feed({ ...right, "x-feed-token": "x" }), [401, "Invalid Feed Token"])
      const query = `?clientCode=${demo.clientCode}&feedToken=${tokens.feedToken}&apiKey=${demo.apiKey}`
      assert.deepStrictEqual(yield* feed({}, query), [426, null])
      yield* fake.advance("1 day")
      assert.deepStrictEqual(yield* feed(right), [401, "Invalid Auth token"])
      assert.deepStrictEqual(yield* feed({}, query), [401, "Invalid Feed Token"])
    })
  )
})

describe("FakeAngel: the publisher page", () => {
  const page = (key: string, state = "&state=s%3D1") => ({
    origin: "https://smartapi.angelone.in",
    path: `/publisher-login?api_key=${key}${state}`
  })
  const submit = Effect.fnUntraced(function* (
    fake: FakeBroker,
    changes: Readonly<Record<string, string>> = {},
    at = page(demo.publisherKey)
  ) {
    const form = {
      clientcode: ` ${demo.clientCode.toLowerCase()} `,
      pin: demo.pin,
      totp: yield* codeNow(demo),
      ...changes
    }
    return yield* ask(fake, {
      ...at,
      method: "POST",
      headers: { "content-type": "application/x-www-form-urlencoded" },
      body: new URLSearchParams(form).toString()
    })
  })

  for (const [what, key, status] of [
    ["the API key of a publisher app", demo.publisherKey, 200],
    ["the API key of a trading app", demo.apiKey, 403],
    ["an unknown API key", "badkey7", 403],
    ["an empty API key", "", 403]
  ] as const) {
    it.effect(`answers HTTP ${status} for ${what}`, () =>
      Effect.gen(function* () {
        const answer = yield* ask(yield* begin(), { ...page(key), method: "GET" })
        assert.strictEqual(answer.status, status)
        assert.strictEqual(answer.text.includes("<form"), status === 200)
      })
    )
  }

  for (const [what, changes] of [
    ["PIN", { pin: "1111" }],
    ["one-time code", { totp: "000000" }],
    ["client code", { clientcode: "Z999999" }]
  ] as const) {
    it.effect(`shows "Login failed" after a wrong ${what}`, () =>
      Effect.gen(function* () {
        const { headers, status, text } = yield* submit(yield* begin(), changes)
        assert.strictEqual(status, 200)
        assert.isNull(headers.get("location"))
        assert.include(text, "Login failed")
      })
    )
  }

  for (const publisherRefreshToken of ["sent", "absent"] as const) {
    it.effect(
      `redirects ${publisherRefreshToken === "sent" ? "with" : "without"} a refresh token if publisherRefreshToken is "${publisherRefreshToken}"`,
      () =>
        Effect.gen(function* () {
          const fake = yield* begin({ publisherRefreshToken })
          const { headers, status } = yield* submit(fake)
          assert.strictEqual(status, 302)
          const target = new URL(headers.get("location") ?? "")
          assert.strictEqual(target.origin + target.pathname, demo.redirectUrl)
          assert.strictEqual(target.searchParams.get("state"), "s=1")
          assert.strictEqual(target.searchParams.has("refresh_token"), publisherRefreshToken === "sent")
          const profile = yield* ask(fake, {
            path: paths.getProfile,
            headers: { ...bearer(target.searchParams.get("auth_token") ?? ""), "x-privatekey": demo.publisherKey }
          })
          assert.strictEqual(profile.data["clientcode"], demo.clientCode)
        })
    )
  }

  it.effect("redirects without `state` if it got none, and escapes `state` in the form", () =>
    Effect.gen(function* () {
      const fake = yield* begin()
      const { headers } = yield* submit(fake, {}, page(demo.publisherKey, ""))
      assert.isFalse(new URL(headers.get("location") ?? "").searchParams.has("state"))
      const { text } = yield* ask(fake, { ...page(demo.publisherKey, `&state="><script>`), method: "GET" })
      assert.include(text, `action="/publisher-login?api_key=${demo.publisherKey}&#38;state=%22%3E%3Cscript%3E"`)
    })
  )
})
