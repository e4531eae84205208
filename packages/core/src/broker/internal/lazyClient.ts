import * as Effect from "effect/Effect"
import type * as HttpClient from "effect/http/HttpClient"
import * as Inspectable from "effect/Inspectable"
import * as Pipeable from "effect/Pipeable"

const TypeId: HttpClient.HttpClient["~effect/http/HttpClient"] = "~effect/http/HttpClient"

const methods = ["get", "query", "head", "post", "patch", "put", "del", "options"] as const

const Loading = Symbol("@auth/broker-core/broker/internal/lazyClient/Loading")

export const load = (client: HttpClient.HttpClient): Effect.Effect<unknown> =>
  Loading in client ? (client[Loading] as Effect.Effect<HttpClient.HttpClient>) : Effect.void

export const lazyClient = (client: Effect.Effect<HttpClient.HttpClient>): HttpClient.HttpClient => {
  const pass =
    <Args extends ReadonlyArray<unknown>, A, E>(
      use: (client: HttpClient.HttpClient, ...args: Args) => Effect.Effect<A, E>
    ) =>
    (...args: Args) =>
      Effect.flatMap(client, (found) => use(found, ...args))
  return Object.assign(
    Object.create({ ...Inspectable.BaseProto, ...Pipeable.Prototype, toJSON: () => ({ _id: "effect/HttpClient" }) }),
    {
      [TypeId]: TypeId,
      [Loading]: client,
      preprocess: pass(({ preprocess }, request: Parameters<typeof preprocess>[0]) => preprocess(request)),
      postprocess: pass(({ postprocess }, request: Parameters<typeof postprocess>[0]) => postprocess(request)),
      execute: pass((found, request: Parameters<typeof found.execute>[0]) => found.execute(request)),
      ...Object.fromEntries(
        methods.map((method) => [
          method,
          pass((found, ...args: Parameters<HttpClient.HttpClient["get"]>) => found[method](...args))
        ])
      )
    }
  )
}
