import type * as BrokerClient from "@auth/broker-core/broker/BrokerClient"
import * as Record from "effect/Record"
import * as Redacted from "effect/Redacted"
import type { StepHeader } from "../RmoneyApi.ts"

const bearer = (token: Redacted.Redacted<string>, before = ""): BrokerClient.Headers => ({
  authorization: Redacted.make(`Bearer ${before}${Redacted.value(token)}`)
})

/** The user id is that of the body, to the letter: the back end compares them. */
const ofStep = (form: StepHeader, userId: string, source: string, token: Redacted.Redacted<string>) => {
  if (form === "bare") return bearer(token)
  if (form === "three-part") return bearer(token, `${userId} ${source} `)
  // A function of the caller's own may forget that the header is a secret.
  return Record.map(form({ userId, source, token }), (value) =>
    Redacted.isRedacted(value) ? value : Redacted.make(value)
  )
}

/** The headers of a call with a session, with the token of a step, or without either. */
export const make =
  (form: StepHeader, source: string) =>
  ({ account, step, tokens }: BrokerClient.Call): BrokerClient.Headers => ({
    "content-type": "application/json",
    accept: "application/json",
    ...(tokens && bearer(tokens.access)),
    ...(step && ofStep(form, account, source, step))
  })
