import type { Field } from "@auth/broker-core/broker/Credentials"
import * as Credentials from "@auth/broker-core/broker/Credentials"
import * as AuthError from "@auth/broker-core/login/AuthError"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Effect from "effect/Effect"
import type * as Redacted from "effect/Redacted"
import * as connect from "./connect.ts"
import * as references from "./references.ts"

type Values = Readonly<Record<string, Redacted.Redacted<string>>>

/**
 * This environment variable contains the names of other variables. `Credentials.fromConfig` marks the values of those
 * variables as verbatim.
 */
export const verbatim = "BROKER_AUTH_VERBATIM"

/** `verbatimNames` has one key, `BROKER_AUTH_VERBATIM`, or is empty. */
export const problemOf = (
  broker: string,
  field: Field,
  value: Redacted.Redacted<string>,
  verbatimNames: Values
): Effect.Effect<string | undefined> =>
  Effect.gen(function* () {
    const resolved = yield* references.resolve(value)
    yield* Effect.provide(
      Credentials.fromConfig(broker, { value: field }),
      ConfigProvider.layer(connect.providerOf({ ...verbatimNames, [field.env]: resolved }))
    )
    return undefined
  }).pipe(
    Effect.catch((error) =>
      Effect.succeed(
        AuthError.isAuthError(error) && error.reason._tag === "InvalidRequest"
          ? error.reason.problems.map(({ problem }) => problem).join("; ")
          : error.message
      )
    )
  )
