import { spawn } from "node:child_process"
import * as fs from "node:fs"
import * as net from "node:net"
import * as path from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { runsRedis, startRedis } from "./server.ts"

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

describe.runIf(runsRedis)("a Redis for tests", () => {
  it("loses its data in a restart, and stops even if suspended", async () => {
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

  it('with { keeps: "everything" } keeps its data after a kill', async () => {
    const server = await startRedis({ keeps: "everything" })
    await ask(server.port, "SET a 1")
    await server.kill()
    assert.isFalse(isAlive(server.pid()))
    await server.restart()
    assert.strictEqual(await ask(server.port, "GET a"), "$1\r\n1\r\n")
    await server.stop()
  })

  it("fails to restart if another Redis took the port", async () => {
    const server = await startRedis()
    await server.kill()
    const other = spawn("redis-server", ["--port", String(server.port), "--save", ""], { cwd: server.folder })
    const ended = new Promise((resolve) => other.once("close", resolve))
    await new Promise((resolve) => {
      other.stdout.on("data", (data: Buffer) => data.toString().includes("Ready to accept") && resolve(undefined))
    })
    const failure = await server.restart().catch((error: unknown) => error)
    other.kill("SIGKILL")
    await ended
    await server.stop()
    assert.match(String(failure), /Another process took port \d+ while redis-server restarted/)
  })

  it("ends and leaves no folder if its parent process is killed", { tags: ["thorough"] }, async () => {
    const module = path.join(import.meta.dirname, "server.ts")
    const program = `import { startRedis } from ${JSON.stringify(module)}
      const server = await startRedis()
      server.freeze()
      console.log(JSON.stringify([server.pid(), server.folder]))`
    const args = ["--conditions=@auth/source", "--input-type=module", "-e", program]
    const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"] })
    const printed = await new Promise<string>((resolve, reject) => {
      child.once("error", reject)
      child.stdout.once("data", (data: Buffer) => resolve(data.toString()))
    })
    const [pid, folder] = JSON.parse(printed) as [number, string]
    assert.isTrue(isAlive(pid))
    child.kill("SIGKILL")
    for (let tries = 0; tries < 200 && (isAlive(pid) || fs.existsSync(folder)); tries += 1) {
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
    const survived = isAlive(pid)
    if (survived) process.kill(pid, "SIGKILL")
    assert.isFalse(survived)
    assert.isFalse(fs.existsSync(folder))
  })
})

describe("startRedis", () => {
  it("tells how to install a missing redis-server", async () => {
    const failure = await startRedis({ command: "redis-server-not-installed" }).catch((error: unknown) => error)
    assert.match(String(failure), /apt-get install redis-server/)
  })
})
