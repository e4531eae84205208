import type * as AuthError from "@auth/broker-core/login/AuthError"
import { Authorize } from "@auth/broker-core/login/Authorize"
import type { Broker } from "@auth/broker-core/broker/Broker"
import * as BrokerApi from "@auth/broker-core/broker/BrokerApi"
import * as Credentials from "@auth/broker-core/broker/Credentials"
import * as Decode from "@auth/broker-core/broker/Decode"
import * as Endpoint from "@auth/broker-core/broker/Endpoint"
import * as Expiry from "@auth/broker-core/login/Expiry"
import * as Method from "@auth/broker-core/broker/Method"
import * as RedirectLogin from "@auth/broker-core/login/RedirectLogin"
import * as Refresh from "@auth/broker-core/login/Refresh"
import { TestHttp } from "@auth/broker-core/testing"
import { assert, describe, it } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Shape from "@auth/broker-core/broker/Shape"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import { shown } from "./support.ts"
import { protocol, type Seen, yes } from "./tiny.ts"

const credentials = {
  id: { env: "TINY_ID", description: "Id of the account", secret: false },
  key: { env: "TINY_KEY", description: "Key of the app", secret: true },
  redirectUrl: {
    env: "TINY_REDIRECT_URL",
    description: "Redirect URL of the app",
    secret: false,
    problem: Credentials.redirectUrlProblem("127.0.0.1")
  }
} as const

const capabilities = ["RedirectLogin", "Refresh", "Logout", "Authorize"] as const
const renewal = { by: ["refresh"], when: "made up", maxFailures: 1, window: "1 hour", source: "made up" } as const

const broker: Broker = {
  id: "tiny",
  title: "Tiny",
  methods: [
    {
      id: "page",
      layer: "Tiny",
      title: "Browser",
      capabilities,
      credentials,
      expiry: "00:00 IST",
      renewal: { ...renewal }
    }
  ],
  environments: { production: { api: "https://api.tiny.example", login: "https://login.tiny.example" } },
  secretHeaders: ["authorization"],
  documentation: ["https://tiny.example"],
  assumptions: [],
  verifiedOn: "2026-11-27"
}

const Tokens = Schema.Struct({
  token: Decode.requiredSecret,
  ...Shape.each(Decode.text, "holder", "mail"),
  ...Shape.each(Decode.secret, "refresh")
})

const table = {
  exchange: Endpoint.make({
    name: "exchange",
    method: "POST",
    path: "/exchange",
    token: "none",
    encoding: "form",
    app: ["key"],
    request: Schema.Struct({ code: Decode.Secret }),
    response: Tokens
  })
}

class TinyApi extends Context.Service<TinyApi, BrokerApi.BrokerApi<typeof table>>()("test/TinyApi") {}

const api = BrokerApi.define(TinyApi, {
  broker,
  table,
  credentials: { key: credentials.key },
  protocol: ({ key }) => ({ ...protocol, app: { key } })
})

const issue = (code: Redacted.Redacted<string>, { exchange }: TinyApi["Service"]) =>
  Effect.map(exchange({ code }), ({ holder = "T1", refresh, token }) => ({
    tokens: { access: token, ...(refresh && { refresh }) },
    profile: { id: holder }
  }))

const method = Method.redirect(
  { broker, api: TinyApi, expiry: Expiry.dailyAt("00:00"), accountId: (id: string) => id.trim().toUpperCase() },
  {
    id: "page",
    credentials,
    api: ({ key }, options: Method.Options) => api.make({ ...options, key }),
    account: ({ id }) => id,
    redirectUrl: ({ redirectUrl }) => redirectUrl,
    page: ({ api, state }) => Redacted.make(`${api.origins["login"]}?pairs=state%3D${Redacted.value(state)}`),
    state: () => "required",
    outcome: { parameter: "status", success: "ok" },
    carries: "code",
    receive: (parameters) =>
      Effect.map(RedirectLogin.requireParameter("tiny", parameters, "code"), (code) => ({ code })),
    exchange: ({ code }, given) => issue(code, given.api),
    refresh: ({ api, refreshToken }) => issue(refreshToken, api)
  }
)

const redirectUrl = "https://app.example/callback"

const using = <A, E, R>(program: Effect.Effect<A, E, R>, answer: object = { token: "access-canary" }) =>
  Effect.gen(function* () {
    const seen: Array<Pick<Seen, "url" | "body">> = []
    const client = TestHttp.layerRespond(async (request) => {
      seen.push({ url: request.url, body: await request.text() })
      return yes(answer)
    })
    const given = { id: "T1", key: Redacted.make("key-canary"), redirectUrl }
    const layer = method.layer({ credentials: given }).pipe(Layer.provide(client))
    return { seen, value: yield* Effect.provide(program, layer) }
  })

const complete = (query: (state: string) => string) =>
  Effect.gen(function* () {
    const redirect = yield* RedirectLogin.RedirectLogin
    const request = yield* redirect.begin
    const callback = Redacted.make(`${redirectUrl}?${query(Redacted.value(request.state))}`)
    return yield* redirect.complete(request, callback)
  })

const why = ({ reason }: AuthError.AuthError) => ("why" in reason ? reason.why : reason._tag)

describe("a browser login that expects a status", () => {
  it.effect("sends the app's key and the code as a form", () =>
    Effect.gen(function* () {
      const { seen, value } = yield* using(complete((state) => `status=ok&code=c1&n=1&state=${state}`))
      assert.deepStrictEqual(seen, [{ url: "https://api.tiny.example/exchange", body: "key=key-canary&code=c1" }])
      assert.strictEqual(value.account.id, "T1")
    })
  )

  it.effect.each([
    ["status=cancelled", "denied"],
    ["status=ok&code=c1", "state"],
    ["code=c1&state=other", "state"]
  ] as const)('rejects the callback query %s with the reason "%s"', ([query, expected]) =>
    Effect.gen(function* () {
      const { seen, value } = yield* using(Effect.flip(complete(() => query)))
      assert.strictEqual(why(value), expected)
      assert.deepStrictEqual(seen, [])
    })
  )
})

describe("the account of the tokens", () => {
  const login = complete((state) => `status=ok&code=c1&state=${state}`)

  it.effect("must equal the configured account, ignoring case", () =>
    Effect.gen(function* () {
      const { value } = yield* using(login, { token: "t", holder: " t1 " })
      assert.strictEqual(value.account.id, "T1")
      const other = yield* using(Effect.flip(login), { token: "access-canary", holder: "T2" })
      assert.strictEqual(why(other.value), "other-account")
      assert.notInclude(shown(other.value), "access-canary")
    })
  )

  it.effect("must not change when a session is refreshed", () =>
    Effect.gen(function* () {
      const session = method.fromTokens({
        userId: "T1",
        accessToken: Redacted.make("access"),
        refreshToken: Redacted.make("refresh"),
        issuedAt: 0
      })
      const { value } = yield* using(Refresh.refresh(session), { token: "next", holder: "T1" })
      assert.strictEqual(Redacted.value(value.tokens.access), "next")
      const other = yield* using(Effect.flip(Refresh.refresh(session)), { token: "next", holder: "T2" })
      assert.strictEqual(why(other.value), "refresh-invalid")
    })
  )
})

describe("tokens from another program", () => {
  const given = { userId: " t1 ", accessToken: Redacted.make("Bearer access"), issuedAt: Date.UTC(2026, 10, 27) }

  it("become a session with the login method's expiry", () => {
    const { account, expiresAt, method: id, tokens } = method.fromTokens({ ...given, app: "second" })
    assert.deepStrictEqual([account.id, account.app, id], ["T1", "second", "page"])
    assert.strictEqual(expiresAt, Date.UTC(2026, 10, 27, 18, 30))
    assert.deepStrictEqual(Object.values(tokens).map(Redacted.value), ["access"])
  })

  it.each(["", " "])("become a session without a refresh token if it is blank: %j", (blank) => {
    assert.notProperty(method.fromTokens({ ...given, refreshToken: Redacted.make(blank) }).tokens, "refresh")
  })
})

describe("typed calls with a key of the app", () => {
  it.effect("cannot be created if the key is invalid", () =>
    Effect.gen(function* () {
      const layer = api.layer({ key: Redacted.make(" ") }).pipe(Layer.provide(TestHttp.layerLateFetch))
      const { reason } = yield* Effect.flip(Effect.provide(TinyApi, layer))
      assert.strictEqual(reason._tag === "InvalidRequest" && reason.problems[0].field, "key")
    })
  )

  it.effect("use the broker's origins by default, and reject unknown origin names", () =>
    Effect.gen(function* () {
      const { value } = yield* using(Authorize)
      assert.deepStrictEqual(value.origins, ["https://api.tiny.example", "https://login.tiny.example"])
      const origins = { page: "https://page.example" }
      const made = api.make({ key: Redacted.make("k"), origins }).pipe(Effect.provide(TestHttp.layerLateFetch))
      assert.strictEqual((yield* Effect.flip(made)).reason._tag, "InvalidRequest")
    })
  )
})

describe("Credentials.redirectUrlProblem", () => {
  it.each([
    ["https://app.example/cb?a=b", undefined],
    ["http://127.0.0.1:8080/cb", undefined],
    ["http://localhost/cb", "must be https, or http with the host 127.0.0.1: the broker accepts no other URL"],
    ["http://app.example/cb", "must be https, or http with the host 127.0.0.1: the broker accepts no other URL"],
    ["app.example", "is not an address"],
    ["https://app.example/#cb", "must not have a fragment: the broker could not add its parameters"]
  ] as const)("for the URL %s, returns %s", (value, problem) => {
    assert.strictEqual(Credentials.redirectUrlProblem("127.0.0.1")(value), problem)
  })

  it("accepts only https if no host is given", () => {
    const problem = "must be https: the broker accepts no other URL"
    assert.strictEqual(Credentials.redirectUrlProblem()("http://127.0.0.1/cb"), problem)
  })
})
