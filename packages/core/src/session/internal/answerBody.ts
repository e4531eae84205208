import type * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as HttpClientError from "effect/http/HttpClientError"
import type * as HttpClientResponse from "effect/http/HttpClientResponse"
import * as Pull from "effect/Pull"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"

type Failure = HttpClientError.HttpClientError

interface Reading {
  readonly pull: Pull.Pull<ReadonlyArray<Uint8Array>, Failure>
  readonly scope: Scope.Closeable
}

export type Beginning =
  | { readonly _tag: "Whole"; readonly all: Uint8Array<ArrayBuffer> }
  | { readonly _tag: "Part"; readonly head: ReadonlyArray<Uint8Array>; readonly rest: Reading }

const open = Effect.fnUntraced(function* (response: HttpClientResponse.HttpClientResponse) {
  const scope = yield* Scope.make()
  // The stream of a response without a body fails with `EmptyBodyError`.
  const stream = Stream.catchIf(
    response.stream,
    (error) => error.reason._tag === "EmptyBodyError",
    () => Stream.empty
  )
  const pull = yield* Scope.provide(Stream.toPull(stream), scope)
  return { pull, scope } satisfies Reading
})

const concat = (chunks: ReadonlyArray<Uint8Array>, size: number) => {
  const all = new Uint8Array(size)
  let at = 0
  for (const chunk of chunks) {
    all.set(chunk, at)
    at += chunk.byteLength
  }
  return all
}

/** Reads a body to its end, or until more than `limit` bytes were read. */
export const readBeginning = (
  response: HttpClientResponse.HttpClientResponse,
  limit: number
): Effect.Effect<Beginning, Failure> =>
  Effect.uninterruptibleMask((restore) =>
    Effect.flatMap(open(response), (rest) => {
      const head: Array<Uint8Array> = []
      let size = 0
      const read = Effect.fnUntraced(function* () {
        while (size <= limit) {
          for (const chunk of yield* rest.pull) {
            head.push(chunk)
            size += chunk.byteLength
          }
        }
        return { _tag: "Part", head, rest } as const
      })
      return restore(read()).pipe(
        Pull.catchDone(() =>
          Effect.as(Scope.close(rest.scope, Exit.void), { _tag: "Whole", all: concat(head, size) } as const)
        ),
        Effect.onError(() => Scope.close(rest.scope, Exit.void))
      )
    })
  )

/** `toError` replaces every failure, because a failure may contain the tokens of the request. */
const toWebStream = (
  head: ReadonlyArray<Uint8Array>,
  opening: Effect.Effect<Reading>,
  context: Context.Context<never>,
  toError: (failure: unknown) => unknown
): ReadableStream<Uint8Array> => {
  const pending = head.slice()
  const cancelled = new AbortController()
  let reading: Reading | undefined
  const close = Effect.suspend(() =>
    // Closing the scope cancels the response. If `reading` is not set yet, `opening` provides the scope.
    Effect.flatMap(reading === undefined ? opening : Effect.succeed(reading), ({ scope }) =>
      Scope.close(scope, Exit.void)
    )
  )
  const next = (controller: ReadableStreamDefaultController<Uint8Array>) => {
    const fail = (failure: unknown) =>
      Effect.andThen(
        close,
        Effect.sync(() => controller.error(toError(failure)))
      )
    return Effect.gen(function* () {
      reading ??= yield* Effect.uninterruptible(opening)
      for (const chunk of yield* reading.pull) controller.enqueue(chunk)
    }).pipe(
      Pull.catchDone(() =>
        Effect.andThen(
          close,
          Effect.sync(() => controller.close())
        )
      ),
      Effect.catch(fail),
      Effect.catchDefect(fail)
    )
  }
  const run = Effect.runPromiseExitWith(context)
  return new ReadableStream<Uint8Array>(
    {
      pull: (controller) => {
        const chunk = pending.shift()
        if (chunk === undefined) return run(next(controller), { signal: cancelled.signal }).then(() => undefined)
        controller.enqueue(chunk)
        return undefined
      },
      cancel: () => {
        cancelled.abort()
        return run(close).then(() => undefined)
      }
    },
    { highWaterMark: 0 }
  )
}

export const resume = (
  beginning: Beginning & { readonly _tag: "Part" },
  context: Context.Context<never>,
  toError: (failure: unknown) => unknown
): ReadableStream<Uint8Array> => {
  const { head, rest } = beginning
  return toWebStream(head, Effect.succeed(rest), context, toError)
}

export const passOn = (
  response: HttpClientResponse.HttpClientResponse,
  context: Context.Context<never>,
  toError: (failure: unknown) => unknown
): ReadableStream<Uint8Array> => toWebStream([], open(response), context, toError)
