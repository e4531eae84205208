/** Prints the id of the key from the keyring, or the error. */
import * as VaultKey from "@auth/broker-core/session/VaultKey"
import { layerKeyring } from "@auth/node/NodeVaultKey"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Hex from "effect/encoding/Hex"
import { getOrCreate } from "../../src/internal/keyringKey.ts"

const [folder = "", module] = process.argv.slice(2)

const entry = { service: "broker-auth", account: "vault", timeout: Duration.seconds(10) }

const key =
  module === undefined
    ? Effect.provide(VaultKey.VaultKey, layerKeyring({ folder }))
    : getOrCreate({ ...entry, module }, folder)

const said = key.pipe(
  Effect.map((found) => (found._tag === "Key" ? `key ${Hex.encode(found.id)}` : found._tag)),
  Effect.catch((error) => Effect.succeed(JSON.stringify(error)))
)
// singleExecutable.test.ts builds this file as a single executable, which does not support top-level await.
void Effect.runPromise(said).then((text) => process.stdout.write(`${text}\n`))
