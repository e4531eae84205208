/** What the tests of all broker packages share, beside the suites of `@auth/broker-core/testing`. */
import type { AuthError, Reason } from "@auth/broker-core/login/AuthError"
import type { Broker, Method } from "@auth/broker-core/broker/Broker"
import * as Totp from "@auth/broker-core/login/Totp"
import { BrokerTests, type Contract, type FakeBroker, type Fixtures } from "@auth/broker-core/testing"
import { describe, it } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import type { HttpHandler } from "msw"
import { setupServer } from "msw/node"
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { inspect as nodeInspect } from "node:util"
import { thorough } from "./thorough.ts"

export const inspect = (value: unknown): string => nodeInspect(value, { depth: 20, showHidden: true, getters: true })

export const printed = (value: unknown): string => BrokerTests.printed(value, inspect)

/** Serves a fake by msw for as long as the scope lives. A request to any other host fails the test. */
export const serveFake = (
  fake: FakeBroker.FakeBroker,
  handlers: (fake: FakeBroker.FakeBroker) => ReadonlyArray<HttpHandler>
) =>
  Effect.as(
    Effect.acquireRelease(
      Effect.sync(() => {
        const server = setupServer(...handlers(fake))
        server.listen({ onUnhandledFrame: "error" })
        return server
      }),
      (server) => Effect.sync(() => server.close())
    ),
    fake
  )

/** Reads the fixtures of the package whose tests are in `folder`. */
export const fixturesOf = (folder: string) => {
  const read = (name: string): unknown => JSON.parse(readFileSync(join(folder, "fixtures", name), "utf8"))
  const answers = (...files: ReadonlyArray<string>) =>
    files.flatMap((file) => read(`${file}.json`) as ReadonlyArray<Fixtures.Fixture>)
  return { read, answers }
}

/** The error's reason, if it is the one that is wanted. */
export const reasonOf = <Tag extends Reason["_tag"]>(error: AuthError, tag: Tag): Extract<Reason, { _tag: Tag }> => {
  if (error.reason._tag !== tag) throw new Error(`wanted ${tag}, got ${error.message}`)
  return error.reason as Extract<Reason, { _tag: Tag }>
}

/** The code that an authenticator app shows at an instant. Default: now. */
export const totpCode = Effect.fnUntraced(function* (secret: string, at?: number) {
  const totp = Result.getOrThrow(Totp.parse(Redacted.make(secret)))
  const step = Totp.stepAt(totp, at ?? (yield* Clock.currentTimeMillis))
  return Redacted.value(yield* Totp.codeAtStep(totp, step))
})

export const methodOf = (broker: Broker, id: string): Method => {
  const method = broker.methods.find((candidate) => candidate.id === id)
  if (method === undefined) throw new Error(`no method ${id}`)
  return method
}

/** Wraps text, as a program that has types would; hands on what is no text, as one without types may give it. */
export const secret = (value: unknown): unknown => (typeof value === "string" ? Redacted.make(value) : value)

/** An answer of a broker, as a fault of its fake. */
export const answer = (status: number, body: unknown) =>
  ({ kind: "answer", status, body: JSON.stringify(body) }) as const

export const seed = Number(process.env["FUZZ_SEED"] ?? 20261121)

/** How many answers a fuzz test makes up. */
export const bodies = thorough ? 25_000 : 500

export const runBrokerTests = <Tag, Api, R extends BrokerTests.RequestFixture>(
  subject: BrokerTests.Subject<Tag, Api, R>
): void => BrokerTests.run({ describe, effect: it.effect }, subject)

export type { BrokerTests, Contract }
