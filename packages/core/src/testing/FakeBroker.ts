/**
 * The base of all fake brokers: routes, a clock, a journal of requests, and faults that a test injects.
 *
 * A fake broker ("fake") is as strict as the real broker. It uses the `Request` and `Response` of the web platform, so
 * it works with msw (Mock Service Worker) and behind an HTTP server.
 *
 * @since 0.1.0
 */
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Predicate from "effect/Predicate"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import { parseJson } from "../broker/internal/json.ts"
import * as Totp from "../login/Totp.ts"
import { decodeMemory, encodeMemory, restoreMemory } from "./fakeMemory.ts"
import { field } from "../broker/Envelope.ts"

/**
 * The request that a route receives.
 *
 * @category models
 * @since 0.1.0
 */
export interface FakeRequest {
  readonly method: string
  readonly url: URL
  /** The header names are in lower case. */
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
  /** `undefined` if the body is not a JSON object or a JSON array. */
  readonly json: unknown
}

/**
 * The response that a route returns.
 *
 * @category models
 * @since 0.1.0
 */
export interface FakeResponse {
  readonly status: number
  readonly headers?: Readonly<Record<string, string>>
  readonly body: string
}

/**
 * A route of the fake.
 *
 * @category models
 * @since 0.1.0
 */
export interface Route {
  /** The name of the endpoint, for the journal and for `inject`. */
  readonly endpoint: string
  readonly method: string
  readonly origin: string
  readonly path: string
  /** Returns whether the route handles the request. Set `accepts` if several routes have the same path. */
  readonly accepts?: (request: FakeRequest) => boolean
  readonly handle: (request: FakeRequest) => Effect.Effect<FakeResponse>
}

/**
 * A fault that a test injects. The effect of each kind:
 *
 * - `status`: answers with the status of the fault and an empty body.
 * - `answer`: answers with the status, the headers and the body of the fault.
 * - `waf`: answers with the firewall page of the broker.
 * - `rate-limit`: answers as the broker does after too many requests.
 * - `latency`: processes the request after a delay.
 * - `truncated`: processes the request, and sends half of the answer's body.
 * - `lost`: processes the request, and cuts the connection.
 * - `reset`: cuts the connection.
 * - `quote`: answers with the header values and the body of the request, like a debug page.
 *
 * The fake processes the request only with `latency`, `truncated` and `lost`.
 *
 * @category models
 * @since 0.1.0
 */
export type Fault =
  | { readonly kind: "status"; readonly status: number }
  | {
      readonly kind: "answer"
      readonly status: number
      readonly body: string
      readonly headers?: Readonly<Record<string, string>>
    }
  | { readonly kind: "latency"; readonly duration: Duration.Input }
  | { readonly kind: "quote"; readonly as: "page" | "json" | "refusal" }
  | { readonly kind: "waf" | "rate-limit" | "truncated" | "reset" | "lost" }

/**
 * A request that the fake received. It may contain credentials of the fake accounts.
 *
 * @category models
 * @since 0.1.0
 */
export interface JournalEntry {
  /** Time of arrival on the fake's clock, in milliseconds since the epoch. */
  readonly at: number
  readonly broker: string
  readonly endpoint: string
  readonly method: string
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
  /** The HTTP status of the answer. It is 0 if no answer was sent. */
  readonly status: number
}

/**
 * A fake account, with all its credentials.
 *
 * @category models
 * @since 0.1.0
 */
export type FakeAccount = Readonly<Record<string, string>>

/**
 * Describes a limit or a lifetime of the fake as text.
 *
 * @category models
 * @since 0.1.0
 */
export interface FakeLimit {
  /** The subject of the limit, such as an endpoint, a code or a session. */
  readonly of: string
  /** The limit with its unit, such as `1 request in 1 second for each client code`. */
  readonly limit: string
  /** The option of the fake that changes the limit. Absent if no option changes it. */
  readonly switch?: string
}

/**
 * A fake broker.
 *
 * @category models
 * @since 0.1.0
 */
export interface FakeBroker {
  readonly broker: string
  readonly origins: ReadonlyArray<string>
  readonly endpoints: ReadonlyArray<string>
  readonly accounts: ReadonlyArray<FakeAccount>
  /** The limits and lifetimes with the fake's default options. */
  readonly limits: ReadonlyArray<FakeLimit>
  /** Answers a request as the broker does. Returns `Response.error()` if the connection is cut. */
  readonly respond: (request: Request) => Promise<Response>
  /**
   * The most recent requests, oldest first. The option `journalLimit` of `make` sets their maximum number. Default:
   * `JournalLimit`.
   */
  readonly journal: Effect.Effect<ReadonlyArray<JournalEntry>>
  /** Number of entries removed from the full journal since the last reset or restored snapshot. */
  readonly journalDropped: Effect.Effect<number>
  /**
   * Injects a fault into the next `times` requests to an endpoint. The endpoint `"*"` means every endpoint. Default for
   * `times`: 1.
   */
  readonly inject: (endpoint: string, fault: Fault, times?: number) => Effect.Effect<void>
  /** The fake's time, in milliseconds since the epoch. */
  readonly now: Effect.Effect<number>
  /** Advances the fake's clock. */
  readonly advance: (duration: Duration.Input) => Effect.Effect<void>
  /** The one-time codes that the real broker would have sent by SMS or email. The newest code is last. */
  readonly codes: (account: string) => Effect.Effect<ReadonlyArray<string>>
  /** Resets the fake to its initial state. */
  readonly reset: Effect.Effect<void>
  /** The fake's sessions, tokens and counters, as a JSON value. The journal, the faults and the time are left out. */
  readonly snapshot: Effect.Effect<unknown>
  /**
   * Returns an effect that restores the snapshot. Returns `undefined` if the snapshot is invalid or refers to an unknown
   * account.
   */
  readonly readSnapshot: (snapshot: unknown) => Effect.Effect<void> | undefined
}

/**
 * The clock of a fake. It shows the program's time until `advance` moves it forward. `reset` undoes `advance`.
 *
 * @category clocks
 * @since 0.1.0
 */
export interface FakeClock {
  readonly now: () => number
  readonly advance: (duration: Duration.Input) => void
  readonly reset: () => void
  /** The clock of the program that made the fake. Delays use this clock. */
  readonly base: Clock.Clock
}

/**
 * Makes the clock of a fake from the program's clock.
 *
 * @category clocks
 * @since 0.1.0
 */
export const makeClock: Effect.Effect<FakeClock> = Effect.map(Clock.Clock, (base) => {
  let ahead = 0
  return {
    base,
    now: () => base.currentTimeMillisUnsafe() + ahead,
    advance: (duration) => {
      ahead += Duration.toMillis(duration)
    },
    reset: () => {
      ahead = 0
    }
  }
})

const readRequest = (request: Request): Effect.Effect<FakeRequest> =>
  Effect.map(
    Effect.promise(() => request.text()),
    (body) => ({
      method: request.method,
      url: new URL(request.url),
      headers: Object.fromEntries(request.headers),
      body,
      json: parseJson(body)
    })
  )

const cut: FakeResponse = { status: 0, body: "" }

const quote = (request: FakeRequest, as: "page" | "json" | "refusal"): FakeResponse => {
  const sent = [request.body, ...Object.values(request.headers)]
  if (as === "page") return html(`<html><body><p>${sent.join("</p><p>")}</p></body></html>`)
  const message = `you sent ${sent.join(" and ")}`
  if (as === "json") return json({ message, sent }, 400)
  return json({ status: false, success: false, stat: "Not_Ok", message, emsg: message, errorcode: request.body, sent })
}

/** Simulates a server that crashes while it sends the body. */
const truncate = (response: FakeResponse): FakeResponse => ({
  ...response,
  headers: { ...response.headers, "content-length": String(new TextEncoder().encode(response.body).byteLength) },
  body: response.body.slice(0, Math.floor(response.body.length / 2))
})

/**
 * Makes a JSON answer.
 *
 * @category responses
 * @since 0.1.0
 */
export const json = (body: unknown, status = 200): FakeResponse => ({
  status,
  headers: { "content-type": "application/json" },
  body: JSON.stringify(body)
})

/**
 * Makes a plain text answer.
 *
 * @category responses
 * @since 0.1.0
 */
export const text = (body: string, status = 200): FakeResponse => ({
  status,
  headers: { "content-type": "text/plain" },
  body
})

/**
 * Makes an HTML page.
 *
 * @category responses
 * @since 0.1.0
 */
export const html = (body: string, status = 200): FakeResponse => ({
  status,
  headers: { "content-type": "text/html; charset=utf-8" },
  body
})

/**
 * Returns a text field of a JSON body. Returns `undefined` if the field is missing, blank or not text.
 *
 * @category requests
 * @since 0.1.0
 */
export const textField = (body: unknown, name: string): string | undefined => {
  const value = field(body, name)
  return Predicate.isString(value) && value.trim() !== "" ? value : undefined
}

/**
 * Escapes text for HTML.
 *
 * @category responses
 * @since 0.1.0
 */
export const escapeHtml = (value: string): string =>
  value.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`)

/**
 * Makes a strict rate limiter. In any period of the length `per`, a limit allows at most `requests` calls for each key.
 *
 * @category limits
 * @since 0.1.0
 */
export const makeLimiter = (now: () => number) => {
  const counted = new Map<string, Array<number>>()
  return {
    /** Returns whether a call for `key` is allowed. Counts only allowed calls. */
    allows: (
      key: string,
      limits: ReadonlyArray<{ readonly requests: number; readonly per: Duration.Input }>
    ): boolean => {
      const at = now()
      const rows = limits.map(({ per, requests }) => ({ requests, millis: Duration.toMillis(per) }))
      const longest = Math.max(0, ...rows.map(({ millis }) => millis))
      const calls = (counted.get(key) ?? []).filter((call) => at - call < longest)
      const allowed = rows.every(({ millis, requests }) => calls.filter((call) => at - call < millis).length < requests)
      if (allowed) calls.push(at)
      counted.set(key, calls)
      return allowed
    },
    reset: () => counted.clear()
  }
}

/**
 * Describes the limits of an endpoint, for the option `limits` of `make`. If `key` is `user id`, the text is, for
 * example, `1 request in 1 second for each user id`.
 *
 * @category limits
 * @since 0.1.0
 */
export const describeLimits = (
  endpoint: string,
  limits: ReadonlyArray<{ readonly requests: number; readonly per: string }>,
  key: string
): FakeLimit => {
  const spans = limits.map(({ per, requests }) => `${requests} ${requests === 1 ? "request" : "requests"} in ${per}`)
  return { of: endpoint, limit: `${spans.join(" and ")} for each ${key}` }
}

/**
 * Makes a strict check of TOTP codes. It accepts the codes of the current and the previous period (RFC 6238, section
 * 5.2). A code must be newer than the account's last accepted code, unless `reusedCode` is `accepted`.
 *
 * @category codes
 * @since 0.1.0
 */
export const makeAuthenticator = (
  now: () => number,
  options: { readonly reusedCode?: "refused" | "accepted" | undefined } = {}
) => {
  const lastSteps = new Map<string, number>()
  return {
    check: Effect.fnUntraced(function* (account: string, secret: string, code: string) {
      const totp = Totp.parse(Redacted.make(secret))
      if (Result.isFailure(totp)) return false
      const current = Totp.stepAt(totp.success, now())
      for (const step of [current, current - 1]) {
        if (step < 0 || Redacted.value(yield* Totp.codeAtStep(totp.success, step)) !== code) continue
        const used = (lastSteps.get(account) ?? -1) >= step
        if (used && options.reusedCode !== "accepted") return false
        lastSteps.set(account, step)
        return true
      }
      return false
    }),
    /** For each account, the TOTP period of the last accepted code, as a number. */
    lastSteps,
    reset: () => lastSteps.clear()
  }
}

/**
 * Maximum number of entries in the journal of a fake. Default: 10,000. The option `journalLimit` of `make` takes
 * precedence.
 *
 * @example
 * ```ts
 * import { FakeAngel } from "@auth/angel/msw"
 * import * as FakeBroker from "@auth/broker-core/testing/FakeBroker"
 * import * as Effect from "effect/Effect"
 *
 * const program = Effect.provideService(FakeAngel.make(), FakeBroker.JournalLimit, 100)
 * ```
 *
 * @category references
 * @since 0.1.0
 */
export const JournalLimit: Context.Reference<number> = Context.Reference<number>(
  "@auth/broker-core/FakeBroker/JournalLimit",
  { defaultValue: () => 10_000 }
)

const makeJournal = (limit: number) => {
  const entries: Array<JournalEntry> = []
  let dropped = 0
  return {
    entries,
    dropped: () => dropped,
    add: (entry: JournalEntry) => {
      entries.push(entry)
      if (entries.length <= limit) return
      entries.shift()
      dropped += 1
    },
    clear: () => {
      entries.length = 0
      dropped = 0
    }
  }
}

/**
 * Describes the lifetime of the codes that `makeAuthenticator` accepts, for the option `limits` of `make`.
 *
 * @category limits
 * @since 0.1.0
 */
export const authenticatorLimit: FakeLimit = {
  of: "a TOTP code",
  limit: "1 login, in its period of 30 seconds or in the next period"
}

/**
 * Makes a fake from its routes.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = (options: {
  readonly broker: string
  readonly clock: FakeClock
  readonly accounts: ReadonlyArray<FakeAccount>
  readonly origins: ReadonlyArray<string>
  /** Descriptions of limits and lifetimes. Default: an empty list. */
  readonly limits?: ReadonlyArray<FakeLimit>
  readonly routes: ReadonlyArray<Route>
  /** The answer if no route matches. */
  readonly notFound: FakeResponse
  readonly wafPage: FakeResponse
  readonly rateLimited: FakeResponse
  readonly codes?: (account: string) => ReadonlyArray<string>
  readonly reset: () => void
  /**
   * The state for snapshots. `parts` returns maps, sets, lists and numbers, keyed by name. A snapshot replaces each
   * object of `accounts` with its index.
   */
  readonly memory?: { readonly accounts: ReadonlyArray<object>; readonly parts: () => Record<string, unknown> }
  /** Maximum number of entries in the journal. Default: `JournalLimit`. */
  readonly journalLimit?: number
}): Effect.Effect<FakeBroker> =>
  Effect.map(Effect.context(), (context: Context.Context<never>) => {
    const { clock } = options
    const journal = makeJournal(options.journalLimit ?? Context.get(context, JournalLimit))
    const faults: Array<{ endpoint: string; fault: Fault; left: number }> = []
    const runFork = Effect.runForkWith(context)
    const running = new Set<Fiber.Fiber<Response>>()

    const respond = (request: Request): Promise<Response> => {
      const fiber = runFork(answer(request))
      running.add(fiber)
      return new Promise((resolve, reject) => {
        fiber.addObserver((exit) => {
          running.delete(fiber)
          if (Exit.isSuccess(exit)) resolve(exit.value)
          // A reset cuts the connections of unanswered requests.
          else if (Cause.hasInterruptsOnly(exit.cause)) resolve(Response.error())
          else reject(Cause.squash(exit.cause))
        })
      })
    }

    const routeOf = (request: FakeRequest): Route | undefined =>
      options.routes.find(
        (route) =>
          route.method === request.method &&
          route.origin === request.url.origin &&
          // One broker documents a path with a double slash.
          route.path === request.url.pathname.replace(/\/{2,}/g, "/") &&
          route.accepts?.(request) !== false
      )

    const takeFault = (endpoint: string): Fault | undefined => {
      const armed = faults.find((candidate) => candidate.endpoint === endpoint || candidate.endpoint === "*")
      if (armed === undefined) return undefined
      armed.left -= 1
      if (armed.left <= 0) faults.splice(faults.indexOf(armed), 1)
      return armed.fault
    }

    const misbehave = (
      fault: Fault,
      request: FakeRequest,
      handled: Effect.Effect<FakeResponse>
    ): Effect.Effect<FakeResponse> => {
      if (fault.kind === "quote") return Effect.succeed(quote(request, fault.as))
      if (fault.kind === "status") return Effect.succeed(text("", fault.status))
      if (fault.kind === "answer") return Effect.succeed({ headers: {}, ...fault })
      if (fault.kind === "latency") {
        return Effect.andThen(Effect.provideService(Effect.sleep(fault.duration), Clock.Clock, clock.base), handled)
      }
      return {
        waf: Effect.succeed(options.wafPage),
        "rate-limit": Effect.succeed(options.rateLimited),
        reset: Effect.succeed(cut),
        truncated: Effect.map(handled, truncate),
        lost: Effect.as(handled, cut)
      }[fault.kind]
    }

    const toResponse = (response: FakeResponse): Response => {
      if (response.status === 0) return Response.error()
      const date = DateTime.toDateUtc(DateTime.makeUnsafe(clock.now())).toUTCString()
      const body = [204, 205, 304].includes(response.status) ? null : response.body
      return new Response(body, { status: response.status, headers: { date, ...response.headers } })
    }

    const answer = Effect.fnUntraced(function* (web: Request) {
      const request = yield* readRequest(web)
      const route = routeOf(request)
      const endpoint = route?.endpoint ?? "unknown"
      // Added before the answer, so that the journal also contains unanswered requests.
      const entry = {
        at: clock.now(),
        broker: options.broker,
        endpoint,
        method: request.method,
        url: request.url.href,
        headers: request.headers,
        body: request.body,
        status: 0
      }
      journal.add(entry)
      const handled = route === undefined ? Effect.succeed(options.notFound) : route.handle(request)
      const fault = takeFault(endpoint)
      const response = yield* fault === undefined ? handled : misbehave(fault, request, handled)
      entry.status = response.status
      return toResponse(response)
    })

    const interruptRequests = Effect.suspend(() => Fiber.interruptAll([...running]))

    return {
      broker: options.broker,
      origins: options.origins,
      endpoints: Array.from(new Set(options.routes.map(({ endpoint }) => endpoint))),
      accounts: options.accounts,
      limits: options.limits ?? [],
      respond,
      journal: Effect.sync(() => journal.entries.map((entry) => ({ ...entry }))),
      journalDropped: Effect.sync(journal.dropped),
      inject: (endpoint, fault, times = 1) =>
        Effect.sync(() => {
          if (times > 0) faults.push({ endpoint, fault, left: times })
        }),
      now: Effect.sync(clock.now),
      advance: (duration) => Effect.sync(() => clock.advance(duration)),
      codes: (account) => Effect.sync(() => options.codes?.(account) ?? []),
      reset: Effect.andThen(
        // A request that arrived before the reset must not change the new state.
        interruptRequests,
        Effect.sync(() => {
          journal.clear()
          faults.length = 0
          clock.reset()
          options.reset()
        })
      ),
      snapshot: Effect.sync(() => encodeMemory(options.memory?.accounts ?? [], options.memory?.parts() ?? {})),
      readSnapshot: (snapshot) => {
        const { accounts = [], parts = () => ({}) } = options.memory ?? {}
        const decoded = decodeMemory(accounts, snapshot, parts())
        if (decoded === undefined) return undefined
        return Effect.andThen(
          interruptRequests,
          Effect.sync(() => {
            journal.clear()
            faults.length = 0
            clock.reset()
            options.reset()
            restoreMemory(parts(), decoded)
          })
        )
      }
    }
  })
