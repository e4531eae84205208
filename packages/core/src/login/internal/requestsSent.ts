/** Which requests an effect has sent to the broker, as far as they decide whether it may run a second time. */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"

export interface RequestsSent {
  count: number
  /** Requests that must not be sent twice, such as an order. */
  unsafe: number
  /** The record of an effect around this one. */
  readonly parent: RequestsSent | undefined
}

/** The record that requests are noted in; `undefined` outside of `SessionManager.withSession`. */
export const RequestsSent = Context.Reference<RequestsSent | undefined>("@auth/broker-core/internal/RequestsSent", {
  defaultValue: () => undefined
})

/** Whether a call may be sent twice, though its method does not say so. */
export const Replayable = Context.Reference<boolean>("@auth/broker-core/AuthorizedClient/Replayable", {
  defaultValue: () => false
})

const safeMethods: ReadonlySet<string> = new Set(["GET", "HEAD", "OPTIONS"])

/** Whether a request may be sent twice: by its method, or because it is marked. A stream cannot be read a second time. */
export const mayReplay = (request: { readonly method: string; readonly body: { readonly _tag: string } }) =>
  request.body._tag === "Stream"
    ? Effect.succeed(false)
    : safeMethods.has(request.method)
      ? Effect.succeed(true)
      : Effect.flatMap(Replayable, Effect.succeed)

/** Notes a request right before it is sent. */
export const noteRequest = (kind: { readonly safe: boolean }) =>
  Effect.map(RequestsSent, (innermost) => {
    for (let sent = innermost; sent !== undefined; sent = sent.parent) {
      sent.count += 1
      if (!kind.safe) sent.unsafe += 1
    }
  })

/** Runs an effect whose requests are not those of the effect around it: a login for all that wait. */
export const unnoted = <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
  Effect.provideService(effect, RequestsSent, undefined)
