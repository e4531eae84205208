import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Fiber from "effect/Fiber"
import type * as HttpClient from "effect/http/HttpClient"
import * as Redacted from "effect/Redacted"
import { lazyModule } from "../../login/internal/lazyModule.ts"
import * as PlainHttp from "../PlainHttp.ts"
import { connectionFault } from "./connectionFault.ts"
import { load } from "./lazyClient.ts"
import type * as Redirects from "./redirects.ts"
import { followedTo } from "./redirects.ts"
import { tooLarge, TransportFailure, withLength, type WireRequest, type WireResponse } from "./wire.ts"

export type { TransportFailure, WireRequest, WireResponse }

export interface TransportOptions {
  readonly timeout: Duration.Duration
  readonly maxBodyBytes: number
}

const timedOut = Effect.fail(new TransportFailure({ why: "time-out" }))

/** Maximum delay of `setTimeout`, in milliseconds. */
const longestTimer = 2_147_483_647

const withQuery = ({ query, url }: WireRequest): string => {
  const parameters = Object.entries(query)
  if (parameters.length === 0) return url
  const address = new URL(url)
  for (const [name, value] of parameters) {
    address.searchParams.append(name, Redacted.isRedacted(value) ? Redacted.value(value) : value)
  }
  return address.href
}

const resultOf = (
  answer: PlainHttp.Answer,
  url: string
): Effect.Effect<WireResponse, TransportFailure | Redirects.RedirectFollowed> => {
  const followed = answer.url === undefined ? undefined : followedTo(answer.url, url, answer.status)
  if (followed !== undefined) return Effect.fail(followed)
  return answer.isTooLarge ? Effect.fail(tooLarge(answer.status)) : Effect.succeed(answer)
}

const sendPlainly = (
  send: PlainHttp.Send,
  wire: WireRequest,
  maxBodyBytes: number,
  millis?: number
): Effect.Effect<WireResponse, TransportFailure | Redirects.RedirectFollowed> =>
  Effect.callback<WireResponse, TransportFailure | Redirects.RedirectFollowed>((resume) => {
    const { body, method, url } = wire
    const cancel = send(
      { method, url: withQuery(wire), headers: withLength(wire), body, maxBodyBytes },
      {
        onAnswer: (answer) => {
          clearTimeout(timer)
          resume(resultOf(answer, url))
        },
        onError: (error) => {
          clearTimeout(timer)
          resume(Effect.fail(new TransportFailure(connectionFault(error, url))))
        }
      }
    )
    const expire = () => {
      cancel()
      resume(timedOut)
    }
    // oxlint-disable-next-line no-restricted-globals -- `Effect.sleep` would need a second fiber for each call
    const timer = millis === undefined ? undefined : setTimeout(expire, millis)
    return Effect.sync(() => {
      clearTimeout(timer)
      cancel()
    })
  })

/** Loads Effect's modules for HTTP, Schema and streams. Only clients without a `PlainHttp.Send` need them. */
const loadExecute = Effect.orDie(lazyModule(() => import("./httpClientSend.ts")))

/**
 * Returns an effect that loads the modules that `send` needs, or `undefined` if `send` needs none. Run the effect
 * before the rate limits count the call. Otherwise, loading would delay a request that is already counted.
 */
export const prepare = (
  client: HttpClient.HttpClient,
  fiber: Fiber.Fiber<unknown, unknown>
): Effect.Effect<unknown> | undefined =>
  PlainHttp.sendOf(client, fiber) === undefined ? Effect.andThen(loadExecute, load(client)) : undefined

/** `setTimeout` follows this clock, but never a test clock. */
const systemClock = Context.get(Context.empty(), Clock.Clock)

export const send = (
  client: HttpClient.HttpClient,
  request: WireRequest,
  options: TransportOptions,
  fiber: Fiber.Fiber<unknown, unknown>
): Effect.Effect<WireResponse, TransportFailure | Redirects.RedirectFollowed> => {
  const { maxBodyBytes, timeout } = options
  const plain = PlainHttp.sendOf(client, fiber)
  const millis = Duration.toMillis(timeout)
  if (plain !== undefined && fiber.getRef(Clock.Clock) === systemClock && millis <= longestTimer) {
    return sendPlainly(plain, request, maxBodyBytes, millis)
  }
  const exchange =
    plain === undefined
      ? Effect.flatMap(loadExecute, ({ execute }) => execute(client, request, maxBodyBytes))
      : sendPlainly(plain, request, maxBodyBytes)
  return Effect.timeoutOrElse(exchange, { duration: timeout, orElse: () => timedOut })
}
