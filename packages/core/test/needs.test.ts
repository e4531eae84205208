import * as Account from "@auth/broker-core/login/Account"
import * as Authorize from "@auth/broker-core/login/Authorize"
import * as BrokerApi from "@auth/broker-core/broker/BrokerApi"
import * as BrokerClient from "@auth/broker-core/broker/BrokerClient"
import * as Checksum from "@auth/broker-core/broker/Checksum"
import * as Encoding from "@auth/broker-core/broker/Encoding"
import * as Decode from "@auth/broker-core/broker/Decode"
import * as Endpoint from "@auth/broker-core/broker/Endpoint"
import * as Envelope from "@auth/broker-core/broker/Envelope"
import * as ErrorTable from "@auth/broker-core/broker/ErrorTable"
import * as Expiry from "@auth/broker-core/login/Expiry"
import * as Session from "@auth/broker-core/login/Session"
import * as SessionJson from "@auth/broker-core/login/SessionJson"
import { TestHttp } from "@auth/broker-core/testing"
import { NodeHttpClient } from "@effect/platform-node"
import { assert, describe, it } from "@effect/vitest"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as FetchHttpClient from "effect/http/FetchHttpClient"
import * as HttpClientRequest from "effect/http/HttpClientRequest"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import * as TestClock from "effect/testing/TestClock"
import { createServer } from "node:http"
import { listen } from "../../../tools/vitest/freePort.ts"
import { connect, type Seen, yes } from "./tiny.ts"

// Each group of tests covers something that only some brokers need.

const Anything = Schema.Unknown
const token = Redacted.make("access-canary")

const call = (
  row: Endpoint.Endpoint<never, unknown>,
  options: Partial<Parameters<BrokerClient.BrokerClient["call"]>[1]> = {},
  changes: Partial<BrokerClient.Protocol> = {}
) =>
  Effect.gen(function* () {
    const { client, seen } = yield* connect([() => yes({})], {}, changes)
    yield* client.call(row, { account: "T1", ...options })
    return seen[0] as Seen
  })

describe("the encoding of an endpoint", () => {
  const request = Schema.Struct({ uid: Decode.Text, pwd: Decode.Secret })
  const given = { uid: "FA0001", pwd: Redacted.make("a&b=c") }
  const row = (encoding: Encoding.Encoding) =>
    Endpoint.make({ name: "q", method: "POST", path: "/q", token: "none", encoding, request, response: Anything })

  it.effect.each([
    ["raw JSON in jData, without a content type", Encoding.jData(), `jData={"uid":"FA0001","pwd":"a&b=c"}`, undefined],
    [
      "raw JSON in jData, with the content type of the encoding",
      Encoding.jData({ contentType: "text/plain" }),
      `jData={"uid":"FA0001","pwd":"a&b=c"}`,
      "text/plain"
    ],
    [
      "a form with percent-encoded JSON in jData",
      Encoding.jData({ percent: "encoded", contentType: "application/x-www-form-urlencoded" }),
      "jData=%7B%22uid%22%3A%22FA0001%22%2C%22pwd%22%3A%22a%26b%3Dc%22%7D",
      "application/x-www-form-urlencoded"
    ],
    [
      "the text that a custom `write` function returns",
      { ...Encoding.json, name: "head-body", write: (fields: object) => JSON.stringify({ head: {}, body: fields }) },
      `{"head":{},"body":{"uid":"FA0001","pwd":"a&b=c"}}`,
      "application/json"
    ]
  ] as const)("writes the fields as %s", ([, encoding, body, type]) =>
    Effect.gen(function* () {
      const seen = yield* call(row(encoding) as never, { request: given })
      assert.deepStrictEqual([seen.body, seen.headers["content-type"]], [body, type])
    })
  )

  it.effect("rejects a list, and sends nothing, if the encoding is `form`", () =>
    Effect.gen(function* () {
      const list = Schema.Struct({ ids: Schema.Array(Schema.String) })
      const form = Endpoint.make({
        name: "q",
        method: "POST",
        path: "/q",
        token: "none",
        encoding: "form",
        request: list,
        response: Anything
      })
      const { client, seen } = yield* connect([() => yes({})])
      const error = yield* Effect.flip(client.call(form, { account: "T1", request: { ids: ["a"] } }))
      assert.match(error.message, /ids cannot be sent as a form/)
      assert.lengthOf(seen, 0)
    })
  )
})

describe("a GET request with a body", () => {
  const row = (getBody?: "sent") =>
    Endpoint.make({
      name: "details",
      method: "GET",
      path: "/details",
      token: "none",
      request: Schema.Struct({ AppKey: Decode.Text }),
      response: Anything,
      getBody
    })
  const ask = (origin: string, getBody?: "sent") =>
    Effect.gen(function* () {
      const protocol = { broker: "tiny", headers: () => ({}), dialects: [dialect], codes: [] }
      const client = yield* BrokerClient.make(protocol, { api: origin })
      return yield* client.call(row(getBody), { account: "T1", request: { AppKey: "k" } })
    })
  const dialect = Envelope.byFields({ name: "plain", source: "made up", status: ["ok"], yes: [true] })

  const serve = Effect.acquireRelease(
    Effect.promise(async () => {
      const bodies: Array<string> = []
      const server = createServer((request, response) => {
        let body = ""
        request.on("data", (chunk: Buffer) => (body += chunk.toString()))
        request.on("end", () => {
          bodies.push(body)
          response.setHeader("content-type", "application/json").end(`{"ok":true}`)
        })
      })
      return { bodies, origin: `http://127.0.0.1:${await listen(server)}`, server }
    }),
    ({ server }) => Effect.sync(() => server.close())
  )

  it.effect("is rejected if its endpoint does not set `getBody`", () =>
    Effect.gen(function* () {
      const error = yield* ask("https://api.tiny.example").pipe(
        Effect.flip,
        Effect.provide(TestHttp.layerRespond(() => Promise.reject(new Error("sent"))))
      )
      assert.match(error.message, /cannot be sent with a GET/)
    })
  )

  it.live("is sent by node:http, but fetch fails with an error that names NodeHttpClient", () =>
    Effect.gen(function* () {
      const { bodies, origin } = yield* serve
      yield* Effect.provide(ask(origin, "sent"), NodeHttpClient.layerNodeHttp)
      assert.deepStrictEqual(bodies, [`{"AppKey":"k"}`])
      const error = yield* Effect.flip(Effect.provide(ask(origin, "sent"), FetchHttpClient.layer))
      assert.strictEqual(error.reason._tag, "InvalidRequest")
      assert.match(error.message, /NodeHttpClient/)
      assert.lengthOf(bodies, 1)
    }).pipe(Effect.scoped)
  )
})

describe("Checksum.ofRecipe", () => {
  // The results come from sha256sum, because one sample hash in the documentation of the brokers is wrong.
  const recipes: Readonly<Record<string, Checksum.Recipe<string>>> = {
    "client, secret and code": {
      parts: ["client", "secret", "code"],
      vectors: [
        {
          values: { client: "FA0001", secret: "S3cret", code: "c0de" },
          result: "5813de979026efaa0d3801cd8b8edf72714f843bcba68919fd33326d61bc92f8"
        }
      ]
    },
    "timestamp, body and secret": {
      parts: ["timestamp", "body", "secret"],
      vectors: [
        {
          values: { timestamp: "2026-11-21T04:30:00.000Z", body: "{}", secret: "S3cret" },
          result: "41be1a7e3b44a68e48af61e5f0e1b359997e4541760a37b74e113a6835c4a123"
        },
        {
          values: { timestamp: "2026-11-21T04:30:00.000Z", body: `{"stock_code":"ITC"}`, secret: "S3cret" },
          result: "c5410d7b29bb3c986125feff66b569e832cbd364da4e543c2cd43627692a8ad3"
        }
      ]
    },
    "user and key with a separator, in upper-case hexadecimal": {
      parts: ["user", "key"],
      joiner: "|",
      encoding: "HEX",
      vectors: [
        {
          values: { user: "FA0001", key: "abc" },
          result: "3CCDF1BDA729309F4912F50517F30F495EE0C0D3D0E009F48213C24EB1FB0F86"
        }
      ]
    },
    "a value that is hashed three times": {
      parts: ["value"],
      times: 3,
      vectors: [
        { values: { value: "abc" }, result: "bbdb08dd3f8e0a2dbd9a4f45045fdf45cebee1ac6706de3353e753234b318e78" }
      ]
    },
    "a value, in base64": {
      parts: ["value"],
      encoding: "base64",
      vectors: [{ values: { value: "abc" }, result: "ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0=" }]
    }
  }
  for (const [name, recipe] of Object.entries(recipes)) {
    it.effect(`computes the same hash as sha256sum for ${name}`, () =>
      Effect.gen(function* () {
        for (const { result, values } of recipe.vectors) {
          assert.strictEqual(Redacted.value(yield* Checksum.ofRecipe(recipe)(values)), result)
        }
      })
    )
  }
})

describe("the token of a request", () => {
  const post = Endpoint.rows({ method: "POST", token: "required" })
  const request = Schema.Struct({ uid: Decode.Text })
  const response = Anything
  const given = { tokens: { access: token }, request: { uid: "FA0001" } }

  it.effect("is sent in the headers that `Protocol.headers` returns", () =>
    Effect.gen(function* () {
      const headers: BrokerClient.Protocol["headers"] = ({ endpoint, extras, tokens }) =>
        endpoint?.name === "quotes"
          ? { authorization: tokens?.access ?? "" }
          : { auth: "other", sid: extras?.["sid"] ?? "" }
      const rows = [post("quotes", "/q", { request, response }), post("orders", "/o", { request, response })]
      const [quotes, orders] = yield* Effect.forEach(rows, (row) =>
        call(row as never, { ...given, extras: { sid: "s1" } }, { headers })
      )
      assert.strictEqual(quotes?.headers["authorization"], "access-canary")
      assert.deepStrictEqual([orders?.headers["auth"], orders?.headers["sid"]], ["other", "s1"])
    })
  )

  it.effect("is sent in the body field that `tokenField` names, and also in a header if `tokenToo` is set", () =>
    Effect.gen(function* () {
      const encoding = Encoding.jData({ beside: ["jKey"] })
      const one = post("limits", "/l", { request, response, encoding, tokenField: "jKey" })
      const both = post("limits", "/l", { request, response, encoding, tokenField: "jKey", tokenToo: "headers" })
      const alone = yield* call(one as never, given)
      assert.strictEqual(alone.body, `jData={"uid":"FA0001"}&jKey=access-canary`)
      assert.notProperty(alone.headers, "authorization")
      const twice = yield* call(both as never, given)
      assert.strictEqual(twice.headers["authorization"], "Bearer access-canary")
      assert.include(twice.body, "&jKey=access-canary")
    })
  )

  it.effect("is sent together with the headers that `Protocol.sign` returns", () =>
    Effect.gen(function* () {
      yield* TestClock.setTime(Date.UTC(2026, 10, 21, 4, 30))
      const sign: BrokerClient.Protocol["sign"] = ({ body, now }) => {
        const timestamp = DateTime.formatIso(DateTime.makeUnsafe(now))
        return Effect.map(Checksum.sha256([timestamp, body, "S3cret"]), (digest) => ({
          "x-timestamp": timestamp,
          "x-checksum": Redacted.make(`token ${Redacted.value(digest)}`)
        }))
      }
      const row = post("orders", "/o", { request: Schema.Struct({ stock_code: Decode.Text }), response })
      const seen = yield* call(row as never, { ...given, request: { stock_code: "ITC" } }, { sign })
      assert.strictEqual(seen.headers["authorization"], "Bearer access-canary")
      assert.strictEqual(seen.headers["x-timestamp"], "2026-11-21T04:30:00.000Z")
      const expected = "c5410d7b29bb3c986125feff66b569e832cbd364da4e543c2cd43627692a8ad3"
      assert.strictEqual(seen.headers["x-checksum"], `token ${expected}`)
    })
  )
})

describe("the extras of a session", () => {
  const told = { extra: "baseUrl", origin: "api", hosts: [".tiny.example"] } as const
  const row = Endpoint.make({
    name: "limits",
    method: "POST",
    path: "/limits",
    token: "required",
    session: ["uid"],
    request: Schema.Struct({ exchange: Decode.Text }),
    response: Anything
  })
  const given = { tokens: { access: token }, request: { exchange: "NSE" } }
  const session = (extras: Session.Extras) =>
    Session.make({
      account: Account.make({ broker: "tiny", id: "FA0001" }),
      method: "totp",
      tokens: { access: token },
      issuedAt: 0,
      expiry: Expiry.after("1 day"),
      extras
    })

  it.effect("are stored with the session, and sent to endpoints that list them", () =>
    Effect.gen(function* () {
      const stored = Schema.encodeSync(SessionJson.SessionFromJson)(session({ uid: "FA0001", sid: "s1" }))
      const { extras } = Schema.decodeSync(SessionJson.SessionFromJson)(stored)
      assert.deepStrictEqual(extras, { uid: "FA0001", sid: "s1" })
      const seen = yield* call(row as never, { ...given, extras })
      assert.strictEqual(seen.body, `{"uid":"FA0001","exchange":"NSE"}`)
    })
  )

  it.effect("set the base address of requests, including the path", () =>
    Effect.gen(function* () {
      const extras = { uid: "FA0001", baseUrl: "https://e21.tiny.example/base/" }
      const seen = yield* call(row as never, { ...given, extras }, { told })
      assert.strictEqual(seen.url, "https://e21.tiny.example/base/limits")
    })
  )

  it.effect.each([
    ["the scheme http", "http://e21.tiny.example"],
    ["a host that only begins like the permitted domain", "https://tiny.example.evil.test"],
    ["a host that only ends like the permitted domain", "https://eviltiny.example"],
    ["a user name", "https://user@e21.tiny.example"],
    ["a port", "https://e21.tiny.example:8443"],
    ["no scheme", "e21.tiny.example"]
  ])("are rejected before a request is sent if the base address has %s", ([, baseUrl]) =>
    Effect.gen(function* () {
      const { client, seen } = yield* connect([() => yes({})], {}, { told })
      const extras: Session.Extras = { uid: "FA0001", baseUrl: baseUrl ?? "" }
      const error = yield* Effect.flip(client.call(row, { account: "T1", ...given, extras }))
      assert.match(error.message, /extras.baseUrl must be an https address/)
      assert.lengthOf(seen, 0)
      assert.isUndefined(client.toldOrigin(extras))
    })
  )

  it.effect("let Authorize.request add headers only to requests to the origin in the extras", () =>
    Effect.gen(function* () {
      const protocol = { broker: "tiny", headers: () => ({ auth: token }), dialects: [], codes: [], told }
      const api = yield* BrokerApi.make({ limits: row }, protocol, { api: "https://api.tiny.example" }, {})
      const service = {
        headers: api.headers,
        refusal: api.refusal,
        origins: Object.values(api.origins),
        toldOrigin: api.toldOrigin
      }
      const order = HttpClientRequest.get("https://e21.tiny.example/orders")
      const headersFor = (extras: Session.Extras) =>
        Effect.map(
          Effect.provideService(Authorize.request(order, session(extras)), Authorize.Authorize, service),
          ({ headers }) => headers["auth"]
        )
      assert.strictEqual(yield* headersFor({ baseUrl: "https://e21.tiny.example" }), "access-canary")
      assert.isUndefined(yield* headersFor({ baseUrl: "https://e22.tiny.example" }))
      assert.isUndefined(yield* headersFor({}))
    }).pipe(Effect.provide(TestHttp.layerRespond(() => Promise.resolve(yes({})))))
  )
})

describe("Envelope.byFields", () => {
  const read = (fields: Partial<Envelope.Fields>, json: unknown, status = 200) =>
    Envelope.byFields({ name: "f", source: "made up", status: ["stat"], yes: ["Ok"], ...fields }).read({
      status,
      headers: {},
      text: "",
      json
    })?._tag

  it.each([
    [{}, { stat: "Ok" }, "Yes"],
    [{}, { stat: "ok " }, "Yes"],
    [{}, { stat: "Not_Ok" }, "No"],
    [{}, { status: "Ok" }, undefined],
    [{ status: ["body", "Status"], yes: [0] }, { body: { Status: 0 } }, "Yes"],
    [{ status: ["body", "Status"], yes: [0] }, { body: { Status: 2 } }, "No"],
    [{ status: ["Status"], yes: [200] }, { Status: 500, Error: "invalid" }, "No"],
    [{ no: ["error"] }, { stat: "pending" }, undefined]
  ] as const)("with the fields %j, reads %j as %s", (fields, json, verdict) =>
    assert.strictEqual(read(fields, json), verdict)
  )

  it.effect("reads a success as a failure if a person must act first", () =>
    Effect.gen(function* () {
      const asks = [{ field: ["data", "spasswordreset"], is: "Y", code: "PASSWORD" }]
      const dialect = Envelope.byFields({ name: "f", source: "made up", status: ["ok"], yes: [true], asks })
      const codes = [
        ErrorTable.rows("made up", "2026-11-27")(
          "PASSWORD",
          "A new password is due",
          ErrorTable.actionRequired("Set a new password in the broker's app")
        )
      ]
      const { login } = yield* connect(
        [() => yes({ token: "t", spasswordreset: "Y" })],
        {},
        {
          dialects: [dialect],
          codes
        }
      )
      const error = yield* Effect.flip(login)
      assert.strictEqual(error.reason._tag, "ActionRequired")
      assert.match(error.message, /Set a new password/)
    })
  )
})

describe("Expiry.fromAnswer", () => {
  it.each([
    [3600, { expiresIn: Duration.seconds(3600) }],
    ["86400", { expiresIn: Duration.seconds(86_400) }],
    [1_795_426_200, { expiresAt: 1_795_426_200_000 }],
    ["1795426200000", { expiresAt: 1_795_426_200_000 }],
    ["later", {}],
    [null, {}],
    [-1, {}]
  ])("reads the value %j as %j", (value, expected) => assert.deepStrictEqual(Expiry.fromAnswer(value), expected))

  it("returns an expiry that Session.make uses", () => {
    const make = (value: unknown) =>
      Session.make({
        account: Account.make({ broker: "tiny", id: "T1" }),
        method: "m",
        tokens: { access: token },
        issuedAt: Date.UTC(2026, 10, 23, 4),
        expiry: Expiry.earliest(Expiry.expiresIn, Expiry.dailyAt("05:00")),
        ...Expiry.fromAnswer(value)
      })
    const of = (value: unknown) => [make(value).expiresAt, make(value).expirySource]
    assert.deepStrictEqual(of(3600), [Date.UTC(2026, 10, 23, 5), "expires-in"])
    assert.deepStrictEqual(of(Date.UTC(2026, 10, 23, 6) / 1000), [Date.UTC(2026, 10, 23, 6), "expires-in"])
    assert.deepStrictEqual(of("never"), [Date.UTC(2026, 10, 23, 23, 30), "daily-cut-off"])
  })
})
