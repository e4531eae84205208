import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Hex from "effect/encoding/Hex"
import * as Redacted from "effect/Redacted"
import { sha256 } from "../../login/internal/sha256.ts"
import type { Endpoint, Limit } from "../Endpoint.ts"
import { isCommon, spanOf } from "./limiter.ts"
import type { Counted } from "./sharing.ts"

/** See `SharedLimits.take`. */
type Take = (key: string, limit: Limit) => Effect.Effect<Duration.Duration, unknown>

const patience = Duration.seconds(1)

/** How long the shared limits are not used after a failure, in milliseconds. */
const pause = 10_000

/** A hash, because the store of the shared limits must not contain the API key. */
const appId = ({ app = {} }: Counted): Effect.Effect<string> => {
  const values = Object.keys(app)
    .toSorted()
    .map((name) => {
      const value = app[name]
      return [name, Redacted.isRedacted(value) ? Redacted.value(value) : value]
    })
  const bytes = new TextEncoder().encode(`broker-auth app 1\n${JSON.stringify(values)}`)
  return Effect.map(sha256(bytes), (digest) => Hex.encode(digest.slice(0, 16)))
}

export const askShared = Effect.fnUntraced(function* (countCall: Take, protocol: Counted) {
  const id = yield* appId(protocol)
  let pausedAt: number | undefined

  const isPaused = (now: number) => pausedAt !== undefined && now >= pausedAt && now < pausedAt + pause

  const toRow = (name: string, limit: Limit) => {
    const span = spanOf(limit)
    const whose = limit.scope === "app" ? `app:${id}` : "address"
    const key = `${protocol.broker}:${name}:${limit.requests}/${span}:${whose}`
    return { key, span, limit: { ...limit, per: Duration.millis(span) } }
  }

  // If a limit refuses a call, the limits asked earlier have already counted the call. A limit with a short period
  // drops this wrong count sooner. So the limit with the shortest period is asked first.
  const shortestFirst = (a: { readonly span: number }, b: { readonly span: number }) => a.span - b.span

  const take = Effect.fnUntraced(function* ({ limits, name }: Endpoint) {
    const rows = limits
      .filter(isCommon)
      .map((limit) => toRow(name, limit))
      .toSorted(shortestFirst)
    for (const { key, limit } of rows) {
      const wait = Duration.toMillis(yield* countCall(key, limit))
      if (wait > 0) return wait
    }
    return 0
  })

  const withoutShared = Effect.fnUntraced(function* ({ name }: Endpoint, problem: string) {
    const now = yield* Clock.currentTimeMillis
    // If several calls fail at the same time, only the first call logs a warning.
    if (isPaused(now)) return 0
    pausedAt = now
    // The warning omits the error, because the error may contain the store's address with a password.
    yield* Effect.annotateLogs(
      Effect.logWarning(`The shared rate limits ${problem}. For 10 seconds, this client counts only its own calls`),
      { "broker.id": protocol.broker, operation: name }
    )
    return 0
  })

  return (endpoint: Endpoint): Effect.Effect<number> => {
    const asked = Effect.suspend(() => take(endpoint)).pipe(
      Effect.catchCause(() => withoutShared(endpoint, "failed")),
      Effect.timeoutOrElse({
        duration: patience,
        orElse: () => withoutShared(endpoint, "did not answer within a second")
      })
    )
    return Effect.flatMap(Clock.currentTimeMillis, (now) => (isPaused(now) ? Effect.succeed(0) : asked))
  }
})
