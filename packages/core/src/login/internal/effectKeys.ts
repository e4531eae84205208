/**
 * Copies of the keys of Effect services. An import of the original keys would load modules that a login does not need,
 * such as Schema. Effect compares keys by their text. A test compares the copies with the original keys.
 */
import * as Context from "effect/Context"
import type * as Effects from "effect/http/HttpClient"
import type * as RateLimiters from "effect/persistence/RateLimiter"
import type * as Terminals from "effect/Terminal"

export const HttpClient: Context.Service<Effects.HttpClient, Effects.HttpClient> = Context.Service("effect/HttpClient")

/** The `fetch` that the program provides, if any. */
export const Fetch: Context.Service<"Fetch", typeof globalThis.fetch> = Context.Service(
  "effect/http/FetchHttpClient/Fetch"
)

export const RequestInit: Context.Service<"RequestInit", globalThis.RequestInit> = Context.Service(
  "effect/http/FetchHttpClient/RequestInit"
)

export const Terminal: Context.Service<Terminals.Terminal, Terminals.Terminal> = Context.Service("effect/Terminal")

export const RateLimiter: Context.Service<RateLimiters.RateLimiter, RateLimiters.RateLimiter> = Context.Service(
  "~effect/persistence/RateLimiter"
)
