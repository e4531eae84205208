import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as TestClock from "effect/testing/TestClock"
import type { AuthError } from "../../login/AuthError.ts"
import type { Fault } from "../FakeBroker.ts"
import { Profile } from "../../login/Profile.ts"
import * as Renewal from "../../broker/Renewal.ts"
import type { Session } from "../../login/Session.ts"
import * as SessionManager from "../../session/SessionManager.ts"
import * as Vault from "../../session/Vault.ts"
import {
  type Case,
  type Changes,
  ContractViolation,
  endpointOf,
  ensure,
  failsWith,
  same,
  service,
  signIn,
  start,
  type Subject,
  timesAsked,
  type World
} from "./subject.ts"

const begin = Effect.fnUntraced(function* (subject: Subject, changes?: Changes) {
  const world = yield* start(subject)
  const context = yield* world.build(changes)
  return { world, context, renewal: yield* service(context, Renewal.Renewal) }
})

const described = ({ method }: Subject) =>
  method.renewal === undefined
    ? Effect.fail(new ContractViolation({ message: "the method does not describe how its sessions are renewed" }))
    : Effect.succeed(method.renewal)

const spelled = ({ early, guard }: Renewal.Renewal["Service"]) => ({
  early: Duration.toMillis(early),
  maxFailures: guard.maxFailures,
  window: Duration.toMillis(guard.window),
  step: guard.step === undefined ? undefined : Duration.toMillis(guard.step)
})

const works = Effect.fnUntraced(function* (subject: Subject, context: Context.Context<never>, session: Session) {
  yield* ensure(Redacted.value(session.tokens.access).length > 8, "the access token is too short")
  if (!subject.method.capabilities.includes("Profile")) return
  const { profile } = yield* service(context, Profile)
  yield* same((yield* profile(session)).id, session.account.id, "id")
})

const managed = Effect.fnUntraced(function* (context: Context.Context<never>) {
  const sessions = SessionManager.layer().pipe(
    Layer.provide(Layer.succeedContext(context)),
    Layer.provide(Vault.layerMemory)
  ) as Layer.Layer<SessionManager.SessionManager>
  return Context.get(yield* Layer.build(sessions), SessionManager.SessionManager)
})

const common = (subject: Subject): ReadonlyArray<Case> => [
  {
    name: "describes how sessions are renewed",
    run: Effect.gen(function* () {
      const { by, source, when, window, maxFailures } = yield* described(subject)
      const { capabilities } = subject.method
      yield* ensure(
        when.length > 15 && source.length > 15,
        "`when` and `source` must be texts of more than 15 characters"
      )
      yield* ensure(
        maxFailures > 0 && Duration.toMillis(window) >= 60_000,
        "`maxFailures` must be positive, and `window` must be at least one minute"
      )
      yield* same(
        by.includes("login"),
        capabilities.includes("Login"),
        "whether the method's description lists a login as a way to renew"
      )
      const refreshes = capabilities.includes("Refresh") || subject.loginCarries === "session-before"
      yield* same(
        by.includes("refresh"),
        refreshes,
        "whether the method's description lists a refresh as a way to renew"
      )
    })
  },
  {
    name: "provides a renewal that matches the method's description",
    run: Effect.gen(function* () {
      const { context, renewal, world } = yield* begin(subject)
      const { by, codes, early = 0, window, maxFailures } = yield* described(subject)
      const expected = {
        early: Duration.toMillis(early),
        maxFailures,
        window: Duration.toMillis(window),
        step: codes === "totp" && subject.codes !== "person" ? 30_000 : undefined
      }
      yield* same(spelled(renewal), expected, "limits")
      const ways = [renewal.refresh === undefined ? [] : ["refresh"], renewal.login === undefined ? [] : ["login"]]
      yield* same(ways.flat(), by, "ways")
      yield* same(renewal.account, (yield* signIn(subject, world, context)).account, "account")
    })
  },
  {
    name: "uses the limits in the layer's options",
    run: Effect.gen(function* () {
      const changes = { options: { renewal: { early: "1 minute", maxFailures: 1, window: "1 hour" } } } as const
      const { early, maxFailures, window } = spelled((yield* begin(subject, changes)).renewal)
      yield* same([early, maxFailures, window], [60_000, 1, 3_600_000], "limits")
    })
  },
  {
    name: "reports all invalid limits in one error",
    run: Effect.gen(function* () {
      const { build } = yield* start(subject)
      const renewal = { early: "soon", maxFailures: 0, window: 0 } as unknown as Renewal.Options
      const reason = yield* failsWith(build({ options: { renewal } }), "InvalidRequest")
      const fields = reason._tag === "InvalidRequest" ? reason.problems.map(({ field }) => field) : []
      yield* same(fields, ["renewal.early", "renewal.maxFailures", "renewal.window"], "fields")
    })
  }
]

const aPerson = (subject: Subject): ReadonlyArray<Case> => [
  {
    name: "fails with ActionRequired until a session is adopted",
    run: Effect.gen(function* () {
      const { context, renewal, world } = yield* begin(subject)
      yield* same([typeof renewal.login], ["undefined"], "login")
      const manager = yield* managed(context)
      const before = (yield* world.fake.journal).length
      yield* failsWith(manager.session, "ActionRequired")
      yield* same((yield* world.fake.journal).length, before, "number of requests")
      const session = yield* signIn(subject, world, context)
      yield* manager.adopt(session)
      yield* same(yield* manager.session, session, "session")
    })
  }
]

/** Runs the login of a renewal in the next TOTP period. */
const renewed = (
  login: Effect.Effect<Session, AuthError> | undefined
): Effect.Effect<Session, AuthError | ContractViolation> =>
  login === undefined
    ? Effect.fail(new ContractViolation({ message: "the renewal has no login" }))
    : Effect.andThen(TestClock.adjust("31 seconds"), login)

/** Answers without an error code of the broker. */
const bare: ReadonlyArray<readonly [string, Fault]> = [400, 404, 405, 422]
  .map((status): readonly [string, Fault] => [`HTTP ${status}`, { kind: "answer", status, body: "" }])
  .concat([
    [
      "HTTP 400 and a message",
      { kind: "answer", status: 400, body: '{"message":"Bad"}', headers: { "content-type": "application/json" } }
    ]
  ])

/** `LoginGuard` allows six logins in 30 minutes: the first, and five after pauses of 1, 2, 5, 10 and 10 minutes. */
const maxLogins = 6

/**
 * Requests a session every 30 seconds of the test clock, for 30 minutes. Waits for each result in real time, for at
 * most about 40 milliseconds.
 */
const poll = Effect.fnUntraced(function* ({ session }: SessionManager.SessionManager["Service"]) {
  for (let asked = 0; asked < 60; asked += 1) {
    const fiber = yield* Effect.forkChild(Effect.exit(session))
    for (let tries = 0; fiber.pollUnsafe() === undefined && tries < 20; tries += 1) {
      yield* TestClock.withLive(Effect.sleep("2 millis"))
    }
    yield* TestClock.adjust("30 seconds")
  }
})

const bareCase =
  (subject: Subject) =>
  ([what, fault]: (typeof bare)[number]): Case => ({
    name: `sends at most six logins in 30 minutes if each answer is ${what}`,
    run: Effect.gen(function* () {
      const { context, world } = yield* begin(subject)
      const endpoint = yield* endpointOf(subject, "Login")
      yield* world.fake.inject(endpoint, fault, 100)
      yield* poll(yield* managed(context))
      const sent = yield* timesAsked(world.fake, endpoint)
      yield* ensure(sent >= 1 && sent <= maxLogins, `${sent} logins were sent within 30 minutes`)
    })
  })

const unattended = (subject: Subject): ReadonlyArray<Case> => [
  {
    name: "sends exactly one login for a renewal",
    run: Effect.gen(function* () {
      const { context, renewal, world } = yield* begin(subject)
      const session = yield* renewed(renewal.login)
      yield* same([session.account, session.method], [renewal.account, subject.method.id], "account, method")
      yield* works(subject, context, session)
      yield* same(yield* timesAsked(world.fake, yield* endpointOf(subject, "Login")), 1, "number of logins sent")
    })
  },
  {
    name: "gets a new access token when a session is renewed",
    run: Effect.gen(function* () {
      const { context } = yield* begin(subject)
      const manager = yield* managed(context)
      const session = yield* manager.session
      yield* same(yield* manager.session, session, "the session that the second call of the session manager returned")
      yield* TestClock.adjust("31 seconds")
      const other = yield* manager.renew(session)
      yield* ensure(
        Redacted.value(other.tokens.access) !== Redacted.value(session.tokens.access),
        "the access token must be new"
      )
      yield* works(subject, context, other)
    })
  },
  ...bare.map(bareCase(subject))
]

const refreshed = (subject: Subject): Case => ({
  name: "gets a valid session from a refresh",
  run: Effect.gen(function* () {
    const { context, renewal, world } = yield* begin(subject)
    const session = yield* signIn(subject, world, context)
    yield* ensure(
      session.tokens.refresh !== undefined,
      "the session must have a refresh token, because a session manager refreshes only sessions with a refresh token"
    )
    yield* TestClock.adjust("31 seconds")
    if (renewal.refresh === undefined) return yield* new ContractViolation({ message: "the renewal has no refresh" })
    const other = yield* renewal.refresh(session)
    yield* ensure(
      Redacted.value(other.tokens.access) !== Redacted.value(session.tokens.access),
      "the access token must be new"
    )
    yield* works(subject, context, other)
  })
})

const respond = (world: World) => (challenge: Parameters<NonNullable<World["answer"]>>[0]) =>
  world.answer === undefined ? Effect.die("the subject's world has no `answer`") : world.answer(challenge)

/** Cases for logins whose one-time code arrives by SMS or email. */
const withCodesOfAPerson = (subject: Subject): ReadonlyArray<Case> => [
  {
    name: "sends at most one login for two renewals if it cannot ask for a one-time code",
    run: Effect.gen(function* () {
      const { renewal, world } = yield* begin(subject)
      const endpoint = yield* endpointOf(subject, "Login")
      const reason = yield* failsWith(renewed(renewal.login), "ActionRequired")
      yield* ensure(reason.remedy.includes("Renewal.layerLoginWithStepUp"), reason.remedy)
      const sent = yield* timesAsked(world.fake, endpoint)
      yield* ensure(sent <= 1, `at most one login may be sent, but ${sent} logins were sent`)
      yield* failsWith(renewed(renewal.login), "ActionRequired")
      yield* same(yield* timesAsked(world.fake, endpoint), sent, "number of logins sent")
    })
  },
  {
    name: "renews with a one-time code from the user",
    run: Effect.gen(function* () {
      const { context, world } = yield* begin(subject)
      const asking = Renewal.layerLoginWithStepUp(respond(world)).pipe(
        Layer.provideMerge(Layer.succeedContext(context))
      ) as Layer.Layer<Renewal.Renewal>
      const { login } = Context.get(yield* Layer.build(asking), Renewal.Renewal)
      yield* works(subject, context, yield* renewed(login))
    })
  }
]

const waysOf = (subject: Subject): ReadonlyArray<Case> => {
  const by = subject.method.renewal?.by ?? []
  if (by.length === 0) return aPerson(subject)
  const logins = subject.codes === "person" ? withCodesOfAPerson(subject) : unattended(subject)
  return [...(by.includes("refresh") ? [refreshed(subject)] : []), ...(by.includes("login") ? logins : [])]
}

export const renewal = (subject: Subject): ReadonlyArray<Case> => [...common(subject), ...waysOf(subject)]
