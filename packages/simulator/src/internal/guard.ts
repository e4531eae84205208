import type { IncomingMessage } from "node:http"

/** What a port lets in besides its own loopback names. */
export interface Guard {
  readonly kind: "control" | "broker"
  /** Paths of the login pages: a page of another site may send a person to them, as a web app does. */
  readonly loginPages: ReadonlyArray<string>
  readonly allowHosts: ReadonlyArray<string>
  readonly allowOrigins: ReadonlyArray<string>
}

const loopbackNames = ["127.0.0.1", "localhost", "[::1]"]

/** The values as sent. Node joins or drops repeated headers elsewhere. */
const valuesOf = ({ rawHeaders }: IncomingMessage, name: string): ReadonlyArray<string> =>
  rawHeaders.filter((_, index) => index % 2 === 1 && rawHeaders[index - 1]?.toLowerCase() === name)

/** A port of 80 is left out by clients. */
const authorities = (names: ReadonlyArray<string>, port: number): ReadonlyArray<string> =>
  names.flatMap((name) => (port === 80 ? [name, `${name}:80`] : [`${name}:${port}`]))

const isHost = (guard: Guard, port: number, host: string): boolean => {
  const given = host.trim().toLowerCase()
  const allowed = guard.allowHosts.map((name) => name.toLowerCase())
  return allowed.includes(given) || authorities([...loopbackNames, ...allowed], port).includes(given)
}

const isOrigin = (guard: Guard, port: number, origin: string): boolean =>
  guard.allowOrigins.includes(origin) ||
  authorities(loopbackNames, port).some((authority) => origin === `http://${authority}`)

/** A browser that shows a login page to a person, after a link or a redirect. */
const isVisit = ({ loginPages }: Guard, { headers, method, url = "" }: IncomingMessage): boolean =>
  method === "GET" &&
  loginPages.includes(url.split("?", 1)[0] ?? "") &&
  headers["sec-fetch-mode"] === "navigate" &&
  headers["sec-fetch-dest"] === "document"

/**
 * Says why a request is refused, or undefined. A page of a browser must not reach the simulator: neither by its own
 * origin (a form post), nor by a foreign name that resolves to 127.0.0.1 (DNS rebinding). Clients other than browsers
 * send neither Origin nor Sec-Fetch-Site. When a page asks Chromium 156 to fetch an address in advance (speculation
 * rules), the request has no Origin and `Sec-Fetch-Site: none`, as if a person had typed the address.
 */
export const refusalOf = (guard: Guard, message: IncomingMessage): string | undefined => {
  const port = message.socket.localPort ?? 0
  const hosts = valuesOf(message, "host")
  if (hosts.length !== 1 || !isHost(guard, port, hosts[0] ?? "")) {
    return `The simulator answers one Host header with 127.0.0.1:${port} or localhost:${port}; start it with --allow-host <host> to allow another name.`
  }
  const origins = valuesOf(message, "origin")
  if (origins.length > 1 || !origins.every((origin) => isOrigin(guard, port, origin))) {
    return "The simulator refuses requests of web pages of another origin; start it with --allow-origin <origin> to allow one."
  }
  if (message.headers["sec-purpose"] !== undefined) {
    return "The simulator refuses requests that a browser sends in advance: open the page itself."
  }
  if (origins.length === 1) return undefined
  const sites = valuesOf(message, "sec-fetch-site")
  const own = sites.every((site) => site === "same-origin" || site === "none")
  return own || isVisit(guard, message)
    ? undefined
    : "The simulator refuses requests that a web page of another origin starts; start it with --allow-origin <origin> to allow one, and let the page send its Origin."
}

/** An allowed Host is a name, with or without a port. */
export const isHostName = (value: string): boolean => /^(?:[a-z0-9.-]+|\[[0-9a-f:]+\])(?::\d{1,5})?$/i.test(value)

/** An allowed Origin is as a browser sends it: no path, no slash at the end. */
export const isOriginName = (value: string): boolean => URL.canParse(value) && new URL(value).origin === value

/**
 * Chromium applies form-action to the redirect after a form, too, and that goes to the program's callback. Under
 * `no-referrer` it sends `Origin: null` for the page's own form.
 */
export const securityHeaders = (kind: Guard["kind"]): ReadonlyArray<readonly [string, string]> => [
  [
    "content-security-policy",
    `default-src 'none'; base-uri 'none'; frame-ancestors 'none'; form-action ${kind === "control" ? "'none'" : "'self' http: https:"}`
  ],
  ["x-content-type-options", "nosniff"],
  ["referrer-policy", "same-origin"]
]
