import * as BlockedPort from "@auth/broker-core/login/BlockedPort"
import * as fs from "node:fs"
import * as net from "node:net"

const open = (server: net.Server, port: number): Promise<number> =>
  new Promise((resolve, reject) => {
    server.once("error", reject)
    server.listen({ port, host: "127.0.0.1", exclusive: true }, () => {
      server.off("error", reject)
      resolve((server.address() as net.AddressInfo).port)
    })
  })

const close = (server: net.Server) => new Promise((resolve) => server.close(resolve))

/** Listens on a free port of 127.0.0.1 that browsers and `fetch` accept, and returns the port. */
export const listen = async (server: net.Server, triesLeft = 20): Promise<number> => {
  const port = await open(server, 0)
  if (!BlockedPort.isBlocked(port)) return port
  if (triesLeft === 0) throw new Error("The system selects only ports that browsers refuse.")
  await close(server)
  return listen(server, triesLeft - 1)
}

/** Connects to the port. If this function listened instead, the port could stay in use for a few milliseconds. */
export const isFree = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = net.connect({ port, host: "127.0.0.1" })
    socket.once("connect", () => {
      socket.destroy()
      resolve(false)
    })
    socket.once("error", () => resolve(true))
  })

/** Returns the lowest port that the system gives to outgoing connections. */
const firstOutgoing = (): number => {
  try {
    return Number.parseInt(fs.readFileSync("/proc/sys/net/ipv4/ip_local_port_range", "utf8"), 10)
  } catch {
    return 49_152
  }
}

const lowest = 10_000
const end = firstOutgoing() - lowest < 1000 ? 32_768 : Math.min(firstOutgoing(), 32_768)

/**
 * Returns a free port on 127.0.0.1 that browsers and `fetch` accept. Outgoing connections usually get higher ports, so
 * they rarely take the port before the caller listens on it.
 */
export const freePort = async (): Promise<number> => {
  const port = lowest + Math.floor(Math.random() * (end - lowest))
  if (BlockedPort.isBlocked(port)) return freePort()
  return (await isFree(port)) ? port : freePort()
}
