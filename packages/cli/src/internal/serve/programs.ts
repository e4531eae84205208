/**
 * The programs that may use the server on loopback. Each has one bearer token. Only the SHA-256 of the token is stored.
 */
import type { VaultError } from "@auth/broker-core/session/VaultError"
import * as Clock from "effect/Clock"
import * as SecureRandom from "effect/crypto/SecureRandom"
import * as Effect from "effect/Effect"
import * as Base64Url from "effect/encoding/Base64Url"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import { hash, timingSafeEqual } from "node:crypto"
import { type CommandFailed, fail } from "../failure.ts"
import * as storedList from "../storedList.ts"
import * as coalesced from "./coalesced.ts"

const Program = Schema.Struct({
  name: Schema.String,
  /** Milliseconds since the epoch. */
  createdAt: Schema.Finite,
  sha256: Schema.String
})

export type Program = typeof Program.Type

const stored = storedList.make({ id: "programs", what: "list of programs", item: Program })

export const list = stored.list

const sha256 = (text: Redacted.Redacted<string>): string => hash("sha256", Redacted.value(text), "hex")

const namePattern = /^[A-Za-z0-9][A-Za-z0-9._@-]{0,63}$/

export const add = Effect.fnUntraced(function* (
  store: storedList.Store,
  name: string
): Effect.fn.Return<Redacted.Redacted<string>, CommandFailed | VaultError> {
  if (!namePattern.test(name)) {
    return yield* fail(
      "usage",
      "A name begins with a letter or a digit. It has at most 64 letters, digits, dots, hyphens, underscores and @ signs."
    )
  }
  const bearer = Redacted.make(Base64Url.encode(SecureRandom.randomBytesUnsafe(32)))
  const program = { name, createdAt: yield* Clock.currentTimeMillis, sha256: sha256(bearer) }
  yield* stored.update(store, (list) =>
    list.some((known) => known.name === name)
      ? fail(
          "account",
          `The program ${name} already has a bearer token. To replace the token, run broker-auth serve --revoke ${name} first.`
        )
      : Effect.succeed([...list, program])
  )
  return bearer
})

/** A running server then refuses the program's bearer token. */
export const revoke = (store: storedList.Store, name: string): Effect.Effect<void, CommandFailed | VaultError> =>
  stored.update(store, (list) => {
    const rest = list.filter((known) => known.name !== name)
    return rest.length < list.length
      ? Effect.succeed(rest)
      : fail("account", `There is no program ${JSON.stringify(name)}. See broker-auth serve --programs.`)
  })

const bearerPattern = /^bearer +([\w-]{1,256})$/i

const isEqual = (one: string, other: string): boolean => {
  const encoder = new TextEncoder()
  return one.length === other.length && timingSafeEqual(encoder.encode(one), encoder.encode(other))
}

/** Whether the header `Authorization` has the bearer token of a listed program. */
export type Check = (authorization: string | undefined) => Effect.Effect<boolean, VaultError>

export const makeCheck = (store: storedList.Store): Effect.Effect<Check, never, Scope.Scope> =>
  Effect.map(coalesced.make(stored.reader(store)), (read) => (authorization) => {
    const given = bearerPattern.exec(authorization ?? "")?.[1]
    if (given === undefined) return Effect.succeed(false)
    const digest = sha256(Redacted.make(given))
    // `filter`, not `some`: the time must not depend on which program matches.
    return Effect.map(read, (list) => list.filter((program) => isEqual(program.sha256, digest)).length > 0)
  })
