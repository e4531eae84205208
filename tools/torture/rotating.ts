/** Sessions of which each can be told from every other, and from one that is damaged. */
import * as Account from "@auth/broker-core/login/Account"
import * as Redacted from "effect/Redacted"
import { createHash } from "node:crypto"

export const account = Account.make({ broker: "angel", id: "A123456" })

/** Some fill part of a page of the database, some several pages. */
const lengthOf = (version: number): number => 300 + ((version * 977) % 9000)

/** What is stored as a version. */
export const valueOf = (version: number): Redacted.Redacted<Uint8Array> => {
  const word = createHash("sha256").update(`session ${version}`).digest("hex")
  const token = word.repeat(Math.ceil(lengthOf(version) / word.length)).slice(0, lengthOf(version))
  return Redacted.make(new TextEncoder().encode(JSON.stringify({ version, token })))
}

/** Whether this is what was stored as that version, to the last byte. */
export const isValueOf = (version: number, value: Redacted.Redacted<Uint8Array>): boolean =>
  Buffer.compare(Redacted.value(value), Redacted.value(valueOf(version))) === 0
