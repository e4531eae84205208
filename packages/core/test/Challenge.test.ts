import * as Account from "@auth/broker-core/login/Account"
import * as AuthError from "@auth/broker-core/login/AuthError"
import * as Challenge from "@auth/broker-core/login/Challenge"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Redacted from "effect/Redacted"
import * as TestClock from "effect/testing/TestClock"
import { LoginAttempt, type LoginAttempt as Attempt } from "../src/login/internal/loginAttempt.ts"
import { account, shown } from "./support.ts"

const fields = {
  kinds: ["otp"],
  destinations: ["xxxxxx1234"],
  resendAt: 30_000,
  resendsLeft: 2,
  expiresAt: 300_000,
  stepToken: Redacted.make("step-canary")
} as const satisfies Omit<Challenge.Challenge, "id" | "account">

const opened = Effect.gen(function* () {
  const ledger = yield* Challenge.makeLedger(account)
  return { ledger, challenge: yield* ledger.open(fields) }
})

const refusal = <A, R>(effect: Effect.Effect<A, AuthError.AuthError, R>) =>
  Effect.map(Effect.flip(effect), ({ reason }) => (reason._tag === "ChallengeExpired" ? reason.why : reason._tag))

describe("the ledger of challenges", () => {
  it.effect("keeps the challenge open if `answer` is interrupted before it sends the code", () =>
    Effect.gen(function* () {
      const { challenge, ledger } = yield* opened
      const code = Redacted.make("123456")
      const answer = ledger.answer(challenge, code, { digits: 6, send: Effect.succeed("sent") })
      const attempt = { beforeCode: Effect.never } as unknown as Attempt
      const waiting = yield* Effect.forkChild(Effect.provideService(answer, LoginAttempt, attempt), {
        startImmediately: true
      })
      yield* Fiber.interrupt(waiting)
      assert.strictEqual(yield* answer, "sent")
      assert.strictEqual(yield* refusal(answer), "used")
    })
  )

  it.effect("masks destinations that the broker has not masked", () =>
    Effect.gen(function* () {
      const { ledger } = yield* opened
      const destinations = [
        ["9876543210", "xxxx3210"],
        ["98765\u001b[2J43210", "xxxx3210"],
        ["trader@example.com", "txxxx@example.com"],
        ["maxxxine@example.com", "mxxxx@example.com"],
        ["trader@axxxb.example", "txxxx@axxxb.example"],
        ["alexxx@example.com", "axxxx@example.com"],
        ["a#b@example.com", "axxxx@example.com"],
        ["3210", "xxxx"],
        ...["98******10", "98XXXXXX10", "xxxxxx3210", "t***@example.com", "txxxx@example.com"].map((text) => [
          text,
          text
        ])
      ] as const
      const challenge = yield* ledger.open({ ...fields, destinations: destinations.map(([given]) => given) })
      assert.deepStrictEqual(
        challenge.destinations,
        destinations.map(([, masked]) => masked)
      )
    })
  )

  it.effect("gives each challenge a different id, and hides its step token", () =>
    Effect.gen(function* () {
      const { challenge, ledger } = yield* opened
      const another = yield* ledger.open(fields)
      assert.notStrictEqual(another.id, challenge.id)
      assert.deepStrictEqual(challenge.account, account)
      assert.notInclude(shown(challenge), "canary")
    })
  )

  it.effect("counts the remaining attempts before and after a resend", () =>
    Effect.gen(function* () {
      yield* TestClock.setTime(30_000)
      const ledger = yield* Challenge.makeLedger(account)
      const first = yield* ledger.open({ ...fields, attemptsLeft: 3 })
      const wrong = Effect.fail(
        AuthError.make(account.broker, "verify", new AuthError.InvalidStepUpCode({ kind: "otp", hints: [] }))
      )
      const miss = (challenge: Challenge.Challenge) =>
        refusal(ledger.answer(challenge, Redacted.make("000000"), { digits: 6, send: wrong }))
      assert.strictEqual(first.attemptsLeft, 3)
      assert.strictEqual(yield* miss(first), "InvalidStepUpCode")
      assert.strictEqual(first.attemptsLeft, 2)
      const second = yield* ledger.resend(first, Effect.succeed(fields))
      assert.strictEqual(second.attemptsLeft, 2)
      yield* miss(second)
      assert.strictEqual(second.attemptsLeft, 1)
      yield* miss(second)
      assert.strictEqual(yield* miss(second), "attempts")
      const unknown = yield* ledger.open(fields)
      assert.isUndefined(unknown.attemptsLeft)
    })
  )

  it.effect("accepts only one claim of a challenge", () =>
    Effect.gen(function* () {
      const { challenge, ledger } = yield* opened
      assert.strictEqual(yield* ledger.claim(challenge), challenge)
      assert.strictEqual(yield* refusal(ledger.claim(challenge)), "used")
    })
  )

  it.effect("accepts only one of a hundred concurrent claims", () =>
    Effect.gen(function* () {
      const { challenge, ledger } = yield* opened
      const claims = Array.from({ length: 100 }, () =>
        Effect.result(Effect.andThen(Effect.yieldNow, ledger.claim(challenge)))
      )
      const results = yield* Effect.all(claims, { concurrency: "unbounded" })
      assert.lengthOf(
        results.filter(({ _tag }) => _tag === "Success"),
        1
      )
    })
  )

  it.effect.each([
    { at: 299_999, came: "Success" },
    { at: 300_000, came: "timed-out" },
    { at: 86_400_000, came: "timed-out" }
  ])("returns $came for a claim at $at ms if the challenge expires at 300000 ms", ({ at, came }) =>
    Effect.gen(function* () {
      const { challenge, ledger } = yield* opened
      yield* TestClock.setTime(at)
      const result = yield* Effect.result(refusal(ledger.claim(challenge)))
      assert.strictEqual(result._tag === "Success" ? result.success : "Success", came)
    })
  )

  it.effect("accepts a claim after a year if the challenge has no expiry", () =>
    Effect.gen(function* () {
      const { ledger } = yield* opened
      const endless = yield* ledger.open({ ...fields, expiresAt: undefined })
      yield* TestClock.adjust("365 days")
      assert.strictEqual(yield* ledger.claim(endless), endless)
    })
  )

  it.effect("rejects a claim that names another account", () =>
    Effect.gen(function* () {
      const { challenge, ledger } = yield* opened
      const other = { ...challenge, account: Account.make({ ...account, id: "T2" }) }
      assert.strictEqual(yield* refusal(ledger.claim(other)), "other-account")
      assert.strictEqual(yield* ledger.claim(challenge), challenge)
    })
  )

  it.effect("rejects a claim of an unknown challenge", () =>
    Effect.gen(function* () {
      const { challenge, ledger } = yield* opened
      assert.strictEqual(yield* refusal(ledger.claim({ ...challenge, id: "made up" })), "used")
    })
  )

  it.effect("accepts one more claim of a reopened challenge", () =>
    Effect.gen(function* () {
      const { challenge, ledger } = yield* opened
      yield* ledger.claim(challenge)
      yield* ledger.reopen(challenge)
      yield* ledger.claim(challenge)
      assert.strictEqual(yield* refusal(ledger.claim(challenge)), "used")
    })
  )
})

const code = Redacted.make("123456")

const failing = (reason: AuthError.Reason) => Effect.fail(AuthError.make(account.broker, "verify", reason))

describe("the ledger's method `answer`", () => {
  it.effect.each([
    { title: "a success", send: Effect.succeed("session"), after: "used" },
    {
      title: "a wrong code",
      send: failing(new AuthError.InvalidStepUpCode({ kind: "otp", hints: [] })),
      after: "open"
    },
    {
      title: "a refusal because of a rate limit",
      send: failing(new AuthError.RateLimited({ by: "broker", retryAfter: undefined })),
      after: "open"
    },
    { title: "a time-out", send: failing(new AuthError.BrokerUnavailable({ why: "time-out" })), after: "used" },
    { title: "an unknown refusal", send: failing(new AuthError.BrokerRejected({ code: "X" })), after: "used" },
    { title: "too many attempts", send: failing(new AuthError.ChallengeExpired({ why: "attempts" })), after: "used" },
    { title: "a defect", send: Effect.die("defect"), after: "used" }
  ])("makes one request: after $title, the challenge is $after", ({ after, send }) =>
    Effect.gen(function* () {
      const { challenge, ledger } = yield* opened
      let sent = 0
      const counted = Effect.andThen(
        Effect.sync(() => (sent += 1)),
        send as Effect.Effect<string, AuthError.AuthError>
      )
      yield* Effect.exit(ledger.answer(challenge, code, { digits: 6, send: counted }))
      assert.strictEqual(sent, 1)
      const claimed = yield* Effect.result(refusal(ledger.claim(challenge)))
      assert.strictEqual(claimed._tag === "Success" ? claimed.success : "open", after)
    })
  )

  it.effect("closes the challenge when no attempt is left", () =>
    Effect.gen(function* () {
      const { ledger } = yield* opened
      const challenge = yield* ledger.open({ ...fields, attemptsLeft: 2 })
      const another = yield* ledger.open(fields)
      const wrong = failing(new AuthError.InvalidStepUpCode({ kind: "otp", hints: [] }))
      const limited = failing(new AuthError.RateLimited({ by: "broker", retryAfter: undefined }))
      const answer = (send: Effect.Effect<never, AuthError.AuthError>, to = challenge) =>
        refusal(ledger.answer(to, code, { digits: 6, send }))
      const came = []
      for (const send of [wrong, limited, wrong, wrong]) came.push(yield* answer(send))
      assert.deepStrictEqual(came, ["InvalidStepUpCode", "RateLimited", "InvalidStepUpCode", "attempts"])
      assert.strictEqual(yield* answer(wrong, another), "InvalidStepUpCode")
      assert.strictEqual(yield* ledger.claim(another), another)
    })
  )

  it.effect("does not send a malformed code", () =>
    Effect.gen(function* () {
      const { challenge, ledger } = yield* opened
      const send = Effect.die("sent")
      const short = ledger.answer(challenge, Redacted.make("12345"), { digits: 6, send })
      assert.strictEqual(yield* refusal(short), "InvalidRequest")
      assert.strictEqual(yield* ledger.claim(challenge), challenge)
    })
  )

  it.effect("closes the challenge if the request was interrupted", () =>
    Effect.gen(function* () {
      const { challenge, ledger } = yield* opened
      const fiber = yield* Effect.forkChild(ledger.answer(challenge, code, { digits: 6, send: Effect.never }), {
        startImmediately: true
      })
      yield* Fiber.interrupt(fiber)
      assert.strictEqual(yield* refusal(ledger.claim(challenge)), "used")
    })
  )
})

describe("the ledger's method `resend`", () => {
  const renewed = { ...fields, resendsLeft: 1 }

  it.effect("replaces the challenge, but not before `resendAt`", () =>
    Effect.gen(function* () {
      const { challenge, ledger } = yield* opened
      yield* TestClock.setTime(29_000)
      const early = yield* Effect.flip(ledger.resend(challenge, Effect.die("sent")))
      assert.deepInclude(early.reason, { _tag: "RateLimited", by: "client" })
      assert.strictEqual(early.message.includes("Wait 1 second "), true)
      yield* TestClock.setTime(30_000)
      const next = yield* ledger.resend(challenge, Effect.succeed(renewed))
      assert.strictEqual(next.resendsLeft, 1)
      assert.strictEqual(yield* refusal(ledger.claim(challenge)), "used")
      assert.strictEqual(yield* ledger.claim(next), next)
    })
  )

  it.effect.each([
    { title: "the broker never resends a code", change: { resendAt: undefined } },
    { title: "no resend is left", change: { resendsLeft: 0 } }
  ])("fails with InvalidRequest if $title", ({ change }) =>
    Effect.gen(function* () {
      const { ledger } = yield* opened
      const challenge = yield* ledger.open({ ...fields, ...change })
      assert.isUndefined(challenge.resendAt)
      yield* TestClock.setTime(60_000)
      assert.strictEqual(yield* refusal(ledger.resend(challenge, Effect.die("sent"))), "InvalidRequest")
      assert.strictEqual(yield* ledger.claim(challenge), challenge)
    })
  )

  it.effect.each([
    new AuthError.BrokerUnavailable({ why: "network" }),
    new AuthError.BrokerUnavailable({ why: "broker", status: 503 }),
    new AuthError.RateLimited({ by: "broker", retryAfter: undefined }),
    new AuthError.MalformedResponse({ status: 200, problem: "it is not JSON", excerpt: "" }),
    new AuthError.BrokerRejected({ code: "none", status: 200 }),
    new AuthError.PermissionDenied({ why: "waf" }),
    new AuthError.InvalidRequest({ problems: [{ field: "request", problem: "was refused" }] })
  ])("leaves the challenge open if the resend fails with $_tag", (reason) =>
    Effect.gen(function* () {
      const { challenge, ledger } = yield* opened
      yield* TestClock.setTime(30_000)
      assert.strictEqual(yield* refusal(ledger.resend(challenge, failing(reason))), reason._tag)
      assert.strictEqual((yield* ledger.resend(challenge, Effect.succeed(renewed))).resendsLeft, 1)
      const other = yield* ledger.open(fields)
      yield* refusal(ledger.resend(other, failing(reason)))
      assert.strictEqual(yield* ledger.answer(other, code, { digits: 6, send: Effect.succeed("in") }), "in")
    })
  )

  it.effect("leaves the challenge open if the resend is interrupted or ends with a defect", () =>
    Effect.gen(function* () {
      const { challenge, ledger } = yield* opened
      yield* TestClock.setTime(30_000)
      const fiber = yield* Effect.forkChild(ledger.resend(challenge, Effect.never), { startImmediately: true })
      yield* Fiber.interrupt(fiber)
      yield* Effect.exit(ledger.resend(challenge, Effect.die("broken")))
      assert.strictEqual(yield* ledger.claim(challenge), challenge)
    })
  )

  it.effect("closes the challenge if the resend fails with ChallengeExpired", () =>
    Effect.gen(function* () {
      const { challenge, ledger } = yield* opened
      yield* TestClock.setTime(30_000)
      const over = new AuthError.ChallengeExpired({ why: "timed-out" })
      assert.strictEqual(yield* refusal(ledger.resend(challenge, failing(over))), "timed-out")
      assert.strictEqual(yield* refusal(ledger.claim(challenge)), "timed-out")
    })
  )

  it.effect("fails with timed-out if the challenge has expired", () =>
    Effect.gen(function* () {
      const { challenge, ledger } = yield* opened
      yield* TestClock.setTime(300_000)
      assert.strictEqual(yield* refusal(ledger.resend(challenge, Effect.die("sent"))), "timed-out")
      assert.strictEqual(yield* refusal(ledger.claim(challenge)), "timed-out")
    })
  )

  it.effect("sends only one request for two concurrent calls", () =>
    Effect.gen(function* () {
      const { challenge, ledger } = yield* opened
      yield* TestClock.setTime(30_000)
      let sent = 0
      const send = Effect.as(
        Effect.andThen(
          Effect.yieldNow,
          Effect.sync(() => (sent += 1))
        ),
        renewed
      )
      const results = yield* Effect.all(
        [1, 2].map(() => Effect.result(ledger.resend(challenge, send))),
        {
          concurrency: "unbounded"
        }
      )
      assert.deepStrictEqual([sent, results.filter(({ _tag }) => _tag === "Success").length], [1, 1])
    })
  )
})
