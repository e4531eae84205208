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
    yield* same(named.toSorted(), names.toSorted(), "named fields")
    yield* same((yield* fake.journal).length, 0, "requests")
  })

const origins = ({ broker }: Subject): ReadonlyArray<string> =>
  Object.values(broker.environments).flatMap(Object.values)

export const descriptor = (subject: Subject): ReadonlyArray<Case> => [
  {
    name: "is described with a date, a title and documents",
    run: Effect.gen(function* () {
      const { broker } = subject
      yield* ensure(/^[a-z]+$/.test(broker.id) && broker.title !== "", "id and title")
      yield* ensure(/^20\d\d-\d\d-\d\d$/.test(broker.verifiedOn), "verifiedOn is a date")
      yield* ensure(
        broker.documentation.every((link) => link.startsWith("https://")),
        "documents are links"
      )
      yield* ensure(broker.documentation.length > 0, "there are documents")
    })
  },
  {
    name: "names only https hosts, without path",
    run: Effect.forEach(origins(subject), (origin) =>
      ensure(origin.startsWith("https://") && new URL(origin).origin === origin, origin)
    ).pipe(Effect.asVoid)
  },
  {
    name: "names every assumption with its confidence, option and date",
    run: Effect.forEach(subject.broker.assumptions, ({ asOf, id, option, text }) =>
      ensure(text.length > 20 && option !== "" && /^20\d\d-\d\d-\d\d$/.test(asOf), id)
    ).pipe(Effect.asVoid)
  },
  {
    name: "has a unique environment variable and a description for each credential",
    run: Effect.gen(function* () {
      const fields = Object.values(subject.method.credentials)
      const prefix = `${subject.broker.id.toUpperCase()}_`
      yield* ensure(
        fields.every(({ env }) => env.startsWith(prefix)),
        `names begin with ${prefix}`
      )
      yield* same(new Set(fields.map(({ env }) => env)).size, fields.length, "different names")
      yield* ensure(
        fields.every(({ description }) => description.length > 10),
        "descriptions"
      )
    })
  },
  ...capabilities.map((capability): Case => {
    const has = subject.method.capabilities.includes(capability)
    return {
      name: has ? `provides ${capability}, as described` : `declares that it has no ${capability}`,
      run: Effect.gen(function* () {
        const { build } = yield* start(subject)
        yield* same(provides(yield* build(), capability), has, capability)
      })
    }
  }),
  {
    name: "sends nothing while the layer is built",
    run: Effect.gen(function* () {
      const { build, fake } = yield* start(subject)
      yield* build()
      yield* same((yield* fake.journal).length, 0, "requests")
    })
  },
  { name: "names all missing credentials at once, and sends nothing", run: refusesAll(subject, undefined) },
  { name: "names all blank credentials at once, and sends nothing", run: refusesAll(subject, " \t\n") },
  { name: "names all credentials that are not text at once, and sends nothing", run: refusesAll(subject, 4711) },
  {
    name: "rejects an http host that is not this machine",
    run: Effect.gen(function* () {
      const { build } = yield* start(subject)
      yield* failsWith(build({ options: { origins: { api: "http://api.example.com" } } }), "InvalidRequest")
    })
  },
  {
    name: "rejects a host for an unknown purpose, and names the broker's purposes",
    run: Effect.gen(function* () {
      const { build, fake } = yield* start(subject)
      const reason = yield* failsWith(
        build({ options: { origins: { apis: "https://api.example.com" } } }),
        "InvalidRequest"
      )
      const [problem] = reason._tag === "InvalidRequest" ? reason.problems : []
      yield* same(problem?.field, "origins.apis", "field")
      for (const purpose of purposesOf(subject.broker))
        yield* ensure(problem?.problem.includes(purpose) === true, purpose)
      yield* same((yield* fake.journal).length, 0, "requests")
    })
  },
  {
    name: "accepts a host for every purpose of the broker",
    run: Effect.gen(function* () {
      const { build } = yield* start(subject)
      const purposes = purposesOf(subject.broker).map((purpose) => [purpose, "https://api.example.com"] as const)
      yield* build({ options: { origins: Object.fromEntries(purposes) } })
    })
  },
  {
    name: "rejects a host that is not an origin",
    run: Effect.gen(function* () {
      const { build } = yield* start(subject)
      yield* failsWith(build({ options: { origins: { api: "https://api.example.com/v2/" } } }), "InvalidRequest")
    })
  }
]
