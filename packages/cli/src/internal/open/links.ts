/**
 * Links and bearer tokens for the page of the command `broker-auth open`. A link is the secret at the end of the page's
 * URL. The page exchanges the link for a bearer token. Only SHA-256 hashes of links and bearer tokens are kept.
 */
import * as Clock from "effect/Clock"
import * as SecureRandom from "effect/crypto/SecureRandom"
import * as Effect from "effect/Effect"
import * as Base64Url from "effect/encoding/Base64Url"
import * as Redacted from "effect/Redacted"
import { hash, timingSafeEqual } from "node:crypto"

export const linkMillis = 60_000

const maxBearers = 64

export interface Links {
  /** Issues a link. All earlier links become invalid. */
  readonly issue: Effect.Effect<Redacted.Redacted<string>>
  /** Returns `undefined` if the link was used before, has expired, or is not the newest link. */
  readonly exchange: (link: Redacted.Redacted<string>) => Effect.Effect<Redacted.Redacted<string> | undefined>
  readonly isAllowed: (authorization: string | undefined) => boolean
}

const random = (): Redacted.Redacted<string> => Redacted.make(Base64Url.encode(SecureRandom.randomBytesUnsafe(32)))

const digestOf = (text: Redacted.Redacted<string>): Uint8Array => hash("sha256", Redacted.value(text), "buffer")

const bearerPattern = /^bearer ([\w-]{1,256})$/i

export const make = (): Links => {
  let pending: { readonly digest: Uint8Array; readonly until: number } | undefined
  let bearers: ReadonlyArray<Uint8Array> = []
  return {
    issue: Effect.map(Clock.currentTimeMillis, (now) => {
      const link = random()
      pending = { digest: digestOf(link), until: now + linkMillis }
      return link
    }),
    exchange: (link) =>
      Effect.map(Clock.currentTimeMillis, (now) => {
        if (pending === undefined || !timingSafeEqual(pending.digest, digestOf(link))) return undefined
        const isLate = now >= pending.until
        pending = undefined
        if (isLate) return undefined
        const bearer = random()
        bearers = [...bearers, digestOf(bearer)].slice(-maxBearers)
        return bearer
      }),
    isAllowed: (authorization) => {
      const given = bearerPattern.exec(authorization ?? "")?.[1]
      if (given === undefined) return false
      const digest = digestOf(Redacted.make(given))
      // All bearer tokens are compared, so that the duration does not show which token matches.
      return bearers.filter((known) => timingSafeEqual(known, digest)).length > 0
    }
  }
}
