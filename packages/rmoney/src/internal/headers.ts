import type * as BrokerClient from "@auth/broker-core/broker/BrokerClient"
import * as Record from "effect/Record"
import * as Redacted from "effect/Redacted"
import type { StepHeader } from "../RmoneyApi.ts"

const bearer = (token: Redacted.Redacted<string>, before = ""): BrokerClient.Headers => ({
  authorization: Redacted.make(`Bearer ${before}${Redacted.value(token)}`)
})

/** The user id is exactly that of the body: the back end compares them. */
const ofStep = (form: StepHeader, userId: string, source: string, token: Redacted.Redacted<string>) => {
  if (form === "bare") return bearer(token)
  if (form === "three-part") return bearer(token, `${userId} ${source} `)
  // The caller's own function may not have wrapped the secret.
  return Record.map(form({ userId, source, token }), (value) =>
    Redacted.isRedacted(value) ? value : Redacted.make(value)
  )
}

/** Headers of a call, with the token of its session or step, if it has one. */
export const make =
  (form: StepHeader, source: string) =>
  ({ account, step, tokens }: BrokerClient.Call): BrokerClient.Headers => ({
    "content-type": "application/json",
    accept: "application/json",
    ...(tokens && bearer(tokens.access)),
    ...(step && ofStep(form, account, source, step))
  })
