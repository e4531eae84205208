import * as Account from "@auth/broker-core/login/Account"
import * as AuthError from "@auth/broker-core/login/AuthError"
import * as Expiry from "@auth/broker-core/login/Expiry"
import * as RedirectLogin from "@auth/broker-core/login/RedirectLogin"
import * as Session from "@auth/broker-core/login/Session"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import { shown } from "./support.ts"

const state = "0123456789abcdef0123456789abcdef"

const parse = (
  callbackUrl: string,
  options: Partial<Parameters<typeof RedirectLogin.parseCallback>[0]> & { readonly redirectUrl?: string } = {}
) =>
  RedirectLogin.parseCallback({
    broker: "tiny",
    request: {
      url: Redacted.make("https://login.example/?api_key=key"),
      state: Redacted.make(state),
      redirectUrl: options.redirectUrl ?? "https://app.example/callback"
    },
    callbackUrl: Redacted.make(callbackUrl),
    state: "required",
    ...options
  })

const plain = (parameters: RedirectLogin.CallbackParameters) =>
  Object.fromEntries(Array.from(parameters, ([name, value]) => [name, Redacted.value(value)]))

describe("a valid callback", () => {
  const found = { auth_token: "canary", state }
  it.effect.each([
    ["its parameters are in its query", `https://app.example/callback?auth_token=canary&state=${state}`],
    ["its parameter names have capital letters", `https://app.example/callback?AUTH_Token=canary&State=${state}`],
    [
      "its parameters are in the query of a hash route",
      `https://app.example/callback#/done?auth_token=canary&state=${state}`
    ],
    [
      "its parameters are split between its query and the query of a hash route",
      `https://app.example/callback?state=${state}#/done?auth_token=canary`
    ],
    ["it contains the default port", `https://app.example:443/callback?auth_token=canary&state=${state}`],
    ["its host is in upper case", `HTTPS://APP.example/callback?auth_token=canary&state=${state}`],
    [
      "it repeats a parameter with the same value",
      `https://app.example/callback?auth_token=canary&auth_token=canary&state=${state}`
    ],
    ["it has white space around it", ` https://app.example/callback?auth_token=canary&state=${state}\n`]
  ] as const)("is read if %s", ([, url]) =>
    Effect.gen(function* () {
      assert.deepStrictEqual(plain(yield* parse(url)), found)
    })
  )

  it.effect("gives only the parameters that the broker added", () =>
    Effect.gen(function* () {
      const redirectUrl = "https://app.example/callback?app=two"
      const parameters = yield* parse(`${redirectUrl}&state=${state}`, { redirectUrl })
      assert.deepStrictEqual(plain(parameters), { state })
    })
  )

  it.effect("is read without a state if the state is optional", () =>
    Effect.gen(function* () {
      const parameters = yield* parse("https://app.example/callback?auth_token=canary", { state: "optional" })
      assert.deepStrictEqual(plain(parameters), { auth_token: "canary" })
    })
  )

  it.effect("is read if its state is in the parameter that `stateParameter` names", () =>
    Effect.gen(function* () {
      const own = { stateParameter: "SessionState" }
      const parameters = yield* parse(`https://app.example/callback?sessionState=${state}&state=other`, own)
      assert.strictEqual(plain(parameters)["sessionstate"], state)
    })
  )
})

const why = <A>(effect: Effect.Effect<A, AuthError.AuthError>) =>
  Effect.map(Effect.flip(effect), (error) => {
    assert.notInclude(shown(error), "canary")
    assert.notInclude(shown(error), state)
    return error.reason._tag === "RedirectRejected" ? error.reason.why : error.reason._tag
  })

describe("an invalid callback", () => {
  const own = "https://app.example/callback"
  const good = `auth_token=canary&state=${state}`
  it.effect.each([
    ["no state", `${own}?auth_token=canary`, "state"],
    ["an empty state", `${own}?auth_token=canary&state=`, "state"],
    ["a changed state", `${own}?auth_token=canary&state=${state.replace("0", "1")}`, "state"],
    ["only the first half of the state", `${own}?auth_token=canary&state=${state.slice(0, 16)}`, "state"],
    ["the state and one more character", `${own}?auth_token=canary&state=${state}0`, "state"],
    ["the state in capital letters", `${own}?auth_token=canary&state=${state.toUpperCase()}`, "state"],
    ["two states, the wrong one first", `${own}?state=canary&${good}`, "state"],
    ["two states, the wrong one last", `${own}?${good}&state=canary`, "state"],
    ["a wrong state in a hash route", `${own}?${good}#/x?state=canary`, "state"],
    ["another host", `https://evil.example/callback?${good}`, "origin"],
    ["a host that begins with the registered host", `https://app.example.evil.example/callback?${good}`, "origin"],
    ["the registered host as a user name", `https://app.example@evil.example/callback?${good}`, "origin"],
    ["another port", `https://app.example:8443/callback?${good}`, "origin"],
    ["the scheme http", `http://app.example/callback?${good}`, "origin"],
    ["another path", `https://app.example/callback/x?${good}`, "origin"],
    ["a slash at the end of the path", `https://app.example/callback/?${good}`, "origin"],
    ["the path in capital letters", `https://app.example/CALLBACK?${good}`, "origin"],
    ["a path with ..", `https://app.example/callback/..?${good}`, "origin"],
    ["text that is not a URL", "canary", "not-a-url"],
    ["an unregistered path without an origin", `/elsewhere?${good}`, "origin"],
    ["only a query", `?${good}`, "not-a-url"],
    ["no text", "", "not-a-url"],
    ["an error parameter", `${own}?error=access_denied&${good}`, "denied"],
    ["an empty error parameter", `${own}?ERROR=&${good}`, "denied"],
    ["an error parameter without a value", `${own}?error&${good}`, "denied"],
    ["an error parameter and no state", `${own}?error=access_denied`, "state"]
  ] as const)("is rejected, and not quoted in the error, if it contains %s", ([, url, reason]) =>
    Effect.gen(function* () {
      assert.strictEqual(yield* why(parse(url)), reason)
    })
  )

  it.effect("is rejected for a wrong state, even if the state is optional", () =>
    Effect.gen(function* () {
      const optional = { state: "optional" } as const
      assert.strictEqual(yield* why(parse(`${own}?auth_token=canary&state=other`, optional)), "state")
      assert.strictEqual(yield* why(parse(`${own}?${good}&state=other`, optional)), "state")
    })
  )

  it.effect("is rejected with the reason that `refusal` returns for a denial", () =>
    Effect.gen(function* () {
      const refusal = () => new AuthError.ActionRequired({ what: "Consent" })
      assert.strictEqual(yield* why(parse(`${own}?error=consent&${good}`, { refusal })), "ActionRequired")
    })
  )
})

describe("a callback of a broker that sends a status", () => {
  const own = "https://app.example/callback"
  const outcome = { parameter: "status", success: "success" }
  const read = (query: string) => parse(`${own}?${query}`, { outcome })

  it.effect.each([`status=success&code=canary&state=${state}`, `STATE=${state}&x=1&Status=success`])(
    "is read if it reports success: %s",
    (query) =>
      Effect.gen(function* () {
        assert.strictEqual(plain(yield* read(query))["status"], "success")
      })
  )

  it.effect.each([
    ["the status of a cancelled login, but no state", "status=cancelled", "denied"],
    ["the status of a cancelled login, and the state", `status=cancelled&state=${state}`, "denied"],
    ["the status of a cancelled login, and the state of another login", "status=cancelled&state=other", "state"],
    ["an undocumented status", "status=error&code=canary", "denied"],
    ["the success status in upper case", `status=SUCCESS&state=${state}`, "denied"],
    ["an empty status", `status=&state=${state}`, "denied"],
    ["two statuses", `status=success&status=cancelled&state=${state}`, "repeated"],
    ["the success status, but no state", "status=success&code=canary", "state"],
    ["the success status, but a wrong state", `status=success&code=canary&state=other`, "state"],
    ["no status", `code=canary&state=${state}`, "missing-token"],
    ["no parameters", "", "state"],
    ["an error parameter", `status=success&error=x&state=${state}`, "denied"]
  ] as const)("is rejected if it contains %s", ([, query, reason]) =>
    Effect.gen(function* () {
      assert.strictEqual(yield* why(read(query)), reason)
    })
  )

  it.effect("is rejected with the reason that `refusal` returns for the status", () =>
    Effect.gen(function* () {
      const refusal = () => new AuthError.ActionRequired({ what: "Consent" })
      assert.strictEqual(yield* why(parse(`${own}?status=cancelled`, { outcome, refusal })), "ActionRequired")
    })
  )
})

describe("RedirectLogin.requireParameter", () => {
  const needed = (query: string) =>
    Effect.flatMap(parse(`https://app.example/callback?${query}&state=${state}`), (parameters) =>
      RedirectLogin.requireParameter("tiny", parameters, "Auth_Token")
    )

  it.effect("returns the parameter, ignoring the case of its name", () =>
    Effect.gen(function* () {
      assert.strictEqual(Redacted.value(yield* needed("AUTH_TOKEN=canary")), "canary")
    })
  )

  it.effect.each(["", "auth_token=", "auth_token", "auth_token=%20", "auth_token=+"])(
    "fails if the parameter is empty or missing: %j",
    (query) =>
      Effect.gen(function* () {
        assert.strictEqual(yield* why(needed(query)), "missing-token")
      })
  )
})

describe("a browser login", () => {
  const own = "https://app.example/callback"
  const session = Session.make({
    account: Account.make({ broker: "tiny", id: "T1" }),
    method: "browser",
    tokens: { access: Redacted.make("access") },
    issuedAt: 0,
    expiry: Expiry.dailyAt("00:00")
  })
  const statusOf = (url: Redacted.Redacted<string>) => Redacted.value(url).includes("status=")
  const begin = (carries: "code" | "token", failures = 0) => {
    let sent = 0
    const unavailable = AuthError.make("tiny", "complete", new AuthError.BrokerUnavailable({ why: "network" }))
    const service = RedirectLogin.make("tiny", {
      begin: Effect.map(RedirectLogin.makeState, (fresh) => ({
        url: Redacted.make("https://login.example"),
        state: fresh,
        redirectUrl: own
      })),
      receive: (request, callbackUrl) =>
        RedirectLogin.parseCallback({
          broker: "tiny",
          request,
          callbackUrl,
          state: "required",
          ...(statusOf(callbackUrl) && { outcome: { parameter: "status", success: "success" } })
        }).pipe(
          Effect.flatMap((parameters) => RedirectLogin.requireParameter("tiny", parameters, "code")),
          Effect.map((code) => ({ code }))
        ),
      exchange: () =>
        Effect.andThen(
          Effect.yieldNow,
          Effect.suspend(() => ((sent += 1) <= failures ? Effect.fail(unavailable) : Effect.succeed(session)))
        ),
      carries
    })
    return { service, sent: () => sent }
  }
  const callbackOf = (request: RedirectLogin.AuthorizationRequest, code: string) =>
    Redacted.make(`${own}?code=${code}&state=${Redacted.value(request.state)}`)

  it.effect("is completed only once by twenty concurrent calls", () =>
    Effect.gen(function* () {
      for (const carries of ["code", "token"] as const) {
        const { sent, service } = begin(carries)
        const request = yield* service.begin
        const complete = Effect.exit(service.complete(request, callbackOf(request, "c1")))
        const exits = yield* Effect.all(
          Array.from({ length: 20 }, () => complete),
          { concurrency: "unbounded" }
        )
        assert.lengthOf(exits.filter(Exit.isSuccess), 1)
        assert.strictEqual(sent(), 1)
      }
    })
  )

  it.effect("refuses a second code, and a code that another login has sent", () =>
    Effect.gen(function* () {
      const { sent, service } = begin("code")
      const [first, second] = [yield* service.begin, yield* service.begin]
      yield* service.complete(first, callbackOf(first, "c1"))
      assert.strictEqual(yield* why(service.complete(first, callbackOf(first, "c2"))), "InvalidStepUpCode")
      assert.strictEqual(yield* why(service.complete(second, callbackOf(second, "c1"))), "InvalidStepUpCode")
      assert.strictEqual(sent(), 1)
    })
  )

  it.effect("cannot be completed again with a copy of its request", () =>
    Effect.gen(function* () {
      const { sent, service } = begin("code")
      const request = yield* service.begin
      yield* service.complete(request, callbackOf(request, "c1"))
      const copy = { ...request, state: Redacted.make(Redacted.value(request.state)) }
      assert.strictEqual(yield* why(service.complete(copy, callbackOf(copy, "c2"))), "InvalidStepUpCode")
      assert.strictEqual(sent(), 1)
    })
  )

  it.effect("can be completed after a failed attempt only if the callback carries a token", () =>
    Effect.gen(function* () {
      for (const [carries, expected] of [
        ["code", "InvalidStepUpCode"],
        ["token", undefined]
      ] as const) {
        const { service } = begin(carries, 1)
        const request = yield* service.begin
        const complete = service.complete(request, callbackOf(request, "c1"))
        assert.strictEqual(yield* why(complete), "BrokerUnavailable")
        const again = yield* Effect.result(complete)
        assert.strictEqual(Result.isFailure(again) ? again.failure.reason._tag : undefined, expected)
      }
    })
  )

  it.effect("stays open after a callback that reports a cancelled login", () =>
    Effect.gen(function* () {
      const { sent, service } = begin("code")
      const [first, second] = [yield* service.begin, yield* service.begin]
      assert.strictEqual(yield* why(service.complete(first, Redacted.make(`${own}?status=cancelled`))), "denied")
      yield* service.complete(second, callbackOf(second, "c2"))
      yield* service.complete(first, callbackOf(first, "c1"))
      assert.strictEqual(sent(), 2)
    })
  )

  it.effect("stays open after a rejected callback", () =>
    Effect.gen(function* () {
      const { sent, service } = begin("code")
      const request = yield* service.begin
      const withoutCode = `${own}?state=${Redacted.value(request.state)}`
      for (const url of ["https://evil.example/?code=c1", `${own}?code=c1&state=other`, withoutCode]) {
        assert.strictEqual(
          (yield* Effect.flip(service.complete(request, Redacted.make(url)))).reason._tag,
          "RedirectRejected"
        )
      }
      yield* service.complete(request, callbackOf(request, "c1"))
      assert.strictEqual(sent(), 1)
    })
  )
})

describe("a code or token of a callback", () => {
  const own = "https://app.example/callback"
  const session = Session.make({
    account: Account.make({ broker: "tiny", id: "T1" }),
    method: "browser",
    tokens: { access: Redacted.make("access") },
    issuedAt: 0,
    expiry: Expiry.dailyAt("00:00")
  })
  const begun = Effect.fnUntraced(function* (carries: "code" | "token") {
    const sent: Array<string> = []
    const service = RedirectLogin.make("tiny", {
      begin: Effect.map(RedirectLogin.makeState, (fresh) => ({
        url: Redacted.make("https://login.example"),
        state: fresh,
        redirectUrl: own
      })),
      receive: (request, callbackUrl) =>
        Effect.gen(function* () {
          const broker = "tiny"
          const parameters = yield* RedirectLogin.parseCallback({ broker, request, callbackUrl, state: "required" })
          const code = yield* RedirectLogin.requireParameter(broker, parameters, "code")
          return { code, tokens: Session.makeTokens({ access: code, refresh: parameters.get("refresh") }) }
        }),
      exchange: ({ code }) => Effect.sync(() => (sent.push(Redacted.value(code)), session)),
      carries
    })
    const request = yield* service.begin
    const addressOf = (query: string) => Redacted.make(`${own}?${query}&state=${Redacted.value(request.state)}`)
    return { service, request, sent, addressOf }
  })

  const damaged: ReadonlyArray<readonly [what: string, query: string]> = [
    ["an ellipsis at its end", "code=canary\u2026"],
    ["a percent-encoded ellipsis at its end", "code=canary%E2%80%A6"],
    ["three dots at its end", "code=canary..."],
    ["a blank inside", "code=can%20ary"],
    ["a no-break space inside", "code=can%C2%A0ary"],
    ["an ideographic space inside", "code=can%E3%80%80ary"],
    ["a line break inside", "code=can%0D%0Aary"],
    ["a control character inside", "code=can%1Bary"],
    ["a typographic quote", "code=canary\u201d"],
    ["quotes around it", "code=%22canary%22"],
    ["the end of an HTML link", 'code=canary">link</a>'],
    ["full-width digits", "code=canary\uff11\uff12"],
    ["letters of another script", "code=c\u0430nary"],
    ["an accent", "code=can\u00e4ry"],
    ["bytes that are not UTF-8", "code=canary%FF"],
    ["an emoji", "code=canary\u{1f680}"],
    ["a replacement character", "code=canary\ufffd"],
    ["a refresh token with a blank inside", "code=canary-code&refresh=can%20ary"],
    ["a refresh token with an ellipsis at its end", "code=canary-code&refresh=canary\u2026"]
  ]

  for (const carries of ["code", "token"] as const) {
    it.effect.each(damaged)(`is not sent if it arrives with %s (carries: "${carries}")`, ([, query]) =>
      Effect.gen(function* () {
        const { addressOf, request, sent, service } = yield* begun(carries)
        for (const call of [service.check, service.complete] as const) {
          const error = yield* Effect.flip(call(request, addressOf(query)))
          if (error.reason._tag !== "InvalidRequest") return assert.fail(error.reason._tag)
          assert.strictEqual(error.reason.field, "callbackUrl")
          assert.match(error.reason.remedy, /whole address.*again/)
          assert.notMatch(shown(error), /can.?.?ary|\u2026/)
        }
        assert.deepStrictEqual(sent, [])
        yield* service.complete(request, addressOf("code=canary"))
        assert.deepStrictEqual(sent, ["canary"])
      })
    )
  }

  it.effect.each(["eyJ.a-b_c~d.e+f/g==", "a:b|c!d*e'f(g)h;i,j$k@l", "100%zz", "{x}^`[y]\\\\z"])(
    "is sent unchanged: %s",
    (code) =>
      Effect.gen(function* () {
        const { addressOf, request, sent, service } = yield* begun("code")
        yield* service.complete(request, addressOf(`code=${encodeURIComponent(code)}`))
        assert.deepStrictEqual(sent, [code])
      })
  )

  it.effect("gets the same checks in a form as in a URL", () =>
    Effect.gen(function* () {
      const { request, sent, service } = yield* begun("code")
      const form = (code: string) =>
        RedirectLogin.fromForm(
          own,
          Redacted.make(new URLSearchParams({ code, state: Redacted.value(request.state) }).toString())
        )
      assert.strictEqual(yield* why(service.complete(request, form("canary\u2026"))), "InvalidRequest")
      yield* service.complete(request, form("canary\u200b\u00a0"))
      assert.deepStrictEqual(sent, ["canary"])
    })
  )

  it.effect.each([null, undefined, 5, {}])("is not sent if an argument of `complete` is %j", (wrong) =>
    Effect.gen(function* () {
      const { request, sent, service } = yield* begun("code")
      const value = wrong as never
      for (const given of [value, Redacted.make(value), RedirectLogin.fromForm(value, value)]) {
        assert.strictEqual(yield* why(service.complete(request, given)), "InvalidRequest")
        assert.strictEqual(yield* why(service.complete(value, given)), "InvalidRequest")
      }
      assert.strictEqual(yield* why(service.complete(request, RedirectLogin.fromForm(own, value))), "state")
      assert.deepStrictEqual(sent, [])
    })
  )

  it.effect.each(["Bearer", "bearer%20", "%E2%80%8B", "%C2%A0", "Bearer+Bearer"])(
    "is treated as missing if it is only %s",
    (code) =>
      Effect.gen(function* () {
        const { addressOf, request, sent, service } = yield* begun("token")
        assert.strictEqual(yield* why(service.complete(request, addressOf(`code=${code}`))), "missing-token")
        assert.deepStrictEqual(sent, [])
      })
  )
})

it.effect("RedirectLogin.makeState returns 128 random bits in hexadecimal", () =>
  Effect.gen(function* () {
    const states = yield* Effect.replicateEffect(RedirectLogin.makeState, 100)
    const texts = states.map(Redacted.value)
    for (const text of texts) assert.match(text, /^[0-9a-f]{32}$/)
    assert.lengthOf(new Set(texts), 100)
  })
)
