/**
 * Makes the sessions that `writer.ts` stores. A session depends only on its version number, so `isValueOf` can detect
 * damage.
 */
import * as Account from "@auth/broker-core/login/Account"
import * as Redacted from "effect/Redacted"
import { createHash } from "node:crypto"

export const account = Account.make({ broker: "angel", id: "A123456" })

/** Some sessions fit in one page of the vault's SQLite database. Others need several pages. */
const lengthOf = (version: number): number => 300 + ((version * 977) % 9000)

export const valueOf = (version: number): Redacted.Redacted<Uint8Array> => {
  const word = createHash("sha256").update(`session ${version}`).digest("hex")
  const token = word.repeat(Math.ceil(lengthOf(version) / word.length)).slice(0, lengthOf(version))
  return Redacted.make(new TextEncoder().encode(JSON.stringify({ version, token })))
}

export const isValueOf = (version: number, value: Redacted.Redacted<Uint8Array>): boolean =>
  Buffer.compare(Redacted.value(value), Redacted.value(valueOf(version))) === 0
