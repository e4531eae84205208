/** Tries a login with `AngelAuth` that must fail, and returns the failure as text. */
import * as AngelAuth from "@auth/angel/AngelAuth"
import * as CodeSource from "@auth/broker-core/login/CodeSource"
import * as Login from "@auth/broker-core/login/Login"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as FetchHttpClient from "effect/http/FetchHttpClient"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import { inspect } from "node:util"
import { servePeer } from "./peer.ts"

export interface Attempt {
  readonly root: string
  readonly clientCode: string
  readonly pin: string
  readonly apiKey: string
  readonly code: string
}

export interface Failed {
  readonly reason: string
  readonly message: string
  readonly shown: string
}

const attempt = async ({ apiKey, clientCode, code, pin, root }: Attempt): Promise<Failed> => {
  const angel = AngelAuth.layer({
    origins: { api: root },
    credentials: {
      clientCode,
      pin: Redacted.make(pin),
      apiKey: Redacted.make(apiKey),
      totp: CodeSource.fixed(Redacted.make(code))
    }
  }).pipe(Layer.provide(FetchHttpClient.layer))
  const exit = await Effect.runPromiseExit(Login.session.pipe(Effect.provide(angel)))
  if (Exit.isSuccess(exit)) throw new Error("Expected the login to fail, but it succeeded.")
  const error = Cause.squash(exit.cause) as { readonly message: string; readonly reason?: { readonly _tag: string } }
  return {
    reason: error.reason?._tag ?? "none",
    message: error.message,
    shown: [Cause.pretty(exit.cause), inspect(exit, { depth: 20, showHidden: true }), JSON.stringify(exit)].join("\n")
  }
}

if (process.send !== undefined) servePeer(attempt)
