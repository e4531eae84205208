import { inspect } from "node:util"
import * as AuthError from "@auth/broker-core/login/AuthError"
import type * as Broker from "@auth/broker-core/broker/Broker"
import type { Challenge } from "@auth/broker-core/login/Challenge"
import * as CodeSource from "@auth/broker-core/login/CodeSource"
import * as Login from "@auth/broker-core/login/Login"
import { Refresh } from "@auth/broker-core/login/Refresh"
import * as Renewal from "@auth/broker-core/broker/Renewal"
import { StepUp } from "@auth/broker-core/login/StepUp"
import { assert, describe, it } from "@effect/vitest"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import { account, session } from "./support.ts"

const description: Broker.Renewal = {
  by: ["login"],
  when: "After midnight",
  early: "5 minutes",
  codes: "totp",
  afterCutOff: true,
  maxFailures: 3,
  window: "15 minutes",
  source: "made up"
}

const numbersOf = ({ early, guard }: Renewal.Renewal["Service"]) => [
  Duration.toMillis(early),
  guard.maxFailures,
  Duration.toMillis(guard.window),
  guard.step && Duration.toMillis(guard.step)
]

const challenge = (kinds: Challenge["kinds"]): Challenge => ({
  id: "1",
  account,
  kinds,
  destinations: [],
  resendAt: undefined,
  resendsLeft: undefined,
  expiresAt: undefined,
  stepToken: Redacted.make("step")
})

const asking = (kinds: Challenge["kinds"]) => {
  const sent = { logins: 0, codes: [] as Array<string> }
  return {
    sent,
    login: Effect.sync(() => {
      sent.logins += 1
      return Login.stepUpRequired(challenge(kinds))
    }),
    verify: (_: Challenge, code: Redacted.Redacted<string>) =>
      Effect.sync(() => {
        sent.codes.push(Redacted.value(code))
        return session()
      })
  }
}

const codes = CodeSource.fixed(Redacted.make("123456"))

describe("the limits of a renewal", () => {
  it.effect("come from the options, or else from the broker's description", () =>
    Effect.gen(function* () {
      const own = yield* Renewal.fromDescription(description, { account })
      assert.deepStrictEqual(numbersOf(own), [300_000, 3, 900_000, 30_000])
      assert.deepStrictEqual([own.login, own.refresh, own.afterCutOff], [undefined, undefined, true])
      const options = { early: 0, maxFailures: 1, window: "1 day" } as const
      const users = yield* Renewal.fromDescription(description, { account }, options)
      assert.deepStrictEqual(numbersOf(users), [0, 1, 86_400_000, 30_000])
      const ways = { account, codes: undefined, afterCutOff: false, login: Effect.succeed(session()) }
      const layers = yield* Renewal.fromDescription(description, ways)
      assert.deepStrictEqual([layers.guard.step, layers.afterCutOff], [undefined, false])
      assert.strictEqual(layers.login, ways.login)
    })
  )

  const invalidLimits: ReadonlyArray<readonly [string, unknown]> = [
    ["early", "soon"],
    ["early", -1],
    ["early", NaN],
    ["early", Infinity],
    ["early", null],
    ["window", "0 seconds"],
    ["window", -1],
    ["window", NaN],
    ["window", "Infinity"],
    ["window", 1e300],
    ["window", {}],
    ["maxFailures", 0],
    ["maxFailures", -1],
    ["maxFailures", 1.5],
    ["maxFailures", "2"],
    ["maxFailures", NaN],
    ["maxFailures", 1e9],
    ["maxFailures", Infinity]
  ]
  for (const [name, value] of invalidLimits) {
    const options = { [name]: value } as Renewal.Options
    const ways = {
      make: Renewal.make({ account, ...options }),
      fromDescription: Renewal.fromDescription(description, { account }, options)
    }
    for (const [way, made] of Object.entries(ways)) {
      it.effect(`are rejected by Renewal.${way} if ${name} is ${inspect(value)}`, () =>
        Effect.gen(function* () {
          const { broker, operation, reason } = yield* Effect.flip(made)
          assert.deepStrictEqual([broker, operation], [account.broker, "configuration"])
          assert.deepStrictEqual(reason._tag === "InvalidRequest" && reason.problems.map(({ field }) => field), [
            `renewal.${name}`
          ])
        })
      )
    }
  }
})

describe("Renewal.answering", () => {
  it.effect("answers the challenge with one code from the code source", () =>
    Effect.gen(function* () {
      const { login, sent, verify } = asking(["totp", "otp"])
      const answering = yield* Renewal.answering({ account, login, verify, codes })
      assert.strictEqual((yield* answering).account, account)
      assert.deepStrictEqual(sent, { logins: 1, codes: ["123456"] })
    })
  )

  it.effect("sends no code if there is no challenge", () =>
    Effect.gen(function* () {
      const { sent, verify } = asking(["totp"])
      const login = Effect.succeed(Login.authenticated(session()))
      yield* yield* Renewal.answering({ account, login, verify, codes })
      assert.deepStrictEqual(sent.codes, [])
    })
  )

  it.effect("fails and sends nothing if there is no code source", () =>
    Effect.gen(function* () {
      const { login, sent, verify } = asking(["otp"])
      const { reason } = yield* Effect.flip(yield* Renewal.answering({ account, login, verify, codes: undefined }))
      assert.strictEqual(reason._tag, "ActionRequired")
      assert.include(reason.remedy, "Renewal.layerLoginWithStepUp")
      assert.deepStrictEqual(sent, { logins: 0, codes: [] })
    })
  )

  it.effect("sends nothing more after a challenge that does not ask for TOTP first", () =>
    Effect.gen(function* () {
      const { login, sent, verify } = asking(["otp", "totp"])
      const answering = yield* Renewal.answering({ account, login, verify, codes })
      for (const _ of [1, 2, 3]) {
        assert.strictEqual((yield* Effect.flip(answering)).reason._tag, "ActionRequired")
      }
      assert.deepStrictEqual(sent, { logins: 1, codes: [] })
    })
  )

  it.effect("fails with the broker's error if the login is refused", () =>
    Effect.gen(function* () {
      const refused = AuthError.make("tiny", "login", new AuthError.InvalidCredentials({ field: "password" }))
      const { verify } = asking(["totp"])
      const answering = yield* Renewal.answering({ account, login: Effect.fail(refused), verify, codes })
      assert.strictEqual(yield* Effect.flip(answering), refused)
      assert.strictEqual(yield* Effect.flip(answering), refused)
    })
  )
})

describe("layers that replace the broker's renewal:", () => {
  const other = session({ access: "other" })
  const own = Layer.effect(Renewal.Renewal, Renewal.fromDescription(description, { account }))
  const services = Layer.mergeAll(
    own,
    Layer.succeed(Login.Login, { login: Effect.succeed(Login.authenticated(session())) }),
    Layer.succeed(Refresh, { refresh: () => Effect.succeed(other) }),
    Layer.succeed(StepUp, { verify: () => Effect.die("no challenge"), resend: () => Effect.die("no challenge") })
  )
  type Way = Layer.Layer<Renewal.Renewal, never, Renewal.Renewal | Login.Login | Refresh | StepUp>
  const ways: ReadonlyArray<readonly [string, Way, ReadonlyArray<string>]> = [
    ["layerLogin", Renewal.layerLogin, ["login"]],
    ["layerRefresh", Renewal.layerRefresh, ["refresh"]],
    ["layerRefreshOrLogin", Renewal.layerRefreshOrLogin, ["refresh", "login"]],
    ["layerLoginWithStepUp", Renewal.layerLoginWithStepUp(() => Effect.die("no challenge")), ["login"]]
  ]

  for (const [name, layer, wanted] of ways) {
    it.effect(`${name} provides ${wanted.join(" and ")}, and keeps the account and the limits`, () =>
      Effect.gen(function* () {
        const renewal = yield* Renewal.Renewal
        const { login, refresh } = renewal
        const found = [...(refresh === undefined ? [] : ["refresh"]), ...(login === undefined ? [] : ["login"])]
        assert.deepStrictEqual(found, wanted)
        assert.deepStrictEqual(numbersOf(renewal), [300_000, 3, 900_000, 30_000])
        assert.strictEqual(renewal.account, account)
        if (login !== undefined) assert.strictEqual((yield* login).account, account)
        if (refresh !== undefined) assert.strictEqual(yield* refresh(session()), other)
      }).pipe(Effect.provide(layer.pipe(Layer.provide(services))))
    )
  }
})
