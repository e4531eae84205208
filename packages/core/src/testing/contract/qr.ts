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

/** A picture, and the person who scans it. */
const begin = Effect.fnUntraced(function* (subject: Subject) {
  const world = yield* start(subject)
  const qr = yield* service(yield* world.build(), QrLogin)
  const code = yield* qr.begin
  if (world.scan === undefined) return yield* new ContractViolation({ message: "the subject cannot scan" })
  const endpoint = yield* endpointOf(subject, "QrLogin")
  return { ...world, code, endpoint, qr, scan: world.scan(code) }
})

const faults: ReadonlyArray<readonly [string, Fault]> = [
  ["the broker answers 503", { kind: "status", status: 503 }],
  ["the connection is cut before the broker acts", { kind: "reset" }],
  ["the connection is cut after the broker acted", { kind: "lost" }]
]

export const qr = (subject: Subject): ReadonlyArray<Case> => [
  {
    name: "shows a picture that ends, and prints neither it nor its name",
    run: Effect.gen(function* () {
      const { code, fake } = yield* begin(subject)
      yield* ensure(code.expiresAt > (yield* fake.now), "the picture ends later")
      yield* ensure(/^iVBORw0KGgo[A-Za-z0-9+/]+=*$/.test(Redacted.value(code.image)), "a PNG in base64")
      const printed = `${subject.inspect(code)} ${JSON.stringify(code)}`
      yield* ensure(!printed.includes(Redacted.value(code.name)), "the name was printed")
      yield* ensure(!printed.includes(Redacted.value(code.image)), "the picture was printed")
    })
  },
  {
    name: "has nothing to give until the picture is scanned, and a session then",
    run: Effect.gen(function* () {
      const { code, qr, scan } = yield* begin(subject)
      yield* same(Option.isNone(yield* qr.poll(code)), true, "none before the scan")
      yield* scan
      const polled = yield* qr.poll(code)
      if (Option.isNone(polled)) return yield* new ContractViolation({ message: "no session after the scan" })
      const { account, method } = polled.value
      yield* same([account.broker, method], [subject.broker.id, subject.method.id], "broker, method")
    }).pipe(Effect.asVoid)
  },
  {
    name: "makes one session of a picture",
    run: Effect.gen(function* () {
      const { code, endpoint, fake, qr, scan } = yield* begin(subject)
      yield* scan
      yield* qr.poll(code)
      yield* failsWith(qr.poll(code), "ChallengeExpired")
      yield* same(yield* timesAsked(fake, endpoint), 1, "polls sent")
    })
  },
  {
    name: "does not ask for a picture whose time is over",
    run: Effect.gen(function* () {
      const { code, endpoint, fake, qr } = yield* begin(subject)
      yield* TestClock.adjust(code.expiresAt - (yield* fake.now))
      const reason = yield* failsWith(qr.poll(code), "ChallengeExpired")
      yield* same(reason._tag === "ChallengeExpired" && reason.why, "timed-out", "why")
      yield* same(yield* timesAsked(fake, endpoint), 0, "polls sent")
    })
  },
  ...faults.map(([what, fault]): Case => ({
    name: `sends a poll once when ${what}`,
    run: Effect.gen(function* () {
      const { code, endpoint, fake, qr, scan } = yield* begin(subject)
      yield* scan
      yield* fake.inject(endpoint, fault)
      yield* failsWith(qr.poll(code), "BrokerUnavailable")
      yield* same(yield* timesAsked(fake, endpoint), 1, "polls sent")
    })
  })),
  {
    name: "sends a poll once when time runs out",
    run: Effect.gen(function* () {
      const { code, endpoint, fake, qr } = yield* begin(subject)
      yield* fake.inject(endpoint, { kind: "latency", duration: "1 hour" })
      const fiber = yield* Effect.forkChild(qr.poll(code))
      yield* untilAsked(fake, endpoint, 1)
      yield* TestClock.adjust("11 seconds")
      yield* failsWith(Fiber.join(fiber), "BrokerUnavailable")
      yield* same(yield* timesAsked(fake, endpoint), 1, "polls sent")
    })
  }
]
