import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import * as TestClock from "effect/testing/TestClock"
import { AccountRecovery } from "../../login/AccountRecovery.ts"
import type { Challenge } from "../../login/Challenge.ts"
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
  timesAsked
} from "./subject.ts"
import { watched } from "./secrets.ts"

const wrong = Redacted.make("000000")
const password = Redacted.make("N3w-canary-password")

const begin = Effect.fnUntraced(function* (subject: Subject) {
  const world = yield* start(subject)
  const recovery = yield* service(yield* world.build(), AccountRecovery)
  const { answer, identity } = world
  if (answer === undefined || identity === undefined) {
    return yield* new ContractViolation({ message: "the subject's world has no `answer` or no `identity`" })
  }
  const proof = Redacted.make(identity)
  const confirmedReset = Effect.gen(function* () {
    const challenge = yield* recovery.forgotPassword(proof)
    return yield* recovery.confirmForgotPassword(challenge, yield* answer(challenge))
  })
  return { ...world, answer, confirmedReset, proof, recovery }
})

const recoveries: ReadonlyArray<readonly ["unblock" | "forgotPassword", "confirmUnblock" | "confirmForgotPassword"]> = [
  ["unblock", "confirmUnblock"],
  ["forgotPassword", "confirmForgotPassword"]
]

const beginning = (subject: Subject): ReadonlyArray<Case> =>
  recoveries.flatMap(([first, second]): ReadonlyArray<Case> => [
    {
      name: `${first} returns a challenge that can be answered only once`,
      run: Effect.gen(function* () {
        const { answer, proof, recovery } = yield* begin(subject)
        const challenge = yield* recovery[first](proof)
        const code = yield* answer(challenge)
        yield* recovery[second](challenge, code)
        yield* failsWith(recovery[second](challenge, code), "ChallengeExpired")
      })
    },
    {
      name: `${second} accepts the right code after a wrong code`,
      run: Effect.gen(function* () {
        const { answer, proof, recovery } = yield* begin(subject)
        const challenge = yield* recovery[first](proof)
        yield* failsWith(recovery[second](challenge, wrong), "InvalidStepUpCode")
        yield* recovery[second](challenge, yield* answer(challenge))
      })
    },
    {
      name: `${second} rejects the challenge of another account`,
      run: Effect.gen(function* () {
        const { answer, fake, proof, recovery } = yield* begin(subject)
        const challenge = yield* recovery[first](proof)
        const sent = (yield* fake.journal).length
        const other: Challenge = { ...challenge, account: { ...challenge.account, id: "SOMEONEELSE" } }
        yield* failsWith(recovery[second](other, yield* answer(challenge)), "ChallengeExpired")
        yield* same((yield* fake.journal).length, sent, "number of requests")
      })
    },
    {
      name: `${second} rejects a challenge that has timed out`,
      run: Effect.gen(function* () {
        const { answer, fake, proof, recovery } = yield* begin(subject)
        const challenge = yield* recovery[first](proof)
        const code = yield* answer(challenge)
        if (challenge.expiresAt === undefined) return
        yield* TestClock.adjust(challenge.expiresAt - (yield* fake.now))
        yield* failsWith(recovery[second](challenge, code), "ChallengeExpired")
      })
    },
    ...["", "12ab56", "123"].map((code): Case => ({
      name: `${second} does not send the malformed code "${code}"`,
      run: Effect.gen(function* () {
        const { fake, proof, recovery } = yield* begin(subject)
        const challenge = yield* recovery[first](proof)
        const sent = (yield* fake.journal).length
        yield* failsWith(recovery[second](challenge, Redacted.make(code)), "InvalidRequest")
        yield* same((yield* fake.journal).length, sent, "number of requests")
      })
    }))
  ])

export const recovery = (subject: Subject): ReadonlyArray<Case> => [
  ...beginning(subject),
  {
    name: "`unblock` and `forgotPassword` reject an invalid proof of identity",
    run: Effect.gen(function* () {
      const { fake, recovery } = yield* begin(subject)
      for (const identity of ["", "  ", "not one"]) {
        yield* failsWith(recovery.unblock(Redacted.make(identity)), "InvalidRequest")
        yield* failsWith(recovery.forgotPassword(Redacted.make(identity)), "InvalidRequest")
      }
      yield* same((yield* fake.journal).length, 0, "number of requests")
    })
  },
  {
    name: "`confirmForgotPassword` and `resetPassword` reject a challenge from `unblock`",
    run: Effect.gen(function* () {
      const { answer, proof, recovery } = yield* begin(subject)
      const challenge = yield* recovery.unblock(proof)
      const code = yield* answer(challenge)
      yield* failsWith(recovery.confirmForgotPassword(challenge, code), "InvalidRequest")
      yield* failsWith(recovery.resetPassword(challenge, password), "InvalidRequest")
      yield* recovery.confirmUnblock(challenge, code)
    })
  },
  {
    name: "`resetPassword` accepts a challenge only once",
    run: Effect.gen(function* () {
      const { confirmedReset, recovery } = yield* begin(subject)
      const challenge = yield* confirmedReset
      yield* recovery.resetPassword(challenge, password)
      yield* failsWith(recovery.resetPassword(challenge, password), "ChallengeExpired")
    })
  },
  {
    name: "`resetPassword` rejects a blank password",
    run: Effect.gen(function* () {
      const { confirmedReset, recovery } = yield* begin(subject)
      yield* failsWith(recovery.resetPassword(yield* confirmedReset, Redacted.make("  ")), "InvalidRequest")
    })
  },
  {
    name: "`resetPassword` does not resend a password if the broker's answer was lost",
    run: Effect.gen(function* () {
      const { confirmedReset, fake, recovery } = yield* begin(subject)
      const endpoint = yield* endpointOf(subject, "AccountRecovery")
      const challenge = yield* confirmedReset
      yield* fake.inject(endpoint, { kind: "lost" })
      yield* failsWith(recovery.resetPassword(challenge, password), "BrokerUnavailable")
      yield* failsWith(recovery.resetPassword(challenge, password), "ChallengeExpired")
      yield* same(yield* timesAsked(fake, endpoint), 1, `number of ${endpoint} requests`)
    })
  },
  ...(["page", "json", "refusal"] as const).map((as): Case => ({
    name: `shows no secret if the broker answers \`resetPassword\` with a ${as} that quotes the request`,
    run: Effect.gen(function* () {
      const { confirmedReset, fake, identity = "", recovery, secrets } = yield* begin(subject)
      const challenge = yield* confirmedReset
      yield* fake.inject(yield* endpointOf(subject, "AccountRecovery"), { kind: "quote", as })
      const step = Redacted.value(challenge.stepToken)
      const exit = yield* watched(
        subject,
        recovery.resetPassword(challenge, password),
        Effect.succeed([...secrets, identity, step, Redacted.value(password)])
      )
      yield* ensure(exit._tag === "Failure", "the reset must fail")
    })
  }))
]
