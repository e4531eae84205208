import * as Effect from "effect/Effect"
import type * as Stream from "effect/Stream"
import type { IncomingMessage } from "node:http"

export interface Answer {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  /** If the body is a stream, the server disconnects a client that reads the body too slowly. */
  readonly body: string | Stream.Stream<string>
}

export const json = (status: number, value: unknown, headers: Readonly<Record<string, string>> = {}): Answer => ({
  status,
  headers: { "content-type": "application/json", ...headers },
  body: JSON.stringify(value)
})

/** Uses `rawHeaders`, because `headers` joins or drops the values of a repeated header. */
const valuesOf = ({ rawHeaders }: IncomingMessage, name: string): ReadonlyArray<string> =>
  rawHeaders.filter((_, index) => index % 2 === 1 && rawHeaders[index - 1]?.toLowerCase() === name)

const hostPattern = /^(127\.0\.0\.1|localhost|\[::1\])(?::(\d{1,5}))?$/i

/**
 * Returns false in an attack by DNS rebinding. In this attack, the host name of a web page resolves to this machine,
 * and the page's requests have that name in `Host`. `port` is `undefined` for a Unix socket.
 */
export const hasOwnHost = (message: IncomingMessage, port: number | undefined): boolean => {
  const hosts = valuesOf(message, "host")
  const found = hosts.length === 1 ? hostPattern.exec(hosts[0] ?? "") : null
  return found !== null && (port === undefined || Number(found[2] ?? 80) === port)
}

/** Only browsers send these headers. */
export const isFromBrowser = ({ headers }: IncomingMessage): boolean =>
  headers.origin !== undefined || headers["sec-fetch-site"] !== undefined

export const maxBodyBytes = 16_384

/** Bytes beyond the limit are read and dropped, so that the client receives the answer. */
export const readBody = (message: IncomingMessage): Effect.Effect<string, "too-large" | "incomplete"> =>
  Effect.callback((resume) => {
    const decoder = new TextDecoder()
    let text = ""
    let size = 0
    message.on("data", (chunk: Uint8Array) => {
      size += chunk.byteLength
      if (size <= maxBodyBytes) return void (text += decoder.decode(chunk, { stream: true }))
      text = ""
      resume(Effect.fail("too-large"))
    })
    message.once("end", () => resume(Effect.succeed(text + decoder.decode())))
    message.once("error", () => resume(Effect.fail("incomplete")))
    message.once("close", () => resume(Effect.fail("incomplete")))
  })
