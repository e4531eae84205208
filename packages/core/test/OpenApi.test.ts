import type { Broker } from "@auth/broker-core/broker/Broker"
import * as ErrorTable from "@auth/broker-core/broker/ErrorTable"
import * as Decode from "@auth/broker-core/broker/Decode"
import * as Endpoint from "@auth/broker-core/broker/Endpoint"
import * as OpenApi from "@auth/broker-core/broker/OpenApi"
import { assert, describe, it } from "@effect/vitest"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"

const broker: Broker = {
  id: "tiny",
  title: "Tiny",
  methods: [],
  environments: { production: { api: "https://api.example.com", login: "https://login.example.com" } },
  secretHeaders: [],
  documentation: ["https://docs.example.com"],
  assumptions: [],
  verifiedOn: "2026-11-27"
}

const Answer = Schema.Struct({ token: Decode.requiredSecret, name: Decode.text })

const table = {
  byCode: Endpoint.make({
    name: "byCode",
    method: "POST",
    path: "/token",
    origin: "login",
    token: "none",
    encoding: "form",
    app: ["key"],
    request: Schema.Struct({ code: Decode.Secret }),
    body: ({ code }, app) => ({ ...app, grant_type: "code", code }),
    response: Answer
  }),
  byRefresh: Endpoint.make({
    name: "byRefresh",
    method: "POST",
    path: "/token",
    origin: "login",
    token: "none",
    encoding: "form",
    app: ["key"],
    request: Schema.Struct({ refresh: Decode.Secret, note: Schema.optionalKey(Schema.String) }),
    response: Answer
  }),
  end: Endpoint.make({
    name: "end",
    method: "DELETE",
    path: "/token",
    token: "required",
    query: { t: "token" },
    request: Schema.Struct({ token: Decode.Secret }),
    response: Schema.Unknown,
    safe: true,
    limits: [{ requests: 2, per: "1 second" }]
  })
}

const row = (more: Partial<ErrorTable.ErrorRow>): ErrorTable.ErrorRow => ({
  meaning: "no",
  source: "a document",
  asOf: "2026-11-27",
  reason: ErrorTable.rejected,
  ...more
})

const input: OpenApi.Input = {
  broker,
  table,
  codes: [
    row({ code: "E1", meaning: "Wrong code", operations: ["byCode"], reason: ErrorTable.invalidCredentials("code") }),
    row({ status: 429, meaning: "Too many", reason: ErrorTable.rateLimited })
  ],
  headers: ({ tokens }) => ({
    accept: "application/json",
    "x-version": "3",
    "x-key": OpenApi.sample("key"),
    ...(tokens && { authorization: Redacted.make(`token key:${Redacted.value(tokens.access)}`) })
  }),
  app: { key: OpenApi.sample("key") },
  yes: OpenApi.inside("data", { ok: { const: true } }),
  no: { type: "object", properties: { ok: { const: false } }, required: ["ok"] },
  refusesWith200: "no"
}

interface Operation {
  readonly parameters: ReadonlyArray<OpenApi.Json>
  readonly requestBody?: unknown
  readonly responses: Readonly<Record<string, OpenApi.Json>>
  readonly security: unknown
  readonly servers?: unknown
  readonly "x-limits"?: unknown
  readonly "x-safe"?: unknown
}

const document = OpenApi.make(input)
const operation = (method: string) => document.paths["/token"]?.[method] as Operation
const secret = { type: "string", format: "password" }

describe("a document that OpenApi.make returns", () => {
  it("has one operation for each method and path", () => {
    assert.deepStrictEqual(Object.keys(document.paths["/token"] ?? {}), ["post", "delete"])
    const byCode = { key: secret, grant_type: { const: "code" }, code: secret }
    const byRefresh = { key: secret, refresh: secret, note: { type: "string" } }
    const schema = {
      anyOf: [
        { type: "object", properties: byCode, required: ["key", "grant_type", "code"] },
        { type: "object", properties: byRefresh, required: ["key", "refresh"] }
      ]
    }
    const content = { "application/x-www-form-urlencoded": { schema } }
    assert.deepStrictEqual(operation("post").requestBody, { required: true, content })
  })

  it("describes the tokens and limits of all calls of an operation", () => {
    const call = { method: "POST", path: "/token", encoding: "form", request: Schema.Struct({}) } as const
    const open = Endpoint.make({ ...call, name: "open", token: "none", response: Answer, safe: true })
    const limits = [{ requests: 2, per: "1 second" }] as const
    const closed = Endpoint.make({ ...call, name: "closed", token: "required", response: Answer, limits })
    const post = OpenApi.make({ ...input, table: { open, closed } }).paths["/token"]?.["post"] as Operation
    assert.deepStrictEqual(post.security, [{}, { authorization: [] }])
    assert.deepStrictEqual([post["x-limits"], post["x-safe"]], [[{ requests: 2, per: "1s" }], false])
  })

  it("describes headers and parameters, and marks secrets as passwords", () => {
    const { parameters, requestBody, security } = operation("delete")
    assert.isUndefined(requestBody)
    assert.deepStrictEqual(parameters, [
      { name: "x-version", in: "header", required: true, schema: { type: "string" }, example: "3" },
      { name: "x-key", in: "header", required: true, schema: secret },
      { name: "t", in: "query", required: true, schema: secret }
    ])
    assert.deepStrictEqual(security, [{ authorization: [] }])
    assert.deepStrictEqual(operation("post").security, [])
    const scheme = { type: "apiKey", in: "header", name: "authorization", description: "`token key:{access token}`" }
    assert.deepStrictEqual(document.components.securitySchemes, { authorization: scheme })
  })

  it.each([
    ["byName", "byPage"],
    ["byPage", "byName"]
  ] as const)("requires a parameter only if all calls of the operation require it: %s, %s", (...names) => {
    const find = { method: "GET", path: "/find", token: "none", response: Schema.Unknown } as const
    const calls = {
      byName: Endpoint.make({
        ...find,
        name: "byName",
        query: { q: "name" },
        request: Schema.Struct({ name: Schema.optionalKey(Schema.String) })
      }),
      byPage: Endpoint.make({
        ...find,
        name: "byPage",
        query: { q: "page" },
        request: Schema.Struct({ page: Schema.String })
      })
    }
    const { paths } = OpenApi.make({ ...input, table: Object.fromEntries(names.map((name) => [name, calls[name]])) })
    const found = paths["/find"]?.["get"] as Operation | undefined
    assert.strictEqual(found?.parameters.find(({ name }) => name === "q")?.["required"], false)
  })

  it("describes the data of an answer and the meaning of each refusal", () => {
    const { responses } = operation("post")
    assert.include(JSON.stringify(responses["200"]), '"required":["ok","data"]')
    assert.include(JSON.stringify(responses["200"]), '"token":{"type":"string","format":"password"}')
    assert.strictEqual(responses["429"]?.["description"], "Too many")
    const errors = responses["default"]?.["x-errors"] as ReadonlyArray<OpenApi.Json>
    assert.deepStrictEqual(
      errors.map(({ code, reason }) => [code, reason]),
      [
        ["E1", "InvalidCredentials"],
        [undefined, "RateLimited"]
      ]
    )
    const ofEnd = operation("delete").responses["default"]?.["x-errors"] as ReadonlyArray<OpenApi.Json>
    assert.lengthOf(ofEnd, 1)
  })

  it("lists separate servers for a call to another origin", () => {
    assert.deepStrictEqual(document.servers, [{ url: "https://api.example.com", description: "production" }])
    assert.deepStrictEqual(operation("post").servers, [{ url: "https://login.example.com", description: "production" }])
    assert.isUndefined(operation("delete").servers)
  })
})

it("OpenApi.word ignores case and surrounding blanks", () => {
  const { pattern } = OpenApi.word("Ok")
  for (const text of ["ok", " OK ", "Ok"]) assert.match(text, new RegExp(String(pattern)))
  assert.notMatch("not ok", new RegExp(String(pattern)))
})

it('OpenApi.make writes the scope of a limit unless the scope is "account"', () => {
  const limits = [
    { requests: 2, per: "1 second" },
    { requests: 9, per: "1 hour", scope: "app" }
  ] as const
  const { paths } = OpenApi.make({ ...input, table: { end: { ...table.end, limits } } })
  const operation = paths["/token"]?.["delete"] as { readonly "x-limits": unknown }
  assert.deepStrictEqual(operation["x-limits"], [
    { requests: 2, per: "1s" },
    { requests: 9, per: "1h", scope: "app" }
  ])
})
