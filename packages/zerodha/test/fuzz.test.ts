import { type AuthError, isAuthError } from "@auth/broker-core/login/AuthError"
import * as Fuzz from "@auth/broker-core/testing/Fuzz"
import * as TestHttp from "@auth/broker-core/testing/TestHttp"
import * as ZerodhaApi from "@auth/zerodha/ZerodhaApi"
import * as ZerodhaAuth from "@auth/zerodha/ZerodhaAuth"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as TestClock from "effect/testing/TestClock"
import { table } from "../src/internal/endpoints.ts"
import { thorough } from "../../../tools/vitest/thorough.ts"
import { idiom } from "./fuzz.idiom.ts"
import { demo, printed, readFixtures } from "./support.ts"

const bodies = thorough ? 25_000 : 500
const seed = Number(process.env["FUZZ_SEED"] ?? 20261127)

/** Words that occur nowhere else, without what secrets are known by. Only a table can hide them. */
const apiKey = "qanaryKeyq"
const access = "canary-access-word"
const refresh = "canary&refresh=word"
const token = "canary+request/word"
const checksum = "0ddba11c0ffee"

const corpus = ["success", "dialects", "codes", "statuses", "oddities"].flatMap((file) =>
  (readFixtures(`${file}.json`) as ReadonlyArray<{ readonly body: string }>).map(({ body }) => body)
)

const nextAnswer = Fuzz.makeAnswers(idiom, corpus)

const toResponse = ({ body, headers, status }: Fuzz.Answer): Response =>
  new Response([204, 205, 304].includes(status) ? null : body, { status, headers })

type Api = ZerodhaApi.ZerodhaApi["Service"]

interface Call {
  /** What the broker learns from it. */
  readonly sent: readonly [string, ...ReadonlyArray<string>]
  readonly run: (api: Api) => Effect.Effect<unknown, AuthError>
}

const secret = Redacted.make
const session = ZerodhaAuth.fromTokens({ userId: demo.userId, accessToken: secret(access), issuedAt: 0 })

const calls: Readonly<Record<string, Call>> = {
  sessionToken: {
    sent: [apiKey, token, checksum],
    run: (api) => api.sessionToken({ request_token: secret(token), checksum: secret(checksum) })
  },
  refreshToken: {
    sent: [apiKey, refresh, checksum],
    run: (api) => api.refreshToken({ refresh_token: secret(refresh), checksum: secret(checksum) })
  },
  deleteSession: {
    sent: [apiKey, access],
    run: (api) => api.deleteSession({ access_token: session.tokens.access }, session)
  },
  deleteRefreshToken: {
    sent: [apiKey, access, refresh],
    run: (api) => api.deleteRefreshToken({ refresh_token: secret(refresh) }, session)
  },
  getProfile: { sent: [apiKey, access], run: (api) => api.getProfile(session) },
  getMargins: { sent: [apiKey, access], run: (api) => api.getMargins(session) },
  getEquityMargins: { sent: [apiKey, access], run: (api) => api.getEquityMargins(session) },
  getCommodityMargins: { sent: [apiKey, access], run: (api) => api.getCommodityMargins(session) }
}

/** Every spelling of what was sent, in small letters. */
const spelled = new Map(
  Object.values(calls).map((call) => [
    call,
    call.sent.flatMap((value) => Fuzz.spellings.map((spell) => spell(value).toLowerCase()))
  ])
)

/** The reason's name, or what is wrong with the outcome. */
const judge = (call: Call, exit: Exit.Exit<unknown, unknown>): { readonly tag: string; readonly problem?: string } => {
  if (Exit.isSuccess(exit)) return { tag: "Success" }
  const [first, ...others] = exit.cause.reasons
  if (first?._tag !== "Fail" || others.length > 0 || !isAuthError(first.error)) return { tag: "", problem: "a defect" }
  const { reason, remedy } = first.error
  const text = printed([first.error, exit]).toLowerCase()
  const leak = spelled.get(call)?.find((value) => text.includes(value))
  if (leak !== undefined) return { tag: "", problem: `shows ${leak}` }
  return remedy === "" ? { tag: "", problem: "no remedy" } : { tag: reason._tag }
}

describe("fuzz", () => {
  it.effect(
    `${bodies} made-up answers that hold every secret: typed errors, and none of the secrets shown`,
    ({ task }) =>
      Effect.gen(function* () {
        let answer: Fuzz.Answer = { status: 200, headers: {}, body: "" }
        const client = TestHttp.layerRespond(async () => toResponse(answer))
        const layer = ZerodhaApi.layer({ apiKey: secret(apiKey) }).pipe(Layer.provide(client))
        const api = yield* Effect.provide(ZerodhaApi.ZerodhaApi, layer)
        const dice = Fuzz.makeDice(seed)
        const outcomes: Record<string, number> = {}
        for (let count = 0; count < bodies; count += 1) {
          const call = dice.pick(Object.values(calls))
          answer = nextAnswer(dice, call.sent)
          // Ten calls a second are let through.
          yield* TestClock.adjust("1 second")
          const { problem, tag } = judge(call, yield* Effect.exit(call.run(api)))
          const body = typeof answer.body === "string" ? answer.body : Buffer.from(answer.body).toString("latin1")
          assert.isUndefined(problem, `seed ${seed}, answer ${count}: ${JSON.stringify({ ...answer, body })}`)
          outcomes[tag] = (outcomes[tag] ?? 0) + 1
        }
        Object.assign(task.meta, { fuzzBodies: bodies })
        console.log(`fuzz: ${bodies} bodies, seed ${seed}: ${JSON.stringify(outcomes)}`)
      }),
    600_000
  )

  it("tries every call", () =>
    assert.sameMembers(
      Object.keys(calls),
      Object.values(table).map(({ name }) => name)
    ))
})
