/**
 * Users paste credentials with quotation marks or blanks around them. Either the intended value is sent, or the
 * credential is rejected and nothing is sent.
 */
import { AccountRecovery } from "@auth/broker-core/login/AccountRecovery"
import type { AuthError } from "@auth/broker-core/login/AuthError"
import type { Broker, Method } from "@auth/broker-core/broker/Broker"
import * as LoginGuard from "@auth/broker-core/session/LoginGuard"
import { QrLogin } from "@auth/broker-core/login/QrLogin"
import { RedirectLogin } from "@auth/broker-core/login/RedirectLogin"
import * as SessionManager from "@auth/broker-core/session/SessionManager"
import type { FakeBroker } from "@auth/broker-core/testing"
import { TestHttp } from "@auth/broker-core/testing"
import * as Vault from "@auth/broker-core/session/Vault"
import { assert, describe, it } from "@effect/vitest"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Effect from "effect/Effect"
import type * as HttpClient from "effect/http/HttpClient"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import * as TestClock from "effect/testing/TestClock"
import { join } from "node:path"
import { pathToFileURL } from "node:url"
import { documented, root } from "./brokers.ts"

type Values = Readonly<Record<string, string>>

interface Module {
  readonly layer: (options: object) => Layer.Layer<never, AuthError, HttpClient.HttpClient>
  readonly layerConfig: (options?: object) => Layer.Layer<never, AuthError, HttpClient.HttpClient>
}

interface Fakes {
  readonly make: () => Effect.Effect<FakeBroker.FakeBroker>
  readonly demoAccount: Values
  readonly demoTotpAccount?: Values
}

const load = async <M>(folder: string, file: string): Promise<M> =>
  (await import(pathToFileURL(join(root, "packages", folder, "src", `${file}.ts`)).href)) as M

/** For each capability, an effect that uses the credentials. All except `Login` have the same result in each run. */
const actions: Readonly<Record<string, Effect.Effect<unknown, unknown, never>>> = {
  Login: SessionManager.session as Effect.Effect<unknown, unknown, never>,
  RedirectLogin: Effect.flatMap(RedirectLogin, ({ begin }) =>
    Effect.map(begin, ({ redirectUrl, state, url }) => [
      redirectUrl,
      Redacted.value(url).replaceAll(Redacted.value(state), "")
    ])
  ) as Effect.Effect<unknown, unknown, never>,
  QrLogin: Effect.flatMap(QrLogin, ({ begin }) => Effect.asVoid(begin)) as Effect.Effect<unknown, unknown, never>,
  AccountRecovery: Effect.flatMap(AccountRecovery, ({ unblock }) =>
    Effect.ignore(unblock(Redacted.make("ABCDE1234F")))
  ) as unknown as Effect.Effect<unknown, unknown, never>
}

/** Prefers the demo account with TOTP, because its logins need no person. */
const accountOf = ({ demoAccount, demoTotpAccount = demoAccount }: Fakes): Values => demoTotpAccount

/** Replaces words that can be tokens, because tokens differ in each run. */
const withoutTokens = (text: string, known: Values): string =>
  text.replace(/[\w.-]{16,}/g, (word) => (Object.values(known).includes(word) ? word : "…"))

const attempt = Effect.fnUntraced(function* (
  fakes: Fakes,
  method: Method,
  layer: Layer.Layer<never, AuthError, HttpClient.HttpClient>
) {
  yield* TestClock.setTime(Date.UTC(2026, 10, 23, 4, 0, 1))
  const fake = yield* fakes.make()
  const capability = method.capabilities.find((name) => name in actions) ?? ""
  const action = actions[capability] ?? Effect.die(`no action for ${method.id}`)
  const counted = new Set<string>()
  const program = Effect.gen(function* () {
    const vault = yield* Layer.build(Vault.layerMemory)
    const sessions = SessionManager.layer().pipe(
      Layer.provideMerge(layer),
      Layer.provide([TestHttp.layerFake(fake), Layer.succeedContext(vault)])
    ) as unknown as Layer.Layer<never, AuthError>
    const alone = Layer.provide(layer, TestHttp.layerFake(fake))
    const result = yield* Effect.result(Effect.provide(action, capability === "Login" ? sessions : alone))
    const account = {
      broker: fake.broker,
      environment: fake.broker === "rmoney" ? "uat" : "production",
      app: "default",
      id: accountOf(fakes)["userId"] ?? accountOf(fakes)["clientCode"] ?? ""
    }
    const guard = Layer.provide(LoginGuard.layer, Layer.succeedContext(vault))
    const { attemptedAt } = yield* Effect.provide(
      LoginGuard.LoginGuard.use((service) => service.memory(account)),
      guard
    )
    if (attemptedAt !== undefined) counted.add("a login")
    return result
  })
  const result = yield* Effect.scoped(program)
  const sent = (yield* fake.journal).map(({ body, headers, method: verb, url }, index) => {
    const text = JSON.stringify({ body, headers, verb, url }, undefined, 1)
    return index === 0 ? text : withoutTokens(text, accountOf(fakes))
  })
  return { result, sent, counted: Array.from(counted) }
})

const quotes = [
  ['"', '"'],
  ["'", "'"],
  ["`", "`"],
  ["\u201c", "\u201d"],
  ["\u2018", "\u2019"],
  ["\u201e", "\u201d"],
  ["\u00ab", "\u00bb"],
  ["\u201c", '"'],
  ['\\"', '\\"'],
  ["&quot;", "&quot;"],
  [`'"`, `"'`],
  [' "', '" \r\n']
] as const

/**
 * Characters that a user can paste together with a value, and the expected results:
 *
 * - `read`: the value is used without the added characters.
 * - `refused`: the value is rejected, and nothing is sent.
 */
interface Spelling {
  readonly of: (value: string) => string
  /** For a field with `freeText`, such as a password. */
  readonly freeText: "read" | "refused"
  readonly others: "read" | "refused"
}

const spellings: ReadonlyArray<Spelling> = [
  ...quotes.map(([open, close]): Spelling => ({
    of: (value) => `${open}${value}${close}`,
    freeText: "refused",
    others: "read"
  })),
  ...["\r", "\n", "\r\n", " ", "\t", "\u00a0", "\ufeff"].map((end): Spelling => ({
    of: (value) => `${end}${value}${end}`,
    freeText: "read",
    others: "read"
  })),
  { of: (value) => `\u200b${value}\u200e`, freeText: "refused", others: "read" },
  ...['"', "'", "\u201d", '\\"'].flatMap((mark): ReadonlyArray<Spelling> => [
    { of: (value) => mark + value, freeText: "refused", others: "refused" },
    { of: (value) => value + mark, freeText: "refused", others: "refused" }
  ])
]

const valuesOf = (fakes: Fakes, method: Method): Values => {
  const known = accountOf(fakes)
  const account: Values = { ...known, totp: known["totpSecret"] ?? "", environment: "uat" }
  const own = method.layer === "AngelPublisher" ? { ...account, apiKey: account["publisherKey"] ?? "" } : account
  const { credentials } = method
  return Object.fromEntries(Object.keys(credentials).flatMap((field) => (own[field] ? [[field, own[field]]] : [])))
}

const inCode = (method: Method, values: Values) => {
  const { environment, ...others } = values
  const wrap = ([field, value]: readonly [string, string]) =>
    [field, method.credentials[field]?.secret ? Redacted.make(value) : value] as const
  return {
    ...(environment === undefined ? {} : { environment }),
    credentials: Object.fromEntries(Object.entries(others).map(wrap))
  }
}

const shown = (error: AuthError): string =>
  [String(error), error.message, error.remedy, JSON.stringify(error), JSON.stringify(error.reason)].join("\n")

const brokers = await Promise.all(
  documented.map(async ({ folder, name }) => ({
    folder,
    fakes: await load<Fakes>(folder, `Fake${name}`),
    broker: (await load<{ readonly broker: Broker }>(folder, `${name}Broker`)).broker
  }))
)

const places = { variables: "in environment variables", code: "in source code" } as const

for (const { broker, fakes, folder } of brokers) {
  for (const method of broker.methods) {
    const options = method.id === "sso-vendor" ? { exchange: "vendor" } : {}
    const values = valuesOf(fakes, method)

    const run = Effect.fnUntraced(function* (changed: Values, from: "variables" | "code") {
      const module = yield* Effect.promise(() => load<Module>(folder, method.layer))
      const env = Object.entries(changed).map(([field, value]) => [method.credentials[field]?.env ?? field, value])
      const provider = ConfigProvider.layer(ConfigProvider.fromEnvRecord(Object.fromEntries(env)))
      const layer =
        from === "variables"
          ? Layer.provide(module.layerConfig(options), provider)
          : module.layer({ ...options, ...inCode(method, changed) })
      return yield* attempt(fakes, method, layer)
    })

    describe(`pasted credentials: ${broker.id} ${method.id}`, () => {
      for (const from of ["variables", "code"] as const) {
        it.effect(`${places[from]}: values without added characters are accepted`, () =>
          Effect.gen(function* () {
            const { counted, result, sent } = yield* run(values, from)
            assert(Result.isSuccess(result), Result.isFailure(result) ? String(result.failure) : "")
            assert.deepStrictEqual(counted, method.capabilities.includes("Login") ? ["a login"] : [])
            if (!method.capabilities.includes("RedirectLogin")) assert.isNotEmpty(sent)
          })
        )
      }

      for (const [field, { freeText }] of Object.entries(method.credentials)) {
        const value = values[field]
        if (value === undefined) throw new Error(`The demo account of ${broker.id} has no ${field}.`)

        const wrong = freeText === true ? "a placeholder" : "a placeholder, too long, or mixed with other text"
        it.effect(`nothing is sent if ${field} is ${wrong}`, () =>
          Effect.gen(function* () {
            const placeholders = ["<your-id>", "<XX9999>", "your_api_key", "xxxx", "${VALUE}"]
            const additions = [`<${value}>`, `${value},`, `${value}\u2026`, `MY_VALUE=${value}`, "x".repeat(1_000_000)]
            for (const given of freeText === true ? placeholders : [...placeholders, ...additions]) {
              const { counted, result, sent } = yield* run({ ...values, [field]: given }, "variables")
              assert(Result.isFailure(result), `${given.slice(0, 40)} was accepted`)
              const error = result.failure as AuthError
              assert(error.reason._tag === "InvalidRequest", String(error))
              const [problem, ...others] = error.reason.problems
              assert.include(problem.field, field)
              assert.deepStrictEqual([others, sent, counted], [[], [], []])
              if (field !== "environment") assert.notInclude(shown(error), value)
            }
          })
        )

        for (const from of ["variables", "code"] as const) {
          // `npm test` runs this test only for environment variables. Credentials in code are handled in the same way.
          const tags = from === "code" ? ["thorough"] : []
          it.effect(
            `${places[from]}: characters added to ${field} are removed or rejected`,
            () =>
              Effect.gen(function* () {
                const clean = yield* run(values, from)
                for (const spelling of spellings) {
                  const given = spelling.of(value)
                  const { counted, result, sent } = yield* run({ ...values, [field]: given }, from)
                  const expected = freeText === true ? spelling.freeText : spelling.others
                  if (expected === "read") {
                    assert(Result.isSuccess(result), `${JSON.stringify(given)}: ${JSON.stringify(result)}`)
                    assert.deepStrictEqual(sent, clean.sent, JSON.stringify(given))
                    if (!method.capabilities.includes("Login")) assert.deepStrictEqual(result, clean.result)
                  } else {
                    assert(Result.isFailure(result), `${JSON.stringify(given)} was accepted`)
                    const error = result.failure as AuthError
                    assert(error.reason._tag === "InvalidRequest", String(error))
                    const [problem, ...others] = error.reason.problems
                    assert.include(problem.field, field)
                    assert.match(problem.problem, /quotation mark|invisible character/)
                    assert.deepStrictEqual([others, sent, counted], [[], [], []])
                    if (field !== "environment") assert.notInclude(shown(error), value)
                  }
                }
              }),
            { tags }
          )
        }
      }
    })
  }
}
