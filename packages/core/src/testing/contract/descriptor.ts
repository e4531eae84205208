import * as Effect from "effect/Effect"
import { capabilities, purposesOf } from "../../broker/Broker.ts"
import { type Case, ensure, failsWith, provides, same, start, type Subject } from "./subject.ts"

const required = ({ method }: Subject): ReadonlyArray<string> =>
  Object.entries(method.credentials)
    .filter(([, field]) => field.optional !== true)
    .map(([name]) => name)

const refusesAll = (subject: Subject, value: unknown) =>
  Effect.gen(function* () {
    const { build, fake } = yield* start(subject)
    const names = required(subject)
    const reason = yield* failsWith(
      build({ credentials: Object.fromEntries(names.map((name) => [name, value])) }),
      "InvalidRequest"
    )
    const named = reason._tag === "InvalidRequest" ? reason.problems.map(({ field }) => field) : []
    yield* same(named.toSorted(), names.toSorted(), "names of the fields in the error")
    yield* same((yield* fake.journal).length, 0, "number of requests")
  })

const origins = ({ broker }: Subject): ReadonlyArray<string> =>
  Object.values(broker.environments).flatMap(Object.values)

export const descriptor = (subject: Subject): ReadonlyArray<Case> => [
  {
    name: "belongs to a broker with `id`, `title`, `verifiedOn` and `documentation`",
    run: Effect.gen(function* () {
      const { broker } = subject
      yield* ensure(
        /^[a-z]+$/.test(broker.id) && broker.title !== "",
        "the broker must have an id of lower-case letters, and a title"
      )
      yield* ensure(/^20\d\d-\d\d-\d\d$/.test(broker.verifiedOn), "verifiedOn must be a date")
      yield* ensure(
        broker.documentation.every((link) => link.startsWith("https://")),
        "each link in documentation must be an https link"
      )
      yield* ensure(broker.documentation.length > 0, "documentation must contain at least one link")
    })
  },
  {
    name: "has only https origins without a path",
    run: Effect.forEach(origins(subject), (origin) =>
      ensure(
        origin.startsWith("https://") && new URL(origin).origin === origin,
        `${origin} must be an https origin without a path`
      )
    ).pipe(Effect.asVoid)
  },
  {
    name: "describes each assumption with a text, an option and a date",
    run: Effect.forEach(subject.broker.assumptions, ({ asOf, id, option, text }) =>
      ensure(
        text.length > 20 && option !== "" && /^20\d\d-\d\d-\d\d$/.test(asOf),
        `the assumption ${id} must have a text of more than 20 characters, an option and a date`
      )
    ).pipe(Effect.asVoid)
  },
  {
    name: "has a unique environment variable and a description for each credential",
    run: Effect.gen(function* () {
      const fields = Object.values(subject.method.credentials)
      const prefix = `${subject.broker.id.toUpperCase()}_`
      yield* ensure(
        fields.every(({ env }) => env.startsWith(prefix)),
        `each environment variable must begin with ${prefix}`
      )
      yield* same(
        new Set(fields.map(({ env }) => env)).size,
        fields.length,
        "number of different environment variables"
      )
      yield* ensure(
        fields.every(({ description }) => description.length > 10),
        "each credential must have a description of more than 10 characters"
      )
    })
  },
  ...capabilities.map((capability): Case => {
    const has = subject.method.capabilities.includes(capability)
    return {
      name: has ? `provides ${capability}` : `does not provide ${capability}`,
      run: Effect.gen(function* () {
        const { build } = yield* start(subject)
        yield* same(provides(yield* build(), capability), has, capability)
      })
    }
  }),
  {
    name: "sends no request while the layer is built",
    run: Effect.gen(function* () {
      const { build, fake } = yield* start(subject)
      yield* build()
      yield* same((yield* fake.journal).length, 0, "number of requests")
    })
  },
  {
    name: "reports all missing credentials in one error",
    run: refusesAll(subject, undefined)
  },
  {
    name: "reports all blank credentials in one error",
    run: refusesAll(subject, " \t\n")
  },
  {
    name: "reports all credentials of a wrong type in one error",
    run: refusesAll(subject, 4711)
  },
  {
    name: "rejects an http origin on another machine",
    run: Effect.gen(function* () {
      const { build } = yield* start(subject)
      yield* failsWith(build({ options: { origins: { api: "http://api.example.com" } } }), "InvalidRequest")
    })
  },
  {
    name: "rejects an origin for an unknown purpose, and lists the known purposes",
    run: Effect.gen(function* () {
      const { build, fake } = yield* start(subject)
      const reason = yield* failsWith(
        build({ options: { origins: { apis: "https://api.example.com" } } }),
        "InvalidRequest"
      )
      const [problem] = reason._tag === "InvalidRequest" ? reason.problems : []
      yield* same(problem?.field, "origins.apis", "field")
      for (const purpose of purposesOf(subject.broker))
        yield* ensure(problem?.problem.includes(purpose) === true, `the problem must name the purpose ${purpose}`)
      yield* same((yield* fake.journal).length, 0, "number of requests")
    })
  },
  {
    name: "accepts an origin for every purpose of the broker",
    run: Effect.gen(function* () {
      const { build } = yield* start(subject)
      const purposes = purposesOf(subject.broker).map((purpose) => [purpose, "https://api.example.com"] as const)
      yield* build({ options: { origins: Object.fromEntries(purposes) } })
    })
  },
  {
    name: "rejects an origin that contains a path",
    run: Effect.gen(function* () {
      const { build } = yield* start(subject)
      yield* failsWith(build({ options: { origins: { api: "https://api.example.com/v2/" } } }), "InvalidRequest")
    })
  }
]
