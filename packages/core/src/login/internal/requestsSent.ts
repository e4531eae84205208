/**
 * Counts the requests that an effect sends. The counts decide whether `SessionManager.withSession` may run the effect a
 * second time.
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type * as Fiber from "effect/Fiber"

export interface RequestsSent {
  count: number
  /** Number of requests that must not be sent twice, such as orders. */
  unsafe: number
  /** The counts of the enclosing effect. `undefined` if no enclosing effect is counted. */
  readonly parent: RequestsSent | undefined
}

/** The counts of the current effect. `undefined` outside of `SessionManager.withSession` and inside `unnoted`. */
export const RequestsSent = Context.Reference<RequestsSent | undefined>("@auth/broker-core/internal/RequestsSent", {
  defaultValue: () => undefined
})

/** Whether a request with an unsafe HTTP method may be sent twice. */
export const Replayable = Context.Reference<boolean>("@auth/broker-core/AuthorizedClient/Replayable", {
  defaultValue: () => false
})

const safeMethods: ReadonlySet<string> = new Set(["GET", "HEAD", "OPTIONS"])

/** A request whose body is a stream must not be sent twice, because some streams can be read only once. */
export const mayReplay = (request: { readonly method: string; readonly body: { readonly _tag: string } }) =>
  request.body._tag === "Stream"
    ? Effect.succeed(false)
    : safeMethods.has(request.method)
      ? Effect.succeed(true)
      : Effect.flatMap(Replayable, Effect.succeed)

/** Counts a request that `fiber` is about to send. */
export const countRequest = (fiber: Fiber.Fiber<unknown, unknown>, kind: { readonly safe: boolean }): void => {
  for (let sent = fiber.getRef(RequestsSent); sent !== undefined; sent = sent.parent) {
    sent.count += 1
    if (!kind.safe) sent.unsafe += 1
  }
}

export const noteRequest = (kind: { readonly safe: boolean }) =>
  Effect.withFiber((fiber) => Effect.sync(() => countRequest(fiber, kind)))

/** Runs `effect`, such as a renewal that several callers share, without counting its requests. */
export const unnoted = <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
  Effect.provideService(effect, RequestsSent, undefined)
