/**
 * Runs the web app of `webLogin.ts` for a Samco account. The configuration is in SAMCO_USER_ID, SAMCO_API_KEY,
 * SAMCO_REDIRECT_URL and BROKER_AUTH_KEY. SAMCO_REDIRECT_URL is the redirect URL that is registered for the account's
 * app at Samco, such as `http://127.0.0.1:3000/callback`.
 */
import * as SessionManager from "@auth/broker-core/session/SessionManager"
import * as NodeVault from "@auth/node/NodeVault"
import * as NodeVaultKey from "@auth/node/NodeVaultKey"
import * as SamcoOAuth from "@auth/samco/SamcoOAuth"
import * as Config from "effect/Config"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as FetchHttpClient from "effect/http/FetchHttpClient"
import * as Layer from "effect/Layer"
import { serve } from "./webLogin.ts"

const Broker = SessionManager.layer().pipe(
  Layer.provideMerge(SamcoOAuth.layerConfig()),
  Layer.provide(NodeVault.layer()),
  Layer.provideMerge(NodeVaultKey.layerConfig()),
  Layer.provide(FetchHttpClient.layer)
)

const program = Effect.gen(function* () {
  const redirectUrl = yield* Config.String("SAMCO_REDIRECT_URL")
  const port = yield* serve({ redirectUrl, port: Number(new URL(redirectUrl).port || 3000) })
  yield* Console.log(`Open http://127.0.0.1:${port}/login`)
  return yield* Effect.never
})

Effect.runPromise(Effect.scoped(Effect.provide(program, Broker))).catch((error: Error) => {
  // Prints only the message, which says what to do. The stack would not help a person.
  process.stderr.write(`${error.message}\n`)
  process.exitCode = 1
})
