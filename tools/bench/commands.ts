/** The programs of the benchmark `cli-start`: `broker-auth`, bundled and unbundled, and an empty program. */
import { spawn } from "node:child_process"
import * as fs from "node:fs/promises"
import * as path from "node:path"
import { bundle, commandFolder } from "../packages/bundle.ts"
import { compile } from "./programs.ts"

export const files = {
  empty: "empty.mjs",
  bundled: `${commandFolder}/broker-auth.js`,
  unbundled: "node_modules/@auth/cli/dist/bin.js"
}

const preload = "cpu.cjs"

/** Node loads this code before each program. The code writes the CPU time in microseconds to file descriptor 3. */
const cpuTime = `
process.on("exit", () => {
  const { system, user } = process.cpuUsage()
  require("node:fs").writeSync(3, String(system + user))
})
`

export interface Job {
  readonly seconds: number
  readonly cpuMicros: number
}

export const start = (
  folder: string,
  [file, ...args]: readonly [string, ...ReadonlyArray<string>],
  options: { readonly nodeArgs?: ReadonlyArray<string>; readonly cached?: boolean; readonly input?: string } = {}
): Promise<Job> =>
  new Promise((resolve, reject) => {
    const state = path.join(folder, "state")
    const nodeArgs = ["--require", path.join(folder, preload), ...(options.nodeArgs ?? [])]
    let cpu = ""
    let errors = ""
    let seconds = 0
    const began = performance.now()
    const child = spawn(process.execPath, [...nodeArgs, path.join(folder, file), ...args], {
      cwd: folder,
      env: {
        HOME: state,
        XDG_STATE_HOME: state,
        BROKER_AUTH_KEY: "00112233".repeat(8),
        ...(options.cached && { NODE_COMPILE_CACHE: path.join(folder, "cache") })
      },
      stdio: ["pipe", "ignore", "pipe", "pipe"]
    })
    child.stdin?.on("error", () => undefined)
    child.stdin?.end(options.input ?? "")
    child.stdio[3]?.on("data", (chunk) => (cpu += String(chunk)))
    child.stderr?.on("data", (chunk) => (errors += String(chunk)))
    child.once("error", reject)
    child.once("exit", () => (seconds = (performance.now() - began) / 1000))
    child.once("close", (exit, signal) => {
      if (exit === 0 && cpu !== "") resolve({ seconds, cpuMicros: Number(cpu) })
      else reject(new Error(`${file} ${args.join(" ")} ended with ${exit ?? signal}\n${errors}`))
    })
  })

const credentials = `ANGEL_CLIENT_CODE=A123456
ANGEL_PIN=4711
ANGEL_API_KEY=demoTrd1
ANGEL_TOTP_SECRET=JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP
`

/** Also adds an account with the bundled command. Sends nothing to a broker. */
export const writeCommands = async (root: string, folder: string): Promise<void> => {
  await compile(root, ["cli", "angel"])
  await fs.symlink(path.join(root, "node_modules"), path.join(folder, "node_modules"), "junction")
  await fs.copyFile(path.join(root, "packages/cli/package.json"), path.join(folder, "package.json"))
  await fs.writeFile(path.join(folder, files.empty), "")
  await fs.writeFile(path.join(folder, preload), cpuTime)
  await bundle(root, folder)
  await start(folder, [files.bundled, "add", "angel", "--method", "totp"], { input: credentials })
}
