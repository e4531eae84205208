/** What the store and the lock in Redis share: names, and failures without what the client tells of them. */
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Redis from "effect/persistence/Redis"
import * as Predicate from "effect/Predicate"
import * as Random from "effect/Random"
import * as Account from "../../login/Account.ts"
import * as VaultError from "../VaultError.ts"
import { systemCode } from "../../broker/internal/systemCode.ts"

export const defaultPrefix = "broker-auth"

/** The braces keep everything of an account on one node of a cluster. An account's key has none of its own. */
export const keyOf = (prefix: string, account: Account.Account, what: string): string =>
  `${prefix}:{${Account.toKey(account)}}:${what}`

const advice = "Check that Redis runs, can be reached, has room, and lets this program run scripts and write."

/** Redis begins a refusal with a word: `OOM command not allowed …`. What follows may cacheSession what was sent. */
export const refusal = (error: Redis.RedisError): string | undefined =>
  Predicate.isError(error.cause) ? /^[A-Z]{2,20}(?= )/.exec(error.cause.message)?.[0] : undefined

export const toIo = (what: string, error: Redis.RedisError | undefined): VaultError.Io =>
  new VaultError.Io({
    what,
    systemCode: error === undefined ? undefined : (systemCode(error) ?? refusal(error)),
    advice
  })

/** Refusals that only a person can end: rights, a password, a key of another kind. */
export const isFinal = (word: string | undefined): boolean =>
  word !== undefined && ["NOPERM", "NOAUTH", "WRONGPASS", "WRONGTYPE"].includes(word)

/** What a refusal means. A key of another kind holds what this library does not write. */
export const toReason = (
  what: string,
  subject: string,
  error: Redis.RedisError | undefined
): VaultError.Io | VaultError.Tampered => {
  const word = error === undefined ? undefined : refusal(error)
  if (word === "WRONGTYPE") return new VaultError.Tampered({ what: subject })
  return isFinal(word) ? new VaultError.Io({ what, systemCode: word, advice, retry: "never" }) : toIo(what, error)
}

/** Refusals that pass: while Redis starts, or while another node takes over. */
const passing = new Set(["LOADING", "READONLY", "MASTERDOWN", "CLUSTERDOWN", "TRYAGAIN", "BUSY"])

/** Between two tries, so that those who wait do not come all at once. */
export const pause = Effect.flatMap(Random.nextIntBetween(25, 75), (millis) => Effect.sleep(millis))

/**
 * Asks until Redis answers, or says no for good, or time is up. `isAgain` tells a request that one before it, of which
 * no answer came, may have been carried out.
 */
export const persist = <A>(
  ask: (isAgain: boolean) => Effect.Effect<A, Redis.RedisError>,
  options: {
    readonly operation: string
    readonly what: string
    /** What is read or written, without a verb. */
    readonly subject: string
    readonly timeout: Duration.Duration
  }
): Effect.Effect<A, VaultError.VaultError> =>
  Effect.suspend(() => {
    let last: Redis.RedisError | undefined
    const fail = () => Effect.fail(VaultError.make(options.operation, toReason(options.what, options.subject, last)))
    const attempt = (isAgain: boolean): Effect.Effect<A, VaultError.VaultError> =>
      Effect.catch(ask(isAgain), (error) => {
        last = error
        const word = refusal(error)
        return word === undefined || passing.has(word) ? Effect.andThen(pause, attempt(true)) : fail()
      })
    return Effect.timeoutOrElse(attempt(false), { duration: options.timeout, orElse: fail })
  })
