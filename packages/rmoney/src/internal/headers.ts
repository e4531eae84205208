import type * as BrokerClient from "@auth/broker-core/broker/BrokerClient"
import * as Record from "effect/Record"
import * as Redacted from "effect/Redacted"
import type { StepHeader } from "../RmoneyApi.ts"

const bearer = (token: Redacted.Redacted<string>, before = ""): BrokerClient.Headers => ({
  authorization: Redacted.make(`Bearer ${before}${Redacted.value(token)}`)
})

/** `userId` must be exactly the user id of the body, because the back end compares the two. */
const ofStep = (form: StepHeader, userId: string, source: string, token: Redacted.Redacted<string>) => {
  if (form === "bare") return bearer(token)
  if (form === "three-part") return bearer(token, `${userId} ${source} `)
  // The function of a program may return a secret as plain text.
  return Record.map(form({ userId, source, token }), (value) =>
    Redacted.isRedacted(value) ? value : Redacted.make(value)
  )
}

/** Makes the headers of a call. If the call has a session or a step, the headers contain its token. */
export const make =
  (form: StepHeader, source: string) =>
  ({ account, step, tokens }: BrokerClient.Call): BrokerClient.Headers => ({
    "content-type": "application/json",
    accept: "application/json",
    ...(tokens && bearer(tokens.access)),
    ...(step && ofStep(form, account, source, step))
  })
