// Written by `npm run docs` from packages/brokers.json: do not change it here.
import { descriptor as angel } from "@auth/angel/FakeAngelDescriptor"
import { handlers as angelHandlers } from "@auth/angel/msw"
import { document as angelDocument } from "@auth/angel/AngelOpenApi"
import { descriptor as motilal } from "@auth/motilal/FakeMotilalDescriptor"
import { handlers as motilalHandlers } from "@auth/motilal/msw"
import { document as motilalDocument } from "@auth/motilal/MotilalOpenApi"
import { descriptor as rmoney } from "@auth/rmoney/FakeRmoneyDescriptor"
import { handlers as rmoneyHandlers } from "@auth/rmoney/msw"
import { descriptor as rupeezy } from "@auth/rupeezy/FakeRupeezyDescriptor"
import { handlers as rupeezyHandlers } from "@auth/rupeezy/msw"
import { document as rupeezyDocument } from "@auth/rupeezy/RupeezyOpenApi"
import { descriptor as samco } from "@auth/samco/FakeSamcoDescriptor"
import { handlers as samcoHandlers } from "@auth/samco/msw"
import { document as samcoDocument } from "@auth/samco/SamcoOpenApi"
import { descriptor as zerodha } from "@auth/zerodha/FakeZerodhaDescriptor"
import { handlers as zerodhaHandlers } from "@auth/zerodha/msw"
import { document as zerodhaDocument } from "@auth/zerodha/ZerodhaOpenApi"

export const registry = {
  angel: { descriptor: angel, handlers: angelHandlers, document: angelDocument },
  motilal: { descriptor: motilal, handlers: motilalHandlers, document: motilalDocument },
  rupeezy: { descriptor: rupeezy, handlers: rupeezyHandlers, document: rupeezyDocument },
  samco: { descriptor: samco, handlers: samcoHandlers, document: samcoDocument },
  rmoney: { descriptor: rmoney, handlers: rmoneyHandlers, document: undefined },
  zerodha: { descriptor: zerodha, handlers: zerodhaHandlers, document: zerodhaDocument }
}
