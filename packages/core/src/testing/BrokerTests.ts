/**
 * The tests that every broker package runs: the contract of each method, the fixtures of answers and requests, and a
 * fuzz test with random answers. A package passes its tables, its fake and the functions of its test runner.
 *
 * @since 0.1.0
 */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import type * as Scope from "effect/Scope"
import * as Tracer from "effect/Tracer"
import type * as HttpClient from "effect/http/HttpClient"
import * as TestClock from "effect/testing/TestClock"
import { type AuthError, isAuthError } from "../login/AuthError.ts"
import type { Endpoint } from "../broker/Endpoint.ts"
import * as Contract from "./Contract.ts"
import { alike, type Case, ensure, same } from "./contract/subject.ts"
import type { FakeBroker } from "./FakeBroker.ts"
import * as Fixtures from "./Fixtures.ts"
import * as Fuzz from "./Fuzz.ts"
import * as TestHttp from "./TestHttp.ts"

/**
 * The functions of a test runner that `run` uses. `effect` runs a test under Effect's `TestClock`, in a scope of its
 * own, as `it.effect` of `@effect/vitest` does.
 *
 * @category models
 * @since 0.1.0
 */
export interface Runner {
  readonly describe: (title: string, body: () => void) => unknown
  readonly effect: (
    name: string,
    body: (context: { readonly task: { readonly meta: object } }) => Effect.Effect<void, unknown, Scope.Scope>,
    timeoutMillis?: number
  ) => unknown
}

/**
 * An expected request, compared exactly.
 *
 * @category models
 * @since 0.1.0
 */
export interface RequestFixture {
  readonly name: string
  readonly endpoint: string
  /** `false` if the fake does not know the path, such as one of an option. */
  readonly served?: boolean
  readonly method: string
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

/**
 * A call for the fuzz test.
 *
 * @category models
 * @since 0.1.0
 */
export interface FuzzCall<Api> {
  /** Secrets in the request. The answers repeat them, and no error may contain them. */
  readonly sent: ReadonlyArray<string>
  /** `account` is different in each call, so that no rate limit applies. */
  readonly run: (api: Api, account: string) => Effect.Effect<unknown, AuthError>
}

/**
 * The fuzz test of a broker.
 *
 * @category models
 * @since 0.1.0
 */
export interface FuzzSubject<Tag, Api> {
  readonly idiom: Fuzz.Idiom
  /** The typed calls, with the given HTTP client. */
  readonly layer: Layer.Layer<Tag, AuthError, HttpClient.HttpClient>
  readonly api: Effect.Effect<Api, never, Tag>
  /** One call for each endpoint. */
  readonly calls: Readonly<Record<string, FuzzCall<Api>>>
  /** Number of random answers. */
  readonly bodies: number
  /** Tags of reasons that must occur, beside those that occur for every broker. */
  readonly outcomes?: ReadonlyArray<string>
  readonly seed: number
  /** The platform's function that prints a value, such as `util.inspect` at depth 20. */
  readonly inspect: (value: unknown) => string
}

/**
 * A broker package under test.
 *
 * @category models
 * @since 0.1.0
 */
export interface Subject<Tag, Api, R extends RequestFixture, F extends Fixtures.Fixture = Fixtures.Fixture> {
  /** One for each method. `title` names one of several for the same method. Default: the method's id. */
  readonly contract: ReadonlyArray<Contract.Subject & { readonly title?: string }>
  readonly table: Readonly<Record<string, Endpoint>>
  readonly answers: Omit<Fixtures.Subject<F, Tag>, "endpoints">
  /** Fields of the envelope that report success or failure, or that contain the data. */
  readonly envelope: ReadonlyArray<string>
  readonly requests: {
    readonly fixtures: ReadonlyArray<R>
    /** Makes a new fake, to which `layer` sends its requests. */
    readonly serve: Effect.Effect<FakeBroker, never, Scope.Scope>
    readonly layer: (fixture: R) => Layer.Layer<Tag, AuthError>
    /** The call of a fixture. Default: the call of its endpoint in `answers.calls`. */
    readonly call?: (fixture: R) => Effect.Effect<unknown, AuthError, Tag> | undefined
  }
  readonly fuzz: FuzzSubject<Tag, Api>
}

/**
 * A value, printed in every way that programs print it.
 *
 * @category printing
 * @since 0.1.0
 */
export const printed = (value: unknown, inspect: (value: unknown) => string): string =>
  (Array.isArray(value) ? value : [value])
    .flatMap((one: unknown) => [
      String(one),
      one instanceof Error ? String(one.stack) : "",
      Cause.pretty(Cause.fail(one)),
      inspect(one),
      JSON.stringify(one)
    ])
    .join("\n")

/** Headers that Node's `fetch` adds to every request. */
const fetchHeaders = new Set(
  "accept-encoding accept-language connection content-length host sec-fetch-mode user-agent".split(" ")
)

/**
 * The requests that a fake has received, without the headers that Node's `fetch` adds.
 *
 * @category requests
 * @since 0.1.0
 */
export const sent = (
  fake: FakeBroker
): Effect.Effect<ReadonlyArray<Pick<RequestFixture, "method" | "url" | "headers" | "body">>> =>
  Effect.map(fake.journal, (journal) =>
    journal.map(({ body, headers, method, url }) => {
      const own = Object.entries(headers).filter(([name]) => name === "user-agent" || !fetchHeaders.has(name))
      const fromFetch = /^(?:node|undici|.*Node\.js.*)$/i.test(headers["user-agent"] ?? "")
      const shown = own.filter(([name]) => name !== "user-agent" || !fromFetch)
      return { method, url, headers: Object.fromEntries(shown), body }
    })
  )

/** A tracer like the user's. With it, Effect's clients send `b3` and `traceparent` unless that is disabled. */
const layerTracer = Layer.succeed(Tracer.Tracer, Tracer.make({ span: (options) => new Tracer.NativeSpan(options) }))

const requestCases = <Tag, Api, R extends RequestFixture, F extends Fixtures.Fixture>({
  answers,
  requests,
  table
}: Subject<Tag, Api, R, F>): ReadonlyArray<Case> => [
  ...requests.fixtures.map((fixture) => ({
    name: `${fixture.endpoint}: ${fixture.name}, exactly`,
    run: Effect.gen(function* () {
      const { body, endpoint, headers, method, served = true, url } = fixture
      const fake = yield* requests.serve
      const call = requests.call?.(fixture) ?? answers.calls[endpoint]
      yield* ensure(call !== undefined, `there is no call ${endpoint}`)
      yield* Effect.exit(call ?? Effect.void).pipe(
        Effect.withSpan("user's program"),
        Effect.provide(Layer.mergeAll(requests.layer(fixture), layerTracer))
      )
      yield* alike(yield* sent(fake), [{ method, url, headers: { ...headers }, body }])
      yield* same((yield* fake.journal)[0]?.endpoint, served ? endpoint : "unknown", "the endpoint of the fake")
    })
  })),
  {
    name: "each call of the table has a request",
    run: same(
      Array.from(new Set(requests.fixtures.map(({ endpoint }) => endpoint))).toSorted(),
      namesOf(table).toSorted(),
      "endpoints"
    )
  }
]

const namesOf = (table: Readonly<Record<string, Endpoint>>) => Object.values(table).map(({ name }) => name)

const essentialOf = (table: Readonly<Record<string, Endpoint>>) =>
  Object.fromEntries(Object.values(table).map(({ essential, name }) => [name, essential]))

interface Verdict {
  readonly tag: string
  readonly problem?: string
}

interface Judged {
  /** Fields of the answer that must not be blank where they are secrets. */
  readonly essential: ReadonlyArray<string>
  readonly spelled: ReadonlyArray<string>
}

const isBlankSecret = (value: unknown) => Redacted.isRedacted(value) && String(Redacted.value(value)).trim() === ""

/** The tag of the reason, or the problem of the outcome. */
const judge = (
  exit: Exit.Exit<unknown, unknown>,
  { essential, spelled }: Judged,
  inspect: (value: unknown) => string
): Verdict => {
  if (Exit.isSuccess(exit)) {
    const fields = Object(exit.value) as Readonly<Record<string, unknown>>
    const blank = essential.find((name) => isBlankSecret(fields[name]))
    return blank === undefined ? { tag: "Success" } : { tag: "", problem: `a blank ${blank}` }
  }
  const [first, ...others] = exit.cause.reasons
  if (first?._tag !== "Fail" || others.length > 0 || !isAuthError(first.error)) return { tag: "", problem: "a defect" }
  const { reason, remedy } = first.error
  // A control character is printed as a number. Its last digit could look like the first digit of a PIN.
  const text = printed([first.error, exit], inspect)
    .replace(/\\+(?:x[\da-f]{2}|u[\da-f]{4})/gi, " ")
    .toLowerCase()
  const leak = spelled.find((secret) => text.includes(secret))
  if (leak !== undefined) return { tag: "", problem: `contains ${leak}` }
  return remedy === "" ? { tag: "", problem: "no remedy" } : { tag: reason._tag }
}

/** `stackTraceLimit` is a property of V8. */
const errors: { stackTraceLimit?: number } = Error as object

/** Shortens stacks: printing whole ones would take most of the time of the test. */
const shortStacks = Effect.acquireRelease(
  Effect.sync(() => {
    const { stackTraceLimit = 10 } = errors
    errors.stackTraceLimit = 2
    return stackTraceLimit
  }),
  (stackTraceLimit) => Effect.sync(() => void (errors.stackTraceLimit = stackTraceLimit))
)

const toResponse = ({ body, headers, status }: Fuzz.Answer): Response =>
  new Response([204, 205, 304].includes(status) ? null : body, { status, headers })

/** 2026-11-23 09:30:01 IST, one second into a TOTP period. */
const tradingMorning = 1_795_406_401_000

/** Outcomes that must occur. Without them, the random answers would all be malformed. */
const requiredOutcomes = ["BrokerRejected", "MalformedResponse", "RateLimited", "Success"]

const fuzz = <Tag, Api, R extends RequestFixture, F extends Fixtures.Fixture>({
  answers,
  fuzz: subject,
  table
}: Subject<Tag, Api, R, F>) =>
  Effect.gen(function* () {
    yield* shortStacks
    yield* TestClock.setTime(tradingMorning)
    const { bodies, inspect, seed } = subject
    const corpus = answers.fixtures.map(({ body }) => body)
    const nextAnswer = Fuzz.makeAnswers(subject.idiom, corpus)
    let answer: Fuzz.Answer = { status: 200, headers: {}, body: "" }
    const client = TestHttp.layerRespond(() => Promise.resolve(toResponse(answer)))
    const api = yield* Effect.provide(subject.api, Layer.provide(subject.layer, client))
    const dice = Fuzz.makeDice(seed)
    const essential = essentialOf(table)
    const calls = Object.entries(subject.calls).map(([name, call]) => ({
      ...call,
      essential: essential[name] ?? [],
      spelled: call.sent.flatMap((secret) => Fuzz.spellings.map((spell) => spell(secret).toLowerCase()))
    }))
    const outcomes = new Set<string>()
    for (let count = 0; count < bodies; count += 1) {
      const call = dice.pick(calls)
      answer = nextAnswer(dice, call.sent.length === 0 ? ["public"] : call.sent)
      // So that no rate limit applies.
      yield* TestClock.adjust("1 second")
      const { problem, tag } = judge(yield* Effect.exit(call.run(api, `A${count}`)), call, inspect)
      yield* ensure(problem === undefined, `${problem}: seed ${seed}, answer ${count}: ${inspect(answer)}`)
      outcomes.add(tag)
    }
    const wanted = [...requiredOutcomes, ...(subject.outcomes ?? [])]
    yield* ensure(
      wanted.every((tag) => outcomes.has(tag)),
      `expected outcomes: ${wanted.join(", ")}; found: ${Array.from(outcomes).join(", ")}`
    )
  })

/**
 * Runs the tests of a broker package. The titles begin with `contract`, `fixtures`, `dialects`, `codes`, `requests` and
 * `fuzz`.
 *
 * @category running
 * @since 0.1.0
 */
export const run = <Tag, Api, R extends RequestFixture, F extends Fixtures.Fixture>(
  runner: Runner,
  subject: Subject<Tag, Api, R, F>
): void => {
  const answers = { ...subject.answers, endpoints: namesOf(subject.table) }
  const essential = essentialOf(subject.table)
  const group = (title: string, cases: ReadonlyArray<Case>) =>
    runner.describe(title, () => {
      for (const { name, run: body } of cases) runner.effect(name, () => body)
    })
  for (const contract of subject.contract) {
    group(`contract: ${contract.broker.id} ${contract.title ?? contract.method.id}`, Contract.cases(contract))
  }
  group("fixtures", Fixtures.fixtureCases(answers))
  group("a token is not lost to another field", Fixtures.typeCases(answers, { essential, envelope: subject.envelope }))
  group("dialects", Fixtures.dialectCases(answers))
  group("codes", Fixtures.codeCases(answers))
  group("fixtures cover the documentation", Fixtures.coverageCases(answers))
  group("requests", requestCases(subject))
  runner.describe("fuzz", () => {
    const { bodies, calls } = subject.fuzz
    runner.effect("has a case for every call", () =>
      same(Object.keys(calls).toSorted(), namesOf(subject.table).toSorted(), "calls")
    )
    runner.effect(
      `${bodies} random answers that contain secrets: fails with typed errors, without secrets`,
      ({ task }) => Effect.map(fuzz(subject), () => void Object.assign(task.meta, { fuzzBodies: bodies })),
      600_000
    )
  })
}
