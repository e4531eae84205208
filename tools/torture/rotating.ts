/** Sessions that differ from each other and from damaged ones. */
import * as Account from "@auth/broker-core/login/Account"
import * as Redacted from "effect/Redacted"
import { createHash } from "node:crypto"

export const account = Account.make({ broker: "angel", id: "A123456" })

/** Sizes: some fill part of a database page, some several pages. */
const lengthOf = (version: number): number => 300 + ((version * 977) % 9000)

/** The value of a version. */
export const valueOf = (version: number): Redacted.Redacted<Uint8Array> => {
  const word = createHash("sha256").update(`session ${version}`).digest("hex")
  const token = word.repeat(Math.ceil(lengthOf(version) / word.length)).slice(0, lengthOf(version))
  return Redacted.make(new TextEncoder().encode(JSON.stringify({ version, token })))
}

/** Whether this is exactly the value of that version. */
export const isValueOf = (version: number, value: Redacted.Redacted<Uint8Array>): boolean =>
  Buffer.compare(Redacted.value(value), Redacted.value(valueOf(version))) === 0
