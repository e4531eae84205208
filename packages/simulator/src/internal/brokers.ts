import * as Angel from "@auth/angel/msw"
import type { FakeBroker } from "@auth/broker-core/testing/FakeBroker"
import * as Motilal from "@auth/motilal/msw"
import * as Rmoney from "@auth/rmoney/msw"
import * as Rupeezy from "@auth/rupeezy/msw"
import * as Samco from "@auth/samco/msw"
import * as Zerodha from "@auth/zerodha/msw"
import type * as Effect from "effect/Effect"
import type { RequestHandler } from "msw"

interface Row {
  readonly make: Effect.Effect<FakeBroker>
  readonly handlers: (fake: FakeBroker) => ReadonlyArray<RequestHandler>
  /** The field of an account that names it. */
  readonly accountField: string
}

/** Every broker that can be served, in the order of their ports. */
export const brokers = {
  angel: { make: Angel.FakeAngel.make(), handlers: Angel.handlers, accountField: "clientCode" },
  motilal: { make: Motilal.FakeMotilal.make(), handlers: Motilal.handlers, accountField: "userId" },
  rupeezy: { make: Rupeezy.FakeRupeezy.make(), handlers: Rupeezy.handlers, accountField: "clientCode" },
  samco: { make: Samco.FakeSamco.make(), handlers: Samco.handlers, accountField: "userId" },
  rmoney: { make: Rmoney.FakeRmoney.make(), handlers: Rmoney.handlers, accountField: "userId" },
  zerodha: { make: Zerodha.FakeZerodha.make(), handlers: Zerodha.handlers, accountField: "userId" }
} satisfies Readonly<Record<string, Row>>

export type BrokerId = keyof typeof brokers

export const brokerIds = Object.keys(brokers) as ReadonlyArray<BrokerId>

export const isBrokerId = (id: string): id is BrokerId => Object.hasOwn(brokers, id)
