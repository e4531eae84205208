import type * as OpenApi from "@auth/broker-core/broker/OpenApi"
import type { FakeBroker } from "@auth/broker-core/testing/FakeBroker"
import type { FakeDescriptor } from "@auth/broker-core/testing/FakeDescriptor"
import type { RequestHandler } from "msw"
import { registry } from "./registry.ts"

interface Served {
  readonly descriptor: FakeDescriptor
  readonly handlers: (fake: FakeBroker) => ReadonlyArray<RequestHandler>
  readonly document: () => OpenApi.Document
}

export type BrokerId = keyof typeof registry

/** With `--port` and without `--broker`, the brokers get their ports in the order of this record. */
export const brokers: Readonly<Record<BrokerId, Served>> = registry

export const brokerIds = Object.keys(brokers) as ReadonlyArray<BrokerId>

export const isBrokerId = (id: string): id is BrokerId => Object.hasOwn(brokers, id)

export const descriptorOf = (id: string): FakeDescriptor | undefined =>
  isBrokerId(id) ? brokers[id].descriptor : undefined

/** Paths of the login pages at `origin`, an origin of the real broker. */
export const loginPagesOf = (broker: string, origin: string): ReadonlyArray<string> =>
  descriptorOf(broker)?.loginPages?.[origin] ?? []
