/**
 * Lets a program of `examples` use a simulator in place of the brokers: `node --import ./preload.ts`.
 *
 * - `EXAMPLES_ORIGINS`: the simulator's address for each origin of a broker, as JSON. Default: requests go to the
 *   brokers.
 * - `EXAMPLES_AHEAD`: the milliseconds by which the simulator's clock was advanced. Default: 0.
 *
 * Tools copy this file to folders outside the workspace, so it imports nothing.
 */
const origins = JSON.parse(process.env["EXAMPLES_ORIGINS"] || "{}") as Readonly<Record<string, string>>
const ahead = Number(process.env["EXAMPLES_AHEAD"] ?? 0)

const now = Date.now
Date.now = () => now() + ahead

/** Maps a broker's address to the simulator. Throws for an unknown origin, so that no request goes to a real broker. */
const served = (address: string): string => {
  const { origin, protocol } = new URL(address)
  const broker = origin === "null" ? address.split("/").slice(0, 3).join("/") : origin
  const found = origins[broker.replace(/^ws/, "http")]
  if (found === undefined)
    throw new TypeError(`The request to ${broker} was not sent, because this address is not simulated`)
  const target = protocol.startsWith("ws") ? found.replace(/^http/, "ws") : found
  return target + address.slice(broker.length)
}

const send = globalThis.fetch
const fetchServed: typeof fetch = async (input, init) => {
  const request = new Request(input, init)
  const answer = await send(new Request(served(request.url), request))
  return Object.defineProperty(answer, "url", { value: request.url })
}

class ServedSocket extends WebSocket {
  constructor(address: string | URL, options?: string | Array<string>) {
    super(served(String(address)), options)
  }
}

if (Object.keys(origins).length > 0) Object.assign(globalThis, { fetch: fetchServed, WebSocket: ServedSocket })
