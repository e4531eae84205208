/**
 * The second program of `npm start`. It runs in a separate process, and shares only the vault, the key and the
 * credentials with the first program. It requests a session of each account. If the vault has no session of an account,
 * the session manager tries to log in.
 */
import type { AuthError } from "@auth/broker-core/login/AuthError"
import type { Logout } from "@auth/broker-core/login/Logout"
import { Profile } from "@auth/broker-core/login/Profile"
import type { Renewal } from "@auth/broker-core/broker/Renewal"
import * as SessionManager from "@auth/broker-core/session/SessionManager"
import * as VaultKey from "@auth/broker-core/session/VaultKey"
import * as NodeVault from "@auth/node/NodeVault"
import * as SimulatorClock from "@auth/simulator/SimulatorClock"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as FetchHttpClient from "effect/http/FetchHttpClient"
import type * as HttpClient from "effect/http/HttpClient"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import { type AccountId, accountIds, accounts, type Origins } from "./accounts.ts"
import { complaint } from "./stage.ts"

export interface Setting {
  /** The simulator's control port, for its clock. */
  readonly control: string
  /** The folder of the vault. */
  readonly folder: string
  readonly origins: Readonly<Record<string, Origins>>
}

/** The user's name from the broker's profile. It is absent if the broker has no profile call. */
export interface Found {
  readonly name?: string
}

const { control, folder, origins } = JSON.parse(process.argv[2] ?? "{}") as Setting

const Vault = NodeVault.layer({ folder }).pipe(Layer.provide(VaultKey.layerConfig()))

const program = Effect.gen(function* () {
  const session = yield* SessionManager.session
  const asked = yield* Effect.serviceOption(Profile)
  if (Option.isNone(asked)) return {}
  const { name = session.account.id } = yield* asked.value.profile(session)
  return { name }
})

const find = (
  id: AccountId
): Effect.Effect<readonly [AccountId, Found], SessionManager.Failure, HttpClient.HttpClient> => {
  const Account: Layer.Layer<Renewal | Logout, AuthError, HttpClient.HttpClient> = accounts[id].layer(origins[id] ?? {})
  const Sessions = SessionManager.layer().pipe(Layer.provideMerge(Account), Layer.provide(Vault))
  return Effect.map(Effect.provide(program, Sessions), (found) => [id, found])
}

const all = Effect.gen(function* () {
  const { clock } = yield* SimulatorClock.connect(control)
  return yield* Effect.provideService(
    Effect.all(accountIds.map(find), { concurrency: "unbounded" }),
    Clock.Clock,
    clock
  )
}).pipe(Effect.provide(FetchHttpClient.layer))

const exit = await Effect.runPromiseExit(all)
if (Exit.isSuccess(exit)) process.stdout.write(JSON.stringify(Object.fromEntries(exit.value)))
else {
  process.stderr.write(complaint(exit.cause))
  process.exitCode = 1
}
