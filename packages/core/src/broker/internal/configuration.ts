import * as Config from "effect/Config"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as AuthError from "../../login/AuthError.ts"

export const readVariable = (broker: string, name: string) =>
  Effect.mapError(Effect.map(Config.option(Config.Redacted(name)), Option.getOrUndefined), () =>
    AuthError.invalidRequest(broker, "credentials", name, "could not be read from the configuration")
  )
