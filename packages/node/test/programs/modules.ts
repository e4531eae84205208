/** Prints which Effect modules are loaded after a login with `NodeHttpClient`, and after a further GET request. */
import { registerHooks } from "node:module"

const loaded: Array<string> = []
registerHooks({
  load: (url, context, next) => {
    const [, name] = /\/node_modules\/effect\/(?:dist|src)\/(.+)\.[jt]s$/.exec(url) ?? []
    if (name !== undefined) loaded.push(name)
    return next(url, context)
  }
})

// Static imports would load the modules before the hook is registered.
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
