import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import * as TestClock from "effect/testing/TestClock"
import { Authorize } from "../../login/Authorize.ts"
import type { Capability } from "../../broker/Broker.ts"
import { Logout } from "../../login/Logout.ts"
import { Profile } from "../../login/Profile.ts"
import { Refresh } from "../../login/Refresh.ts"
import * as Session from "../../login/Session.ts"
import * as SessionJson from "../../login/SessionJson.ts"
import type { FakeBroker, Fault } from "../FakeBroker.ts"
import {
  type Case,
  ContractViolation,
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

type Call = (context: Parameters<typeof service>[0], session: Session.Session) => Effect.Effect<unknown, unknown>

/** After a fault, `call` must not be sent again, because the broker may have processed the request. */
const once = (subject: Subject, capability: Capability, call: Call): ReadonlyArray<Case> => {
  const faults: ReadonlyArray<readonly [string, Fault]> = [
    ["the answer is HTTP 503", { kind: "status", status: 503 }],
    ["the connection is cut before the broker processes it", { kind: "reset" }],
    ["the connection is cut after the broker processes it", { kind: "lost" }]
  ]
  const name = capability.toLowerCase()
  return [
    ...faults.map(([what, fault]): Case => ({
      name: `sends a ${name} request exactly once if ${what}`,
      run: Effect.gen(function* () {
        const { context, session, world } = yield* signedIn(subject)
        const endpoint = yield* endpointOf(subject, capability)
        yield* world.fake.inject(endpoint, fault)
        yield* failsWith(call(context, session), "BrokerUnavailable")
        yield* same(yield* timesAsked(world.fake, endpoint), 1, `number of ${endpoint} requests`)
      })
    })),
    {
      name: `sends a ${name} request exactly once if it times out`,
      run: Effect.gen(function* () {
        const { context, session, world } = yield* signedIn(subject)
        const endpoint = yield* endpointOf(subject, capability)
        yield* world.fake.inject(endpoint, { kind: "latency", duration: "1 hour" })
        const fiber = yield* Effect.forkChild(call(context, session))
        yield* untilAsked(world.fake, endpoint, 1)
        yield* TestClock.adjust("11 seconds")
        yield* failsWith(Fiber.join(fiber), "BrokerUnavailable")
        yield* same(yield* timesAsked(world.fake, endpoint), 1, `number of ${endpoint} requests`)
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

/** Milliseconds until the session expires. One day if the expiry is unknown. */
const toItsEnd = (session: Session.Session, fake: FakeBroker) =>
  Effect.map(fake.now, (now) => (session.expiresAt === undefined ? 86_400_000 : session.expiresAt - now))

export const session = (subject: Subject): ReadonlyArray<Case> => [
  {
    name: "returns a session that can be converted to JSON and back",
    run: Effect.gen(function* () {
      const { session } = yield* signedIn(subject)
      const json = yield* Schema.encodeEffect(SessionJson.SessionFromJson)(session)
      const back = yield* Schema.decodeEffect(SessionJson.SessionFromJson)(json)
      yield* same(back, session, "session")
      yield* same(Redacted.value(back.tokens.access), Redacted.value(session.tokens.access), "access token")
    })
  },
  {
    name: "returns a session that hides its tokens when printed",
    run: Effect.gen(function* () {
      const { session } = yield* signedIn(subject)
      const printed = `${subject.inspect(session)} ${JSON.stringify(session)}`
      const tokens = Object.values(session.tokens) as ReadonlyArray<Redacted.Redacted<string>>
      yield* ensure(!tokens.some((token) => printed.includes(Redacted.value(token))), "a token was printed")
    })
  },
  {
    name: "returns a session that expires exactly at its `expiresAt`",
    run: Effect.gen(function* () {
      const { session } = yield* signedIn(subject)
      yield* ensure(!Session.isExpired(session, session.issuedAt), "the session must not be expired at its start")
      const end = session.expiresAt
      if (end === undefined) return yield* same(session.expirySource, "unknown", "expirySource")
      yield* ensure(
        !Session.isExpired(session, end - 1) && Session.isExpired(session, end),
        "the session must expire exactly at `expiresAt`"
      )
    })
  }
]

/** Wrong values that a program without type checks may pass instead of a session. */
const noSessions: ReadonlyArray<readonly [string, unknown]> = [
  ["undefined", undefined],
  ["null", null],
  ["text", "eyJ"],
  ["an empty object", {}],
  ["a session without tokens", { account: { broker: "tiny", id: "T1" } }],
  [
    "a session with a token that is not wrapped in Redacted",
    { account: { broker: "tiny", id: "T1" }, tokens: { access: "eyJ" } }
  ]
]

const withoutSession = (subject: Subject, capability: Capability, call: Call): Case => ({
  name: `fails with SessionExpired if a ${capability.toLowerCase()} call gets no valid session`,
  run: Effect.gen(function* () {
    const { context, world } = yield* signedIn(subject)
    const before = (yield* world.fake.journal).length
    for (const [what, given] of noSessions) {
      const reason = yield* failsWith(
        Effect.suspend(() => call(context, given as Session.Session)),
        "SessionExpired"
      )
      yield* same(reason._tag === "SessionExpired" && reason.why, "missing", `why for ${what}`)
    }
    yield* same((yield* world.fake.journal).length, before, "number of requests")
  })
})

export const profile = (subject: Subject): ReadonlyArray<Case> => [
  withoutSession(subject, "Profile", asking),
  {
    name: "returns the profile of the session's account",
    run: Effect.gen(function* () {
      const { context, session } = yield* signedIn(subject)
      yield* same((yield* asking(context, session)).id, session.account.id, "id")
    })
  },
  {
    name: "accepts a session that the fake broker restored from a snapshot",
    run: Effect.gen(function* () {
      const { context, session, world } = yield* signedIn(subject)
      const { fake } = world
      const snapshot: unknown = JSON.parse(JSON.stringify(yield* fake.snapshot))
      yield* fake.reset
      yield* failsWith(asking(context, session), "SessionExpired")
      const restore = fake.readSnapshot(snapshot)
      if (restore === undefined)
        return yield* new ContractViolation({ message: "the fake broker rejects its own snapshot" })
      yield* restore
      yield* same((yield* asking(context, session)).id, session.account.id, "id")
    })
  },
  {
    name: "fails with SessionExpired for a forged token",
    run: Effect.gen(function* () {
      const { context, session } = yield* signedIn(subject)
      yield* failsWith(asking(context, forged(session)), "SessionExpired")
    })
  },
  {
    name: "accepts a session only before its expiry",
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
    name: "sends the profile call again if the connection was cut",
    run: Effect.gen(function* () {
      const { context, session, world } = yield* signedIn(subject)
      const endpoint = yield* endpointOf(subject, "Profile")
      const before = yield* timesAsked(world.fake, endpoint)
      yield* world.fake.inject(endpoint, { kind: "reset" })
      yield* asking(context, session)
      yield* same((yield* timesAsked(world.fake, endpoint)) - before, 2, `number of ${endpoint} requests`)
    })
  },
  {
    name: "fails with BrokerUnavailable if every profile call's connection is cut",
    run: Effect.gen(function* () {
      const { context, session, world } = yield* signedIn(subject)
      const endpoint = yield* endpointOf(subject, "Profile")
      yield* world.fake.inject(endpoint, { kind: "reset" }, 3)
      yield* failsWith(asking(context, session), "BrokerUnavailable")
    })
  }
]

export const refresh = (subject: Subject): ReadonlyArray<Case> => [
  withoutSession(subject, "Refresh", refreshing),
  {
    name: "returns a new session of the same account after a refresh",
    run: Effect.gen(function* () {
      const { context, session } = yield* signedIn(subject)
      const renewed = yield* refreshing(context, session)
      yield* same([renewed.account, renewed.method], [session.account, session.method], "account, method")
      yield* ensure(
        Redacted.value(renewed.tokens.access) !== Redacted.value(session.tokens.access),
        "the access token must be new"
      )
      yield* same(renewed.issuedAt, session.issuedAt + 31_000, "issuedAt")
      yield* same(Redacted.isRedacted(renewed.tokens.refresh), true, "refresh token")
    })
  },
  {
    name: "makes the previous session invalid after a refresh",
    run: Effect.gen(function* () {
      const { context, session } = yield* signedIn(subject)
      const renewed = yield* refreshing(context, session)
      yield* asking(context, renewed)
      yield* failsWith(asking(context, session), "SessionExpired")
    })
  },
  {
    name: "accepts a refresh token only once",
    run: Effect.gen(function* () {
      const { context, session } = yield* signedIn(subject)
      yield* refreshing(context, session)
      yield* TestClock.adjust("31 seconds")
      yield* failsWith(refreshing(context, session), "SessionExpired")
    })
  },
  {
    name: "sends no refresh request without a refresh token",
    run: Effect.gen(function* () {
      const { context, session, world } = yield* signedIn(subject)
      const bare = Session.make({
        ...session,
        tokens: { access: session.tokens.access },
        expiry: () => undefined
      })
      yield* failsWith(refreshing(context, bare), "SessionExpired")
      yield* same(yield* timesAsked(world.fake, yield* endpointOf(subject, "Refresh")), 0, "number of refreshes sent")
    })
  },
  {
    name: "refuses to refresh an expired session",
    run: Effect.gen(function* () {
      const { context, session, world } = yield* signedIn(subject)
      yield* TestClock.adjust(yield* toItsEnd(session, world.fake))
      yield* failsWith(refreshing(context, session), "SessionExpired")
    })
  },
  ...once(subject, "Refresh", refreshing)
]

export const logout = (subject: Subject): ReadonlyArray<Case> =>
  subject.endpoints.Logout === undefined
    ? [
        withoutSession(subject, "Logout", loggingOut),
        {
          name: "returns LocalOnly if the broker has no logout call",
          run: Effect.gen(function* () {
            const { context, session, world } = yield* signedIn(subject)
            const before = (yield* world.fake.journal).length
            const receipt = yield* loggingOut(context, session)
            yield* same(
              receipt,
              { _tag: "LocalOnly", account: session.account, why: "no-such-call" },
              "the result of the logout"
            )
            yield* same((yield* world.fake.journal).length, before, "number of requests")
          })
        }
      ]
    : [
        withoutSession(subject, "Logout", loggingOut),
        {
          name: "returns Revoked for a logout that ends the session",
          run: Effect.gen(function* () {
            const { context, session } = yield* signedIn(subject)
            yield* same(
              yield* loggingOut(context, session),
              { _tag: "Revoked", account: session.account },
              "the result of the logout"
            )
            if (!subject.method.capabilities.includes("Profile")) return
            yield* failsWith(asking(context, session), "SessionExpired")
          })
        },
        {
          name:
            subject.logoutAgain === "confirmed"
              ? "returns Revoked for a second logout"
              : "returns LocalOnly for a second logout",
          run: Effect.gen(function* () {
            const { context, session } = yield* signedIn(subject)
            yield* loggingOut(context, session)
            yield* TestClock.adjust("31 seconds")
            const { account } = session
            const expected =
              subject.logoutAgain === "confirmed"
                ? { _tag: "Revoked", account }
                : { _tag: "LocalOnly", account, why: "already-over" }
            yield* same(yield* loggingOut(context, session), expected, "the result of the logout")
          })
        },
        ...once(subject, "Logout", loggingOut)
      ]

export const authorize = (subject: Subject): ReadonlyArray<Case> => [
  {
    name: "wraps each secret header of a session in Redacted",
    run: Effect.gen(function* () {
      const { context, session } = yield* signedIn(subject)
      const { headers, origins } = yield* service(context, Authorize)
      const entries = Object.entries(headers(session))
      const plain = entries.flatMap(([, value]) => (Redacted.isRedacted(value) ? [] : [value]))
      const tokens = (Object.values(session.tokens) as ReadonlyArray<Redacted.Redacted<string>>).map(Redacted.value)
      yield* ensure(
        !plain.some((value) => tokens.some((token) => value.includes(token))),
        "a header shows a token that is not wrapped in Redacted"
      )
      for (const [name, value] of entries) {
        if (!subject.broker.secretHeaders.includes(name.toLowerCase())) continue
        yield* ensure(Redacted.isRedacted(value), `the header ${name} must be wrapped in Redacted`)
      }
      yield* ensure(entries.length > 0 && origins.length > 0, "there must be headers and origins")
    })
  },
  ...(subject.method.capabilities.includes("Profile") ? [acceptedHeaders(subject)] : []),
  rejectedToken(subject),
  {
    name: "reports SessionExpired only for answers that reject the token",
    run: Effect.gen(function* () {
      const { context, session } = yield* signedIn(subject)
      const { refusal } = yield* service(context, Authorize)
      const fault = subject.refusal("ZZ9999")
      const unknown =
        fault.kind === "answer" ? refusal({ headers: {}, status: fault.status, text: fault.body }, session) : undefined
      yield* same(
        unknown?.reason._tag === "SessionExpired",
        false,
        "whether an unknown error code is reported as SessionExpired"
      )
      for (const [status, text] of harmless) {
        const found = refusal({ status, headers: {}, text }, session)?.reason._tag
        yield* ensure(found !== "SessionExpired", `HTTP ${status} ${text}`)
        if (status < 300) yield* same(found, undefined, `HTTP ${status} ${text}`)
      }
    })
  },
  {
    name: "puts no token from the answer into the error",
    run: Effect.gen(function* () {
      const { context, session } = yield* signedIn(subject)
      const { headers, refusal } = yield* service(context, Authorize)
      const sent = Object.values(headers(session)).flatMap((value) => (Redacted.isRedacted(value) ? [value] : []))
      const secrets = [...sent, ...(Object.values(session.tokens) as typeof sent)].map(Redacted.value)
      const message = `you sent ${secrets.join(" and ")}`
      const quoted = { status: false, success: false, stat: "Not_Ok", message, emsg: message, errorcode: secrets[0] }
      for (const body of [
        quoted,
        { ...quoted, status: "Not ok", errorCode: secrets[0] },
        { ...quoted, status: "error" }
      ]) {
        const error = refusal({ status: 400, headers: {}, text: JSON.stringify(body) }, session)
        const shown = `${subject.inspect(error)} ${JSON.stringify(error)} ${error?.message}`
        yield* ensure(error !== undefined && !secrets.some((secret) => shown.includes(secret)), "a secret was shown")
      }
    })
  }
]

/** None of these answers to orders and data calls rejects the token. */
const harmless: ReadonlyArray<readonly [number, string]> = [
  [200, ""],
  [200, "[]"],
  [200, "null"],
  [200, `{"rows":[{"token":"expired","session":"invalid"}]}`],
  [200, "token,symbol,expiry\n2885,RELIANCE,2026-11-26\n"],
  [204, ""],
  [400, `{"rows":[]}`],
  [403, "<html><body>Forbidden</body></html>"],
  [404, "<html><body>Not Found</body></html>"],
  [429, "Too Many Requests"],
  [500, ""],
  [502, "<html><body>Bad Gateway: session token expired</body></html>"],
  [503, "Service Unavailable"]
]

const askFake = Effect.fnUntraced(function* (
  fake: FakeBroker,
  call: NonNullable<Subject["call"]>,
  headers: Readonly<Record<string, string | Redacted.Redacted<string>>>
) {
  const plain = Object.entries(headers).map(([name, value]) => [
    name,
    Redacted.isRedacted(value) ? Redacted.value(value) : value
  ])
  const init = { method: call.method, headers: Object.fromEntries(plain) as Record<string, string> }
  const request = new Request(call.url, call.method === "GET" ? init : { ...init, body: call.body })
  const response = yield* Effect.promise(() => fake.respond(request))
  const text = yield* Effect.promise(() => response.text())
  return { status: response.status, headers: Object.fromEntries(response.headers), text }
})

const rejectedToken = (subject: Subject): Case => ({
  name: "reports SessionExpired for an answer that rejects the token",
  run: Effect.gen(function* () {
    const { context, session, world } = yield* signedIn(subject)
    const { headers, refusal } = yield* service(context, Authorize)
    if (subject.call === undefined) yield* asking(context, session)
    const call = subject.call ?? (yield* world.fake.journal).at(-1)
    if (call === undefined)
      return yield* new ContractViolation({
        message: "the fake received no call that uses the session: set `call` of the subject"
      })
    // Time passes between the calls, so that no rate limit applies.
    yield* TestClock.adjust("2 seconds")
    const live = yield* askFake(world.fake, call, headers(session))
    yield* same(refusal(live, session), undefined, "the error for the answer to a valid token")
    yield* TestClock.adjust("2 seconds")
    const rejected = forged(session)
    const error = refusal(yield* askFake(world.fake, call, headers(rejected)), rejected)
    yield* same([error?.reason._tag, error?.operation], ["SessionExpired", "request"], "reason, operation")
  })
})

const acceptedHeaders = (subject: Subject): Case => ({
  name: "returns the headers that the profile call sends",
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
