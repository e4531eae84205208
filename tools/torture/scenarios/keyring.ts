/** The keyring never answers. After a time-out, a program must get an error, and must then exit by itself. */
import { spawn } from "node:child_process"
import * as net from "node:net"
import * as path from "node:path"
import { fileURLToPath } from "node:url"
import { adopt } from "../../interop/peer.ts"
import { NotHere, type Scenario, type Torture, wait } from "../harness.ts"

const script = path.join(path.dirname(fileURLToPath(import.meta.url)), "../keyring.ts")

/** `timeout` and `tolerance` are in milliseconds. `tolerance` is a margin for a busy machine. */
const timeout = 3000
const tolerance = 1500

const startSilentBus = async (torture: Torture) => {
  const address = path.join(torture.folder(), "bus")
  const sockets = new Set<net.Socket>()
  let bytes = 0
  const server = net.createServer((socket) => {
    sockets.add(socket)
    socket.on("data", (chunk) => (bytes += chunk.length))
    socket.on("error", () => undefined)
  })
  await new Promise<void>((resolve) => server.listen(address, resolve))
  torture.defer(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  return { address, received: () => bytes }
}

interface Said {
  /** "a key", or the tag of the error. */
  readonly answer: string
  /** Duration of the attempt to read the key from the keyring. */
  readonly millis: number
}

/** `leftAfter` is the time from the program's output to its exit, in milliseconds. */
const runProgram = async (torture: Torture, address: string) => {
  const patience = torture.broken ? "1 minute" : `${timeout} millis`
  const child = spawn(process.execPath, ["--conditions=@auth/source", script, torture.folder(), patience], {
    env: { ...process.env, ...torture.env, DBUS_SESSION_BUS_ADDRESS: `unix:path=${address}` },
    stdio: ["ignore", "pipe", "inherit"]
  })
  adopt(child)
  let said: Said | undefined
  let saidAt = 0
  child.stdout.on("data", (chunk: Buffer) => {
    said = JSON.parse(chunk.toString()) as Said
    saidAt = performance.now()
  })
  const gone = new Promise<number>((resolve) => child.once("close", () => resolve(performance.now())))
  const goneAt = await Promise.race([gone, wait(timeout + 8000).then(() => undefined)])
  if (goneAt === undefined) child.kill("SIGKILL")
  await gone
  return { said, leftAfter: goneAt === undefined ? Infinity : goneAt - saidAt }
}

export const scenario: Scenario = {
  summary: "the keyring accepts a request and never answers",
  breaks: "the time-out of the keyring is one minute",
  seconds: { quick: 30, full: 30 },
  run: (torture) =>
    torture.attempt("a D-Bus server that accepts a request and never answers", async (tally) => {
      if (process.platform !== "linux")
        throw new NotHere("this case needs Linux, where the keyring is read through a socket")
      const bus = await startSilentBus(torture)
      const { leftAfter, said } = await runProgram(torture, bus.address)
      tally.atLeast("bytes that the keyring received", bus.received(), 1)
      tally.equal("programs that got KeyUnavailable", said?.answer === "KeyUnavailable" ? 1 : 0, 1)
      tally.atLeast("milliseconds until the read failed", said?.millis ?? 0, timeout - 100)
      await tally.within("time until the read failed", said?.millis ?? Infinity, timeout + tolerance)
      await tally.within("time from the output of the program to its exit", leftAfter, tolerance)
    })
}
