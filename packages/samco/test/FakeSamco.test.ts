import { assert, describe, it } from "@effect/vitest"
import type { FakeBroker } from "@auth/broker-core/testing/FakeBroker"
import { FakeSamco } from "@auth/samco/msw"
import * as Effect from "effect/Effect"
import * as TestClock from "effect/testing/TestClock"

const demo = FakeSamco.demoAccount

/** `morning` is 09:30 IST. `nextCutOff` is the first 08:00 IST after `morning`. */
const morning = Date.UTC(2026, 10, 21, 4)
const nextCutOff = Date.UTC(2026, 10, 22, 2, 30)

interface Answer {
  readonly status: number
  readonly location: string | null
  readonly text: string
  readonly json: Readonly<Record<string, unknown>>
  readonly data: Readonly<Record<string, string>>
}

const ask = (
  fake: FakeBroker,
  method: string,
  path: string,
  options: { readonly body?: unknown; readonly token?: string; readonly headers?: Record<string, string> } = {}
): Effect.Effect<Answer> =>
  Effect.promise(async () => {
    const { body, headers, token } = options
    const response = await fake.respond(
      new Request(`https://tradeapi.samco.in${path}`, {
        method,
        headers: {
          accept: "application/json",
          "content-type": "application/json",
          ...(token === undefined ? {} : { "x-session-token": token }),
          ...headers
        },
        ...(body === undefined ? {} : { body: typeof body === "string" ? body : JSON.stringify(body) })
      })
    )
    const text = await response.text()
    const json = text.startsWith("{") ? (JSON.parse(text) as Answer["json"]) : {}
    return {
      status: response.status,
      location: response.headers.get("location"),
      text,
      json,
      data: Object(json["data"]) as Answer["data"]
    }
  })

const begin = Effect.fnUntraced(function* (options?: Parameters<typeof FakeSamco.make>[0]) {
  yield* TestClock.setTime(morning)
  return yield* FakeSamco.make(options)
})

const login = (fake: FakeBroker, changes: Partial<FakeSamco.Account> = {}) => {
  const { apiKey, apiSecret } = { ...demo, ...changes }
  return ask(fake, "POST", "/session/token", { body: { apiKey, apiSecret } })
}

const limits = (fake: FakeBroker, token: unknown) => ask(fake, "GET", "/limit/getLimits", { token: token as string })

const authorization = { apiKey: demo.apiKey, redirectUrl: demo.redirectUrl, state: "live", scopes: "all" }

const authenticate = (fake: FakeBroker, changes: object = {}) =>
  ask(fake, "POST", "/oauth/authenticate", { body: { ...authorization, apiSecret: demo.apiSecret, ...changes } })

const codeOf = ({ data }: Answer) => new URL(data["redirectTo"] ?? "").searchParams.get("code") ?? ""

const exchange = (fake: FakeBroker, code: string) =>
  ask(fake, "POST", "/oauth/token", { body: { grant_type: "authorization_code", code } })

const renew = (fake: FakeBroker, refresh_token: string | undefined) =>
  ask(fake, "POST", "/oauth/token", { body: { grant_type: "refresh_token", refresh_token } })

const oauthLogin = (fake: FakeBroker) => Effect.flatMap(authenticate(fake), (answer) => exchange(fake, codeOf(answer)))

describe("the fake's request handling", () => {
  it.effect("refuses a POST whose content type or accept header excludes JSON", () =>
    Effect.gen(function* () {
      const fake = yield* begin()
      const form = { headers: { "content-type": "application/x-www-form-urlencoded" }, body: "apiKey=a" }
      assert.strictEqual((yield* ask(fake, "POST", "/session/token", form)).status, 415)
      const page = { headers: { accept: "text/html" }, body: {} }
      for (const path of ["/session/token", "/login", "/oauth/token", "/oauth/revoke", "/otp/generateOtp"]) {
        assert.strictEqual((yield* ask(fake, "POST", path, page)).status, 406)
      }
    })
  )

  it.effect("answers a POST that accepts JSON, and a GET that does not", () =>
    Effect.gen(function* () {
      const fake = yield* begin()
      for (const accept of ["", "*/*", "application/*", "text/html, */*;q=0.1", "Application/JSON"]) {
        const { status } = yield* ask(fake, "POST", "/session/token", { headers: { accept }, body: {} })
        // HTTP 400: the fake accepted the header, but the body has no key.
        assert.strictEqual(status, 400, accept)
      }
      const token = String((yield* login(fake)).json["sessionToken"])
      const page = { accept: "text/html", "x-session-token": token }
      assert.strictEqual((yield* ask(fake, "GET", "/limit/getLimits", { headers: page })).status, 200)
    })
  )

  it.effect('answers the first exchange of a code with EOAUTH030 if codeExchange is "concurrent"', () =>
    Effect.gen(function* () {
      const fake = yield* begin({ codeExchange: "concurrent" })
      const token = String((yield* login(fake)).json["sessionToken"])
      const code = codeOf(yield* authenticate(fake))
      assert.strictEqual((yield* exchange(fake, code)).json["errorCode"], "EOAUTH030")
      assert.strictEqual((yield* limits(fake, token)).status, 200)
      assert.strictEqual((yield* exchange(fake, code)).json["errorCode"], "EOAUTH012")
      assert.strictEqual((yield* limits(fake, token)).status, 401)
    })
  )

  it.effect("refuses unknown paths and methods", () =>
    Effect.gen(function* () {
      const fake = yield* begin()
      for (const [method, path] of [
        ["POST", "/secretKey/generate"],
        ["POST", "/user/logout"],
        ["POST", "/logout"],
        ["GET", "/session/token"]
      ] as const) {
        assert.strictEqual((yield* ask(fake, method, path, method === "POST" ? { body: {} } : {})).status, 404)
      }
    })
  )

  it.effect("accepts a token only in x-session-token, without the prefix Bearer", () =>
    Effect.gen(function* () {
      const fake = yield* begin()
      const token = String((yield* login(fake)).json["sessionToken"])
      assert.strictEqual((yield* limits(fake, token)).status, 200)
      const bearer = yield* ask(fake, "GET", "/limit/getLimits", { headers: { authorization: `Bearer ${token}` } })
      assert.strictEqual(bearer.json["statusMessage"], "Unauthorized. Session token is mandatory.")
      const prefixed = yield* limits(fake, `Bearer ${token}`)
      assert.deepStrictEqual(
        [prefixed.status, prefixed.json["statusMessage"]],
        [401, "Unauthorized - Invalid token. sessId missing."]
      )
    })
  )
})

describe("the fake's login with key and secret", () => {
  const refusals: ReadonlyArray<
    readonly [string, Partial<FakeSamco.Account>, Partial<FakeSamco.Account>, number, string, string | undefined]
  > = [
    ["an unknown key", {}, { apiKey: "f".repeat(64) }, 401, "Invalid API key", "EOAUTH001"],
    ["an inactive app", { app: "inactive" }, {}, 401, "Invalid or inactive API key", "EOAUTH001"],
    ["a plain-text secret", {}, { apiSecret: "plain" }, 401, "Invalid API secret format", "EOAUTH008"],
    ["a wrong secret", {}, { apiSecret: "f".repeat(96) }, 401, "Invalid API secret", "EOAUTH008"],
    [
      "a request without key and secret",
      {},
      { apiKey: "", apiSecret: "" },
      400,
      "apiKey and apiSecret are required",
      undefined
    ],
    [
      "an account without a subscription",
      { subscription: "none" },
      {},
      403,
      "User not subscribed. Please subscribe to access trade API",
      undefined
    ],
    ["a blocked account", { state: "blocked" }, {}, 403, "User account is blocked", undefined],
    ["a dormant account", { state: "dormant" }, {}, 403, "User account is dormant", undefined],
    [
      "an account whose user has never signed in to the mobile app",
      { appSignIn: "needed" },
      {},
      401,
      "Unable to start your trading session. Please open the SAMCO mobile app, sign in once, and then retry.",
      undefined
    ]
  ]
  for (const [what, account, sent, status, message, code] of refusals) {
    it.effect(`returns the broker's error message for ${what}`, () =>
      Effect.gen(function* () {
        const fake = yield* begin({ accounts: [{ ...demo, ...account }] })
        const answer = yield* login(fake, sent)
        const errorCode = code === undefined ? {} : { errorCode: code }
        assert.deepStrictEqual(answer.json, { status: "Failure", statusMessage: message, ...errorCode })
        assert.strictEqual(answer.status, status)
      })
    )
  }

  it.effect("returns a token that expires at 08:00 IST", () =>
    Effect.gen(function* () {
      const fake = yield* begin()
      const { json } = yield* login(fake)
      assert.strictEqual(json["serverTime"], "21/11/26 09:30:00")
      assert.match(String(json["msgId"]), /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/)
      assert.deepStrictEqual(json["orderTypeList"], ["L", "MKT", "SL", "SL-M"])
      yield* TestClock.setTime(nextCutOff - 1)
      assert.strictEqual((yield* limits(fake, json["sessionToken"])).status, 200)
      yield* TestClock.setTime(nextCutOff)
      assert.strictEqual((yield* limits(fake, json["sessionToken"])).status, 401)
    })
  )

  for (const [tokenEnd, expected] of [
    ["in-token", nextCutOff / 1000],
    ["absent", undefined]
  ] as const) {
    const what = expected === undefined ? "without exp" : "whose exp is the next 08:00 IST"
    it.effect(`issues a token ${what} if tokenEnd is "${tokenEnd}"`, () =>
      Effect.gen(function* () {
        const fake = yield* begin({ tokenEnd })
        const token = String((yield* login(fake)).json["sessionToken"])
        const claims = JSON.parse(atob(token.split(".")[1] ?? "")) as Readonly<Record<string, unknown>>
        assert.strictEqual(claims["exp"], expected)
      })
    )
  }
})

describe("the fake's browser login", () => {
  it.effect("answers GET /oauth/authorize with a description of the app", () =>
    Effect.gen(function* () {
      const fake = yield* begin()
      const query = new URLSearchParams({
        api_key: demo.apiKey,
        redirect_url: demo.redirectUrl,
        state: "live",
        scopes: "all"
      })
      const { data, json } = yield* ask(fake, "GET", `/oauth/authorize?${query}`)
      assert.strictEqual(json["status"], "Success")
      assert.deepStrictEqual(data, {
        ...authorization,
        appName: "Demo App",
        clientUid: "DV99999",
        nextAction: "/oauth/authenticate"
      })
    })
  )

  // The broker looks for the faults in this order. Each test causes the fault of its row and of all later rows. The
  // cause of EOAUTH009 is an unregistered IP address, not a field of the request.
  const faults: ReadonlyArray<readonly [string, object]> = [
    ["EOAUTH001", { apiKey: "f" }],
    ["EOAUTH002", { redirectUrl: "https://evil.example/" }],
    ["EOAUTH008", { apiSecret: "f" }],
    ["EOAUTH009", {}],
    ["EOAUTH003", { scopes: "orders" }]
  ]
  for (const [index, [code]] of faults.entries()) {
    it.effect(`reports ${code} rather than a fault that it checks later`, () =>
      Effect.gen(function* () {
        const ip = index <= 3 ? "unregistered" : "registered"
        const fake = yield* begin({ accounts: [{ ...demo, ip }] })
        const changes: object = Object.assign({}, ...faults.slice(index).map(([, change]) => change))
        assert.strictEqual((yield* authenticate(fake, changes)).json["errorCode"], code)
      })
    )
  }

  for (const [authenticateBy, status] of [
    ["json", 200],
    ["redirect", 302]
  ] as const) {
    it.effect(`returns the callback URL with HTTP ${status} if authenticate is "${authenticateBy}"`, () =>
      Effect.gen(function* () {
        const fake = yield* begin({ authenticate: authenticateBy })
        const answer = yield* authenticate(fake)
        assert.strictEqual(answer.status, status)
        const target = new URL(answer.location ?? answer.data["redirectTo"] ?? "")
        assert.strictEqual(target.origin + target.pathname, demo.redirectUrl)
        assert.match(target.searchParams.get("code") ?? "", /^[\w-]{43}$/)
        assert.strictEqual(target.searchParams.get("state"), "live")
      })
    )
  }

  it.effect("serves a login form that refuses a wrong secret and an unknown app", () =>
    Effect.gen(function* () {
      const fake = yield* begin()
      const path = (key: string) =>
        `/app/oauth/authorize?${new URLSearchParams({ api_key: key, redirect_url: demo.redirectUrl, state: "live" })}`
      const form = { headers: { "content-type": "application/x-www-form-urlencoded", accept: "text/html" } }
      const page = yield* ask(fake, "GET", path(demo.apiKey), form)
      assert.include(page.text, '<form method="post"')
      assert.include(page.text, "Demo App")
      const wrong = yield* ask(fake, "POST", path(demo.apiKey), { ...form, body: "apiSecret=no" })
      assert.include(wrong.text, "EOAUTH008")
      const right = yield* ask(fake, "POST", path(demo.apiKey), { ...form, body: `apiSecret=${demo.apiSecret}` })
      assert.match(right.location ?? "", /^https:\/\/app\.example\.com\/callback\?code=[\w-]{43}&state=live$/)
      for (const method of ["GET", "POST"]) {
        const unknown = yield* ask(fake, method, path("nobody"), method === "POST" ? { ...form, body: "" } : form)
        assert.strictEqual(unknown.status, 400)
        assert.include(unknown.text, "EOAUTH001")
      }
    })
  )

  it.effect("revokes all tokens of the account if a code is exchanged twice", () =>
    Effect.gen(function* () {
      const fake = yield* begin()
      const code = codeOf(yield* authenticate(fake))
      const { data } = yield* exchange(fake, code)
      assert.deepStrictEqual(
        [data["token_type"], data["expires_in"], data["refresh_token_expires_in"], data["user_id"]],
        ["Bearer", 86_400, 604_800, "DV99999"] as never
      )
      const other = String((yield* login(fake)).json["sessionToken"])
      assert.strictEqual((yield* limits(fake, data["access_token"])).status, 200)
      const replay = yield* exchange(fake, code)
      assert.strictEqual(replay.json["errorCode"], "EOAUTH012")
      for (const token of [data["access_token"], other]) assert.strictEqual((yield* limits(fake, token)).status, 401)
      assert.strictEqual((yield* renew(fake, data["refresh_token"])).json["errorCode"], "EOAUTH016")
    })
  )

  it.effect("refuses faulty code exchanges, faulty refreshes and password grants", () =>
    Effect.gen(function* () {
      const fake = yield* begin()
      const code = codeOf(yield* authenticate(fake))
      yield* TestClock.adjust("10 minutes")
      assert.strictEqual((yield* exchange(fake, "")).json["errorCode"], "EOAUTH010")
      assert.strictEqual((yield* exchange(fake, "nobody")).json["errorCode"], "EOAUTH011")
      assert.strictEqual((yield* exchange(fake, code)).json["errorCode"], "EOAUTH013")
      assert.strictEqual((yield* renew(fake, undefined)).json["errorCode"], "EOAUTH015")
      assert.strictEqual((yield* renew(fake, "nobody")).json["errorCode"], "EOAUTH016")
      const other = yield* ask(fake, "POST", "/oauth/token", { body: { grant_type: "password" } })
      assert.strictEqual(other.status, 400)
      const closed = yield* begin({ accounts: [{ ...demo, appSignIn: "needed" }] })
      assert.strictEqual((yield* oauthLogin(closed)).json["errorCode"], "EOAUTH999")
    })
  )

  for (const [refreshedToken, status] of [
    ["dies", 401],
    ["lives", 200]
  ] as const) {
    it.effect(
      `returns HTTP ${status} for an access token from before the refresh if refreshedToken is "${refreshedToken}"`,
      () =>
        Effect.gen(function* () {
          const fake = yield* begin({ refreshedToken })
          const { data } = yield* oauthLogin(fake)
          const renewed = yield* renew(fake, data["refresh_token"])
          assert.notStrictEqual(renewed.data["refresh_token"], data["refresh_token"])
          assert.strictEqual((yield* limits(fake, renewed.data["access_token"])).status, 200)
          assert.strictEqual((yield* limits(fake, data["access_token"])).status, status)
          assert.strictEqual((yield* renew(fake, data["refresh_token"])).json["errorCode"], "EOAUTH016")
        })
    )
  }

  for (const [refreshAfterEnd, code] of [
    ["works", undefined],
    ["refused", "EOAUTH017"]
  ] as const) {
    it.effect(
      `answers a refresh after 08:00 IST with ${code ?? "new tokens"} if refreshAfterEnd is "${refreshAfterEnd}"`,
      () =>
        Effect.gen(function* () {
          const fake = yield* begin({ refreshAfterEnd })
          const { data } = yield* oauthLogin(fake)
          yield* TestClock.setTime(nextCutOff)
          assert.strictEqual((yield* limits(fake, data["access_token"])).status, 401)
          const renewed = yield* renew(fake, data["refresh_token"])
          assert.strictEqual(renewed.json["errorCode"], code)
          assert.strictEqual(typeof renewed.data["access_token"], code === undefined ? "string" : "undefined")
        })
    )
  }

  it.effect("refuses a refresh token after seven days", () =>
    Effect.gen(function* () {
      const fake = yield* begin()
      const { data } = yield* oauthLogin(fake)
      yield* TestClock.adjust("7 days")
      assert.strictEqual((yield* renew(fake, data["refresh_token"])).json["errorCode"], "EOAUTH017")
    })
  )

  it.effect("revokes a session by its access token or refresh token", () =>
    Effect.gen(function* () {
      const fake = yield* begin()
      for (const kind of ["access_token", "refresh_token"]) {
        const { data } = yield* oauthLogin(fake)
        const body = { token: data[kind], token_type: kind }
        for (const _ of ["first", "again"]) {
          const { json } = yield* ask(fake, "POST", "/oauth/revoke", { body })
          assert.deepStrictEqual(json, { status: "Success", message: "Token revoked successfully" })
        }
        assert.strictEqual((yield* limits(fake, data["access_token"])).status, 401)
        assert.strictEqual((yield* renew(fake, data["refresh_token"])).json["errorCode"], "EOAUTH016")
      }
    })
  )

  const bodies: ReadonlyArray<readonly [FakeSamco.Switches["oauthFailureBody"], object]> = [
    ["code-and-text", { status: "Failure", message: "Unknown authorization code", errorCode: "EOAUTH011" }],
    ["text", { status: "Failure", message: "Unknown authorization code" }],
    ["code", { errorCode: "EOAUTH011" }]
  ]
  for (const oauthFailures of [200, 400] as const) {
    for (const [oauthFailureBody, expected] of bodies) {
      it.effect(
        `refuses an unknown authorization code with HTTP ${oauthFailures} and a body of the kind "${oauthFailureBody}"`,
        () =>
          Effect.gen(function* () {
            const fake = yield* begin({ oauthFailures, oauthFailureBody })
            const { json, status } = yield* exchange(fake, "nobody")
            assert.deepStrictEqual({ json, status }, { json: { ...expected }, status: oauthFailures })
          })
      )
    }
  }
})

describe("the fake's legacy login", () => {
  const legacyLogin = (fake: FakeBroker, changes: object = {}) => {
    const { accessToken, password, userId } = demo
    return ask(fake, "POST", "/login", { body: { userId, password, accessToken, ...changes } })
  }

  for (const legacyFailures of [200, 401] as const) {
    it.effect(`refuses a wrong password with HTTP ${legacyFailures} if legacyFailures is ${legacyFailures}`, () =>
      Effect.gen(function* () {
        const fake = yield* begin({ legacyFailures })
        const { json, status } = yield* legacyLogin(fake, { password: "wrong" })
        assert.deepStrictEqual([status, json["statusMessage"]], [legacyFailures, "Invalid Password"])
        assert.containsAllKeys(json, ["serverTime", "msgId"])
      })
    )
  }

  for (const [accessToken, message] of [
    ["required", "Invalid access token"],
    ["ignored", "Login session token generated successfully"]
  ] as const) {
    it.effect(
      `answers "${message}" to a login without an access token if the switch accessToken is "${accessToken}"`,
      () =>
        Effect.gen(function* () {
          const fake = yield* begin({ accessToken })
          assert.strictEqual((yield* legacyLogin(fake, { accessToken: undefined })).json["statusMessage"], message)
        })
    )
  }

  it.effect("refuses a wrong year of birth", () =>
    Effect.gen(function* () {
      const fake = yield* begin()
      assert.strictEqual((yield* legacyLogin(fake, { yob: "1980" })).json["status"], "Success")
      assert.strictEqual((yield* legacyLogin(fake, { yob: "1981" })).json["status"], "Failure")
    })
  )

  it.effect("accepts a one-time code only once, and only within five minutes", () =>
    Effect.gen(function* () {
      const fake = yield* begin()
      const generate = () => ask(fake, "POST", "/otp/generateOtp", { body: { uid: demo.userId } })
      const use = (otp: string | undefined) =>
        Effect.map(
          ask(fake, "POST", "/otp/secretKeyGenerator", { body: { uid: demo.userId, otp } }),
          ({ json }) => json["status"]
        )
      yield* generate()
      const [first] = yield* fake.codes(demo.userId)
      assert.strictEqual(yield* use(first), "Success")
      assert.strictEqual(yield* use(first), "Failure")
      yield* generate()
      yield* TestClock.adjust("5 minutes")
      assert.strictEqual(yield* use((yield* fake.codes(demo.userId)).at(-1)), "Failure")
      const nobody = yield* ask(fake, "POST", "/otp/generateOtp", { body: { uid: "NOBODY" } })
      assert.strictEqual(nobody.json["statusMessage"], "Failed to genererate otp for user")
    })
  )

  it.effect("issues access tokens that expire at 08:00 IST", () =>
    Effect.gen(function* () {
      const fake = yield* begin()
      const token = (secretApiKey: string) =>
        ask(fake, "POST", "/accessToken/token", { body: { uid: demo.userId, secretApiKey } })
      const refused = yield* token("wrong")
      assert.deepStrictEqual(refused.json, {
        serverTime: "21/11/26 09:30:00",
        status: "Failure",
        statusMessage: "Secret key does not match"
      })
      const { accessToken } = (yield* token(demo.secretApiKey)).json
      assert.strictEqual((yield* legacyLogin(fake, { accessToken })).json["status"], "Success")
      yield* TestClock.setTime(nextCutOff)
      assert.strictEqual((yield* legacyLogin(fake, { accessToken })).json["statusMessage"], "Invalid access token")
      assert.strictEqual((yield* legacyLogin(fake)).json["statusMessage"], "Invalid access token")
    })
  )
})

describe("the fake", () => {
  it.effect("ends a session on DELETE /logout", () =>
    Effect.gen(function* () {
      const fake = yield* begin()
      const token = String((yield* login(fake)).json["sessionToken"])
      assert.strictEqual((yield* ask(fake, "DELETE", "/logout", { token })).json["statusMessage"], "Request successful")
      assert.strictEqual((yield* ask(fake, "DELETE", "/logout", { token })).status, 401)
    })
  )

  // The fake refuses every order. The HTTP status shows whether the IP address is the reason.
  for (const [ip, matchedAs, status] of [
    ["registered", "PRIMARY", 400],
    ["unregistered", null, 403]
  ] as const) {
    it.effect(`answers an order with HTTP ${status} if the IP address is ${ip}`, () =>
      Effect.gen(function* () {
        const fake = yield* begin({ accounts: [{ ...demo, ip }] })
        const token = String((yield* login(fake)).json["sessionToken"])
        const { json } = yield* ask(fake, "GET", "/ip/whoami", { token })
        assert.deepStrictEqual([json["matches"], json["matchedAs"]], [matchedAs !== null, matchedAs])
        assert.strictEqual((yield* ask(fake, "POST", "/order/placeOrder", { token, body: {} })).status, status)
      })
    )
  }

  it.effect("changes the IP address of an account only once in seven days", () =>
    Effect.gen(function* () {
      const fake = yield* begin()
      const change = (path: string, primaryIp: string) =>
        ask(fake, "POST", path, { body: { clientId: demo.userId, password: demo.password, primaryIp } })
      const first = yield* change("/ip/ipRegistration", "198.51.100.1")
      assert.deepStrictEqual(first.data, {
        client_id: "DV99999",
        primary_ip: "198.51.100.1",
        secondary_ip: "",
        ip_updated_at: "2026-11-21T04:00:00Z"
      })
      assert.strictEqual((yield* change("/ip/ipUpdate", "198.51.100.2")).json["status"], "Failure")
      yield* TestClock.adjust("7 days")
      assert.strictEqual((yield* change("/ip/ipUpdate", "198.51.100.2")).json["status"], "Success")
      assert.strictEqual((yield* change("/ip/ipRegistration", "here")).status, 400)
    })
  )

  it.effect("deletes all sessions and one-time codes on reset", () =>
    Effect.gen(function* () {
      const fake = yield* begin()
      const token = (yield* login(fake)).json["sessionToken"]
      yield* ask(fake, "POST", "/otp/generateOtp", { body: { uid: demo.userId } })
      yield* fake.reset
      assert.deepStrictEqual(yield* fake.codes(demo.userId), [])
      assert.strictEqual((yield* limits(fake, token)).status, 401)
    })
  )
})
