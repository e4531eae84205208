import { assert, describe, it } from "@effect/vitest"
import { isAuthError } from "@auth/broker-core/login/AuthError"
import { TestHttp } from "@auth/broker-core/testing"
import * as MotilalApi from "@auth/motilal/MotilalApi"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { calls, credentials, printed, readFixtures, sentBy } from "./support.ts"
import { thorough } from "../../../tools/vitest/thorough.ts"

/** The same bodies every time: mulberry32, whose state is one number. */
const makeRandom = (seed: number) => {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296
  }
}

const bodies = ["success", "dialects", "codes", "oddities"].flatMap((file) =>
  (readFixtures(`${file}.json`) as ReadonlyArray<{ readonly body: string }>).map(({ body }) => body)
)

// What was sent may come back in an answer, whatever else is in it.
const sent = Array.from(new Set(Object.keys(calls).flatMap(sentBy)))

const fragments = [
  ...sent,
  '"status":"SUCCESS"',
  '"status":"ERROR"',
  '"errorcode":"MO8001"',
  '"AuthToken":"',
  '"data":"null"',
  "{",
  "}",
  "[",
  "null",
  "\u201c",
  "\u201d",
  "\uFEFF",
  "\u0000",
  "\\",
  '"',
  "<html>",
  "\ud800",
  "9".repeat(400),
  "__proto__"
]

type Mutation = (body: string, random: () => number) => string

const at = (body: string, random: () => number) => Math.floor(random() * (body.length + 1))
const pick = <A>(from: ReadonlyArray<A>, random: () => number): A => from[Math.floor(random() * from.length)] as A

const mutations: ReadonlyArray<Mutation> = [
  (body) => body,
  (body, random) => body.slice(0, at(body, random)),
  (body, random) => {
    const place = at(body, random)
    return body.slice(0, place) + pick(fragments, random) + body.slice(place)
  },
  (body, random) => {
    const place = at(body, random)
    return body.slice(0, place) + body.slice(place + 1 + Math.floor(random() * 20))
  },
  (body, random) => body.replace(/"[^"]*"/, () => pick(["7", "null", "{}", "[]", "true", '""'], random)),
  (body, random) => body.replace(/:"[^"]*"/g, (value) => (random() < 0.3 ? ":[[[]]]" : value)),
  (body, random) => body.replaceAll('"', () => (random() < 0.2 ? "\u201d" : '"')),
  (_, random) => Array.from({ length: 1 + Math.floor(random() * 12) }, () => pick(fragments, random)).join(""),
  (body, random) =>
    String.fromCharCode(...Array.from({ length: body.length % 64 }, () => Math.floor(random() * 65536))),
  (body, random) => body + body.slice(at(body, random))
]

const statuses = [200, 200, 200, 200, 201, 204, 302, 400, 401, 403, 404, 418, 429, 500, 503]
const types = ["application/json", "text/html", "text/plain", ""]

const makeAnswer = (random: () => number) => {
  let body = pick(bodies, random)
  for (let times = Math.floor(random() * 4); times > 0; times -= 1) body = pick(mutations, random)(body, random)
  const status = pick(statuses, random)
  const type = pick(types, random)
  return { body: status === 204 ? null : body, status, headers: type === "" ? {} : { "content-type": type } }
}

const rounds = thorough ? 25_000 : 500

describe("fuzz: motilal", () => {
  it.live(
    `${rounds} answers that nobody expected give a value or an error that shows nothing, and never a defect`,
    ({ task }) =>
      Effect.gen(function* () {
        Object.assign(task.meta, { fuzzBodies: rounds })
        const random = makeRandom(20_261_121)
        let answer = makeAnswer(random)
        const tally = { successes: 0, failures: 0 }
        const layer = MotilalApi.layer({ ...credentials, requestsPerSecond: 1_000_000 }).pipe(
          Layer.provide(
            TestHttp.layerRespond(
              async () => new Response(answer.body, { status: answer.status, headers: answer.headers })
            )
          )
        )
        const asked = Object.entries(calls)
        yield* Effect.gen(function* () {
          for (let round = 0; round < rounds; round += 1) {
            answer = makeAnswer(random)
            const [name, call] = asked[round % asked.length] as (typeof asked)[number]
            const exit = yield* Effect.exit(call)
            const where = `${name}, round ${round}: ${answer.status} ${JSON.stringify(answer.body)}`
            if (exit._tag === "Success") {
              tally.successes += 1
              continue
            }
            tally.failures += 1
            const [reason] = exit.cause.reasons
            assert(reason?._tag === "Fail" && isAuthError(reason.error), `a defect: ${where}`)
            assert.isNotEmpty(reason.error.remedy, where)
            const { error } = reason
            // Inspecting to the depth takes milliseconds: every twentieth is enough of a sample.
            const text = round % 20 === 0 ? printed(error) : `${error.stack} ${error.message} ${JSON.stringify(error)}`
            const shown = text.toLowerCase()
            for (const secret of sentBy(name)) assert.notInclude(shown, secret.toLowerCase(), where)
          }
        }).pipe(Effect.provide(layer))
        assert.strictEqual(tally.successes + tally.failures, rounds)
        assert.isAbove(tally.successes, rounds / 50)
        assert.isAbove(tally.failures, rounds / 10)
      }),
    600_000
  )
})
