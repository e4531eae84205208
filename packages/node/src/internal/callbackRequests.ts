/** Which requests of a browser the redirect listener accepts. */
import * as Mac from "effect/crypto/Mac"
import * as Redacted from "effect/Redacted"
import type { IncomingMessage } from "node:http"
import { type Page, pages } from "./listenerPages.ts"

/** The values as sent: in `headers`, Node joins or drops repeated ones. */
const valuesOf = ({ rawHeaders }: IncomingMessage, name: string): ReadonlyArray<string> =>
  rawHeaders.filter((_, index) => index % 2 === 1 && rawHeaders[index - 1]?.toLowerCase() === name)

/** Clients omit port 80. */
const authorities = (hostname: string, port: number): ReadonlyArray<string> =>
  port === 80 ? [hostname, `${hostname}:80`] : [`${hostname}:${port}`]

/**
 * The page that refuses a request for any path. A web page whose name resolves to this machine (DNS rebinding) sends
 * another Host.
 */
export const hostRefusal = (message: IncomingMessage, hostname: string, port: number): Page | undefined => {
  const hosts = valuesOf(message, "host")
  if (hosts.length !== 1 || !authorities(hostname, port).includes(hosts[0]?.toLowerCase() ?? "")) return pages.otherHost
  return message.url?.startsWith("/") === true ? undefined : pages.otherTarget
}

/**
 * The page that refuses a request unless a browser opens it as a page of its own. A prefetch must not complete a login,
 * and neither must an image, a frame or a script of another page. Browsers send these headers to loopback; other clients
 * send none of them.
 */
export const visitRefusal = ({ headers }: IncomingMessage): Page | undefined => {
  const destination = headers["sec-fetch-dest"] ?? "document"
  const prefetch = headers["sec-purpose"] ?? headers["purpose"] ?? headers["x-moz"]
  return destination === "document" && prefetch === undefined ? undefined : pages.notOpened
}

const encoder = new TextEncoder()

/** Whether a parameter of the address has the state as its value, under any name: brokers name it differently. */
export const hasState = (address: Redacted.Redacted<string>, state: Redacted.Redacted<string>): boolean => {
  const [, ...queries] = Redacted.value(address).split(/[?#]/)
  const values = queries.flatMap((query) => Array.from(new URLSearchParams(query).values()))
  const expected = encoder.encode(Redacted.value(state))
  return expected.byteLength > 0 && values.some((value) => Mac.timingSafeEqual(encoder.encode(value), expected))
}
