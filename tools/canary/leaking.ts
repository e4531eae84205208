/** Leaks a secret in the way that its first argument names. */
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
  "not at all": ended(Effect.logInfo("kept to itself", { folder: process.cwd() })),
  "on standard output": () => console.log(`PIN ${secret}`),
  "on standard error": () => console.error(`PIN ${secret}`),
  "in base64": () => console.log(btoa(secret)),
  "in an address": () => console.log("https://broker.example/?pin=%63anary%2d8305"),
  "in a file": () => fs.writeFileSync("app.log", secret),
  "in a file that is hidden at home": hide,
  "in a temporary file": () => fs.writeFileSync(path.join(os.tmpdir(), "core"), secret),
  "in the name of a file": () => fs.writeFileSync(`session-${secret}`, ""),
  "in what it succeeds with": ended(Effect.succeed({ deep: { pin: secret } })),
  "in what it fails with": ended(Effect.fail({ deep: { pin: secret } })),
  "in the message of a defect": ended(Effect.die(new Error(secret))),
  "in a log that is hardly ever on": ended(Effect.logTrace("sent", { pin: secret })),
  "in what it crashes with": () => main([Effect.fail({ pin: secret })])
}

const way = ways[process.argv[2] ?? ""]
if (way === undefined) throw new Error("no such way")
tell(secret)
await way()
