/** RMoney: an account with an authenticator, and one whose codes come by SMS. */
import * as CodeSource from "@auth/broker-core/CodeSource"
import * as Login from "@auth/broker-core/Login"
import type * as Session from "@auth/broker-core/Session"
import * as RmoneyAuth from "@auth/rmoney/RmoneyAuth"
import { broker } from "@auth/rmoney/RmoneyBroker"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import { begin, type MakeStory } from "./story.ts"

const withAuthenticator = 1

export const rmoney: MakeStory = Effect.gen(function* () {
  const { accountOf, environment, login, loginBySms, logout, originsOf, rows } = yield* begin(broker)
  const Rmoney = RmoneyAuth.layerConfig({ environment: "uat", origins: originsOf("uat") })
  const withTotp = yield* Layer.build(
    Rmoney.pipe(Layer.provide(environment({ account: withAuthenticator, without: ["vendor"] })))
  )
  const bySms = yield* Layer.build(
    Layer.fresh(Rmoney).pipe(Layer.provide(environment({ without: ["vendor", "totpSecret"] })))
  )
  const codes = CodeSource.totp(Redacted.make(accountOf({ account: withAuthenticator })["totpSecret"] ?? ""))
  const authenticator = Login.withStepUp(({ account, kinds: [kind] }) => codes.code({ account, kind }))

  let first: Session.Session
  let second: Session.Session

  const morning = Effect.gen(function* () {
    first = yield* login("with password, then TOTP", authenticator)
  })

  const stepUp = Effect.gen(function* () {
    second = yield* loginBySms
  })

  return {
    title: broker.title,
    acts: {
      morning: Effect.provideContext(morning, withTotp),
      "step-up": Effect.provideContext(stepUp, bySms),
      closing: Effect.gen(function* () {
        yield* Effect.provideContext(logout(first, "password, then TOTP"), withTotp)
        yield* Effect.provideContext(logout(second, "password, then SMS", "mistyped a code; "), bySms)
      })
    },
    rows
  }
})
