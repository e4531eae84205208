/**
 * The base of the fake brokers: routes, a clock, a journal of what was asked, and faults on demand.
 *
 * A fake is strict where its broker is. It speaks web `Request` and `Response`, so the same fake serves msw in process
 * and a server over HTTP.
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
 * A request, as a route sees it.
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
 * One path of the fake.
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
  /** Tells calls of one path apart, where the body says which it is. */
  readonly accepts?: (request: FakeRequest) => boolean
  readonly handle: (request: FakeRequest) => Effect.Effect<FakeResponse>
}

/**
 * A way to misbehave. `quote` answers with the request's own headers and body, as debug pages do. `truncated` and
 * `lost` happen after the fake has acted on the request; the others instead of it,
 * `latency` before it.
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
 * What the fake saw. It has the credentials of its made-up accounts in it.
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
  /** HTTP status of the answer; 0 if the connection was cut. */
  readonly status: number
}

/**
 * An account with every credential, as a tester needs it.
 *
 * @category models
 * @since 0.1.0
 */
export type FakeAccount = Readonly<Record<string, string>>

/**
 * A limit of a fake, or the life of something that it hands out, in words.
 *
 * @category models
 * @since 0.1.0
 */
export interface FakeLimit {
  /** What is limited: an endpoint, a code, a session. */
  readonly of: string
  /** With its unit, such as `1 request in 1 second by client code`. */
  readonly limit: string
  /** The switch that changes it. Default: none does. */
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
  /** The broker's own origins, all of which the fake answers for. */
  readonly origins: ReadonlyArray<string>
  readonly endpoints: ReadonlyArray<string>
  readonly accounts: ReadonlyArray<FakeAccount>
  /** Its limits and lifetimes, as they are without switches. */
  readonly limits: ReadonlyArray<FakeLimit>
  /** Answers as the broker would. `Response.error()` stands for a connection that was cut. */
  readonly respond: (request: Request) => Promise<Response>
  /** The newest requests, the oldest of them first: as many as the limit allows. */
  readonly journal: Effect.Effect<ReadonlyArray<JournalEntry>>
  /** How many older entries the journal has dropped since it was last empty. */
  readonly journalDropped: Effect.Effect<number>
  /** Lets an endpoint (`"*"`: any) misbehave the next `times` times, once unless said otherwise. */
  readonly inject: (endpoint: string, fault: Fault, times?: number) => Effect.Effect<void>
  /** The fake's time, milliseconds since the epoch. */
  readonly now: Effect.Effect<number>
  /** Moves the fake's clock, ahead of the clock that it was made with. */
  readonly advance: (duration: Duration.Input) => Effect.Effect<void>
  /** The one-time codes that would have gone out by SMS or mail, the newest last. */
  readonly codes: (account: string) => Effect.Effect<ReadonlyArray<string>>
  /** Forgets everything that happened. */
  readonly reset: Effect.Effect<void>
  /** Sessions, tokens and counters as JSON; neither the journal nor faults. It has tokens in it. */
  readonly snapshot: Effect.Effect<unknown>
  /**
   * Checks a snapshot of a fake with the same accounts, and returns the effect that restores it. `undefined` for
   * anything else.
   */
  readonly readSnapshot: (snapshot: unknown) => Effect.Effect<void> | undefined
}

/**
 * The clock of a fake: that of the program that made it, and ahead of it by what it was advanced.
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

/** Half the body under the length of the whole: a server that dies while it answers. */
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
 * A field of a JSON body, if it is text that is not blank.
 *
 * @category requests
 * @since 0.1.0
 */
export const textField = (body: unknown, name: string): string | undefined => {
  const value = field(body, name)
  return Predicate.isString(value) && value.trim() !== "" ? value : undefined
}

/**
 * Text as it may stand in a page.
 *
 * @category responses
 * @since 0.1.0
 */
export const escapeHtml = (value: string): string =>
  value.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`)

/**
 * Counts calls as a strict broker does: more than `requests` in any span of `per` are refused.
 *
 * @category limits
 * @since 0.1.0
 */
export const makeLimiter = (now: () => number) => {
  const counted = new Map<string, Array<number>>()
  return {
    /** Whether one more call under `key` is allowed; it is counted if so. */
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
 * Says what a limiter counts, for `limits` of a fake: `describeLimits("login", [{ requests: 1, per: "1 second" }], "user
 * id")` is `1 request in 1 second by user id`.
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
 * Checks one-time codes as a strict broker does: the code of the current period and of the one before are good (RFC
 * 6238, section 5.2), and a period is used up by its code.
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
    /** The last step that was used, by account. */
    lastSteps,
    reset: () => lastSteps.clear()
  }
}

/**
 * How many entries the journal of a fake keeps, if its maker does not say. Default: 10,000.
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

/** The newest entries up to a limit, and how many were dropped. */
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
 * How long the codes of `makeAuthenticator` are good, for `limits` of a fake.
 *
 * @category limits
 * @since 0.1.0
 */
export const authenticatorLimit: FakeLimit = {
  of: "a TOTP code",
  limit: "1 login, in its period (30 seconds) or the one after it"
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
  /** Limits and lifetimes, in words. Default: none. */
  readonly limits?: ReadonlyArray<FakeLimit>
  readonly routes: ReadonlyArray<Route>
  /** Answers where no route fits. */
  readonly notFound: FakeResponse
  readonly wafPage: FakeResponse
  readonly rateLimited: FakeResponse
  readonly codes?: (account: string) => ReadonlyArray<string>
  readonly reset: () => void
  /** What a snapshot has: maps, sets, lists and numbers by name, and the accounts that they refer to. */
  readonly memory?: { readonly accounts: ReadonlyArray<object>; readonly parts: () => Record<string, unknown> }
  /** How many entries the journal keeps. Default: `JournalLimit`. */
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
          // A reset cuts the connection of a request that is under way.
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
          // One of the brokers documents a path with a double slash.
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
      // The entry is there while the answer is under way, so that a request that is never answered is seen too.
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

    const endRunning = Effect.suspend(() => Fiber.interruptAll([...running]))

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
        // A request of before the reset must not act on the state of after it.
        endRunning,
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
          endRunning,
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
