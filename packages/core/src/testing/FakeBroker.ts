/**
 * Base of the fake brokers: routes, a clock, a journal of requests, and faults on demand.
 *
 * A fake is as strict as its broker. It uses web `Request` and `Response`, so the same fake works with msw in process
 * and as an HTTP server.
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
 * The request that a route gets.
 *
 * @category models
 * @since 0.1.0
 */
export interface FakeRequest {
  readonly method: string
  readonly url: URL
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
  /** `undefined` if the body is not JSON. */
  readonly json: unknown
}

/**
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
  /** Name in the journal, and for faults. */
  readonly endpoint: string
  readonly method: string
  readonly origin: string
  readonly path: string
  /** Distinguishes routes with the same path, for example by the body. */
  readonly accepts?: (request: FakeRequest) => boolean
  readonly handle: (request: FakeRequest) => Effect.Effect<FakeResponse>
}

/**
 * A fault. `quote` answers with the request's own headers and body, like a debug page. `truncated` and `lost` happen
 * after the fake has processed the request, `latency` before. The others happen instead of processing it.
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
 * A request that the fake received. It contains the credentials of the fake accounts.
 *
 * @category models
 * @since 0.1.0
 */
export interface JournalEntry {
  /** Milliseconds since the epoch, by the fake's clock. */
  readonly at: number
  readonly broker: string
  readonly endpoint: string
  readonly method: string
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
  /** HTTP status of the answer. 0: the connection was cut. */
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
 * A limit or lifetime of a fake, as text.
 *
 * @category models
 * @since 0.1.0
 */
export interface FakeLimit {
  /** The limited item: an endpoint, a code, a session. */
  readonly of: string
  /** With its unit, such as `1 request in 1 second by client code`. */
  readonly limit: string
  /** The switch that changes it. Default: none. */
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
  /** The broker's origins. The fake answers for all of them. */
  readonly origins: ReadonlyArray<string>
  readonly endpoints: ReadonlyArray<string>
  readonly accounts: ReadonlyArray<FakeAccount>
  /** Its default limits and lifetimes, without switches. */
  readonly limits: ReadonlyArray<FakeLimit>
  /** Answers a request like the broker. `Response.error()`: the connection was cut. */
  readonly respond: (request: Request) => Promise<Response>
  /** The newest requests, up to the limit of the journal, oldest first. */
  readonly journal: Effect.Effect<ReadonlyArray<JournalEntry>>
  /** Number of older entries that the journal has dropped since it was last empty. */
  readonly journalDropped: Effect.Effect<number>
  /** Injects a fault into the next `times` requests of an endpoint (`"*"`: any). Default: 1. */
  readonly inject: (endpoint: string, fault: Fault, times?: number) => Effect.Effect<void>
  /** The fake's time, milliseconds since the epoch. */
  readonly now: Effect.Effect<number>
  /** Advances the fake's clock, relative to the clock that it was made with. */
  readonly advance: (duration: Duration.Input) => Effect.Effect<void>
  /** The one-time codes that were sent by SMS or mail, newest last. */
  readonly codes: (account: string) => Effect.Effect<ReadonlyArray<string>>
  /** Resets the fake to its initial state. */
  readonly reset: Effect.Effect<void>
  /** Sessions, tokens and counters as JSON, without the journal and faults. It contains tokens. */
  readonly snapshot: Effect.Effect<unknown>
  /**
   * Checks a snapshot of a fake with the same accounts, and returns the effect that restores it. `undefined`: the value
   * is not such a snapshot.
   */
  readonly readSnapshot: (snapshot: unknown) => Effect.Effect<void> | undefined
}

/**
 * The clock of a fake: the clock of the program that made it, plus the time by which it was advanced.
 *
 * @category clocks
 * @since 0.1.0
 */
export interface FakeClock {
  readonly now: () => number
  readonly advance: (duration: Duration.Input) => void
  readonly reset: () => void
  /** The clock that the fake was made with, for waiting. */
  readonly base: Clock.Clock
}

/**
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

/** Half of the body with the `content-length` of all of it, like a server that crashes during an answer. */
const truncate = (response: FakeResponse): FakeResponse => ({
  ...response,
  headers: { ...response.headers, "content-length": String(new TextEncoder().encode(response.body).byteLength) },
  body: response.body.slice(0, Math.floor(response.body.length / 2))
})

/**
 * A JSON answer.
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
 * A plain text answer.
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
 * An HTML page.
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
 * A text field of a JSON body. `undefined`: it is missing, blank or not text.
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
 * A strict rate limiter: it refuses more than `requests` calls in any period of `per`.
 *
 * @category limits
 * @since 0.1.0
 */
export const makeLimiter = (now: () => number) => {
  const counted = new Map<string, Array<number>>()
  return {
    /** Whether one more call for `key` is allowed. If so, the call is counted. */
    allows: (
      key: string,
      limits: ReadonlyArray<{ readonly requests: number; readonly per: Duration.Input }>
    ): boolean => {
      const at = now()
      const calls = counted.get(key) ?? []
      const allowed = limits.every(
        ({ per, requests }) => calls.filter((call) => at - call < Duration.toMillis(per)).length < requests
      )
      if (allowed) counted.set(key, [...calls.slice(-1000), at])
      return allowed
    },
    reset: () => counted.clear()
  }
}

/**
 * Describes a limiter for `limits` of a fake: `describeLimits("login", [{ requests: 1, per: "1 second" }], "user id")`
 * is
 * `1 request in 1 second by user id`.
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
  return { of: endpoint, limit: `${spans.join(" and ")} by ${key}` }
}

/**
 * Checks TOTP codes strictly: it accepts the codes of the current and the previous period (RFC 6238, section 5.2), and
 * each code only once.
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
    /** The last used step, by account. */
    lastSteps,
    reset: () => lastSteps.clear()
  }
}

/**
 * Maximum number of entries in the journal of a fake, unless `make` sets `journalLimit`. Default: 10,000.
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

/** Keeps the newest entries up to a limit, and counts those that were dropped. */
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
 * The lifetime of the codes of `makeAuthenticator`, for `limits` of a fake.
 *
 * @category limits
 * @since 0.1.0
 */
export const authenticatorLimit: FakeLimit = {
  of: "a TOTP code",
  limit: "1 login, in its period (30 seconds) or the next period"
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
  /** Limits and lifetimes, as text. Default: none. */
  readonly limits?: ReadonlyArray<FakeLimit>
  readonly routes: ReadonlyArray<Route>
  /** The answer if no route matches. */
  readonly notFound: FakeResponse
  readonly wafPage: FakeResponse
  readonly rateLimited: FakeResponse
  readonly codes?: (account: string) => ReadonlyArray<string>
  readonly reset: () => void
  /** The content of a snapshot: maps, sets, lists and numbers by name, and the accounts that they refer to. */
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
          // A reset cuts the connections of pending requests.
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
      // Added before the answer, so that the journal has requests that are never answered.
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
      inject: (endpoint, fault, times = 1) => Effect.sync(() => void faults.push({ endpoint, fault, left: times })),
      now: Effect.sync(clock.now),
      advance: (duration) => Effect.sync(() => clock.advance(duration)),
      codes: (account) => Effect.sync(() => options.codes?.(account) ?? []),
      reset: Effect.andThen(
        // A request from before the reset must not change the new state.
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
