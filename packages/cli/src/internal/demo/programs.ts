/** The programs of the demo, one for each broker of the simulator. A new broker needs no code here. */
import type { Broker, Method } from "@auth/broker-core/broker/Broker"
import * as AuthorizedClient from "@auth/broker-core/session/AuthorizedClient"
import type { SessionLock } from "@auth/broker-core/session/SessionLock"
import * as SessionManager from "@auth/broker-core/session/SessionManager"
import type { SessionStore } from "@auth/broker-core/session/SessionStore"
import type { VaultError } from "@auth/broker-core/session/VaultError"
import type { FakeAccount } from "@auth/broker-core/testing/FakeBroker"
import type { FakeDescriptor, Place, WireName } from "@auth/broker-core/testing/FakeDescriptor"
import * as Simulator from "@auth/simulator/Simulator"
import * as Effect from "effect/Effect"
import type * as HttpClient from "effect/http/HttpClient"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import { createRequire } from "node:module"
import * as path from "node:path"
import { pathToFileURL } from "node:url"
import * as brokers from "../brokers.ts"
import * as connect from "../connect.ts"
import type { CommandFailed, Failure } from "../failure.ts"
import { registry, simulatorPackage } from "../registry.ts"
import { originsOf } from "../simulator.ts"

type Vault = Layer.Layer<SessionStore | SessionLock, VaultError>

export interface Program {
  readonly id: Simulator.BrokerId
  readonly broker: Broker
  readonly method: Method
  readonly account: FakeAccount
  /** The demo's login with a code by SMS uses this account. */
  readonly first: FakeAccount
  readonly origins: Readonly<Record<string, string>>
  /** The fields of the login page, with their values. */
  readonly form: (account: FakeAccount, code: string) => Readonly<Record<string, string>>
  /** The services of the login method for an account. They store nothing. */
  readonly layer: (account: FakeAccount) => Layer.Layer<brokers.Services, Failure, HttpClient.HttpClient>
  /** The services are built anew each time they are provided, so only the vault keeps their state. */
  readonly running: Layer.Layer<
    brokers.Services | SessionManager.SessionManager | AuthorizedClient.AuthorizedClient,
    Failure,
    HttpClient.HttpClient
  >
}

const hasAuthenticator = ({ totp }: FakeAccount): boolean => totp !== "disabled"

const valuesOf = (broker: Broker, { credentials }: Method, account: FakeAccount) => {
  const valueOf = (field: string, isSourceOfCodes: boolean): string | undefined => {
    if (isSourceOfCodes) return hasAuthenticator(account) ? account["totpSecret"] : undefined
    return field === "environment" ? Object.keys(broker.environments)[0] : account[field]
  }
  const rows = Object.entries(credentials).flatMap(([field, { codes = false, env, optional = false }]) => {
    const value = optional && !codes ? undefined : valueOf(field, codes)
    return value === undefined ? [] : [[env, Redacted.make(value)] as const]
  })
  return Object.fromEntries(rows)
}

interface FakeModule {
  readonly descriptor: FakeDescriptor
}

const formPlaces = (wire: WireName): ReadonlyArray<Place> =>
  typeof wire === "string" ? [] : wire.filter(({ where }) => where === "form")

/** The login page is the page whose form has an input for `accountField`. */
const formOf =
  ({ accountField, fields }: FakeDescriptor): Program["form"] =>
  (account, code) => {
    const page = formPlaces(fields[accountField]?.[1] ?? [])[0]?.of
    const rows = Object.entries(fields).flatMap(([field, [, wire]]) =>
      formPlaces(wire)
        .filter(({ of }) => of === page)
        .map(({ as, name }) => [name, as === "code" ? code : (account[field] ?? "")] as const)
    )
    return Object.fromEntries(rows)
  }

const make = Effect.fnUntraced(function* (
  id: Simulator.BrokerId,
  loaded: brokers.Loaded,
  descriptor: FakeDescriptor,
  { info, vault }: Given
): Effect.fn.Return<ReadonlyArray<Program>, CommandFailed> {
  const { broker, methods } = loaded
  const { accounts = [] } = info.brokers[id] ?? {}
  const [method] = methods
  const [first] = accounts
  if (method === undefined || first === undefined) return []
  const account = accounts.find(hasAuthenticator) ?? first
  const layer: Program["layer"] = (other) =>
    Layer.unwrap(connect.layerOf(loaded, method, { values: valuesOf(broker, method, other), origins: info.origins }))
  const running = AuthorizedClient.layer.pipe(
    Layer.provideMerge(SessionManager.layer()),
    Layer.provideMerge(layer(account)),
    Layer.provide(vault)
  )
  const origins = yield* originsOf(broker, undefined, info.origins)
  return [{ id, broker, method, account, first, form: formOf(descriptor), origins, layer, running }]
})

export interface Given {
  readonly info: Pick<Simulator.Info, "origins" | "brokers">
  readonly vault: Vault
}

/** Loads the copies of the brokers' packages that the simulator uses. */
export const open = Effect.fnUntraced(function* (
  given: Given
): Effect.fn.Return<ReadonlyArray<Program>, CommandFailed> {
  const require = createRequire(yield* brokers.fileOf(simulatorPackage, "Simulator"))
  const programs = yield* Effect.forEach(Simulator.brokerIds, (id) => {
    const found = registry[id]
    if (found === undefined) return Effect.succeed([])
    const folder = path.dirname(require.resolve(`${found.package}/package.json`))
    const fake = pathToFileURL(require.resolve(`${found.package}/Fake${found.name}Descriptor`)).href
    return Effect.gen(function* () {
      const { descriptor } = yield* Effect.promise(() => import(fake) as Promise<FakeModule>)
      return yield* make(id, yield* brokers.loadBroker(id, folder), descriptor, given)
    })
  })
  return programs.flat()
})
