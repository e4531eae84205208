import { createHash } from "node:crypto"
import { assert, describe, it } from "@effect/vitest"
import type { FakeBroker } from "@auth/broker-core/testing/FakeBroker"
import { FakeRupeezy } from "@auth/rupeezy/msw"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import * as TestClock from "effect/testing/TestClock"
import { codeOf, serve, submit } from "./support.ts"

const demo = FakeRupeezy.demoAccount
const base = "https://vortex-api.rupeezy.in/v2"
const page = `https://flow.rupeezy.in?applicationId=${demo.applicationId}`

interface Answer {
  readonly status: number
  readonly json: Readonly<Record<string, unknown>>
  readonly text: string
}

const ask = Effect.fnUntraced(function* (
  method: string,
  path: string,
  options: { readonly headers?: Readonly<Record<string, string>>; readonly body?: unknown } = {}
) {
  const { body, headers = {} } = options
  const text = body === undefined || typeof body === "string" ? body : JSON.stringify(body)
  const init = { method, headers: { "content-type": "application/json", ...headers }, body: text ?? null }
  const response = yield* Effect.promise(() => fetch(`${base}${path}`, init))
  const answer = yield* Effect.promise(() => response.text())
  return { status: response.status, json: parse(answer), text: answer } as Answer
})

const parse = (text: string): unknown => {
  try {
    return JSON.parse(text)
  } catch {
    return {}
  }
}

const key = { "x-api-key": demo.apiKey }

const loginBody = Effect.map(codeOf(demo), (totp) => ({
  client_code: demo.clientCode,
  password: demo.password,
  totp,
  application_id: demo.applicationId
}))

const logIn = (changes: Readonly<Record<string, unknown>> = {}, headers: Readonly<Record<string, string>> = key) =>
  Effect.flatMap(loginBody, (body) => ask("POST", "/user/login", { headers, body: { ...body, ...changes } }))

const tokenOf = ({ json }: Answer): string => (json["data"] as { readonly access_token: string }).access_token

const bearer = (answer: Answer) => ({ authorization: `Bearer ${tokenOf(answer)}` })

const authCode = Effect.map(submit(demo, Redacted.make(page)), (response) =>
  new URL(response.headers.get("location") ?? "").searchParams.get("auth")
)

const exchangeBody = (token: string | null, changes: Readonly<Record<string, unknown>> = {}) => ({
  checksum: createHash("sha256").update(`${demo.applicationId}${token}${demo.apiKey}`).digest("hex"),
  applicationId: demo.applicationId,
  token,
  ...changes
})

const exchange = (token: string | null, changes?: Readonly<Record<string, unknown>>, headers = {}) =>
  ask("POST", "/user/session", { headers, body: exchangeBody(token, changes) })

/** The clock starts at 2026-11-21 09:30 IST. */
const start = (options?: Parameters<typeof serve>[0]) =>
  Effect.andThen(TestClock.setTime(Date.UTC(2026, 10, 21, 4)), serve(options))

describe("the fake's login", () => {
  const refusals: ReadonlyArray<readonly [string, Effect.Effect<Answer>, number, string]> = [
    ["a missing API key", logIn({}, {}), 401, "Unauthorized"],
    ["a wrong API key", logIn({}, { "x-api-key": "badkey7" }), 401, "Unauthorized"],
    ["an unknown application id", logIn({ application_id: "dev_0000" }), 401, "Unauthorized"],
    ["a field name in camel case", logIn({ client_code: undefined, clientCode: demo.clientCode }), 400, "Bad request"],
    ["a missing TOTP code", logIn({ totp: undefined }), 400, "Bad request"],
    ["a TOTP code sent as a JSON number", logIn({ totp: 123456 }), 400, "Bad request"],
    [
      "a body that is not JSON",
      ask("POST", "/user/login", { headers: key, body: "client_code=XX9999" }),
      400,
      "Bad request"
    ],
    ["a content type other than JSON", logIn({}, { ...key, "content-type": "text/plain" }), 400, "Bad request"],
    ["an unknown client code", logIn({ client_code: "ZZ0000" }), 200, "Invalid credentials"],
    ["a wrong password", logIn({ password: "wrong" }), 200, "Invalid credentials"],
    ["a wrong TOTP code", logIn({ totp: "000000" }), 200, "Invalid TOTP"]
  ]
  for (const [what, attempt, status, message] of refusals) {
    it.effect(`${what} is refused`, () =>
      Effect.gen(function* () {
        yield* start()
        const answer = yield* attempt
        assert.deepStrictEqual([answer.status, answer.json], [status, { status: "error", message }])
      })
    )
  }

  it.effect("the answer to a login has the documented fields", () =>
    Effect.gen(function* () {
      yield* start()
      const { json } = yield* logIn()
      const data = json["data"] as Readonly<Record<string, unknown>>
      assert.strictEqual(data["login_time"], "2026-Nov-21 09:30:00")
      assert.match(String(data["access_token"]), /^eyJhbGciOiJSUzUxMiIsInR5cCI6IkpXVCJ9\.eyJleHAi/)
      assert.strictEqual(data["user_id"], demo.clientCode)
      const others = ["user_name", "email", "mobile", "exchanges", "product_types", "others", "tradingActive"]
      assert.containsAllKeys(data, others)
    })
  )

  it.effect("a client code allows one login request per second", () =>
    Effect.gen(function* () {
      yield* start()
      yield* TestClock.adjust("29 seconds")
      assert.isNotEmpty(tokenOf(yield* logIn()))
      assert.strictEqual((yield* logIn()).status, 429)
      // A new TOTP period begins, so the third login has a new code.
      yield* TestClock.adjust("1 second")
      assert.isNotEmpty(tokenOf(yield* logIn()))
    })
  )

  it.effect("a blocked account is refused even with valid credentials", () =>
    Effect.gen(function* () {
      yield* start({ accounts: [{ ...demo, state: "blocked" }] })
      assert.strictEqual((yield* logIn()).json["message"], "Your account is blocked")
    })
  )
})

describe("the fake's session", () => {
  const authorized = ["/user/funds", "/user/profile/banks", "/user/profile/brokerage"]
  for (const path of authorized) {
    it.effect(`${path} requires a Bearer token, but no API key`, () =>
      Effect.gen(function* () {
        yield* start()
        const answer = yield* logIn()
        assert.strictEqual((yield* ask("GET", path, { headers: bearer(answer) })).status, 200)
        for (const authorization of ["", tokenOf(answer), `Basic ${tokenOf(answer)}`, "Bearer null"]) {
          assert.strictEqual((yield* ask("GET", path, { headers: { authorization, ...key } })).status, 401)
        }
      })
    )
  }

  it.effect("only orders need a registered IP address", () =>
    Effect.gen(function* () {
      yield* start()
      const headers = bearer(yield* logIn())
      const order = yield* ask("POST", "/trading/orders/regular", { headers, body: {} })
      assert.deepStrictEqual([order.status, order.json["message"]], [403, "IP_NOT_ALLOWED"])
      assert.strictEqual((yield* ask("GET", "/user/funds", { headers })).status, 200)
    })
  )

  it.effect("an order is refused even from a registered IP address", () =>
    Effect.gen(function* () {
      yield* start({ accounts: [{ ...demo, ip: "registered" }] })
      const order = yield* ask("POST", "/trading/orders/regular", { headers: bearer(yield* logIn()), body: {} })
      assert.strictEqual(order.status, 400)
    })
  )

  it.effect("a second logout is refused", () =>
    Effect.gen(function* () {
      yield* start()
      const headers = bearer(yield* logIn())
      const first = yield* ask("DELETE", "/user/session", { headers })
      assert.deepStrictEqual(first.json, { message: "Successfully Logged out.", response: null, status: "success" })
      assert.strictEqual((yield* ask("DELETE", "/user/session", { headers })).status, 401)
    })
  )

  it.effect("logouts are not rate-limited", () =>
    Effect.gen(function* () {
      yield* start({ loggedOutTokens: "live" })
      const headers = bearer(yield* logIn())
      for (let times = 0; times < 5; times += 1) {
        assert.strictEqual((yield* ask("DELETE", "/user/session", { headers })).status, 200)
      }
    })
  )

  it.effect("a token expires exactly at the end of its lifetime", () =>
    Effect.gen(function* () {
      yield* start()
      const headers = bearer(yield* logIn())
      yield* TestClock.adjust("28799 seconds")
      assert.strictEqual((yield* ask("GET", "/user/funds", { headers })).status, 200)
      yield* TestClock.adjust("1 second")
      assert.strictEqual((yield* ask("GET", "/user/funds", { headers })).status, 401)
    })
  )

  it.effect("the market feed answers HTTP 426 to a valid token, and 401 to an unknown token", () =>
    Effect.gen(function* () {
      yield* start()
      const token = tokenOf(yield* logIn())
      const open = (value: string) =>
        Effect.promise(() => fetch(`https://wire.rupeezy.in/ws?auth_token=${value}`).then(({ status }) => status))
      assert.deepStrictEqual([yield* open(token), yield* open("badkey7")], [426, 401])
    })
  )

  it.effect("an unknown path gives HTTP 404", () =>
    Effect.gen(function* () {
      yield* start()
      assert.strictEqual((yield* ask("GET", "/user/nothing")).status, 404)
    })
  )
})

describe("the fake's browser login", () => {
  const get = (url: string) =>
    Effect.promise(() => fetch(url).then(async (response) => [response.status, await response.text()] as const))

  it.effect("the page has a login form, and escapes HTML in the state", () =>
    Effect.gen(function* () {
      yield* start()
      const [status, html] = yield* get(`${page}&cb_param=%22%3E%3Cscript%3E`)
      assert.strictEqual(status, 200)
      for (const name of ["client_code", "password", "totp", "consent"]) assert.include(html, `name="${name}"`)
      assert.notInclude(html, "<script>")
    })
  )

  it.effect("the page of an unknown application gives HTTP 404", () =>
    Effect.gen(function* () {
      yield* start()
      assert.strictEqual((yield* get("https://flow.rupeezy.in?applicationId=dev_0000"))[0], 404)
      assert.strictEqual((yield* submit(demo, Redacted.make("https://flow.rupeezy.in/"))).status, 404)
    })
  )

  for (const [what, changes] of [
    ["a wrong password", { password: "wrong" }],
    ["a wrong TOTP code", { totp: "000000" }],
    ["a missing consent", { consent: "" }]
  ] as const) {
    it.effect(`${what} shows the form again`, () =>
      Effect.gen(function* () {
        yield* start()
        const response = yield* submit(demo, Redacted.make(page), changes)
        assert.deepStrictEqual([response.status, response.headers.get("location")], [200, null])
        assert.include(yield* Effect.promise(() => response.text()), 'name="client_code"')
      })
    )
  }

  it.effect("an account that is not on the app's whitelist gets HTTP 403", () =>
    Effect.gen(function* () {
      yield* start({ accounts: [{ ...demo, whitelist: "unlisted" }] })
      assert.strictEqual((yield* submit(demo, Redacted.make(page))).status, 403)
    })
  )

  it.effect("the registered callback URL receives an auth code and the state", () =>
    Effect.gen(function* () {
      yield* start()
      const response = yield* submit(demo, Redacted.make(`${page}&cb_param=a%26b`))
      const target = new URL(response.headers.get("location") ?? "")
      assert.strictEqual(`${target.origin}${target.pathname}`, demo.redirectUrl)
      assert.deepStrictEqual([...target.searchParams.keys()], ["auth", "cb_param"])
      assert.strictEqual(target.searchParams.get("cb_param"), "a&b")
    })
  )

  const refusals: ReadonlyArray<readonly [string, Readonly<Record<string, unknown>>, object, number]> = [
    ["a wrong checksum", { checksum: "0".repeat(64) }, key, 401],
    ["an unknown application id", { applicationId: "dev_0000" }, key, 401],
    ["a field name in snake case", { applicationId: undefined, application_id: demo.applicationId }, key, 400],
    ["a wrong API key", {}, { "x-api-key": "badkey7" }, 401]
  ]
  for (const [what, changes, headers, status] of refusals) {
    it.effect(`an auth code exchange with ${what} is refused`, () =>
      Effect.gen(function* () {
        yield* start()
        assert.strictEqual((yield* exchange(yield* authCode, changes, headers)).status, status)
      })
    )
  }

  it.effect("an auth code exchange with an upper-case checksum is refused", () =>
    Effect.gen(function* () {
      yield* start()
      const code = yield* authCode
      const checksum = exchangeBody(code).checksum.toUpperCase()
      assert.strictEqual((yield* exchange(code, { checksum }, key)).status, 401)
    })
  )

  it.effect("an auth code exchange needs no API key in the headers", () =>
    Effect.gen(function* () {
      yield* start({ reusedCode: "accepted" })
      assert.strictEqual((yield* exchange(yield* authCode, {}, key)).status, 200)
      yield* TestClock.adjust("1 second")
      assert.strictEqual((yield* exchange(yield* authCode)).status, 200)
    })
  )

  it.effect("an application can exchange one auth code per second", () =>
    Effect.gen(function* () {
      yield* start()
      assert.strictEqual((yield* exchange(yield* authCode)).status, 200)
      assert.strictEqual((yield* exchange("another")).status, 429)
    })
  )

  it.effect("an auth code is accepted once, and expires after two minutes", () =>
    Effect.gen(function* () {
      yield* start()
      const used = yield* authCode
      assert.strictEqual((yield* exchange(used)).status, 200)
      yield* TestClock.adjust("31 seconds")
      assert.strictEqual((yield* exchange(used)).status, 401)
      const old = yield* authCode
      yield* TestClock.adjust("2 minutes")
      assert.strictEqual((yield* exchange(old)).status, 401)
    })
  )
})

describe("the fake's switches", () => {
  type Switches = Partial<FakeRupeezy.Switches>
  const probe = (headers: Readonly<Record<string, string>>) => ask("GET", "/user/funds", { headers })

  const statusOf = (attempt: Effect.Effect<Answer>) => Effect.map(attempt, ({ status }) => status)
  const twoLogins = Effect.gen(function* () {
    const first = yield* logIn()
    yield* TestClock.adjust("1 second")
    return [first, yield* logIn()] as const
  })
  const twoExchanges = Effect.gen(function* () {
    const code = yield* authCode
    yield* exchange(code)
    yield* TestClock.adjust("1 second")
    return (yield* exchange(code)).status
  })
  const afterLogout = Effect.gen(function* () {
    const headers = bearer(yield* logIn())
    yield* ask("DELETE", "/user/session", { headers })
    return (yield* probe(headers)).status
  })
  const afterAnHour = Effect.gen(function* () {
    const headers = bearer(yield* logIn())
    yield* TestClock.adjust("1 hour")
    return (yield* probe(headers)).status
  })
  const codeAfterAMinute = Effect.gen(function* () {
    const code = yield* authCode
    yield* TestClock.adjust("1 minute")
    return (yield* exchange(code)).status
  })
  const threeMisses = Effect.gen(function* () {
    for (let times = 0; times < 3; times += 1) {
      yield* logIn({ password: "wrong" })
      yield* TestClock.adjust("1 second")
    }
    return (yield* logIn()).json["message"]
  })
  const earlier = Effect.gen(function* () {
    const [first] = yield* twoLogins
    return (yield* probe(bearer(first))).status
  })
  const fundsKeys = Effect.gen(function* () {
    return Object.keys((yield* probe(bearer(yield* logIn()))).json).join(" ")
  })
  const claims = Effect.map(logIn(), (answer) =>
    Object.hasOwn(JSON.parse(atob(tokenOf(answer).split(".")[1] ?? "")) as object, "exp") ? "present" : "absent"
  )
  const callback = Effect.map(submit(demo, Redacted.make(`${page}&cb_param=x`)), (response) =>
    new URL(response.headers.get("location") ?? "").searchParams.get("cb_param")
  )
  const logoutResponse = Effect.gen(function* () {
    return (yield* ask("DELETE", "/user/session", { headers: bearer(yield* logIn()) })).json["response"]
  })

  const rows: ReadonlyArray<readonly [name: string, Switches, Effect.Effect<unknown>, unknown]> = [
    ["the HTTP status of a refused login", {}, statusOf(logIn({ password: "wrong" })), 200],
    ["the HTTP status of a refused login", { refusedLogin: 400 }, statusOf(logIn({ password: "wrong" })), 400],
    ["the HTTP status of a refused login", { refusedLogin: 401 }, statusOf(logIn({ totp: "000000" })), 401],
    [
      "the `message` of a login with a reused TOTP code",
      {},
      Effect.map(twoLogins, ([, again]) => again.json["message"]),
      "Invalid TOTP"
    ],
    [
      "the `status` of a login with a reused TOTP code",
      { reusedCode: "accepted" },
      Effect.map(twoLogins, ([, again]) => again.json["status"]),
      "success"
    ],
    ["the `message` of a login after three wrong passwords", { lockAfter: 3 }, threeMisses, "Your account is blocked"],
    ["the `message` of a login after three wrong passwords", {}, threeMisses, undefined],
    ["the claim `exp` in the token", {}, claims, "present"],
    ["the claim `exp` in the token", { tokenEnd: "absent" }, claims, "absent"],
    ["the HTTP status of a call one hour after the login", {}, afterAnHour, 200],
    ["the HTTP status of a call one hour after the login", { lifetime: "1 hour" }, afterAnHour, 401],
    [
      "after a second login, the HTTP status of a call with the first session",
      { reusedCode: "accepted" },
      earlier,
      200
    ],
    [
      "after a second login, the HTTP status of a call with the first session",
      { reusedCode: "accepted", earlierSessions: "die" },
      earlier,
      401
    ],
    ["the HTTP status of a call after the logout", {}, afterLogout, 401],
    ["the HTTP status of a call after the logout", { loggedOutTokens: "live" }, afterLogout, 200],
    ["the HTTP status for an invalid token", {}, statusOf(probe({ authorization: "Bearer unknown" })), 401],
    [
      "the HTTP status for an invalid token",
      { deadToken: 403 },
      statusOf(probe({ authorization: "Bearer unknown" })),
      403
    ],
    ["the state in the callback", {}, callback, "x"],
    ["the state in the callback", { cbParam: "dropped" }, callback, null],
    ["the HTTP status of the second exchange of an auth code", {}, twoExchanges, 401],
    ["the HTTP status of the second exchange of an auth code", { authCode: "reusable" }, twoExchanges, 200],
    ["the HTTP status of an auth code exchange one minute after the login", {}, codeAfterAMinute, 200],
    [
      "the HTTP status of an auth code exchange one minute after the login",
      { authCodeLifetime: "30 seconds" },
      codeAfterAMinute,
      401
    ],
    [
      "the HTTP status of an auth code exchange without an API key",
      {},
      Effect.flatMap(authCode, (code) => statusOf(exchange(code))),
      200
    ],
    [
      "the HTTP status of an auth code exchange without an API key",
      { exchangeKey: "required" },
      Effect.flatMap(authCode, (code) => statusOf(exchange(code))),
      401
    ],
    ["the list of fields of the funds", {}, fundsKeys, "nse mcx"],
    ["the list of fields of the funds", { funds: "combined" }, fundsKeys, "nse mcx exchange_combined"],
    ["the list of fields of the funds", { funds: "enveloped" }, fundsKeys, "status data"],
    ["the `response` of a logout", {}, logoutResponse, null],
    ["the `response` of a logout", { logoutResponse: "text" }, logoutResponse, "Successfully Logged out."],
    [
      "the HTTP status of a profile call",
      {},
      Effect.flatMap(logIn(), (answer) => statusOf(ask("GET", "/user/profile", { headers: bearer(answer) }))),
      404
    ],
    [
      "the HTTP status of a profile call",
      { profileCall: "present" },
      Effect.flatMap(logIn(), (answer) => statusOf(ask("GET", "/user/profile", { headers: bearer(answer) }))),
      200
    ]
  ]
  for (const [name, switches, attempt, expected] of rows) {
    it.effect(
      `${name} is ${JSON.stringify(expected) ?? "undefined"} ${Object.keys(switches).length === 0 ? "by default" : `with the switches ${JSON.stringify(switches)}`}`,
      () =>
        Effect.gen(function* () {
          yield* start(switches)
          assert.strictEqual(yield* attempt, expected)
        })
    )
  }

  it("the tests above use every switch", () => {
    const names: Record<keyof FakeRupeezy.Switches, true> = {
      refusedLogin: true,
      reusedCode: true,
      lockAfter: true,
      tokenEnd: true,
      lifetime: true,
      earlierSessions: true,
      loggedOutTokens: true,
      deadToken: true,
      cbParam: true,
      authCode: true,
      authCodeLifetime: true,
      exchangeKey: true,
      funds: true,
      logoutResponse: true,
      profileCall: true
    }
    const used = new Set(rows.flatMap(([, switches]) => Object.keys(switches)))
    assert.deepStrictEqual([...used].toSorted(), Object.keys(names).toSorted())
  })

  it.effect("a reset clears sessions, auth codes, wrong passwords and the journal", () =>
    Effect.gen(function* () {
      const fake: FakeBroker = yield* start({ lockAfter: 1 })
      const headers = bearer(yield* logIn())
      const code = yield* Effect.andThen(TestClock.adjust("30 seconds"), authCode)
      yield* logIn({ password: "wrong" })
      yield* fake.reset
      assert.deepStrictEqual(yield* fake.journal, [])
      assert.strictEqual((yield* probe(headers)).status, 401)
      assert.strictEqual((yield* exchange(code)).status, 401)
      assert.strictEqual((yield* logIn()).json["status"], "success")
    })
  )
})
