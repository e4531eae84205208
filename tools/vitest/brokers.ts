/** Helpers for the tests of all broker packages. The test suites themselves are in `@auth/broker-core/testing`. */
import type { AuthError, Reason } from "@auth/broker-core/login/AuthError"
import type { Method } from "@auth/broker-core/broker/Broker"
import * as Totp from "@auth/broker-core/login/Totp"
import { BrokerTests, Contract, type FakeBroker, type Fixtures, TestHttp } from "@auth/broker-core/testing"
import * as Msw from "@auth/broker-core/testing/Msw"
import { assert, describe, it } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import type * as HttpClient from "effect/http/HttpClient"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import { setupServer } from "msw/node"
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { inspect as nodeInspect } from "node:util"
import { layerClient, OverHttp, serve as serveOverHttp } from "./overHttp.ts"
import { thorough } from "./thorough.ts"

export { layerClient } from "./overHttp.ts"

export const inspect = (value: unknown): string => nodeInspect(value, { depth: 20, showHidden: true, getters: true })

export const printed = (value: unknown): string => BrokerTests.printed(value, inspect)

export const serveFake = (fake: FakeBroker.FakeBroker) =>
  Msw.serve(fake, setupServer).pipe(
    Effect.andThen(OverHttp),
    Effect.flatMap((overHttp) => (overHttp ? serveOverHttp(fake) : Effect.void)),
    Effect.as(fake)
  )

export const fixturesOf = (folder: string) => {
  const read = (name: string): unknown => JSON.parse(readFileSync(join(folder, "fixtures", name), "utf8"))
  const answers = (...files: ReadonlyArray<string>) =>
    files.flatMap((file) => read(`${file}.json`) as ReadonlyArray<Fixtures.Fixture>)
  return { read, answers }
}

export const reasonOf = <Tag extends Reason["_tag"]>(error: AuthError, tag: Tag): Extract<Reason, { _tag: Tag }> => {
  if (error.reason._tag !== tag) throw new Error(`expected ${tag}, got ${error.message}`)
  return error.reason as Extract<Reason, { _tag: Tag }>
}

/** `at`: milliseconds since the epoch. Default: now. */
export const totpCode = Effect.fnUntraced(function* (secret: string, at?: number) {
  const totp = Result.getOrThrow(Totp.parse(Redacted.make(secret)))
  const step = Totp.stepAt(totp, at ?? (yield* Clock.currentTimeMillis))
  return Redacted.value(yield* Totp.codeAtStep(totp, step))
})

export const problemsOf = (error: AuthError): Readonly<Record<string, string>> =>
  Object.fromEntries(reasonOf(error, "InvalidRequest").problems.map(({ field, problem }) => [field, problem]))

/** Asserts that `effect` fails and sends no request. The error must have a remedy and contain none of `secrets`. */
export const refusedUnsent = (make: Effect.Effect<FakeBroker.FakeBroker>, secrets: ReadonlyArray<string>) =>
  Effect.fnUntraced(function* <A, R>(
    effect: Effect.Effect<A, AuthError, R>,
    layer: Layer.Layer<R, AuthError, HttpClient.HttpClient>
  ) {
    const fake = yield* make
    const error = yield* Effect.flip(Effect.provide(effect, Layer.provide(layer, TestHttp.layerFake(fake))))
    assert.deepStrictEqual(yield* fake.journal, [])
    assert.isNotEmpty(error.remedy)
    const shown = printed(error)
    for (const value of secrets) assert.notInclude(shown, value)
    return error
  })

/** A program without type checks can wrap any value in `Redacted`. */
export const redacted = (value: unknown) => Redacted.make(value as string)

export type WrongCredentials = readonly [what: string, given: unknown, problems: Readonly<Record<string, string>>]

/** `refuse` builds a layer with the credentials `given`, and returns the layer's error. */
export const namesEveryProblem = (
  rows: ReadonlyArray<WrongCredentials>,
  refuse: (given: never) => Effect.Effect<AuthError, unknown>,
  title = ""
): void => {
  for (const [what, given, expected] of rows) {
    it.effect(`${title}${what}: one error names every problem`, () =>
      Effect.gen(function* () {
        assert.deepStrictEqual(problemsOf(yield* refuse(given as never)), expected)
      })
    )
  }
}

export const { methodOf } = Contract

export const buildOf = (method: Method, account: object, layer: Parameters<typeof Contract.build>[0]["layer"]) =>
  Contract.build({ method, account, layer, client: layerClient })

export const answer = (status: number, body: unknown) =>
  ({ kind: "answer", status, body: JSON.stringify(body) }) as const

export const seed = Number(process.env["FUZZ_SEED"] ?? 20261121)

/** Number of answers that a fuzz test generates. */
export const bodies = thorough ? 25_000 : 500

/** `runBrokerTests` has defaults for `bodies`, `inspect` and `seed`. */
type Subject<Tag, Api, R extends BrokerTests.RequestFixture, F extends Fixtures.Fixture> = Omit<
  BrokerTests.Subject<Tag, Api, R, F>,
  "fuzz"
> & {
  readonly fuzz: Omit<BrokerTests.FuzzSubject<Tag, Api>, "bodies" | "inspect" | "seed"> &
    Partial<BrokerTests.FuzzSubject<Tag, Api>>
}

const overHttp = (subject: Contract.Subject): Contract.Subject => ({
  ...subject,
  make: Effect.map(subject.make, (world) => ({
    ...world,
    build: (changes?: Contract.Changes) => Effect.provideService(world.build(changes), OverHttp, true)
  })).pipe(Effect.provideService(OverHttp, true))
})

const runOverHttp = (contract: BrokerTests.Subject<never, never, never, never>["contract"]): void => {
  for (const subject of contract) {
    const { broker, method, title = method.id } = subject
    describe(`contract over HTTP with NodeHttpClient: "${title}" of ${broker.id}`, { tags: ["thorough"] }, () => {
      for (const { name, run } of Contract.cases(overHttp(subject))) it.effect(name, () => run)
    })
  }
}

export const runBrokerTests = <Tag, Api, R extends BrokerTests.RequestFixture, F extends Fixtures.Fixture>(
  subject: Subject<Tag, Api, R, F>
): void => {
  BrokerTests.run({ describe, effect: it.effect }, { ...subject, fuzz: { bodies, inspect, seed, ...subject.fuzz } })
  runOverHttp(subject.contract)
}

export type { BrokerTests, Contract }
