import * as Angel from "@auth/angel/msw"
import type { FakeBroker } from "@auth/broker-core/testing/FakeBroker"
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
  angel: { make: Angel.FakeAngel.make(), handlers: Angel.handlers, accountField: "clientCode" }
} satisfies Readonly<Record<string, Row>>

export type BrokerId = keyof typeof brokers

export const brokerIds = Object.keys(brokers) as ReadonlyArray<BrokerId>

export const isBrokerId = (id: string): id is BrokerId => Object.hasOwn(brokers, id)
