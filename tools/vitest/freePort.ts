import * as net from "node:net"

const isFree = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const server = net.createServer()
    server.once("error", () => resolve(false))
    server.listen({ port, host: "127.0.0.1", exclusive: true }, () => server.close(() => resolve(true)))
  })

/**
 * Returns a free port on 127.0.0.1 between 10,000 and 32,767. The operating system gives outgoing connections higher
 * ports, so no connection from another test takes the port before the caller listens on it.
 */
export const freePort = async (): Promise<number> => {
  const port = 10_000 + Math.floor(Math.random() * 22_768)
  return (await isFree(port)) ? port : freePort()
}
