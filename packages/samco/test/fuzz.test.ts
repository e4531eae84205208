import { assert, describe, it } from "@effect/vitest"
import { type AuthError, isAuthError } from "@auth/broker-core/login/AuthError"
import * as Fuzz from "@auth/broker-core/testing/Fuzz"
import * as TestHttp from "@auth/broker-core/testing/TestHttp"
import * as SamcoApi from "@auth/samco/SamcoApi"
import * as SamcoOAuth from "@auth/samco/SamcoOAuth"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as endpoints from "../src/internal/endpoints.ts"
import { idiom } from "./fuzz.idiom.ts"
import { demo, printed, readFixtures } from "./support.ts"
import { thorough } from "../../../tools/vitest/thorough.ts"

const bodies = thorough ? 25_000 : 500
const seed = Number(process.env["FUZZ_SEED"] ?? 20261121)

/** Words that occur nowhere else, without what secrets are known by: only who knows them can hide them. */
const apiKey = "canary&Key<q"
const apiSecret = "canary-secret"
const password = "QUCKOO"
const code = "8305"
const access = "canary-access-word"
const refresh = "canary-refresh-word"

const corpus = ["success", "dialects", "codes", "statuses", "oddities"].flatMap((file) =>
  (readFixtures(`${file}.json`) as ReadonlyArray<{ readonly body: string }>).map(({ body }) => body)
)

const nextAnswer = Fuzz.makeAnswers(idiom, corpus)

const toResponse = ({ body, headers, status }: Fuzz.Answer): Response =>
  new Response([204, 205, 304].includes(status) ? null : body, { status, headers })

type Api = SamcoApi.SamcoApi["Service"]

interface Call {
  /** What the broker learns from it. */
  readonly sent: ReadonlyArray<string>
  readonly run: (api: Api) => Effect.Effect<unknown, AuthError>
}

const secret = Redacted.make
const session = SamcoOAuth.fromTokens({ userId: demo.userId, accessToken: secret(access), issuedAt: 0 })
const app = { apiKey: secret(apiKey), redirectUrl: demo.redirectUrl, state: secret(code), scopes: "all" }
const ip = { clientId: demo.userId, password: secret(password), primaryIp: "203.0.113.7" }

const calls: Readonly<Record<string, Call>> = {
  sessionToken: {
    sent: [apiKey, apiSecret],
    run: (api) => api.sessionToken({ apiKey: secret(apiKey), apiSecret: secret(apiSecret) })
  },
  oauthAuthorize: { sent: [apiKey, code], run: (api) => api.oauthAuthorize(app) },
  oauthAuthenticate: {
    sent: [apiKey, apiSecret, code],
    run: (api) => api.oauthAuthenticate({ ...app, apiSecret: secret(apiSecret) })
  },
  oauthToken: { sent: [code], run: (api) => api.oauthToken({ code: secret(code) }) },
  oauthRefresh: { sent: [refresh], run: (api) => api.oauthRefresh({ refresh_token: secret(refresh) }) },
  oauthRevoke: {
    sent: [access],
    run: (api) => api.oauthRevoke({ token: secret(access), token_type: "access_token" })
  },
  generateOtp: { sent: [], run: (api) => api.generateOtp({ uid: demo.userId }) },
  secretKeyGenerator: {
    sent: [code],
    run: (api) => api.secretKeyGenerator({ uid: demo.userId, otp: secret(code) })
  },
  accessToken: {
    sent: [apiSecret],
    run: (api) => api.accessToken({ uid: demo.userId, secretApiKey: secret(apiSecret) })
  },
  login: {
    sent: [password, access],
    run: (api) => api.login({ userId: demo.userId, password: secret(password), accessToken: secret(access) })
  },
  webSecretCode: { sent: [access], run: (api) => api.webSecretCode(session) },
  webSecretCodeValidation: { sent: [code], run: (api) => api.webSecretCodeValidation({ otp: secret(code) }) },
  logout: { sent: [access], run: (api) => api.logout(session) },
  whoami: { sent: [access], run: (api) => api.whoami(session) },
  ipRegistration: { sent: [password], run: (api) => api.ipRegistration(ip) },
  ipUpdate: { sent: [password], run: (api) => api.ipUpdate(ip) },
  getLimits: { sent: [access], run: (api) => api.getLimits(session) }
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
  const { remedy, reason } = first.error
  const text = printed([first.error, exit]).toLowerCase()
  const leak = spelled.get(call)?.find((value) => text.includes(value))
  if (leak !== undefined) return { tag: "", problem: `shows ${leak}` }
  return remedy === "" ? { tag: "", problem: "no remedy" } : { tag: reason._tag }
}

describe("fuzz", () => {
  it.effect(
    `${bodies} answers of a broker gone mad, that knows every secret: typed errors, and none of them shown`,
    ({ task }) =>
      Effect.gen(function* () {
        let answer: Fuzz.Answer = { status: 200, headers: {}, body: "" }
        const layer = SamcoApi.layer().pipe(Layer.provide(TestHttp.layerRespond(async () => toResponse(answer))))
        const api = yield* Effect.provide(SamcoApi.SamcoApi, layer)
        const dice = Fuzz.makeDice(seed)
        const outcomes: Record<string, number> = {}
        for (let count = 0; count < bodies; count += 1) {
          const call = dice.pick(Object.values(calls))
          answer = nextAnswer(dice, call.sent.length === 0 ? ["public"] : call.sent)
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
      Object.values(endpoints.table).map(({ name }) => name)
    ))
})
