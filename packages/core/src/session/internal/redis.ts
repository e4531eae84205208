/**
 * Functions that the Redis store and the Redis lock share: key names, retries, and errors that do not contain the error
 * of the Redis client.
 */
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Redis from "effect/persistence/Redis"
import * as Predicate from "effect/Predicate"
import * as Random from "effect/Random"
import * as Account from "../../login/Account.ts"
import * as VaultError from "../VaultError.ts"
import { systemCode } from "../../broker/internal/systemCode.ts"

export const defaultPrefix = "broker-auth"

/** The braces (hash tag) keep all keys of an account on one node of a cluster. Account keys contain no braces. */
export const keyOf = (prefix: string, account: Account.Account, what: string): string =>
  `${prefix}:{${Account.toKey(account)}}:${what}`

const advice =
  "Check that Redis is running, reachable, has free memory, and allows this program to write and run scripts."

/**
 * The error code of a Redis reply, such as `OOM` in `OOM command not allowed …`. The rest of the reply may contain the
 * arguments of the command.
 */
export const refusal = (error: Redis.RedisError): string | undefined =>
  Predicate.isError(error.cause) ? /^[A-Z]{2,20}(?= )/.exec(error.cause.message)?.[0] : undefined

export const toIo = (what: string, error: Redis.RedisError | undefined): VaultError.Io =>
  new VaultError.Io({
    what,
    systemCode: error === undefined ? undefined : (systemCode(error) ?? refusal(error)),
    advice
  })

/** Errors that a retry cannot solve: missing permissions, a wrong password, a key of another type. */
export const isFinal = (word: string | undefined): boolean =>
  word !== undefined && ["NOPERM", "NOAUTH", "WRONGPASS", "WRONGTYPE"].includes(word)

/** Converts an error of Redis. A key of another type was not written by this library. */
export const toReason = (
  what: string,
  subject: string,
  error: Redis.RedisError | undefined
): VaultError.Io | VaultError.Tampered => {
  const word = error === undefined ? undefined : refusal(error)
  if (word === "WRONGTYPE") return new VaultError.Tampered({ what: subject })
  return isFinal(word) ? new VaultError.Io({ what, systemCode: word, advice, retry: "never" }) : toIo(what, error)
}

/** Transient errors: Redis is starting, or another node is taking over. */
const transient = new Set(["LOADING", "READONLY", "MASTERDOWN", "CLUSTERDOWN", "TRYAGAIN", "BUSY"])

/** Random pause between two tries, to spread the requests of waiting programs. */
export const pause = Effect.flatMap(Random.nextIntBetween(25, 75), (millis) => Effect.sleep(millis))

/**
 * Retries a request until Redis answers, until an error occurs that a retry cannot solve, or until the time-out has
 * passed. `isAgain` is true for a retry: an earlier try may have been executed although its reply was lost.
 */
export const persist = <A>(
  ask: (isAgain: boolean) => Effect.Effect<A, Redis.RedisError>,
  options: {
    readonly operation: string
    readonly what: string
    /** The entry that is read or written, for errors. */
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
        return word === undefined || transient.has(word) ? Effect.andThen(pause, attempt(true)) : fail()
      })
    return Effect.timeoutOrElse(attempt(false), { duration: options.timeout, orElse: fail })
  })
