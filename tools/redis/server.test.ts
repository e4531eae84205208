import * as net from "node:net"
import { assert, describe, it } from "@effect/vitest"
import { startRedis } from "./server.ts"

const ask = (port: number, command: string): Promise<string> =>
  new Promise((resolve, reject) => {
    const socket = net.connect(port, "127.0.0.1", () => socket.write(`${command}\r\n`))
    socket.once("data", (data: Buffer) => {
      socket.destroy()
      resolve(data.toString())
    })
    socket.once("error", reject)
  })

const isAlive = (pid: number): boolean => {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}

describe("a Redis for tests", () => {
  it("answers, forgets all when it is restarted, and is gone when it is stopped", async () => {
    const server = await startRedis()
    const first = server.pid()
    assert.strictEqual(await ask(server.port, "SET a 1"), "+OK\r\n")
    await server.restart()
    assert.isFalse(isAlive(first))
    assert.strictEqual(await ask(server.port, "GET a"), "$-1\r\n")
    server.freeze()
    await server.stop()
    assert.isFalse(isAlive(server.pid()))
  })

  it("has what was written when it is killed and restarted, if it keeps everything", async () => {
    const server = await startRedis({ keeps: "everything" })
    await ask(server.port, "SET a 1")
    await server.kill()
    assert.isFalse(isAlive(server.pid()))
    await server.restart()
    assert.strictEqual(await ask(server.port, "GET a"), "$1\r\n1\r\n")
    await server.stop()
  })

  it("says what to install where it is missing", async () => {
    const failure = await startRedis({ command: "redis-server-that-nobody-has" }).catch((error: unknown) => error)
    assert.match(String(failure), /apt-get install redis-server/)
  })
})
