/** What the store and the lock in Redis share: names, and failures without what the client tells of them. */
import * as Predicate from "effect/Predicate"
import type * as Redis from "effect/persistence/Redis"
import * as Account from "../Account.ts"
import * as VaultError from "../VaultError.ts"
import { systemCode } from "./systemCode.ts"

export const defaultPrefix = "broker-auth"

/** The braces keep everything of an account on one node of a cluster. An account's key has none of its own. */
export const keyOf = (prefix: string, account: Account.Account, what: string): string =>
  `${prefix}:{${Account.toKey(account)}}:${what}`

const advice = "Check that Redis runs, can be reached, has room, and lets this program run scripts and write."

/** Redis begins a refusal with a word: `OOM command not allowed …`. What follows may hold what was sent. */
const refusal = (error: Redis.RedisError): string | undefined =>
  Predicate.isError(error.cause) ? /^[A-Z]{2,20}(?= )/.exec(error.cause.message)?.[0] : undefined

export const toIo = (what: string, error: Redis.RedisError | undefined): VaultError.Io =>
  new VaultError.Io({
    what,
    systemCode: error === undefined ? undefined : (systemCode(error) ?? refusal(error)),
    advice
  })
