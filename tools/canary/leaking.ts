/** Leaks a secret. The first argument is a key of `ways`, and selects the leak. With `no leak`, nothing leaks. */
import * as fs from "node:fs"
import * as os from "node:os"
import * as path from "node:path"
import * as Effect from "effect/Effect"
import { main, show, tell } from "./program.ts"

const secret = "canary-8305"

const ended = (life: Effect.Effect<unknown, unknown>) => () => main([show("life", life)])

const hide = () => {
  const folder = path.join(os.homedir(), ".config", "app")
  fs.mkdirSync(folder, { recursive: true })
  fs.writeFileSync(path.join(folder, ".session"), `pin=${secret}`)
}

const ways: Readonly<Record<string, () => unknown>> = {
  "no leak": ended(Effect.logInfo("no secret", { folder: process.cwd() })),
  "on standard output": () => console.log(`PIN ${secret}`),
  "on standard error": () => console.error(`PIN ${secret}`),
  "in base64": () => console.log(btoa(secret)),
  "in a URL": () => console.log("https://broker.example/?pin=%63anary%2d8305"),
  "in a file": () => fs.writeFileSync("app.log", secret),
  "in a hidden file in the home directory": hide,
  "in a temporary file": () => fs.writeFileSync(path.join(os.tmpdir(), "core"), secret),
  "in a file name": () => fs.writeFileSync(`session-${secret}`, ""),
  "in a result": ended(Effect.succeed({ deep: { pin: secret } })),
  "in a typed failure": ended(Effect.fail({ deep: { pin: secret } })),
  "in the message of a defect": ended(Effect.die(new Error(secret))),
  "in a trace log": ended(Effect.logTrace("sent", { pin: secret })),
  "in the error of a crash": () => main([Effect.fail({ pin: secret })])
}

const way = ways[process.argv[2] ?? ""]
if (way === undefined) throw new Error(`unknown way: ${process.argv[2]}`)
tell(secret)
await way()
