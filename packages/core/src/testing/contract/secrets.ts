import type * as Context from "effect/Context"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Exit from "effect/Exit"
import * as Redacted from "effect/Redacted"
import * as TestClock from "effect/testing/TestClock"
import { Logout } from "../../login/Logout.ts"
import { Profile } from "../../login/Profile.ts"
import { Refresh } from "../../login/Refresh.ts"
import type { Session } from "../../login/Session.ts"
import * as Canary from "../Canary.ts"
import type { Fault } from "../FakeBroker.ts"
import {
  type Case,
  endpointOf,
  ensure,
  provides,
  same,
  service,
  signIn,
  start,
  type Subject,
  type World
} from "./subject.ts"

/** Checks that the logs, the spans, and the printed result or failure of `effect` contain no secret. */
export const watched = Effect.fnUntraced(function* (
  subject: Subject,
  effect: Effect.Effect<unknown, unknown>,
  secrets: Effect.Effect<ReadonlyArray<string>>
): Effect.fn.Return<Exit.Exit<unknown, unknown>, unknown> {
  const net = yield* Canary.make
  const logged = Effect.tapError(effect, (error) => Effect.logError("it failed", error))
  const exit = yield* logged.pipe(
    Effect.tap((value) => Effect.logInfo("it worked", value)),
    Effect.withSpan("program"),
    Effect.withLogSpan("program"),
    Effect.exit,
    Effect.provide(net.layer)
  )
  Canary.show(net, exit, subject.inspect)
  yield* ensure(net.spans().length > 1, "a call must create a span if there is a tracer")
  yield* same(Canary.leaks(net, yield* secrets), [], "leaked secrets")
  return exit
})

const answers: ReadonlyArray<readonly [string, Fault]> = [
  ["an HTML page that quotes the request", { kind: "quote", as: "page" }],
  ["JSON that quotes the request", { kind: "quote", as: "json" }],
  ["a refusal that quotes the request", { kind: "quote", as: "refusal" }],
  ["a page of the broker's firewall", { kind: "waf" }],
  ["a cut connection instead of an answer", { kind: "lost" }]
]

/**
 * In a request body, each text in double quotes counts as a code if the text contains four digits in a row. Public
 * credentials, such as a user id, do not count.
 */
const codesIn = (subject: Subject, world: World) =>
  Effect.map(world.fake.journal, (entries) => {
    const account = world.fake.accounts[0] ?? {}
    const open = Object.entries(subject.method.credentials).filter(([, field]) => !field.secret)
    const known = new Set(open.map(([name]) => account[name]))
    return entries
      .flatMap(({ body }) => Array.from(body.matchAll(/"([^"]*\d{4}[^"]*)"/g), ([, value = ""]) => value))
      .filter((value) => !known.has(value))
  })

const life = (
  subject: Subject,
  pause: Duration.Input,
  use: (context: Context.Context<never>, session: Session) => Effect.Effect<unknown, unknown>
) =>
  Effect.gen(function* () {
    const world = yield* start(subject)
    const context = yield* world.build()
    const tokens: Array<string> = []
    yield* watched(
      subject,
      Effect.gen(function* () {
        const session = yield* signIn(subject, world, context)
        const held = Object.values(session.tokens) as ReadonlyArray<Redacted.Redacted<string>>
        tokens.push(...held.map(Redacted.value))
        yield* TestClock.adjust(pause)
        return yield* use(context, session)
      }),
      Effect.sync(() => [...world.secrets, ...tokens])
    )
    yield* ensure(tokens.length > 0, "the login must return a session")
  })

export const secrets = (subject: Subject): ReadonlyArray<Case> => [
  {
    name: "shows no secret from login to logout",
    run: life(subject, "31 seconds", (context, session) =>
      Effect.gen(function* () {
        const profile = provides(context, "Profile") ? yield* (yield* service(context, Profile)).profile(session) : 0
        const live = provides(context, "Refresh") ? yield* (yield* service(context, Refresh)).refresh(session) : session
        const receipt = yield* (yield* service(context, Logout)).logout(live)
        return { context, live, profile, receipt, session }
      })
    )
  },
  ...(subject.method.capabilities.includes("Login")
    ? answers.map(([what, fault]): Case => ({
        name: `shows no secret if a login gets ${what}`,
        run: Effect.gen(function* () {
          const world = yield* start(subject)
          const context = yield* world.build()
          yield* world.fake.inject(yield* endpointOf(subject, "Login"), fault)
          const ask = signIn(subject, world, context)
          const exit = yield* watched(
            subject,
            ask,
            Effect.map(codesIn(subject, world), (codes) => [...world.secrets, ...codes])
          )
          yield* same(exit._tag, "Failure", "result of the login")
        })
      }))
    : []),
  {
    name: "shows no secret if an expired session is logged out",
    run: life(subject, "2 days", (context, session) =>
      Effect.flatMap(service(context, Logout), ({ logout }) => logout(session))
    )
  }
]
