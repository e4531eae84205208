/** `recover`: unblocks an account, or sets a new password, with codes that the broker sends to the account holder. */
import * as AccountRecovery from "@auth/broker-core/login/AccountRecovery"
import type { AuthError } from "@auth/broker-core/login/AuthError"
import type { Challenge } from "@auth/broker-core/login/Challenge"
import * as Effect from "effect/Effect"
import * as FetchHttpClient from "effect/http/FetchHttpClient"
import type * as HttpClient from "effect/http/HttpClient"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import { askFields } from "./add.ts"
import * as brokers from "./brokers.ts"
import type { Input } from "./commandTable.ts"
import * as connect from "./connect.ts"
import { type Failure, fail } from "./failure.ts"
import { say } from "./output.ts"
import * as prompts from "./prompts.ts"
import * as simulator from "./simulator.ts"

type Recovery = AccountRecovery.AccountRecovery["Service"]

const askSecret = (ask: prompts.Ask, text: string) =>
  Effect.map(ask(text, "secret"), (answer) => Redacted.make(answer.trim()))

const askCode = (ask: prompts.Ask, { destinations }: Challenge) => {
  const sentTo = destinations.length === 0 ? "" : ` sent to ${destinations.join(" and ")}`
  return Effect.map(ask(`One-time code${sentTo}`, "shown"), (answer) => Redacted.make(answer.trim()))
}

const unblock = Effect.fnUntraced(function* (recovery: Recovery, ask: prompts.Ask): Effect.fn.Return<void, Failure> {
  const challenge = yield* recovery.unblock(yield* askSecret(ask, "PAN of the account holder"))
  yield* recovery.confirmUnblock(challenge, yield* askCode(ask, challenge))
  yield* say("The account is unblocked. If programs still send no login, run broker-auth guard reset.")
})

const newPassword = Effect.fnUntraced(function* (
  recovery: Recovery,
  ask: prompts.Ask
): Effect.fn.Return<void, Failure> {
  const challenge = yield* recovery.forgotPassword(yield* askSecret(ask, "PAN of the account holder"))
  const allowed = yield* recovery.confirmForgotPassword(challenge, yield* askCode(ask, challenge))
  while (true) {
    const password = yield* askSecret(ask, "New password")
    const again = yield* askSecret(ask, "New password, again")
    if (Redacted.value(password) !== Redacted.value(again)) {
      yield* say("The two passwords differ.")
      continue
    }
    yield* recovery.resetPassword(allowed, password)
    return yield* say("The password is changed. Store the new one with broker-auth add --replace.")
  }
})

const actions: ReadonlyArray<
  readonly [title: string, run: (recovery: Recovery, ask: prompts.Ask) => Effect.Effect<void, Failure>]
> = [
  ["Unblock the account", unblock],
  ["Set a new password", newPassword]
]

const chooseAction = Effect.fnUntraced(function* (ask: prompts.Ask) {
  for (const [index, [title]] of actions.entries()) yield* say(`  ${index + 1}  ${title}`)
  while (true) {
    const found = actions[Number((yield* ask(`Number from 1 to ${actions.length}`, "shown")).trim()) - 1]
    if (found !== undefined) return found[1]
    yield* say("This is not one of the numbers.")
  }
})

export const recover = (input: Input<"recover">): Effect.Effect<void, Failure> =>
  Effect.gen(function* () {
    const loaded = yield* brokers.loadBroker(input.broker)
    const { broker } = loaded
    const method = broker.methods.find(({ capabilities }) => capabilities.includes("AccountRecovery"))
    if (method === undefined) {
      return yield* fail("usage", `${broker.title} has no call that recovers an account. Use its app or its web site.`)
    }
    const origins = yield* simulator.origins(input.simulator)
    const ask = yield* prompts.open
    const values = yield* askFields(loaded, method, { ask, verbatimNames: {} })
    const layer = yield* connect.layerOf(loaded, method, { values, origins })
    const recovery = layer as unknown as Layer.Layer<AccountRecovery.AccountRecovery, AuthError, HttpClient.HttpClient>
    const run = yield* chooseAction(ask)
    yield* Effect.provide(
      Effect.flatMap(AccountRecovery.AccountRecovery, (service) => run(service, ask)),
      Layer.provide(recovery, FetchHttpClient.layer)
    )
  }).pipe(Effect.scoped)
