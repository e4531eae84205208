import * as builtin from "./builtinDispatcher.ts"
import { type Dispatcher, fromDispatcher } from "./dispatcher.ts"
import type { Transport } from "./exchange.ts"
import * as nodeHttp from "./nodeHttp.ts"

/** For each request, looks up the dispatcher of the global `fetch`, because the program may replace the dispatcher. */
const fromRuntime = (connections: number): Transport => {
  let known: { readonly dispatcher: Dispatcher | undefined; readonly transport: Transport } | undefined
  const current = (): Transport => {
    const dispatcher = builtin.globalDispatcher()
    if (known !== undefined && known.dispatcher === dispatcher) return known.transport
    // The old transport is not closed, so that it completes its requests. Its idle connections close automatically.
    const transport =
      dispatcher === undefined ? nodeHttp.make(connections) : builtin.fromGlobal(dispatcher, connections)
    known = { dispatcher, transport }
    return transport
  }
  return {
    send: (request, limits, listener) => current().send(request, limits, listener),
    close: () => known?.transport.close() ?? Promise.resolve()
  }
}

export const transportOf = (dispatcher: Dispatcher | undefined, connections: number): Transport =>
  dispatcher === undefined ? fromRuntime(connections) : fromDispatcher(dispatcher, () => Promise.resolve())
