/**
 * Logs in to Angel One, and then sends one GET request, both with `NodeHttpClient`. Prints two lists of Effect modules:
 * those that were loaded when the login ended, and those that were loaded when the request ended.
 */
import { registerHooks } from "node:module"

const loaded: Array<string> = []
registerHooks({
  load: (url, context, next) => {
    const [, name] = /\/node_modules\/effect\/(?:dist|src)\/(.+)\.[jt]s$/.exec(url) ?? []
    if (name !== undefined) loaded.push(name)
    return next(url, context)
  }
})

// These imports are dynamic, because static imports would load the modules before the hook is registered.
const AngelAuth = await import("@auth/angel/AngelAuth")
const Login = await import("@auth/broker-core/login/Login")
const NodeHttpClient = await import("@auth/node/NodeHttpClient")
const Effect = await import("effect/Effect")
const Layer = await import("effect/Layer")
const Redacted = await import("effect/Redacted")

const [api = ""] = process.argv.slice(2)

const Angel = AngelAuth.layer({
  credentials: {
    clientCode: "A123456",
    pin: Redacted.make("4711"),
    apiKey: Redacted.make("demoTrd1"),
    totp: Redacted.make("JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP")
  },
  origins: { api }
}).pipe(Layer.provide(NodeHttpClient.layer()))

const { account } = await Effect.runPromise(Effect.provide(Login.session, Angel))
const afterLogin = [...loaded]
const { status } = await Effect.runPromise(
  Effect.scoped(Effect.flatMap(NodeHttpClient.make(), (client) => client.get(api)))
)
console.log(JSON.stringify({ id: account.id, status, afterLogin, afterRequest: loaded }))
