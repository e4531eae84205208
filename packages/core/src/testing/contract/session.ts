import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import * as TestClock from "effect/testing/TestClock"
import { Authorize } from "../../Authorize.ts"
import type { Capability } from "../../Broker.ts"
import { Logout } from "../../Logout.ts"
import { Profile } from "../../Profile.ts"
import { Refresh } from "../../Refresh.ts"
import * as Session from "../../Session.ts"
import type { FakeBroker, Fault } from "../FakeBroker.ts"
import {
  type Case,
  endpointOf,
  ensure,
  failsWith,
  same,
  service,
  signedIn,
  type Subject,
  timesAsked,
  untilAsked
} from "./subject.ts"

const forged = (session: Session.Session): Session.Session =>
  Session.make({
    account: session.account,
    method: session.method,
    tokens: { ...session.tokens, access: Redacted.make("forged-token-1234567890") },
    issuedAt: session.issuedAt,
    expiry: () => undefined
  })

/** The call goes wrong in ways that leave open whether the broker acted, and is not repeated. */
const once = (
  subject: Subject,
  capability: Capability,
  call: (context: Parameters<typeof service>[0], session: Session.Session) => Effect.Effect<unknown, unknown>
): ReadonlyArray<Case> => {
  const faults: ReadonlyArray<readonly [string, Fault]> = [
    ["the broker answers 503", { kind: "status", status: 503 }],
    ["the connection is cut before the broker acts", { kind: "reset" }],
    ["the connection is cut after the broker acted", { kind: "lost" }]
  ]
  const name = capability.toLowerCase()
  return [
    ...faults.map(([what, fault]): Case => ({
      name: `sends a ${name} once when ${what}`,
      run: Effect.gen(function* () {
        const { context, session, world } = yield* signedIn(subject)
        const endpoint = yield* endpointOf(subject, capability)
        yield* world.fake.inject(endpoint, fault)
        yield* failsWith(call(context, session), "BrokerUnavailable")
        yield* same(yield* timesAsked(world.fake, endpoint), 1, `${endpoint} sent`)
      })
    })),
    {
      name: `sends a ${name} once when time runs out`,
      run: Effect.gen(function* () {
        const { context, session, world } = yield* signedIn(subject)
        const endpoint = yield* endpointOf(subject, capability)
        yield* world.fake.inject(endpoint, { kind: "latency", duration: "1 hour" })
        const fiber = yield* Effect.forkChild(call(context, session))
        yield* untilAsked(world.fake, endpoint, 1)
        yield* TestClock.adjust("11 seconds")
        yield* failsWith(Fiber.join(fiber), "BrokerUnavailable")
        yield* same(yield* timesAsked(world.fake, endpoint), 1, `${endpoint} sent`)
      })
    }
  ]
}

const refreshing = Effect.fnUntraced(function* (context: Parameters<typeof service>[0], session: Session.Session) {
  const { refresh } = yield* service(context, Refresh)
  return yield* refresh(session)
})

const loggingOut = Effect.fnUntraced(function* (context: Parameters<typeof service>[0], session: Session.Session) {
  const { logout } = yield* service(context, Logout)
  return yield* logout(session)
})

const asking = Effect.fnUntraced(function* (context: Parameters<typeof service>[0], session: Session.Session) {
  const { profile } = yield* service(context, Profile)
  return yield* profile(session)
})

/** How far the broker's end of the session is away, by the session's own word; a day if it does not say. */
const toItsEnd = (session: Session.Session, fake: FakeBroker) =>
  Effect.map(fake.now, (now) => (session.expiresAt === undefined ? 86_400_000 : session.expiresAt - now))

export const session = (subject: Subject): ReadonlyArray<Case> => [
  {
    name: "gives a session that goes to JSON and comes back",
    run: Effect.gen(function* () {
      const { session } = yield* signedIn(subject)
      const json = yield* Schema.encodeEffect(Session.SessionFromJson)(session)
      const back = yield* Schema.decodeEffect(Session.SessionFromJson)(json)
      yield* same(back, session, "session")
      yield* same(Redacted.value(back.tokens.access), Redacted.value(session.tokens.access), "access token")
    })
  },
  {
    name: "gives a session that shows no token when it is printed",
    run: Effect.gen(function* () {
      const { session } = yield* signedIn(subject)
      const printed = `${subject.inspect(session)} ${JSON.stringify(session)}`
      const tokens = Object.values(session.tokens) as ReadonlyArray<Redacted.Redacted<string>>
      yield* ensure(!tokens.some((token) => printed.includes(Redacted.value(token))), "a token was printed")
    })
  },
  {
    name: "gives a session that knows its end",
    run: Effect.gen(function* () {
      const { session } = yield* signedIn(subject)
      yield* ensure(!Session.isExpired(session, session.issuedAt), "alive at its beginning")
      const end = session.expiresAt
      if (end === undefined) return yield* same(session.expirySource, "unknown", "expirySource")
      yield* ensure(!Session.isExpired(session, end - 1) && Session.isExpired(session, end), "dead at its end")
    })
  }
]

export const profile = (subject: Subject): ReadonlyArray<Case> => [
  {
    name: "tells whose session it is",
    run: Effect.gen(function* () {
      const { context, session } = yield* signedIn(subject)
      yield* same((yield* asking(context, session)).id, session.account.id, "id")
    })
  },
  {
    name: "knows a forged token for what it is",
    run: Effect.gen(function* () {
      const { context, session } = yield* signedIn(subject)
      yield* failsWith(asking(context, forged(session)), "SessionExpired")
    })
  },
  {
    name: "finds the session alive until its end, and dead from then on",
    run: Effect.gen(function* () {
      const { context, session, world } = yield* signedIn(subject)
      yield* TestClock.adjust((yield* toItsEnd(session, world.fake)) - 1000)
      yield* asking(context, session)
      yield* TestClock.adjust("1 second")
      const reason = yield* failsWith(asking(context, session), "SessionExpired")
      yield* same(reason.isRetryable, false, "isRetryable")
    })
  },
  {
    name: "asks once more when the connection was cut, since nothing can happen twice",
    run: Effect.gen(function* () {
      const { context, session, world } = yield* signedIn(subject)
      const endpoint = yield* endpointOf(subject, "Profile")
      const before = yield* timesAsked(world.fake, endpoint)
      yield* world.fake.inject(endpoint, { kind: "reset" })
      yield* asking(context, session)
      yield* same((yield* timesAsked(world.fake, endpoint)) - before, 2, `${endpoint} sent`)
    })
  },
  {
    name: "gives up when the connection is cut again",
    run: Effect.gen(function* () {
      const { context, session, world } = yield* signedIn(subject)
      const endpoint = yield* endpointOf(subject, "Profile")
      yield* world.fake.inject(endpoint, { kind: "reset" }, 3)
      yield* failsWith(asking(context, session), "BrokerUnavailable")
    })
  }
]

export const refresh = (subject: Subject): ReadonlyArray<Case> => [
  {
    name: "renews a session, and keeps whose it is",
    run: Effect.gen(function* () {
      const { context, session } = yield* signedIn(subject)
      const renewed = yield* refreshing(context, session)
      yield* same([renewed.account, renewed.method], [session.account, session.method], "account, method")
      yield* ensure(Redacted.value(renewed.tokens.access) !== Redacted.value(session.tokens.access), "a new token")
      yield* same(renewed.issuedAt, session.issuedAt + 31_000, "issuedAt")
      yield* same(Redacted.isRedacted(renewed.tokens.refresh), true, "refresh token")
    })
  },
  {
    name: "finds the session before the refresh dead",
    run: Effect.gen(function* () {
      const { context, session } = yield* signedIn(subject)
      const renewed = yield* refreshing(context, session)
      yield* asking(context, renewed)
      yield* failsWith(asking(context, session), "SessionExpired")
    })
  },
  {
    name: "takes a refresh token only once",
    run: Effect.gen(function* () {
      const { context, session } = yield* signedIn(subject)
      yield* refreshing(context, session)
      yield* TestClock.adjust("31 seconds")
      yield* failsWith(refreshing(context, session), "SessionExpired")
    })
  },
  {
    name: "renews no session that has no refresh token, and sends nothing",
    run: Effect.gen(function* () {
      const { context, session, world } = yield* signedIn(subject)
      const bare = Session.make({
        ...session,
        tokens: { access: session.tokens.access },
        expiry: () => undefined
      })
      yield* failsWith(refreshing(context, bare), "SessionExpired")
      yield* same(yield* timesAsked(world.fake, yield* endpointOf(subject, "Refresh")), 0, "refreshes sent")
    })
  },
  {
    name: "renews no session after its end",
    run: Effect.gen(function* () {
      const { context, session, world } = yield* signedIn(subject)
      yield* TestClock.adjust(yield* toItsEnd(session, world.fake))
      yield* failsWith(refreshing(context, session), "SessionExpired")
    })
  },
  ...once(subject, "Refresh", refreshing)
]

/** A logout that the broker knows; where it knows none, the receipt says so and nothing is sent. */
export const logout = (subject: Subject): ReadonlyArray<Case> =>
  subject.endpoints.Logout === undefined
    ? [
        {
          name: "says that a logout is local, and sends nothing",
          run: Effect.gen(function* () {
            const { context, session, world } = yield* signedIn(subject)
            const before = (yield* world.fake.journal).length
            const receipt = yield* loggingOut(context, session)
            yield* same(receipt, { _tag: "LocalOnly", account: session.account, why: "no-such-call" }, "receipt")
            yield* same((yield* world.fake.journal).length, before, "requests")
          })
        }
      ]
    : [
        {
          name: "ends a session at the broker, and says so",
          run: Effect.gen(function* () {
            const { context, session } = yield* signedIn(subject)
            yield* same(yield* loggingOut(context, session), { _tag: "Revoked", account: session.account }, "receipt")
            if (!subject.method.capabilities.includes("Profile")) return
            yield* failsWith(asking(context, session), "SessionExpired")
          })
        },
        {
          name:
            subject.logoutAgain === "confirmed"
              ? "takes the broker's word for the end of a session that was over already"
              : "says that a session was over already",
          run: Effect.gen(function* () {
            const { context, session } = yield* signedIn(subject)
            yield* loggingOut(context, session)
            yield* TestClock.adjust("31 seconds")
            const { account } = session
            const expected =
              subject.logoutAgain === "confirmed"
                ? { _tag: "Revoked", account }
                : { _tag: "LocalOnly", account, why: "already-over" }
            yield* same(yield* loggingOut(context, session), expected, "receipt")
          })
        },
        ...once(subject, "Logout", loggingOut)
      ]

export const authorize = (subject: Subject): ReadonlyArray<Case> => [
  {
    name: "wraps every secret among the headers that carry a session",
    run: Effect.gen(function* () {
      const { context, session } = yield* signedIn(subject)
      const { headers, origins } = yield* service(context, Authorize)
      const entries = Object.entries(headers(session))
      const plain = entries.flatMap(([, value]) => (Redacted.isRedacted(value) ? [] : [value]))
      const tokens = (Object.values(session.tokens) as ReadonlyArray<Redacted.Redacted<string>>).map(Redacted.value)
      yield* ensure(!plain.some((value) => tokens.some((token) => value.includes(token))), "a token is not wrapped")
      for (const [name, value] of entries) {
        if (!subject.broker.secretHeaders.includes(name.toLowerCase())) continue
        yield* ensure(Redacted.isRedacted(value), `${name} is wrapped`)
      }
      yield* ensure(entries.length > 0 && origins.length > 0, "headers and origins")
    })
  },
  ...(subject.method.capabilities.includes("Profile") ? [acceptedHeaders(subject)] : [])
]

const acceptedHeaders = (subject: Subject): Case => ({
  name: "carries a session with the headers that the broker accepts",
  run: Effect.gen(function* () {
    const { context, session, world } = yield* signedIn(subject)
    const { headers } = yield* service(context, Authorize)
    yield* asking(context, session)
    const sent = (yield* world.fake.journal).at(-1)
    for (const [name, value] of Object.entries(headers(session))) {
      yield* same(sent?.headers[name.toLowerCase()], Redacted.isRedacted(value) ? Redacted.value(value) : value, name)
    }
  })
})
