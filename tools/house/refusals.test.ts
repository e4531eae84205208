import { existsSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { pathToFileURL } from "node:url"
import { inspect } from "node:util"
import { Authorize } from "@auth/broker-core/login/Authorize"
import type { AuthError } from "@auth/broker-core/login/AuthError"
import * as Account from "@auth/broker-core/login/Account"
import type { Broker } from "@auth/broker-core/broker/Broker"
import type { FakeBroker } from "@auth/broker-core/testing"
import { Fuzz, TestHttp } from "@auth/broker-core/testing"
import * as Login from "@auth/broker-core/login/Login"
import * as Session from "@auth/broker-core/login/Session"
import { assert, describe, it } from "@effect/vitest"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Effect from "effect/Effect"
import type * as HttpClient from "effect/http/HttpClient"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import { type Documented, documented, root } from "./brokers.ts"

/** A fixture: an answer of a broker, and the expected result of the package. */
interface Answer {
  readonly name: string
  readonly source: string
  readonly asOf: string
  readonly confidence: "high" | "medium" | "low"
  /** Name of the typed call. Absent if the package has no typed call for the request. */
  readonly endpoint?: string
  /** Options of the layer `…Auth`. */
  readonly options?: Readonly<Record<string, unknown>>
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
  readonly expect: Readonly<Record<string, unknown>>
}

interface Layers {
  readonly layerConfig: (
    options?: Readonly<Record<string, unknown>>
  ) => Layer.Layer<Authorize, AuthError, HttpClient.HttpClient>
}

interface LoginLayers {
  readonly layerConfig: (
    options?: Readonly<Record<string, unknown>>
  ) => Layer.Layer<Login.Login, AuthError, HttpClient.HttpClient>
}

const fixturesOf = ({ folder }: Documented, file: string): ReadonlyArray<Answer> => {
  const path = join(root, "packages", folder, "test/fixtures", `${file}.json`)
  return existsSync(path) ? (JSON.parse(readFileSync(path, "utf8")) as ReadonlyArray<Answer>) : []
}

const load = async <Module>({ folder }: Documented, file: string): Promise<Module> =>
  (await import(pathToFileURL(join(root, "packages", folder, "src", file)).href)) as Module

const tokens = { access: "access-canary-8305", refresh: "refresh-canary-8305", login: "login-canary-8305" }

const session = (broker: Broker) =>
  Session.make({
    account: Account.make({ broker: broker.id, id: "T1" }),
    method: "",
    tokens: {
      access: Redacted.make(tokens.access),
      refresh: Redacted.make(tokens.refresh),
      login: Redacted.make(tokens.login)
    },
    issuedAt: 0,
    expiry: () => undefined
  })

const environmentOf = (broker: Broker, account: Readonly<Record<string, unknown>>) => {
  const values = broker.methods.flatMap(({ credentials }) =>
    Object.entries(credentials).map(
      ([field, { env }]) => [env, account[field === "totp" ? "totpSecret" : field]] as const
    )
  )
  const texts = values.filter(([, value]) => typeof value === "string")
  return ConfigProvider.layer(ConfigProvider.fromUnknown(Object.fromEntries(texts)))
}

const authorizeOf = Effect.fnUntraced(function* (broker: Documented, options: Answer["options"]) {
  const { broker: descriptor } = yield* Effect.promise(() =>
    load<{ readonly broker: Broker }>(broker, `${broker.name}Broker.ts`)
  )
  const layers = yield* Effect.promise(() => load<Layers>(broker, `${broker.name}Auth.ts`))
  const fakes = yield* Effect.promise(() =>
    load<{ readonly make: () => Effect.Effect<FakeBroker.FakeBroker>; readonly demoAccount: Record<string, unknown> }>(
      broker,
      `Fake${broker.name}.ts`
    )
  )
  const environment = descriptor.environments["uat"] === undefined ? {} : { environment: "uat" }
  const layer = layers
    .layerConfig({ ...environment, ...options })
    .pipe(Layer.provide([TestHttp.layerFake(yield* fakes.make()), environmentOf(descriptor, fakes.demoAccount)]))
  const { refusal } = yield* Effect.provide(Authorize, layer)
  const marked = session(descriptor)
  return ({ body, headers, status }: Pick<Answer, "body" | "headers" | "status">) =>
    refusal({ status, headers, text: body }, marked)
})

const refusalOf = (broker: Documented, answer: Answer) =>
  Effect.map(authorizeOf(broker, answer.options), (refusal) => refusal(answer))

/** The broker answers with `message` and without an error code. */
const loginFailure = Effect.fnUntraced(function* (broker: Documented, status: number, message: string) {
  const { broker: descriptor } = yield* Effect.promise(() =>
    load<{ readonly broker: Broker }>(broker, `${broker.name}Broker.ts`)
  )
  const layers = yield* Effect.promise(() => load<LoginLayers>(broker, `${broker.name}Auth.ts`))
  const { demoAccount } = yield* Effect.promise(() =>
    load<{ readonly demoAccount: Record<string, unknown> }>(broker, `Fake${broker.name}.ts`)
  )
  const environment = descriptor.environments["uat"] === undefined ? {} : { environment: "uat" }
  const body = { status: broker.folder === "angel" ? false : "error", message, data: null }
  const answering = TestHttp.layerRespond(() => Promise.resolve(Response.json(body, { status })))
  const layer = layers.layerConfig(environment).pipe(Layer.provide([answering, environmentOf(descriptor, demoAccount)]))
  return yield* Effect.flip(Effect.provide(Login.login, layer))
})

/** Brokers whose layer `…Auth` can log in without a person. */
const withLogin = new Set<Documented>()
for (const one of documented) {
  const { broker } = await load<{ readonly broker: Broker }>(one, `${one.name}Broker.ts`)
  const method = broker.methods.find(({ layer }) => layer === `${one.name}Auth`)
  if (method?.capabilities.includes("Login")) withLogin.add(one)
}

const fieldsOf = (error: AuthError | undefined, names: ReadonlyArray<string>) => {
  if (error === undefined) return { refusal: "none" }
  const reason = error.reason as unknown as Readonly<Record<string, unknown>>
  return Object.fromEntries(names.map((name) => [name, name === "reason" ? error.reason._tag : reason[name]]))
}

const shown = (error: AuthError | undefined) =>
  `${inspect(error, { depth: 20, showHidden: true, getters: true })} ${JSON.stringify(error)} ${error?.message}`

const orders = (broker: Documented) => fixturesOf(broker, "orders")
const others = (broker: Documented) =>
  ["success", "dialects", "codes", "statuses", "oddities"].flatMap((file) => fixturesOf(broker, file))

for (const broker of documented) {
  describe(`refusals: ${broker.folder}`, () => {
    for (const answer of orders(broker)) {
      it.effect(`decodes an answer to a request that has no typed call: ${answer.name}`, () =>
        Effect.gen(function* () {
          const error = yield* refusalOf(broker, answer)
          assert.deepStrictEqual(fieldsOf(error, Object.keys(answer.expect)), answer.expect)
          if (error !== undefined) assert.strictEqual(error.operation, "request")
        })
      )
    }

    it.effect("has fixtures of accepted, refused and forbidden calls, and of expired sessions", () =>
      Effect.sync(() => {
        const answers = orders(broker)
        const reasons = answers.map(({ expect }) => expect["reason"] ?? "none")
        for (const reason of ["none", "BrokerRejected", "PermissionDenied", "SessionExpired"]) {
          assert.include(reasons, reason)
        }
        for (const { asOf, confidence, source } of answers) {
          assert.isNotEmpty(source)
          assert.match(asOf, /^\d{4}-\d\d-\d\d$/)
          assert.include(["high", "medium", "low"], confidence)
        }
      })
    )

    if (withLogin.has(broker)) {
      it.effect("reports an outage or an unknown message at login as BrokerRejected", () =>
        Effect.gen(function* () {
          for (const message of [
            "System is under maintenance",
            "Service temporarily unavailable",
            "OTP service is temporarily unavailable",
            "Password service is under maintenance",
            "Access token service is under maintenance",
            "Authentication is down due to a technical issue",
            "No such luck"
          ]) {
            for (const status of [200, 401]) {
              const error = yield* loginFailure(broker, status, message)
              assert.strictEqual(error.reason._tag, "BrokerRejected", `${status} ${message}`)
              assert.strictEqual(error.reason.brokerMessage, message)
            }
          }
        })
      )
    }

    it.effect("finds no error in the fixtures of successful typed calls", () =>
      Effect.gen(function* () {
        const answers = others(broker).filter(({ expect, status }) => "data" in expect && status < 300)
        assert.isNotEmpty(answers)
        for (const answer of answers) assert.isUndefined(yield* refusalOf(broker, answer), answer.name)
      })
    )

    it.effect("finds SessionExpired only in fixtures of expired sessions", () =>
      Effect.gen(function* () {
        const answers = others(broker).filter(({ expect }) => "reason" in expect)
        const expired = answers.filter(({ expect }) => expect["reason"] === "SessionExpired")
        assert.isAbove(expired.length, 3)
        for (const answer of expired) {
          const found = fieldsOf(yield* refusalOf(broker, answer), ["reason", "why"])
          const { reason, why = found["why"] } = answer.expect
          assert.deepStrictEqual(found, { reason, why }, `${answer.endpoint}: ${answer.name}`)
        }
        // Skips endpoints without a fixture of an expired session. At a login, for example, the message of an expired
        // session can mean something else.
        const withSession = new Set(expired.map(({ endpoint }) => endpoint))
        for (const answer of answers) {
          if (expired.includes(answer) || !withSession.has(answer.endpoint)) continue
          const tag = (yield* refusalOf(broker, answer))?.reason._tag
          assert.notStrictEqual(tag, "SessionExpired", `${answer.endpoint}: ${answer.name}`)
        }
      })
    )

    it.effect(
      "shows no token in the errors of 2000 random answers",
      () =>
        Effect.gen(function* () {
          const refusal = yield* authorizeOf(broker, undefined)
          const corpus = [...orders(broker), ...others(broker)].map(({ body }) => body)
          const idiom = { names: ["status", "message", "errorcode"], words: ["Token"], dataField: "data", answers: [] }
          const nextAnswer = Fuzz.makeAnswers(idiom, corpus)
          const dice = Fuzz.makeDice(20_261_122)
          const secrets = Object.values(tokens)
          const spelled = Fuzz.spellings.flatMap((spell) => secrets.map(spell))
          let refused = 0
          for (let count = 0; count < 2000; count += 1) {
            const { body, headers, status } = nextAnswer(dice, secrets)
            const text = typeof body === "string" ? body : new TextDecoder().decode(body)
            const error = refusal({ status, headers, body: text })
            if (error === undefined) continue
            refused += 1
            const printed = shown(error)
            for (const secret of spelled) assert.notInclude(printed, secret, text)
          }
          assert.isAbove(refused, 200)
        }),
      { tags: ["thorough"] }
    )

    it.effect(
      "shows no token from the broker's message in an error",
      () =>
        Effect.gen(function* () {
          let quoted = 0
          for (const answer of [...orders(broker), ...others(broker)]) {
            const body = answer.body.replace(
              /"\w*(?:message|emsg|msg)"\s*:\s*"/i,
              `$&${tokens.access} ${tokens.login} `
            )
            const quoting = { ...answer, body }
            if (body !== answer.body) quoted += 1
            const error = yield* refusalOf(broker, quoting)
            for (const token of Object.values(tokens)) assert.notInclude(shown(error), token, answer.name)
          }
          assert.isAbove(quoted, 0)
        }),
      { tags: ["thorough"] }
    )
  })
}
