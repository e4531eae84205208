/**
 * Checks the arguments of `Connection.open` and `Connections.open`. TypeScript checks them too, but a program in plain
 * JavaScript can pass any value.
 */
import type * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type * as HttpClient from "effect/http/HttpClient"
import * as Layer from "effect/Layer"
import * as Predicate from "effect/Predicate"
import { Renewal } from "../../broker/Renewal.ts"
import type { BaseOptions } from "./connectionScope.ts"
import * as AuthError from "../../login/AuthError.ts"
import { Authorize } from "../../login/Authorize.ts"
import { Logout } from "../../login/Logout.ts"

// As a type guard, `Layer.isLayer` would replace the type of the layer that it checks.
const isLayer: (value: unknown) => boolean = Layer.isLayer

const rejected = (field: string, problem: string): Effect.Effect<never, AuthError.AuthError> =>
  Effect.fail(AuthError.invalidRequest("connection", "open", field, problem))

/** Fails unless a value is an object. */
export const requireObject = (field: string, value: unknown): Effect.Effect<void, AuthError.AuthError> =>
  Predicate.isObject(value) ? Effect.void : rejected(field, "must be an object")

/** Fails if an option has the wrong type. The types of durations are checked where they are used. */
export const requireOptions = (options: BaseOptions & { readonly codes?: unknown }) => {
  const { client, codes, key, vault } = { ...options }
  const layers = Object.entries({ client, key, vault })
  const wrong = layers.find(([, value]) => value !== undefined && !isLayer(value))
  if (wrong !== undefined) return rejected(wrong[0], "must be a layer")
  return codes === undefined || Predicate.isFunction(codes)
    ? requireObject("options", options)
    : rejected("codes", "must be a function that returns the one-time code")
}

const notLoginLayer = AuthError.invalidRequest(
  "connection",
  "open",
  "layer",
  "is not the layer of a login method: pass a layer such as AngelAuth.layerConfig()"
)

const isComplete = ({ mapUnsafe }: Context.Context<never>): boolean =>
  [Renewal, Logout, Authorize].every(({ key }) => mapUnsafe.has(key))

/** Makes a layer that fails if `layer` is not a layer, or does not provide the services of a login method. */
export const requireLogin = <Services, E>(
  layer: Layer.Layer<Services, E, HttpClient.HttpClient>
): Layer.Layer<Services, E | AuthError.AuthError, HttpClient.HttpClient> =>
  isLayer(layer)
    ? Layer.flatMap(layer, (context) =>
        isComplete(context) ? Layer.succeedContext(context) : Layer.effectContext(Effect.fail(notLoginLayer))
      )
    : Layer.effectContext(Effect.fail(notLoginLayer))
