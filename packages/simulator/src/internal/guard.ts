import type { IncomingMessage } from "node:http"

export interface Guard {
  readonly kind: "control" | "broker"
  /** Pages of other sites may link or redirect to these paths. */
  readonly loginPages: ReadonlyArray<string>
  /** Names that `Host` may contain, in addition to the loopback names. */
  readonly allowHosts: ReadonlyArray<string>
  /** Values that `Origin` may have, in addition to the loopback origins. */
  readonly allowOrigins: ReadonlyArray<string>
}

const loopbackNames = ["127.0.0.1", "localhost", "[::1]"]

/** Reads `rawHeaders`, because Node's `headers` joins or drops the values of a repeated header. */
const valuesOf = ({ rawHeaders }: IncomingMessage, name: string): ReadonlyArray<string> =>
  rawHeaders.filter((_, index) => index % 2 === 1 && rawHeaders[index - 1]?.toLowerCase() === name)

/** For port 80, clients may omit the port. */
const authorities = (names: ReadonlyArray<string>, port: number): ReadonlyArray<string> =>
  names.flatMap((name) => (port === 80 ? [name, `${name}:80`] : [`${name}:${port}`]))

const isHost = (guard: Guard, port: number, host: string): boolean => {
  const given = host.trim().toLowerCase()
  const allowed = guard.allowHosts.map((name) => name.toLowerCase())
  return allowed.includes(given) || authorities([...loopbackNames, ...allowed], port).includes(given)
}

const isOrigin = (guard: Guard, port: number, host: string, origin: string): boolean =>
  guard.allowOrigins.includes(origin) ||
  [host, ...authorities(loopbackNames, port)].some((authority) => origin === `http://${authority}`)

const isVisit = ({ loginPages }: Guard, { headers, method, url = "" }: IncomingMessage): boolean =>
  method === "GET" &&
  loginPages.includes(url.split("?", 1)[0] ?? "") &&
  headers["sec-fetch-mode"] === "navigate" &&
  headers["sec-fetch-dest"] === "document"

/**
 * Refuses requests from web pages of another origin. The simulator recognizes these requests by their headers:
 *
 * - `Origin` and `Sec-Fetch-Site`: a request to the simulator's address, for example with a form.
 * - `Host`: a request to another host name that resolves to 127.0.0.1 (DNS rebinding).
 * - `Sec-Purpose`: a prefetch. With speculation rules, Chromium 156 sends a prefetch without `Origin`, and with
 *   `Sec-Fetch-Site: none`.
 *
 * A request may lack both `Origin` and `Sec-Fetch-Site`, because only browsers send these headers.
 */
export const refusalOf = (guard: Guard, message: IncomingMessage): string | undefined => {
  const port = message.socket.localPort ?? 0
  const hosts = valuesOf(message, "host")
  const [host = ""] = hosts
  if (hosts.length !== 1 || !isHost(guard, port, host)) {
    return `The request needs one Host header, with 127.0.0.1:${port} or localhost:${port}. To allow another name, start the simulator with --allow-host <host>.`
  }
  const origins = valuesOf(message, "origin")
  if (origins.length > 1 || !origins.every((origin) => isOrigin(guard, port, host, origin))) {
    return "The simulator refuses requests from web pages of another origin. To allow an origin, start the simulator with --allow-origin <origin>."
  }
  if (message.headers["sec-purpose"] !== undefined) {
    return "The simulator refuses requests that prefetch a page. Open the page instead."
  }
  if (origins.length === 1) return undefined
  const sites = valuesOf(message, "sec-fetch-site")
  const own = sites.every((site) => site === "same-origin" || site === "none")
  return own || isVisit(guard, message)
    ? undefined
    : "The simulator refuses requests that a web page of another origin starts. To allow an origin, start the simulator with --allow-origin <origin>, and let the page send requests that have the header Origin."
}

export const isHostName = (value: string): boolean => /^(?:[a-z0-9.-]+|\[[0-9a-f:]+\])(?::\d{1,5})?$/i.test(value)

/** Whether a value is an origin as browsers send it: without a path or a slash at the end. */
export const isOriginName = (value: string): boolean => URL.canParse(value) && new URL(value).origin === value

/**
 * The answer to a broker's login form redirects to the program's callback. Chromium checks the redirect against
 * `form-action`. So for the kind `broker`, `form-action` allows every http and https address.
 *
 * With the referrer policy `no-referrer`, Chromium would send `Origin: null` with the form. The simulator would refuse
 * the form.
 */
export const securityHeaders = (kind: Guard["kind"]): ReadonlyArray<readonly [string, string]> => [
  [
    "content-security-policy",
    `default-src 'none'; base-uri 'none'; frame-ancestors 'none'; form-action ${kind === "control" ? "'none'" : "'self' http: https:"}`
  ],
  ["x-content-type-options", "nosniff"],
  ["referrer-policy", "same-origin"]
]
