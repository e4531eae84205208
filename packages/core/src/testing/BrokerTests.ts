/**
 * The tests that every broker package runs. They check each login method against the contract. They check the typed
 * calls with fixtures and with random answers. A package calls `run` with its table of endpoints, its table of errors,
 * its fixtures, its fake broker and the functions of its test runner.
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
 * What `run` needs from a test runner. `effect` runs each test with Effect's `TestClock` and in a new scope.
 * `it.effect` of `@effect/vitest` is an example.
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
 * The exact request that a call must send, without the headers that Node's `fetch` adds.
 *
 * @category models
 * @since 0.1.0
 */
export interface RequestFixture {
  readonly name: string
  readonly endpoint: string
  /**
   * `false` if the fake broker has no route for the request, for example because an option changes the path. Default:
   * `true`.
   */
  readonly served?: boolean
  readonly method: string
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

/**
 * A call that the fuzz test makes.
 *
 * @category models
 * @since 0.1.0
 */
export interface FuzzCall<Api> {
  /** The secrets in the request. The random answers can contain them, but no error may contain them. */
  readonly sent: ReadonlyArray<string>
  /** Each call gets a different `account`, so that the client's own rate limits for an account are not reached. */
  readonly run: (api: Api, account: string) => Effect.Effect<unknown, AuthError>
}

/**
 * A broker's typed calls, and the settings with which the fuzz test runs them.
 *
 * @category models
 * @since 0.1.0
 */
export interface FuzzSubject<Tag, Api> {
  readonly idiom: Fuzz.Idiom
  /** Provides the typed calls, which send their requests with the given HTTP client. */
  readonly layer: Layer.Layer<Tag, AuthError, HttpClient.HttpClient>
  readonly api: Effect.Effect<Api, never, Tag>
  /** One call for each endpoint. */
  readonly calls: Readonly<Record<string, FuzzCall<Api>>>
  /** Number of random answers. */
  readonly bodies: number
  /** Tags of error reasons that must occur for this broker, in addition to those required for every broker. */
  readonly outcomes?: ReadonlyArray<string>
  readonly seed: number
  /** The platform's function that converts a value to text, such as Node's `util.inspect` with `depth: 20`. */
  readonly inspect: (value: unknown) => string
}

/**
 * The tables, fixtures and fakes with which `run` tests a broker package.
 *
 * @category models
 * @since 0.1.0
 */
export interface Subject<Tag, Api, R extends RequestFixture, F extends Fixtures.Fixture = Fixtures.Fixture> {
  /**
   * The subjects of the contract tests: at least one for each login method. If a login method has several subjects, set
   * `title` to distinguish them. Default for `title`: the id of the login method.
   */
  readonly contract: ReadonlyArray<Contract.Subject & { readonly title?: string }>
  readonly table: Readonly<Record<string, Endpoint>>
  readonly answers: Omit<Fixtures.Subject<F, Tag>, "endpoints">
  /** Names of an answer's top-level fields that report success or failure, or that contain the data. */
  readonly envelope: ReadonlyArray<string>
  readonly requests: {
    readonly fixtures: ReadonlyArray<R>
    /** Makes a new fake. The calls of `layer` then send their requests to this fake. */
    readonly serve: Effect.Effect<FakeBroker, never, Scope.Scope>
    readonly layer: (fixture: R) => Layer.Layer<Tag, AuthError>
    /** The call that must send a fixture's request. Default: the call in `answers.calls` for the fixture's endpoint. */
    readonly call?: (fixture: R) => Effect.Effect<unknown, AuthError, Tag> | undefined
  }
  readonly fuzz: FuzzSubject<Tag, Api>
}

/**
 * Returns a value as text, in every form in which programs may print it. For an array, returns the text of each
 * element.
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

/** Even with a tracer, the broker's client must not send the headers `b3` and `traceparent`. */
const layerTracer = Layer.succeed(Tracer.Tracer, Tracer.make({ span: (options) => new Tracer.NativeSpan(options) }))

const requestCases = <Tag, Api, R extends RequestFixture, F extends Fixtures.Fixture>({
  answers,
  requests,
  table
}: Subject<Tag, Api, R, F>): ReadonlyArray<Case> => [
  ...requests.fixtures.map((fixture) => ({
    name: `${fixture.endpoint}: ${fixture.name}`,
    run: Effect.gen(function* () {
      const { body, endpoint, headers, method, served = true, url } = fixture
      const fake = yield* requests.serve
      const call = requests.call?.(fixture) ?? answers.calls[endpoint]
      yield* ensure(call !== undefined, `there is no call for the endpoint ${endpoint}`)
      yield* Effect.exit(call ?? Effect.void).pipe(
        Effect.withSpan("user's program"),
        Effect.provide(Layer.mergeAll(requests.layer(fixture), layerTracer))
      )
      yield* alike(yield* sent(fake), [{ method, url, headers: { ...headers }, body }])
      yield* same(
        (yield* fake.journal)[0]?.endpoint,
        served ? endpoint : "unknown",
        "the endpoint in the fake broker's journal"
      )
    })
  })),
  {
    name: "each endpoint of the table has a request fixture",
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
  /** Fields of the call's result. A secret in one of these fields must not be blank. */
  readonly essential: ReadonlyArray<string>
  /** The secrets in the request, in every encoding and in lower case. */
  readonly spelled: ReadonlyArray<string>
}

const isBlankSecret = (value: unknown) => Redacted.isRedacted(value) && String(Redacted.value(value)).trim() === ""

/** If the outcome is not allowed, `problem` says why, and `tag` is empty. */
const judge = (
  exit: Exit.Exit<unknown, unknown>,
  { essential, spelled }: Judged,
  inspect: (value: unknown) => string
): Verdict => {
  if (Exit.isSuccess(exit)) {
    const fields = Object(exit.value) as Readonly<Record<string, unknown>>
    const blank = essential.find((name) => isBlankSecret(fields[name]))
    return blank === undefined ? { tag: "Success" } : { tag: "", problem: `the result has a blank ${blank}` }
  }
  const [first, ...others] = exit.cause.reasons
  if (first?._tag !== "Fail" || others.length > 0 || !isAuthError(first.error))
    return { tag: "", problem: "the call failed with a defect" }
  const { reason, remedy } = first.error
  // Removes escape sequences such as \x01. Otherwise the printed text `\x01234` would seem to contain the secret 1234.
  const text = printed([first.error, exit], inspect)
    .replace(/\\+(?:x[\da-f]{2}|u[\da-f]{4})/gi, " ")
    .toLowerCase()
  const leak = spelled.find((secret) => text.includes(secret))
  if (leak !== undefined) return { tag: "", problem: `the error contains ${leak}` }
  return remedy === "" ? { tag: "", problem: "the error has no remedy" } : { tag: reason._tag }
}

/** Not every JavaScript engine has `Error.stackTraceLimit`. */
const errors: { stackTraceLimit?: number } = Error as object

/** Printing complete stack traces would take most of the test's time. */
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

/** 2026-11-23 09:30:01 IST, one second after the start of a TOTP period. In milliseconds since the epoch. */
const tradingMorning = 1_795_406_401_000

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
      // Keeps the calls below the client's own rate limits.
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
 * Runs the tests of a broker package. The title of each group begins with `contract:`, `fixtures:`, `dialects:`,
 * `codes:`, `requests:` or `fuzz:`, except for the group of `Fixtures.typeCases`. A test reporter can use these
 * prefixes to count the tests of each kind.
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
    group(
      `contract: the method "${contract.title ?? contract.method.id}" of ${contract.broker.id}`,
      Contract.cases(contract)
    )
  }
  group("fixtures: each answer has the expected result", Fixtures.fixtureCases(answers))
  group(
    "a token is accepted even if another field has a wrong type",
    Fixtures.typeCases(answers, { essential, envelope: subject.envelope })
  )
  group("dialects: each dialect (a format of answers) has the required fixtures", Fixtures.dialectCases(answers))
  group("codes: each row of the error table has a matching fixture", Fixtures.codeCases(answers))
  group("fixtures: the set of fixtures is complete", Fixtures.coverageCases(answers))
  group("requests: each call sends exactly the documented request", requestCases(subject))
  runner.describe("fuzz: the typed calls", () => {
    const { bodies, calls } = subject.fuzz
    runner.effect("are all included in the fuzz test", () =>
      same(Object.keys(calls).toSorted(), namesOf(subject.table).toSorted(), "calls")
    )
    runner.effect(
      `return a result, or an error without secrets, for ${bodies} random answers`,
      ({ task }) => Effect.map(fuzz(subject), () => void Object.assign(task.meta, { fuzzBodies: bodies })),
      600_000
    )
  })
}
