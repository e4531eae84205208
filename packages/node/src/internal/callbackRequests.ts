/** Decides which requests from a browser the redirect listener accepts. */
import * as Mac from "effect/crypto/Mac"
import * as Redacted from "effect/Redacted"
import type { IncomingMessage } from "node:http"
import { type Page, pages } from "./listenerPages.ts"

/** All values of a header, as they were sent. Node's `headers` joins or drops the values of a repeated header. */
const valuesOf = ({ rawHeaders }: IncomingMessage, name: string): ReadonlyArray<string> =>
  rawHeaders.filter((_, index) => index % 2 === 1 && rawHeaders[index - 1]?.toLowerCase() === name)

/** The values of `Host` that clients send for this listener. Clients may omit port 80. */
const authorities = (hostname: string, port: number): ReadonlyArray<string> =>
  port === 80 ? [hostname, `${hostname}:80`] : [`${hostname}:${port}`]

/**
 * Returns the page that refuses a request, or `undefined`. A request is refused if its `Host` is not the listener's, or
 * if its request line does not contain a path, but for example a whole address. In an attack by DNS rebinding, the host
 * name of a web page resolves to this machine, and the browser sends that name as `Host`.
 */
export const hostRefusal = (message: IncomingMessage, hostname: string, port: number): Page | undefined => {
  const hosts = valuesOf(message, "host")
  if (hosts.length !== 1 || !authorities(hostname, port).includes(hosts[0]?.toLowerCase() ?? "")) return pages.otherHost
  return message.url?.startsWith("/") === true ? undefined : pages.otherTarget
}

/**
 * Returns the page that refuses a request, or `undefined`. A request is refused if the browser does not open the
 * address as a whole page. A login must not be completed by a prefetch, or by an image, a frame or a script of another
 * page. Browsers send the header `Sec-Fetch-Dest` to loopback addresses, too. A client that sends neither this
 * header nor a prefetch header is not refused.
 */
export const visitRefusal = ({ headers }: IncomingMessage): Page | undefined => {
  const destination = headers["sec-fetch-dest"] ?? "document"
  const prefetch = headers["sec-purpose"] ?? headers["purpose"] ?? headers["x-moz"]
  return destination === "document" && prefetch === undefined ? undefined : pages.notOpened
}

const encoder = new TextEncoder()

/** Whether any parameter of the address has the state as its value. Brokers use different names for this parameter. */
export const hasState = (address: Redacted.Redacted<string>, state: Redacted.Redacted<string>): boolean => {
  const [, ...queries] = Redacted.value(address).split(/[?#]/)
  const values = queries.flatMap((query) => Array.from(new URLSearchParams(query).values()))
  const expected = encoder.encode(Redacted.value(state))
  return expected.byteLength > 0 && values.some((value) => Mac.timingSafeEqual(encoder.encode(value), expected))
}
