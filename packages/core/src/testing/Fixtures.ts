/**
 * Tests with documented or observed answers from a broker, as cases for any test runner.
 *
 * @since 0.1.0
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Equal from "effect/Equal"
import type * as Layer from "effect/Layer"
import * as Predicate from "effect/Predicate"
import * as Redacted from "effect/Redacted"
import type { AuthError } from "../login/AuthError.ts"
import type { Protocol } from "../broker/BrokerClient.ts"
import * as ErrorTable from "../broker/ErrorTable.ts"
import type * as Envelope from "../broker/Envelope.ts"
import { parseJson } from "../broker/internal/json.ts"
import { alike, type Case, ContractViolation, ensure, same } from "./contract/subject.ts"

/**
 * An answer from a broker, with its source and its expected result.
 *
 * @category models
 * @since 0.1.0
 */
export interface Fixture {
  /** Unique among the fixtures of the endpoint. */
  readonly name: string
  /** Where the answer is documented or was observed. */
  readonly source: string
  /** Date of the source, `yyyy-mm-dd`. */
  readonly asOf: string
  readonly confidence: "high" | "medium" | "low"
  /** Name of the dialect (a format of the broker's answers) that must read the answer. Default: any dialect. */
  readonly dialect?: string
  readonly endpoint: string
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  /** The exact text of the body. */
  readonly body: string
  /**
   * The expected result of the call:
   *
   * - Success: `data` is the value that the call returns, with secrets as plain text and without `undefined` fields.
   * - Failure: `reason` is the tag of the error's reason, and the other fields are fields of that reason. Durations are
   *   in seconds.
   */
  readonly expect: { readonly data: unknown } | ({ readonly reason: string } & Readonly<Record<string, unknown>>)
}

/**
 * A broker's dialects, error table and calls, and the fixtures that test them.
 *
 * @category models
 * @since 0.1.0
 */
export interface Subject<F extends Fixture, Api> extends Pick<Protocol, "codes" | "dialects" | "quirks"> {
  readonly fixtures: ReadonlyArray<F>
  /** Names of all endpoints. */
  readonly endpoints: ReadonlyArray<string>
  /** The calls, keyed by endpoint. */
  readonly calls: Readonly<Record<string, Effect.Effect<unknown, AuthError, Api>>>
  /** Provides the broker's API, with an HTTP client that answers every request with the fixture. */
  readonly layer: (fixture: F) => Layer.Layer<Api, AuthError>
  /**
   * For each dialect, the verdicts that need a fixture. `Yes` is a success, and `No` is a refusal. Default for each
   * dialect: only `No`.
   */
  readonly verdicts?: Readonly<Record<string, ReadonlyArray<Envelope.Verdict["_tag"]>>>
  /** Returns the rows of the error table that apply to a fixture. Default: all rows apply. */
  readonly codesFor?: (fixture: F) => ReadonlyArray<ErrorTable.ErrorRow>
  /**
   * Parts of the secrets in requests and answers. Each secret needs at least one part in this list. No failure may
   * contain a part in this list.
   */
  readonly secrets: readonly [string, ...ReadonlyArray<string>]
}

const violation = (message: string) => new ContractViolation({ message })

const isDate = (text: unknown) => Predicate.isString(text) && /^\d{4}-\d\d-\d\d$/.test(text)

const isText = (value: unknown) => Predicate.isString(value) && value.trim() !== ""

const plain = (value: unknown): unknown => {
  if (Redacted.isRedacted(value)) return Redacted.value(value)
  if (Array.isArray(value)) return value.map(plain)
  if (!Predicate.isObject(value)) return value ?? null
  const fields = Object.entries(value).filter(([, field]) => field !== undefined)
  return Object.fromEntries(fields.map(([name, field]) => [name, plain(field)]))
}

const written = (value: unknown) => (Duration.isDuration(value) ? Duration.toSeconds(value) : value)

const fieldsOf = ({ reason }: AuthError, expected: Readonly<Record<string, unknown>>) => {
  const fields = reason as unknown as Readonly<Record<string, unknown>>
  const named = Object.keys(expected).map((name) => [name, written(fields[name])])
  return { ...Object.fromEntries(named), reason: reason._tag }
}

/**
 * Returns the dialect that can read the answer of a fixture, and the verdict of this dialect.
 *
 * @category reading
 * @since 0.1.0
 */
export const read = <F extends Fixture, Api>(
  { dialects, quirks }: Pick<Subject<F, Api>, "dialects" | "quirks">,
  { body, headers, status }: F
): { readonly dialect: Envelope.Dialect | undefined; readonly verdict: Envelope.Verdict | undefined } => {
  const answer: Envelope.Answer = { status, headers, text: body, json: parseJson(body, quirks) }
  const dialect = dialects.find((candidate) => candidate.read(answer) !== undefined)
  return { dialect, verdict: dialect?.read(answer) }
}

/**
 * Returns the first row of the error table that matches a fixture. Returns `undefined` if the verdict of the answer is
 * not `No`.
 *
 * @category reading
 * @since 0.1.0
 */
export const rowOf = <F extends Fixture, Api>(
  subject: Pick<Subject<F, Api>, "codes" | "codesFor" | "dialects" | "quirks">,
  fixture: F
): ErrorTable.ErrorRow | undefined => {
  const { verdict } = read(subject, fixture)
  if (verdict?._tag !== "No") return undefined
  const failure: ErrorTable.Failure = {
    operation: fixture.endpoint,
    status: fixture.status,
    code: verdict.code,
    message: verdict.message,
    supportId: undefined,
    retryAfter: undefined,
    clockDrift: undefined,
    request: undefined
  }
  const rows = subject.codesFor?.(fixture) ?? subject.codes
  return rows.find((row) => ErrorTable.matches(row, failure))
}

const check = Effect.fnUntraced(function* <F extends Fixture, Api>(subject: Subject<F, Api>, fixture: F) {
  const call = subject.calls[fixture.endpoint]
  if (call === undefined) return yield* violation(`there is no call for the endpoint ${fixture.endpoint}`)
  if (fixture.dialect !== undefined) {
    yield* same(read(subject, fixture).dialect?.name, fixture.dialect, "the dialect of the answer")
  }
  const result = yield* Effect.result(Effect.provide(call, subject.layer(fixture)))
  if (result._tag === "Success") return yield* alike({ data: plain(result.success) }, fixture.expect)
  const { failure } = result
  yield* alike(fieldsOf(failure, fixture.expect), fixture.expect)
  yield* same(failure.operation, fixture.endpoint, "the operation of the failure")
  yield* ensure(isText(failure.remedy), "the failure must have a remedy")
  const shown = JSON.stringify([failure, failure.message])
  yield* ensure(!subject.secrets.some((secret) => shown.includes(secret)), "the failure must not contain a secret")
})

/**
 * Makes a case for each fixture. The case checks that the call of the endpoint has the expected result. If the call
 * fails, its error must name the operation, have a remedy and contain no secret.
 *
 * @example
 * ```ts
 * import * as BrokerClient from "@auth/broker-core/broker/BrokerClient"
 * import * as Endpoint from "@auth/broker-core/broker/Endpoint"
 * import * as Envelope from "@auth/broker-core/broker/Envelope"
 * import * as Fixtures from "@auth/broker-core/testing/Fixtures"
 * import * as TestHttp from "@auth/broker-core/testing/TestHttp"
 * import * as Effect from "effect/Effect"
 * import type * as HttpClient from "effect/http/HttpClient"
 * import * as Schema from "effect/Schema"
 *
 * const status = Endpoint.make({
 *   name: "status",
 *   method: "GET",
 *   path: "/v1/status",
 *   token: "none",
 *   response: Schema.Struct({ open: Schema.Boolean })
 * })
 *
 * const protocol: BrokerClient.Protocol = {
 *   broker: "tiny",
 *   headers: () => ({}),
 *   dialects: [
 *     {
 *       name: "plain",
 *       source: "https://api.example.com/docs",
 *       read: ({ json }) => {
 *         const error = Envelope.field(json, "error")
 *         return error === undefined ? Envelope.yes(json) : Envelope.no({ code: error })
 *       }
 *     }
 *   ],
 *   codes: []
 * }
 *
 * const seen = {
 *   source: "https://api.example.com/docs",
 *   asOf: "2026-11-21",
 *   confidence: "high",
 *   endpoint: "status",
 *   status: 200,
 *   headers: {}
 * } as const
 *
 * const subject: Fixtures.Subject<Fixtures.Fixture, HttpClient.HttpClient> = {
 *   ...protocol,
 *   fixtures: [
 *     { ...seen, name: "open", body: '{"open":true}', expect: { data: { open: true } } },
 *     { ...seen, name: "unknown", body: '{"error":7}', expect: { reason: "BrokerRejected", code: "7" } }
 *   ],
 *   endpoints: ["status"],
 *   calls: {
 *     status: Effect.flatMap(BrokerClient.make(protocol, { api: "https://api.example.com" }), (client) =>
 *       client.call(status, { account: "T1" })
 *     )
 *   },
 *   layer: ({ body, headers, status }) => TestHttp.layerRespond(async () => new Response(body, { status, headers })),
 *   secrets: ["token-of-a-test"]
 * }
 *
 * // In a test: for (const { name, run } of Fixtures.fixtureCases(subject)) it.effect(name, () => run)
 * const program = Effect.forEach(Fixtures.fixtureCases(subject), ({ name, run }) => Effect.as(run, name)).pipe(
 *   Effect.scoped,
 *   Effect.map((names) => {
 *     names // => ["status: open", "status: unknown"]
 *   })
 * )
 * ```
 *
 * @category cases
 * @since 0.1.0
 */
export const fixtureCases = <F extends Fixture, Api>(subject: Subject<F, Api>): ReadonlyArray<Case> =>
  subject.fixtures.map((fixture) => ({
    name: `${fixture.endpoint}: ${fixture.name}`,
    run: check(subject, fixture)
  }))

/**
 * Makes a case for each required verdict of each dialect. The case checks that the dialect has a source, and that
 * a fixture of the dialect has the verdict. If the verdict is `Yes`, this fixture must expect a success.
 *
 * @category cases
 * @since 0.1.0
 */
export const dialectCases = <F extends Fixture, Api>(subject: Subject<F, Api>): ReadonlyArray<Case> =>
  subject.dialects.flatMap(({ name, source }) =>
    (subject.verdicts?.[name] ?? ["No"]).map((tag) => ({
      name: `a fixture in the dialect "${name}" has the verdict ${tag}`,
      run: Effect.gen(function* () {
        yield* ensure(isText(source), `the dialect "${name}" must have a source`)
        const own = subject.fixtures.filter(({ dialect }) => dialect === name)
        yield* ensure(
          own.some(
            (fixture) => read(subject, fixture).verdict?._tag === tag && (tag === "No" || "data" in fixture.expect)
          ),
          `no fixture in the dialect "${name}" has the verdict ${tag}${tag === "No" ? "" : " and expects a success"}`
        )
      })
    }))
  )

const titleOf = ({ code, meaning, message, operations, status }: ErrorTable.ErrorRow) =>
  `${[status, code, message, operations?.join(", ")].filter((part) => part !== undefined).join(" ")}: ${meaning}`

/** Whether a fixture that matches `other` also counts as a test of `row`. */
const isLike = (row: ErrorTable.ErrorRow, other: ErrorTable.ErrorRow | undefined) =>
  row === other ||
  (row.reason === ErrorTable.rejected &&
    row.reason === other?.reason &&
    row.code !== undefined &&
    Equal.equals({ ...row, code: other.code }, other))

/**
 * Makes a case for each row of the error table. The case checks that a fixture matches the row, and that the row has a
 * source and a date. One fixture is sufficient for all rows that return `BrokerRejected` and differ only in their code.
 *
 * @category cases
 * @since 0.1.0
 */
export const codeCases = <F extends Fixture, Api>(subject: Subject<F, Api>): ReadonlyArray<Case> =>
  subject.codes.map((row) => ({
    name: titleOf(row),
    run: Effect.gen(function* () {
      yield* ensure(
        subject.fixtures.some((fixture) => isLike(row, rowOf(subject, fixture))),
        "no fixture matches this row"
      )
      yield* ensure(isText(row.source) && isDate(row.asOf), "the row must have a source and the date of the source")
    })
  }))

/**
 * Makes cases that check whether the fixtures are complete. Every endpoint must have a call, a fixture that succeeds
 * and a fixture that fails. Every fixture must have a source, a date, a confidence, and a name that is unique for its
 * endpoint.
 *
 * @category cases
 * @since 0.1.0
 */
export const coverageCases = <F extends Fixture, Api>(subject: Subject<F, Api>): ReadonlyArray<Case> => [
  {
    name: "every endpoint has a call, and every call has an endpoint",
    run: same(Object.keys(subject.calls).toSorted(), subject.endpoints.toSorted(), "calls")
  },
  ...subject.endpoints.map((endpoint) => ({
    name: `the fixtures of ${endpoint} include a success and a failure`,
    run: Effect.gen(function* () {
      const own = subject.fixtures.filter((fixture) => fixture.endpoint === endpoint)
      yield* ensure(
        own.some(({ expect }) => "data" in expect),
        `no fixture of ${endpoint} is a success`
      )
      yield* ensure(
        own.some(({ expect }) => "reason" in expect),
        `no fixture of ${endpoint} is a failure`
      )
    })
  })),
  {
    name: "each fixture has a source, a date and a confidence",
    run: Effect.forEach(
      subject.fixtures,
      ({ asOf, confidence, endpoint, name, source }) =>
        ensure(
          isText(source) && isDate(asOf) && ["high", "medium", "low"].includes(confidence),
          `${endpoint}: ${name} must have a source, the date of the source, and a confidence`
        ),
      { discard: true }
    )
  },
  {
    name: "no two fixtures of one endpoint have the same name",
    run: Effect.suspend(() => {
      const names = subject.fixtures.map(({ endpoint, name }) => `${endpoint}: ${name}`)
      return same(
        names.filter((name, index) => names.indexOf(name) !== index),
        [],
        "duplicate names"
      )
    })
  }
]

/**
 * Fields of a broker's answers. The success of a call may depend on these fields, so `typeCases` does not change their
 * types.
 *
 * @category models
 * @since 0.1.0
 */
export interface Decisive {
  /**
   * The fields that contain a token or identify the token's account, keyed by endpoint. Endpoints without an entry are
   * not tested.
   */
  readonly essential: Readonly<Record<string, ReadonlyArray<string> | undefined>>
  /** Fields of the envelope that report success or failure, or that contain the data. */
  readonly envelope: ReadonlyArray<string>
}

type Path = readonly [string, ...ReadonlyArray<string>]

const childrenOf = (value: unknown): ReadonlyArray<readonly [string, unknown]> =>
  Predicate.isObjectOrArray(value) ? Object.entries(value) : []

const pathsIn = (value: unknown): ReadonlyArray<Path> =>
  childrenOf(value).flatMap(([name, child]): ReadonlyArray<Path> => [
    [name],
    ...pathsIn(child).map((path): Path => [name, ...path])
  ])

const at = (value: unknown, path: ReadonlyArray<string>): unknown =>
  path.reduce<unknown>(
    (inner, name) => (Predicate.isObjectOrArray(inner) ? Reflect.get(inner, name) : undefined),
    value
  )

const replaced = (value: unknown, [name, ...rest]: ReadonlyArray<string>, by: unknown): unknown => {
  if (name === undefined) return by
  const entries = childrenOf(value).map(
    ([key, child]) => [key, key === name ? replaced(child, rest, by) : child] as const
  )
  return Array.isArray(value) ? entries.map(([, child]) => child) : Object.fromEntries(entries)
}

const typeOf = (value: unknown) => (value === null ? "null" : Array.isArray(value) ? "array" : typeof value)

const samples: ReadonlyArray<unknown> = ["x", 7, true, { x: 1 }, ["x", 7], null]

/** The values are in upper case, so that comparisons can ignore case. */
const valuesIn = (value: unknown): ReadonlyArray<string> =>
  Predicate.isObjectOrArray(value) ? Object.values(value).flatMap(valuesIn) : [String(value).toUpperCase()]

const textsIn = (value: unknown): ReadonlyArray<string> =>
  Predicate.isString(value) ? [value] : childrenOf(value).flatMap(([, child]) => textsIn(child))

const numbersIn = (value: unknown): ReadonlyArray<number> =>
  Predicate.isNumber(value) ? [value] : childrenOf(value).flatMap(([, child]) => numbersIn(child))

const withBody = <F extends Fixture>(fixture: F, json: unknown): F => ({ ...fixture, body: JSON.stringify(json) })

const tryTypes = Effect.fnUntraced(function* <F extends Fixture, Api>(
  subject: Subject<F, Api>,
  fixture: F,
  { envelope, essential }: Decisive
) {
  const call = subject.calls[fixture.endpoint]
  if (call === undefined) return yield* violation(`there is no call for the endpoint ${fixture.endpoint}`)
  const json = parseJson(fixture.body, subject.quirks)
  const names = essential[fixture.endpoint] ?? []
  const data = "data" in fixture.expect ? fixture.expect.data : undefined
  const isEnvelope = ([first, ...rest]: Path) => envelope.includes(first) && rest.every((name) => /^\d+$/.test(name))
  const paths = pathsIn(json)
  const decisive = paths.filter((path) => path.some((name) => names.includes(name)))
  // Essential fields, and the objects that contain them, keep their types.
  const containsToken = (path: Path) => decisive.some((other) => path.every((name, index) => other[index] === name))
  const tried = paths.filter((path) => !isEnvelope(path) && !containsToken(path))
  for (const path of tried) {
    const value = at(json, path)
    const own = valuesIn(value)
    const others = textsIn(data).filter((text) => !own.some((one) => one.includes(text.toUpperCase())))
    for (const sample of samples.filter((other) => typeOf(other) !== typeOf(value))) {
      const other = withBody(fixture, replaced(json, path, sample))
      const result = yield* Effect.result(Effect.provide(call, subject.layer(other)))
      const where = `the field ${path.join(".")} with the type ${typeOf(sample)}`
      if (result._tag === "Failure") return yield* violation(`${where}: ${result.failure.message}`)
      const texts = textsIn(plain(result.success))
      yield* same(
        others.filter((text) => !texts.includes(text)),
        [],
        `values lost because of ${where}`
      )
    }
    if (Predicate.isNumber(value) && numbersIn(data).includes(value)) {
      const quoted = withBody(fixture, replaced(json, path, String(value)))
      yield* alike({ data: plain(yield* Effect.provide(call, subject.layer(quoted))) }, fixture.expect)
    }
  }
})

/**
 * Makes a case for each successful fixture whose endpoint has an entry in `essential`. The case changes the JSON type
 * of one field at a time, but not of the fields that `decisive` lists. After each change, the call must succeed and
 * decode the texts in all other fields. The call must also decode numbers in quotation marks as numbers.
 *
 * @example
 * ```ts
 * import * as Fixtures from "@auth/broker-core/testing/Fixtures"
 * import type * as HttpClient from "effect/http/HttpClient"
 *
 * // In a test: for (const { name, run } of cases(subject)) it.effect(name, () => run)
 * const cases = (subject: Fixtures.Subject<Fixtures.Fixture, HttpClient.HttpClient>) =>
 *   Fixtures.typeCases(subject, { essential: { login: ["token"] }, envelope: ["status"] })
 * ```
 *
 * @category cases
 * @since 0.1.0
 */
export const typeCases = <F extends Fixture, Api>(subject: Subject<F, Api>, decisive: Decisive): ReadonlyArray<Case> =>
  subject.fixtures
    .filter(({ endpoint, expect }) => decisive.essential[endpoint] !== undefined && "data" in expect)
    .map((fixture) => ({
      name: `${fixture.endpoint}: ${fixture.name}, with a wrong type in one field at a time`,
      run: tryTypes(subject, fixture, decisive)
    }))
