import { assert, it } from "@effect/vitest"
import * as AuthError from "@auth/broker-core/login/AuthError"
import * as VaultError from "@auth/broker-core/session/VaultError"
import { Validator } from "@seriousme/openapi-schema-validator"
import { Ajv2020 } from "ajv/dist/2020.js"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import { CommandFailed } from "../src/internal/failure.ts"
import { endpoints, routeOf, schemas } from "../src/internal/serve/endpoints.ts"
import { document } from "../src/internal/serve/openApi.ts"
import * as problems from "../src/internal/serve/problems.ts"
import { type Served, serve, withSamco } from "./serveSupport.ts"
import { timeout } from "./support.ts"

const ajv = new Ajv2020({ strict: false, formats: { password: true, "date-time": /^\d{4}-\d\d-\d\dT[\d:.]+Z$/ } })

const problemsOf = (schema: object, value: unknown): string => {
  const check = ajv.compile(schema)
  return check(value) ? "" : ajv.errorsText(check.errors)
}

it("the OpenAPI document of `broker-auth serve` is valid and has every endpoint", async () => {
  for (const origin of [undefined, "http://127.0.0.1:4000"]) {
    const made = JSON.parse(JSON.stringify(document(origin)))
    const { errors, valid } = await new Validator().validate(made)
    assert.isTrue(valid, JSON.stringify(errors))
    assert.deepStrictEqual(
      Object.keys(made.paths),
      Object.values(endpoints).map(({ path }) => path)
    )
    assert.strictEqual("security" in made, origin !== undefined)
  }
})

it("`broker-auth serve` finds the endpoint of a path", () => {
  assert.deepStrictEqual(routeOf("POST", "/v1/accounts/a%20b/renew"), { endpoint: "renewSession", name: "a%20b" })
  assert.deepStrictEqual(routeOf("GET", "/v1/openapiXjson"), { allowed: [] })
})

it.live(
  "the JSON answers of `broker-auth serve` match its OpenAPI document",
  () =>
    Effect.gen(function* () {
      const { user } = yield* withSamco()
      const server = yield* serve(user)
      const ask = (...args: Parameters<Served["ask"]>) => Effect.promise(() => server.ask(...args))
      const session = yield* ask("/v1/accounts/mine/session")
      assert.strictEqual(problemsOf(schemas.Session, session.body), "")
      assert.strictEqual(problemsOf(schemas.Accounts, (yield* ask("/v1/accounts")).body), "")
      assert.strictEqual(problemsOf(schemas.Problem, (yield* ask("/v1/accounts/none/session")).body), "")
      const renewed = yield* ask("/v1/accounts/mine/renew", { method: "POST", body: '{"token":"another"}' })
      assert.deepStrictEqual(renewed.body, session.body)
      const own = yield* ask("/v1/openapi.json")
      assert.deepStrictEqual(own.body, JSON.parse(JSON.stringify(document(undefined))))
    }),
  timeout
)

it("`broker-auth serve` derives the HTTP status from the failure", () => {
  const reasons = Object.keys(AuthError).filter((name) => name in problems.statusOfReason)
  assert.deepStrictEqual(reasons.toSorted(), Object.keys(problems.statusOfReason).toSorted())
  const limited = AuthError.make(
    "angel",
    "login",
    new AuthError.RateLimited({ retryAfter: Duration.millis(1500), by: "broker" })
  )
  const answer = problems.fail(limited, "mine")
  assert.deepStrictEqual([answer.status, answer.headers["retry-after"]], [429, "2"])
  const { error } = JSON.parse(typeof answer.body === "string" ? answer.body : "")
  assert.deepInclude(error, { reason: "RateLimited", retryAfter: 2, isRetryable: true })

  const busy = VaultError.make("lock", new VaultError.LockUnavailable({ why: "busy" }))
  assert.strictEqual(problems.fail(busy, "mine").status, 503)
  const key = VaultError.make("get", new VaultError.WrongKey({ what: "session" }))
  assert.strictEqual(problems.fail(key, "mine").status, 500)
  const missing = new CommandFailed({ code: "package", message: "The package @auth/angel is not installed." })
  const { remedy } = problems.problemOf(missing, "mine")
  assert.deepStrictEqual([problems.fail(missing, "mine").status, remedy], [409, "Run broker-auth doctor mine."])
})
