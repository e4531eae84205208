/** Uses `@auth/node`: the vault on disk, the lock, the keyring, and a login in the browser. */
import * as AngelAuth from "@auth/angel/AngelAuth"
import * as Connection from "@auth/node/Connection"
import * as NodeVaultKey from "@auth/node/NodeVaultKey"
import * as RedirectListener from "@auth/node/RedirectListener"
import * as VaultKey from "@auth/broker-core/session/VaultKey"
import * as ZerodhaAuth from "@auth/zerodha/ZerodhaAuth"
import * as Effect from "effect/Effect"
import * as FetchHttpClient from "effect/http/FetchHttpClient"
import * as Layer from "effect/Layer"
import { ask } from "./logIn.ts"

/** The input of the program. Environment variables contain the credentials and the key of the vault. */
export interface Job {
  /** The addresses of the simulator, keyed by broker and then by the origin's purpose, such as `api`. */
  readonly origins: Readonly<Record<"angel" | "zerodha", Readonly<Record<string, string>>>>
  /** The folder of the vault. */
  readonly folder: string
  /** The address of the server that answers in place of the user. */
  readonly user: string
}

/** Opens a new connection, as after a restart. */
const tokenOf = async ({ folder, origins }: Job): Promise<string> => {
  const angel = await Connection.open(AngelAuth.layerConfig({ origins: origins.angel }), { folder })
  const { tokens } = await angel.session()
  await angel.close()
  return Connection.reveal(tokens.access)
}

const browse = (job: Job): Promise<unknown> => {
  const zerodha = ZerodhaAuth.layerConfig({ origins: job.origins.zerodha }).pipe(Layer.provide(FetchHttpClient.layer))
  const open = (url: string) =>
    Effect.promise(async () => {
      const answer = await fetch(await ask(job, "callback", url))
      return answer.ok
    })
  return RedirectListener.login({ timeout: "20 seconds" }).pipe(
    Effect.provide(zerodha),
    Effect.provideService(RedirectListener.Browser, { open }),
    Effect.runPromise
  )
}

/** On a machine without a keyring, expects the error KeyUnavailable. */
const useKeyring = ({ folder }: Job): Promise<string> =>
  Effect.provide(VaultKey.VaultKey, NodeVaultKey.layerKeyring({ folder, timeout: "5 seconds" })).pipe(
    Effect.map(({ _tag }) => _tag),
    Effect.catchTag("VaultError", ({ message, reason }) =>
      reason._tag === "KeyUnavailable" && !message.includes("crashed")
        ? Effect.succeed(reason._tag)
        : Effect.die(new Error(message))
    ),
    Effect.runPromise
  )

export const useNode = async (job: Job): Promise<void> => {
  const first = await tokenOf(job)
  if ((await tokenOf(job)) !== first) throw new Error("The second connection got another session.")
  await browse(job)
  await useKeyring(job)
}
