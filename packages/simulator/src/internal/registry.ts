// Written by `npm run docs` from packages/brokers.json: do not change it here.
import { descriptor as angel, document as angelDocument } from "@auth/angel/FakeAngelDescriptor"
import { handlers as angelHandlers } from "@auth/angel/msw"
import { descriptor as motilal, document as motilalDocument } from "@auth/motilal/FakeMotilalDescriptor"
import { handlers as motilalHandlers } from "@auth/motilal/msw"
import { descriptor as rmoney, document as rmoneyDocument } from "@auth/rmoney/FakeRmoneyDescriptor"
import { handlers as rmoneyHandlers } from "@auth/rmoney/msw"
import { descriptor as rupeezy, document as rupeezyDocument } from "@auth/rupeezy/FakeRupeezyDescriptor"
import { handlers as rupeezyHandlers } from "@auth/rupeezy/msw"
import { descriptor as samco, document as samcoDocument } from "@auth/samco/FakeSamcoDescriptor"
import { handlers as samcoHandlers } from "@auth/samco/msw"
import { descriptor as zerodha, document as zerodhaDocument } from "@auth/zerodha/FakeZerodhaDescriptor"
import { handlers as zerodhaHandlers } from "@auth/zerodha/msw"

export const registry = {
  angel: { descriptor: angel, handlers: angelHandlers, document: angelDocument },
  motilal: { descriptor: motilal, handlers: motilalHandlers, document: motilalDocument },
  rupeezy: { descriptor: rupeezy, handlers: rupeezyHandlers, document: rupeezyDocument },
  samco: { descriptor: samco, handlers: samcoHandlers, document: samcoDocument },
  rmoney: { descriptor: rmoney, handlers: rmoneyHandlers, document: rmoneyDocument },
  zerodha: { descriptor: zerodha, handlers: zerodhaHandlers, document: zerodhaDocument }
}
