import * as AngelAuth from "@auth/angel/AngelAuth"
import { broker } from "@auth/angel/AngelBroker"
import { FakeAngel } from "@auth/angel/msw"
import { TestHttp } from "@auth/broker-core/testing"
import type { Broker } from "@auth/broker-core/broker/Broker"
import type { Simulator } from "@auth/simulator"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import { connect } from "node:net"

export const api = "https://apiconnect.angelone.in"
export const site = "https://smartapi.angelone.in"
export const feed = "https://smartapisocket.angelone.in"

export const account = FakeAngel.demoAccount

/** A broker has one origin for each purpose, such as `api`. Returns the simulator's addresses, keyed by purpose. */
export const servedOf = (
  { origins }: Simulator.Info,
  { environments }: Broker,
  environment = "production"
): Readonly<Record<string, string>> =>
  Object.fromEntries(
    Object.entries(environments[environment] ?? {}).map(([purpose, origin]) => [purpose, origins[origin] ?? ""])
  )

export const angel = (simulator: Simulator.Info, options: AngelAuth.Options = {}) =>
  AngelAuth.layer({
    ...options,
    origins: servedOf(simulator, broker),
    credentials: {
      clientCode: account.clientCode,
      pin: Redacted.make(account.pin),
      apiKey: Redacted.make(account.apiKey),
      totp: Redacted.make(account.totpSecret)
    }
  }).pipe(Layer.provide(TestHttp.layerLateFetch))

export interface Answer {
  readonly status: number
  readonly headers: Headers
  readonly text: string
}

export const send = (url: string, init?: RequestInit): Effect.Effect<Answer> =>
  Effect.promise(async () => {
    const response = await globalThis.fetch(url, { redirect: "manual", ...init })
    return { status: response.status, headers: response.headers, text: await response.text() }
  })

export const post = (url: string, body: unknown): Effect.Effect<Answer> =>
  send(url, { method: "POST", body: typeof body === "string" ? body : JSON.stringify(body) })

export const errorOf = ({ text }: Answer): string => String((JSON.parse(text) as { readonly error: unknown }).error)

export const eventually = <E>(holds: Effect.Effect<boolean, E>): Effect.Effect<void, E> =>
  Effect.gen(function* () {
    while (!(yield* holds)) yield* Effect.sleep("10 millis")
  })

/** Sends `lines` and `body` as an HTTP request. Adds the port of `address` to the line `Host: localhost`. */
export const raw = (address: string, lines: ReadonlyArray<string>, body = ""): Effect.Effect<string> =>
  Effect.callback((resume) => {
    const { hostname, port } = new URL(address)
    const sent = lines.map((line) => (line === "Host: localhost" ? `${line}:${port}` : line))
    let received = ""
    const socket = connect(Number(port), hostname, () => socket.write(`${sent.join("\r\n")}\r\n\r\n${body}`))
    socket.on("data", (chunk) => (received += chunk.toString("latin1")))
    socket.on("error", () => socket.destroy())
    socket.on("close", () => resume(Effect.succeed(received)))
    return Effect.sync(() => socket.destroy())
  })
