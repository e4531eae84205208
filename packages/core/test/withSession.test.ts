import * as Account from "@auth/broker-core/login/Account"
import * as AuthError from "@auth/broker-core/login/AuthError"
import * as Authorize from "@auth/broker-core/login/Authorize"
import * as AuthorizedClient from "@auth/broker-core/session/AuthorizedClient"
import * as BrokerClient from "@auth/broker-core/broker/BrokerClient"
import * as Endpoint from "@auth/broker-core/broker/Endpoint"
import type { Session } from "@auth/broker-core/login/Session"
import * as SessionManager from "@auth/broker-core/session/SessionManager"
import { TestHttp } from "@auth/broker-core/testing"
import { assert, describe, it } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as HttpClient from "effect/http/HttpClient"
import * as HttpClientRequest from "effect/http/HttpClientRequest"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import * as TestClock from "effect/testing/TestClock"
import { makeShared, makeTiny, morning, numberOf, pass, start } from "./sessions.ts"
import { no, profile as funds, protocol as tinyProtocol, yes } from "./tiny.ts"

const order = Endpoint.make({
  name: "order",
  method: "POST",
  path: "/order",
  token: "required",
  response: Schema.Struct({ token: Schema.NonEmptyString })
})

const origin = "https://api.tiny.example"

const rejectedReason = new AuthError.SessionExpired({ why: "invalid", code: "REJECTED" })

const protocol: BrokerClient.Protocol = {
  ...tinyProtocol,
  codes: [
    ...tinyProtocol.codes,
    { code: "REJECTED", meaning: "made up", source: "made up", asOf: "2026-11-21", reason: () => rejectedReason }
  ]
}

const authorize: Authorize.Authorize["Service"] = {
  headers: ({ tokens }) => ({ authorization: Redacted.make(`Bearer ${Redacted.value(tokens.access)}`) }),
  origins: [origin],
  refusal: ({ text }) => (text.includes("REJECTED") ? AuthError.make("tiny", "request", rejectedReason) : undefined)
}

/** The broker accepts every login. `state.isAlive` decides whether the broker accepts any other call. */
const begin = Effect.fnUntraced(function* () {
  yield* TestClock.setTime(morning)
  const state = {
    seen: [] as Array<string>,
    isAlive: (_token: string, _path: string): boolean => true
  }
  const http = TestHttp.layerRespond((request) => {
    const token = request.headers.get("authorization")?.replace("Bearer access-", "") ?? "none"
    const path = new URL(request.url).pathname
    state.seen.push(`${request.method} ${path} ${token}`)
    return Promise.resolve(path === "/login" || state.isAlive(token, path) ? yes() : no({ code: "REJECTED" }))
  })
  // The manager sends its logins with this client, too. `withSession` must not count them as requests of the effect.
  const client = yield* Effect.provide(BrokerClient.make(protocol, { api: origin }), http)
  const login = Endpoint.make({
    name: "login",
    method: "POST",
    path: "/login",
    token: "none",
    response: Schema.Struct({ token: Schema.NonEmptyString })
  })
  const tiny = makeTiny()
  const sent = Effect.andThen(client.call(login, { account: "T1" }), tiny.renewal.login ?? Effect.never)
  const manager = yield* start({ ...tiny, renewal: { ...tiny.renewal, login: sent } }, makeShared())
  const authorized = yield* AuthorizedClient.make.pipe(
    Effect.provideContext(
      Context.make(SessionManager.SessionManager, manager).pipe(Context.add(Authorize.Authorize, authorize))
    ),
    Effect.provide(http)
  )
  const call =
    <Response>(endpoint: Endpoint.Endpoint<void, Response>) =>
    (session: Session) =>
      client.call(endpoint, { account: "T1", tokens: session.tokens })
  return { authorized, getFunds: call(funds), http, manager, placeOrder: call(order), state, tiny }
})

const reasonOf = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.map(Effect.flip(effect), (error) => {
    assert.instanceOf(error, AuthError.AuthError)
    assert.strictEqual(error.reason._tag, "SessionExpired")
    return error.remedy
  })

const calls = ({ seen }: { readonly seen: ReadonlyArray<string> }) => seen.filter((line) => !line.includes("/login"))

describe("sessions: SessionManager.withSession", () => {
  it.effect("renews the session and repeats a read after a rejected token", () =>
    Effect.gen(function* () {
      const { getFunds, manager, state, tiny } = yield* begin()
      yield* manager.withSession(getFunds)
      state.isAlive = (token) => token !== "1"
      assert.deepStrictEqual(yield* manager.withSession(getFunds), { token: "t" })
      yield* manager.withSession(getFunds)
      assert.deepStrictEqual(tiny.calls, ["login 1", "login 2"])
      assert.deepStrictEqual(calls(state), ["GET /profile 1", "GET /profile 1", "GET /profile 2", "GET /profile 2"])
    })
  )

  it.effect("renews the session once for 100 concurrent rejected reads", () =>
    Effect.gen(function* () {
      const { getFunds, manager, state, tiny } = yield* begin()
      yield* manager.session
      state.isAlive = (token) => token !== "1"
      yield* Effect.all(
        Array.from({ length: 100 }, () => manager.withSession(getFunds)),
        { concurrency: "unbounded" }
      )
      assert.deepStrictEqual(tiny.calls, ["login 1", "login 2"])
    })
  )

  it.effect("does not repeat an order if a later read is rejected", () =>
    Effect.gen(function* () {
      const { getFunds, manager, placeOrder, state, tiny } = yield* begin()
      state.isAlive = (token, path) => token !== "1" || path !== "/profile"
      const both = manager.withSession((session) => Effect.andThen(placeOrder(session), getFunds(session)))
      const remedy = yield* reasonOf(both)
      assert.include(remedy, "There is a new session now")
      assert.deepStrictEqual(calls(state), ["POST /order 1", "GET /profile 1"])
      assert.strictEqual(numberOf(yield* manager.session), "2")
      yield* both
      assert.deepStrictEqual(tiny.calls, ["login 1", "login 2"])
      assert.deepStrictEqual(calls(state).slice(2), ["POST /order 2", "GET /profile 2"])
    })
  )

  it.effect("does not repeat an order of a child fiber or a nested withSession", () =>
    Effect.gen(function* () {
      const { getFunds, manager, placeOrder, state } = yield* begin()
      state.isAlive = (token, path) => token === "2" || token === "3" || path === "/order"
      const inFiber = manager.withSession((session) =>
        Effect.all([placeOrder(session), Effect.andThen(Effect.yieldNow, getFunds(session))], { concurrency: 2 })
      )
      yield* reasonOf(inFiber)
      state.isAlive = (token, path) => token === "3" || path === "/order"
      yield* pass("11 minutes")
      const inside = manager.withSession((session) =>
        Effect.andThen(manager.withSession(placeOrder), getFunds(session))
      )
      yield* reasonOf(inside)
      assert.deepStrictEqual(
        calls(state).filter((line) => line.includes("/order")),
        ["POST /order 1", "POST /order 2"]
      )
    })
  )

  const requests = {
    "a GET with AuthorizedClient": { method: "GET", repeats: true },
    "a POST with AuthorizedClient": { method: "POST", repeats: false },
    "a replayable POST with AuthorizedClient": { method: "POST", isReplayable: true, repeats: true },
    "a GET made with Authorize.request": { method: "GET", isOtherClient: true, repeats: true },
    "a POST made with Authorize.request": { method: "POST", isOtherClient: true, repeats: false }
  } as const

  for (const [title, asked] of Object.entries(requests)) {
    const verb = asked.repeats ? "repeats" : "does not repeat"
    it.effect(`${verb} an effect that sent ${title} before a rejected read`, () =>
      Effect.gen(function* () {
        const { authorized, getFunds, http, manager, state } = yield* begin()
        state.isAlive = (token, path) => token !== "1" || path !== "/profile"
        const request = HttpClientRequest.make(asked.method)(`${origin}/own`)
        const send = (session: Session) => {
          if (!("isOtherClient" in asked)) return Effect.asVoid(authorized.execute(request))
          return Authorize.request(request, session).pipe(
            Effect.provideService(Authorize.Authorize, authorize),
            Effect.flatMap(HttpClient.execute),
            Effect.provide(http),
            Effect.asVoid
          )
        }
        const marked = (session: Session) =>
          "isReplayable" in asked ? AuthorizedClient.replayable(send(session)) : send(session)
        const both = manager.withSession((session) => Effect.andThen(marked(session), getFunds(session)))
        if (asked.repeats) yield* both
        else yield* reasonOf(both)
        const callsWith = (token: string) => [`${asked.method} /own ${token}`, `GET /profile ${token}`]
        const expected = asked.repeats ? [...callsWith("1"), ...callsWith("2")] : callsWith("1")
        assert.deepStrictEqual(calls(state), expected)
      })
    )
  }

  it.effect("repeats an effect that renewed the session before a rejected read", () =>
    Effect.gen(function* () {
      const { getFunds, manager, state, tiny } = yield* begin()
      state.isAlive = (token) => token === "3"
      // The manager renews a session for all its callers, so the login of a renewal is not a request of this effect.
      const renewing = manager.withSession((session) =>
        Effect.flatMap(numberOf(session) === "1" ? manager.renew(session) : Effect.succeed(session), getFunds)
      )
      yield* Effect.exit(renewing)
      assert.deepStrictEqual(calls(state), ["GET /profile 2", "GET /profile 2"])
      assert.deepStrictEqual(tiny.calls, ["login 1", "login 2"])
    })
  )

  it.effect("does not log in repeatedly if the broker rejects every token", () =>
    Effect.gen(function* () {
      const { getFunds, manager, placeOrder, state, tiny } = yield* begin()
      state.isAlive = () => false
      for (let minute = 0; minute < 9; minute++) {
        yield* reasonOf(manager.withSession(getFunds))
        yield* reasonOf(manager.withSession(placeOrder))
        yield* pass("1 minute")
      }
      assert.deepStrictEqual(tiny.calls, ["login 1", "login 2"])
      yield* pass("5 minutes")
      state.isAlive = (token) => token === "3"
      yield* manager.withSession(getFunds)
      assert.deepStrictEqual(tiny.calls, ["login 1", "login 2", "login 3"])
    })
  )

  it.effect("renews a rejected four-minute-old session if the broker accepted its token before", () =>
    Effect.gen(function* () {
      const { getFunds, manager, state, tiny } = yield* begin()
      for (const last of ["1", "2", "3"]) {
        yield* manager.withSession(getFunds)
        state.isAlive = (token) => token > last
        yield* manager.withSession(getFunds)
        yield* pass("4 minutes")
      }
      assert.deepStrictEqual(tiny.calls, ["login 1", "login 2", "login 3", "login 4"])
    })
  )

  const others = {
    RateLimited: AuthError.make("tiny", "order", new AuthError.RateLimited({ retryAfter: undefined, by: "broker" })),
    "SessionExpired (logged-out)": AuthError.make(
      "tiny",
      "session",
      new AuthError.SessionExpired({ why: "logged-out" })
    ),
    "SessionExpired (missing)": AuthError.make("tiny", "order", new AuthError.SessionExpired({ why: "missing" })),
    "another broker's rejected token": AuthError.make(
      Account.make({ broker: "other", id: "T1" }).broker,
      "order",
      rejectedReason
    ),
    "the program's own error": new Error("mine")
  }
  for (const [title, error] of Object.entries(others)) {
    it.effect(`does not renew the session after ${title}`, () =>
      Effect.gen(function* () {
        const { manager, tiny } = yield* begin()
        assert.strictEqual(yield* Effect.flip(manager.withSession(() => Effect.fail(error))), error)
        assert.deepStrictEqual(tiny.calls, ["login 1"])
      })
    )
  }

  it.effect("does not repeat an effect whose requests withSession cannot see", () =>
    Effect.gen(function* () {
      const { manager } = yield* begin()
      let runs = 0
      const unknown = Effect.suspend(() => {
        runs += 1
        return Effect.fail(AuthError.make("tiny", "request", rejectedReason))
      })
      assert.include(yield* reasonOf(manager.withSession(() => unknown)), "There is a new session now")
      assert.strictEqual(runs, 1)
      assert.strictEqual(numberOf(yield* manager.session), "2")
    })
  )

  it.effect("takes the manager from the context", () =>
    Effect.gen(function* () {
      const { getFunds, manager } = yield* begin()
      const got = yield* Effect.provideService(
        SessionManager.withSession(getFunds),
        SessionManager.SessionManager,
        manager
      )
      assert.deepStrictEqual(got, { token: "t" })
    })
  )
})
