/** Sends the broker one request without credentials. */
import type { Broker } from "@auth/broker-core/broker/Broker"
import * as BrokerClient from "@auth/broker-core/broker/BrokerClient"
import * as AuthError from "@auth/broker-core/login/AuthError"
import * as Connection from "@auth/node/Connection"
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as HttpClient from "effect/http/HttpClient"
import * as Result from "effect/Result"
import { clockFinding } from "./clock.ts"
import { at, type Finding, fine, ofFailure, ofReason, withProgress } from "./finding.ts"

const timeout = "10 seconds"

interface Answer {
  readonly status: number
  readonly body: string
}

const isFirewall = ({ body, status }: Answer): boolean =>
  /request rejected|support id|access denied|attention required/i.test(body) || (status === 403 && /<html/i.test(body))

const supportIdIn = (body: string): string | undefined =>
  /support id(?: is)?:?\s*(?:<[^>]*>\s*)*([\w-]{4,40})/i.exec(body)?.[1]

export const refusalIn = (answer: Answer): AuthError.Reason | undefined => {
  const { status } = answer
  // The page of a proxy may say "access denied", like the page of a firewall.
  if (status === 407) return new AuthError.BrokerUnavailable({ why: "proxy", status })
  if (isFirewall(answer)) return new AuthError.PermissionDenied({ why: "waf", supportId: supportIdIn(answer.body) })
  return status >= 500 ? new AuthError.BrokerUnavailable({ why: "broker", status }) : undefined
}

export const checkNetwork = (broker: Broker, origin: string): Effect.Effect<ReadonlyArray<Finding>> =>
  Effect.gen(function* () {
    const { host } = new URL(origin)
    const url = `${origin}/`
    const before = yield* Clock.currentTimeMillis
    const answered = yield* HttpClient.get(url).pipe(
      Effect.flatMap((response) =>
        Effect.map(response.text, (body) => ({ body, headers: response.headers, status: response.status }))
      ),
      Effect.timeout(timeout),
      Effect.mapError((error) =>
        Cause.isTimeoutError(error)
          ? new AuthError.BrokerUnavailable({ why: "time-out" })
          : BrokerClient.unanswered(error, url)
      ),
      Effect.result
    )
    if (Result.isFailure(answered)) return [at(host, ofReason("network", answered.failure, broker))]
    const { headers, ...answer } = answered.success
    const clock = clockFinding(headers, { before, after: yield* Clock.currentTimeMillis })
    const refusal = refusalIn(answer)
    return [refusal === undefined ? fine("network", `${host} answers`) : at(host, ofReason("network", refusal)), clock]
  }).pipe(
    withProgress(`Waiting for an answer from ${broker.title}…`),
    Effect.provide(Connection.layerClient),
    Effect.catch((failure) => Effect.succeed([ofFailure("network", failure)]))
  )
