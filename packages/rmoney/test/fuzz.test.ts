import { assert, describe, it } from "@effect/vitest"
import * as Account from "@auth/broker-core/login/Account"
import { type AuthError, isAuthError } from "@auth/broker-core/login/AuthError"
import * as Expiry from "@auth/broker-core/login/Expiry"
import * as Session from "@auth/broker-core/login/Session"
import * as Fuzz from "@auth/broker-core/testing/Fuzz"
import * as TestHttp from "@auth/broker-core/testing/TestHttp"
import * as RmoneyApi from "@auth/rmoney/RmoneyApi"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as TestClock from "effect/testing/TestClock"
import { idiom } from "./fuzz.idiom.ts"
import { apiOptions, printed, readFixtures } from "./support.ts"
import { thorough } from "../../../tools/vitest/thorough.ts"

const bodies = thorough ? 25_000 : 500
const seed = Number(process.env["FUZZ_SEED"] ?? 20261121)

/** Words that occur nowhere else, without what secrets are known by: only who knows them can hide them. */
const canaries = {
  password: "canary&Pass<word",
  code: "QUCKOOCODE",
  step: "canary-step-word",
  access: "canary-access-word",
  pan: "CANRY8305Q",
  vendor: "canary-vendor-word",
  authCode: "canary-auth-word",
  checkSum: "canary-sum-word",
  qrName: "canary-picture-word"
}
const { access, authCode, checkSum, code, pan, password, qrName, step, vendor } = canaries
const secret = Redacted.make<string>
const userId = "TEST101"

const corpus = ["success", "dialects", "codes", "statuses", "oddities"].flatMap((file) =>
  (readFixtures(`${file}.json`) as ReadonlyArray<{ readonly body: string }>).map(({ body }) => body)
)

const nextAnswer = Fuzz.makeAnswers(idiom, corpus)

const toResponse = ({ body, headers, status }: Fuzz.Answer): Response =>
  new Response([204, 205, 304].includes(status) ? null : body, { status, headers })

interface Call {
  /** What the broker learns from it. */
  readonly sent: ReadonlyArray<string>
  readonly run: (api: RmoneyApi.RmoneyApi["Service"]) => Effect.Effect<unknown, AuthError>
}

const session = Session.make({
  account: Account.make({ broker: "rmoney", environment: "uat", id: userId }),
  method: "password",
  tokens: { access: secret(access) },
  issuedAt: 0,
  expiry: Expiry.jwt
})

const calls: ReadonlyArray<Call> = [
  {
    sent: [vendor, authCode],
    run: (api) => api.ssoGetUserDetails({ vendor: secret(vendor), authCode: secret(authCode) })
  },
  { sent: [checkSum], run: (api) => api.vendorGetUserDetails({ checkSum: secret(checkSum) }) },
  { sent: [password], run: (api) => api.pwdValidate({ userId, password: secret(password) }) },
  { sent: [step], run: (api) => api.otpSend({ userId }, secret(step)) },
  {
    sent: [step, code, vendor],
    run: (api) => api.otpValidate({ userId, receivedOtp: secret(code), vendor: secret(vendor) }, secret(step))
  },
  { sent: [step, code], run: (api) => api.toptVerify({ userId, totp: secret(code) }, secret(step)) },
  { sent: [access], run: (api) => api.bioEnable({ userId, deviceType: "IOS", enable: "true" }, session) },
  { sent: [access], run: (api) => api.bioPwdValidate({ userId, token: secret(access) }) },
  { sent: ["nothing-was-sent"], run: (api) => api.qrGenerate() },
  { sent: [qrName], run: (api) => api.qrLogin({ qrName: secret(qrName) }) },
  { sent: [pan], run: (api) => api.clientUnblock({ userId, pan: secret(pan) }) },
  { sent: [step, code], run: (api) => api.clientUnblockVerify({ userId, otp: secret(code) }, secret(step)) },
  { sent: [pan], run: (api) => api.pwdForgot({ userId, pan: secret(pan) }) },
  { sent: [step, code], run: (api) => api.pwdForgotVerify({ userId, otp: secret(code) }, secret(step)) },
  { sent: [step, password], run: (api) => api.pwdReset({ userId, password: secret(password) }, secret(step)) },
  { sent: [access], run: (api) => api.logout?.(session) ?? Effect.void }
]

/** Every spelling of what was sent, in small letters. */
const spelled = new Map(
  calls.map((call) => [
    call,
    call.sent
      .filter((word) => word !== "nothing-was-sent")
      .flatMap((word) => Fuzz.spellings.map((spell) => spell(word).toLowerCase()))
  ])
)

/** The reason's name, or what is wrong with the outcome. */
const judge = (call: Call, exit: Exit.Exit<unknown, unknown>): { readonly tag: string; readonly problem?: string } => {
  if (Exit.isSuccess(exit)) return { tag: "Success" }
  const [first, ...others] = exit.cause.reasons
  if (first?._tag !== "Fail" || others.length > 0 || !isAuthError(first.error)) return { tag: "", problem: "a defect" }
  const { remedy, reason } = first.error
  const text = printed([first.error, exit]).toLowerCase()
  const leak = spelled.get(call)?.find((word) => text.includes(word))
  if (leak !== undefined) return { tag: "", problem: `shows ${leak}` }
  return remedy === "" ? { tag: "", problem: "no remedy" } : { tag: reason._tag }
}

describe("fuzz", () => {
  it.effect(
    `${bodies} answers of a broker gone mad, that knows every secret: typed errors, and none of them shown`,
    ({ task }) =>
      Effect.gen(function* () {
        yield* TestClock.setTime(Date.UTC(2026, 10, 23, 4))
        let answer: Fuzz.Answer = { status: 200, headers: {}, body: "" }
        const layer = RmoneyApi.layer({ ...apiOptions, logoutCall: { method: "POST", path: "/auth/client/logout" } })
        const api = yield* RmoneyApi.RmoneyApi.pipe(
          Effect.provide(layer.pipe(Layer.provide(TestHttp.layerRespond(async () => toResponse(answer)))))
        )
        const dice = Fuzz.makeDice(seed)
        const outcomes: Record<string, number> = {}
        for (let count = 0; count < bodies; count += 1) {
          const call = dice.pick(calls)
          answer = nextAnswer(dice, call.sent)
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
})
