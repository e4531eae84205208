import { assert } from "@effect/vitest"
import { FakeAngel } from "@auth/angel/msw"
import type { AuthError, Problem } from "@auth/broker-core/login/AuthError"
import * as TestHttp from "@auth/broker-core/testing/TestHttp"
import * as Effect from "effect/Effect"
import type * as HttpClient from "effect/http/HttpClient"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import { printed, reasonOf } from "./support.ts"

export const demo = FakeAngel.demoAccount

/** A secret, or what a program without types takes for one. */
export const secret = (value: unknown) => Redacted.make(value as string)

/** The error of an effect that must fail before anything is sent, and shows none of the demo account's secrets. */
export const refused = <A, R>(
  effect: Effect.Effect<A, AuthError, R>,
  layer: Layer.Layer<R, AuthError, HttpClient.HttpClient>
) =>
  Effect.gen(function* () {
    const fake = yield* FakeAngel.make()
    const error = yield* Effect.flip(Effect.provide(effect, Layer.provide(layer, TestHttp.layerFake(fake))))
    assert.deepStrictEqual(yield* fake.journal, [])
    assert.isNotEmpty(error.remedy)
    const shown = printed(error)
    for (const value of [demo.pin, demo.apiKey, demo.publisherKey, demo.totpSecret]) assert.notInclude(shown, value)
    return error
  })

export const problems = (error: AuthError): Readonly<Record<string, string>> =>
  Object.fromEntries(reasonOf(error, "InvalidRequest").problems.map(({ field, problem }: Problem) => [field, problem]))

/** What is said of a field. */
export const told = {
  missing: "is missing",
  empty: "is empty",
  noText: "must be text",
  noRedacted: "must be Redacted text",
  mail: "is an e-mail address: use the client code, such as A123456",
  notBase32: "is not base32, which has only the letters A to Z and the digits 2 to 7",
  pasted: "is too short for a TOTP secret: use the secret of the QR code, not a code from the app",
  needsHost: "must be https with a host name: the broker refuses http, localhost and bare IP addresses"
}
