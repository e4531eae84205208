/**
 * Lets the fake brokers answer the requests of the programs in the documentation. The credentials of each fake's demo
 * account are set as environment variables. When a program prompts for a one-time code, a simulated keyboard types the
 * newest code of the broker's fake.
 *
 * This file is copied to other folders, so it imports no other file of the repository.
 */
import type { Broker } from "@auth/broker-core/broker/Broker"
import type { FakeBroker } from "@auth/broker-core/testing/FakeBroker"
import * as Effect from "effect/Effect"
import { http, passthrough, type HttpHandler } from "msw"
import { setupServer } from "msw/node"
import { PassThrough } from "node:stream"

interface FakeModule {
  readonly make: () => Effect.Effect<FakeBroker>
  readonly demoAccount: Readonly<Record<string, unknown>>
}

const fakes: Array<FakeBroker> = []

const open = async (name: string): Promise<ReadonlyArray<HttpHandler>> => {
  const served = (await import(`${name}/msw`)) as Record<string, unknown>
  const [found, fakeModule] = Object.entries(served).find(([key]) => key.startsWith("Fake")) as [string, FakeModule]
  const fake = Effect.runSync(fakeModule.make())
  fakes.push(fake)
  const { broker } = (await import(`${name}/${found.replace("Fake", "")}Broker`)) as { readonly broker: Broker }
  for (const { credentials } of broker.methods) {
    for (const [field, { env }] of Object.entries(credentials)) {
      const value = fakeModule.demoAccount[field === "totp" ? "totpSecret" : field]
      if (typeof value === "string") process.env[env] ??= value
    }
  }
  return (served["handlers"] as (fake: FakeBroker) => ReadonlyArray<HttpHandler>)(fake)
}

/** Captures the broker and the account in the prompt of `@auth/broker-core` for a one-time code. */
const prompt = /One-time code[^(]*\((\w+) (\w+)/

const newestCode = (broker: string, account: string): string => {
  const fake = fakes.find((one) => one.broker === broker)
  return (fake === undefined ? [] : Effect.runSync(fake.codes(account))).at(-1) ?? ""
}

const typeCodes = () => {
  const keyboard = new PassThrough()
  Object.defineProperty(process, "stdin", { value: keyboard, configurable: true })
  const write = process.stdout.write.bind(process.stdout) as (...args: ReadonlyArray<unknown>) => boolean
  process.stdout.write = (...args: ReadonlyArray<unknown>) => {
    const [, broker, account] = prompt.exec(String(args[0])) ?? []
    if (broker !== undefined && account !== undefined) {
      setImmediate(() => keyboard.write(`${newestCode(broker, account)}\n`))
    }
    return write(...args)
  }
}

/** Serves the fakes in this process. Requests to 127.0.0.1 are sent, and requests to hosts without a fake fail. */
export const serve = async (
  names: ReadonlyArray<string>
): Promise<{ readonly reset: () => void; readonly close: () => void }> => {
  // The clock starts at the start of a TOTP period. Near the end of a period, a login would wait for the next code.
  const now = Date.now
  const behind = now() - Date.UTC(2026, 10, 21, 4)
  Date.now = () => now() - behind
  const handlers: Array<HttpHandler> = []
  for (const name of names) handlers.push(...(await open(name)))
  // Programs must not use the vault key of the user who runs the tests.
  process.env["BROKER_AUTH_KEY"] = "00112233".repeat(8)
  typeCodes()
  // The simulator of an example listens on 127.0.0.1.
  const server = setupServer(...handlers, http.all(/^http:\/\/127\.0\.0\.1:/, passthrough))
  server.listen({ onUnhandledFrame: "error" })
  return {
    reset: () => {
      for (const fake of fakes) Effect.runSync(fake.reset)
    },
    close: () => server.close()
  }
}
