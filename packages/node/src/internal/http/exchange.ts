import { Buffer } from "node:buffer"
import process from "node:process"
import { setImmediate } from "node:timers"

export interface WireRequest {
  /** Scheme, host and port, without a slash at the end. */
  readonly origin: string
  /** With the query. */
  readonly path: string
  readonly method: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: string | Uint8Array | null
}

/** Some firewalls refuse requests without these headers. Node's `fetch` sends the same values. */
export const defaultHeaders = { accept: "*/*", "user-agent": "node" }

export interface WireAnswer {
  readonly status: number
  /** The names are in lower case. */
  readonly headers: Readonly<Record<string, string | ReadonlyArray<string> | undefined>>
  /** The bytes as they were sent, possibly compressed. */
  readonly body: Uint8Array
  /** If `true`, `body` is empty, and the connection was closed. */
  readonly isTooLarge: boolean
}

export interface Limits {
  /** Applies to the body as it was sent, and to the body after decompression. */
  readonly maxBodyBytes: number
  /** Maximum time from the request to the headers of its answer, in milliseconds. */
  readonly headersTimeout: number
  /** Maximum time between two pieces of a body, in milliseconds. */
  readonly bodyTimeout: number
}

export interface Listener {
  readonly onAnswer: (answer: WireAnswer) => void
  /** The error may contain the request or a part of the answer. */
  readonly onError: (error: unknown) => void
}

export interface Exchange {
  /** If the request has no connection yet, `cancel` discards the request. Otherwise, `cancel` closes the connection. */
  readonly cancel: () => void
}

/** For each exchange, a transport calls `onAnswer` or `onError` exactly once, after `send` has returned. */
export interface Transport {
  readonly send: (request: WireRequest, limits: Limits, listener: Listener) => Exchange
  /** Closes the connections, except those of an undici `Dispatcher` that the program has provided. */
  readonly close: () => Promise<void>
}

const empty = new Uint8Array(0)

export class Collector {
  readonly listener: Listener
  readonly limit: number
  readonly isHead: boolean
  isSettled = false
  private status = 0
  private headers: WireAnswer["headers"] = {}
  private chunks: Array<Uint8Array> = []
  private size = 0

  constructor(request: WireRequest, limits: Limits, listener: Listener) {
    this.listener = listener
    this.limit = limits.maxBodyBytes
    this.isHead = request.method === "HEAD"
  }

  /** If the result is `false`, the caller closes the connection. */
  begin(status: number, headers: WireAnswer["headers"]): boolean {
    this.status = status
    this.headers = headers
    if (this.isHead) return true
    const announced = headers["content-length"]
    return announced === undefined || !(Number(announced) > this.limit) || this.refuse()
  }

  /** If the result is `false`, the caller closes the connection. */
  add(chunk: Uint8Array): boolean {
    this.size += chunk.byteLength
    if (this.size > this.limit) return this.refuse()
    this.chunks.push(chunk)
    return true
  }

  end(): void {
    this.settle({ status: this.status, headers: this.headers, body: this.join(), isTooLarge: false })
  }

  fail(error: unknown): void {
    if (this.isSettled) return
    this.isSettled = true
    process.nextTick(this.listener.onError, error)
  }

  private refuse(): false {
    this.settle({ status: this.status, headers: this.headers, body: empty, isTooLarge: true })
    return false
  }

  private join(): Uint8Array {
    const [first = empty] = this.chunks
    return this.chunks.length <= 1 ? first : Buffer.concat(this.chunks)
  }

  /**
   * undici frees the connection in a `setImmediate` callback, which it registers after this call. `onAnswer` runs after
   * that callback, so that the listener's next request can reuse the connection.
   */
  private settle(answer: WireAnswer): void {
    if (this.isSettled) return
    this.isSettled = true
    process.nextTick(setImmediate, this.listener.onAnswer, answer)
  }
}
