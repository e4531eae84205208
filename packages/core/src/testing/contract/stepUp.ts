import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Redacted from "effect/Redacted"
import * as TestClock from "effect/testing/TestClock"
import type * as AuthError from "../../login/AuthError.ts"
import type { Challenge } from "../../login/Challenge.ts"
import { Login } from "../../login/Login.ts"
import { StepUp } from "../../login/StepUp.ts"
import type { Fault } from "../FakeBroker.ts"
import {
  type Case,
  ContractViolation,
  endpointOf,
  ensure,
  failsWith,
  same,
  service,
  start,
  type Subject,
  timesAsked,
  untilAsked
} from "./subject.ts"

const challenged = Effect.fnUntraced(function* (subject: Subject) {
  const world = yield* start(subject)
  const context = yield* world.build(subject.stepUp)
  const { login } = yield* service(context, Login)
  const outcome = yield* login
  if (outcome._tag !== "StepUpRequired") {
    return yield* new ContractViolation({ message: "the login returned no challenge" })
  }
  if (world.answer === undefined) {
    return yield* new ContractViolation({ message: "the subject's world has no `answer`" })
  }
  const { challenge } = outcome
  const code = yield* world.answer(challenge)
  const stepUp = yield* service(context, StepUp)
  const endpoint = yield* endpointOf(subject, "StepUp")
  return { ...stepUp, challenge, code, endpoint, fake: world.fake, verified: stepUp.verify(challenge, code) }
})

const faults: ReadonlyArray<readonly [string, Fault, AuthError.Reason["_tag"]]> = [
  ["the broker answers with HTTP 503", { kind: "status", status: 503 }, "BrokerUnavailable"],
  ["the connection is cut before the code is processed", { kind: "reset" }, "BrokerUnavailable"],
  ["the connection is cut after the code is processed", { kind: "lost" }, "BrokerUnavailable"],
  ["the answer is an HTML page", { kind: "answer", status: 200, body: "<html></html>" }, "MalformedResponse"]
]

const wrong = Redacted.make("000000")

export const stepUp = (subject: Subject): ReadonlyArray<Case> => [
  {
    name: "returns a challenge that hides its step token when printed",
    run: Effect.gen(function* () {
      const { challenge } = yield* challenged(subject)
      yield* ensure(
        challenge.kinds.length > 0 && challenge.id !== "",
        "the challenge must have an id and accept at least one kind of code"
      )
      const printed = `${subject.inspect(challenge)} ${JSON.stringify(challenge)}`
      yield* ensure(!printed.includes(Redacted.value(challenge.stepToken)), "the step token was printed")
    })
  },
  {
    name: "returns a session for the right code",
    run: Effect.gen(function* () {
      const { verified } = yield* challenged(subject)
      const session = yield* verified
      yield* same([session.account.broker, session.method], [subject.broker.id, subject.method.id], "broker, method")
    })
  },
  {
    name: "accepts each challenge only once",
    run: Effect.gen(function* () {
      const { endpoint, fake, verified } = yield* challenged(subject)
      yield* verified
      yield* failsWith(verified, "ChallengeExpired")
      yield* same(yield* timesAsked(fake, endpoint), 1, "number of codes sent")
    })
  },
  {
    name: "sends a code exactly once for concurrent calls of `verify`",
    run: Effect.gen(function* () {
      const { endpoint, fake, verified } = yield* challenged(subject)
      const exits = yield* Effect.forEach(Array.from({ length: 20 }), () => Effect.exit(verified), {
        concurrency: "unbounded"
      })
      yield* same(exits.filter(Exit.isSuccess).length, 1, "number of sessions")
      yield* same(yield* timesAsked(fake, endpoint), 1, "number of codes sent")
    })
  },
  {
    name: "rejects the challenge of another account",
    run: Effect.gen(function* () {
      const { challenge, code, endpoint, fake, verify } = yield* challenged(subject)
      const other: Challenge = { ...challenge, account: { ...challenge.account, id: "SOMEONEELSE" } }
      yield* failsWith(verify(other, code), "ChallengeExpired")
      yield* same(yield* timesAsked(fake, endpoint), 0, "number of codes sent")
    })
  },
  {
    name: "fails with InvalidStepUpCode for a wrong code",
    run: Effect.gen(function* () {
      const { challenge, endpoint, fake, verify } = yield* challenged(subject)
      const reason = yield* failsWith(verify(challenge, wrong), "InvalidStepUpCode")
      yield* same(reason.isRetryable, false, "isRetryable")
      yield* same(yield* timesAsked(fake, endpoint), 1, "number of codes sent")
    })
  },
  ...["", "12ab56", "123"].map((code): Case => ({
    name: `does not send the malformed code "${code}"`,
    run: Effect.gen(function* () {
      const { challenge, endpoint, fake, verified, verify } = yield* challenged(subject)
      yield* failsWith(verify(challenge, Redacted.make(code)), "InvalidRequest")
      yield* same(yield* timesAsked(fake, endpoint), 0, "number of codes sent")
      yield* verified
    })
  })),
  ...faults.map(([what, fault, tag]): Case => ({
    name: `sends a code exactly once if ${what}`,
    run: Effect.gen(function* () {
      const { endpoint, fake, verified } = yield* challenged(subject)
      yield* fake.inject(endpoint, fault)
      yield* failsWith(verified, tag)
      yield* failsWith(verified, "ChallengeExpired")
      yield* same(yield* timesAsked(fake, endpoint), 1, "number of codes sent")
    })
  })),
  {
    name: "sends a code exactly once if the request times out",
    run: Effect.gen(function* () {
      const { endpoint, fake, verified } = yield* challenged(subject)
      yield* fake.inject(endpoint, { kind: "latency", duration: "1 hour" })
      const fiber = yield* Effect.forkChild(verified)
      yield* untilAsked(fake, endpoint, 1)
      yield* TestClock.adjust("11 seconds")
      yield* failsWith(Fiber.join(fiber), "BrokerUnavailable")
      yield* TestClock.adjust("10 minutes")
      yield* same(yield* timesAsked(fake, endpoint), 1, "number of codes sent")
    })
  },
  {
    name: "sends a code exactly once if the request is interrupted",
    run: Effect.gen(function* () {
      const { endpoint, fake, verified } = yield* challenged(subject)
      yield* fake.inject(endpoint, { kind: "latency", duration: "1 hour" })
      const fiber = yield* Effect.forkChild(verified)
      yield* untilAsked(fake, endpoint, 1)
      yield* Fiber.interrupt(fiber)
      yield* failsWith(verified, "ChallengeExpired")
      yield* same(yield* timesAsked(fake, endpoint), 1, "number of codes sent")
    })
  },
  {
    name: "requests a new code only after `resendAt`",
    run: Effect.gen(function* () {
      const { challenge, fake, resend, verified } = yield* challenged(subject)
      if (challenge.resendAt === undefined) return yield* failsWith(resend(challenge), "InvalidRequest")
      const before = (yield* fake.journal).length
      if (challenge.resendAt > (yield* fake.now)) {
        yield* failsWith(resend(challenge), "RateLimited")
        yield* same((yield* fake.journal).length, before, "number of requests")
        yield* TestClock.adjust(challenge.resendAt - (yield* fake.now))
      }
      const renewed = yield* resend(challenge)
      yield* ensure(renewed.id !== challenge.id, "the challenge must be new")
      return yield* failsWith(verified, "ChallengeExpired")
    }).pipe(Effect.asVoid)
  }
]
