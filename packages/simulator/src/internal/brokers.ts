import type * as OpenApi from "@auth/broker-core/broker/OpenApi"
import type { FakeBroker } from "@auth/broker-core/testing/FakeBroker"
import type { FakeDescriptor } from "@auth/broker-core/testing/FakeDescriptor"
import type { RequestHandler } from "msw"
import { registry } from "./registry.ts"

interface Served {
  readonly descriptor: FakeDescriptor
  readonly handlers: (fake: FakeBroker) => ReadonlyArray<RequestHandler>
  /** Describes the calls. Absent where the broker's table of calls has another shape than the others'. */
  readonly document: (() => OpenApi.Document) | undefined
}

export type BrokerId = keyof typeof registry

/** Every broker that can be served, in the order of their ports. */
export const brokers: Readonly<Record<BrokerId, Served>> = registry

export const brokerIds = Object.keys(brokers) as ReadonlyArray<BrokerId>

export const isBrokerId = (id: string): id is BrokerId => Object.hasOwn(brokers, id)

export const descriptorOf = (id: string): FakeDescriptor | undefined =>
  isBrokerId(id) ? brokers[id].descriptor : undefined

/** The OpenAPI document of a broker, if its calls can be described. */
export const documentOf = (id: string): OpenApi.Document | undefined =>
  isBrokerId(id) ? brokers[id].document?.() : undefined
