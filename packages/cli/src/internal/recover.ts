/** `recover`: unblocks an account, or sets a new password, with codes that the broker sends to the account holder. */
import * as AccountRecovery from "@auth/broker-core/login/AccountRecovery"
import type { AuthError } from "@auth/broker-core/login/AuthError"
import type { Challenge } from "@auth/broker-core/login/Challenge"
import * as Connection from "@auth/node/Connection"
import * as Effect from "effect/Effect"
import type * as HttpClient from "effect/http/HttpClient"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import { askFields } from "./add.ts"
import * as brokers from "./brokers.ts"
import type { Input } from "./commandTable.ts"
import * as connect from "./connect.ts"
import { type Failure, fail, translated } from "./failure.ts"
import { say } from "./output.ts"
import * as prompts from "./prompts.ts"
import * as simulator from "./simulator.ts"

type Recovery = AccountRecovery.AccountRecovery["Service"]

type Redact = Redacted.Redacted<string>

const askSecret = (ask: prompts.Ask, text: string) =>
  Effect.map(ask(text, "secret"), (answer) => Redacted.make(answer.trim()))

/** Whether the person's answer was not sent, because it is malformed. */
const isMistyped = ({ reason }: AuthError): boolean => reason._tag === "InvalidRequest" && reason.by !== "broker"

const mayRetry = (error: AuthError): boolean => isMistyped(error) || error.reason._tag === "InvalidStepUpCode"

/** Leaves out the field names, because only programs need them. */
const complaint = ({ reason }: AuthError): string =>
  reason._tag === "InvalidRequest"
    ? `This value ${translated(reason.problems.map(({ problem }) => problem).join("; "))}.`
    : `${reason.message}.`

const untilAccepted = <A>(
  asked: Effect.Effect<Redact, Failure>,
  send: (answer: Redact) => Effect.Effect<A, AuthError>
): Effect.Effect<A, Failure> =>
  Effect.flatMap(asked, (answer) =>
    Effect.catch(send(answer), (error) =>
      mayRetry(error)
        ? Effect.andThen(
            say(complaint(error)),
            Effect.suspend(() => untilAccepted(asked, send))
          )
        : Effect.fail(error)
    )
  )

const askCode = (ask: prompts.Ask, { destinations }: Challenge) => {
  const sentTo = destinations.length === 0 ? "" : ` sent to ${destinations.join(" and ")}`
  return Effect.map(ask(`One-time code${sentTo}`, "shown"), (answer) => Redacted.make(answer.trim()))
}

const pan = (ask: prompts.Ask) => askSecret(ask, "PAN of the account holder")

const unblock = Effect.fnUntraced(function* (recovery: Recovery, ask: prompts.Ask): Effect.fn.Return<void, Failure> {
  const challenge = yield* untilAccepted(pan(ask), recovery.unblock)
  yield* untilAccepted(askCode(ask, challenge), (code) => recovery.confirmUnblock(challenge, code))
  yield* say(
    "The account is unblocked. If programs send no login because of earlier failures, run broker-auth guard reset."
  )
})

/** Asks twice, because the terminal does not show what the person types. */
const askPassword = (ask: prompts.Ask): Effect.Effect<Redact, Failure> =>
  Effect.gen(function* () {
    while (true) {
      const password = yield* askSecret(ask, "New password")
      const again = yield* askSecret(ask, "New password, again")
      if (Redacted.value(password) === Redacted.value(again)) return password
      yield* say("The two passwords differ.")
    }
  })

const newPassword = Effect.fnUntraced(function* (
  recovery: Recovery,
  ask: prompts.Ask
): Effect.fn.Return<void, Failure> {
  const challenge = yield* untilAccepted(pan(ask), recovery.forgotPassword)
  const allowed = yield* untilAccepted(askCode(ask, challenge), (code) =>
    recovery.confirmForgotPassword(challenge, code)
  )
  yield* untilAccepted(askPassword(ask), (password) => recovery.resetPassword(allowed, password))
  yield* say("The password is changed. Store the new password with broker-auth add --replace.")
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
      Layer.provide(recovery, Connection.layerClient)
    )
  }).pipe(Effect.scoped)
