/**
 * Checks the arguments of `Connection.open`, `Connections.open` and the functions of a connection. A program in plain
 * JavaScript can pass any value, and reading a property of the value can throw.
 */
import type * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type * as HttpClient from "effect/http/HttpClient"
import * as Layer from "effect/Layer"
import * as Predicate from "effect/Predicate"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import { Renewal } from "../../broker/Renewal.ts"
import * as AuthError from "../../login/AuthError.ts"
import { Authorize } from "../../login/Authorize.ts"
import { Logout } from "../../login/Logout.ts"

export const unreadable = "cannot be read, because reading a property throws an error: pass plain values"

export const holds = (check: () => boolean): boolean => Result.getOrElse(Result.try(check), () => false)

const isLayer = (value: unknown): boolean => holds(() => Layer.isLayer(value))

const isFunctionOf = (value: object, name: string): boolean =>
  Predicate.hasProperty(value, name) && Predicate.isFunction(value[name])

export const isSignal = (value: unknown): boolean =>
  Predicate.isNullish(value) ||
  holds(
    () =>
      Predicate.hasProperty(value, "aborted") &&
      ["addEventListener", "removeEventListener"].every((name) => isFunctionOf(value, name))
  )

const textOfAddress = (value: unknown): unknown => {
  if (Redacted.isRedacted(value)) return Redacted.value(value)
  return Predicate.isObject(value) && "href" in value ? value["href"] : value
}

export const addressOf = (value: unknown): Redacted.Redacted<string> | undefined => {
  const text = Result.getOrElse(
    Result.try(() => textOfAddress(value)),
    () => undefined
  )
  return Predicate.isString(text) ? Redacted.make(text) : undefined
}

const rejected = (field: string, problem: string): Effect.Effect<never, AuthError.AuthError> =>
  Effect.fail(AuthError.invalidRequest("connection", "open", field, problem))

export const readObject = <A>(field: string, value: A): Effect.Effect<A, AuthError.AuthError> =>
  Effect.flatMap(
    Effect.try({
      try: () => (Predicate.isObject(value) ? { ...value } : undefined),
      catch: () => AuthError.invalidRequest("connection", "open", field, unreadable)
    }),
    (copy) => (copy === undefined ? rejected(field, "must be an object") : Effect.succeed(copy))
  )

export const readOptions = <A extends Readonly<Partial<Record<"client" | "codes" | "key" | "vault", unknown>>>>(
  given: A
): Effect.Effect<A, AuthError.AuthError> =>
  Effect.flatMap(readObject("options", given), (options) => {
    const { client, codes, key, vault } = options
    const layers = Object.entries({ client, key, vault })
    const wrong = layers.find(([, value]) => value !== undefined && !isLayer(value))
    if (wrong !== undefined) return rejected(wrong[0], "must be a layer")
    return codes === undefined || Predicate.isFunction(codes)
      ? Effect.succeed(options)
      : rejected("codes", "must be a function that returns the one-time code")
  })

const notLoginLayer = AuthError.invalidRequest(
  "connection",
  "open",
  "layer",
  "is not the layer of a login method: pass a layer such as AngelAuth.layerConfig()"
)

const isComplete = ({ mapUnsafe }: Context.Context<never>): boolean =>
  [Renewal, Logout, Authorize].every(({ key }) => mapUnsafe.has(key))

export const requireLogin = <Services, E>(
  layer: Layer.Layer<Services, E, HttpClient.HttpClient>
): Layer.Layer<Services, E | AuthError.AuthError, HttpClient.HttpClient> =>
  isLayer(layer)
    ? Layer.flatMap(layer, (context) =>
        isComplete(context) ? Layer.succeedContext(context) : Layer.effectContext(Effect.fail(notLoginLayer))
      )
    : Layer.effectContext(Effect.fail(notLoginLayer))
