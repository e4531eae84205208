/** At login, some brokers return the address to which API calls must be sent. */
import * as Result from "effect/Result"

const isAllowedHost = (hostname: string, hosts: ReadonlyArray<string>): boolean =>
  hosts.some((host) => (host.startsWith(".") ? hostname.endsWith(host) : hostname === host))

export const allowedAddress = (told: string, hosts: ReadonlyArray<string>): string | undefined => {
  const url = Result.getOrUndefined(Result.try(() => new URL(told)))
  const isPlain = url?.protocol === "https:" && url.username === "" && url.password === "" && url.port === ""
  if (url === undefined || !isPlain || url.search !== "" || url.hash !== "") return undefined
  return isAllowedHost(url.hostname, hosts) ? `${url.origin}${url.pathname.replace(/\/+$/, "")}` : undefined
}
