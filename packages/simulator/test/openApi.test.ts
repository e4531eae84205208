import { assert, describe, it } from "@effect/vitest"
import type * as OpenApi from "@auth/broker-core/broker/OpenApi"
import { Simulator } from "@auth/simulator"
import { Validator } from "@seriousme/openapi-schema-validator"
import { Ajv2020 } from "ajv/dist/2020.js"
import * as Effect from "effect/Effect"
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { brokers } from "../src/internal/brokers.ts"
import { errorOf, send } from "./support.ts"

type Json = OpenApi.Json

interface Fixture {
  readonly name: string
  readonly endpoint: string
  readonly status: number
  readonly body: string
  readonly expect: { readonly data?: unknown }
}

interface Operation {
  readonly operationId: string
  readonly description?: string
  readonly responses: Readonly<
    Record<string, { readonly content: Readonly<Record<string, { readonly schema: Json }>> }>
  >
}

const packages = join(import.meta.dirname, "../..")

const fixturesOf = (id: string, file: string) =>
  JSON.parse(readFileSync(join(packages, id, "test/fixtures", file), "utf8")) as ReadonlyArray<Fixture>

const operationsOf = ({ paths }: OpenApi.Document): ReadonlyArray<Operation> =>
  Object.values(paths).flatMap((path) => Object.values(path) as ReadonlyArray<Operation>)

/** One operation can describe several calls. */
const operationOf = (document: OpenApi.Document, call: string): Operation | undefined =>
  operationsOf(document).find(
    ({ description = "", operationId }) => operationId === call || description.split(/[ ,.]+/).includes(call)
  )

const parse = (body: string): unknown => {
  try {
    return JSON.parse(body)
  } catch {
    return undefined
  }
}

const makeCheck = (document: OpenApi.Document) => {
  const ajv = new Ajv2020({ strict: false, formats: { password: true } })
  ajv.addSchema({ $id: "broker", components: document.components })
  const inDocument = (schema: Json): Json =>
    JSON.parse(JSON.stringify(schema).replaceAll('"$ref":"#/', '"$ref":"broker#/')) as Json
  return (call: string, status: string, answer: unknown): ReadonlyArray<string> => {
    const responses = operationOf(document, call)?.responses
    const schema = (responses?.[status] ?? responses?.["default"])?.content["application/json"]?.schema
    if (schema === undefined) return [`${call} has no schema for ${status}`]
    const validate = ajv.compile(inDocument(schema))
    return validate(answer) ? [] : [`${call} ${status}: ${ajv.errorsText(validate.errors)}`]
  }
}

const withoutTokens = (value: unknown, tokens: ReadonlySet<string>): unknown => {
  if (Array.isArray(value)) return value.map((item) => withoutTokens(item, tokens))
  if (typeof value !== "object" || value === null) return value
  const kept = Object.entries(value).filter(([name]) => !tokens.has(name))
  return Object.fromEntries(kept.map(([name, field]) => [name, withoutTokens(field, tokens)]))
}

interface Property {
  readonly name: string
  readonly schema: Json
}

const propertiesIn = (value: unknown): ReadonlyArray<Property> => {
  if (typeof value !== "object" || value === null) return []
  const own = Array.isArray(value) ? [] : Object.entries((value as { readonly properties?: object }).properties ?? {})
  return [
    ...own.map(([name, schema]) => ({ name, schema: schema as Json })),
    ...Object.values(value).flatMap((child: unknown) => propertiesIn(child))
  ]
}

const isText = ({ anyOf = [], type }: Json): boolean => type === "string" || (anyOf as ReadonlyArray<Json>).some(isText)

const isSecret = ({ anyOf = [], format }: Json): boolean =>
  format === "password" || (anyOf as ReadonlyArray<Json>).some(isSecret)

/** Fields that are not secret, although `secretName` matches them. */
const open = /^(?:token_type|isAuthTokenVerified|isTOtpAvailable|passwordChangeMessage)$/

const secretName = /token|secret|passw|totp|^otp$|^pin$|checksum|api_?key|^2FA$|^code$/i

describe("OpenAPI documents", () => {
  for (const id of Simulator.brokerIds) {
    const document = brokers[id].document()
    const check = makeCheck(document)
    // RMoney documents no logout call. The fixtures for `logout` test the option `logoutCall` of `RmoneyApi`.
    const fixtures = (file: string) =>
      fixturesOf(id, file).filter(({ endpoint }) => `${id} ${endpoint}` !== "rmoney logout")

    it(`${id}: the document is valid OpenAPI 3.1`, async () => {
      const validator = new Validator()
      const { errors, valid } = await validator.validate(
        JSON.parse(JSON.stringify(document)) as Record<string, unknown>
      )
      assert.isTrue(valid, JSON.stringify(errors))
      assert.strictEqual(validator.version, "3.1")
    })

    it(`${id}: successful answers in the fixtures match their schemas`, () => {
      const problems = fixtures("success.json").flatMap(({ body, endpoint, name, status }) => {
        const json = parse(body)
        return json === undefined ? [] : check(endpoint, String(status), json).map((problem) => `${name}: ${problem}`)
      })
      assert.deepStrictEqual(problems, [])
    })

    it(`${id}: an answer without its token does not match the schema`, () => {
      const secrets = propertiesIn(document.paths).flatMap(({ name, schema }) => (isSecret(schema) ? name : []))
      const tokens = new Set(secrets.filter((name) => /^(?:access|auth|jwt|session)_?token$/i.test(name)))
      const answers = fixtures("success.json").filter(
        ({ body, endpoint }) =>
          // The schema of `qrLogin` requires no token, because the answer has none before the QR code is scanned.
          endpoint !== "qrLogin" && Array.from(tokens).some((name) => body.includes(`"${name}"`))
      )
      assert.isNotEmpty(answers)
      for (const { body, endpoint, name, status } of answers) {
        assert.isNotEmpty(check(endpoint, String(status), withoutTokens(parse(body), tokens)), name)
      }
    })

    it(`${id}: refusals in JSON match the schema of refusals`, () => {
      const problems = fixtures("codes.json").flatMap(({ body, endpoint, expect, name, status }) => {
        const json = parse(body)
        if (typeof json !== "object" || json === null || "data" in expect) return []
        const found = [...check(endpoint, "default", json), ...(status === 200 ? check(endpoint, "200", json) : [])]
        return found.map((problem) => `${name}: ${problem}`)
      })
      assert.deepStrictEqual(problems, [])
    })

    it(`${id}: fields whose names suggest a secret have the format password`, () => {
      const plain = propertiesIn(document.paths).filter(
        ({ name, schema }) => secretName.test(name) && !open.test(name) && isText(schema) && !isSecret(schema)
      )
      assert.deepStrictEqual(Array.from(new Set(plain.map(({ name }) => name))), [])
      const headers = Object.values(document.paths).flatMap((path) =>
        Object.values(path).flatMap(
          (operation) => (operation as { readonly parameters?: ReadonlyArray<Json> }).parameters ?? []
        )
      )
      for (const { in: place, name, schema } of headers) {
        if (place === "header" && /key|secret|token/.test(String(name)))
          assert.isTrue(isSecret(schema as Json), String(name))
      }
    })

    it(`${id}: the document contains no demo secrets or placeholders`, () => {
      const text = JSON.stringify(document)
      for (const account of brokers[id].descriptor.accounts) {
        const secrets = Object.entries(account).filter(([name, value]) => secretName.test(name) && value !== "")
        for (const [name, value] of secrets) assert.notInclude(text, `"${value}"`, name)
      }
      assert.notMatch(text, /"\{[^"]*\}"/)
    })
  }

  it.live("name the simulator as the first server if the simulator serves them", () =>
    Effect.gen(function* () {
      const simulator = yield* Simulator.make({ brokers: ["angel", "rmoney"] })
      const { status, text } = yield* send(`${simulator.control}/openapi/angel.json`)
      assert.strictEqual(status, 200)
      const { openapi, servers } = JSON.parse(text) as OpenApi.Document
      assert.strictEqual(openapi, "3.1.0")
      assert.deepStrictEqual(servers, [
        { url: simulator.origins["https://apiconnect.angelone.in"], description: "simulator, production" },
        { url: "https://apiconnect.angelone.in", description: "production" }
      ])
      const absent = yield* send(`${simulator.control}/openapi/samco.json`)
      assert.strictEqual(absent.status, 400)
      assert.strictEqual(errorOf(absent), 'There is no broker "samco": use one of angel, rmoney.')
      assert.include((yield* send(`${simulator.control}/`)).text, "GET  /openapi/<broker>.json")
    })
  )
})
