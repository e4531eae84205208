/**
 * Finds the dispatcher of Node's own `fetch`. undici stores the dispatcher in the global object, under a symbol that
 * Node does not document.
 */
import * as Predicate from "effect/Predicate"
import * as Result from "effect/Result"
import { type Dispatcher, fromDispatcher } from "./dispatcher.ts"
import type { Transport } from "./exchange.ts"

/**
 * Newest first. Node 26 sets both symbols, but its `undici.globalDispatcher.1` is only a wrapper for older copies of
 * undici.
 */
const symbols = ["undici.globalDispatcher.2", "undici.globalDispatcher.1"].map((name) => Symbol.for(name))

const isDispatcher = (value: unknown): value is Dispatcher & object =>
  Predicate.isObject(value) && "dispatch" in value && Predicate.isFunction(value.dispatch)

export const globalDispatcher = (): Dispatcher | undefined => {
  // The first use of `Response` makes Node load undici, which sets the symbols.
  if (typeof globalThis.Response !== "function") return undefined
  for (const symbol of symbols) {
    const found: unknown = Reflect.get(globalThis, symbol)
    if (isDispatcher(found)) return found
  }
  return undefined
}

type AgentClass = new (options: { readonly connections: number; readonly allowH2: false }) => Dispatcher & {
  readonly close: () => Promise<void>
  readonly destroy: () => Promise<void>
}

const isDefaultOption = (value: unknown): boolean => value === undefined || value === Infinity || value === 0

/**
 * Returns `undefined` unless the dispatcher is an agent with default options. The program may have configured the
 * dispatcher, for example with a proxy or certificates. A new agent would not have these settings.
 */
const plainAgentClass = (dispatcher: Dispatcher): AgentClass | undefined => {
  const { constructor } = dispatcher
  const symbol = Object.getOwnPropertySymbols(dispatcher).find(({ description }) => description === "options")
  const options: unknown = symbol === undefined ? undefined : Reflect.get(dispatcher, symbol)
  const isPlain =
    constructor.name === "Agent" &&
    dispatcher.dispatch === Reflect.get(constructor.prototype as object, "dispatch") &&
    Predicate.isObject(options) &&
    Object.values(options).every(isDefaultOption)
  return isPlain ? (constructor as AgentClass) : undefined
}

const nothing = () => Promise.resolve()

/**
 * The transport uses a new agent with at most `connections` connections to each origin. If the dispatcher is not an
 * agent with default options, the transport uses the dispatcher itself.
 */
export const fromGlobal = (dispatcher: Dispatcher, connections: number): Transport => {
  const Agent = plainAgentClass(dispatcher)
  if (Agent === undefined) return fromDispatcher(dispatcher, nothing)
  // With HTTP/2, several requests would share one connection, so one lost connection would end all of them.
  const made = Result.try(() => new Agent({ connections, allowH2: false }))
  if (Result.isFailure(made)) return fromDispatcher(dispatcher, nothing)
  const agent = made.success
  return fromDispatcher(agent, () => agent.destroy())
}
