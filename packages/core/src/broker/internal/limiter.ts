import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as AuthError from "../../login/AuthError.ts"
import type { Endpoint, Limit } from "../Endpoint.ts"

/** Milliseconds added to the period of every limit, because calls may arrive closer together than they were sent. */
const transit = 50

interface Window {
  readonly requests: number
  readonly span: number
  /** When the last `requests` calls were sent, oldest first. */
  readonly sent: Array<number>
}

export const spanOf = ({ per }: Limit): number => Duration.toMillis(per) + transit

/** Whether the broker counts the calls of all accounts together. */
export const isCommon = ({ scope = "account" }: Limit): boolean => scope !== "account"

const toWindow = (limit: Limit): Window => ({ requests: limit.requests, span: spanOf(limit), sent: [] })

const waitOf = (window: Window, now: number): number => {
  const oldest = window.sent.length < window.requests ? undefined : window.sent[0]
  if (oldest === undefined) return 0
  // The clock was set back, so the recorded times are ignored.
  if (oldest > now) return 0
  return Math.max(0, oldest + window.span - now)
}

export interface Limiter {
  /** Waits until the limits allow the call. Fails as soon as the total wait is known to exceed `queueTimeout`. */
  readonly take: (account: string, endpoint: Endpoint) => Effect.Effect<void, AuthError.RateLimited>
  /**
   * Counts the call and returns true if the limits allow the call at `now`. Otherwise, counts nothing and returns
   * false. If other programs share a limit of `endpoint`, always returns false: only `take` can count the call.
   */
  readonly takeNow: (account: string, endpoint: Endpoint, now: number) => boolean
}

/**
 * Counts the calls of each account and endpoint in a sliding window. A fixed window or a token bucket could allow twice
 * as many calls within one period.
 *
 * The limits of an app or of an IP address count the calls of all accounts together. `ask` counts a call against these
 * limits for all programs that share them. `ask` returns how long the call must wait, in milliseconds.
 */
export const makeLimiter = (
  queueTimeout: Duration.Duration,
  ask?: (endpoint: Endpoint) => Effect.Effect<number>
): Limiter => {
  const windows = new Map<string, Map<string, ReadonlyArray<Window>>>()
  const windowsOf = (account: string, endpoint: Endpoint) => {
    const accounts = windows.get(endpoint.name) ?? new Map<string, ReadonlyArray<Window>>()
    const known = accounts.get(account)
    if (known !== undefined) return known
    // All accounts share the windows of the common limits.
    const [first] = accounts.values()
    const made = endpoint.limits.map((limit, index) => (isCommon(limit) && first?.[index]) || toWindow(limit))
    windows.set(endpoint.name, accounts.set(account, made))
    return made
  }
  const deadlineAfter = Duration.toMillis(queueTimeout)

  const longestWait = (own: ReadonlyArray<Window>, now: number): number => {
    let wait = 0
    for (const window of own) wait = Math.max(wait, waitOf(window, now))
    return wait
  }

  const tryTake = (account: string, endpoint: Endpoint, now: number): number => {
    const own = windowsOf(account, endpoint)
    const wait = longestWait(own, now)
    if (wait > 0) return wait
    for (const window of own) {
      window.sent.push(now)
      if (window.sent.length > window.requests) window.sent.shift()
    }
    return 0
  }

  /** Counts the call only after `asked` has ended, because the recorded time must be the time of sending. */
  const tryTakeShared = (account: string, endpoint: Endpoint, asked: Effect.Effect<number>, now: number) => {
    const wait = longestWait(windowsOf(account, endpoint), now)
    if (wait > 0) return Effect.succeed(wait)
    return Effect.flatMap(asked, (shared) =>
      shared > 0
        ? Effect.succeed(shared)
        : Effect.map(Clock.currentTimeMillis, (later) => tryTake(account, endpoint, later))
    )
  }

  const askFor = (endpoint: Endpoint) => (endpoint.limits.some(isCommon) ? ask?.(endpoint) : undefined)

  return {
    takeNow: (account, endpoint, now) =>
      endpoint.limits.length === 0 || (askFor(endpoint) === undefined && tryTake(account, endpoint, now) === 0),
    take: (account, endpoint) => {
      if (endpoint.limits.length === 0) return Effect.void
      return Effect.flatMap(Clock.currentTimeMillis, (began) => {
        const proceed = (wait: number): Effect.Effect<void, AuthError.RateLimited> =>
          wait === 0 ? Effect.void : Effect.flatMap(Clock.currentTimeMillis, (now) => waitThenRetry(wait, now))
        const waitThenRetry = (wait: number, now: number) =>
          now + wait - began > deadlineAfter
            ? Effect.fail(new AuthError.RateLimited({ retryAfter: Duration.millis(wait), by: "client" }))
            : Effect.andThen(Effect.sleep(Duration.millis(wait)), Effect.flatMap(Clock.currentTimeMillis, attempt))
        const asked = askFor(endpoint)
        const attempt = (now: number): Effect.Effect<void, AuthError.RateLimited> =>
          asked === undefined
            ? proceed(tryTake(account, endpoint, now))
            : Effect.flatMap(tryTakeShared(account, endpoint, asked, now), proceed)
        return attempt(began)
      })
    }
  }
}
