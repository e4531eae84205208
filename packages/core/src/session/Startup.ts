/**
 * Collects the errors at the start of a program into one error. For example, this error reports missing credentials and
 * a missing vault key together.
 *
 * @since 0.1.0
 */
import * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"

/**
 * The fields that each error of a layer must have. `AuthError` and `VaultError` have them.
 *
 * @category models
 * @since 0.1.0
 */
export interface Failure {
  /** Text for the user: what happened, and what to do now. */
  readonly message: string
  /** Text for the user: what to do now. */
  readonly remedy: string
  /** Why the layer failed. */
  readonly reason: { readonly _tag: string }
  /** Whether a later attempt to build the layer may succeed without a change by the user. */
  readonly isRetryable: boolean
}

/**
 * The error of `mergeAll` if two or more layers fail. `message` has one line for each error.
 *
 * @category errors
 * @since 0.1.0
 */
export class StartupError<E extends Failure = Failure> extends Data.TaggedError("StartupError")<{
  /** The errors, in the order of the layers. */
  readonly errors: readonly [E, E, ...ReadonlyArray<E>]
}> {
  override get message(): string {
    return this.errors.map(({ message }) => message).join("\n")
  }
  /** Text for the user: what to do now. */
  get remedy(): string {
    return this.errors.map(({ remedy }) => remedy).join(" ")
  }
  /** The reason of the first error. */
  get reason(): E["reason"] {
    return this.errors[0].reason
  }
  /** Whether a later attempt to build the layers may succeed without a change by the user. */
  get isRetryable(): boolean {
    return this.errors.every(({ isRetryable }) => isRetryable)
  }
}

const failure = <E extends Failure>(causes: ReadonlyArray<Cause.Cause<E>>): Cause.Cause<E | StartupError<E>> => {
  const reasons = causes.flatMap((cause) => cause.reasons)
  const [first, second, ...others] = reasons.filter(Cause.isFailReason).map(({ error }) => error)
  return reasons.every(Cause.isFailReason) && first !== undefined && second !== undefined
    ? Cause.fail(new StartupError<E>({ errors: [first, second, ...others] }))
    : Cause.fromReasons(reasons)
}

const merge = <A, E extends Failure, R>(
  layers: ReadonlyArray<Layer.Layer<A, E, R>>
): Layer.Layer<A, E | StartupError<E>, R> =>
  Layer.fromBuildMemo<A, E | StartupError<E>, R>((memoMap, scope) =>
    Effect.gen(function* () {
      const build = (layer: Layer.Layer<A, E, R>) => Effect.exit(Layer.buildWithMemoMap(layer, memoMap, scope))
      const exits = yield* Effect.forEach(layers, build, { concurrency: "unbounded" })
      const causes = exits.filter(Exit.isFailure).map(({ cause }) => cause)
      if (causes.length > 0) return yield* Effect.failCause(failure(causes))
      return Context.mergeAll(...exits.filter(Exit.isSuccess).map(({ value }) => value))
    })
  )

type AnyLayer = Layer.Layer<never, Failure, unknown>

/**
 * Merges layers like `Layer.mergeAll`, but does not stop at the first failure. If only one layer fails, the error is
 * the error of that layer. If several layers fail, the error is a `StartupError` with all their errors.
 *
 * @example
 * ```ts
 * import * as AngelAuth from "@auth/angel/AngelAuth"
 * import * as SessionManager from "@auth/broker-core/session/SessionManager"
 * import * as Startup from "@auth/broker-core/session/Startup"
 * import * as NodeVault from "@auth/node/NodeVault"
 * import * as NodeVaultKey from "@auth/node/NodeVaultKey"
 * import * as ConfigProvider from "effect/ConfigProvider"
 * import * as Effect from "effect/Effect"
 * import * as FetchHttpClient from "effect/http/FetchHttpClient"
 * import * as Layer from "effect/Layer"
 *
 * const Vault = Layer.provide(NodeVault.layer(), NodeVaultKey.layerConfig())
 *
 * const Sessions = SessionManager.layer().pipe(
 *   Layer.provide(Startup.mergeAll(AngelAuth.layerConfig(), Vault)),
 *   Layer.provide(FetchHttpClient.layer)
 * )
 *
 * const empty = ConfigProvider.layer(ConfigProvider.fromUnknown({}))
 *
 * const program = Effect.gen(function* () {
 *   const error = yield* Effect.flip(Effect.provide(SessionManager.session, Layer.provide(Sessions, empty)))
 *   error.message.split("\n").length // => 2
 * })
 * ```
 *
 * @category layers
 * @since 0.1.0
 */
export const mergeAll = <Layers extends readonly [AnyLayer, ...ReadonlyArray<AnyLayer>]>(
  ...layers: Layers
): Layer.Layer<
  Layer.Success<Layers[number]>,
  Layer.Error<Layers[number]> | StartupError<Layer.Error<Layers[number]>>,
  Layer.Services<Layers[number]>
> =>
  merge(
    layers as unknown as ReadonlyArray<
      Layer.Layer<Layer.Success<Layers[number]>, Layer.Error<Layers[number]>, Layer.Services<Layers[number]>>
    >
  )
