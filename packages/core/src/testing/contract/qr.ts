import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as TestClock from "effect/testing/TestClock"
import { QrLogin } from "../../login/QrLogin.ts"
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

const begin = Effect.fnUntraced(function* (subject: Subject) {
  const world = yield* start(subject)
  const qr = yield* service(yield* world.build(), QrLogin)
  const code = yield* qr.begin
  if (world.scan === undefined) return yield* new ContractViolation({ message: "the subject's world has no `scan`" })
  const endpoint = yield* endpointOf(subject, "QrLogin")
  return { ...world, code, endpoint, qr, scan: world.scan(code) }
})

const faults: ReadonlyArray<readonly [string, Fault]> = [
  ["the broker answers with HTTP 503", { kind: "status", status: 503 }],
  ["the connection is cut before the poll is processed", { kind: "reset" }],
  ["the connection is cut after the poll is processed", { kind: "lost" }]
]

export const qr = (subject: Subject): ReadonlyArray<Case> => [
  {
    name: "returns a QR code that hides its image and name when printed",
    run: Effect.gen(function* () {
      const { code, fake } = yield* begin(subject)
      yield* ensure(code.expiresAt > (yield* fake.now), "the QR code has already expired")
      yield* ensure(
        /^iVBORw0KGgo[A-Za-z0-9+/]+=*$/.test(Redacted.value(code.image)),
        "the image must be a PNG in base64"
      )
      const printed = `${subject.inspect(code)} ${JSON.stringify(code)}`
      yield* ensure(!printed.includes(Redacted.value(code.name)), "the name of the QR code was printed")
      yield* ensure(!printed.includes(Redacted.value(code.image)), "the image of the QR code was printed")
    })
  },
  {
    name: "returns a session only after the scan",
    run: Effect.gen(function* () {
      const { code, qr, scan } = yield* begin(subject)
      yield* same(Option.isNone(yield* qr.poll(code)), true, "whether the poll before the scan returned no session")
      yield* scan
      const polled = yield* qr.poll(code)
      if (Option.isNone(polled)) return yield* new ContractViolation({ message: "there is no session after the scan" })
      const { account, method } = polled.value
      yield* same([account.broker, method], [subject.broker.id, subject.method.id], "broker, method")
    }).pipe(Effect.asVoid)
  },
  {
    name: "returns only one session for each QR code",
    run: Effect.gen(function* () {
      const { code, endpoint, fake, qr, scan } = yield* begin(subject)
      yield* scan
      yield* qr.poll(code)
      yield* failsWith(qr.poll(code), "ChallengeExpired")
      yield* same(yield* timesAsked(fake, endpoint), 1, "number of polls sent")
    })
  },
  {
    name: "sends no poll for an expired QR code",
    run: Effect.gen(function* () {
      const { code, endpoint, fake, qr } = yield* begin(subject)
      yield* TestClock.adjust(code.expiresAt - (yield* fake.now))
      const reason = yield* failsWith(qr.poll(code), "ChallengeExpired")
      yield* same(reason._tag === "ChallengeExpired" && reason.why, "timed-out", "why")
      yield* same(yield* timesAsked(fake, endpoint), 0, "number of polls sent")
    })
  },
  ...faults.map(([what, fault]): Case => ({
    name: `sends a poll exactly once if ${what}`,
    run: Effect.gen(function* () {
      const { code, endpoint, fake, qr, scan } = yield* begin(subject)
      yield* scan
      yield* fake.inject(endpoint, fault)
      yield* failsWith(qr.poll(code), "BrokerUnavailable")
      yield* same(yield* timesAsked(fake, endpoint), 1, "number of polls sent")
    })
  })),
  {
    name: "sends a poll exactly once if it times out",
    run: Effect.gen(function* () {
      const { code, endpoint, fake, qr } = yield* begin(subject)
      yield* fake.inject(endpoint, { kind: "latency", duration: "1 hour" })
      const fiber = yield* Effect.forkChild(qr.poll(code))
      yield* untilAsked(fake, endpoint, 1)
      yield* TestClock.adjust("11 seconds")
      yield* failsWith(Fiber.join(fiber), "BrokerUnavailable")
      yield* same(yield* timesAsked(fake, endpoint), 1, "number of polls sent")
    })
  }
]
