import * as ErrorTable from "@auth/broker-core/broker/ErrorTable"
import { assert, describe, it } from "@effect/vitest"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import { shown } from "./support.ts"
import { connect, protocol, secrets, tokens } from "./tiny.ts"

const row = (fields: Partial<ErrorTable.ErrorRow> & Pick<ErrorTable.ErrorRow, "reason">): ErrorTable.ErrorRow => ({
  meaning: "made up",
  source: "made up",
  asOf: "2026-11-21",
  ...fields
})

const codes: ReadonlyArray<ErrorTable.ErrorRow> = [
  row({ code: "EXPIRED", reason: ErrorTable.sessionExpired("expired") }),
  row({ code: "PROFILE", operations: ["profile"], reason: ErrorTable.sessionExpired("expired") }),
  row({ code: "BOTH", operations: ["profile", "request"], reason: ErrorTable.sessionExpired("invalid") }),
  row({ message: /token/i, reason: ErrorTable.sessionExpired("invalid") }),
  ...protocol.codes
]

const sent = { tokens, headers: protocol.headers({ account: "T1", tokens }) }

const refusalOf = (answer: {
  readonly status?: number
  readonly headers?: Record<string, string>
  readonly body?: unknown
}) =>
  Effect.map(connect([], {}, { codes }), ({ client }) => {
    const { body = "", headers = {}, status = 200 } = answer
    return client.refusal({ status, headers, text: typeof body === "string" ? body : JSON.stringify(body) }, sent)
  })

describe("client.refusal", () => {
  it.effect("returns SessionExpired at any HTTP status if the error code means an expired session", () =>
    Effect.gen(function* () {
      for (const status of [200, 201, 400, 401, 403, 500]) {
        const error = yield* refusalOf({ status, body: { ok: false, code: "EXPIRED", message: "expired" } })
        assert.deepInclude(error?.reason, { _tag: "SessionExpired", why: "expired", code: "EXPIRED" }, String(status))
        assert.deepStrictEqual([error?.broker, error?.operation], ["tiny", "request"])
      }
    })
  )

  it.effect('ignores an error row if its `operations` do not include "request"', () =>
    Effect.gen(function* () {
      const profileOnly = yield* refusalOf({ body: { ok: false, code: "PROFILE" } })
      assert.deepInclude(profileOnly?.reason, { _tag: "BrokerRejected", code: "PROFILE" })
      const both = yield* refusalOf({ body: { ok: false, code: "BOTH" } })
      assert.strictEqual(both?.reason._tag, "SessionExpired")
    })
  )

  it.effect("returns undefined if the broker reports success", () =>
    Effect.gen(function* () {
      for (const data of [{ message: "token expired" }, [], { ok: false, code: "EXPIRED" }]) {
        assert.isUndefined(yield* refusalOf({ body: { ok: true, code: "EXPIRED", message: "token", data } }))
      }
    })
  )

  it.effect("returns undefined for HTTP 200 with a body of unknown format", () =>
    Effect.gen(function* () {
      const bodies = ["", "token", "<html>token</html>", "[]", "null", `"token"`, { code: "EXPIRED", message: "token" }]
      for (const body of bodies) assert.isUndefined(yield* refusalOf({ body }), JSON.stringify(body))
    })
  )

  it.effect("uses the HTTP status if the body has an unknown format", () =>
    Effect.gen(function* () {
      const tagOf = (status: number, body?: unknown) =>
        Effect.map(refusalOf({ status, body }), (error) => error?.reason._tag)
      assert.strictEqual(yield* tagOf(401), "SessionExpired")
      assert.strictEqual(yield* tagOf(401, "<html>401</html>"), "SessionExpired")
      assert.strictEqual(yield* tagOf(403, "<html>token</html>"), "PermissionDenied")
      assert.strictEqual(yield* tagOf(429), "RateLimited")
      assert.strictEqual(yield* tagOf(502, "<html>token</html>"), "BrokerUnavailable")
      assert.strictEqual(yield* tagOf(418), "BrokerRejected")
      assert.isUndefined(yield* tagOf(302))
    })
  )

  it.effect("takes an HTML page with HTTP 403 for the page of a firewall", () =>
    Effect.gen(function* () {
      for (const [body, why] of [
        ["<!DOCTYPE html><title>Denied</title>", "waf"],
        ["<html><h1>403 Forbidden</h1></html>", "waf"],
        ["Forbidden", "unknown"],
        ["", "unknown"]
      ] as const) {
        const reason = (yield* refusalOf({ status: 403, body }))?.reason
        assert.strictEqual(reason?._tag === "PermissionDenied" && reason.why, why, body)
      }
    })
  )

  it.effect("reads Retry-After, but needs the Date header if Retry-After is a date", () =>
    Effect.gen(function* () {
      const date = "Sat, 21 Nov 2026 04:00:00 GMT"
      const until = { "retry-after": "Sat, 21 Nov 2026 04:00:30 GMT" }
      const dated = yield* refusalOf({ status: 429, headers: { ...until, date } })
      assert.deepStrictEqual(dated?.retryAfter, Duration.seconds(30))
      assert.isUndefined((yield* refusalOf({ status: 429, headers: until }))?.retryAfter)
      const counted = yield* refusalOf({ status: 429, headers: { "retry-after": "7" } })
      assert.deepStrictEqual(counted?.retryAfter, Duration.seconds(7))
    })
  )

  it.effect("ignores a body of more than 65,536 characters", () =>
    Effect.gen(function* () {
      const padded = (length: number) => JSON.stringify({ ok: false, code: "EXPIRED", message: "" }).padEnd(length)
      assert.strictEqual((yield* refusalOf({ body: padded(65_536) }))?.reason._tag, "SessionExpired")
      const huge = padded(65_537)
      assert.isUndefined(yield* refusalOf({ body: huge }))
      assert.strictEqual((yield* refusalOf({ status: 500, body: huge }))?.reason._tag, "BrokerUnavailable")
    })
  )

  it.effect("discloses no secret of the request", () =>
    Effect.gen(function* () {
      const quoted = `you sent ${secrets.access} and ${secrets.key}`
      const fields = { message: quoted, code: secrets.access, support: quoted }
      for (const code of [fields.code, "DENIED", "SLOW"]) {
        const error = yield* refusalOf({ status: 400, body: { ok: false, ...fields, code } })
        assert.isDefined(error)
        assert.notInclude(shown(error), secrets.access)
        assert.notInclude(shown(error), secrets.key)
      }
    })
  )

  it.effect("needs no tokens or headers of the request", () =>
    Effect.gen(function* () {
      const { client } = yield* connect([], {}, { codes })
      const error = client.refusal({ status: 200, headers: {}, text: `{"ok":false,"code":"EXPIRED"}` })
      assert.strictEqual(error?.reason._tag, "SessionExpired")
    })
  )
})

describe("the option `origins`", () => {
  const problemOf = (origins: Record<string, string>, purposes?: ReadonlyArray<string>) =>
    Effect.map(Effect.flip(connect([], { origins }, purposes === undefined ? {} : { purposes })), ({ reason }) =>
      reason._tag === "InvalidRequest" ? reason.problems[0] : undefined
    )

  it.effect("rejects a misspelled key", () =>
    Effect.gen(function* () {
      const problem = yield* problemOf({ Api: "http://127.0.0.1:4010" })
      assert.strictEqual(problem?.field, "origins.Api")
      assert.include(problem?.problem, ": use api")
      assert.include((yield* problemOf({ x: "https://a.example" }, ["login", "api"]))?.problem, ": use api, login")
    })
  )

  it.effect("accepts a key that the protocol lists in `purposes`", () =>
    Effect.gen(function* () {
      const { client } = yield* connect([], { origins: { login: "https://a.example" } }, { purposes: ["login"] })
      assert.deepStrictEqual(client.origins, { api: "https://api.tiny.example", login: "https://a.example" })
    })
  )
})
