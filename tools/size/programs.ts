/** The programs whose bundles are measured. Users could write such programs. */
import type { Broker } from "@auth/broker-core/broker/Broker"
import { listed, type Listed } from "../docs/wiring.ts"

const login = (broker: string, prefix: string): string => `
import * as Auth from "@auth/${broker}/${prefix}Auth"
import * as FetchClient from "@auth/broker-core/broker/FetchClient"
import * as Login from "@auth/broker-core/login/Login"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"

export const login = (credentials) =>
  Effect.runPromise(
    Effect.provide(Login.login, Auth.layer({ credentials }).pipe(Layer.provide(FetchClient.layer)))
  )
`

const redirectLogin = (broker: string, prefix: string): string => `
import * as Auth from "@auth/${broker}/${prefix}Auth"
import * as FetchClient from "@auth/broker-core/broker/FetchClient"
import * as RedirectLogin from "@auth/broker-core/login/RedirectLogin"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"

export const login = (credentials, callbackOf) =>
  Effect.runPromise(
    Effect.gen(function* () {
      const browser = yield* RedirectLogin.RedirectLogin
      const request = yield* browser.begin
      return yield* browser.complete(request, callbackOf(request))
    }).pipe(Effect.provide(Auth.layer({ credentials }).pipe(Layer.provide(FetchClient.layer))))
  )
`

const managed = `
import * as Auth from "@auth/angel/AngelAuth"
import * as FetchClient from "@auth/broker-core/broker/FetchClient"
import * as SessionManager from "@auth/broker-core/session/SessionManager"
import * as Vault from "@auth/broker-core/session/Vault"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"

export const session = (credentials) => {
  const Angel = Auth.layer({ credentials }).pipe(Layer.provide(FetchClient.layer))
  const Sessions = SessionManager.layer().pipe(Layer.provide([Angel, Vault.layerMemory]))
  return Effect.runPromise(Effect.provide(SessionManager.session, Sessions))
}
`

const usesBrowser = async ({ id, name }: Listed): Promise<boolean> => {
  const file = new URL(`../../packages/${id}/src/${name}Broker.ts`, import.meta.url)
  const { broker } = (await import(file.href)) as { readonly broker: Broker }
  return broker.methods[0]?.capabilities.includes("RedirectLogin") === true
}

const programOf = async (broker: Listed): Promise<readonly [id: string, program: string]> => {
  const make = (await usesBrowser(broker)) ? redirectLogin : login
  return [broker.id, make(broker.id, broker.name)]
}

export const programs: Readonly<Record<string, string>> = {
  ...Object.fromEntries(await Promise.all(listed().map(programOf))),
  "angel-managed": managed
}
