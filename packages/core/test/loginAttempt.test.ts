import * as AuthError from "@auth/broker-core/login/AuthError"
import * as Challenge from "@auth/broker-core/login/Challenge"
import * as Login from "@auth/broker-core/login/Login"
import * as Session from "@auth/broker-core/login/Session"
import * as Expiry from "@auth/broker-core/login/Expiry"
import { StepUp } from "@auth/broker-core/login/StepUp"
import * as LoginGuard from "@auth/broker-core/session/LoginGuard"
import * as Renewal from "@auth/broker-core/broker/Renewal"
import * as VaultError from "@auth/broker-core/session/VaultError"
import type * as SessionManager from "@auth/broker-core/session/SessionManager"
import { assert, describe, it } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as TestClock from "effect/testing/TestClock"
import { type CodeQuestion, withCodes } from "../src/session/internal/stepUpCodes.ts"
import { shown } from "./support.ts"
import { account, breakable, makeShared, makeTiny, morning, pass, type Shared, start } from "./sessions.ts"
import { type Answer, connect, no, yes } from "./tiny.ts"

const reasonOf = <A>(effect: Effect.Effect<A, { readonly reason: { readonly _tag: string } }>) =>
  Effect.match(effect, { onFailure: ({ reason }) => reason._tag, onSuccess: () => "success" })

const toSession = () =>
  Session.make({
    account,
    method: "test",
    tokens: { access: Redacted.make("access") },
    issuedAt: morning,
    expiry: Expiry.after("1 day")
  })

/** Waits in real time, so that pending promises settle. */
const settle = TestClock.withLive(Effect.sleep("5 millis"))

const until = Effect.fnUntraced(function* (holds: () => boolean) {
  for (let tries = 0; tries < 1000 && !holds(); tries += 1) yield* settle
  assert.isTrue(holds())
})

const poll = Effect.fnUntraced(function* (manager: SessionManager.SessionManager["Service"], length: Duration.Input) {
  for (let second = 0; second < Duration.toSeconds(length); second += 20) {
    const fiber = yield* Effect.forkChild(Effect.exit(manager.session))
    // The fake server answers in real time.
    for (let tries = 0; fiber.pollUnsafe() === undefined && tries < 20; tries += 1) yield* settle
    yield* pass("20 seconds")
  }
})

describe("a login that the broker answers without an error code", () => {
  const answers: ReadonlyArray<readonly [string, Answer]> = [
    ...[400, 404, 405, 409, 410, 413, 415, 422, 426].map(
      (status) => [`HTTP ${status}`, () => new Response(null, { status })] as const
    ),
    ["HTTP 400 and a message", () => Response.json({ message: "Bad" }, { status: 400 })],
    ["HTTP 400 and a page", () => new Response("<html>Bad Request</html>", { status: 400 })],
    ["HTTP 200 and a refusal without a message", () => no({})],
    ["HTTP 200 and a refusal with a message", () => no({ message: "Something went wrong" })]
  ]

  it.effect.each(answers)("is followed by at most eight logins an hour (%s)", ([, answer]) =>
    Effect.gen(function* () {
      yield* TestClock.setTime(morning)
      const broker = yield* connect([answer])
      const tiny = makeTiny()
      const renewal = { ...tiny.renewal, login: Effect.map(broker.login, toSession) }
      const manager = yield* start({ ...tiny, renewal })
      yield* poll(manager, "1 hour")
      assert.isAtLeast(broker.seen.length, 2)
      assert.isAtMost(broker.seen.length, 9)
    })
  )

  it.effect("starts a pause if its second request is invalid and so is not sent", () =>
    Effect.gen(function* () {
      yield* TestClock.setTime(morning)
      const { store } = makeShared()
      const guard = LoginGuard.make(store)
      const policy = { maxFailures: 2, window: Duration.hours(24), step: undefined }
      const unsent = Effect.fail(AuthError.invalidRequest("tiny", "login", "pin", "is empty"))
      yield* reasonOf(guard.protect(account, policy, unsent))
      assert.strictEqual((yield* guard.memory(account)).pausedUntil, undefined)
      const broker = yield* connect([() => yes()])
      yield* reasonOf(guard.protect(account, policy, Effect.andThen(broker.login, unsent)))
      assert.strictEqual((yield* guard.memory(account)).pausedUntil, morning + 60_000)
      yield* TestClock.setTime(morning - 3_600_000)
      assert.strictEqual((yield* guard.memory(account)).pausedUntil, undefined)
    })
  )
})

/** A broker whose logins require a one-time code. By default, the code arrives by SMS. */
const makeSms = (kinds: Challenge.Challenge["kinds"] = ["otp"]) => {
  const calls: Array<string> = []
  const failures: Array<AuthError.Reason | "no answer"> = []
  const ledger = Effect.runSync(Challenge.makeLedger(account))
  const login = Effect.suspend(() => {
    calls.push("login")
    return Effect.map(
      ledger.open({
        kinds,
        destinations: [],
        resendAt: 0,
        resendsLeft: undefined,
        expiresAt: undefined,
        stepToken: Redacted.make("step")
      }),
      Login.stepUpRequired
    )
  })
  const verify: StepUp["Service"]["verify"] = (challenge, code) => {
    const send = Effect.suspend(() => {
      calls.push(`code ${Redacted.value(code)}`)
      const reason = failures.shift()
      if (reason === "no answer") return Effect.never
      if (reason !== undefined) return Effect.fail(AuthError.make("tiny", "verify", reason))
      if (Redacted.value(code) === "123456") return Effect.succeed(toSession())
      return Effect.fail(AuthError.make("tiny", "verify", new AuthError.InvalidStepUpCode({ kind: "otp", hints: [] })))
    })
    return ledger.answer(challenge, code, { digits: 6, send })
  }
  const timeOut = AuthError.make("tiny", "resend", new AuthError.BrokerUnavailable({ why: "time-out" }))
  const state: { resent: Effect.Effect<void, AuthError.AuthError> } = { resent: Effect.fail(timeOut) }
  const resend: StepUp["Service"]["resend"] = (challenge) => {
    const send = Effect.suspend(() => {
      calls.push("resend")
      return Effect.as(state.resent, challenge)
    })
    return ledger.resend(challenge, send)
  }
  return { calls, failures, login, state, verify, resend }
}

type Sms = ReturnType<typeof makeSms>

/** `ask` requests a session, and returns the fiber of the request when the request has ended or needs a code. */
const startWithCodes = Effect.fnUntraced(function* (
  { login, resend, verify }: Sms,
  codes: (question: CodeQuestion) => string | Promise<string>,
  shared: Shared = makeShared()
) {
  const tiny = makeTiny({ credentials: { pin: "4711" } })
  const services = Layer.succeedContext(
    Context.make(Renewal.Renewal, tiny.renewal).pipe(
      Context.add(Login.Login, { login }),
      Context.add(StepUp, { verify, resend })
    )
  )
  let pendingCodes = 0
  const countedCodes = async (question: CodeQuestion) => {
    pendingCodes += 1
    try {
      return await codes(question)
    } finally {
      pendingCodes -= 1
    }
  }
  const built = yield* Layer.build(withCodes(services, countedCodes))
  const manager = yield* start({ ...tiny, renewal: Context.get(built, Renewal.Renewal) }, shared)
  const ask = Effect.fnUntraced(function* (request = manager.session) {
    const fiber = yield* Effect.forkChild(reasonOf(request))
    const isSettled = () => fiber.pollUnsafe() !== undefined || pendingCodes > 0
    for (let tries = 0; tries < 100 && !isSettled(); tries += 1) yield* settle
    return fiber
  })
  return { ask, manager, guard: LoginGuard.make(shared.store), shared }
})

const answersOf = (answers: ReadonlyArray<string | Error>) => {
  const rest = [...answers]
  return () => {
    const next = rest.shift() ?? new Error("no code is left")
    return typeof next === "string" ? next : Promise.reject(next)
  }
}

describe("a refused one-time code", () => {
  it.effect("counts as a failed login while the login waits for the next code", () =>
    Effect.gen(function* () {
      yield* TestClock.setTime(morning)
      const sms = makeSms()
      const codes = answersOf(["000000"])
      const { ask, guard } = yield* startWithCodes(sms, ({ refused }) =>
        refused === undefined ? codes() : new Promise<string>(() => {})
      )
      const fiber = yield* ask()
      assert.strictEqual((yield* guard.memory(account)).refusedAt.length, 1)
      yield* Fiber.interrupt(fiber)
    })
  )

  it.effect.each([
    ["`codes` fails", undefined],
    ["the broker does not answer", new AuthError.BrokerUnavailable({ why: "network" })],
    ["the broker is overloaded", new AuthError.BrokerUnavailable({ why: "broker", status: 503 })],
    [
      "the connection cannot be opened",
      new AuthError.BrokerUnavailable({ why: "network", systemCode: "ECONNREFUSED" })
    ],
    ["the rate limit is used up", new AuthError.RateLimited({ retryAfter: undefined, by: "broker" })],
    ["the challenge has expired", new AuthError.ChallengeExpired({ why: "timed-out" })],
    ["the broker refuses the request", new AuthError.BrokerRejected({ code: "X1" })]
  ] as const)("still counts as a failed login if afterwards %s", ([, reason]) =>
    Effect.gen(function* () {
      yield* TestClock.setTime(morning)
      const sms = makeSms()
      sms.failures.push(new AuthError.InvalidStepUpCode({ kind: "otp", hints: [] }))
      if (reason !== undefined) sms.failures.push(reason)
      const answers = reason === undefined ? ["000000", new Error("cancelled")] : ["000000", "111111"]
      const { ask, guard } = yield* startWithCodes(sms, answersOf(answers))
      yield* ask()
      assert.strictEqual((yield* guard.memory(account)).refusedAt.length, 1)
    })
  )

  it.effect("is followed by no further code if the limit on failed logins is reached", () =>
    Effect.gen(function* () {
      yield* TestClock.setTime(morning)
      const sms = makeSms()
      const { ask, manager } = yield* startWithCodes(sms, () => "000000")
      assert.strictEqual(yield* Fiber.join(yield* ask()), "InvalidStepUpCode")
      yield* poll(manager, "1 hour")
      assert.strictEqual(yield* reasonOf(manager.session), "ActionRequired")
      assert.deepStrictEqual(sms.calls, ["login", "code 000000", "code 000000"])
    })
  )

  it.effect("is followed by at most one more code, even from another program", () =>
    Effect.gen(function* () {
      yield* TestClock.setTime(morning)
      const sms = makeSms()
      const first = yield* startWithCodes(sms, answersOf(["000000", new Error("cancelled")]))
      yield* first.ask()
      yield* pass("1 hour")
      const second = yield* startWithCodes(sms, () => "111111", first.shared)
      yield* second.ask()
      yield* pass("1 hour")
      yield* second.ask()
      assert.deepStrictEqual(sms.calls, ["login", "code 000000", "login", "code 111111"])
    })
  )

  it.effect("is forgotten after the right code", () =>
    Effect.gen(function* () {
      yield* TestClock.setTime(morning)
      const sms = makeSms()
      const { ask, guard } = yield* startWithCodes(sms, answersOf(["000000", "123456"]))
      assert.strictEqual(yield* Fiber.join(yield* ask()), "success")
      assert.deepStrictEqual((yield* guard.memory(account)).refusedAt, [])
    })
  )

  it.effect("counts as one failed login if it came from an authenticator app", () =>
    Effect.gen(function* () {
      yield* TestClock.setTime(morning)
      const sms = makeSms(["totp"])
      const { ask, guard } = yield* startWithCodes(sms, answersOf(["000000", new Error("cancelled")]))
      yield* ask()
      assert.strictEqual((yield* guard.memory(account)).refusedAt.length, 1)
    })
  )
})

describe("a login that waits for a code by SMS", () => {
  const waiting = () => new Promise<string>(() => {})

  it.effect("does not count as an unanswered login if the program ends", () =>
    Effect.gen(function* () {
      yield* TestClock.setTime(morning)
      const shared = makeShared()
      const sms = makeSms()
      for (const _ of [1, 2]) {
        yield* Effect.scoped(
          Effect.gen(function* () {
            const { ask } = yield* startWithCodes(sms, waiting, shared)
            yield* ask()
          })
        )
      }
      assert.deepStrictEqual(sms.calls, ["login", "login"])
      const { ask, guard, manager } = yield* startWithCodes(sms, () => "123456", shared)
      assert.deepStrictEqual((yield* guard.memory(account)).unansweredAt, [])
      // The third login would cause a third message, so the guard delays this login by a minute.
      const failed = yield* Effect.flip(manager.session)
      assert.include(failed.message, "Enter the one-time code of T1")
      assert.include(failed.remedy, "The next try is at 2026-11-21 10:01:00 IST")
      assert.strictEqual(sms.calls.length, 2)
      yield* pass("1 minute")
      assert.strictEqual(yield* Fiber.join(yield* ask()), "success")
    })
  )

  it.effect("does not delay a login that a person starts", () =>
    Effect.gen(function* () {
      yield* TestClock.setTime(morning)
      const shared = makeShared()
      const sms = makeSms()
      for (const _ of [1, 2, 3]) {
        yield* Effect.scoped(
          Effect.gen(function* () {
            const { ask, manager } = yield* startWithCodes(sms, waiting, shared)
            yield* Fiber.interrupt(yield* ask(manager.renew()))
          })
        )
      }
      assert.deepStrictEqual(sms.calls, ["login", "login", "login"])
    })
  )

  it.effect("asks for no second code if the broker rejects the sent code as malformed", () =>
    Effect.gen(function* () {
      yield* TestClock.setTime(morning)
      const sms = makeSms()
      const problems = [{ field: "request", problem: "was rejected as malformed" }] as const
      sms.failures.push(new AuthError.InvalidRequest({ problems, by: "broker" }))
      let asked = 0
      const { ask } = yield* startWithCodes(sms, () => {
        asked += 1
        return "123456"
      })
      assert.strictEqual(yield* Fiber.join(yield* ask()), "InvalidRequest")
      assert.deepStrictEqual(sms.calls, ["login", "code 123456"])
      assert.strictEqual(asked, 1)
    })
  )

  it.effect("counts as an unanswered login if the program ends after sending the code", () =>
    Effect.gen(function* () {
      yield* TestClock.setTime(morning)
      const shared = makeShared()
      const sms = makeSms()
      sms.failures.push("no answer")
      yield* Effect.scoped(
        Effect.gen(function* () {
          const { ask } = yield* startWithCodes(sms, () => "123456", shared)
          yield* ask()
        })
      )
      assert.deepStrictEqual(sms.calls, ["login", "code 123456"])
      assert.strictEqual((yield* LoginGuard.make(shared.store).memory(account)).unansweredAt.length, 1)
    })
  )

  it.effect("is followed by at most eight logins an hour if `codes` always fails", () =>
    Effect.gen(function* () {
      yield* TestClock.setTime(morning)
      const sms = makeSms()
      const { ask, manager } = yield* startWithCodes(sms, () => Promise.reject(new Error("the mailbox is down")))
      for (let minute = 0; minute < 60; minute += 1) {
        yield* ask()
        yield* pass("1 minute")
      }
      assert.isAtLeast(sms.calls.length, 2)
      assert.isAtMost(sms.calls.length, 9)
      const failed = yield* Effect.flip(manager.session)
      assert.include(failed.remedy, "To log in now, call SessionManager.renew or connection.renew.")
    })
  )

  it.effect("starts a pause if sending the code fails with `BrokerUnavailable`", () =>
    Effect.gen(function* () {
      for (const reason of [
        new AuthError.BrokerUnavailable({ why: "network", systemCode: "ECONNREFUSED" }),
        new AuthError.BrokerUnavailable({ why: "broker", status: 503 }),
        new AuthError.BrokerUnavailable({ why: "network" })
      ]) {
        yield* TestClock.setTime(morning)
        const sms = makeSms()
        sms.failures.push(reason)
        const { ask, guard } = yield* startWithCodes(sms, () => "123456")
        assert.strictEqual(yield* Fiber.join(yield* ask()), "BrokerUnavailable")
        assert.strictEqual((yield* guard.memory(account)).pausedUntil, morning + 60_000)
      }
    })
  )

  it.effect("does not send the code if the store cannot be written", () =>
    Effect.gen(function* () {
      yield* TestClock.setTime(morning)
      const { service, state } = breakable(makeShared().store)
      const sms = makeSms()
      const { manager } = yield* startWithCodes(
        sms,
        () => {
          state.broken = true
          return "123456"
        },
        { ...makeShared(), store: service }
      )
      const failed = yield* Effect.flip(
        Effect.flatMap(Effect.forkChild(manager.session), (fiber) => Effect.andThen(settle, Fiber.join(fiber)))
      )
      assert.include(failed.message, "Make the session store writable")
      assert.deepStrictEqual(sms.calls, ["login"])
    })
  )
})

const startWithStepUp = Effect.fnUntraced(function* (
  respond: () => Effect.Effect<Redacted.Redacted<string>, AuthError.AuthError>
) {
  yield* TestClock.setTime(morning)
  const sms = makeSms()
  const { login, resend, verify } = sms
  const tiny = makeTiny({ credentials: { pin: "4711" } })
  const services = Layer.succeedContext(
    Context.make(Renewal.Renewal, tiny.renewal).pipe(
      Context.add(Login.Login, { login }),
      Context.add(StepUp, { verify, resend })
    )
  )
  const built = yield* Layer.build(Renewal.layerLoginWithStepUp(respond).pipe(Layer.provide(services)))
  const shared = makeShared()
  const manager = yield* start({ ...tiny, renewal: Context.get(built, Renewal.Renewal) }, shared)
  return { manager, shared, sms }
})

describe("a failure of the function that returns the codes", () => {
  const locked = new AuthError.AccountLocked({ scope: "account", unlock: "broker" })
  const reasons = [
    new AuthError.InvalidCredentials({ field: "pin" }),
    locked,
    new AuthError.InvalidStepUpCode({ kind: "otp", hints: [] }),
    new AuthError.SessionExpired({ why: "logged-out" })
  ]
  const foreign = ["tiny", "other"].flatMap((broker) =>
    reasons.map((reason) => [broker, reason._tag, AuthError.make(broker, "login", reason)] as const)
  )

  it.effect.each(foreign)("does not count as a broker's answer (%s, %s)", ([, , error]) =>
    Effect.gen(function* () {
      yield* TestClock.setTime(morning)
      const sms = makeSms()
      const answers = [() => Promise.reject(error), () => "123456"]
      const { ask, guard, manager } = yield* startWithCodes(sms, () => (answers.shift() ?? (() => "0"))())
      assert.strictEqual(yield* Fiber.join(yield* ask()), "ActionRequired")
      assert.deepStrictEqual((yield* guard.memory(account)).refusedAt, [])
      assert.strictEqual(yield* Fiber.join(yield* ask(manager.renew())), "success")
    })
  )

  it.effect.each(foreign)(
    "does not count as a broker's answer in `layerLoginWithStepUp` if no error code is set (%s, %s)",
    ([, , error]) =>
      Effect.gen(function* () {
        const answers = [Effect.fail(error), Effect.succeed(Redacted.make("123456"))]
        const { manager, shared } = yield* startWithStepUp(() => Effect.suspend(() => answers.shift() ?? Effect.never))
        assert.strictEqual(yield* reasonOf(manager.session), error.reason._tag)
        assert.deepStrictEqual((yield* LoginGuard.make(shared.store).memory(account)).refusedAt, [])
        assert.strictEqual(yield* reasonOf(manager.renew()), "success")
      })
  )

  it.effect.each([
    ["returns an effect that dies", () => Effect.die(new Error("123456"))] as const,
    ["throws an error", () => assert.fail("123456")] as const,
    ["returns no code within five minutes", () => Effect.never] as const
  ])("becomes `ActionRequired` in `layerLoginWithStepUp` if the function %s", ([, respond]) =>
    Effect.gen(function* () {
      const { manager, shared } = yield* startWithStepUp(respond)
      const asking = yield* Effect.forkChild(Effect.flip(manager.session))
      yield* pass("5 minutes")
      const error = yield* Fiber.join(asking)
      assert.strictEqual(error.reason._tag, "ActionRequired")
      assert.notInclude(shown(error), "123456")
      assert.deepStrictEqual((yield* LoginGuard.make(shared.store).memory(account)).unansweredAt, [])
    })
  )

  it.effect("counts as a broker's answer in `layerLoginWithStepUp` if an error code is set", () =>
    Effect.gen(function* () {
      const said = new AuthError.AccountLocked({ scope: "account", unlock: "broker", code: "L1" })
      const { manager, sms } = yield* startWithStepUp(() => Effect.fail(AuthError.make("tiny", "resend", said)))
      assert.strictEqual(yield* reasonOf(manager.session), "AccountLocked")
      assert.strictEqual(yield* reasonOf(manager.renew()), "ActionRequired")
      assert.deepStrictEqual(sms.calls, ["login"])
    })
  )

  it.effect("becomes the error of the login if it is `question.refused`", () =>
    Effect.gen(function* () {
      yield* TestClock.setTime(morning)
      const { ask, guard } = yield* startWithCodes(makeSms(), ({ refused }) =>
        refused === undefined ? "000000" : Promise.reject(refused)
      )
      assert.strictEqual(yield* Fiber.join(yield* ask()), "InvalidStepUpCode")
      assert.strictEqual((yield* guard.memory(account)).refusedAt.length, 1)
    })
  )

  it.effect("prevents the next login if it is the `AccountLocked` error of `resend`", () =>
    Effect.gen(function* () {
      yield* TestClock.setTime(morning)
      const sms = makeSms()
      sms.state.resent = Effect.fail(AuthError.make("tiny", "resend", locked))
      const { ask, manager } = yield* startWithCodes(sms, ({ resend }) => resend().then(() => "123456"))
      assert.strictEqual(yield* Fiber.join(yield* ask()), "AccountLocked")
      yield* Fiber.join(yield* ask(manager.renew()))
      assert.deepStrictEqual(sms.calls, ["login", "resend"])
    })
  )
})

describe("a refused login whose result could not be stored", () => {
  const policy = { maxFailures: 2, window: Duration.hours(24), step: undefined }
  const wrongPin = AuthError.make("tiny", "login", new AuthError.InvalidCredentials({ field: "pin" }))
  const credentials = Redacted.make("right once")

  it.effect("counts as a failed login even if the credentials were accepted before", () =>
    Effect.gen(function* () {
      yield* TestClock.setTime(morning)
      const { service, state } = breakable({ ...makeShared().store, fingerprint: () => Effect.succeed("print") })
      const guard = LoginGuard.make(service)
      yield* guard.protect(account, policy, Effect.void, { credentials })
      let sent = 0
      const login = Effect.suspend(() => {
        sent += 1
        state.broken = true
        return Effect.fail(wrongPin)
      })
      for (let minute = 0; minute < 60; minute += 1) {
        yield* reasonOf(LoginGuard.make(service).protect(account, policy, login, { credentials }))
        state.broken = false
        yield* pass("1 minute")
      }
      assert.strictEqual(sent, 2)
      assert.strictEqual((yield* guard.memory(account)).refusedAt.length, 2)
    })
  )

  it.effect("is stored by the next write", () =>
    Effect.gen(function* () {
      yield* TestClock.setTime(morning)
      const { store } = makeShared()
      const { service, state } = breakable(store)
      const guard = LoginGuard.make(service)
      const login = Effect.suspend(() => {
        state.broken = true
        return Effect.fail(wrongPin)
      })
      yield* reasonOf(guard.protect(account, policy, login))
      state.broken = false
      yield* reasonOf(guard.protect(account, policy, Effect.fail(wrongPin)))
      // Another program reads the store.
      assert.strictEqual((yield* LoginGuard.make({ ...store }).memory(account)).refusedAt.length, 2)
    })
  )
})

describe("`reset` during a login", () => {
  it.effect("does not remove the outcome of this login", () =>
    Effect.gen(function* () {
      yield* TestClock.setTime(morning)
      const { store } = makeShared()
      const guard = LoginGuard.make(store)
      const policy = { maxFailures: 2, window: Duration.hours(24), step: undefined }
      const refused = new AuthError.InvalidCredentials({ field: "pin" })
      const lost = new AuthError.BrokerUnavailable({ why: "network" })
      for (const reason of [refused, lost]) {
        const login = Effect.andThen(guard.reset(account), Effect.fail(AuthError.make("tiny", "login", reason)))
        yield* reasonOf(guard.protect(account, policy, login))
      }
      const { refusedAt, unansweredAt } = yield* guard.memory(account)
      assert.deepStrictEqual([refusedAt.length, unansweredAt.length], [0, 1])
      yield* guard.reset(account)
      const login = Effect.andThen(guard.reset(account), Effect.fail(AuthError.make("tiny", "login", refused)))
      yield* reasonOf(guard.protect(account, policy, login))
      assert.strictEqual((yield* guard.memory(account)).refusedAt.length, 1)
    })
  )
})

describe("a login that waits for a code from an authenticator app", () => {
  it.effect("does not count as an unanswered login if the program ends", () =>
    Effect.gen(function* () {
      yield* TestClock.setTime(morning)
      const shared = makeShared()
      const sms = makeSms(["totp"])
      for (const _ of [1, 2, 3]) {
        yield* Effect.scoped(
          Effect.gen(function* () {
            const { ask, guard } = yield* startWithCodes(sms, () => new Promise<string>(() => {}), shared)
            yield* ask()
            // If the program is killed now, the store keeps this state.
            assert.deepStrictEqual((yield* guard.memory(account)).unansweredAt, [])
          })
        )
      }
      const { ask } = yield* startWithCodes(sms, () => "123456", shared)
      assert.strictEqual(yield* Fiber.join(yield* ask()), "success")
    })
  )

  it.effect("counts as an unanswered login if the program ends after sending the code", () =>
    Effect.gen(function* () {
      yield* TestClock.setTime(morning)
      const shared = makeShared()
      const sms = makeSms(["totp"])
      sms.failures.push("no answer")
      yield* Effect.scoped(
        Effect.gen(function* () {
          const { ask } = yield* startWithCodes(sms, () => "123456", shared)
          yield* ask()
        })
      )
      assert.strictEqual((yield* LoginGuard.make(shared.store).memory(account)).unansweredAt.length, 1)
    })
  )
})

const makePrompt = () => {
  const questions: Array<{ readonly question: CodeQuestion; readonly enter: (code: string) => void }> = []
  const codes = (question: CodeQuestion) => new Promise<string>((enter) => void questions.push({ question, enter }))
  return { codes, questions }
}

describe("a new code", () => {
  const resent = ({ resend }: CodeQuestion) =>
    Effect.promise(() =>
      resend().then(
        () => "success",
        (failure: unknown) => (AuthError.isAuthError(failure) ? failure.reason._tag : "no AuthError")
      )
    )

  it.effect("is not requested after a logout or the end of the program", () =>
    Effect.gen(function* () {
      yield* TestClock.setTime(morning)
      const sms = makeSms()
      sms.state.resent = Effect.void
      const { codes, questions } = makePrompt()
      for (const end of ["logout", "end of the program"]) {
        yield* Effect.scoped(
          Effect.gen(function* () {
            const { ask, manager } = yield* startWithCodes(sms, codes)
            yield* ask()
            if (end === "logout") yield* manager.logout
            if (end === "logout") yield* until(() => questions[0]?.question.signal.aborted === true)
          })
        )
      }
      assert.strictEqual(questions.length, 2)
      for (const { question } of questions) assert.strictEqual(yield* resent(question), "ChallengeExpired")
      assert.deepStrictEqual(sms.calls, ["login", "login"])
    })
  )

  it.effect("can be requested with `resend` of an earlier question", () =>
    Effect.gen(function* () {
      yield* TestClock.setTime(morning)
      const sms = makeSms()
      sms.state.resent = Effect.void
      const { codes, questions } = makePrompt()
      const { ask } = yield* startWithCodes(sms, codes)
      const fiber = yield* ask()
      questions[0]?.enter("12345")
      yield* until(() => questions.length === 2)
      if (questions[0] !== undefined) assert.strictEqual(yield* resent(questions[0].question), "success")
      questions[1]?.enter("123456")
      assert.strictEqual(yield* Fiber.join(fiber), "success")
      assert.deepStrictEqual(sms.calls, ["login", "resend", "code 123456"])
    })
  )

  it.effect.each([
    ["success", ["login", "resend", "code 123456"]],
    ["failure", ["login", "resend", "code 654321", "code 123456"]]
  ] as const)("replaces a code entered during `resend`, unless `resend` fails (%s)", ([outcome, calls]) =>
    Effect.gen(function* () {
      yield* TestClock.setTime(morning)
      const sms = makeSms()
      const failing = sms.state.resent
      let answer = () => {}
      const answered = new Promise<void>((resolve) => void (answer = resolve))
      sms.state.resent = Effect.andThen(
        Effect.promise(() => answered),
        outcome === "success" ? Effect.void : failing
      )
      const { codes, questions } = makePrompt()
      const { ask } = yield* startWithCodes(sms, codes)
      const fiber = yield* ask()
      const requested = questions[0]?.question.resend().catch(() => undefined)
      questions[0]?.enter("654321")
      yield* settle
      answer()
      yield* Effect.promise(async () => await requested)
      yield* until(() => questions.length === 2)
      questions[1]?.enter("123456")
      assert.strictEqual(yield* Fiber.join(fiber), "success")
      assert.deepStrictEqual(sms.calls, [...calls])
    })
  )

  it.effect("replaces the entered code, even if the first of two `resend` calls fails", () =>
    Effect.gen(function* () {
      yield* TestClock.setTime(morning)
      const sms = makeSms()
      const answers: Array<() => void> = []
      const answered = Effect.promise(() => new Promise<void>((resolve) => void answers.push(resolve)))
      const failed = AuthError.make("tiny", "resend", new AuthError.BrokerUnavailable({ why: "time-out" }))
      sms.state.resent = Effect.suspend(() =>
        Effect.andThen(answered, answers.length === 0 ? Effect.fail(failed) : Effect.void)
      )
      const { codes, questions } = makePrompt()
      const { ask } = yield* startWithCodes(sms, codes)
      const fiber = yield* ask()
      const first = questions[0]?.question.resend().catch(() => undefined)
      yield* until(() => answers.length === 1)
      questions[0]?.enter("654321")
      yield* settle
      answers[0]?.()
      const second = Effect.promise(async () => {
        await first
        await questions[0]?.question.resend()
      })
      const running = yield* Effect.forkChild(second, { startImmediately: true })
      yield* until(() => answers.length === 2)
      yield* settle
      answers[1]?.()
      yield* Fiber.join(running)
      yield* until(() => questions.length === 2)
      questions[1]?.enter("123456")
      assert.strictEqual(yield* Fiber.join(fiber), "success")
      assert.deepStrictEqual(sms.calls, ["login", "resend", "resend", "code 123456"])
    })
  )

  it.effect("does not clear the refusal of the previous code", () =>
    Effect.gen(function* () {
      yield* TestClock.setTime(morning)
      const sms = makeSms()
      sms.state.resent = Effect.void
      const guard = LoginGuard.make(makeShared().store)
      const policy = { maxFailures: 2, window: Duration.hours(24), step: undefined }
      const login = Effect.flatMap(sms.login, (outcome) =>
        outcome._tag === "Authenticated"
          ? Effect.void
          : Effect.andThen(
              Effect.ignore(sms.verify(outcome.challenge, Redacted.make("000000"))),
              Effect.asVoid(sms.resend(outcome.challenge))
            )
      )
      const cancelled = AuthError.make("tiny", "login", new AuthError.ActionRequired({ what: "Enter the code" }))
      yield* reasonOf(guard.protect(account, policy, Effect.andThen(login, Effect.fail(cancelled))))
      assert.strictEqual((yield* guard.memory(account)).refusedAt.length, 1)
    })
  )
})

describe("a code that a login waits for", () => {
  it.effect.each([["otp"], ["totp"]] as const)("is not sent after a logout (%s)", ([kind]) =>
    Effect.gen(function* () {
      yield* TestClock.setTime(morning)
      const sms = makeSms([kind])
      const { codes, questions } = makePrompt()
      const { ask, guard, manager } = yield* startWithCodes(sms, codes)
      const fiber = yield* ask()
      yield* manager.logout
      assert.strictEqual(yield* Fiber.join(fiber), "SessionExpired")
      yield* until(() => questions[0]?.question.signal.aborted === true)
      questions[0]?.enter("123456")
      yield* settle
      assert.deepStrictEqual(sms.calls, ["login"])
      assert.deepStrictEqual((yield* guard.memory(account)).unansweredAt, [])
      const again = yield* Effect.forkChild(reasonOf(manager.renew()))
      yield* until(() => questions.length === 2)
      questions[1]?.enter("123456")
      assert.strictEqual(yield* Fiber.join(again), "success")
      assert.deepStrictEqual(sms.calls, ["login", "login", "code 123456"])
    })
  )

  it.effect("is no longer awaited by `layerLoginWithStepUp` after a logout", () =>
    Effect.gen(function* () {
      yield* TestClock.setTime(morning)
      const sms = makeSms()
      const tiny = makeTiny()
      let interrupted = 0
      const respond = () => Effect.onInterrupt(Effect.never, () => Effect.sync(() => void (interrupted += 1)))
      const services = Layer.succeedContext(
        Context.make(Renewal.Renewal, tiny.renewal).pipe(
          Context.add(Login.Login, { login: sms.login }),
          Context.add(StepUp, { verify: sms.verify, resend: sms.resend })
        )
      )
      const built = yield* Layer.build(Renewal.layerLoginWithStepUp(respond).pipe(Layer.provide(services)))
      const manager = yield* start({ ...tiny, renewal: Context.get(built, Renewal.Renewal) })
      yield* Effect.forkChild(Effect.exit(manager.session))
      yield* until(() => sms.calls.length === 1)
      yield* settle
      yield* manager.logout
      yield* until(() => interrupted === 1)
      assert.deepStrictEqual(sms.calls, ["login"])
    })
  )

  it.effect("is not sent after the lock was lost and another program has logged in", () =>
    Effect.gen(function* () {
      yield* TestClock.setTime(morning)
      const shared = makeShared()
      const lease = { isLost: false }
      const lost = VaultError.make("lock", new VaultError.LockUnavailable({ why: "lost" }))
      const lock: Shared["lock"] = {
        describe: "a lock that can be lost",
        withLock: (_, use) =>
          use({ fence: 1, check: Effect.suspend(() => (lease.isLost ? Effect.fail(lost) : Effect.void)) })
      }
      const sms = makeSms()
      const { codes, questions } = makePrompt()
      const { ask } = yield* startWithCodes(sms, codes, { ...shared, lock })
      const fiber = yield* ask()
      lease.isLost = true
      const other = yield* startWithCodes(makeSms(), () => "123456", shared)
      assert.strictEqual(yield* Fiber.join(yield* other.ask()), "success")
      questions[0]?.enter("123456")
      yield* settle
      assert.deepStrictEqual(sms.calls, ["login"])
      assert.strictEqual(yield* Fiber.join(fiber), "success")
    })
  )
})
