import * as Checksum from "@auth/broker-core/broker/Checksum"
import type { FakeBroker } from "@auth/broker-core/testing/FakeBroker"
import { FakeZerodha } from "@auth/zerodha/msw"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import * as TestClock from "effect/testing/TestClock"
import { browse, demo } from "./support.ts"

/** 2026-11-27 08:15:14 IST. */
const morning = Date.UTC(2026, 10, 27, 2, 45, 14)

const start = (options?: Parameters<typeof FakeZerodha.make>[0]) =>
  Effect.andThen(TestClock.setTime(morning), FakeZerodha.make(options))

const api = "https://api.kite.trade"
const formType = { "content-type": "application/x-www-form-urlencoded" }

interface Answer {
  readonly status: string
  readonly message?: string
  readonly error_type?: string
  readonly data?: Readonly<Record<string, string>> | boolean | null
}

const ask = (fake: FakeBroker, path: string, init: RequestInit = {}) =>
  Effect.promise(async () => {
    const response = await fake.respond(new Request(path.startsWith("https") ? path : api + path, init))
    const text = await response.text()
    const isJson = response.headers.get("content-type") === "application/json"
    return { http: response.status, text, headers: response.headers, ...(isJson ? (JSON.parse(text) as Answer) : {}) }
  })

const loginUrl = (more = "") => `https://kite.zerodha.com/connect/login?v=3&api_key=${demo.apiKey}${more}`

const callback = (fake: FakeBroker, more = "", changes: Readonly<Record<string, string>> = {}, account = demo) =>
  Effect.map(browse(fake, { url: Redacted.make(loginUrl(more)) }, account, changes), Redacted.value)

const requestToken = (fake: FakeBroker, account = demo) =>
  Effect.gen(function* () {
    yield* TestClock.adjust("31 seconds")
    return new URL(yield* callback(fake, "", {}, account)).searchParams.get("request_token") ?? ""
  })

const sign = (token: string) =>
  Effect.map(Checksum.sha256([demo.apiKey, token, demo.apiSecret]), (checksum) => Redacted.value(checksum))

const exchange = (fake: FakeBroker, fields: Readonly<Record<string, string>>, headers = formType) =>
  ask(fake, "/session/token", { method: "POST", headers, body: new URLSearchParams(fields).toString() })

const open = (fake: FakeBroker, account = demo) =>
  Effect.gen(function* () {
    const token = yield* requestToken(fake, account)
    const fields = { api_key: demo.apiKey, request_token: token, checksum: yield* sign(token) }
    const answer = yield* exchange(fake, fields)
    assert.strictEqual(answer.http, 200, answer.text)
    return answer.data as Readonly<Record<string, string>>
  })

const authorization = (token: string | undefined) => ({ authorization: `token ${demo.apiKey}:${token ?? ""}` })

const profile = (fake: FakeBroker, headers: Record<string, string>) => ask(fake, "/user/profile", { headers })

const token = [403, "TokenException"]
const input = [400, "InputException"]

describe("the fake's token exchange", () => {
  it.effect("accepts only a form body with all fields", () =>
    Effect.gen(function* () {
      const fake = yield* start()
      const made = yield* requestToken(fake)
      const fields = { api_key: demo.apiKey, request_token: made, checksum: yield* sign(made) }
      const json = { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(fields) }
      const query = `/session/token?${new URLSearchParams(fields)}`
      for (const answer of [
        yield* ask(fake, "/session/token", json),
        yield* ask(fake, query, { method: "POST", headers: formType, body: "" })
      ]) {
        assert.deepStrictEqual([answer.http, answer.error_type], input)
        assert.strictEqual(answer.message, "Missing or invalid field `api_key`. Min length is 6.")
      }
      for (const name of Object.keys(fields)) {
        const answer = yield* exchange(fake, Object.fromEntries(Object.entries(fields).filter(([key]) => key !== name)))
        assert.include(answer.message, `\`${name}\``)
      }
      assert.strictEqual((yield* exchange(fake, fields)).http, 200)
    })
  )

  it.effect("returns the documented answer", () =>
    Effect.gen(function* () {
      const data = yield* open(yield* start())
      assert.match(data["access_token"] ?? "", /^[A-Za-z0-9]{32}$/)
      const { api_key, login_time, refresh_token, silo, user_id } = data
      assert.deepStrictEqual(
        { api_key, login_time, refresh_token, silo, user_id },
        { api_key: demo.apiKey, login_time: "2026-11-27 08:15:45", refresh_token: "", silo: "", user_id: "ZZ0001" }
      )
    })
  )

  it.effect.each([
    ["rejects an upper-case checksum, and uses up the request token", {}, [...token, ...token]],
    [
      'with wrongChecksum: "InputException", answers InputException to an upper-case checksum',
      { wrongChecksum: "InputException" },
      [...input, ...token]
    ],
    [
      'with refusedExchange: "keeps", rejects an upper-case checksum, and keeps the request token',
      { refusedExchange: "keeps" },
      [...token, 200, undefined]
    ]
  ] as const)("%s", ([, switches, expected]) =>
    Effect.gen(function* () {
      const fake = yield* start(switches)
      const made = yield* requestToken(fake)
      const checksum = yield* sign(made)
      const wrong = yield* exchange(fake, {
        api_key: demo.apiKey,
        request_token: made,
        checksum: checksum.toUpperCase()
      })
      assert.strictEqual(wrong.message, "Invalid `checksum`.")
      const right = yield* exchange(fake, { api_key: demo.apiKey, request_token: made, checksum })
      assert.deepStrictEqual([wrong.http, wrong.error_type, right.http, right.error_type], [...expected])
    })
  )

  it.effect("accepts a request token only once, within two minutes, and with the login's API key", () =>
    Effect.gen(function* () {
      const other = { ...demo, userId: "ZZ0002", apiKey: "otherkey00000002" }
      const fake = yield* start({ accounts: [demo, other] })
      const once = yield* requestToken(fake)
      const fields = (made: string, apiKey = demo.apiKey) =>
        Effect.map(Checksum.sha256([apiKey, made, demo.apiSecret]), (checksum) => ({
          api_key: apiKey,
          request_token: made,
          checksum: Redacted.value(checksum)
        }))
      assert.deepStrictEqual((yield* exchange(fake, yield* fields(once, other.apiKey))).http, 403)
      assert.strictEqual((yield* exchange(fake, yield* fields(once))).http, 200)
      assert.strictEqual((yield* exchange(fake, yield* fields(once))).message, "Token is invalid or has expired.")
      const inTime = yield* requestToken(fake)
      yield* TestClock.adjust("119999 millis")
      assert.strictEqual((yield* exchange(fake, yield* fields(inTime))).http, 200)
      const late = yield* requestToken(fake)
      yield* TestClock.adjust("2 minutes")
      assert.strictEqual((yield* exchange(fake, yield* fields(late))).http, 403)
    })
  )
})

describe("the fake's login page", () => {
  it.effect("redirects with the decoded redirect_params", () =>
    Effect.gen(function* () {
      const fake = yield* start()
      assert.include((yield* ask(fake, loginUrl())).text, '<form method="post"')
      const pairs = encodeURIComponent("state=st-Fake_01&n=a+b")
      const url = new URL(yield* callback(fake, `&redirect_params=${pairs}&state=dropped`))
      const { request_token: made, ...others } = Object.fromEntries(url.searchParams)
      assert.match(made ?? "", /^[A-Za-z0-9]{32}$/)
      const fixed = { action: "login", type: "login", status: "success" }
      assert.deepStrictEqual(others, { ...fixed, state: "st-Fake_01", n: "a b" })
      assert.deepStrictEqual([...url.searchParams.keys()].slice(0, 4), ["action", "type", "status", "request_token"])
    })
  )

  it.effect("drops a state outside redirect_params", () =>
    Effect.gen(function* () {
      assert.isFalse(new URL(yield* callback(yield* start(), "&state=dropped")).searchParams.has("state"))
    })
  )

  it.effect.each([
    ["redirects a cancelled login with only the status", undefined, "?status=cancelled"],
    [
      'with cancelled: "with-pairs", redirects a cancelled login with the status and the state',
      "with-pairs",
      "?status=cancelled&state=1"
    ]
  ] as const)("%s", ([, cancelled, query]) =>
    Effect.gen(function* () {
      const fake = yield* start(cancelled && { cancelled })
      const url = yield* callback(fake, "&redirect_params=state%3D1", { cancel: "1" })
      assert.strictEqual(url, demo.redirectUrl + query)
    })
  )

  it.effect("does not redirect for an unknown API key or a user not enabled for the app", () =>
    Effect.gen(function* () {
      const fake = yield* start({ accounts: [{ ...demo, app: "disabled" }] })
      const unknown = yield* ask(fake, "https://kite.trade/connect/login?v=3&api_key=unknown")
      assert.deepStrictEqual([unknown.http, unknown.text.includes("Invalid `api_key`")], [400, true])
      assert.strictEqual(yield* callback(fake), "")
      assert.strictEqual(yield* callback(fake, "", { user_id: "ZZ0009" }), "")
    })
  )

  it.effect.each([
    ["passwords", { password: "wrong" }],
    ["codes", { totp: "000000" }]
  ] as const)("blocks a user after five wrong %s, not after four", ([, wrong]) =>
    Effect.gen(function* () {
      for (const attempts of [4, 5]) {
        const fake = yield* start()
        for (let sent = 0; sent < attempts; sent += 1) assert.strictEqual(yield* callback(fake, "", wrong), "")
        assert.strictEqual((yield* callback(fake)) === "", attempts === 5)
      }
    })
  )
})

describe("a session of the fake", () => {
  it.effect('requires the header "Authorization: token <API key>:<access token>"', () =>
    Effect.gen(function* () {
      const fake = yield* start()
      const { access_token: access = "" } = yield* open(fake)
      for (const wrong of [
        `Bearer ${access}`,
        `token ${access}`,
        `token ${demo.apiKey} ${access}`,
        `token otherkey:${access}`,
        `Token ${demo.apiKey}:${access}`,
        ""
      ]) {
        const answer = yield* profile(fake, { authorization: wrong })
        assert.deepStrictEqual([answer.http, answer.error_type], token, wrong)
        assert.strictEqual(answer.message, "Incorrect `api_key` or `access_token`.")
      }
      assert.strictEqual((yield* profile(fake, authorization(access))).http, 200)
    })
  )

  it.effect.each([
    ["06:00", Date.UTC(2026, 10, 28, 0, 30)],
    ["07:30", Date.UTC(2026, 10, 28, 2, 0)]
  ] as const)("ends at the dailyEnd %s IST", ([dailyEnd, end]) =>
    Effect.gen(function* () {
      const fake = yield* start({ dailyEnd })
      const { access_token: access } = yield* open(fake)
      yield* TestClock.setTime(end - 1)
      assert.strictEqual((yield* profile(fake, authorization(access))).http, 200)
      yield* TestClock.setTime(end)
      assert.strictEqual((yield* profile(fake, authorization(access))).http, 403)
    })
  )

  it.effect('ends at the next login of the user, unless earlierSessions is "live"', () =>
    Effect.gen(function* () {
      for (const [switches, http] of [[{}, 403] as const, [{ earlierSessions: "live" }, 200] as const]) {
        const fake = yield* start(switches)
        const first = yield* open(fake)
        yield* open(fake)
        assert.strictEqual((yield* profile(fake, authorization(first["access_token"]))).http, http)
      }
    })
  )

  it.effect("ends after DELETE /session/token with a valid Authorization or none", () =>
    Effect.gen(function* () {
      const fake = yield* start()
      for (const headers of [(access: string) => authorization(access), () => ({})]) {
        const { access_token: access = "" } = yield* open(fake)
        const path = `/session/token?api_key=${demo.apiKey}&access_token=${access}`
        const wrong = yield* ask(fake, path, { method: "DELETE", headers: { authorization: "Bearer x" } })
        assert.strictEqual(wrong.http, 403)
        const answer = yield* ask(fake, path, { method: "DELETE", headers: headers(access) })
        assert.strictEqual(answer.text, '{"status":"success","data":true}')
        assert.strictEqual((yield* profile(fake, authorization(access))).http, 403)
        assert.strictEqual((yield* ask(fake, path, { method: "DELETE" })).error_type, "TokenException")
      }
      assert.strictEqual((yield* ask(fake, "/session/token", { method: "DELETE" })).error_type, "InputException")
    })
  )

  it.effect("has a one-time refresh token if the app is an approved platform", () =>
    Effect.gen(function* () {
      const platform = { ...demo, platform: "approved" } as const
      const fake = yield* start({ accounts: [platform] })
      const { refresh_token: refresh = "" } = yield* open(fake, platform)
      assert.match(refresh, /^[A-Za-z0-9]{32}$/)
      const renew = (made: string) =>
        Effect.flatMap(sign(made), (checksum) => {
          const body = new URLSearchParams({ api_key: demo.apiKey, refresh_token: made, checksum }).toString()
          return ask(fake, "/session/refresh_token", { method: "POST", headers: formType, body })
        })
      assert.strictEqual((yield* renew(yield* requestToken(fake, platform))).error_type, "TokenException")
      assert.strictEqual((yield* renew(refresh)).http, 200)
      assert.strictEqual((yield* renew(refresh)).http, 403)
    })
  )
})

describe("calls to the fake", () => {
  it.effect("beyond ten in a second get HTTP 429 without Retry-After", () =>
    Effect.gen(function* () {
      const fake = yield* start()
      const { access_token: access } = yield* open(fake)
      for (let count = 0; count < 10; count += 1) {
        assert.strictEqual((yield* profile(fake, authorization(access))).http, 200)
      }
      const answer = yield* profile(fake, authorization(access))
      assert.deepStrictEqual([answer.http, answer.error_type], [429, "NetworkException"])
      assert.isNull(answer.headers.get("retry-after"))
      const path = `/session/token?api_key=${demo.apiKey}&access_token=${access}`
      const logout = yield* ask(fake, path, { method: "DELETE", headers: authorization(access) })
      assert.deepStrictEqual([logout.http, logout.error_type], [429, "NetworkException"])
      yield* TestClock.adjust("1 second")
      assert.strictEqual((yield* profile(fake, authorization(access))).http, 200)
    })
  )

  it.effect("get a JSON error for an unknown path or method", () =>
    Effect.gen(function* () {
      const fake = yield* start()
      const unknown = yield* ask(fake, "/user/unknown")
      const method = yield* ask(fake, "/session/token", { method: "PUT" })
      assert.deepStrictEqual([unknown.http, unknown.status, method.http, method.status], [404, "error", 405, "error"])
    })
  )

  it.effect.each([
    ["none", "No IPs configured for this app."],
    ["unregistered", "IP (192.0.2.7) is not allowed to place orders for this app."]
  ] as const)('can read data, but cannot place orders, if the account has ip: "%s"', ([ip, message]) =>
    Effect.gen(function* () {
      const account = { ...demo, ip }
      const fake = yield* start({ accounts: [account] })
      const { access_token: access } = yield* open(fake, account)
      const answer = yield* ask(fake, "/orders/regular", { method: "POST", headers: authorization(access) })
      assert.deepStrictEqual([answer.http, answer.error_type], [403, "PermissionException"])
      assert.include(answer.message, message)
      assert.strictEqual((yield* profile(fake, authorization(access))).http, 200)
    })
  )

  it.effect.each([
    ["old", "without meta or picture"],
    ["with-picture", "with meta and picture"]
  ] as const)('with holder: "%s" return a profile %s', ([holder]) =>
    Effect.gen(function* () {
      const fake = yield* start({ holder })
      const { access_token: access } = yield* open(fake)
      const { data } = yield* profile(fake, authorization(access))
      const isOld = holder === "old"
      assert.strictEqual(Object.hasOwn(data as object, "meta"), !isOld)
      assert.strictEqual(typeof (data as Record<string, unknown>)["avatar_url"], isOld ? "object" : "string")
    })
  )
})
