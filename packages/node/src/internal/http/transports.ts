import * as builtin from "./builtinDispatcher.ts"
import { type Dispatcher, fromDispatcher } from "./dispatcher.ts"
import type { Transport } from "./exchange.ts"
import * as nodeHttp from "./nodeHttp.ts"

/** For each request, looks up the dispatcher of the global `fetch`, because the program may replace the dispatcher. */
const fromRuntime = (connections: number): Transport => {
  const transports = new Map<Dispatcher | undefined, Transport>()
  const current = (): Transport => {
    const dispatcher = builtin.globalDispatcher()
    const known = transports.get(dispatcher)
    if (known !== undefined) return known
    const made = dispatcher === undefined ? nodeHttp.make(connections) : builtin.fromGlobal(dispatcher, connections)
    transports.set(dispatcher, made)
    return made
  }
  return {
    send: (request, limits, listener) => current().send(request, limits, listener),
    close: () => Promise.all(Array.from(transports.values(), (transport) => transport.close())).then(() => undefined)
  }
}

export const transportOf = (dispatcher: Dispatcher | undefined, connections: number): Transport =>
  dispatcher === undefined ? fromRuntime(connections) : fromDispatcher(dispatcher, () => Promise.resolve())
