import * as AuthError from "@auth/broker-core/login/AuthError"
import type * as QrLogin from "@auth/broker-core/login/QrLogin"
import type * as Session from "@auth/broker-core/login/Session"
import { assert, describe, it } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as TestClock from "effect/testing/TestClock"
import * as qrSession from "../src/session/internal/qrSession.ts"

/**
 * Makes a QR login. The first polls fail with `answers`, in order. All later polls return no session. `sent` has the
 * time of each request, in seconds.
 */
const makeQr = (lifetime: number, answers: ReadonlyArray<AuthError.Reason>) => {
  const sent: Array<string> = []
  const note = (what: string) =>
    Effect.map(Clock.currentTimeMillis, (now) => {
      sent.push(`${what} ${Math.floor(now / 1000)}`)
      return now
    })
  let polls = 0
  const service: QrLogin.QrLogin["Service"] = {
    begin: Effect.map(note("begin"), (now) => ({
      name: Redacted.make("name"),
      image: Redacted.make("iVBOR"),
      expiresAt: now + lifetime
    })),
    poll: () =>
      Effect.flatMap(note("poll"), () => {
        const reason = answers[polls++]
        return reason === undefined
          ? Effect.succeed(Option.none<Session.Session>())
          : Effect.fail(AuthError.make("tiny", "poll", reason))
      })
  }
  return { sent, service }
}

const poll = (service: QrLogin.QrLogin["Service"], seconds: number) =>
  Effect.gen(function* () {
    const fiber = yield* Effect.forkChild(Effect.flip(qrSession.poll(service, "tiny", () => undefined)))
    yield* TestClock.adjust(seconds * 1000)
    return fiber
  })

const down = new AuthError.BrokerUnavailable({ why: "network" })
const throttled = (retryAfter: "10 seconds" | "10 minutes") =>
  new AuthError.RateLimited({ by: "broker", retryAfter: Duration.fromInputUnsafe(retryAfter) })

describe("the polls of a QR login", () => {
  it.effect("are sent every second", () =>
    Effect.gen(function* () {
      const { sent, service } = makeQr(60_000, [])
      yield* Fiber.interrupt(yield* poll(service, 3))
      assert.deepStrictEqual(sent, ["begin 0", "poll 1", "poll 2", "poll 3"])
    })
  )

  it.effect("are sent after increasing pauses if the broker does not answer", () =>
    Effect.gen(function* () {
      const { sent, service } = makeQr(60_000, [down, down, down, down])
      yield* Fiber.interrupt(yield* poll(service, 40))
      const times = sent.slice(1, 6).map((entry) => Number(entry.split(" ")[1]))
      const pauses = times.slice(1).map((at, index) => at - (times[index] ?? 0))
      assert.isAtLeast(pauses[1] ?? 0, 2)
      assert.isAtLeast(pauses[2] ?? 0, 4)
      assert.isAtLeast(pauses[3] ?? 0, 8)
    })
  )

  it.effect("wait as long as Retry-After says", () =>
    Effect.gen(function* () {
      const { sent, service } = makeQr(60_000, [throttled("10 seconds")])
      yield* Fiber.interrupt(yield* poll(service, 12))
      assert.deepStrictEqual(sent, ["begin 0", "poll 1", "poll 11", "poll 12"])
    })
  )

  it.effect("end with RateLimited if Retry-After is longer than five minutes", () =>
    Effect.gen(function* () {
      const { sent, service } = makeQr(60_000, [throttled("10 minutes")])
      const error = yield* Fiber.join(yield* poll(service, 2))
      assert.strictEqual(error.reason._tag, "RateLimited")
      assert.deepStrictEqual(sent, ["begin 0", "poll 1"])
    })
  )

  it.effect("end after five minutes", () =>
    Effect.gen(function* () {
      const { sent, service } = makeQr(120_000, [])
      const error = yield* Fiber.join(yield* poll(service, 301))
      assert.strictEqual(error.reason._tag, "ChallengeExpired")
      assert.deepStrictEqual(
        sent.filter((entry) => entry.startsWith("begin")),
        ["begin 0", "begin 120", "begin 240"]
      )
    })
  )
})
