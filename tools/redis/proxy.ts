/** A TCP proxy on loopback for tests. Like a network that loses packets, it can stop forwarding on open connections. */
import * as net from "node:net"

export interface Proxy {
  readonly port: number
  /**
   * Stops forwarding on each connection whose client has sent `text`. Returns the number of these connections, which
   * stay open.
   */
  readonly silence: (text: string) => number
  /** After this call, the proxy accepts new connections but forwards nothing on them. */
  readonly silenceNew: () => void
  /** Undoes `silenceNew`, and closes the connections on which nothing is forwarded. */
  readonly recover: () => void
  /** Number of connections that clients have open. */
  readonly open: () => number
  readonly stop: () => Promise<void>
}

interface Link {
  readonly sockets: ReadonlyArray<net.Socket>
  sent: string
  isSilent: boolean
}

export const startProxy = async (to: number): Promise<Proxy> => {
  const links = new Set<Link>()
  let silent = false
  const server = net.createServer((client) => {
    const target = net.connect(to, "127.0.0.1")
    const link: Link = { sockets: [client, target], sent: "", isSilent: silent }
    links.add(link)
    const forward = (from: net.Socket, into: net.Socket) => {
      from.on("data", (chunk: Buffer) => {
        if (from === client) link.sent += chunk.toString("latin1")
        if (!link.isSilent) into.write(chunk)
      })
      from.on("error", () => from.destroy())
      from.on("close", () => {
        if (from === client) links.delete(link)
        if (!link.isSilent || from === client) into.destroy()
      })
    }
    forward(client, target)
    forward(target, client)
  })
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
  const address = server.address()
  return {
    port: typeof address === "object" && address !== null ? address.port : 0,
    silence: (text) => {
      const found = [...links].filter(({ sent }) => sent.includes(text))
      for (const link of found) link.isSilent = true
      return found.length
    },
    silenceNew: () => void (silent = true),
    recover: () => {
      silent = false
      for (const { isSilent, sockets } of links) if (isSilent) for (const socket of sockets) socket.destroy()
    },
    open: () => links.size,
    stop: () => {
      for (const { sockets } of links) for (const socket of sockets) socket.destroy()
      return new Promise((resolve) => server.close(() => resolve()))
    }
  }
}
