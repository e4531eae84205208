import * as Account from "@auth/broker-core/login/Account"
import type * as AuthError from "@auth/broker-core/login/AuthError"
import * as Expiry from "@auth/broker-core/login/Expiry"
import * as RedirectLogin from "@auth/broker-core/login/RedirectLogin"
import * as Session from "@auth/broker-core/login/Session"
import * as RedirectListener from "@auth/node/RedirectListener"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Queue from "effect/Queue"
import * as Redacted from "effect/Redacted"
import * as Schedule from "effect/Schedule"
import * as Http from "node:http"
import * as Net from "node:net"
import { freePort as freePortOf } from "../../../tools/vitest/freePort.ts"

export const broker = "tiny"
export const apiKey = "canary-api-key-5a1c"
export const code = "canary-code-77e2"

export interface BrokerOptions {
  /** Default: `required`. */
  readonly state?: "required" | "optional"
  readonly outcome?: RedirectLogin.Outcome
  /** Runs before the code is exchanged for a session. */
  readonly exchange?: Effect.Effect<void, AuthError.AuthError>
}

export const makeBroker = (redirectUrl: string, options: BrokerOptions = {}) => {
  const exchanged: Array<string> = []
  const state = options.state ?? "required"
  const redirect = RedirectLogin.make<{ readonly code: Redacted.Redacted<string> }>(broker, {
    begin: Effect.map(RedirectLogin.makeState, (made) => ({
      url: RedirectLogin.page("https://tiny.example/login", { api_key: apiKey, state: made }),
      state: made,
      redirectUrl
    })),
    receive: (request, callbackUrl) =>
      RedirectLogin.parseCallback({ broker, request, callbackUrl, state, outcome: options.outcome }).pipe(
        Effect.flatMap((parameters) => RedirectLogin.requireParameter(broker, parameters, "code")),
        Effect.map((found) => ({ code: found }))
      ),
    exchange: (callback) =>
      Effect.map(options.exchange ?? Effect.void, () => {
        exchanged.push(Redacted.value(callback.code))
        return Session.make({
          account: Account.make({ broker, id: "T1" }),
          method: "browser",
          tokens: Session.makeTokens({ access: callback.code }),
          issuedAt: 0,
          expiry: Expiry.after("1 hour")
        })
      })
  })
  return { redirect, exchanged }
}

export interface Answer {
  readonly status: number
  readonly headers: Http.IncomingHttpHeaders
  readonly text: string
  readonly location: string
}

/** Sends a request without the headers that a browser adds. */
export const send = (
  url: string,
  options: { readonly method?: string; readonly headers?: Http.OutgoingHttpHeaders; readonly body?: string } = {}
): Effect.Effect<Answer> =>
  Effect.callback((resume) => {
    const { body, ...rest } = options
    const request = Http.request(url, { agent: false, ...rest }, (response) => {
      let text = ""
      response.setEncoding("utf8").on("data", (chunk: string) => (text += chunk))
      response.on("end", () => {
        const { headers, statusCode: status = 0 } = response
        resume(Effect.succeed({ status, headers, text, location: headers.location ?? "" }))
      })
      response.on("error", (error) => resume(Effect.die(error)))
    })
    request.on("error", (error) => resume(Effect.die(error)))
    request.end(body)
    return Effect.sync(() => request.destroy())
  })

export const form = (url: string, body: string, type = "application/x-www-form-urlencoded"): Effect.Effect<Answer> =>
  send(url, { method: "POST", body, headers: { "content-type": type } })

export const raw = (port: number, bytes: string, host = "127.0.0.1"): Effect.Effect<string> =>
  Effect.callback((resume) => {
    let received = ""
    const socket = Net.connect(port, host, () => socket.write(bytes, "latin1"))
    socket.on("data", (chunk) => (received += chunk.toString("latin1")))
    socket.on("error", () => socket.destroy())
    socket.on("close", () => resume(Effect.succeed(received)))
    return Effect.sync(() => socket.destroy())
  })

export const idle = (port: number, bytes = "") =>
  Effect.acquireRelease(
    Effect.callback<Net.Socket>((resume) => {
      const socket = Net.connect(port, "127.0.0.1", () => {
        if (bytes !== "") socket.write(bytes)
        resume(Effect.succeed(socket))
      })
      socket.on("error", () => resume(Effect.succeed(socket)))
      // If a socket is not read, Node does not report that the server has closed it.
      socket.resume()
    }),
    (socket) => Effect.sync(() => socket.destroy())
  )

/** Tries to listen. Returns the error code, or `undefined` if the port is free. */
export const bind = (port: number, host = "127.0.0.1"): Effect.Effect<string | undefined> =>
  Effect.callback((resume) => {
    const server = Net.createServer()
    server.once("error", (error: NodeJS.ErrnoException) => resume(Effect.succeed(error.code)))
    server.listen({ port, host, exclusive: true }, () => server.close(() => resume(Effect.succeed(undefined))))
  })

/**
 * Repeats `bind` while the port is in use, for up to 5 seconds. After this process has closed a port, a child process
 * can still hold the port for a moment.
 */
export const bindClosed = (port: number, host?: string): Effect.Effect<string | undefined> =>
  Effect.repeat(bind(port, host), {
    while: (error) => error === "EADDRINUSE",
    schedule: Schedule.spaced("20 millis"),
    times: 250
  })

export const freePort: Effect.Effect<number> = Effect.promise(freePortOf)

export interface UserOptions {
  /** Default: `true`. */
  readonly hasBrowser?: boolean
  readonly isTerminal?: boolean
}

export const makeUser = (options: UserOptions = {}) =>
  Effect.gen(function* () {
    const opened = yield* Deferred.make<string>()
    const texts: Array<string> = []
    const lines = yield* Queue.unbounded<Option.Option<Redacted.Redacted<string>>>()
    const shown = yield* Queue.unbounded<string>()
    const show = (text: string) =>
      Effect.sync(() => {
        texts.push(text)
        Queue.offerUnsafe(shown, text)
      })
    return {
      opened: Deferred.await(opened),
      texts,
      nextText: Queue.take(shown),
      paste: (text: string) => Queue.offer(lines, Option.some(Redacted.make(text))),
      endInput: Queue.offer(lines, Option.none()),
      provide: <A, E, R>(effect: Effect.Effect<A, E, R>) =>
        effect.pipe(
          Effect.provideService(RedirectListener.Browser, {
            open: (url) => Effect.as(Deferred.succeed(opened, url), options.hasBrowser ?? true)
          }),
          Effect.provideService(RedirectListener.UserTerminal, {
            isTerminal: Effect.succeed(options.isTerminal ?? true),
            show,
            lines: Effect.succeed(Queue.take(lines))
          })
        )
    }
  })

export const startLogin = (startUrl: string): Effect.Effect<string> =>
  Effect.map(send(startUrl), ({ location }) => new URL(location).searchParams.get("state") ?? "")

export const reasonOf = <A, R>(
  effect: Effect.Effect<A, AuthError.AuthError, R>
): Effect.Effect<AuthError.Reason, never, R> => Effect.orDie(Effect.map(Effect.flip(effect), ({ reason }) => reason))
