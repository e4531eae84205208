import type * as BrokerClient from "@auth/broker-core/broker/BrokerClient"
import * as Record from "effect/Record"
import * as Redacted from "effect/Redacted"

export interface StepToken {
  /** The user id, exactly as in the body of the same request. */
  readonly userId: string
  /** The value of the option `source`. Default: `WEB`. */
  readonly source: string
  readonly token: Redacted.Redacted<string>
}

export type StepHeader = "bare" | "three-part" | ((step: StepToken) => BrokerClient.Headers)

const bearer = (token: Redacted.Redacted<string>, before = ""): BrokerClient.Headers => ({
  authorization: Redacted.make(`Bearer ${before}${Redacted.value(token)}`)
})

const ofStep = (form: StepHeader, userId: string, source: string, token: Redacted.Redacted<string>) => {
  if (form === "bare") return bearer(token)
  if (form === "three-part") return bearer(token, `${userId} ${source} `)
  // The function of the option `stepHeader` may return header values as plain text.
  return Record.map(form({ userId, source, token }), (value) =>
    Redacted.isRedacted(value) ? value : Redacted.make(value)
  )
}

export const make =
  (form: StepHeader, source: string) =>
  ({ account, step, tokens }: BrokerClient.Call): BrokerClient.Headers => ({
    "content-type": "application/json",
    accept: "application/json",
    ...(tokens && bearer(tokens.access)),
    ...(step && ofStep(form, account, source, step))
  })
