/**
 * Reads the key from the keyring, and prints the result. Then this program must exit by itself, even if the keyring
 * never answers.
 */
import * as VaultKey from "@auth/broker-core/session/VaultKey"
import * as NodeVaultKey from "@auth/node/NodeVaultKey"
import * as Effect from "effect/Effect"

const [folder = "", timeout = "3 seconds"] = process.argv.slice(2)

const began = performance.now()
const answer = await VaultKey.VaultKey.pipe(
  Effect.as("a key"),
  Effect.provide(NodeVaultKey.layerKeyring({ folder, timeout: timeout as "3 seconds" })),
  Effect.catch((error) => Effect.succeed(error.reason._tag)),
  Effect.runPromise
)
console.log(JSON.stringify({ answer, millis: Math.round(performance.now() - began) }))
