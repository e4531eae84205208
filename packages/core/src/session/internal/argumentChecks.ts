/**
 * Checks arguments of the functions of a connection. TypeScript checks them too, but a program in plain JavaScript can
 * pass any value.
 */
import type * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type * as HttpClient from "effect/http/HttpClient"
import * as Layer from "effect/Layer"
import * as Predicate from "effect/Predicate"
import { Renewal } from "../../broker/Renewal.ts"
import * as AuthError from "../../login/AuthError.ts"
import { Authorize } from "../../login/Authorize.ts"
import { Logout } from "../../login/Logout.ts"

/** Fails unless a value is an object. */
export const requireObject = (field: string, value: unknown): Effect.Effect<void, AuthError.AuthError> =>
  Predicate.isObject(value)
    ? Effect.void
    : Effect.fail(AuthError.invalidRequest("connection", "open", field, "must be an object"))

const notLoginLayer = AuthError.invalidRequest(
  "connection",
  "open",
  "layer",
  "is not the layer of a login method: pass a layer such as AngelAuth.layerConfig()"
)

const isComplete = ({ mapUnsafe }: Context.Context<never>): boolean =>
  [Renewal, Logout, Authorize].every(({ key }) => mapUnsafe.has(key))

// `Layer.isLayer` would replace the type of the layer.
const isLayer: (value: unknown) => boolean = Layer.isLayer

/** Makes a layer that fails unless `layer` is a layer, and provides the services of a login method. */
export const requireLogin = <Services, E>(
  layer: Layer.Layer<Services, E, HttpClient.HttpClient>
): Layer.Layer<Services, E | AuthError.AuthError, HttpClient.HttpClient> =>
  isLayer(layer)
    ? Layer.flatMap(layer, (context) =>
        isComplete(context) ? Layer.succeedContext(context) : Layer.effectContext(Effect.fail(notLoginLayer))
      )
    : Layer.effectContext(Effect.fail(notLoginLayer))
