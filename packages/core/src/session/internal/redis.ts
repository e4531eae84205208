/** Errors of this module do not contain the Redis client's error, because that error may contain stored data. */
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Redis from "effect/persistence/Redis"
import * as Predicate from "effect/Predicate"
import * as Random from "effect/Random"
import * as Account from "../../login/Account.ts"
import * as VaultError from "../VaultError.ts"
import { systemCode } from "../../broker/internal/systemCode.ts"

export const defaultPrefix = "broker-auth"

/** Because of the braces, a Redis cluster stores all keys of an account on the same node. */
export const keyOf = (prefix: string, account: Account.Account, what: string): string =>
  `${prefix}:{${Account.toKey(account)}}:${what}`

const advice =
  "Check that Redis is running, is reachable, has free memory, and allows this program to write and run scripts."

/** If a command in a script fails, Redis before version 7 puts this text before the command's error. */
const inScript = /^ERR Error running script .*?@user_script: ?\d+: -?/s

/**
 * Returns only the error code of a reply, such as `OOM` in `OOM command not allowed …`. The rest of the reply may
 * contain the arguments of the command.
 */
export const refusal = (error: Redis.RedisError): string | undefined =>
  Predicate.isError(error.cause) ? /^[A-Z]{2,20}(?= )/.exec(error.cause.message.replace(inScript, ""))?.[0] : undefined

export const toIo = (what: string, error: Redis.RedisError | undefined): VaultError.Io =>
  new VaultError.Io({
    what,
    systemCode: error === undefined ? undefined : (systemCode(error) ?? refusal(error)),
    advice
  })

/** Whether a retry would fail with the same error code. */
export const isFinal = (word: string | undefined): boolean =>
  word !== undefined && ["NOPERM", "NOAUTH", "WRONGPASS", "WRONGTYPE"].includes(word)

/** `WRONGTYPE`: the stored value is not a string, so this library did not write it. */
export const toReason = (
  what: string,
  subject: string,
  error: Redis.RedisError | undefined
): VaultError.Io | VaultError.Tampered => {
  const word = error === undefined ? undefined : refusal(error)
  if (word === "WRONGTYPE") return new VaultError.Tampered({ what: subject })
  return isFinal(word) ? new VaultError.Io({ what, systemCode: word, advice, retry: "never" }) : toIo(what, error)
}

const transient = new Set(["LOADING", "READONLY", "MASTERDOWN", "CLUSTERDOWN", "TRYAGAIN", "BUSY"])

/** Random, so that waiting programs do not retry at the same time. */
export const pause = Effect.flatMap(Random.nextIntBetween(25, 75), (millis) => Effect.sleep(millis))

/** If `isAgain` is true, Redis may have executed an earlier try whose reply was lost. */
export const persist = <A>(
  ask: (isAgain: boolean) => Effect.Effect<A, Redis.RedisError>,
  options: {
    readonly operation: string
    readonly what: string
    /** Name of the stored entry, for the error `Tampered`. */
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
