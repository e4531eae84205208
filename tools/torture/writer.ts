/**
 * Writes one session after another into a vault, until this process is killed. Prints the version number of each
 * session after the write. With the argument `before`, prints the number before the write.
 */
import * as SessionStore from "@auth/broker-core/session/SessionStore"
import * as VaultKey from "@auth/broker-core/session/VaultKey"
import * as NodeVault from "@auth/node/NodeVault"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as fs from "node:fs"
import { flushCompileCache } from "node:module"
import { account, valueOf } from "./rotating.ts"

const [acknowledge = "after"] = process.argv.slice(2)

const say = (line: string) => fs.writeSync(1, `${line}\n`)

const write = Effect.fnUntraced(function* (folder: string) {
  const context = yield* Layer.build(NodeVault.layerStore({ folder }).pipe(Layer.provide(VaultKey.layerConfig())))
  const store = Context.get(context, SessionStore.SessionStore)
  let version = (yield* store.get(account, "session"))?.version ?? 0
  while (true) {
    if (acknowledge === "before") say(String(version + 1))
    if (!(yield* store.put(account, "session", valueOf(version + 1), version)))
      throw new Error("Another program has written to the vault.")
    version += 1
    if (acknowledge === "after") say(String(version))
  }
}, Effect.scoped)

flushCompileCache()
say("ready")
process.stdin.once("data", (folder: Buffer) => void Effect.runPromise(write(folder.toString().trim())))
