// Written by `npm run docs` from packages/brokers.json: do not change it here.
import { descriptor as angel } from "@auth/angel/FakeAngelDescriptor"
import { handlers as angelHandlers } from "@auth/angel/msw"
import { descriptor as motilal } from "@auth/motilal/FakeMotilalDescriptor"
import { handlers as motilalHandlers } from "@auth/motilal/msw"
import { descriptor as rmoney } from "@auth/rmoney/FakeRmoneyDescriptor"
import { handlers as rmoneyHandlers } from "@auth/rmoney/msw"
import { descriptor as rupeezy } from "@auth/rupeezy/FakeRupeezyDescriptor"
import { handlers as rupeezyHandlers } from "@auth/rupeezy/msw"
import { descriptor as samco } from "@auth/samco/FakeSamcoDescriptor"
import { handlers as samcoHandlers } from "@auth/samco/msw"
import { descriptor as zerodha } from "@auth/zerodha/FakeZerodhaDescriptor"
import { handlers as zerodhaHandlers } from "@auth/zerodha/msw"

export const registry = {
  angel: { descriptor: angel, handlers: angelHandlers },
  motilal: { descriptor: motilal, handlers: motilalHandlers },
  rupeezy: { descriptor: rupeezy, handlers: rupeezyHandlers },
  samco: { descriptor: samco, handlers: samcoHandlers },
  rmoney: { descriptor: rmoney, handlers: rmoneyHandlers },
  zerodha: { descriptor: zerodha, handlers: zerodhaHandlers }
}
