/** An entry of a session store as text: the version, a space, and the value in base64. */
import * as Base64 from "effect/encoding/Base64"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"

export const encode = (version: number, value: Redacted.Redacted<Uint8Array>): string =>
  `${version} ${Base64.encode(Redacted.value(value))}`

interface Decoded {
  readonly version: number
  readonly value: Redacted.Redacted<Uint8Array>
}

export const decode = (text: string): Decoded | undefined => {
  const [, version, base64] = /^([1-9]\d{0,14}) ([A-Za-z0-9+/]*={0,2})$/.exec(text) ?? []
  if (version === undefined || base64 === undefined) return undefined
  const value = Base64.decode(base64)
  // The last base64 digit may have unused bits. If they are not zero, the text was changed.
  if (Result.isFailure(value) || Base64.encode(value.success) !== base64) return undefined
  return { version: Number(version), value: Redacted.make(value.success) }
}
