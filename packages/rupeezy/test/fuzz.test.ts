import { assert, describe, it } from "@effect/vitest"
import { type AuthError, isAuthError } from "@auth/broker-core/login/AuthError"
import { Fuzz, TestHttp } from "@auth/broker-core/testing"
import type { ResponseOf } from "@auth/broker-core/broker/BrokerApi"
import * as RupeezyApi from "@auth/rupeezy/RupeezyApi"
import * as RupeezyAuth from "@auth/rupeezy/RupeezyAuth"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as TestClock from "effect/testing/TestClock"
import * as endpoints from "../src/internal/endpoints.ts"
import { idiom } from "./fuzz.idiom.ts"
import { printed, readFixtures } from "./support.ts"
import { thorough } from "../../../tools/vitest/thorough.ts"

const bodies = thorough ? 25_000 : 1500
const seed = Number(process.env["FUZZ_SEED"] ?? 20261121)

/** Words that occur nowhere else, without what secrets are known by: only who knows them can hide them. */
const canaries = {
  password: `canary&Pass<w"d`,
  apiKey: "canary-Key-word",
  totp: "QUCKOOCANARYCODE",
  access: "canary-access-word",
  auth: "canary-auth-word",
  checksum: "canary-check-word"
}
const { access, apiKey, auth, checksum, password, totp } = canaries

const corpus = ["success", "dialects", "codes", "statuses", "oddities"].flatMap((file) =>
  (readFixtures(`${file}.json`) as ReadonlyArray<{ readonly body: string }>).map(({ body }) => body)
)

const nextAnswer = Fuzz.makeAnswers(idiom, corpus)

const toResponse = ({ body, headers, status }: Fuzz.Answer): Response =>
  new Response([204, 205, 304].includes(status) ? null : body, { status, headers })

interface Call {
  /** What the broker learns from it. */
  readonly sent: ReadonlyArray<string>
  readonly run: (api: RupeezyApi.RupeezyApi["Service"], account: string) => Effect.Effect<unknown, AuthError>
}

const sessionOf = (clientCode: string) =>
  RupeezyAuth.fromTokens({ userId: clientCode, accessToken: Redacted.make(access), issuedAt: 0 })

const tokenOf = ({ access_token }: ResponseOf<RupeezyApi.RupeezyApi, "login">): string =>
  Redacted.value(access_token).trim()

const calls: ReadonlyArray<Call> = [
  {
    sent: [password, totp, apiKey],
    run: (api, client_code) => {
      const secrets = { password: Redacted.make(password), totp: Redacted.make(totp) }
      return Effect.map(api.login({ client_code, ...secrets, application_id: "dev_1234" }), tokenOf)
    }
  },
  {
    sent: [checksum, auth, apiKey],
    run: (api, applicationId) => {
      const secrets = { checksum: Redacted.make(checksum), token: Redacted.make(auth) }
      return Effect.map(api.createSession({ ...secrets, applicationId }), tokenOf)
    }
  },
  { sent: [access, apiKey], run: (api, account) => api.deleteSession(sessionOf(account)) },
  { sent: [access, apiKey], run: (api, account) => api.getFunds(sessionOf(account)) },
  { sent: [access, apiKey], run: (api, account) => api.getBanks(sessionOf(account)) },
  { sent: [access, apiKey], run: (api, account) => api.getBrokerage(sessionOf(account)) },
  { sent: [access, apiKey], run: (api, account) => api.getProfile(sessionOf(account)) }
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
  const text = printed(first.error).toLowerCase()
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

/** A fuzz that only makes rubbish proves little: all of these must come up. */
const kinds = [
  "AccountLocked",
  "BrokerRejected",
  "BrokerUnavailable",
  "InvalidCredentials",
  "InvalidRequest",
  "InvalidStepUpCode",
  "MalformedResponse",
  "PermissionDenied",
  "RateLimited",
  "SessionExpired",
  "Success"
]

describe("fuzz", () => {
  it.effect(
    `${bodies} answers of a broker gone mad, that knows every secret: typed errors, and none of them shown`,
    ({ task }) =>
      Effect.gen(function* () {
        assert.strictEqual(calls.length, Object.values(endpoints.make("+05:30")).length)
        yield* shortStacks
        yield* TestClock.setTime(Date.UTC(2026, 10, 23, 4, 0, 1))
        let answer: Fuzz.Answer = { status: 200, headers: {}, body: "" }
        const layer = RupeezyApi.layer({ apiKey: Redacted.make(apiKey) }).pipe(
          Layer.provide(TestHttp.layerRespond(async () => toResponse(answer)))
        )
        const api = yield* Effect.provide(RupeezyApi.RupeezyApi, layer)
        const dice = Fuzz.makeDice(seed)
        const outcomes = new Set<string>()
        for (let count = 0; count < bodies; count += 1) {
          const call = dice.pick(calls)
          answer = nextAnswer(dice, call.sent)
          // Each time another account, so that no rate limit is met.
          const { problem, tag } = judge(call, yield* Effect.exit(call.run(api, `A${count}`)))
          const body = typeof answer.body === "string" ? answer.body : Buffer.from(answer.body).toString("latin1")
          assert.isUndefined(problem, `seed ${seed}, answer ${count}: ${JSON.stringify({ ...answer, body })}`)
          outcomes.add(tag)
        }
        assert.deepStrictEqual([...outcomes].toSorted(), kinds)
        Object.assign(task.meta, { fuzzBodies: bodies })
      }),
    600_000
  )
})
