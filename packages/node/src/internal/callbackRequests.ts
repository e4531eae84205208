/** Decides which requests from a browser the redirect listener accepts. */
import * as Mac from "effect/crypto/Mac"
import * as Redacted from "effect/Redacted"
import type { IncomingMessage } from "node:http"
import { type Page, pages } from "./listenerPages.ts"

/** Reads `rawHeaders`, because Node's `headers` joins or drops the values of a repeated header. */
const valuesOf = ({ rawHeaders }: IncomingMessage, name: string): ReadonlyArray<string> =>
  rawHeaders.filter((_, index) => index % 2 === 1 && rawHeaders[index - 1]?.toLowerCase() === name)

/** Clients may omit port 80 in the header `Host`. */
const authorities = (hostname: string, port: number): ReadonlyArray<string> =>
  port === 80 ? [hostname, `${hostname}:80`] : [`${hostname}:${port}`]

/**
 * Prevents DNS rebinding: the host name of a web page resolves to this machine, and the browser sends this host name as
 * `Host`.
 */
export const hostRefusal = (message: IncomingMessage, hostname: string, port: number): Page | undefined => {
  const hosts = valuesOf(message, "host")
  if (hosts.length !== 1 || !authorities(hostname, port).includes(hosts[0]?.toLowerCase() ?? "")) return pages.otherHost
  return message.url?.startsWith("/") === true ? undefined : pages.otherTarget
}

/**
 * Refuses a prefetch, and a request for a part of another page, such as an image, a frame or a script. A request with
 * neither `Sec-Fetch-Dest` nor a prefetch header passes.
 */
export const visitRefusal = ({ headers }: IncomingMessage): Page | undefined => {
  const destination = headers["sec-fetch-dest"] ?? "document"
  const prefetch = headers["sec-purpose"] ?? headers["purpose"] ?? headers["x-moz"]
  return destination === "document" && prefetch === undefined ? undefined : pages.notOpened
}

const encoder = new TextEncoder()

/** Checks every parameter, because brokers use different names for the state. */
export const hasState = (address: Redacted.Redacted<string>, state: Redacted.Redacted<string>): boolean => {
  const [, ...queries] = Redacted.value(address).split(/[?#]/)
  const values = queries.flatMap((query) => Array.from(new URLSearchParams(query).values()))
  const expected = encoder.encode(Redacted.value(state))
  return expected.byteLength > 0 && values.some((value) => Mac.timingSafeEqual(encoder.encode(value), expected))
}
