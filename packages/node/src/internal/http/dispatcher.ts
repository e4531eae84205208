/** Sends requests with a dispatcher of undici, the HTTP client inside Node. */
import { Buffer } from "node:buffer"
import * as Result from "effect/Result"
import { Collector, type Exchange, type Limits, type Listener, type Transport, type WireRequest } from "./exchange.ts"

export interface DispatchOptions {
  readonly origin: string
  readonly path: string
  readonly method: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: string | Uint8Array | null
  readonly headersTimeout: number
  readonly bodyTimeout: number
}

export interface Dispatcher {
  // A method, not a property: TypeScript then accepts the narrower parameter types of undici's classes.
  dispatch(options: DispatchOptions, handler: object): boolean
}

interface Controller {
  readonly abort: (reason: Error) => void
}

type RawHeaders = ReadonlyArray<Uint8Array | string>

/** Header bytes are latin1, not UTF-8. */
const textOf = (bytes: Uint8Array | string): string =>
  typeof bytes === "string" ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("latin1")

const headersOf = (raw: RawHeaders): Record<string, string | ReadonlyArray<string>> => {
  // An object without a prototype has no inherited value for a header such as `constructor`.
  const headers: Record<string, string | ReadonlyArray<string>> = Object.create(null)
  for (let index = 0; index + 1 < raw.length; index += 2) {
    const name = textOf(raw[index] ?? "").toLowerCase()
    const value = textOf(raw[index + 1] ?? "")
    const known = headers[name]
    headers[name] = known === undefined ? value : typeof known === "string" ? [known, value] : [...known, value]
  }
  return headers
}

const interrupted = () => new Error("The request was interrupted.")
const refused = () => new Error("The body is too large.")

/**
 * Handles one request. undici 7 and 8 call `onRequestStart` and the `onResponse…` methods. undici 6 calls `onConnect`,
 * `onHeaders`, `onData`, `onComplete` and `onError`.
 */
class Handler implements Exchange {
  private readonly collector: Collector
  private controller: Controller | undefined
  private isCancelled = false

  constructor(collector: Collector) {
    this.collector = collector
  }

  cancel(): void {
    this.isCancelled = true
    this.controller?.abort(interrupted())
  }

  /** Called when there is a connection, before the request is sent. */
  onRequestStart(controller: Controller): void {
    this.controller = controller
    if (this.isCancelled) controller.abort(interrupted())
  }

  onResponseStart(
    controller: Controller,
    status: number,
    headers: Readonly<Record<string, string | ReadonlyArray<string> | undefined>>
  ): void {
    // An answer with a status below 200 is interim.
    if (status >= 200 && !this.collector.begin(status, headers)) controller.abort(refused())
  }

  onResponseData(controller: Controller, chunk: Uint8Array): void {
    if (!this.collector.add(chunk)) controller.abort(refused())
  }

  onResponseEnd(): void {
    this.controller = undefined
    this.collector.end()
  }

  onResponseError(_controller: unknown, error: unknown): void {
    this.controller = undefined
    this.collector.fail(error)
  }

  onConnect(abort: (reason: Error) => void): void {
    this.onRequestStart({ abort })
  }

  onHeaders(status: number, headers: RawHeaders): boolean {
    if (this.controller !== undefined) this.onResponseStart(this.controller, status, headersOf(headers))
    return true
  }

  onData(chunk: Uint8Array): boolean {
    if (this.controller !== undefined) this.onResponseData(this.controller, chunk)
    return true
  }

  onComplete(): void {
    this.onResponseEnd()
  }

  onError(error: unknown): void {
    this.onResponseError(undefined, error)
  }
}

const send = (dispatcher: Dispatcher, request: WireRequest, limits: Limits, listener: Listener): Exchange => {
  const collector = new Collector(request, limits, listener)
  const handler = new Handler(collector)
  const { body, headers, method, origin, path } = request
  const { bodyTimeout, headersTimeout } = limits
  const options = { origin, path, method, headers, body, headersTimeout, bodyTimeout }
  // Some dispatchers throw: undici's `ProxyAgent` throws if a request has the header `proxy-authorization`.
  const sent = Result.try(() => dispatcher.dispatch(options, handler))
  if (Result.isFailure(sent)) collector.fail(sent.failure)
  return handler
}

export const fromDispatcher = (dispatcher: Dispatcher, close: () => Promise<void>): Transport => ({
  send: (request, limits, listener) => send(dispatcher, request, limits, listener),
  close
})
