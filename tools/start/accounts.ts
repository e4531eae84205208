/**
 * The accounts of `npm start`: one account at each broker. The first program (`main.ts`) and the second program
 * (`again.ts`) use the same accounts.
 */
import * as AngelAuth from "@auth/angel/AngelAuth"
import { broker as angel } from "@auth/angel/AngelBroker"
import type { Broker } from "@auth/broker-core/broker/Broker"
import * as MotilalAuth from "@auth/motilal/MotilalAuth"
import { broker as motilal } from "@auth/motilal/MotilalBroker"
import * as RmoneyAuth from "@auth/rmoney/RmoneyAuth"
import { broker as rmoney } from "@auth/rmoney/RmoneyBroker"
import * as RupeezyAuth from "@auth/rupeezy/RupeezyAuth"
import { broker as rupeezy } from "@auth/rupeezy/RupeezyBroker"
import * as SamcoAuth from "@auth/samco/SamcoAuth"
import { broker as samco } from "@auth/samco/SamcoBroker"
import type { Info } from "@auth/simulator/Simulator"
import * as ZerodhaAuth from "@auth/zerodha/ZerodhaAuth"
import { broker as zerodha } from "@auth/zerodha/ZerodhaBroker"

/** Origins of an environment. Each key says what the host is for, such as `api` or `login`. */
export type Origins = Readonly<Record<string, string>>

/** Selects an account, and the credentials that its environment variables contain. */
export interface Chosen {
  /** Id of the login method in the broker's descriptor. Default: the first method. */
  readonly method?: string
  /** Index of the account in the simulator. Default: 0. */
  readonly account?: number
  /** Names of credentials to leave out. */
  readonly without?: ReadonlyArray<string>
  /** Wrong values for credentials, by name. */
  readonly instead?: Readonly<Record<string, string>>
}

interface Kept {
  readonly broker: Broker
  readonly environment: string
  readonly chosen: Chosen
}

/** The accounts by broker. The layers read the credentials from environment variables, as a user's program does. */
export const accounts = {
  angel: {
    broker: angel,
    environment: "production",
    chosen: {},
    layer: (origins: Origins) => AngelAuth.layerConfig({ origins })
  },
  motilal: {
    broker: motilal,
    environment: "production",
    chosen: {},
    layer: (origins: Origins) => MotilalAuth.layerConfig({ origins })
  },
  rupeezy: {
    broker: rupeezy,
    environment: "production",
    chosen: {},
    layer: (origins: Origins) => RupeezyAuth.layerConfig({ origins })
  },
  samco: {
    broker: samco,
    environment: "production",
    chosen: {},
    layer: (origins: Origins) => SamcoAuth.layerConfig({ origins })
  },
  rmoney: {
    broker: rmoney,
    environment: "uat",
    // Account 1 uses an authenticator app. Account 0 gets its codes by SMS.
    chosen: { account: 1, without: ["vendor"] },
    layer: (origins: Origins) => RmoneyAuth.layerConfig({ environment: "uat", origins })
  },
  zerodha: {
    broker: zerodha,
    environment: "production",
    chosen: {},
    layer: (origins: Origins) => ZerodhaAuth.layerConfig({ origins })
  }
} satisfies Readonly<Record<string, Kept & { readonly layer: (origins: Origins) => unknown }>>

export type AccountId = keyof typeof accounts

export const accountIds = Object.keys(accounts) as ReadonlyArray<AccountId>

export const accountOf = ({ brokers }: Info, broker: Broker, { account = 0 }: Chosen = {}) =>
  brokers[broker.id]?.accounts[account] ?? {}

/** Returns the credentials of an account as environment variables. */
export const variablesOf = (simulator: Info, broker: Broker, chosen: Chosen = {}): Readonly<Record<string, string>> => {
  const { credentials = {} } = broker.methods.find(({ id }) => id === chosen.method) ?? broker.methods[0] ?? {}
  const account = { ...accountOf(simulator, broker, chosen), ...chosen.instead }
  const fields = Object.entries(credentials).filter(([name]) => !chosen.without?.includes(name))
  return Object.fromEntries(
    fields.map(([name, { env }]) => [env, account[name === "totp" ? "totpSecret" : name] ?? ""])
  )
}

/** Returns the addresses at which the simulator serves the hosts of a broker's environment. */
export const originsOf = (simulator: Info, { environments }: Broker, environment: string): Origins =>
  Object.fromEntries(
    Object.entries(environments[environment] ?? {}).map(([purpose, origin]) => [
      purpose,
      simulator.origins[origin] ?? ""
    ])
  )
