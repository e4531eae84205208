import type { IncomingMessage } from "node:http"

/** The requests that a port accepts in addition to requests for its loopback names. */
export interface Guard {
  readonly kind: "control" | "broker"
  /** Paths of the login pages. A page of another site may navigate to them, as a web app does. */
  readonly loginPages: ReadonlyArray<string>
  readonly allowHosts: ReadonlyArray<string>
  readonly allowOrigins: ReadonlyArray<string>
}

const loopbackNames = ["127.0.0.1", "localhost", "[::1]"]

/** Returns the values of a header as they were sent. The `headers` of Node join or drop repeated values. */
const valuesOf = ({ rawHeaders }: IncomingMessage, name: string): ReadonlyArray<string> =>
  rawHeaders.filter((_, index) => index % 2 === 1 && rawHeaders[index - 1]?.toLowerCase() === name)

/** Returns the values of `Host` that are valid for the names. Clients omit port 80. */
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

/** Whether a browser navigates to a login page, by a link or a redirect. */
const isVisit = ({ loginPages }: Guard, { headers, method, url = "" }: IncomingMessage): boolean =>
  method === "GET" &&
  loginPages.includes(url.split("?", 1)[0] ?? "") &&
  headers["sec-fetch-mode"] === "navigate" &&
  headers["sec-fetch-dest"] === "document"

/**
 * Returns why a request is refused. Returns `undefined` if the request is accepted. A web page of another origin must
 * not reach the simulator. It could try this with the simulator's own address (for example, with a form), or with
 * another name that resolves to 127.0.0.1 (DNS rebinding). Clients that are not browsers send no Origin and no
 * Sec-Fetch-Site. A page can make Chromium 156 prefetch an address (speculation rules). The prefetch has no Origin and
 * has `Sec-Fetch-Site: none`, like an address that a person typed, so `Sec-Purpose` is checked.
 */
export const refusalOf = (guard: Guard, message: IncomingMessage): string | undefined => {
  const port = message.socket.localPort ?? 0
  const hosts = valuesOf(message, "host")
  if (hosts.length !== 1 || !isHost(guard, port, hosts[0] ?? "")) {
    return `The request needs one Host header, with 127.0.0.1:${port} or localhost:${port}. To allow another name, start the simulator with --allow-host <host>.`
  }
  const origins = valuesOf(message, "origin")
  if (origins.length > 1 || !origins.every((origin) => isOrigin(guard, port, origin))) {
    return "The simulator refuses requests from web pages of another origin. To allow an origin, start it with --allow-origin <origin>."
  }
  if (message.headers["sec-purpose"] !== undefined) {
    return "The simulator refuses prefetched requests: open the page itself."
  }
  if (origins.length === 1) return undefined
  const sites = valuesOf(message, "sec-fetch-site")
  const own = sites.every((site) => site === "same-origin" || site === "none")
  return own || isVisit(guard, message)
    ? undefined
    : "The simulator refuses requests that a web page of another origin starts. To allow an origin, start it with --allow-origin <origin>, and let the page send its Origin."
}

/** Whether a value is a host name, with or without a port. */
export const isHostName = (value: string): boolean => /^(?:[a-z0-9.-]+|\[[0-9a-f:]+\])(?::\d{1,5})?$/i.test(value)

/** Whether a value is an origin as browsers send it: without a path or a slash at the end. */
export const isOriginName = (value: string): boolean => URL.canParse(value) && new URL(value).origin === value

/**
 * Chromium also applies form-action to the redirect after a form, which goes to the program's callback. With
 * `no-referrer`, Chromium sends `Origin: null` for the page's own form.
 */
export const securityHeaders = (kind: Guard["kind"]): ReadonlyArray<readonly [string, string]> => [
  [
    "content-security-policy",
    `default-src 'none'; base-uri 'none'; frame-ancestors 'none'; form-action ${kind === "control" ? "'none'" : "'self' http: https:"}`
  ],
  ["x-content-type-options", "nosniff"],
  ["referrer-policy", "same-origin"]
]
