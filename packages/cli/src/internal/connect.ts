import { SessionLock } from "@auth/broker-core/session/SessionLock"
import { SessionStore } from "@auth/broker-core/session/SessionStore"
import type { CodeQuestion } from "@auth/broker-core/session/Connection"
import type { Method } from "@auth/broker-core/broker/Broker"
import { VaultKey } from "@auth/broker-core/session/VaultKey"
import * as Connection from "@auth/node/Connection"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import type * as Scope from "effect/Scope"
import type { Entry } from "./accounts.ts"
import * as brokers from "./brokers.ts"
import { type Failure, fail, forPerson, promised } from "./failure.ts"
import type { Home } from "./home.ts"
import * as references from "./references.ts"
import * as simulator from "./simulator.ts"

type Values = Readonly<Record<string, Redacted.Redacted<string>>>

/** The configuration contains only `values`, not the environment variables of this process. */
export const providerOf = (values: Values): ConfigProvider.ConfigProvider =>
  ConfigProvider.fromUnknown(
    Object.fromEntries(Object.entries(values).map(([name, value]) => [name, Redacted.value(value)]))
  )

export const layerOf = Effect.fnUntraced(function* (
  { broker, layerModule }: brokers.Loaded,
  method: Method,
  given: { readonly values: Values; readonly origins: simulator.Origins | undefined }
): Effect.fn.Return<brokers.MethodLayer, Failure> {
  const { layerConfig } = yield* layerModule(method)
  const values = yield* references.resolveAll(given.values)
  const { env } = method.credentials["environment"] ?? {}
  const chosen = env === undefined ? undefined : values[env]
  const environment = chosen === undefined ? undefined : Redacted.value(chosen).trim()
  const options =
    given.origins === undefined ? {} : { origins: yield* simulator.originsOf(broker, environment, given.origins) }
  return Layer.provide(
    layerConfig({ ...options, ...brokers.layerOptions(broker, method) }),
    ConfigProvider.layer(providerOf(values))
  )
})

export interface Opened {
  readonly entry: Entry
  readonly loaded: brokers.Loaded
  readonly method: Method
  readonly connection: Connection.Connection<brokers.Services>
}

export interface Options {
  readonly codes?: ((question: CodeQuestion) => Promise<string>) | undefined
  readonly pollInterval?: Connection.Options["pollInterval"]
}

export const methodOf = ({ broker, methods }: brokers.Loaded, entry: Entry) => {
  const method = methods.find(({ id }) => id === entry.method)
  return method === undefined
    ? fail("account", `${broker.title} has no method ${entry.method} in the installed package. Add the account again.`)
    : Effect.succeed(method)
}

/** A login with a second step asks the user for a one-time code, unless the account has a TOTP secret. */
export const asksCode = (method: Method, { values }: Entry): boolean =>
  method.capabilities.includes("StepUp") &&
  !Object.values(method.credentials).some(({ codes, env }) => codes === true && values[env] !== undefined)

export const needsPerson = (method: Method, entry: Entry): boolean =>
  method.capabilities.includes("RedirectLogin") || method.capabilities.includes("QrLogin") || asksCode(method, entry)

/** Sends no request to the broker. */
export const open = Effect.fnUntraced(function* (
  home: Home,
  entry: Entry,
  { codes, pollInterval }: Options = {}
): Effect.fn.Return<Opened, Failure, Scope.Scope> {
  const loaded = yield* brokers.loadBroker(entry.broker, entry.folder)
  const method = yield* methodOf(loaded, entry)
  const layer = yield* layerOf(loaded, method, { values: entry.values, origins: home.origins })
  const { services } = home
  const options = {
    vault: Layer.succeedContext(
      Context.make(SessionStore, home.store).pipe(Context.add(SessionLock, Context.get(services, SessionLock)))
    ),
    key: Layer.succeed(VaultKey, Context.get(services, VaultKey)),
    codes: codes !== undefined && asksCode(method, entry) ? codes : undefined,
    pollInterval
  }
  const connection = yield* Effect.acquireRelease(
    promised(() => Connection.open<brokers.Services, never>(layer as never, options)),
    ({ close }) => Effect.promise(close)
  )
  return { entry, loaded, method, connection }
})

/** If only a person can log in, the failure names the command that logs in. */
export const needsLogin = <A>({ entry }: Opened, call: () => Promise<A>): Effect.Effect<A, Failure> =>
  Effect.mapError(promised(call), (failure) => forPerson(failure, entry.name))

export const session = (opened: Opened) => needsLogin(opened, () => opened.connection.session())
