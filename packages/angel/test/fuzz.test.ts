import { assert, describe, it } from "@effect/vitest"
import type { ResponseOf } from "@auth/broker-core/broker/BrokerApi"
import * as AngelApi from "@auth/angel/AngelApi"
import * as AngelAuth from "@auth/angel/AngelAuth"
import { type AuthError, isAuthError } from "@auth/broker-core/login/AuthError"
import * as Fuzz from "@auth/broker-core/testing/Fuzz"
import * as TestHttp from "@auth/broker-core/testing/TestHttp"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as TestClock from "effect/testing/TestClock"
import { idiom } from "./fuzz.idiom.ts"
import { morning, printed, readFixtures } from "./support.ts"
import { thorough } from "../../../tools/vitest/thorough.ts"

const bodies = thorough ? 100_000 : 500
const seed = Number(process.env["FUZZ_SEED"] ?? 20261121)

/** Words that occur nowhere else, without what secrets are known by: only who knows them can hide them. */
const canaries = {
  pin: "8305",
  apiKey: "canary&Key<q",
  totp: "QUCKOOCANARYCODE",
  access: "canary-access-word",
  refresh: "canary-refresh-word"
}
const { access, apiKey, pin, refresh, totp } = canaries

const corpus = ["success", "dialects", "codes", "statuses", "oddities"].flatMap((file) =>
  (readFixtures(`${file}.json`) as ReadonlyArray<{ readonly body: string }>).map(({ body }) => body)
)

const nextAnswer = Fuzz.makeAnswers(idiom, corpus)

const toResponse = ({ body, headers, status }: Fuzz.Answer): Response =>
  new Response([204, 205, 304].includes(status) ? null : body, { status, headers })

interface Call {
  /** What the broker learns from it. */
  readonly sent: ReadonlyArray<string>
  readonly run: (api: AngelApi.AngelApi["Service"], clientcode: string) => Effect.Effect<unknown, AuthError>
}

const sessionOf = (clientCode: string) =>
  AngelAuth.fromTokens({ userId: clientCode, accessToken: Redacted.make(access), issuedAt: 0 })

const tokenOf = ({ jwtToken }: ResponseOf<AngelApi.AngelApi, "loginByPassword">): string =>
  Redacted.value(jwtToken).trim()

const calls: ReadonlyArray<Call> = [
  {
    sent: [pin, totp, apiKey],
    run: (api, clientcode) =>
      Effect.map(api.loginByPassword({ clientcode, password: Redacted.make(pin), totp: Redacted.make(totp) }), tokenOf)
  },
  {
    sent: [refresh, access, apiKey],
    run: (api, account) =>
      Effect.map(api.generateTokens({ refreshToken: Redacted.make(refresh) }, sessionOf(account)), tokenOf)
  },
  { sent: [access, apiKey], run: (api, account) => api.getProfile(sessionOf(account)) },
  { sent: [access, apiKey], run: (api, account) => api.getRMS(sessionOf(account)) },
  { sent: [access, apiKey], run: (api, account) => api.logout({ clientcode: account }, sessionOf(account)) }
]

/** Every spelling of what was sent, in small letters. */
const spelled = new Map(
  calls.map((call) => [call, call.sent.flatMap((secret) => Fuzz.spellings.map((spell) => spell(secret).toLowerCase()))])
)

/** The reason's name, or what is wrong with the outcome. */
const judge = (call: Call, exit: Exit.Exit<unknown, unknown>): { readonly tag: string; readonly problem?: string } => {
  if (Exit.isSuccess(exit)) return exit.value === "" ? { tag: "", problem: "no token" } : { tag: "Success" }
  const [first, ...others] = exit.cause.reasons
  if (first?._tag !== "Fail" || others.length > 0 || !isAuthError(first.error)) return { tag: "", problem: "a defect" }
  const { remedy, reason } = first.error
  // A control character is printed as its number, whose last digit may be the first of a PIN.
  const text = printed(first.error)
    .replace(/\\+(?:x[\da-f]{2}|u[\da-f]{4})/gi, " ")
    .toLowerCase()
  const leak = spelled.get(call)?.find((secret) => text.includes(secret))
  if (leak !== undefined) return { tag: "", problem: `shows ${leak}` }
  return remedy === "" ? { tag: "", problem: "no remedy" } : { tag: reason._tag }
}

/** Every error has a stack. Taking it down to its end would take most of the time. */
const shortStacks = Effect.acquireRelease(
  Effect.sync(() => {
    const { stackTraceLimit } = Error
    Error.stackTraceLimit = 2
    return stackTraceLimit
  }),
  (stackTraceLimit) => Effect.sync(() => void (Error.stackTraceLimit = stackTraceLimit))
)

describe("fuzz", () => {
  it.effect(
    `${bodies} answers of a broker gone mad, that knows every secret: typed errors, and none of them shown`,
    ({ task }) =>
      Effect.gen(function* () {
        yield* shortStacks
        yield* TestClock.setTime(morning)
        let answer: Fuzz.Answer = { status: 200, headers: {}, body: "" }
        const layer = AngelApi.layer({ apiKey: Redacted.make(canaries.apiKey) }).pipe(
          Layer.provide(TestHttp.layerRespond(async () => toResponse(answer)))
        )
        const api = yield* Effect.provide(AngelApi.AngelApi, layer)
        const dice = Fuzz.makeDice(seed)
        const outcomes: Record<string, number> = {}
        for (let count = 0; count < bodies; count += 1) {
          const call = dice.pick(calls)
          answer = nextAnswer(dice, call.sent)
          // Each time another account, so that no rate limit is met.
          const { problem, tag } = judge(call, yield* Effect.exit(call.run(api, `A${count}`)))
          const body = typeof answer.body === "string" ? answer.body : Buffer.from(answer.body).toString("latin1")
          assert.isUndefined(problem, `seed ${seed}, answer ${count}: ${JSON.stringify({ ...answer, body })}`)
          outcomes[tag] = (outcomes[tag] ?? 0) + 1
        }
        Object.assign(task.meta, { fuzzBodies: bodies })
        console.log(`fuzz: ${bodies} bodies, seed ${seed}: ${JSON.stringify(outcomes)}`)
      }),
    600_000
  )
})
