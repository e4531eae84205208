import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Redacted from "effect/Redacted"
import * as TestClock from "effect/testing/TestClock"
import type { Reason } from "../../login/AuthError.ts"
import { Login } from "../../login/Login.ts"
import type { Fault } from "../FakeBroker.ts"
import {
  type Case,
  endpointOf,
  ensure,
  failsWith,
  morning,
  same,
  service,
  signIn,
  start,
  type Subject,
  timesAsked,
  untilAsked
} from "./subject.ts"

const begin = Effect.fnUntraced(function* (subject: Subject) {
  const world = yield* start(subject)
  const context = yield* world.build()
  const { login } = yield* service(context, Login)
  const endpoint = yield* endpointOf(subject, "Login")
  return { ...world, context, endpoint, login, world }
})

const mishaps: ReadonlyArray<readonly [string, Fault, Reason["_tag"]]> = [
  ["the answer is HTTP 500", { kind: "status", status: 500 }, "BrokerUnavailable"],
  ["the answer is HTTP 503", { kind: "status", status: 503 }, "BrokerUnavailable"],
  [
    "the answer is HTTP 502 with an HTML page",
    answer(502, "<html><body>Bad Gateway</body></html>"),
    "BrokerUnavailable"
  ],
  ["the answer is HTTP 429", { kind: "status", status: 429 }, "RateLimited"],
  ["the broker's rate limiter refuses the login", { kind: "rate-limit" }, "RateLimited"],
  ["the broker's firewall blocks the login", { kind: "waf" }, "PermissionDenied"],
  ["the connection is cut before the login is processed", { kind: "reset" }, "BrokerUnavailable"],
  ["the connection is cut after the login is processed", { kind: "lost" }, "BrokerUnavailable"],
  ["the answer is empty", answer(200, ""), "MalformedResponse"],
  ["the answer is an HTML page", answer(200, "<!doctype html><title>Maintenance</title>"), "MalformedResponse"],
  ["the answer is truncated JSON", answer(200, `{"status":true,"data":{"jwt`), "MalformedResponse"],
  ["the answer is JSON of an unexpected form", answer(200, "[1,2,3]"), "MalformedResponse"],
  ["the answer is null", answer(200, "null"), "MalformedResponse"],
  [
    "the answer is a redirect to another host",
    answer(302, "", { location: "https://example.com/" }),
    "MalformedResponse"
  ]
]

function answer(status: number, body: string, headers: Readonly<Record<string, string>> = {}): Fault {
  return { kind: "answer", status, body, headers }
}

const mishapCase =
  (subject: Subject) =>
  ([name, fault, tag]: (typeof mishaps)[number]): Case => ({
    name: `sends a login exactly once if ${name}`,
    run: Effect.gen(function* () {
      const { endpoint, fake, login } = yield* begin(subject)
      yield* fake.inject(endpoint, fault)
      yield* failsWith(login, tag)
      yield* same(yield* timesAsked(fake, endpoint), 1, "number of logins sent")
    })
  })

const wrongCase =
  (subject: Subject) =>
  ([what, changes]: readonly [string, Subject["wrongCredentials"][string]]): Case => ({
    name: `fails with InvalidCredentials for a wrong ${what}`,
    run: Effect.gen(function* () {
      const { build, fake } = yield* start(subject)
      const { login } = yield* service(yield* build(changes), Login)
      const reason = yield* failsWith(login, "InvalidCredentials")
      yield* same(reason.isRetryable, false, "isRetryable")
      yield* same(yield* timesAsked(fake, yield* endpointOf(subject, "Login")), 1, "number of logins sent")
    })
  })

const freshCode = (subject: Subject): Case => ({
  name: "does not send the same TOTP code twice",
  run: Effect.gen(function* () {
    const { endpoint, fake, login } = yield* begin(subject)
    yield* login
    const again = yield* Effect.forkChild(login)
    yield* TestClock.withLive(Effect.sleep("20 millis"))
    yield* same(yield* timesAsked(fake, endpoint), 1, "number of logins sent in one period")
    // The second login waits for the next TOTP period. The clock advances only once: a second `adjust` could
    // make the code too old before the fake broker receives the code.
    yield* TestClock.adjust("30 seconds")
    yield* Fiber.join(again)
    yield* same(yield* timesAsked(fake, endpoint), 2, "number of logins sent")
  })
})

const twice = (subject: Subject): Case => ({
  name: "sends one login request for each of two logins",
  run: Effect.gen(function* () {
    const { endpoint, fake, login } = yield* begin(subject)
    yield* login
    yield* TestClock.adjust("31 seconds")
    yield* login
    yield* same(yield* timesAsked(fake, endpoint), 2, "number of logins sent")
  })
})

export const login = (subject: Subject): ReadonlyArray<Case> => [
  {
    name: "returns a session with a token, account, broker and method",
    run: Effect.gen(function* () {
      const { context, world } = yield* begin(subject)
      const session = yield* signIn(subject, world, context)
      yield* same([session.account.broker, session.method], [subject.broker.id, subject.method.id], "broker, method")
      yield* ensure(session.account.id !== "", "the account must have an id")
      yield* ensure(Redacted.value(session.tokens.access).length > 8, "the access token is too short")
    })
  },
  {
    name: "returns a session that lasts for at most one day if its expiry is known",
    run: Effect.gen(function* () {
      const { context, world } = yield* begin(subject)
      const { expiresAt, issuedAt } = yield* signIn(subject, world, context)
      yield* same(issuedAt, morning, "issuedAt")
      const lives = (expiresAt ?? issuedAt) - issuedAt
      yield* ensure(
        lives >= 0 && lives <= 86_400_000,
        `the session must last at most one day, but lasts ${lives} milliseconds`
      )
    })
  },
  {
    name: "sends one login request for one login",
    run: Effect.gen(function* () {
      const { endpoint, fake, login } = yield* begin(subject)
      yield* login
      yield* same(yield* timesAsked(fake, endpoint), 1, "number of logins sent")
    })
  },
  {
    name: "trims white space around credentials",
    run: Effect.gen(function* () {
      const world = yield* start(subject)
      const account = { ...world.fake.accounts[0] }
      const padded = Object.keys(subject.method.credentials).flatMap((name) => {
        const value = account[name === "totp" ? "totpSecret" : name]
        return value === undefined ? [] : [[name, `  ${value}\n`]]
      })
      yield* ensure(padded.length > 0, "the account must have credentials")
      yield* signIn(subject, world, yield* world.build({ credentials: Object.fromEntries(padded) }))
    })
  },
  {
    name: "sends no tracing header, even inside a span",
    run: Effect.gen(function* () {
      const { fake, login } = yield* begin(subject)
      yield* Effect.withSpan(login, "program")
      const headers = (yield* fake.journal).flatMap((entry) => Object.keys(entry.headers))
      yield* ensure(
        !headers.some((name) => /^(?:b3|traceparent|tracestate|baggage|x-b3-.*)$/.test(name)),
        `the headers must not contain a tracing header: ${headers.join(", ")}`
      )
    })
  },
  {
    name:
      subject.loginCarries === "session-before"
        ? "sends the previous session's token only in the body of a login"
        : "does not send the previous session's token with a login",
    run: Effect.gen(function* () {
      const { context, endpoint, fake, login, world } = yield* begin(subject)
      const session = yield* signIn(subject, world, context)
      yield* TestClock.adjust("31 seconds")
      yield* login
      const token = Redacted.value(session.tokens.access)
      const entries = (yield* fake.journal).filter((entry) => entry.endpoint === endpoint)
      const bodies = entries.map(({ body }) => body)
      const others = entries.map(({ headers, url }) => [headers, url])
      yield* ensure(
        !JSON.stringify(others).includes(token),
        "the headers or the URL of a login contain the token of the first login"
      )
      const expected = subject.loginCarries === "session-before" ? [false, true] : bodies.map(() => false)
      yield* same(
        bodies.map((body) => body.includes(token)),
        expected,
        "whether each request body contains the token of the first login"
      )
    })
  },
  ...mishaps.map(mishapCase(subject)),
  {
    name: "fails with a MalformedResponse that has no excerpt if the answer has 20 megabytes",
    run: Effect.gen(function* () {
      const { endpoint, fake, login } = yield* begin(subject)
      yield* fake.inject(endpoint, answer(200, `{"status":true,"data":"${"x".repeat(20_000_000)}"}`))
      const reason = yield* failsWith(login, "MalformedResponse")
      yield* same(reason._tag === "MalformedResponse" && reason.excerpt, "", "excerpt")
      yield* same(yield* timesAsked(fake, endpoint), 1, "number of logins sent")
    })
  },
  {
    name: "sends a login exactly once if it times out",
    run: Effect.gen(function* () {
      const { endpoint, fake, login } = yield* begin(subject)
      yield* fake.inject(endpoint, { kind: "latency", duration: "1 hour" })
      const fiber = yield* Effect.forkChild(login)
      yield* untilAsked(fake, endpoint, 1)
      yield* TestClock.adjust("11 seconds")
      const reason = yield* failsWith(Fiber.join(fiber), "BrokerUnavailable")
      yield* same(reason._tag === "BrokerUnavailable" && reason.why, "time-out", "why")
      yield* TestClock.adjust("10 minutes")
      yield* same(yield* timesAsked(fake, endpoint), 1, "number of logins sent")
    })
  },
  {
    name: "sends a login exactly once if it is interrupted",
    run: Effect.gen(function* () {
      const { endpoint, fake, login } = yield* begin(subject)
      yield* fake.inject(endpoint, { kind: "latency", duration: "1 hour" })
      const fiber = yield* Effect.forkChild(login)
      yield* untilAsked(fake, endpoint, 1)
      yield* Fiber.interrupt(fiber)
      yield* TestClock.adjust("10 minutes")
      yield* same(yield* timesAsked(fake, endpoint), 1, "number of logins sent")
    })
  },
  {
    name: "can log in again after a failed login",
    run: Effect.gen(function* () {
      const { context, endpoint, fake, login, world } = yield* begin(subject)
      yield* fake.inject(endpoint, { kind: "reset" })
      yield* failsWith(login, "BrokerUnavailable")
      yield* TestClock.adjust("31 seconds")
      yield* signIn(subject, world, context)
      yield* same(yield* timesAsked(fake, endpoint), 2, "number of logins sent")
    })
  },
  {
    name: "fails with MalformedResponse if a successful answer has no token",
    run: Effect.gen(function* () {
      const { endpoint, fake, login } = yield* begin(subject)
      yield* fake.inject(endpoint, subject.emptyYes)
      yield* failsWith(login, "MalformedResponse")
    })
  },
  {
    name: "fails with BrokerRejected for an unknown error code",
    run: Effect.gen(function* () {
      const { endpoint, fake, login } = yield* begin(subject)
      yield* fake.inject(endpoint, subject.refusal("ZZ9876"))
      const reason = yield* failsWith(login, "BrokerRejected")
      yield* same(reason.code, "ZZ9876", "code")
    })
  },
  subject.wrongCode === undefined ? twice(subject) : freshCode(subject),
  ...Object.entries(subject.wrongCredentials).map(wrongCase(subject)),
  ...(subject.wrongCode === undefined
    ? []
    : [
        {
          name: "fails with InvalidStepUpCode for a wrong one-time code",
          run: Effect.gen(function* () {
            const { build, fake } = yield* start(subject)
            const { login } = yield* service(yield* build(subject.wrongCode), Login)
            const reason = yield* failsWith(login, "InvalidStepUpCode")
            yield* same(reason.isRetryable, false, "isRetryable")
            yield* same(yield* timesAsked(fake, yield* endpointOf(subject, "Login")), 1, "number of logins sent")
          })
        }
      ])
]
